package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// formOperation declares every kind of body.
func formOperation(t testing.TB) *contract.Operation {
	t.Helper()
	order := mustSchema(t, `{"type":"object","required":["n"],"additionalProperties":false,"properties":{
		"n":{"type":"integer"},"tags":{"type":"array","items":{"type":"string","maxLength":3}},
		"o":{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}}},
		"ids":{"type":"array","items":{"type":"integer"}},
		"file":{"type":"string","format":"binary","maxLength":8},"pic":{"type":"string","format":"binary"}}}`)
	line := mustSchema(t, `{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}}}`)
	encodings := []contract.Encoding{
		{Name: "ids", Style: contract.PipeDelimited, Styled: true},
		{Name: "pic", ContentType: "image/png, image/*", Headers: []*contract.Parameter{
			{Name: "X-Width", In: contract.InHeader, Required: true, Schema: mustSchema(t, `{"type":"integer"}`)},
		}},
	}
	return post(
		&contract.Media{Type: "application/x-www-form-urlencoded", Schema: order, Encoding: encodings},
		&contract.Media{Type: "multipart/form-data", Schema: order, Encoding: encodings},
		&contract.Media{Type: "application/x-ndjson", Schema: line},
		&contract.Media{Type: "application/json-seq", Schema: mustSchema(t, `{"type":"array","items":{"type":"integer"}}`)},
		&contract.Media{Type: "text/*", Schema: mustSchema(t, `{"type":"string","maxLength":4}`)},
		&contract.Media{Type: "application/xml", Schema: line},
		&contract.Media{Type: "application/vnd.x+json", Schema: line},
		&contract.Media{Type: "application/octet-stream"},
		&contract.Media{Type: "image/*", Schema: mustSchema(t, `{"type":"string","format":"binary"}`)},
		&contract.Media{Type: "application/x-odd", Schema: line},
	)
}

// parts writes a multipart body of whole parts.
func parts(list ...string) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString("--xx\r\n" + p + "\r\n")
	}
	return b.String() + "--xx--\r\n"
}

func field(name, value string) string {
	return `Content-Disposition: form-data; name="` + name + `"` + "\r\n\r\n" + value
}

