package openapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

const minimal = `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"ok"}}}}}}`

// withSchema is a document with one schema, a reference to ref.
func withSchema(ref string) string {
	return strings.TrimSuffix(minimal, "}") + `,"components":{"schemas":{"A":{"$ref":"` + ref + `"}}}}`
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// has tells whether the list holds the code.
func has(list source.List, code source.Code) bool {
	for _, d := range list {
		if d.Code == code {
			return true
		}
	}
	return false
}

func TestReferencesStayBelowTheRootSymbolicLinksResolved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	doc := filepath.Join(dir, "api", "openapi.json")
	write(t, filepath.Join(dir, "common.json"), `{"type":"integer"}`)
	write(t, filepath.Join(dir, "api", "inner.json"), `{"type":"integer"}`)
	if err := os.Symlink("../common.json", filepath.Join(dir, "api", "link.json")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, ref, root string
		loads           bool
	}{
		{"a file beside the document", "inner.json", "", true},
		{"a file above it", "../common.json", "", false},
		{"a link out of the directory", "link.json", "", false},
		{"a file above it, below the root", "../common.json", dir, true},
		{"a link below the root", "link.json", dir, true},
		{"an absolute path below the root", filepath.Join(dir, "common.json"), dir, true},
		{"an absolute path elsewhere", "/etc/hostname", dir, false},
		{"an escaped way up", "%2e%2e/common.json", "", false},
	} {
		write(t, doc, withSchema(c.ref))
		got, list := Load(t.Context(), doc, Options{Root: c.root})
		if got == nil {
			t.Errorf("%s: %v", c.name, list)
			continue
		}
		if outside := has(list, CodeRefOutside) || has(list, CodeRead); outside == c.loads {
			t.Errorf("%s: want loads %v, got %v", c.name, c.loads, list)
		}
		if never := got.Schemas[len(got.Schemas)-1].Never; never == c.loads {
			t.Errorf("%s: the schema accepts nothing: %v", c.name, never)
		}
	}
}

func TestTheDocumentMayBeNamedThroughASymbolicLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "v1", "openapi.json"), withSchema("inner.json"))
	write(t, filepath.Join(dir, "v1", "inner.json"), `{"type":"integer"}`)
	if err := os.Symlink("v1", filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	c, list := Load(t.Context(), filepath.Join(dir, "current", "openapi.json"), Options{})
	if c == nil || len(list) > 0 {
		t.Errorf("want no diagnostic, got %v", list)
	}
}

func TestWhatCannotBeReadIsOneErrorWithTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.json")
	write(t, huge, "{}")
	if err := os.Truncate(huge, MaxFile+1); err != nil {
		t.Fatal(err)
	}
	utf16 := filepath.Join(dir, "utf16.json")
	write(t, utf16, "\xff\xfe{\x00}\x00")
	for path, code := range map[string]source.Code{
		filepath.Join(dir, "missing.json"): CodeRead, dir: CodeRead, "/dev/zero": CodeRead, huge: CodeTooLarge, utf16: CodeEncoding,
		"https://example.com/openapi.json": CodeRemote,
	} {
		c, list := Load(t.Context(), path, Options{})
		if c != nil || len(list) != 1 || list[0].Code != code || list[0].Severity != source.Error || list[0].At.File != path || list[0].Hint == "" {
			t.Errorf("%s: want %s, got %v", path, code, list)
		}
	}
}

func TestRemoteDocumentsReachTheirOwnOriginAlone(t *testing.T) {
	t.Parallel()
	var asked []string
	fetch := func(_ context.Context, url string) ([]byte, error) {
		asked = append(asked, url)
		switch url {
		case "https://api.example.com/v1/openapi.json":
			return []byte(strings.TrimSuffix(minimal, "}") + `,"components":{"schemas":{
				"A":{"$ref":"common.json#/A"},"B":{"$ref":"http://169.254.169.254/latest"},"C":{"$ref":"file:///etc/passwd"},"D":{"$ref":"/gone.json"}}}}`), nil
		case "https://api.example.com/v1/common.json":
			return []byte(`{"A":{"type":"integer"}}`), nil
		}
		return nil, errors.New("404")
	}
	c, list := Load(t.Context(), "https://api.example.com/v1/openapi.json", Options{Fetch: fetch})
	if c == nil || len(list) != 3 || len(asked) != 3 {
		t.Fatalf("want three refused references and three requests, got %v, %v", list, asked)
	}
	if c.Schemas[0].Types != contract.IntegerType || c.Schemas[0].At.File != "https://api.example.com/v1/common.json" {
		t.Errorf("A is %+v", c.Schemas[0])
	}
	if _, list := Load(t.Context(), "https://api.example.com/gone", Options{Fetch: fetch}); list.Err() == nil || list[0].Code != CodeRemote {
		t.Errorf("want one error, got %v", list)
	}
}

func TestLocalDocumentsReachRemoteOnesOnlyThroughFetch(t *testing.T) {
	t.Parallel()
	doc := []byte(withSchema("https://example.com/a.json#"))
	if _, list := Parse(t.Context(), "openapi.json", doc, Options{}); !has(list, CodeRemote) {
		t.Errorf("want a refusal, got %v", list)
	}
	fetch := func(context.Context, string) ([]byte, error) { return []byte(`{"type":"string"}`), nil }
	c, list := Parse(t.Context(), "openapi.json", doc, Options{Fetch: fetch})
	if c == nil || len(list) > 0 || c.Schemas[0].Types != contract.StringType {
		t.Errorf("got %v", list)
	}
}

