package policy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/source"
)

func TestGoodPoliciesAreTaken(t *testing.T) {
	t.Parallel()
	for _, name := range goodFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			p, l := Load(Input{Name: name, Risks: fakes()})
			if err := l.Err(); err != nil || p == nil {
				t.Fatalf("refused: %v", err)
			}
			if p.Version.Value != Version || len(p.Listen) == 0 || p.Admin.Bind.Value == "" {
				t.Errorf("defaults are missing: %+v", p)
			}
		})
	}
}

func goodFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no good policies: %v", err)
	}
	return names
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestEachValueKnowsItsPlace(t *testing.T) {
	t.Parallel()
	p, l := Load(Input{Name: "testdata/good/complete.yaml", Risks: fakes()})
	if l.Err() != nil {
		t.Fatal(l)
	}
	o := p.API("orders")
	got := []string{
		p.Listen[1].At.String(), p.TLS.ACME.Email.At.String(), p.Audit.Keep.At.String(), p.Risks[0].Params[0].At.String(),
		o.Name.At.String(), o.Place.At.String(), o.Mode.At.String(), o.Auth.APIKey.Header.At.String(),
		o.Operations[0].Selector.At.String(), p.Tests[1].Body.At.String(), p.Tests[1].Expect.At.String(),
	}
	const f = "testdata/good/complete.yaml:"
	want := []string{f + "2:34", f + "3:23", f + "9:16", f + "14:35", f + "18:3", f + "19:9", f + "24:11", f + "27:34", f + "29:7", f + "48:11", f + "50:13"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if m, target := p.Tests[0].Request(); m != "GET" || target != "/orders/42?x=1" {
		t.Errorf("request is %s %s", m, target)
	}
	if got := p.API("mail").Place.Value.String(); got != "https://api.acme.com:8443/v1/mail" {
		t.Errorf("place is %s", got)
	}
	if got := p.Path(o.OpenAPI.Value); got != "testdata/good/orders.openapi.yaml" {
		t.Errorf("the document is at %s", got)
	}
	if got := p.Path("https://a/b"); got != "https://a/b" {
		t.Errorf("a URL became %s", got)
	}
}

func TestObserveWithoutAnEndIsNoted(t *testing.T) {
	t.Parallel()
	p, l := Parse(Input{Name: "f", Risks: fakes()}, []byte("version: 1\nmode: observe\n"))
	if p == nil || len(l) != 1 || l[0].Code != CodeObserveOpen || l[0].Severity != source.Info || l[0].At.Line != 2 {
		t.Errorf("got %v", l)
	}
}

func TestManyNotesDoNotHideAnError(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("version: 1\napis:\n  a:\n    upstream: http://a\n    openapi: b\n    operations:\n")
	for i := range 3 * source.MaxList {
		fmt.Fprintf(&b, "      op%d: { mode: observe }\n", i)
	}
	in := Input{Name: "f", Risks: fakes()}
	if p, l := Parse(in, []byte(b.String())); p == nil || len(l) != source.MaxList {
		t.Errorf("%d notes", len(l))
	}
	b.WriteString("      last: { mode: off }\n")
	if p, l := Parse(in, []byte(b.String())); p != nil || l.Err() == nil || len(l) != source.MaxList {
		t.Error("an error behind many notes is lost")
	}
	b.Reset()
	for i := range 3 * source.MaxList {
		fmt.Fprintf(&b, "key%d: 1\n", i)
	}
	if p, l := Parse(in, []byte(b.String())); p != nil || len(l) != source.MaxList {
		t.Errorf("%d errors", len(l))
	}
}

func TestTextThatCannotBeShownIsRefused(t *testing.T) {
	t.Parallel()
	for raw, at := range map[string]string{
		"version: 1\nstate: \xff\n":          "f:2:8",
		"version: 1\nstate: a\x00\n":         "f:2:9",
		"version: 1\rmode: enforce\n":        "f:1:11",
		"version: 1\n# \u00a0\u2028\n":       "f:2:5",
		"version: 1\nstate: \"a\u0085b\"\n":  "f:2:10",
		"version: 1\n# \x1b[31m\nstate: x\n": "f:2:3",
	} {
		p, l := Parse(Input{Name: "f"}, []byte(raw))
		if p != nil || len(l) == 0 || l[0].Code != CodeEncoding || l[0].At.String() != at {
			t.Errorf("%q: got %v, want %s", raw, l, at)
		}
	}
	if p, l := Parse(Input{Name: "f"}, make([]byte, MaxText+1)); p != nil || len(l) != 1 || l[0].Code != CodeTooLarge {
		t.Errorf("got %v", l)
	}
	if p, l := Parse(Input{Name: "f"}, []byte("\ufeffversion: 1\n")); p == nil {
		t.Errorf("a byte order mark is refused: %v", l)
	}
}

func TestUnknownVariablesOfOursAreRefused(t *testing.T) {
	t.Parallel()
	in := Input{Name: "f", Environ: []string{"HOME=/root", "SALLYPORT_STATE=/x", "SALLYPORT_STAET=/y", "SALLYPORT_ZEBRA"}, Known: []string{"SALLYPORT_STATE"}}
	p, l := Parse(in, []byte("version: 1\n"))
	want := `environment: error policy/unknown-variable: nothing reads the variable "SALLYPORT_STAET"
      did you mean SALLYPORT_STATE?
environment: error policy/unknown-variable: nothing reads the variable "SALLYPORT_ZEBRA"
      unset it
`
	if d := cmp.Diff(want, printed(l)); d != "" || p != nil {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestAMissingFileIsOneDiagnostic(t *testing.T) {
	t.Parallel()
	p, l := Load(Input{Name: filepath.Join(t.TempDir(), "none.yaml")})
	if p != nil || len(l) != 1 || l[0].Code != CodeUnreadable {
		t.Errorf("got %v", l)
	}
	if p, l = Load(Input{Name: t.TempDir()}); p != nil || len(l) != 1 || l[0].Code != CodeUnreadable {
		t.Errorf("a folder: got %v", l)
	}
}

func TestFlagsAloneMakeASafePolicy(t *testing.T) {
	t.Parallel()
	p, l := Synthesise("http://127.0.0.1:8080", "orders.yaml", "")
	if l.Err() != nil {
		t.Fatal(l)
	}
	a := p.API("api")
	if a == nil || a.Upstream[0].Value != "http://127.0.0.1:8080" || a.Upstream[0].At.String() != "--to" || a.Place.Set || a.Auth.None.Set ||
		p.Listen[0].Value != DefaultListen || p.Mode.Value.Kind != Enforce || p.Audit.Keep.Value != DefaultKeep {
		t.Errorf("got %+v", p)
	}
	for at, args := range map[string][3]string{
		"--to": {"127.0.0.1:8080", "a", ""}, "--openapi": {"http://a", "", ""}, "--listen": {"http://a", "b", "localhost"},
	} {
		if p, l := Synthesise(args[0], args[1], args[2]); p != nil || len(l) != 1 || l[0].At.String() != at || l[0].Code != CodeBadValue {
			t.Errorf("%v: got %v", args, l)
		}
	}
	if d := Default(); len(d.APIs) != 0 || d.Listen[0].Value != DefaultListen || d.Admin.Bind.Value != DefaultAdmin {
		t.Errorf("default is %+v", d)
	}
}

// seedPolicies adds the policies beside the tests.
func seedPolicies(f *testing.F) {
	f.Helper()
	for _, file := range badFiles(f) {
		for _, c := range archived(f, file).Files {
			f.Add(c.Data)
		}
	}
	for _, file := range []string{"testdata/good/complete.yaml", "testdata/good/smallest.yaml"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
}

// FuzzParse holds diagnostics to what every one has, and a policy to there
// being none that is an error.
func FuzzParse(f *testing.F) {
	seedPolicies(f)
	in := Input{Name: "f", Risks: fakes()}
	g := grammar(in.Risks)
	fuzzloop.Run(f, func(t *testing.T, raw []byte) {
		if len(raw) > 64<<10 {
			return // larger than a fuzzing step should be
		}
		p, l := parseBy(g, in, raw)
		if (p == nil) != (l.Err() != nil) || len(l) > source.MaxList {
			t.Fatalf("policy %v with %v", p != nil, l)
		}
		for _, d := range l {
			if d.Code == "" || d.Text == "" || strings.Contains(d.Text, "\n") || d.At.Line > bytes.Count(raw, []byte("\n"))+1 {
				t.Fatalf("a poor diagnostic: %v", d)
			}
		}
	})
}

// FuzzFormat holds what the parser takes to the schema for editors, and to
// itself: written and read again it is the same.
func FuzzFormat(f *testing.F) {
	seedPolicies(f)
	schema, in := compiled(f), Input{Name: "f", Risks: fakes()}
	g := grammar(in.Risks)
	fuzzloop.Run(f, func(t *testing.T, raw []byte) {
		p, _ := parseBy(g, in, raw)
		if p == nil || len(raw) > 64<<10 {
			return
		}
		if valid, ok := accepts(t, schema, raw); ok && !valid {
			t.Fatal("the parser takes what the schema refuses")
		}
		text, err := Format(p, fakes())
		if err != nil {
			t.Fatal(err)
		}
		again, l := parseBy(g, in, text)
		if l.Err() != nil {
			t.Fatalf("written as\n%s\nwhich is refused: %v", text, l)
		}
		for _, a := range p.APIs {
			if u := &a.UpstreamTLS; *u == (UpstreamTLS{At: u.At}) {
				u.At = source.Span{} // one that says nothing is not written
			}
		}
		if d := cmp.Diff(p, again, places()); d != "" {
			t.Fatalf("(-before +after)\n%s", d)
		}
	})
}
