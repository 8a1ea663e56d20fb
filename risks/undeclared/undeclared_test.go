package undeclared

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func build(t testing.TB, s *risk.Site, phase risk.Phase) risk.Guard {
	t.Helper()
	placed, err := newGuard(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range placed {
		if p.Phase == phase {
			return p.Guard
		}
	}
	t.Fatalf("placed %v", placed)
	return nil
}

func TestABodyWithoutATypeIsJudgedOnceItIsRead(t *testing.T) {
	t.Parallel()
	g := build(t, &risk.Site{Scope: risk.OfOperation, Op: order()}, risk.Body)
	for pointer, want := range map[string]bool{"": true, "/photo": false} {
		f := &risk.Facts{Content: risk.Reading{Violations: []risk.Violation{{Class: risk.BadValue}, {Class: risk.WrongMedia, Pointer: pointer}}}}
		if d := g.Check(risk.NewExchange(f, nil)); (d != nil) != want || d != nil && d.Code != CodeMedia {
			t.Errorf("pointer %q: got %+v", pointer, d)
		}
	}
}

func TestWhatNoOperationStandsForIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []*risk.Site{{Scope: risk.OfListener}, {Scope: risk.OfAPI, API: &risk.API{Name: "orders"}}} {
		g := build(t, s, risk.Admit)
		for route, want := range map[risk.Route]struct {
			code   fault.Code
			status int
		}{
			risk.NoAPI: {CodePath, 404}, risk.NoPath: {CodePath, 404}, risk.Found: {CodePath, 404},
		} {
			d := g.Check(risk.NewExchange(&risk.Facts{Route: route, Allowed: "GET"}, nil))
			if d == nil || d.Code != want.code || d.Status != want.status || d.Allow {
				t.Errorf("scope %d, route %d: got %+v", s.Scope, route, d)
			}
		}
	}
}

func order() *contract.Operation {
	return &contract.Operation{
		Method: "POST", Path: "/orders", Key: "POST /orders",
		Body: &contract.Body{Media: []*contract.Media{{Type: "application/json"}, {Type: "bad type"}, {Type: "text/csv"}}},
	}
}

