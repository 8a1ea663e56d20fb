package schema

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// orderContract is the schema of the benchmarks: an order of about 2 KB.
const orderContract = `{
	"type":"object","additionalProperties":false,"required":["id","created","customer","items","currency","status"],
	"properties":{
		"id":{"type":"string","format":"uuid"},
		"created":{"type":"string","format":"date-time"},
		"currency":{"type":"string","pattern":"^[A-Z]{3}$"},
		"status":{"enum":["open","paid","sent","done","cancelled"]},
		"customer":{"$ref":"#/$defs/customer"},
		"items":{"type":"array","minItems":1,"maxItems":100,"items":{"$ref":"#/$defs/item"}},
		"total":{"type":"number","minimum":0},
		"tags":{"type":"array","items":{"type":"string","maxLength":20},"uniqueItems":true},
		"note":{"type":["string","null"],"maxLength":500}
	},
	"$defs":{
		"customer":{"type":"object","required":["name","email"],"additionalProperties":false,"properties":{
			"name":{"type":"string","minLength":1,"maxLength":100},"email":{"type":"string","format":"email"},
			"address":{"type":"object","additionalProperties":false,"properties":{"street":{"type":"string"},"city":{"type":"string"},
				"zip":{"type":"string","maxLength":10},"country":{"type":"string","minLength":2,"maxLength":2}}}}},
		"item":{"type":"object","required":["sku","quantity","price"],"additionalProperties":false,"properties":{
			"sku":{"type":"string","pattern":"^[A-Z]{2}-[0-9]+$"},"quantity":{"type":"integer","minimum":1,"maximum":1000},
			"price":{"type":"number","minimum":0,"multipleOf":0.01},"title":{"type":"string","maxLength":200},
			"gift":{"type":"boolean"}}}
	}}`

// orderBody is an order of n items.
func orderBody(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":"8c6f1a52-6f0e-4d0e-9d7a-3b1d2c4e5f60","created":"2026-11-22T10:31:07Z","currency":"EUR","status":"open",` +
		`"customer":{"name":"Ada Lovelace","email":"ada@example.com","address":{"street":"12 St James's Square","city":"London","zip":"SW1Y 4JH","country":"GB"}},"items":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sku":"AB-%d","quantity":%d,"price":%d.95,"title":"A thing that one can order, number %d","gift":false}`, 1000+i, i+1, 10+i, i)
	}
	b.WriteString(`],"total":1234.5,"tags":["new","vip","web"],"note":null}`)
	return b.Bytes()
}

func TestTheBenchmarkBodyIsRefusedWhenOneLeafIsSpoiled(t *testing.T) {
	t.Parallel()
	op := post(jsonMedia(mustSchema(t, orderContract)))
	body := string(orderBody(15))
	if dst, _ := readBody(t, op, "application/json", body); len(dst.Violations)+len(dst.Marks) > 0 {
		t.Fatalf("the body is not lawful: %v %v", said(dst), dst.Marks)
	}
	spoiled := bytes.Replace([]byte(body), []byte(`"quantity":9,`), []byte(`"quantity":0,`), 1)
	if dst, _ := readBody(t, op, "application/json", string(spoiled)); len(dst.Violations) != 1 {
		t.Errorf("the spoiled body gives %v", said(dst))
	}
}

func benchmarkBody(b *testing.B, body []byte) {
	long := strings.Replace(orderContract, `"maxItems":100`, `"maxItems":1000`, 1)
	q, _ := CompileRequest(post(jsonMedia(mustSchema(b, long))), Options{})
	var dst risk.Reading
	in := Body{Bytes: body, Type: "application/json"}
	q.Media(&dst, "application/json", true)
	q.Body(&dst, &in) // programs are compiled when the first body comes
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		dst.Reset()
		if q.Media(&dst, "application/json", true) != Inspect {
			b.Fatal("not inspected")
		}
		q.Body(&dst, &in)
		if len(dst.Violations) > 0 {
			b.Fatal(said(&dst))
		}
	}
}

func BenchmarkOrderOf2KB(b *testing.B)  { benchmarkBody(b, orderBody(15)) }
func BenchmarkOrderOf10KB(b *testing.B) { benchmarkBody(b, orderBody(90)) }

func BenchmarkOrderOf100KB(b *testing.B) { benchmarkBody(b, orderBody(890)) }

func BenchmarkJSONReaderAlone(b *testing.B) {
	body := orderBody(15)
	r := newRun()
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if !r.verdict(b, nil, body) {
			b.Fatal("no JSON")
		}
	}
}

func BenchmarkGETWithParameters(b *testing.B) {
	param := func(name string, in contract.In, schema string) *contract.Parameter {
		return &contract.Parameter{Name: name, In: in, Style: contract.Form, Explode: true, Required: true, Schema: mustSchema(b, schema)}
	}
	q, _ := CompileRequest(&contract.Operation{Method: "GET", Path: "/orders/{id}", Parameters: []*contract.Parameter{
		{Name: "id", In: contract.InPath, Required: true, Schema: mustSchema(b, `{"type":"integer","minimum":1}`)},
		param("page", contract.InQuery, `{"type":"integer","minimum":1,"maximum":1000}`),
		param("sort", contract.InQuery, `{"enum":["name","date"]}`),
		param("status", contract.InQuery, `{"type":"array","items":{"enum":["open","paid"]}}`),
		param("X-Trace", contract.InHeader, `{"type":"string","format":"uuid"}`),
	}}, Options{})
	m := HeadView{
		Path:  []risk.PathParam{{Name: "id", Text: "42", Raw: "42"}},
		Query: query(b, "page=2&sort=date&status=open&status=paid"),
		Fields: risk.Fields{{Name: "Accept", Value: "*/*"}, {Name: "User-Agent", Value: "bench"},
			{Name: "x-trace", Value: "8c6f1a52-6f0e-4d0e-9d7a-3b1d2c4e5f60"}},
	}
	var dst risk.Reading
	b.ReportAllocs()
	for b.Loop() {
		dst.Reset()
		q.Head(&dst, &m)
		if len(dst.Violations) > 0 {
			b.Fatal(said(&dst))
		}
	}
}
