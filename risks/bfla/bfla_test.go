package bfla

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func list(texts ...string) source.Value {
	v := source.Value{Kind: source.Array, At: source.Span{File: "api.yaml", Line: 3}}
	for _, s := range texts {
		v.Items = append(v.Items, source.Value{Kind: source.String, Text: s})
	}
	return v
}

// operation asks for own scopes, and for those of each alternative.
func operation(own []string, alternatives ...[]string) *contract.Operation {
	op := &contract.Operation{Method: "GET", Path: "/admin/orders", Key: "GET /admin/orders"}
	if own != nil {
		op.Extensions = contract.Extensions{{Name: "scopes", Value: list(own...)}}
	}
	for _, scopes := range alternatives {
		op.Secured = true
		op.Security = append(op.Security, contract.Requirement{Parts: []contract.Required{{Scheme: &contract.Scheme{Kind: contract.OAuth2}, Scopes: scopes}}})
	}
	return op
}

func TestAKeyNeedsTheScopesOfTheOperation(t *testing.T) {
	t.Parallel()
	key := func(scopes ...string) risk.Caller { return risk.Caller{Kind: risk.KeyCaller, Scopes: scopes} }
	token := risk.Caller{Kind: risk.ProvisionalCaller, Scopes: []string{"a"}}
	for _, c := range []struct {
		name   string
		op     *contract.Operation
		caller risk.Caller
		passes bool
	}{
		{"a key with the scope", operation([]string{"a"}), key("b", "a"), true},
		{"a key with another scope", operation([]string{"a"}), key("b", "aa", "A"), false},
		{"a key without any scope", operation([]string{"a"}), key(), false},
		{"a key with one of two", operation([]string{"a", "b"}), key("a"), false},
		{"a key with both", operation([]string{"a", "b"}), key("a", "b"), true},
		{"nobody", operation([]string{"a"}), risk.Caller{}, false},
		{"a token that only the upstream knows", operation([]string{"a"}), token, false},
		{"a key with the scopes of one alternative", operation(nil, []string{"a"}, []string{"b"}), key("b"), true},
		{"a key with a part of one alternative", operation(nil, []string{"a", "b"}, []string{"c", "d"}), key("a", "c"), false},
		{"a token where the document asks for its scopes", operation(nil, []string{"a"}), token, true},
		{"a token where the document asks for other scopes", operation(nil, []string{"b"}), token, true},
		{"nobody where the document asks for scopes", operation(nil, []string{"b"}), risk.Caller{}, true},
		{"both are needed", operation([]string{"a"}, []string{"b"}), key("a"), false},
		{"both are there", operation([]string{"a"}, []string{"b"}), key("a", "b"), true},
	} {
		placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: c.op})
		if err != nil || len(placed) != 1 || placed[0].Phase != risk.Admit {
			t.Fatal(c.name, placed, err)
		}
		d := placed[0].Guard.Check(risk.NewExchange(&risk.Facts{Caller: c.caller}, nil))
		if (d == nil) != c.passes || d != nil && (d.Code != CodeScope || d.Status != 403 || !strings.Contains(d.Reason, "a")) {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

func TestThereIsNoGuardWhereNoScopeIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*risk.Site{
		"an API":                       {Scope: risk.OfAPI},
		"nothing asked":                {Scope: risk.OfOperation, Op: operation(nil)},
		"an empty list":                {Scope: risk.OfOperation, Op: operation([]string{})},
		"one alternative without":      {Scope: risk.OfOperation, Op: operation(nil, []string{"a"}, nil)},
		"opened by the operator's own": {Scope: risk.OfOperation, Op: operation([]string{"a"}), Public: "the sign-in"},
	} {
		if placed, err := newGuard(s); err != nil || len(placed) != 0 {
			t.Errorf("%s: %v, %v", name, placed, err)
		}
	}
}

func TestAListThatCannotBeReadRefusesThePlan(t *testing.T) {
	t.Parallel()
	for _, v := range []source.Value{{Kind: source.String, Text: "a"}, {Kind: source.Null}, list("a", ""), list("a b"), {Kind: source.Array, Items: []source.Value{{Kind: source.Number, Text: "1"}}}} {
		op := &contract.Operation{Method: "GET", Path: "/x", Extensions: contract.Extensions{{Name: "scopes", Value: v}}}
		if _, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: op}); !errors.Is(err, errScopes) {
			t.Errorf("%+v: %v", v, err)
		}
	}
}

