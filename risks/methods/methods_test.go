package methods

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
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

func TestOtherMethodsOfADeclaredPathAreRefused(t *testing.T) {
	t.Parallel()
	g := build(t, &risk.Site{Scope: risk.OfAPI, API: &risk.API{Name: "orders"}}, risk.Admit)
	for route, refused := range map[risk.Route]bool{risk.NoAPI: false, risk.NoPath: false, risk.Found: false, risk.NoMethod: true} {
		d := g.Check(risk.NewExchange(&risk.Facts{Route: route, Allowed: "GET"}, nil))
		if (d != nil) != refused || d != nil && (d.Code != CodeMethod || d.Status != 405 || !d.Allow) {
			t.Errorf("route %d: got %+v", route, d)
		}
	}
	if placed, err := newGuard(&risk.Site{Scope: risk.OfListener}); err != nil || len(placed) != 0 {
		t.Errorf("the listener has no methods: %v %v", placed, err)
	}
}

func order() *contract.Operation {
	return &contract.Operation{
		Method: "POST", Path: "/orders", Key: "POST /orders",
		Body: &contract.Body{Media: []*contract.Media{{Type: "application/json"}, {Type: "bad type"}, {Type: "text/csv"}}},
	}
}

func TestAFieldMustNotNameAnotherMethod(t *testing.T) {
	t.Parallel()
	own := order()
	own.Parameters = []*contract.Parameter{{Name: "x-http-method", In: contract.InHeader}}
	for name, refused := range map[string]bool{
		"X-HTTP-Method-Override": true, "x-method-override": true, "X-HTTP-Method": false, "X-Method": false, "Method": false,
	} {
		f := &risk.Facts{Request: risk.Request{Fields: risk.Fields{{Name: name, Value: "DELETE"}}}}
		d := build(t, &risk.Site{Scope: risk.OfOperation, Op: own}, risk.Head).Check(risk.NewExchange(f, nil))
		if (d != nil) != refused || d != nil && (d.Code != CodeOverride || d.Status != 400) {
			t.Errorf("%s: got %+v", name, d)
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
	echo := over(func(a *risk.Attempt) *risk.Seen {
		if a.Method != "TRACE" {
			return nil
		}
		return say(200, "TRACE\r\nX-Trace-Me: "+a.Fields.Get("X-Trace-Me"))
	})
	anyMethod := over(func(a *risk.Attempt) *risk.Seen {
		if a.Path == "/orders/1" && a.Method != "DELETE" && a.Method != "TRACE" {
			return say(200, `{"id":1}`)
		}
		return nil
	})
	for _, c := range []struct {
		name  string
		serve answer
		want  []string
	}{
		{"a sound server", sound, nil},
		{"a method that nobody declared", at("PUT", "/orders/1", say(200, `{}`)), []string{"methods/undeclared"}},
		{"a method that is forbidden", at("PUT", "/orders/1", say(403, `{}`)), nil},
		{"a method that finds fault with the body", at("PUT", "/orders/1", say(400, `{}`)), nil},
		{"a list that nobody declared", at("GET", "/orders", say(200, `[]`)), []string{"methods/undeclared"}},
		{"a handler that looks at no method", anyMethod, []string{"methods/undeclared"}},
		{"a method taken from a field", over(func(a *risk.Attempt) *risk.Seen {
			if !a.Fields.Has("x-http-method-override") {
				return nil
			}
			return say(405, "no")
		}), []string{"methods/override"}},
		{"a field for a method that is refused", over(func(a *risk.Attempt) *risk.Seen {
			if !a.Fields.Has("x-http-method-override") {
				return nil
			}
			return say(400, "no")
		}), nil},
		{"TRACE that gives back", echo, []string{"methods/trace"}},
		{"TRACE that gives back nothing", at("TRACE", "/orders/1", say(200, "TRACE")), nil},
	} {
		got, _ := run(t, c.serve)
		slices.Sort(got)
		if diff := cmp.Diff(c.want, slices.Compact(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestProbeDeletesAndCreatesNothing(t *testing.T) {
	t.Parallel()
	_, sent := run(t, sound)
	for _, s := range sent {
		if strings.HasPrefix(s, "DELETE ") {
			t.Errorf("it sent %s", s)
		}
	}
	if len(sent) > 60 {
		t.Errorf("%d requests", len(sent))
	}
}

func TestTheLintSpeaksOfDeclaredTricks(t *testing.T) {
	t.Parallel()
	field := func(in contract.In, name string) *contract.Operation {
		return &contract.Operation{Method: "POST", Parameters: []*contract.Parameter{{In: in, Name: name}}}
	}
	var got []string
	lint(&contract.Contract{Operations: []*contract.Operation{
		{Method: "TRACE", Key: "TRACE /a"}, {Method: "OPTIONS"}, field(contract.InHeader, "x-method-override"), field(contract.InQuery, "X-HTTP-Method"), field(contract.InHeader, "X-Method"),
	}}, func(d source.Diagnostic) { got = append(got, string(d.Code)) })
	if diff := cmp.Diff([]string{"methods/trace", "methods/override-field"}, got); diff != "" {
		t.Error(diff)
	}
}
