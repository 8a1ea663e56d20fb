package schema

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"mime/multipart"
	"net/url"
	"testing"

	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// FuzzBody holds what is said of a body to the body: marks are spans of it, in
// order, that can be cut; violations point into it.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"id":7,"kind":"gift","items":[{"sku":"AB-1","x":1}],"meta":{"a":"b"},"pin":"1","admin":[{}]}`))
	f.Add([]byte(`{"k\u0069nd":"nope","any":{"a~b/c":{}},"items":[]}`))
	f.Add(orderBody(2))
	q, _ := CompileRequest(post(jsonMedia(mustSchema(f, orderSchema))), Options{})
	fuzzloop.Run(f, func(t *testing.T, body []byte) {
		var dst risk.Reading
		if q.Media(&dst, "application/json", true) != Inspect {
			t.Fatal("not inspected")
		}
		q.Body(&dst, &Body{Bytes: body, Type: "application/json"})
		var d jsonx.Doc
		if err := d.Parse(body); err != nil {
			if len(body) > 0 && !dst.Has(risk.BadSyntax) {
				t.Fatalf("%q: %v, but the reading says %v", body, err, said(&dst))
			}
			return
		}
		var spans []Span
		last := 0
		for _, m := range dst.Marks {
			i := d.Find(m.Pointer)
			if i < 0 || m.Start < last || int(d.Node(i).Start) != m.Value || int(d.Node(i).End) != m.End {
				t.Fatalf("%q: mark %+v", body, m)
			}
			last = m.Start
			spans = append(spans, Span{m.Start, m.End})
		}
		if err := d.Parse(Cut(nil, body, spans)); err != nil {
			t.Fatalf("%q without %v: %v", body, spans, err)
		}
	})
}

// FuzzQuery reads any query in all styles: the same query is always read the
// same way, and what is said names a parameter.
func FuzzQuery(f *testing.F) {
	for _, raw := range []string{"a=1&b=2&b=3", "c=1,2,%2C", "d[x]=1&d[y][z]=2&d[", "e=1%202&f=1%7C2", "R=1&G=2", "j=%7B%7D", "&&=&=a"} {
		f.Add(raw)
	}
	param := func(name string, style contract.Style, explode bool, schema string) *contract.Parameter {
		return &contract.Parameter{Name: name, In: contract.InQuery, Style: style, Explode: explode, Schema: mustSchema(f, schema)}
	}
	list := `{"type":"array","items":{"type":"integer"}}`
	object := `{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"object","properties":{"z":{"type":"integer"}}}}}`
	q, _ := CompileRequest(&contract.Operation{Parameters: []*contract.Parameter{
		param("a", contract.Form, true, `{"type":"integer"}`), param("b", contract.Form, true, list), param("c", contract.Form, false, list),
		param("d", contract.DeepObject, true, object), param("e", contract.SpaceDelimited, false, list), param("f", contract.PipeDelimited, false, list),
		param("g", contract.Form, true, `{"type":"object","properties":{"R":{"type":"integer"},"G":{"type":"integer"}}}`),
		{Name: "j", In: contract.InQuery, Content: jsonMedia(mustSchema(f, object))},
	}}, Options{})
	fuzzloop.Run(f, func(t *testing.T, raw string) {
		parsed, err := canon.Query(raw, nil)
		if err != nil {
			return // no query
		}
		var one, two risk.Reading
		q.Head(&one, &HeadView{Query: parsed.Pairs})
		q.Head(&two, &HeadView{Query: parsed.Pairs})
		if len(one.Violations) != len(two.Violations) {
			t.Fatalf("%q: %v, then %v", raw, said(&one), said(&two))
		}
		for k, v := range one.Violations {
			if v != two.Violations[k] || v.Rule == "" || v.Class == 0 || v.Name == "" && v.Class != risk.Undeclared {
				t.Fatalf("%q: %+v", raw, v)
			}
		}
	})
}

// FuzzMultipart holds the parser of parts to the standard library's: what ours
// accepts, the other reads the same.
func FuzzMultipart(f *testing.F) {
	f.Add([]byte(parts(field("a", "1"), field("b", ""), "Content-Disposition: form-data; name=c; filename=\"x\"\r\nContent-Type: image/png\r\n\r\n\x00\xff")))
	f.Add([]byte("--xx\r\n" + field("a", "1\r\n--x") + "\r\n--xx--"))
	f.Add([]byte("--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--xx--"))
	m := &compiledMedia{media: &contract.Media{Type: "multipart/form-data"}, schema: &root{in: NewPrograms()}, shape: &shape{}, plain: true}
	m.shape.extra = &shape{}
	fuzzloop.Run(f, func(t *testing.T, body []byte) {
		var dst risk.Reading
		r := newRun()
		r.partsBody(&dst, m, mediaType{boundary: "xx", ok: true}, body)
		if len(dst.Violations) > 0 {
			return
		}
		other := multipart.NewReader(bytes.NewReader(body), "xx")
		for k := range r.tree.leaves {
			l := &r.tree.leaves[k]
			p, err := other.NextRawPart()
			if err != nil {
				t.Fatalf("%q: part %d: %v", body, k, err)
			}
			value, err := io.ReadAll(p)
			if err != nil || p.FormName() != l.name || !l.binary && string(value) != l.value {
				t.Fatalf("%q: part %d is %q=%q to us, %q=%q to the other (%v)", body, k, l.name, l.value, p.FormName(), value, err)
			}
		}
		if _, err := other.NextRawPart(); err != io.EOF && len(r.tree.leaves) > 0 {
			t.Fatalf("%q: the other reads on: %v", body, err)
		}
	})
}

// FuzzForm holds the parser of forms to the standard library's.
func FuzzForm(f *testing.F) {
	f.Add([]byte("a=1&b=%41+c&a=2&c"))
	f.Add([]byte("a=%C3%A9&a[b]=1;2"))
	m := &compiledMedia{media: &contract.Media{Type: "application/x-www-form-urlencoded"}, schema: &root{in: NewPrograms()}, shape: &shape{}, plain: true}
	m.shape.extra = &shape{types: contract.ArrayType}
	fuzzloop.Run(f, func(t *testing.T, body []byte) {
		var dst risk.Reading
		r := newRun()
		r.urlBody(&dst, m, mediaType{ok: true}, body)
		if len(dst.Violations) > 0 {
			return
		}
		other, err := url.ParseQuery(string(body))
		if err != nil && !bytes.Contains(body, []byte(";")) {
			t.Fatalf("%q: %v", body, err)
		}
		n := map[string]int{}
		for k := range r.tree.leaves {
			l := &r.tree.leaves[k]
			if err == nil && (n[l.name] >= len(other[l.name]) || other[l.name][n[l.name]] != l.value) {
				t.Fatalf("%q: %q is %q to us, %q to the other", body, l.name, l.value, other[l.name])
			}
			n[l.name]++
		}
	})
}

// FuzzXML holds the XML reader to the standard library's: what ours accepts,
// the other does.
func FuzzXML(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-8"?><a b="1"><!-- c --><d>x &amp; &#x41;</d><e/><![CDATA[ ]] ]]></a>`))
	f.Add([]byte("<a:b xmlns:a='x'>\xc3\xa9</a:b>\n"))
	f.Add([]byte("<!DOCTYPE a><a/>"))
	fuzzloop.Run(f, func(t *testing.T, body []byte) {
		x := xmlReader{rest: body}
		if !utf8.Valid(body) || !x.document() {
			return
		}
		other := xml.NewDecoder(bytes.NewReader(body))
		for {
			_, err := other.RawToken()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatalf("%q: %v", body, err)
			}
		}
	})
}
