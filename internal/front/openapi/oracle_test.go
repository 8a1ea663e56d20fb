package openapi

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/contract"
)

// kin reads a document with another library.
func kin(t *testing.T, path string) *openapi3.T {
	t.Helper()
	l := openapi3.NewLoader()
	l.IsExternalRefsAllowed = true
	doc, err := l.LoadFromFile(path)
	if err != nil {
		t.Fatalf("the oracle refuses %s: %v", path, err)
	}
	return doc
}

func TestAnotherLibraryFindsTheSameOperationsParametersBodiesAndReplies(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/real/*.*")
	if err != nil || len(paths) < 3 {
		t.Fatalf("want at least 3 documents, got %d (%v)", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			c, list := Load(t.Context(), path, Options{})
			if c == nil {
				t.Fatal(list)
			}
			compare(t, kin(t, path), c)
		})
	}
}

func compare(t *testing.T, doc *openapi3.T, c *contract.Contract) {
	t.Helper()
	ours := map[string]*contract.Operation{}
	for _, o := range c.Operations {
		ours[o.Method+" "+o.Path] = o
	}
	n := 0
	for path, item := range doc.Paths.Map() {
		for method, theirs := range item.Operations() {
			n++
			o := ours[method+" "+path]
			if o == nil {
				t.Errorf("%s %s is missing", method, path)
				continue
			}
			compareOperation(t, item, theirs, o)
		}
	}
	if n != len(ours) || n == 0 {
		t.Errorf("want %d operations, got %d", n, len(ours))
	}
	if doc.Components == nil {
		return
	}
	named := map[string]bool{}
	for _, s := range c.Schemas {
		if s.Name != "" {
			named[s.Name] = true
		}
	}
	for name, s := range doc.Components.Schemas {
		if s.Ref == "" && !named[name] {
			t.Errorf("the schema %s is missing", name)
		}
	}
}

func compareOperation(t *testing.T, item *openapi3.PathItem, theirs *openapi3.Operation, o *contract.Operation) {
	t.Helper()
	want := map[string]bool{}
	for _, list := range []openapi3.Parameters{item.Parameters, theirs.Parameters} {
		for _, p := range list {
			want[p.Value.In+" "+p.Value.Name] = p.Value.Required
		}
	}
	got := map[string]bool{}
	for _, p := range o.Parameters {
		got[p.In.String()+" "+p.Name] = p.Required
	}
	for name, required := range want {
		if r, ok := got[name]; !ok || r != required {
			t.Errorf("%s: parameter %s: want required %v, got %v (declared %v)", o.Key, name, required, r, ok)
		}
	}
	if len(want) != len(got) {
		t.Errorf("%s: want %d parameters, got %d", o.Key, len(want), len(got))
	}
	if (theirs.RequestBody != nil) != (o.Body != nil) {
		t.Errorf("%s: body %v", o.Key, o.Body)
	}
	if o.Body != nil && len(theirs.RequestBody.Value.Content) != len(o.Body.Media) {
		t.Errorf("%s: want %d media types, got %d", o.Key, len(theirs.RequestBody.Value.Content), len(o.Body.Media))
	}
	if theirs.Responses.Len() != len(o.Replies) {
		t.Errorf("%s: want %d replies, got %d", o.Key, theirs.Responses.Len(), len(o.Replies))
	}
}

// BenchmarkLoad reads a large document, which the environment variable
// SALLYPORT_BENCH_DOCUMENT names.
func BenchmarkLoad(b *testing.B) {
	path := os.Getenv("SALLYPORT_BENCH_DOCUMENT")
	if path == "" {
		b.Skip("SALLYPORT_BENCH_DOCUMENT must name a document")
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		if c, list := Load(b.Context(), path, Options{}); c == nil {
			b.Fatal(list)
		}
	}
}