func TestEveryMediaTypeIsReadAsWhatItSays(t *testing.T) {
	t.Parallel()
	op := formOperation(t)
	const (
		urlType = "application/x-www-form-urlencoded"
		parted  = "multipart/form-data; boundary=xx"
		lines   = "application/x-ndjson"
	)
	file := "Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n"
	pic := func(head string) string {
		return "Content-Disposition: form-data; name=\"pic\"; filename=\"a\"\r\n" + head + "\r\n\xff\xfe"
	}
	for _, c := range []struct {
		name, media, body string
		want              []string
	}{
		{"a form", urlType, "n=1&tags=a&tags=b&o=%7B%22a%22%3A1%7D&ids=1%7C2", nil},
		{"a form without a required name", urlType, "tags=a", []string{`value body "/n" required`}},
		{"a form with an undeclared name", urlType, "n=1&x=1", []string{`value body "/x" additionalProperties`}},
		{"a form with a wrong type", urlType, "n=x", []string{`value body "/n" type`}},
		{"a form with a long item", urlType, "n=1&tags=a&tags=long", []string{`value body "/tags/1" maxLength`}},
		{"a form with a name twice", urlType, "n=1&n=2", []string{`value body "" duplicate`}},
		{"a form with broken JSON", urlType, "n=1&o=%7B", []string{`syntax body "/o" syntax`}},
		{"a form with a spoiled object", urlType, "n=1&o=%7B%7D", []string{`value body "/o/a" required`}},
		{"a form with an object in brackets", urlType, "n=1&o[a]=5", nil},
		{"a form with a spoiled object in brackets", urlType, "n=1&o[a]=x", []string{`value body "/o/a" type`}},
		{"a form with a broken triplet", urlType, "n=%4", []string{`syntax body "" syntax`}},
		{"a form that is not UTF-8", urlType, "n=%ff", []string{`syntax body "" syntax`}},
		{"JSON that says it is a form", urlType, `{"n":1}`, []string{`syntax body "" syntax`}},

		{"parts", parted, parts(field("n", "1"), field("tags", "a"), field("tags", "b"), file+"\x00\xff\xfe"), nil},
		{"parts without a required one", parted, parts(field("tags", "a")), []string{`value body "/n" required`}},
		{"an undeclared part", parted, parts(field("n", "1"), field("x", "1")), []string{`value body "/x" additionalProperties`}},
		{"a part of a wrong type", parted, parts(field("n", "x")), []string{`value body "/n" type`}},
		{"a part that is too long", parted, parts(field("n", "1"), file+"123456789"), []string{`value body "/file" maxLength`}},
		{"a part with JSON", parted, parts(field("n", "1"), field("o", `{"a":1}`)), nil},
		{"a part whose JSON would break out", parted, parts(field("n", "1"), field("o", `{"a":1},"x":{}`)), []string{`syntax body "/o" syntax`}},
		{"a part of a declared type", parted, parts(field("n", "1"), pic("Content-Type: image/png\r\nX-Width: 5\r\n")), nil},
		{"a part of another type", parted, parts(field("n", "1"), pic("Content-Type: text/html\r\nX-Width: 5\r\n")), []string{`media body "/pic" contentType`}},
		{"a part without its header", parted, parts(field("n", "1"), pic("Content-Type: image/png\r\n")), []string{`value header X-Width "" required`}},
		{"an empty part", parted, parts(field("n", "1"), field("tags", "")), nil},
		{"no parts", parted, "--xx--\r\n", []string{`value body "/n" required`}},
		{"a preamble", parted, "hello\r\n" + parts(field("n", "1")), []string{`syntax body "" syntax`}},
		{"an epilogue", parted, parts(field("n", "1")) + "x", []string{`syntax body "" syntax`}},
		{"parts without their end", parted, "--xx\r\n" + field("n", "1"), []string{`syntax body "" syntax`}},
		{"bare line feeds", parted, strings.ReplaceAll(parts(field("n", "1")), "\r\n", "\n"), []string{`syntax body "" syntax`}},
		{"a part with two names", parted, parts("Content-Disposition: form-data; name=\"n\"; name=\"o\"\r\n\r\n1"), []string{`syntax body "" syntax`}},
		{"a part in base64", parted, parts("Content-Transfer-Encoding: base64\r\n" + field("n", "1")), []string{`syntax body "" syntax`}},
		{"no boundary", "multipart/form-data", parts(field("n", "1")), []string{`syntax body "" boundary`}},
		{"too many parts", parted, parts(strings.Split(strings.Repeat(field("tags", "a")+"|", 100)+field("n", "1"), "|")...), []string{`syntax body "" syntax`}},

		{"lines", lines, "{\"a\":1}\n{\"a\":2}\n", nil},
		{"lines without the last end", lines, "{\"a\":1}\n{\"a\":2}", nil},
		{"a line that is spoiled", lines, "{\"a\":1}\n{\"a\":\"x\"}\n", []string{`value body "/1/a" type`}},
		{"a line that is no JSON", lines, "{\"a\":1}\nx\n", []string{`syntax body "/1" syntax`}},
		{"a sequence", "application/json-seq", "\x1e1\n\x1e2\n", nil},
		{"a sequence that is spoiled", "application/json-seq", "\x1e1\n\x1e\"x\"\n", []string{`value body "/1" type`}},
		{"a sequence that is cut off", "application/json-seq", "\x1e1\n\x1e2", []string{`syntax body "/1" syntax`}},

		{"text", "text/plain", "abcd", nil},
		{"long text", "text/plain", "abcde", []string{`value body "" maxLength`}},
		{"text in another charset", "text/plain; charset=latin1", "abcd", []string{`syntax body "" charset`}},
		{"text that is not UTF-8", "text/plain", "\xff", []string{`syntax body "" charset`}},
		{"JSON of a vendor", "application/vnd.x+json", `{"a":"x"}`, []string{`value body "/a" type`}},
		{"JSON in another charset", "application/vnd.x+json; charset=utf-16", `{"a":1}`, []string{`syntax body "" charset`}},
		{"a broken content type", `application/vnd.x+json; charset="utf-8`, `{"a":1}`, []string{`syntax body "" contentType`}},
		{"a charset twice", "application/vnd.x+json; charset=utf-8; charset=utf-8", `{"a":1}`, []string{`syntax body "" contentType`}},
		{"an undeclared type", "application/json", `{"a":1}`, []string{`media body "" content`}},
		{"no type", "", `{"a":1}`, []string{`media body "" content`}},
		{"no body", "application/vnd.x+json", ``, []string{`value body "" required`}},

		{"XML", "application/xml", `<?xml version="1.0" encoding="UTF-8"?><r b="1"><!-- c --><a>&#x31;</a><d>x &amp;</d><e/></r>`, nil},
		{"XML with a DTD", "application/xml", `<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`, []string{`syntax body "" syntax`}},
		{"XML with an unknown entity", "application/xml", `<a>&e;</a>`, []string{`syntax body "" syntax`}},
		{"XML with crossed tags", "application/xml", `<a><b></a></b>`, []string{`syntax body "" syntax`}},
		{"XML with an attribute twice", "application/xml", `<a b="1" b="2"/>`, []string{`syntax body "" syntax`}},
		{"XML with two roots", "application/xml", `<a/><b/>`, []string{`syntax body "" syntax`}},
		{"XML that is too deep", "application/xml", strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65), []string{`syntax body "" syntax`}},
		{"XML in another charset", "application/xml", `<?xml version="1.0" encoding="UTF-16"?><a/>`, []string{`syntax body "" syntax`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dst, _ := readBody(t, op, c.media, c.body)
			if diff := cmp.Diff(append([]string{}, c.want...), said(dst)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlansAndWhatIsNotChecked(t *testing.T) {
	t.Parallel()
	op := formOperation(t)
	for _, c := range []struct {
		media     string
		plan      BodyPlan
		unchecked bool
	}{
		{"application/octet-stream", Stream, false},
		{"image/png", Stream, false},
		{"application/x-odd", Inspect, true},
		{"application/vnd.x+json", Inspect, false},
	} {
		dst, plan := readBody(t, op, c.media, `{"a":1}`)
		if plan != c.plan || dst.Unchecked != c.unchecked || len(dst.Violations) > 0 {
			t.Errorf("%s: plan %v, unchecked %v, %v", c.media, plan, dst.Unchecked, said(dst))
		}
	}
	q, _ := CompileRequest(op, Options{})
	names := []string{}
	for _, u := range q.Unchecked() {
		names = append(names, u.What)
	}
	if diff := cmp.Diff([]string{"application/x-odd"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestMarksOfFormsHaveNoSpan(t *testing.T) {
	t.Parallel()
	op := post(&contract.Media{Type: "application/x-www-form-urlencoded", Schema: mustSchema(t, `{"type":"object","properties":{"a":{"type":"string"}}}`)})
	dst, _ := readBody(t, op, "application/x-www-form-urlencoded", "a=1&b=2")
	if len(dst.Marks) != 1 || dst.Marks[0].Kind != risk.UndeclaredSilent || dst.Marks[0].Pointer != "/b" || dst.Marks[0].End != 0 {
		t.Errorf("marks %+v", dst.Marks)
	}
}

func TestABodyOfLinesHasSpansOfTheWhole(t *testing.T) {
	t.Parallel()
	op := post(&contract.Media{Type: "application/jsonl", Schema: mustSchema(t, `{"type":"object","properties":{"a":{"type":"integer"}}}`)})
	body := "{\"a\":1}\n{\"a\":2,\"b\":3}\n"
	dst, _ := readBody(t, op, "application/jsonl", body)
	if diff := cmp.Diff([]string{`silent /1/b "b":3`}, marked(dst, body)); diff != "" {
		t.Error(diff)
	}
}

func TestUntranslatablePatternsAreNotChecked(t *testing.T) {
	t.Parallel()
	s := mustSchema(t, `{"type":"object","properties":{"a":{"type":"string","pattern":"^(?!x)","maxLength":2}}}`)
	q, list := CompileRequest(post(jsonMedia(s)), Options{})
	if len(list) != 0 {
		t.Errorf("the front end tells of patterns, and so does this: %v", list)
	}
	if u := q.Unchecked(); len(u) != 1 || u[0].What != "pattern" {
		t.Errorf("unchecked %v", u)
	}
	var dst risk.Reading
	q.Media(&dst, "application/json", true)
	q.Body(&dst, &Body{Bytes: []byte(`{"a":"xyz"}`), Type: "application/json"})
	if diff := cmp.Diff([]string{`value body "/a" maxLength`}, said(&dst)); diff != "" {
		t.Error(diff)
	}
}

func TestABodyWithoutATypeIsWrongUnlessItIsEmpty(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Method: "POST", Replies: []*contract.Reply{{Code: 200}, {Code: 201, Media: []*contract.Media{{Type: "*/*"}}}}}
	q, _ := CompileRequest(op, Options{})
	a, _ := CompileReply(op, Options{})
	for body, want := range map[string][]string{"": {}, "x": {`media body "" content`}} {
		var request, reply, other risk.Reading
		if q.Media(&request, "", true) == Inspect {
			q.Body(&request, &Body{Bytes: []byte(body)})
		}
		if a.Head(&reply, &ReplyView{Status: 200, Body: true}) == Inspect {
			a.Body(&reply, &Body{Bytes: []byte(body)})
		}
		if a.Head(&other, &ReplyView{Status: 201, Body: true}) == Inspect {
			a.Body(&other, &Body{Bytes: []byte(body)})
		}
		if diff := cmp.Diff([][]string{want, want, {}}, [][]string{said(&request), said(&reply), said(&other)}); diff != "" {
			t.Errorf("%q: %s", body, diff)
		}
	}
}