func TestTheDigestChangesWithEveryFile(t *testing.T) {
	t.Parallel()
	digest := func(inner string) string {
		c, list := Load(t.Context(), "openapi.json", Options{Reader: archive{"/doc/openapi.json": withSchema("a.json"), "/doc/a.json": inner}})
		if c == nil {
			t.Fatal(list)
		}
		return c.Digest
	}
	a, again, b := digest(`{"type":"string"}`), digest(`{"type":"string"}`), digest(`{"type":"strings"}`)
	if len(a) != 64 || a != again || a == b {
		t.Errorf("digests %s, %s, %s", a, again, b)
	}
}

func TestLoopsThroughNotCloseTheSchema(t *testing.T) {
	t.Parallel()
	c, list := loadText(t, "openapi.json", strings.TrimSuffix(minimal, "}")+`,"components":{"schemas":{
		"A":{"not":{"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/A"}]}},
		"B":{"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/B"}]},
		"C":{"properties":{"next":{"$ref":"#/components/schemas/C"}}}}}}`)
	if c == nil || len(list) != 2 {
		t.Fatalf("want two warnings, got %v", list)
	}
	if a, b := c.Schemas[0], c.Schemas[1]; !a.Never || b.Never || !b.AnyOf[1].Never || b.AnyOf[0].Never {
		t.Errorf("A %v, B %v %v", a.Never, b.Never, b.AnyOf[1].Never)
	}
	if next := c.Schemas[2]; next.Property("next") != next {
		t.Error("a step into the value was cut")
	}
}

func TestYAMLNumbersBecomeJSONLiterals(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"1": "1", "-1.50": "-1.50", "+7": "7", ".5": "0.5", "-.5": "-0.5", "1.": "1", "1.e3": "1e3", "007": "7", "0x1F": "31", "0o17": "15", "1e400": "1e400", "-0": "-0", "00": "0",
		"1_000": "", "0xZZ": "", ".": "", "+": "", "-": "", "1a": "", ".inf": "", "1.2.3": "", "2020-01-01": "", "a": "", "0x": "", "+-1": "", "1e": "",
	} {
		if got, ok := yamlNumber(in); got != want && ok || ok != (want != "") {
			t.Errorf("yamlNumber(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
}

func TestAnErrorIsNeverLostAmongWarnings(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("openapi: 3.0.3\npaths:\n")
	for i := range 300 {
		fmt.Fprintf(&b, "  /%d?q: {}\n", i)
	}
	b.WriteString("  /last: text\n")
	c, list := loadText(t, "openapi.yaml", b.String())
	if c != nil || list.Err() == nil || len(list) != source.MaxList || !has(list, CodeMore) {
		t.Errorf("got %d diagnostics, error %v", len(list), list.Err())
	}
}

func TestBytesThatAreNotUTF8AreSaidAndKeepTheirColumns(t *testing.T) {
	t.Parallel()
	c, list := loadText(t, "openapi.json", strings.Replace(minimal, `"t"`, "\"\xe9t\"", 1))
	if c == nil || c.Title != "?t" || len(list) != 1 || list[0].Code != CodeEncoding || list[0].At.Col != strings.Index(minimal, `"t"`)+2 {
		t.Errorf("got %v", list)
	}
}

func TestReferencesCannotMultiplyWorkWithoutEnd(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"openapi":"3.0.3","components":{"pathItems":{"P":{"parameters":[`)
	for i := range 3000 {
		fmt.Fprintf(&b, `{"name":"p%d","in":"query","schema":{}},`, i)
	}
	b.WriteString(`{"name":"z","in":"query","schema":{}}],"get":{"responses":{"200":{}}}}}},"paths":{`)
	for i := range 3000 {
		fmt.Fprintf(&b, `"/%d":{"$ref":"#/components/pathItems/P"},`, i)
	}
	b.WriteString(`"/z":{}}}`)
	c, list := loadText(t, "openapi.json", b.String())
	if c != nil || !has(list, CodeTooLarge) {
		t.Errorf("want %s, got %v", CodeTooLarge, list)
	}
}

func TestACancelledLoadEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var b strings.Builder
	b.WriteString(`{"openapi":"3.0.3","paths":{"/z":{}},"components":{"schemas":{"A":{}`)
	for i := range 5000 {
		fmt.Fprintf(&b, `,"A%d":{"type":"string"}`, i)
	}
	b.WriteString(`}}}`)
	if c, list := Parse(ctx, "openapi.json", []byte(b.String()), Options{}); c != nil || list.Err() == nil {
		t.Errorf("got %v", list)
	}
}

// endless is a file that never ends.
type endless struct{}

func (endless) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(make([]byte, MaxFile+2))), nil
}
func (endless) Resolve(path string) (string, error) { return "/" + path, nil }

func TestAFileIsReadUpToItsLimit(t *testing.T) {
	t.Parallel()
	if _, list := Load(t.Context(), "a.json", Options{Reader: endless{}}); !has(list, CodeTooLarge) {
		t.Errorf("got %v", list)
	}
}
