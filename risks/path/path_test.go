package path

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func design(paths ...string) *contract.Contract {
	c := &contract.Contract{}
	for i, p := range paths {
		c.Operations = append(c.Operations, &contract.Operation{
			Method: "GET", Path: p, Key: "GET " + p, PathAt: source.Span{File: "a", Line: i + 1},
		})
	}
	return c
}

// guardOf is the guard of the operation with a template, or nil.
func guardOf(t *testing.T, c *contract.Contract, template string) risk.Guard {
	t.Helper()
	for _, op := range c.Operations {
		if op.Path != template {
			continue
		}
		placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, API: &risk.API{Contract: c}, Op: op})
		if err != nil {
			t.Fatal(err)
		}
		if len(placed) == 0 {
			return nil
		}
		return placed[0].Guard
	}
	t.Fatalf("no %s", template)
	return nil
}

func exchange(t *testing.T, path string) *risk.Exchange {
	t.Helper()
	p, err := canon.Path(path)
	if err != nil {
		t.Fatal(err)
	}
	return risk.NewExchange(&risk.Facts{Request: risk.Request{Method: "GET", Path: p}}, nil)
}

func TestParametersThatSpellADeclaredNameAreRefused(t *testing.T) {
	t.Parallel()
	c := design("/users/{id}", "/users/me", "/users/{id}/keys/{key}", "/users/me/keys/{key}", "/users/{id}/keys/new", "/{a}/{b}/x", "/orders/{id}")
	for _, tc := range []struct {
		template, path string
		denied         bool
	}{
		{"/users/{id}", "/users/ME", true},
		{"/users/{id}", "/users/mE", true},
		{"/users/{id}", "/users/%6De.", true},
		{"/users/{id}", "/users/me.json", true},
		{"/users/{id}", "/users/Me.XML", true},
		{"/users/{id}", "/users/me%20", true},
		{"/users/{id}", "/users/me%3Bx=1", true},
		{"/users/{id}", "/users/me%23", true},
		{"/users/{id}", "/users/me.json.", true},
		{"/users/{id}", "/users/m", false},
		{"/users/{id}", "/users/mee", false},
		{"/users/{id}", "/users/me.smith", false},
		{"/users/{id}", "/users/.me", false},
		{"/users/{id}", "/users/4", false},
		{"/users/{id}/keys/{key}", "/users/ME/keys/4", true},
		{"/users/{id}/keys/{key}", "/users/7/keys/NEW", true},
		{"/users/{id}/keys/{key}", "/users/7/keys/4", false},
		{"/users/me/keys/{key}", "/users/me/keys/New", true},
		{"/users/me/keys/{key}", "/users/me/keys/4", false},
	} {
		d := guardOf(t, c, tc.template).Check(exchange(t, tc.path))
		if (d != nil) != tc.denied || d != nil && d.Code != CodeAlias {
			t.Errorf("%s by %s: %v", tc.path, tc.template, d)
		}
	}
	for _, template := range []string{"/users/me", "/orders/{id}"} {
		if guardOf(t, c, template) != nil {
			t.Errorf("%s has nothing to guard, and is guarded", template)
		}
	}
}

func TestPlacesWithoutAnOperationHaveNoGuard(t *testing.T) {
	t.Parallel()
	for _, s := range []risk.Scope{risk.OfListener, risk.OfAPI} {
		if placed, err := newGuard(&risk.Site{Scope: s}); err != nil || len(placed) != 0 {
			t.Errorf("scope %d: %v, %v", s, placed, err)
		}
	}
}