func TestInputsThatTheOperationDoesNotDeclareAreRefused(t *testing.T) {
	t.Parallel()
	g := build(t, &risk.Site{Scope: risk.OfOperation, Op: order()}, risk.Head)
	violate := func(class risk.Class) risk.Reading { return risk.Reading{Violations: []risk.Violation{{Class: class}}} }
	for _, c := range []struct {
		name          string
		head, content risk.Reading
		want          fault.Code
	}{
		{"nothing is wrong", risk.Reading{}, risk.Reading{}, ""},
		{"an unknown parameter", violate(risk.Undeclared), risk.Reading{}, CodeParameter},
		{"an unknown parameter behind a bad value", risk.Reading{Violations: []risk.Violation{{Class: risk.BadValue}, {Class: risk.Undeclared}}}, risk.Reading{}, CodeParameter},
		{"another media type", risk.Reading{}, violate(risk.WrongMedia), CodeMedia},
		{"both", violate(risk.Undeclared), violate(risk.WrongMedia), CodeParameter},
		{"a bad value is somebody else's", violate(risk.BadValue), violate(risk.BadValue), ""},
	} {
		d := g.Check(risk.NewExchange(&risk.Facts{Head: c.head, Content: c.content}, nil))
		var got fault.Code
		if d != nil {
			got = d.Code
		}
		if got != c.want {
			t.Errorf("%s: got %q", c.name, got)
		}
		if got == CodeMedia && (d.Status != 415 || d.Show != risk.ShowBody || risk.Fields(d.Fields).Get("Accept") != "application/json, text/csv") {
			t.Errorf("%s: %+v", c.name, d)
		}
		if got == CodeParameter && (d.Status != 400 || d.Show != risk.ShowHead) {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

func TestPassingAllocatesNothing(t *testing.T) {
	g := build(t, &risk.Site{Scope: risk.OfOperation, Op: order()}, risk.Head)
	x := risk.NewExchange(&risk.Facts{}, nil)
	if n := testing.AllocsPerRun(100, func() { g.Check(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// answer is what a server says to one attempt.
type answer func(a *risk.Attempt) *risk.Seen

func say(status int, body string, fields ...risk.Field) *risk.Seen {
	return &risk.Seen{Status: status, Body: []byte(body), Fields: fields}
}

func contentType(a *risk.Attempt) string { return a.Fields.Get("Content-Type") }

// sound answers what the contract declares, and nothing else.
func sound(a *risk.Attempt) *risk.Seen {
	switch {
	case a.Path == "/orders/1" && a.Method == "GET":
		return say(200, `{"id":1}`)
	case a.Path == "/orders/1" && a.Method == "DELETE":
		return say(204, "")
	case a.Path == "/orders/1", a.Path == "/orders" && a.Method != "POST":
		return say(405, "no")
	case a.Path == "/orders" && contentType(a) != "application/json":
		return say(415, "no")
	case a.Path == "/orders" && string(a.Body) != "{}":
		return say(400, "no")
	case a.Path == "/orders":
		return say(201, `{"id":1}`, risk.Field{Name: "Location", Value: "/orders/1"})
	}
	return say(404, "no")
}

// over is sound but where f answers.
func over(f answer) answer {
	return func(a *risk.Attempt) *risk.Seen {
		if s := f(a); s != nil {
			return s
		}
		return sound(a)
	}
}

func at(method, path string, s *risk.Seen) answer {
	return over(func(a *risk.Attempt) *risk.Seen {
		if a.Method == method && a.Path == path {
			return s
		}
		return nil
	})
}

// run probes a server and returns the codes of what was found.
func run(t *testing.T, serve answer) (codes, sent []string) {
	t.Helper()
	ops := []*contract.Operation{
		{Method: "GET", Path: "/orders/{id}", Key: "GET /orders/{}"}, {Method: "DELETE", Path: "/orders/{id}", Key: "DELETE /orders/{}"},
		{Method: "POST", Path: "/orders", Key: "POST /orders", Body: &contract.Body{Media: []*contract.Media{{Type: "application/json"}}}},
	}
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: ops}, Callers: []string{"alice"},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			sent = append(sent, a.Method+" "+a.Path)
			return serve(a), nil
		},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			a := &risk.Attempt{As: "alice", Method: op.Method, Path: strings.Replace(op.Path, "{id}", "1", 1)}
			if op.Body != nil {
				a.Body, a.Fields = []byte("{}"), risk.Fields{{Name: "content-type", Value: "application/json"}}
			}
			return a, true
		},
		Report: func(f risk.Finding) {
			if !f.Confirmed || f.Proof == "" {
				t.Errorf("unproved: %+v", f)
			}
			codes = append(codes, f.Code)
		},
		Canary: func() string { return "abcdefghijklmnop" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return codes, sent
}

func TestProbeFindsOnlyWhatIsProved(t *testing.T) {
	t.Parallel()
	parsesAnything := over(func(a *risk.Attempt) *risk.Seen {
		if a.Method != "POST" || a.Path != "/orders" || string(a.Body) != "{}" {
			return nil
		}
		return say(201, `{"id":1}`, risk.Field{Name: "Location", Value: "/orders/1"})
	})
	for _, c := range []struct {
		name  string
		serve answer
		want  []string
	}{
		{"a sound server", sound, nil},
		{"a debug page", at("GET", "/internal/debug", say(200, "goroutines")), []string{"undeclared/path"}},
		{"a debug page that asks for a login", at("GET", "/internal/debug", say(302, "")), nil},
		{"an empty debug page", at("GET", "/internal/debug", say(200, "")), nil},
		{"a page for everything", over(func(a *risk.Attempt) *risk.Seen {
			if strings.HasPrefix(a.Path, "/orders") {
				return nil
			}
			return say(200, "<html>")
		}), nil},
		{"JSON as text", parsesAnything, []string{"undeclared/media-type"}},
		{"a handler that reads no body", at("POST", "/orders", say(201, `{"id":1}`)), nil},
	} {
		got, _ := run(t, c.serve)
		slices.Sort(got)
		if diff := cmp.Diff(c.want, slices.Compact(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestProbeDeletesWhatItCreatedAndNothingElse(t *testing.T) {
	t.Parallel()
	_, sent := run(t, sound)
	creates, deletes := 0, 0
	for _, s := range sent {
		switch s {
		case "POST /orders":
			creates++
		case "DELETE /orders/1":
			deletes++
		}
	}
	if creates != 3 || deletes != 1 { // of the three, the lawful one alone creates
		t.Errorf("%d creations, %d deletions: %v", creates, deletes, sent)
	}
	if len(sent) > 60 {
		t.Errorf("%d requests", len(sent))
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	body := func(types ...string) *contract.Operation {
		o := &contract.Operation{Method: "POST", Path: "/orders", Body: &contract.Body{}}
		for i, s := range types {
			o.Body.Media = append(o.Body.Media, &contract.Media{Type: s, At: source.Span{File: "a", Line: i + 1}})
		}
		return o
	}
	for _, c := range []struct {
		name string
		ops  []*contract.Operation
		want int
	}{
		{"sound", []*contract.Operation{body("application/json", "image/*"), {Method: "GET"}}, 0},
		{"any media", []*contract.Operation{body("*/*")}, 1},
		{"two ranges", []*contract.Operation{body("application/*", "text/*")}, 2},
		{"one body shared by two operations", []*contract.Operation{body("*/*"), body("*/*")}, 1},
	} {
		got := 0
		lint(&contract.Contract{Operations: c.ops}, func(d source.Diagnostic) {
			got++
			if d.Code != CodeAnyMedia || d.Hint == "" || d.At.IsZero() {
				t.Errorf("%s: %v", c.name, d)
			}
		})
		if got != c.want {
			t.Errorf("%s: %d findings", c.name, got)
		}
	}
}
