package authn

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// answer says what one request gets; n counts up.
type answer func(a *risk.Attempt, n int) *risk.Seen

func say(status int, body string) *risk.Seen { return &risk.Seen{Status: status, Body: []byte(body)} }

func lawful(a *risk.Attempt, n int) *risk.Seen {
	if a.Path != "/orders" {
		return say(404, `{}`)
	}
	return say(200, `{"owner":"alice","at":`+strconv.Itoa(n)+`}`)
}

func TestProbeFindsOnlyTheLawfulAnswer(t *testing.T) {
	t.Parallel()
	anonymous := func(f answer) answer {
		return func(a *risk.Attempt, n int) *risk.Seen {
			if a.As != "" {
				return lawful(a, n)
			}
			return f(a, n)
		}
	}
	fixed := func(status int, body string) answer {
		return anonymous(func(*risk.Attempt, int) *risk.Seen { return say(status, body) })
	}
	for _, c := range []struct {
		name  string
		serve answer
		found bool
	}{
		{"no check at all", lawful, true},
		{"401", fixed(401, `{"error":"who are you"}`), false},
		{"404 for forbidden", fixed(404, ``), false},
		{"a redirect to the login", fixed(302, ``), false},
		{"an error in a 200", fixed(200, `{"error":"log in"}`), false},
		{"an empty 200", fixed(200, ``), false},
		{"another object in a 200", fixed(200, `{"owner":"nobody","at":1}`), false},
		{"an empty object in a 200", fixed(200, `{}`), false},
		{"another status of success", fixed(204, ``), false},
	} {
		for _, secured := range []bool{true, false} {
			var got []risk.Finding
			closed := op(one(bearer()))
			closed.Key = "GET /orders"
			if !secured {
				closed.Secured, closed.Security = false, nil
			}
			n := 0
			err := probe(t.Context(), target(closed, &got, func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
				n++
				return c.serve(a, n), nil
			}))
			if err != nil || (len(got) == 1) != c.found {
				t.Errorf("%s: %v, %v", c.name, got, err)
			}
			if c.found && (got[0].Confirmed != secured || got[0].Operation != "GET /orders") {
				t.Errorf("%s: %+v", c.name, got[0])
			}
		}
	}
}

func target(o *contract.Operation, got *[]risk.Finding, send func(context.Context, *risk.Attempt) (*risk.Seen, error)) *risk.Target {
	return &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{op(), {Method: "POST", Path: "/orders"}, o}}, Callers: []string{"alice"}, Send: send,
		Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: "GET", Path: "/orders"}, true
		},
		Report: func(f risk.Finding) { *got = append(*got, f) },
		Canary: func() string { return "abcdefghijklmnop" },
	}
}

func TestAPageThatAnswersEverythingIsNoFinding(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"app":"shell"}`, `<html>`} {
		var got []risk.Finding
		err := probe(t.Context(), target(op(one(bearer())), &got, func(context.Context, *risk.Attempt) (*risk.Seen, error) { return say(200, body), nil }))
		if err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
}

func TestProbeThatCouldNotCompareSaysSo(t *testing.T) {
	t.Parallel()
	var got []risk.Finding
	send := func(context.Context, *risk.Attempt) (*risk.Seen, error) { return say(200, `[]`), nil }
	if err := probe(t.Context(), target(op(one(bearer())), &got, send)); !errors.Is(err, errNoAnswer) {
		t.Errorf("an empty list proves nothing: %v", err)
	}
	silent := target(op(one(bearer())), &got, send)
	silent.Callers = nil
	if err := probe(t.Context(), silent); !errors.Is(err, errNoCaller) {
		t.Errorf("got %v", err)
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	basic := scheme(contract.Scheme{Name: "b", Kind: contract.HTTPAuth, HTTP: "basic"})
	write := op()
	write.Method = "POST"
	all := func(ops ...*contract.Operation) *contract.Contract {
		c := &contract.Contract{Operations: ops}
		for _, o := range ops {
			for _, r := range o.Security {
				for _, p := range r.Parts {
					c.Schemes = append(c.Schemes, p.Scheme)
				}
			}
		}
		return c
	}
	unused := all(op(one(bearer())))
	unused.Schemes = append(unused.Schemes, basic)
	for _, c := range []struct {
		name string
		in   *contract.Contract
		want []source.Code
	}{
		{"a sound document", all(op(one(bearer())), op(), op(one(apiKey(contract.InHeader, "X-Token")))), nil},
		{"a document that is silent throughout", all(&contract.Operation{Method: "POST"}), nil},
		{"a scheme that nothing uses", unused, nil},
		{"one operation forgotten", all(op(one(bearer())), &contract.Operation{Method: "GET"}), []source.Code{CodeOpen}},
		{"a write for anybody", all(op(one(bearer())), write), []source.Code{CodeOpenWrite}},
		{"a key in the URL, and passwords", all(op(one(apiKey(contract.InQuery, "k"))), op(one(basic))), []source.Code{CodeBasic}},
	} {
		var got []source.Code
		lint(c.in, func(d source.Diagnostic) {
			got = append(got, d.Code)
			if d.Hint == "" {
				t.Errorf("%s: %v says not what to write", c.name, d)
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