func TestAPassAllocatesNothing(t *testing.T) {
	g := guardOf(t, design("/users/{id}", "/users/me", "/users/search"), "/users/{id}")
	x := exchange(t, "/users/4711.json")
	if n := testing.AllocsPerRun(100, func() {
		if g.Check(x) != nil {
			t.Fatal("denied")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		paths []string
		want  []string // code and line
	}{
		{"a sound design", []string{"/", "/users", "/users/{id}", "/users/me", "/users/me/keys", "/users/{id}/keys"}, nil},
		{"a slash behind", []string{"/users", "/users/"}, []string{"path/twins 2"}},
		{"another case", []string{"/Users/{id}", "/users/{name}"}, []string{"path/twins 2"}},
		{"two methods of one template", []string{"/users", "/users"}, nil},
		{"a cross", []string{"/a/{x}/c", "/a/b/{y}"}, []string{"path/overlap 2"}},
		{"a cross of three, told once each", []string{"/{x}/b/c", "/a/{x}/c", "/a/b/{x}"}, []string{"path/overlap 2", "path/overlap 3"}},
		{"a parameter within a segment", []string{"/a/{x}.json", "/a/b"}, nil},
	} {
		var got []string
		lint(design(c.paths...), func(d source.Diagnostic) {
			got = append(got, string(d.Code)+" "+string(rune('0'+d.At.Line)))
			if d.Hint == "" || d.Text == "" {
				t.Errorf("%s: %v", c.name, d)
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// run probes a server that answers a path, and returns what was found.
func run(t *testing.T, answer func(path string) (int, string)) (codes []string) {
	t.Helper()
	sent := 0
	err := probe(t.Context(), &risk.Target{
		Contract: design("/orders/{id}", "/orders/archive"),
		Canary:   func() string { return "abcdefghijklmnop" },
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			if a.Method != "GET" {
				t.Errorf("the probe sends %s", a.Method)
			}
			sent++
			status, body := answer(a.Path)
			return &risk.Seen{Status: status, Body: []byte(body)}, nil
		},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{Method: "GET", Path: strings.Replace(op.Path, "{id}", "1", 1)}, true
		},
		Report: func(f risk.Finding) {
			if !f.Confirmed || f.Proof == "" {
				t.Errorf("unproved: %+v", f)
			}
			codes = append(codes, f.Code)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if sent > 40 {
		t.Errorf("%d requests", sent)
	}
	slices.Sort(codes)
	return codes
}

func TestTheProbeFindsOnlyWhatIsProved(t *testing.T) {
	t.Parallel()
	sound := func(path string) (int, string) {
		switch path {
		case "/orders/1":
			return 200, `{"id":1}`
		case "/orders/archive":
			return 200, `[]`
		}
		return 404, "no"
	}
	also := func(status int, body string, paths ...string) func(string) (int, string) {
		return func(path string) (int, string) {
			if slices.Contains(paths, path) {
				return status, body
			}
			return sound(path)
		}
	}
	calls := 0
	for _, c := range []struct {
		name   string
		answer func(string) (int, string)
		want   []string
	}{
		{"a sound server", sound, nil},
		{"encoded dots", also(200, `{"id":1}`, "/orders/abcdefghijklmnop/%2e%2e/1"), []string{"path/normalised"}},
		{"overlong dots", also(200, `{"id":1}`, "/orders/abcdefghijklmnop/%c0%ae%c0%ae/1"), []string{"path/normalised"}},
		{"a backslash", also(200, `{"id":1}`, `/orders/abcdefghijklmnop\..\1`), []string{"path/normalised"}},
		{"dots that lead elsewhere", also(200, `{"id":2}`, "/orders/abcdefghijklmnop/%2e%2e/1"), nil},
		{"a redirect", also(301, `{"id":1}`, "/orders/abcdefghijklmnop/%2e%2e/1"), nil},
		{"capitals", also(200, `[]`, "/orders/ARCHIVE"), []string{"path/alias"}},
		{"a format", also(200, `[]`, "/orders/archive.json"), []string{"path/alias"}},
		{"capitals that are an order", also(200, `{"id":7}`, "/orders/ARCHIVE"), nil},
		{"one page for everything", func(string) (int, string) { return 200, "<html>" }, nil},
		{"an empty page", func(string) (int, string) { return 200, "" }, nil},
		{"a page that changes", func(string) (int, string) { calls++; return 200, strings.Repeat("a", calls) }, nil},
	} {
		if diff := cmp.Diff(c.want, run(t, c.answer)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
