package schema

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
)

// said is a Reading as one text a violation, for comparisons.
func said(r *risk.Reading) []string {
	out := []string{}
	for _, v := range r.Violations {
		name := ""
		if v.Name != "" {
			name = " " + v.Name
		}
		out = append(out, fmt.Sprintf("%s %s%s %q %s", className(v.Class), v.In, name, v.Pointer, v.Rule))
	}
	return out
}

func className(c risk.Class) string {
	switch c {
	case risk.BadValue:
		return "value"
	case risk.BadSyntax:
		return "syntax"
	case risk.Undeclared:
		return "undeclared"
	case risk.WrongMedia:
		return "media"
	case risk.UndeclaredStatus:
		return "status"
	case risk.Unchecked:
		return "unchecked"
	}
	return "none"
}

func marked(r *risk.Reading, body string) []string {
	out := []string{}
	for _, m := range r.Marks {
		kind := map[risk.MarkKind]string{
			risk.UndeclaredClosed: "closed", risk.UndeclaredOpen: "open", risk.UndeclaredSilent: "silent",
			risk.ReadOnlyMember: "readOnly", risk.WriteOnlyMember: "writeOnly", risk.SensitiveMember: "sensitive",
		}[m.Kind]
		out = append(out, fmt.Sprintf("%s %s %s", kind, m.Pointer, body[m.Start:m.End]))
	}
	return out
}

// query parses a query as the gateway does.
func query(t testing.TB, raw string) []canon.Pair {
	t.Helper()
	q, err := canon.Query(raw, nil)
	if err != nil {
		t.Fatalf("query %q: %v", raw, err)
	}
	return q.Pairs
}

func jsonMedia(s *contract.Schema) *contract.Media {
	return &contract.Media{Type: "application/json", Schema: s}
}

func post(media ...*contract.Media) *contract.Operation {
	return &contract.Operation{Method: "POST", Path: "/x", Body: &contract.Body{Required: true, Media: media}}
}

// readBody runs Media and Body as the gateway does.
func readBody(t testing.TB, op *contract.Operation, contentType, body string) (*risk.Reading, BodyPlan) {
	t.Helper()
	q, list := CompileRequest(op, Options{})
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	var dst risk.Reading
	media := strings.ToLower(strings.TrimSpace(strings.Split(contentType, ";")[0]))
	plan := q.Media(&dst, media, body != "")
	if plan == Inspect {
		q.Body(&dst, &Body{Bytes: []byte(body), Type: contentType})
	}
	return &dst, plan
}