func TestPassingAllocatesNothing(t *testing.T) {
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: operation([]string{"a"}, []string{"b"}, []string{"c"})})
	if err != nil {
		t.Fatal(err)
	}
	x := risk.NewExchange(&risk.Facts{Caller: risk.Caller{Kind: risk.KeyCaller, Scopes: []string{"a", "c"}}}, nil)
	if n := testing.AllocsPerRun(100, func() {
		if placed[0].Guard.Check(x) != nil {
			t.Error("it is refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheLintSpeaksOfFunctionsForFew(t *testing.T) {
	t.Parallel()
	write := &contract.Operation{Method: "POST", Path: "/orders"}
	open := &contract.Operation{Method: "POST", Path: "/sign-in", Secured: true}
	scoped, admin := operation([]string{"a"}), operation(nil)
	broken := operation(nil)
	broken.Extensions = contract.Extensions{{Name: "scopes", Value: source.Value{Kind: source.String}}}
	unlisted := operation(nil, []string{"a", "b"})
	unlisted.Security[0].Parts[0].Scheme.Flows = []contract.Flow{{Scopes: []string{"b"}}}
	for _, c := range []struct {
		name string
		ops  []*contract.Operation
		want []source.Code
	}{
		{"a document that knows no scopes", []*contract.Operation{write, open}, nil},
		{"a write beside scopes", []*contract.Operation{write, open, scoped}, []source.Code{CodeNoScope}},
		{"an administrator's page", []*contract.Operation{admin}, []source.Code{CodeNoScope}},
		{"a word that begins like it", []*contract.Operation{{Method: "GET", Path: "/admins-of-orders"}}, nil},
		{"a list that is none", []*contract.Operation{broken}, []source.Code{CodeScopes}},
		{"a scope that nobody can have, once", []*contract.Operation{unlisted, unlisted}, []source.Code{CodeUnlisted}},
	} {
		var got []source.Code
		lint(&contract.Contract{Operations: c.ops}, func(d source.Diagnostic) { got = append(got, d.Code) })
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestTheProbeHoldsTheAPIToItself(t *testing.T) {
	t.Parallel()
	const full, more, mistake = `[{"id":1,"total":2}]`, `[{"id":7,"total":9},{"id":1,"total":2}]`, `{"error":"not you"}`
	for _, c := range []struct {
		name  string
		first risk.Seen // what bob gets from one operation
		other risk.Seen // and from another with the same scope
		want  []string
	}{
		{"both refuse", risk.Seen{Status: 403}, risk.Seen{Status: 404}, nil},
		{"one answers", risk.Seen{Status: 403}, risk.Seen{Status: 200, Body: []byte(more)}, []string{"confirmed"}},
		{"one answers, one is silent", risk.Seen{Status: 500}, risk.Seen{Status: 200, Body: []byte(full)}, []string{"probable"}},
		{"both answer", risk.Seen{Status: 200, Body: []byte(full)}, risk.Seen{Status: 200, Body: []byte(full)}, []string{"probable", "probable"}},
		{"a success that is an error", risk.Seen{Status: 200, Body: []byte(mistake)}, risk.Seen{Status: 302}, nil},
		{"an empty list says nothing", risk.Seen{Status: 403}, risk.Seen{Status: 200, Body: []byte(`[]`)}, nil},
		{"an empty answer says nothing", risk.Seen{Status: 403}, risk.Seen{Status: 200}, nil},
	} {
		one, two := operation([]string{"a"}), operation([]string{"a"})
		one.Path, two.Path = "/one", "/two"
		var got []string
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{one, two, operation(nil)}}, Callers: []string{"alice", "bob"},
			Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{As: "alice", Method: "GET", Path: op.Path}, true
			},
			Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
				switch {
				case a.As == "alice":
					return &risk.Seen{Status: 200, Body: []byte(full)}, nil
				case a.Path == "/one":
					return &c.first, nil
				}
				return &c.other, nil
			},
			Report: func(f risk.Finding) {
				got = append(got, map[bool]string{true: "confirmed", false: "probable"}[f.Confirmed])
			},
		})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	if err := probe(t.Context(), &risk.Target{Callers: []string{"alice"}}); !errors.Is(err, errOneCaller) {
		t.Errorf("got %v", err)
	}
}
