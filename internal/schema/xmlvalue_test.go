package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// withXML gives the schemas at some paths of properties and items an xml
// object: "" is the root, "tags.[]" the items of tags.
func withXML(t testing.TB, text string, at map[string]contract.XML) *contract.Schema {
	t.Helper()
	root := mustSchema(t, text)
	for path, x := range at {
		s := root
		for part := range strings.SplitSeq(path, ".") {
			switch part {
			case "":
			case "[]":
				s = s.Items
			default:
				s = s.Property(part)
			}
			if s == nil {
				t.Fatalf("no schema at %s", path)
			}
		}
		s.XML = &x
	}
	return root
}

const petSchema = `{"type":"object","required":["id","name"],"additionalProperties":false,"properties":{
	"id":{"type":"integer"},"name":{"type":"string","maxLength":8},"price":{"type":["number","null"]},"sold":{"type":"boolean"},
	"photos":{"type":"array","items":{"type":"string"}},
	"tags":{"type":"array","maxItems":2,"items":{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}},
	"aliens":{"type":"array","items":{"type":"integer"}},
	"owner":{"type":"object","properties":{"name":{"type":"string"}}}}}`

func TestXMLIsHeldToTheSchema(t *testing.T) {
	t.Parallel()
	s := withXML(t, petSchema, map[string]contract.XML{
		"": {Name: "pet"}, "id": {Attribute: true}, "tags": {Wrapped: true, Name: "labels"}, "tags.[]": {Name: "label"},
		"aliens": {Wrapped: true}, "photos.[]": {Name: "photo"},
		"owner": {Namespace: "http://example.com/o", Prefix: "o"},
	})
	op := post(&contract.Media{Type: "application/xml", Schema: s})
	const pet = `<pet id="1"><name>Rex</name>%s</pet>`
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"the least", `<pet id="1"><name>Rex</name></pet>`, nil},
		{"all of it", `<?xml version="1.0"?>
			<pet id="1" xmlns:o="http://example.com/o" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="x">
			<name>R&#x65;x</name> <price xsi:nil="true"/> <sold> true </sold> <photo>a</photo><photo>b</photo>
			<labels><label><n>1</n></label><label><n>2</n></label></labels><aliens><aliens>7</aliens></aliens>
			<o:owner><name>Ada</name></o:owner></pet>`, nil},
		{"elements in another order", `<pet id="1"><photo>a</photo><name>Rex</name><photo>b</photo></pet>`, nil},
		{"another root", `<dog id="1"><name>Rex</name></dog>`, []string{`value body "" xml`}},
		{"an attribute that is missing", `<pet><name>Rex</name></pet>`, []string{`value body "/id" required`}},
		{"an attribute of another type", `<pet id="x"><name>Rex</name></pet>`, []string{`value body "/id" type`}},
		{"an attribute as an element", `<pet><id>1</id><name>Rex</name></pet>`,
			[]string{`value body "/id" required`, `value body "/<id" additionalProperties`}},
		{"an attribute and an element", `<pet id="1"><id>2</id><name>Rex</name></pet>`, []string{`value body "/<id" additionalProperties`}},
		{"an undeclared element", fmt.Sprintf(pet, `<admin>true</admin>`), []string{`value body "/admin" additionalProperties`}},
		{"an undeclared attribute", `<pet id="1" role="x"><name>Rex</name></pet>`, []string{`value body "/@role" additionalProperties`}},
		{"text that is too long", `<pet id="1"><name>123456789</name></pet>`, []string{`value body "/name" maxLength`}},
		{"an element twice", fmt.Sprintf(pet, `<name>Max</name>`), []string{`value body "" duplicate`}},
		{"a wrapped list without its wrapper", fmt.Sprintf(pet, `<label><n>1</n></label>`), []string{`value body "/label" additionalProperties`}},
		{"a wrapped list with another item", fmt.Sprintf(pet, `<labels><x><n>1</n></x></labels>`), []string{`value body "/tags" type`}},
		{"a wrapped list twice", fmt.Sprintf(pet, `<labels/><labels/>`), []string{`value body "" duplicate`}},
		{"a wrapped list that is empty", fmt.Sprintf(pet, `<labels/>`), nil},
		{"a wrapped list that is too long", fmt.Sprintf(pet, `<labels><label><n>1</n></label><label><n>1</n></label><label><n>1</n></label></labels>`),
			[]string{`value body "/tags" maxItems`}},
		{"a wrapper with an attribute", fmt.Sprintf(pet, `<labels a="1"/>`), []string{`value body "/tags" type`}},
		{"a member of an item", fmt.Sprintf(pet, `<labels><label><n>x</n></label></labels>`), []string{`value body "/tags/0/n" type`}},
		{"a list by the name of its property", fmt.Sprintf(pet, `<photos>a</photos>`), []string{`value body "/<photos" additionalProperties`}},
		{"another namespace", `<pet id="1" xmlns:o="http://example.com/x"><name>Rex</name><o:owner/></pet>`, []string{`value body "/<owner" additionalProperties`}},
		{"a prefix that is not declared", fmt.Sprintf(pet, `<o:owner/>`), []string{`syntax body "" syntax`}},
		{"an attribute with such a prefix", `<pet id="1" o:x="1"><name>Rex</name></pet>`, []string{`syntax body "" syntax`}},
		{"text in an object", `<pet id="1">text<name>Rex</name></pet>`, []string{`value body "/#text" additionalProperties`}},
		{"an element in a text", `<pet id="1"><name>R<b>e</b>x</name></pet>`, []string{`value body "/name" type`}},
		{"an attribute of a text", `<pet id="1"><name lang="en">Rex</name></pet>`, []string{`value body "/name" type`}},
		{"text in parts", `<pet id="1"><name>R<!-- e --><![CDATA[<]]>x</name></pet>`, nil},
		{"an empty number that may be null", fmt.Sprintf(pet, `<price/>`), nil},
		{"an empty boolean", fmt.Sprintf(pet, `<sold/>`), []string{`value body "/sold" type`}},
		{"a boolean as a number", fmt.Sprintf(pet, `<sold>1</sold>`), nil},
		{"null where there is none", `<pet id="1" xmlns:x="http://www.w3.org/2001/XMLSchema-instance"><name x:nil="true"/></pet>`, []string{`value body "/name" type`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dst, _ := readBody(t, op, "application/xml", c.body)
			if diff := cmp.Diff(append([]string{}, c.want...), said(dst)); diff != "" || dst.Unchecked {
				t.Errorf("unchecked %v %s", dst.Unchecked, diff)
			}
		})
	}
}

