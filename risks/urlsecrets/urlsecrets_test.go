package urlsecrets

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
)

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

// engine knows one key.
type engine struct{ risk.Env }

func (engine) Verify(c risk.Credential) (risk.Caller, risk.Verdict) {
	if c.API == "orders" && c.Text.Reveal() == "sp_live_alice" {
		return risk.Caller{Kind: risk.KeyCaller, KeyID: "k1"}, risk.Valid
	}
	return risk.Caller{}, risk.UnknownCredential
}

func build(t testing.TB) risk.Guard {
	t.Helper()
	op := &contract.Operation{
		Method: "GET", Path: "/orders",
		Parameters: []*contract.Parameter{{Name: "q", In: contract.InQuery}, {Name: "id_token", In: contract.InQuery}, {Name: "user", In: contract.InQuery}},
		Security: []contract.Requirement{{Parts: []contract.Required{
			{Scheme: &contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Field: "apikey"}},
			{Scheme: &contract.Scheme{Kind: contract.APIKey, In: contract.InHeader, Field: "token"}},
		}}},
	}
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, API: &risk.API{Name: "orders", KeyPrefix: "sp_live_"}, Op: op})
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Connect {
		t.Fatal(placed, err)
	}
	return placed[0].Guard
}

func exchange(t testing.TB, path, query string) (*risk.Exchange, *risk.Facts) {
	t.Helper()
	p, err := canon.Path(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := canon.Query(query, nil)
	if err != nil {
		t.Fatal(query, err)
	}
	f := &risk.Facts{Env: engine{}, Request: risk.Request{Method: "GET", Path: p, Query: parsed.Text, Pairs: parsed.Pairs}}
	return risk.NewExchange(f, nil), f
}

func TestCredentialsInTheURLAreRefused(t *testing.T) {
	t.Parallel()
	g := build(t)
	for _, c := range []struct {
		name, path, query string
		want              fault.Code
	}{
		{"nothing", "/orders", "", ""},
		{"a search for the words", "/orders", "q=access_token+password", ""},
		{"a page token", "/orders", "page_token=abc&next-token=1", ""},
		{"a name that only begins like one", "/orders", "tokens=3&passwordless=1", ""},
		{"a name without a value", "/orders", "token", CodeQuery},
		{"an access token", "/orders", "access_token=abc", CodeQuery},
		{"in another spelling", "/orders", "Access-Token=abc", CodeQuery},
		{"encoded", "/orders", "acc%65ss_tok%65n=abc", CodeQuery},
		{"behind others", "/orders", "q=1&x=2&PASSWORD=3", CodeQuery},
		{"a member", "/orders", "login[password]=x", CodeQuery},
		{"a member of a declared object", "/orders", "user[password]=x", ""},
		{"a scheme of the document", "/orders", "apikey=abc", ""},
		{"a scheme for the header", "/orders", "token=abc", CodeQuery},
		{"a declared token", "/orders", "id_token=" + jwt, ""},
		{"a token under a declared name that asks for none", "/orders", "q=" + jwt, CodeQuery},
		{"with its scheme", "/orders", "q=Bearer%20" + jwt, CodeQuery},
		{"text with dots", "/orders", "q=eyJ.eyJ", ""},
		{"text that is no token", "/orders", "q=eyJ%20a.eyJb.c", ""},
		{"a key of ours", "/orders", "q=sp_live_alice", CodeQuery},
		{"a key of ours in a text", "/orders", "q=see+sp_live_+and+sp_live_bobby.", CodeQuery},
		{"a key of ours as a name", "/orders", "sp_live_alice=1", CodeQuery},
		{"a key of ours under a declared secret", "/orders", "apikey=sp_live_alice", CodeQuery},
		{"the prefix alone", "/orders", "q=sp_live_", ""},
		{"a key in the path", "/orders/sp_live_alice", "", CodePath},
		{"a key in the path, encoded", "/orders/sp%5Flive%5Falice", "", CodePath},
		{"a long name", "/orders", strings.Repeat("token", 20) + "=1", ""},
	} {
		x, _ := exchange(t, c.path, c.query)
		var got fault.Code
		if d := g.Check(x); d != nil {
			got = d.Code
			if d.Status != 400 || d.Reason == "" || d.Title == "" {
				t.Errorf("%s: %+v", c.name, d)
			}
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheRecordNamesAKeyThatTheURLGaveAway(t *testing.T) {
	t.Parallel()
	g := build(t)
	for query, flagged := range map[string]bool{"q=sp_live_alice": true, "q=sp_live_other": false, "token=x": false} {
		x, f := exchange(t, "/orders", query)
		if g.Check(x) == nil {
			t.Errorf("%s passes", query)
		}
		if got := len(x.Flags()) == 1 && x.Flags()[0] == FlagKey && f.Caller.KeyID == "k1"; got != flagged {
			t.Errorf("%s: flags %v, caller %+v", query, x.Flags(), f.Caller)
		}
	}
}

func TestOnlyOperationsHaveAGuard(t *testing.T) {
	t.Parallel()
	for _, scope := range []risk.Scope{risk.OfListener, risk.OfAPI} {
		if placed, err := newGuard(&risk.Site{Scope: scope}); err != nil || len(placed) != 0 {
			t.Errorf("scope %d: %v, %v", scope, placed, err)
		}
	}
}

func TestPassingAllocatesNothing(t *testing.T) {
	g := build(t)
	x, _ := exchange(t, "/orders/7", "q=access_token&id_token=eyJ.a.b&page=2")
	if n := testing.AllocsPerRun(100, func() { g.Check(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheProbeTellsAReadCredentialFromARefusedParameter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer func(a *risk.Attempt) int
		want   int
	}{
		{"it ignores what it does not know", func(*risk.Attempt) int { return 200 }, 0},
		{"it refuses the parameter", func(a *risk.Attempt) int { return has(a, "_token=", 400) }, 0},
		{"it refuses every parameter", func(a *risk.Attempt) int { return has(a, "=", 401) }, 0},
		{"it reads the credential", func(a *risk.Attempt) int { return has(a, "access_token=", 401) }, 1},
		{"it reads a key", func(a *risk.Attempt) int { return has(a, "api_key=", 403) }, 1},
	} {
		found := 0
		err := probe(t.Context(), target(&found, func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			return &risk.Seen{Status: c.answer(a)}, nil
		}))
		if err != nil || found != c.want {
			t.Errorf("%s: %d findings, %v", c.name, found, err)
		}
	}
	n, found := 0, 0
	tired := func(context.Context, *risk.Attempt) (*risk.Seen, error) {
		if n++; n > 2 {
			return &risk.Seen{Status: 403}, nil
		}
		return &risk.Seen{Status: 200}, nil
	}
	if err := probe(t.Context(), target(&found, tired)); err != nil || found != 0 {
		t.Errorf("an API that shuts everything is no finding: %d, %v", found, err)
	}
	closed := func(context.Context, *risk.Attempt) (*risk.Seen, error) { return &risk.Seen{Status: 403}, nil }
	if err := probe(t.Context(), target(&found, closed)); !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v", err)
	}
}

func has(a *risk.Attempt, text string, status int) int {
	if strings.Contains(a.Query, text) {
		return status
	}
	return 200
}

func target(found *int, send func(context.Context, *risk.Attempt) (*risk.Seen, error)) *risk.Target {
	return &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{{Method: "GET", Path: "/orders", Key: "GET /orders"}}},
		Callers:  []string{"alice"}, Send: send,
		Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: "GET", Path: "/orders"}, true
		},
		Report: func(risk.Finding) { *found++ },
		Canary: func() string { return "abcdefghijklmnop" },
	}
}
