package forwarded

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func check(t testing.TB, f *risk.Facts) []string {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation})
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Send {
		t.Fatal(placed, err)
	}
	x := risk.NewExchange(f, nil)
	if d := placed[0].Guard.Check(x); d != nil {
		t.Fatalf("it denies: %+v", d)
	}
	var out []string
	for _, e := range x.Edits() {
		if e.Do != risk.RemoveField || e.On != risk.OnRequest {
			t.Errorf("%+v", e)
		}
		out = append(out, e.Name)
	}
	return out
}

func named(names ...string) risk.Request {
	var q risk.Request
	for _, n := range names {
		q.Fields = append(q.Fields, risk.Field{Name: n, Value: "203.0.113.9"})
	}
	return q
}

func TestWhatOnlyProxiesMaySayIsTakenOff(t *testing.T) {
	t.Parallel()
	here, proxy := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("10.0.0.1")
	direct := risk.Conn{Peer: here, Client: here}
	for _, c := range []struct {
		name string
		conn risk.Conn
		sent []string
		want []string
	}{
		{"nothing", direct, []string{"Accept", "X-Request-Id", "X-Forward"}, nil},
		{"an address", direct, []string{"Accept", "X-Forwarded-For", "X-Real-Ip"}, []string{"X-Forwarded-For", "X-Real-Ip"}},
		{"with underscores, in any case", direct, []string{"X_forwarded_for", "client_IP"}, []string{"X_forwarded_for", "client_IP"}},
		{"one field twice", direct, []string{"Client-Ip", "Client-Ip"}, []string{"Client-Ip"}},
		{"a URL and a certificate", direct, []string{"Client-Cert", "X-Original-Url"}, []string{"Client-Cert", "X-Original-Url"}},
		{"by way of a trusted proxy", risk.Conn{Peer: proxy, Client: here}, []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"}, []string{"X-Real-Ip"}},
	} {
		if diff := cmp.Diff(c.want, check(t, &risk.Facts{Conn: c.conn, Request: named(c.sent...)})); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if placed, err := newGuard(&risk.Site{Scope: risk.OfListener}); err != nil || len(placed) != 0 {
		t.Errorf("the listener has %v, %v", placed, err)
	}
}

func TestPassingAllocatesNothing(t *testing.T) {
	x := risk.NewExchange(&risk.Facts{Request: named("Accept", "X-Request-Id", "User-Agent")}, nil)
	if n := testing.AllocsPerRun(100, func() { guard{}.Check(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheLintSpeaksOfFieldsOfProxies(t *testing.T) {
	t.Parallel()
	at := source.Span{File: "a", Line: 7}
	c := &contract.Contract{
		Operations: []*contract.Operation{
			{Method: "GET", Path: "/a", Parameters: []*contract.Parameter{{Name: "x-forwarded-for", In: contract.InHeader, At: at}, {Name: "X-Forwarded-For", In: contract.InQuery}}},
			{Method: "GET", Path: "/b", Parameters: []*contract.Parameter{{Name: "x-forwarded-for", In: contract.InHeader, At: at}, {Name: "X-Trace", In: contract.InHeader}}},
		},
		Schemes: []*contract.Scheme{{Kind: contract.APIKey, In: contract.InHeader, Field: "X-Client-Cert"}, {Kind: contract.APIKey, In: contract.InHeader, Field: "X-Api-Key"}},
	}
	var got []source.Code
	lint(c, func(d source.Diagnostic) { got = append(got, d.Code) })
	if diff := cmp.Diff([]source.Code{CodeParameter, CodeParameter}, got); diff != "" {
		t.Error(diff)
	}
}

// attack runs the probe against serve and returns the codes that it reports.
func attack(t *testing.T, serve func(a *risk.Attempt) *risk.Seen) ([]string, error) {
	t.Helper()
	var got []string
	n := 0
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{
			{Method: "GET", Path: "/a", Key: "GET /a"}, {Method: "GET", Path: "/b", Key: "GET /b"}, {Method: "POST", Path: "/b"},
		}},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: "GET", Path: op.Path}, true
		},
		Send:   func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) { return serve(a), nil },
		Canary: func() string { n++; return strings.Repeat(string(rune('a'+n%26)), 16) },
		Report: func(f risk.Finding) { got = append(got, f.Code) },
	})
	slices.Sort(got)
	return got, err
}

func TestTheProbeTellsABelievedFieldFromAnEcho(t *testing.T) {
	t.Parallel()
	page := func(a *risk.Attempt, more string) *risk.Seen {
		return &risk.Seen{Status: 200, Body: []byte("page " + a.Path + more)}
	}
	from := func(a *risk.Attempt) string { return a.Fields.Get("X-Real-Ip") + a.Fields.Get("X-Forwarded-For") }
	turns := 0
	for _, c := range []struct {
		name  string
		serve func(a *risk.Attempt) *risk.Seen
		want  []string
	}{
		{"it reads none", func(a *risk.Attempt) *risk.Seen { return page(a, "") }, nil},
		{"it gives all fields back", func(a *risk.Attempt) *risk.Seen {
			all := ""
			for _, f := range a.Fields {
				all += f.Value
			}
			return page(a, all)
		}, nil},
		{"it believes an address", func(a *risk.Attempt) *risk.Seen { return page(a, " for "+a.Fields.Get("X_Real_Ip")) }, []string{"forwarded/address", "forwarded/address"}},
		{"it believes a host", func(a *risk.Attempt) *risk.Seen {
			return &risk.Seen{Status: 200, Fields: risk.Fields{{Name: "Location", Value: "https://" + a.Fields.Get("X-Forwarded-Host")}}}
		}, []string{"forwarded/host", "forwarded/host"}},
		{"it refuses strange addresses", func(a *risk.Attempt) *risk.Seen {
			if strings.HasPrefix(from(a), "203") {
				return &risk.Seen{Status: 403, Body: []byte(from(a))}
			}
			return page(a, "")
		}, nil},
		{"it opens to its own machine", func(a *risk.Attempt) *risk.Seen {
			if a.Path == "/b" && !strings.HasPrefix(from(a), "127") {
				return &risk.Seen{Status: 403}
			}
			return page(a, "")
		}, []string{"forwarded/address"}},
		{"it opens by itself now and then", func(a *risk.Attempt) *risk.Seen {
			if turns++; a.Path == "/b" && turns < 6 {
				return &risk.Seen{Status: 403}
			}
			return page(a, "")
		}, nil},
		{"it answers for another URL", func(a *risk.Attempt) *risk.Seen {
			if u := a.Fields.Get("X-Rewrite-Url"); u != "" {
				return &risk.Seen{Status: 200, Body: []byte("page " + u)}
			}
			return page(a, "")
		}, []string{"forwarded/url"}},
	} {
		got, err := attack(t, c.serve)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", c.name, err, diff)
		}
	}
	if _, err := attack(t, func(*risk.Attempt) *risk.Seen { return &risk.Seen{Status: 500} }); !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v", err)
	}
}