func TestXMLOfListsFollowsTheExamplesOfOpenAPI(t *testing.T) {
	t.Parallel()
	const list = `{"type":"object","required":["animals"],"additionalProperties":false,"properties":{"animals":{"type":"array","items":{"type":"string"},"minItems":2}}}`
	for _, c := range []struct {
		name string
		xml  map[string]contract.XML
		body string
	}{
		{"no names", nil, `<animals>a</animals><animals>b</animals>`},
		{"a name of the items", map[string]contract.XML{"animals.[]": {Name: "animal"}}, `<animal>a</animal><animal>b</animal>`},
		{"the outer name has no effect", map[string]contract.XML{"animals": {Name: "aliens"}, "animals.[]": {Name: "animal"}}, `<animal>a</animal><animal>b</animal>`},
		{"wrapped", map[string]contract.XML{"animals": {Wrapped: true}}, `<animals><animals>a</animals><animals>b</animals></animals>`},
		{"both names", map[string]contract.XML{"animals": {Name: "aliens", Wrapped: true}, "animals.[]": {Name: "animal"}},
			`<aliens><animal>a</animal><animal>b</animal></aliens>`},
		{"the outer name alone", map[string]contract.XML{"animals": {Name: "aliens", Wrapped: true}}, `<aliens><aliens>a</aliens><aliens>b</aliens></aliens>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			op := post(&contract.Media{Type: "application/xml", Schema: withXML(t, list, c.xml)})
			if dst, _ := readBody(t, op, "application/xml", "<r>"+c.body+"</r>"); len(dst.Violations) > 0 {
				t.Errorf("lawful: %v", said(dst))
			}
			spoiled := strings.Replace(c.body, ">b<", "><x/><", 1)
			if dst, _ := readBody(t, op, "application/xml", "<r>"+spoiled+"</r>"); len(dst.Violations) == 0 {
				t.Errorf("%s passes", spoiled)
			}
		})
	}
}

func TestXMLOfARootListAndOfTexts(t *testing.T) {
	t.Parallel()
	list := post(&contract.Media{Type: "text/xml", Schema: mustSchema(t, `{"type":"array","items":{"type":"integer"}}`)})
	for body, want := range map[string]int{`<l><i>1</i><i>2</i></l>`: 0, `<l><i>1</i><i>x</i></l>`: 1, `<l>1</l>`: 1} {
		if dst, _ := readBody(t, list, "text/xml", body); len(dst.Violations) != want || dst.Unchecked {
			t.Errorf("%s: %v, unchecked %v", body, said(dst), dst.Unchecked)
		}
	}
	for _, schema := range []string{`{"type":"string"}`, `{"type":"string","format":"binary"}`} {
		text := post(&contract.Media{Type: "application/xml", Schema: mustSchema(t, schema)})
		if dst, _ := readBody(t, text, "application/xml", `<any><thing/></any>`); len(dst.Violations) != 0 || !dst.Unchecked {
			t.Errorf("%s: %v, unchecked %v", schema, said(dst), dst.Unchecked)
		}
		q, _ := CompileRequest(text, Options{})
		if list := q.Unchecked(); len(list) != 1 || list[0].What != "application/xml" {
			t.Errorf("%s: not listed as unchecked: %v", schema, list)
		}
	}
}

func TestPartsOfAFormMayBeXML(t *testing.T) {
	t.Parallel()
	s := withXML(t, `{"type":"object","additionalProperties":false,"properties":{
		"one":{"type":"object","required":["n"],"additionalProperties":false,"properties":{"n":{"type":"integer"}}},
		"many":{"type":"array","maxItems":1,"items":{"type":"object","properties":{"n":{"type":"integer"}}}}}}`,
		map[string]contract.XML{"one.n": {Attribute: true}})
	op := post(&contract.Media{Type: "multipart/form-data", Schema: s, Encoding: []contract.Encoding{
		{Name: "one", ContentType: "application/xml"}, {Name: "many", ContentType: "text/xml, application/json"},
	}})
	xml := func(name, media, text string) string {
		return "Content-Disposition: form-data; name=\"" + name + "\"\r\nContent-Type: " + media + "\r\n\r\n" + text
	}
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"a part", parts(xml("one", "application/xml", `<x n="1"/>`)), nil},
		{"a part of a list, and of another type", parts(xml("many", "text/xml", `<x><n>1</n></x>`)), nil},
		{"parts of a list that are too many", parts(xml("many", "text/xml", `<x/>`), xml("many", "application/json", `{}`)), []string{`value body "/many" maxItems`}},
		{"a part with a spoiled attribute", parts(xml("one", "application/xml", `<x n="x"/>`)), []string{`value body "/one/n" type`}},
		{"a part that is no XML", parts(xml("one", "application/xml", `<x n="1">`)), []string{`syntax body "/one" syntax`}},
		{"a part of another type", parts(xml("one", "application/json", `{"n":1}`)), []string{`media body "/one" contentType`}},
		{"a part in another charset", parts(xml("one", "application/xml; charset=latin1", `<x n="1"/>`)), []string{`syntax body "/one" syntax`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dst, _ := readBody(t, op, "multipart/form-data; boundary=xx", c.body)
			if diff := cmp.Diff(append([]string{}, c.want...), said(dst)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestXMLIsBounded(t *testing.T) {
	t.Parallel()
	op := post(&contract.Media{Type: "application/xml", Schema: mustSchema(t, `{"type":"object"}`)})
	spaces := ""
	for k := range maxXMLSpaces + 1 {
		spaces += fmt.Sprintf(`<a xmlns:p%d="x"/>`, k)
	}
	for name, body := range map[string]string{
		"elements":   "<r>" + strings.Repeat("<a/>", maxXMLElements) + "</r>",
		"namespaces": "<r>" + spaces + "</r>",
		"depth":      strings.Repeat("<a>", maxXMLDepth+1) + strings.Repeat("</a>", maxXMLDepth+1),
	} {
		if dst, _ := readBody(t, op, "application/xml", body); len(dst.Violations) != 1 || dst.Violations[0].Rule != "syntax" {
			t.Errorf("%s: %v", name, said(dst))
		}
	}
	if dst, _ := readBody(t, op, "application/xml", strings.Repeat("<a>", maxXMLDepth)+strings.Repeat("</a>", maxXMLDepth)); len(dst.Violations) != 0 {
		t.Errorf("the deepest: %v", said(dst))
	}
}

// FuzzXMLValues writes any document as JSON by a schema that recurs, with
// attributes, lists and namespaces: what comes out is JSON without names twice,
// and all text of the document that is not white space is in it.
func FuzzXMLValues(f *testing.F) {
	f.Add([]byte(`<a i="1" xmlns:n="u"><n:c><w><k>1</k></w></n:c><l>x</l><l>y</l>&amp;</a>`))
	f.Add([]byte(`<a xmlns:x="http://www.w3.org/2001/XMLSchema-instance"><c x:nil="1"/><b>1<d/>2</b><![CDATA[<]]></a>`))
	f.Add([]byte("<?xml version='1.0'?><a b='&#x9;'>\r\n<a><a/></a></a>"))
	s := withXML(f, `{"type":"object","properties":{"i":{"type":"integer"},"l":{"type":"array","items":{"type":"string"}},
		"w":{"type":"array","items":{"$ref":"#"}},"c":{"$ref":"#"},"n":{"type":["number","null"]}}}`,
		map[string]contract.XML{"i": {Attribute: true}, "w": {Wrapped: true}, "w.[]": {Name: "k"}, "c": {Namespace: "u"}})
	of, _ := (&xmlRoot{from: s}).of()
	fuzzloop.Run(f, func(t *testing.T, body []byte) {
		x := xmlReader{rest: body}
		if !utf8.Valid(body) || !x.document() {
			return
		}
		var tree xmlTree
		if !tree.parse([]byte(strings.TrimPrefix(string(body), "\xef\xbb\xbf"))) {
			return
		}
		v := xmlValues{tree: &tree}
		v.value(0, of)
		if !json.Valid(v.out) {
			t.Fatalf("%q: %s", body, v.out)
		}
		d := jsonx.New(jsonx.Limits{Depth: 10_000})
		if err := d.Parse(v.out); err != nil {
			t.Fatalf("%q: %s: %v", body, v.out, err)
		}
	})
}
