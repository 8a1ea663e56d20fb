package openapi

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// seed adds the first file of each archive that ends with one of the endings.
func seed(f *testing.F, endings ...string) {
	f.Helper()
	paths, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, p := range paths {
		a, err := txtar.ParseFile(p)
		if err != nil {
			f.Fatal(err)
		}
		for _, ending := range endings {
			if strings.HasSuffix(a.Files[0].Name, ending) {
				f.Add(string(a.Files[0].Data))
			}
		}
	}
}

// maxFuzzed keeps one input cheap.
const maxFuzzed = 64 << 10

// checkLoad loads a text, and checks what Load promises of any text.
func checkLoad(t *testing.T, name, text string) {
	t.Helper()
	if len(text) > maxFuzzed {
		return
	}
	c, list := loadText(t, name, text)
	if (c == nil) != (list.Err() != nil) || len(list) > 100 {
		t.Fatalf("contract %v beside %v", c != nil, list)
	}
	for _, d := range list {
		_ = d.String()
		if d.At.File == "" || d.Text == "" || d.Code == "" {
			t.Fatalf("incomplete diagnostic %+v", d)
		}
	}
	if c == nil {
		return
	}
	for i, s := range c.Schemas {
		if s.ID != i {
			t.Fatalf("schema %d has ID %d", i, s.ID)
		}
	}
	for _, s := range c.Schemas {
		for _, child := range s.Children() {
			if child.ID >= len(c.Schemas) || c.Schemas[child.ID] != child {
				t.Fatalf("a schema of %s is not in the list", s.Pointer)
			}
		}
		if endlessly(s, map[*contract.Schema]bool{}) {
			t.Fatalf("the schema %s contains itself without a step", s.Pointer)
		}
	}
}

// endlessly tells whether s reaches itself without a step into the value.
func endlessly(s *contract.Schema, on map[*contract.Schema]bool) bool {
	if s == nil {
		return false
	}
	if on[s] {
		return true
	}
	on[s] = true
	defer delete(on, s)
	if s.Never {
		return false
	}
	for _, c := range append(append(append([]*contract.Schema{s.Ref}, s.AllOf...), s.AnyOf...), s.OneOf...) {
		if endlessly(c, on) {
			return true
		}
	}
	return false
}

func FuzzJSON(f *testing.F) {
	f.Add(minimal)
	seed(f, ".json")
	fuzzloop.Run(f, func(t *testing.T, text string) { checkLoad(t, "openapi.json", text) })
}

func FuzzYAML(f *testing.F) {
	seed(f, ".yaml")
	fuzzloop.Run(f, func(t *testing.T, text string) { checkLoad(t, "openapi.yaml", text) })
}