func TestParametersInEveryStyle(t *testing.T) {
	t.Parallel()
	const (
		integer  = `{"type":"integer"}`
		integers = `{"type":"array","items":{"type":"integer"}}`
		color    = `{"type":"object","properties":{"R":{"type":"integer"},"G":{"type":"integer"}},"additionalProperties":false}`
	)
	for _, c := range []struct {
		name    string
		in      contract.In
		style   contract.Style
		explode bool
		schema  string
		text    string // a path segment, a raw query, a header or a cookie
		want    []string
	}{
		{"a simple integer", contract.InPath, contract.Simple, false, integer, "5", nil},
		{"a word is no integer", contract.InPath, contract.Simple, false, integer, "five", []string{`value path p "" type`}},
		{"1.0 is an integer", contract.InPath, contract.Simple, false, integer, "1.0", nil},
		{"leading zeros are no JSON number", contract.InPath, contract.Simple, false, integer, "007", []string{`value path p "" type`}},
		{"a simple list", contract.InPath, contract.Simple, false, integers, "3,4,5", nil},
		{"a simple list with a word", contract.InPath, contract.Simple, false, integers, "3,x", []string{`value path p "/1" type`}},
		{"a simple object", contract.InPath, contract.Simple, false, color, "R,100,G,200", nil},
		{"a simple object of odd length", contract.InPath, contract.Simple, false, color, "R,100,G", []string{`syntax path p "" style`}},
		{"a simple exploded object", contract.InPath, contract.Simple, true, color, "R=100,G=200", nil},
		{"a simple exploded object with an unknown name", contract.InPath, contract.Simple, true, color, "R=100,X=1",
			[]string{`value path p "/X" additionalProperties`}},
		{"a label", contract.InPath, contract.Label, false, integer, ".5", nil},
		{"a label without its dot", contract.InPath, contract.Label, false, integer, "5", []string{`syntax path p "" style`}},
		{"a label list", contract.InPath, contract.Label, false, integers, ".3,4", nil},
		{"an exploded label list", contract.InPath, contract.Label, true, integers, ".3.4", nil},
		{"an exploded label object", contract.InPath, contract.Label, true, color, ".R=100.G=x", []string{`value path p "/G" type`}},
		{"a matrix", contract.InPath, contract.Matrix, false, integer, ";p=5", nil},
		{"a matrix of another name", contract.InPath, contract.Matrix, false, integer, ";q=5", []string{`syntax path p "" style`}},
		{"a matrix list", contract.InPath, contract.Matrix, false, integers, ";p=3,4", nil},
		{"an exploded matrix list", contract.InPath, contract.Matrix, true, integers, ";p=3;p=x", []string{`value path p "/1" type`}},
		{"an exploded matrix object", contract.InPath, contract.Matrix, true, color, ";R=1;G=2", nil},
		{"a query", contract.InQuery, contract.Form, true, integer, "p=5", nil},
		{"a query twice", contract.InQuery, contract.Form, true, integer, "p=5&p=6", []string{`value query p "" duplicate`}},
		{"a query missing", contract.InQuery, contract.Form, true, integer, "", []string{`value query p "" required`}},
		{"a query undeclared", contract.InQuery, contract.Form, true, integer, "p=5&q=6", []string{`undeclared query q "" undeclared`}},
		{"an exploded list", contract.InQuery, contract.Form, true, integers, "p=5&p=6&p=x", []string{`value query p "/2" type`}},
		{"a list of one", contract.InQuery, contract.Form, true, integers, "p=5", nil},
		{"a list with commas", contract.InQuery, contract.Form, false, integers, "p=5,6,x", []string{`value query p "/2" type`}},
		{"a list with encoded commas", contract.InQuery, contract.Form, false, integers, "p=5%2C6", nil},
		{"an encoded comma beside a plain one belongs to its part", contract.InQuery, contract.Form, false,
			`{"type":"array","items":{"enum":["a,b","c"]}}`, "p=a%2Cb,c", nil},
		{"a space delimited list", contract.InQuery, contract.SpaceDelimited, false, integers, "p=5%206", nil},
		{"a pipe delimited list", contract.InQuery, contract.PipeDelimited, false, integers, "p=5%7C6", nil},
		{"a pipe delimited list with a word", contract.InQuery, contract.PipeDelimited, false, integers, "p=5%7Cx", []string{`value query p "/1" type`}},
		{"a tab separated list", contract.InQuery, contract.TSV, false, integers, "p=5%096", nil},
		{"a form object", contract.InQuery, contract.Form, false, color, "p=R,1,G,2", nil},
		{"an exploded form object", contract.InQuery, contract.Form, true, color, "R=1&G=x", []string{`value query p "/G" type`}},
		{"an exploded form object with an unknown name", contract.InQuery, contract.Form, true, color, "R=1&X=1", []string{`undeclared query X "" undeclared`}},
		{"an exploded open object owns the rest", contract.InQuery, contract.Form, true,
			`{"type":"object","additionalProperties":{"type":"integer"}}`, "a=1&b=x", []string{`value query p "/b" type`}},
		{"a deep object", contract.InQuery, contract.DeepObject, true, color, "p[R]=1&p[G]=2", nil},
		{"a deep object with a word", contract.InQuery, contract.DeepObject, true, color, "p[R]=x", []string{`value query p "/R" type`}},
		{"a deep object with an unknown name", contract.InQuery, contract.DeepObject, true, color, "p[X]=1", []string{`value query p "/X" additionalProperties`}},
		{"a deep object with a member twice", contract.InQuery, contract.DeepObject, true, color, "p[R]=1&p[R]=2", []string{`value query p "" duplicate`}},
		{"a deep object with a broken name", contract.InQuery, contract.DeepObject, true, color, "p[R=1", []string{`syntax query p "" style`}},
		{"a deep object in a deep object", contract.InQuery, contract.DeepObject, true,
			`{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"integer"}}}}}`, "p[a][b]=x", []string{`value query p "/a/b" type`}},
		{"a deep object with a list", contract.InQuery, contract.DeepObject, true,
			`{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}}}`, "p[a][]=1&p[a][]=2", nil},
		{"null, boolean, number and string in turn", contract.InQuery, contract.Form, true, `{"type":["null","boolean","number"]}`, "p=true", nil},
		{"a string that looks like a number stays one", contract.InQuery, contract.Form, true, `{"type":"string"}`, "p=12", nil},
		{"an enum of numbers without a type", contract.InQuery, contract.Form, true, `{"enum":[1,2]}`, "p=2", nil},
		{"an enum of numbers without a type refuses", contract.InQuery, contract.Form, true, `{"enum":[1,2]}`, "p=3", []string{`value query p "" enum`}},
		{"a string or a list, as a string", contract.InQuery, contract.Form, true,
			`{"oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}`, "p=a", nil},
		{"a string or a list, as a list", contract.InQuery, contract.Form, true,
			`{"oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}`, "p=a&p=b", nil},
		{"a header", contract.InHeader, contract.Simple, false, integer, "5", nil},
		{"a header list", contract.InHeader, contract.Simple, false, integers, "5, 6", nil},
		{"a header list with a word", contract.InHeader, contract.Simple, false, integers, "5, x", []string{`value header p "/1" type`}},
		{"an exploded header object", contract.InHeader, contract.Simple, true, color, "R=1,G=x", []string{`value header p "/G" type`}},
		{"a cookie", contract.InCookie, contract.Form, false, integer, "a=b; p=5", nil},
		{"a cookie with a word", contract.InCookie, contract.Form, false, integer, "p=x", []string{`value cookie p "" type`}},
		{"a cookie twice", contract.InCookie, contract.Form, false, integer, "p=1; p=2", []string{`value cookie p "" duplicate`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := &contract.Parameter{Name: "p", In: c.in, Required: true, Style: c.style, Explode: c.explode, Schema: mustSchema(t, c.schema)}
			q, list := CompileRequest(&contract.Operation{Parameters: []*contract.Parameter{p}}, Options{})
			if err := list.Err(); err != nil {
				t.Fatal(err)
			}
			var m HeadView
			switch c.in {
			case contract.InPath:
				text, err := url.PathUnescape(c.text)
				if err != nil {
					t.Fatal(err)
				}
				m.Path = []risk.PathParam{{Name: "p", Text: text, Raw: c.text}}
			case contract.InQuery:
				m.Query = query(t, c.text)
			case contract.InHeader:
				m.Fields = risk.Fields{{Name: "P", Value: c.text}}
			case contract.InCookie:
				m.Fields = risk.Fields{{Name: "cookie", Value: c.text}}
			case contract.InBody:
			}
			var dst risk.Reading
			q.Head(&dst, &m)
			want := c.want
			if want == nil {
				want = []string{}
			}
			if diff := cmp.Diff(want, said(&dst)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParametersOfAMediaTypeAndTheirExceptions(t *testing.T) {
	t.Parallel()
	str := mustSchema(t, `{"type":"string","minLength":1}`)
	op := &contract.Operation{Parameters: []*contract.Parameter{
		{Name: "filter", In: contract.InQuery, Content: jsonMedia(mustSchema(t, `{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}}}`))},
		{Name: "empty", In: contract.InQuery, Schema: str, AllowEmptyValue: true},
		{Name: "Accept", In: contract.InHeader, Required: true, Schema: str},
	}, Security: []contract.Requirement{{Parts: []contract.Required{{Scheme: &contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Field: "api_key"}}}}}}
	q, _ := CompileRequest(op, Options{})
	for raw, want := range map[string][]string{
		"":                                       {},
		"api_key=x":                              {},
		"empty=":                                 {},
		"filter=%7B%22a%22%3A1%7D":               {},
		"filter=%7B%22a%22%3A%22%22%7D":          {`value query filter "/a" type`},
		"filter=%7B%7D":                          {`value query filter "/a" required`},
		"filter=%7B":                             {`syntax query filter "" syntax`},
		"filter=%7B%22a%22%3A1%2C%22a%22%3A2%7D": {`syntax query filter "" syntax`},
	} {
		var dst risk.Reading
		q.Head(&dst, &HeadView{Query: query(t, raw)})
		if diff := cmp.Diff(want, said(&dst)); diff != "" {
			t.Errorf("%s: %s", raw, diff)
		}
	}
}

const orderSchema = `{
	"type":"object","required":["id","kind","items"],
	"properties":{
		"id":{"type":"integer","readOnly":true},
		"kind":{"enum":["gift","sale"]},
		"pin":{"type":"string","format":"password","writeOnly":true},
		"note":{"type":"string","maxLength":5},
		"items":{"type":"array","minItems":1,"items":{"type":"object","required":["sku"],"additionalProperties":false,
			"properties":{"sku":{"type":"string","pattern":"^[A-Z]{2}-\\d+$"},"n":{"type":"integer","minimum":1}}}},
		"meta":{"type":"object","additionalProperties":{"type":"string"}},
		"any":{"type":"object","additionalProperties":true}
	}}`

func TestJSONBodiesAreReadOnce(t *testing.T) {
	t.Parallel()
	op := post(jsonMedia(mustSchema(t, orderSchema)))
	for _, c := range []struct {
		name, body string
		want       []string
		marks      []string
	}{
		{"a lawful order", `{"kind":"gift","items":[{"sku":"AB-1","n":2}]}`, nil, nil},
		{"a missing name", `{"kind":"gift"}`, []string{`value body "/items" required`}, nil},
		{"a wrong value deep below", `{"kind":"gift","items":[{"sku":"AB-1"},{"sku":"x","n":0}]}`,
			[]string{`value body "/items/1/sku" pattern`, `value body "/items/1/n" minimum`}, nil},
		{"a readOnly member is marked", `{"id":7,"kind":"gift","items":[{"sku":"AB-1"}]}`, nil, []string{`readOnly /id "id":7`}},
		{"a silent name is marked", `{"kind":"gift","items":[{"sku":"AB-1"}],"admin":true}`, nil, []string{`silent /admin "admin":true`}},
		{"a closed name is refused and marked", `{"kind":"gift","items":[{"sku":"AB-1","admin":{}}]}`,
			[]string{`value body "/items/0/admin" additionalProperties`}, []string{`closed /items/0/admin "admin":{}`}},
		{"open names are marked", `{"kind":"gift","items":[{"sku":"AB-1"}],"meta":{"a":"b"},"any":{"x":{"y":1}}}`, nil,
			[]string{`open /meta/a "a":"b"`, `open /any/x "x":{"y":1}`}},
		{"a password is sensitive", `{"kind":"gift","items":[{"sku":"AB-1"}],"pin":"1"}`, nil, []string{`sensitive /pin "pin":"1"`}},
		{"lengths count characters", `{"kind":"gift","items":[{"sku":"AB-1"}],"note":"ééééé"}`, nil, nil},
		{"an escape counts as what it stands for", `{"kind":"gift","items":[{"sku":"AB-1"}],"note":"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"}`,
			[]string{`value body "/note" maxLength`}, nil},
		{"a name with an escape is the same name", `{"k\u0069nd":"nope","items":[{"sku":"AB-1"}]}`, []string{`value body "/kind" enum`}, nil},
		{"a name twice", `{"kind":"gift","kind":"sale","items":[{"sku":"AB-1"}]}`, []string{`syntax body "" syntax`}, nil},
		{"names are exact", `{"Kind":"gift","items":[{"sku":"AB-1"}]}`, []string{`value body "/kind" required`}, []string{`silent /Kind "Kind":"gift"`}},
		{"no object", `[1]`, []string{`value body "" type`}, nil},
		{"no JSON", `kind=gift`, []string{`syntax body "" syntax`}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dst, plan := readBody(t, op, "application/json; charset=UTF-8", c.body)
			if plan != Inspect {
				t.Fatalf("plan %v", plan)
			}
			want, marks := append([]string{}, c.want...), append([]string{}, c.marks...)
			if diff := cmp.Diff(want, said(dst)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(marks, marked(dst, c.body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRepliesAreReadInTheirDirection(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Method: "GET", Replies: []*contract.Reply{
		{Code: 200, Media: []*contract.Media{jsonMedia(mustSchema(t, orderSchema))}, Headers: []*contract.Parameter{
			{Name: "X-Total", In: contract.InHeader, Required: true, Schema: mustSchema(t, `{"type":"integer"}`)},
		}},
		{Code: 204},
		{Code: 4, Range: true, Media: []*contract.Media{{Type: "application/problem+json"}}},
	}}
	q, _ := CompileReply(op, Options{})
	lawful := `{"id":1,"kind":"gift","items":[{"sku":"AB-1"}]}`
	for _, c := range []struct {
		name   string
		status int
		total  string
		media  string
		body   string
		want   []string
		marks  []string
	}{
		{"a lawful reply", 200, "5", "application/json", lawful, nil, nil},
		{"a readOnly member is required in replies", 200, "5", "application/json", `{"kind":"gift","items":[{"sku":"AB-1"}]}`,
			[]string{`value body "/id" required`}, nil},
		{"a writeOnly member is marked", 200, "5", "application/json", `{"id":1,"kind":"gift","items":[{"sku":"AB-1"}],"pin":"x"}`, nil,
			[]string{`writeOnly /pin "pin":"x"`, `sensitive /pin "pin":"x"`}},
		{"a header of a wrong type", 200, "many", "application/json", lawful, []string{`value header X-Total "" type`}, nil},
		{"a missing header", 200, "", "application/json", lawful, []string{`value header X-Total "" required`}, nil},
		{"another media type", 200, "5", "text/html", "<html>", []string{`media body "" content`}, nil},
		{"an undeclared status", 500, "", "application/json", "{}", []string{`status unknown "" status`}, nil},
		{"no content", 204, "", "", "", nil, nil},
		{"a body where none is declared", 204, "", "", "", nil, nil},
		{"a range", 404, "", "application/problem+json", `{"title":"x"}`, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var dst risk.Reading
			m := &ReplyView{Method: "GET", Status: c.status, Media: c.media, Body: c.body != ""}
			if c.total != "" {
				m.Fields = risk.Fields{{Name: "x-total", Value: c.total}}
			}
			if q.Head(&dst, m) == Inspect {
				q.Body(&dst, &Body{Bytes: []byte(c.body), Type: c.media})
			}
			if diff := cmp.Diff(append([]string{}, c.want...), said(&dst)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(append([]string{}, c.marks...), marked(&dst, c.body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
