package schema

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/source"
)

var tuples = regexp.MustCompile(`/items/([0-9])`)

// modern puts a schema of draft 4 or 7 into the terms of draft 2020-12, as the
// front end does for those of OpenAPI 3.0 and Swagger 2.0.
func modern(v source.Value) source.Value {
	if v.Kind != source.Object {
		return v
	}
	out := source.Value{At: v.At, Kind: source.Object}
	put := func(name string, x source.Value) {
		out.Members = append(out.Members, source.Member{Name: name, Value: x})
	}
	alone := v.Get("$ref").Kind == source.String // its siblings are ignored
	for _, m := range v.Members {
		switch name, x := m.Name, m.Value; {
		case name == "definitions" || name == "$defs":
			put(name, each(x, modern))
		case alone && name == "$ref":
			x.Text = tuples.ReplaceAllString(x.Text, "/prefixItems/$1") // which a tuple becomes
			put(name, x)
		case alone:
		case name == "id" || name == "$id":
			if x.Kind == source.String && strings.HasPrefix(x.Text, "#") {
				x.Text = x.Text[1:]
				put("$anchor", x)
			} else {
				put("$id", x)
			}
		case name == "format":
		case name == "items" && x.Kind == source.Array:
			put("prefixItems", each(x, modern))
		case name == "additionalItems":
			if v.Get("items").Kind == source.Array {
				put("items", modern(x))
			}
		case slices.Contains([]string{"items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"}, name):
			put(name, modern(x))
		case slices.Contains([]string{"properties", "patternProperties", "allOf", "anyOf", "oneOf"}, name):
			put(name, each(x, modern))
		case name == "dependencies":
			schemas, names := x, x
			schemas.Members, names.Members = nil, nil
			for _, d := range x.Members {
				if d.Value.Kind == source.Array {
					names.Members = append(names.Members, d)
				} else {
					schemas.Members = append(schemas.Members, source.Member{Name: d.Name, Value: modern(d.Value)})
				}
			}
			put("dependentRequired", names)
			put("dependentSchemas", schemas)
		case (name == "minimum" || name == "maximum") && v.Get("exclusive"+strings.ToUpper(name[:1])+name[1:]).True():
			put("exclusive"+strings.ToUpper(name[:1])+name[1:], x)
		case (name == "exclusiveMinimum" || name == "exclusiveMaximum") && x.Kind == source.Bool:
		default:
			put(name, x)
		}
	}
	return out
}

// each changes the schemas that an object or array holds.
func each(v source.Value, f func(source.Value) source.Value) source.Value {
	out := source.Value{At: v.At, Kind: v.Kind}
	for _, m := range v.Members {
		out.Members = append(out.Members, source.Member{Name: m.Name, Value: f(m.Value)})
	}
	for _, x := range v.Items {
		out.Items = append(out.Items, f(x))
	}
	return out
}

func TestTheRequiredPartsOfOlderDraftsPass(t *testing.T) {
	t.Parallel()
	for draft, uri := range map[string]string{"draft4": "http://json-schema.org/draft-04/schema", "draft7": "http://json-schema.org/draft-07/schema"} {
		t.Run(draft, func(t *testing.T) {
			t.Parallel()
			dir := vectors(t, "json-schema")
			files, err := filepath.Glob(filepath.Join(dir, "tests", draft, "*.json"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no files: %v", err)
			}
			meta := filepath.Join("testdata", "metaschema", strings.Replace(draft, "draft", "draft-0", 1)+".json")
			n := tally{skipped: map[string]int{}}
			for _, f := range files {
				n.runOlder(t, f, older{remotes: filepath.Join(dir, "remotes"), draft: draft, meta: meta, uri: uri})
			}
			n.report(t)
		})
	}
}

// older is what the files of a draft have around them.
type older struct{ remotes, draft, meta, uri string }

// enter enters a document under its URI.
func (o older) enter(t *testing.T, r *reader, file, uri string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r.add(uri, modern(parseValue(t, string(text))))
}

// runOlder is runFile for an older draft.
func (n *tally) runOlder(t *testing.T, file string, o older) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range parseValue(t, string(text)).Items {
		r := newReader(modern(group.Get("schema")))
		if strings.Contains(string(text), "localhost:1234") {
			_ = filepath.WalkDir(o.remotes, func(path string, d os.DirEntry, err error) error {
				name, _ := filepath.Rel(o.remotes, path)
				if err == nil && !d.IsDir() && (strings.HasPrefix(name, o.draft+"/") || !strings.HasPrefix(name, "draft") && !strings.HasPrefix(name, "v1")) {
					o.enter(t, r, path, "http://localhost:1234/"+filepath.ToSlash(name))
				}
				return err
			})
		}
		if strings.Contains(string(text), o.uri) {
			o.enter(t, r, o.meta, o.uri)
		}
		s := r.root()
		if r.skip != "" {
			n.skipped[group.Get("description").Text+": "+r.skip] += len(group.Get("tests").Items)
			continue
		}
		p := NewPrograms().compile(s)
		for _, c := range group.Get("tests").Items {
			run := newRun()
			if !run.verdict(t, p, emitValue(nil, c.Get("data"))) {
				n.skipped["text that the reader refuses"]++
				continue
			}
			if got, want := run.machine.ok(), c.Get("valid").True(); got != want {
				n.failed++
				t.Errorf("%s: %s: %s: got %v", filepath.Base(file), group.Get("description").Text, c.Get("description").Text, got)
				continue
			}
			n.passed++
		}
	}
}
