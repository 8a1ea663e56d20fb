package schema

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/source"
)

// identifiedBy is a schema with an $id, which it gets unless it has one.
func identifiedBy(v source.Value, id string) source.Value {
	if v.Kind != source.Object || v.Get("$id").Kind == source.String {
		return v
	}
	out := v
	out.Members = append([]source.Member{{Name: "$id", Value: source.Value{Kind: source.String, Text: id}}}, v.Members...)
	return out
}

// inDocument is the schema of a suite as the body of an operation, read by the
// front end from an OpenAPI document that holds it and others as components.
func inDocument(t *testing.T, root source.Value, others map[string]source.Value) *contract.Schema {
	t.Helper()
	doc := []byte(`{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/x":{"post":{"requestBody":{"content":{"application/json":
		{"schema":{"$ref":"#/components/schemas/Root"}}}},"responses":{"200":{"description":"ok"}}}}},"components":{"schemas":{"Root":`)
	doc = emitValue(doc, identifiedBy(root, testURI))
	n := 0
	for id, v := range others {
		doc = append(doc, `,"Other`+strconv.Itoa(n)+`":`...)
		doc = emitValue(doc, identifiedBy(v, id))
		n++
	}
	doc = append(doc, "}}}"...)
	c, list := openapi.Parse(t.Context(), "openapi.json", doc, openapi.Options{})
	if c == nil || list.Err() != nil {
		t.Fatalf("%s: %v", doc, list)
	}
	return c.Operations[0].Body.Media[0].Schema
}

func TestDynamicReferencesOfDocumentsFollowTheSuite(t *testing.T) {
	t.Parallel()
	dir := vectors(t, "json-schema")
	for _, name := range []string{"dynamicRef", "anchor"} {
		text, err := os.ReadFile(filepath.Join(dir, "tests", "draft2020-12", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		passed := 0
		for _, group := range parseValue(t, string(text)).Items {
			root := group.Get("schema")
			others := map[string]source.Value{}
			if written := string(emitValue(nil, root)); strings.Contains(written, "localhost:1234") {
				others = remotesOf(t, filepath.Join(dir, "remotes", "draft2020-12"))
			}
			p := NewPrograms().compile(inDocument(t, root, others))
			for _, c := range group.Get("tests").Items {
				run := newRun()
				if !run.verdict(t, p, emitValue(nil, c.Get("data"))) || run.machine.ok() != c.Get("valid").True() {
					t.Errorf("%s: %s: %s: got %v", name, group.Get("description").Text, c.Get("description").Text, run.machine.ok())
					continue
				}
				passed++
			}
		}
		if t.Logf("%s: %d passed", name, passed); passed == 0 {
			t.Error("nothing was run")
		}
	}
}

// remotesOf reads the documents with dynamic anchors that the suite expects to
// be served.
func remotesOf(t *testing.T, dir string) map[string]source.Value {
	t.Helper()
	out := map[string]source.Value{}
	for _, name := range []string{"tree", "extendible-dynamic-ref", "detached-dynamicref"} {
		text, err := os.ReadFile(filepath.Join(dir, name+".json"))
		if err != nil || !json.Valid(text) {
			t.Fatalf("%s: %v", name, err)
		}
		out["http://localhost:1234/draft2020-12/"+name+".json"] = parseValue(t, string(text))
	}
	return out
}

func TestADynamicReferenceHasTheMeaningOfEachWayToIt(t *testing.T) {
	t.Parallel()
	c, list := openapi.Parse(t.Context(), "openapi.yaml", []byte(`
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /numbers:
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Numbers'}}}}
      responses: {"200": {description: ok}}
  /texts:
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Texts'}}}}
      responses: {"200": {description: ok}}
components:
  schemas:
    Page:
      $id: https://example.com/page
      type: object
      properties:
        data: {type: array, items: {$dynamicRef: '#item'}}
        size: {$ref: '#/components/schemas/Size'}
      $defs: {item: {$dynamicAnchor: item}}
    Numbers:
      $id: https://example.com/numbers
      $ref: page
      $defs: {item: {$dynamicAnchor: item, type: number}}
    Texts:
      $id: https://example.com/texts
      $ref: page
      $defs: {item: {$dynamicAnchor: item, type: string}}
    Size: {type: integer}
`), openapi.Options{})
	if c == nil || len(list) > 0 {
		t.Fatal(list)
	}
	programs := NewPrograms()
	for _, op := range c.Operations {
		p := programs.compile(op.Body.Media[0].Schema)
		numbers := strings.Contains(op.Path, "numbers")
		for text, want := range map[string]bool{`{"data":[1]}`: numbers, `{"data":["a"]}`: !numbers, `{"data":[null]}`: false, `{"data":[]}`: true, `{"size":"x"}`: false, `{"size":1}`: true} {
			run := newRun()
			if run.verdict(t, p, []byte(text)); run.machine.ok() != want {
				t.Errorf("%s: %s: got %v", op.Path, text, !want)
			}
		}
	}
}
