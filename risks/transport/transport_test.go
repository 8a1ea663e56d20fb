package transport

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// env knows one key.
type env struct{ verdict risk.Verdict }

func (env) Now() time.Time        { return time.Unix(0, 0) }
func (env) Limiter() risk.Limiter { return nil }

func (env) Pseudonym(string) string { return "p" }
func (e env) Verify(c risk.Credential) (risk.Caller, risk.Verdict) {
	if c.API != "orders" || c.Kind != risk.KeyCredential || c.Text.Reveal() != "sp_live_good" {
		return risk.Caller{}, risk.UnknownCredential
	}
	return risk.Caller{Kind: risk.KeyCaller, ID: "alice", KeyID: "k_1"}, e.verdict
}

func build(t testing.TB, s *risk.Site) risk.Guard {
	t.Helper()
	placed, err := newGuard(s)
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Connect {
		t.Fatalf("placed %v, %v", placed, err)
	}
	return placed[0].Guard
}

func orders(scope risk.Scope) *risk.Site {
	return &risk.Site{Scope: scope, API: &risk.API{Name: "orders", KeyHeader: "X-Api-Key", KeyPrefix: "sp_live_"}}
}

func TestOnlyTLSAndThisMachinePass(t *testing.T) {
	t.Parallel()
	outside, here := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("127.0.0.1")
	for _, c := range []struct {
		name string
		conn risk.Conn
		want fault.Code
	}{
		{"TLS 1.3 passes", risk.Conn{Peer: outside, Client: outside, TLSVersion: 0x0304, Secure: true}, ""},
		{"TLS 1.2 passes", risk.Conn{Peer: outside, Client: outside, TLSVersion: 0x0303, Secure: true}, ""},
		{"TLS 1.1 is refused", risk.Conn{Peer: outside, TLSVersion: 0x0302, Secure: true}, CodeOldTLS},
		{"SSL 3 is refused", risk.Conn{Peer: outside, TLSVersion: 0x0300, Secure: true}, CodeOldTLS},
		{"TLS 1.1 on loopback is refused too", risk.Conn{Peer: here, Loopback: true, TLSVersion: 0x0302, Secure: true}, CodeOldTLS},
		{"a trusted proxy that says https passes", risk.Conn{Peer: here, Client: outside, Loopback: true, Secure: true}, ""},
		{"a local client may be plain", risk.Conn{Peer: here, Client: here, Loopback: true}, ""},
		{"a Unix socket may be plain", risk.Conn{Loopback: true}, ""},
		{"a proxy here that names a plain client elsewhere is refused", risk.Conn{Peer: here, Client: outside, Loopback: true}, CodePlain},
		{"plain from the network is refused", risk.Conn{Peer: outside, Client: outside}, CodePlain},
		{"a client that claims to be local through the network is refused", risk.Conn{Peer: outside, Client: here}, CodePlain},
		{"nothing known is refused", risk.Conn{}, CodePlain},
	} {
		for _, s := range []*risk.Site{{Scope: risk.OfListener}, orders(risk.OfAPI), orders(risk.OfOperation)} {
			d := build(t, s).Check(risk.NewExchange(&risk.Facts{Conn: c.conn, Env: env{}}, nil))
			if got := code(d); got != c.want {
				t.Errorf("%s, scope %d: got %q", c.name, s.Scope, got)
			}
			if d != nil && (d.Status != 403 || !d.Close || len(d.Fields) != 0) {
				t.Errorf("%s: %+v is no closing refusal", c.name, d)
			}
		}
	}
}

func code(d *risk.Denial) fault.Code {
	if d == nil {
		return ""
	}
	return d.Code
}

func TestTheRecordNamesAKeyThatWasSentInTheClear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		field   risk.Field
		verdict risk.Verdict
		want    int
	}{
		{"the key's header", risk.Field{Name: "x-api-key", Value: "sp_live_good"}, risk.Valid, 1},
		{"a bearer token that is a key", risk.Field{Name: "Authorization", Value: "bearer sp_live_good"}, risk.Valid, 1},
		{"a revoked key", risk.Field{Name: "X-API-Key", Value: "sp_live_good"}, risk.Revoked, 1},
		{"an unknown key", risk.Field{Name: "X-API-Key", Value: "sp_live_bad"}, risk.Valid, 0},
		{"a token of somebody else", risk.Field{Name: "Authorization", Value: "Bearer eyJhbGciOi"}, risk.Valid, 0},
		{"a password", risk.Field{Name: "Authorization", Value: "Basic sp_live_good"}, risk.Valid, 0},
		{"a verifier that failed", risk.Field{Name: "X-API-Key", Value: "sp_live_good"}, risk.Broken, 0},
	} {
		f := &risk.Facts{Env: env{c.verdict}, Request: risk.Request{Fields: risk.Fields{c.field}}}
		x := risk.NewExchange(f, nil)
		if build(t, orders(risk.OfOperation)).Check(x) == nil {
			t.Errorf("%s: passed", c.name)
		}
		if len(x.Flags()) != c.want || c.want == 1 && x.Flags()[0] != FlagCredential {
			t.Errorf("%s: flags %v", c.name, x.Flags())
		}
		if c.want == 1 && c.verdict == risk.Valid && x.Caller().KeyID != "k_1" {
			t.Errorf("%s: the record does not name the key", c.name)
		}
	}
}

func TestPassingAllocatesNothing(t *testing.T) {
	x := risk.NewExchange(&risk.Facts{Conn: risk.Conn{TLSVersion: 0x0304, Secure: true}}, nil)
	g := build(t, orders(risk.OfOperation))
	if n := testing.AllocsPerRun(100, func() { g.Check(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// server is a Target's network.
type server struct{ plain, old *risk.Seen }

func (s server) send(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
	got := &risk.Seen{Status: 200, Body: []byte(`[]`), TLS: 0x0304}
	switch {
	case a.Plain:
		got = s.plain
	case a.TLS != 0:
		got = s.old
	}
	if got == nil {
		return nil, errors.New("connection reset")
	}
	return got, nil
}

func TestProbeTellsTheSameSuccessFromEverythingElse(t *testing.T) {
	t.Parallel()
	ok := func(tls uint16) *risk.Seen { return &risk.Seen{Status: 200, Body: []byte(`[1]`), TLS: tls} }
	for _, c := range []struct {
		name string
		s    server
		want []string
	}{
		{"both attacks succeed", server{ok(0), ok(0x0302)}, []string{"transport/plain", "transport/tls-version"}},
		{"nothing answers", server{}, nil},
		{"a redirect", server{&risk.Seen{Status: 301}, nil}, nil},
		{"a TLS listener's complaint", server{&risk.Seen{Status: 400, Body: []byte("Client sent an HTTP request to an HTTPS server.\n")}, nil}, nil},
		{"an empty success", server{&risk.Seen{Status: 200}, nil}, nil},
		{"a page in place of the answer", server{&risk.Seen{Status: 200, Body: []byte("<html>"), Fields: risk.Fields{{Name: "Content-Type", Value: "text/html"}}}, nil}, nil},
		{"a server that negotiates up", server{nil, ok(0x0303)}, nil},
		{"a client that used TLS all the same", server{ok(0x0304), nil}, nil},
	} {
		var got []string
		op := &contract.Operation{Method: "GET", Path: "/orders", Key: "GET /orders"}
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{{Method: "POST"}, op}}, Send: c.s.send,
			Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{Method: "GET", Path: "/orders"}, true
			},
			Report: func(f risk.Finding) { got = append(got, f.Code) },
		})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestProbeThatCannotCompareSaysSo(t *testing.T) {
	t.Parallel()
	err := probe(t.Context(), &risk.Target{Contract: &contract.Contract{}})
	if !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v", err)
	}
}

func TestLintReportsServersWithoutTLSOnce(t *testing.T) {
	t.Parallel()
	server := func(u string) contract.Server {
		return contract.Server{URL: u, At: source.Span{File: "a.yaml", Line: 3}}
	}
	flows := []contract.Flow{{TokenURL: "http://id.example/token", AuthorizationURL: "http://id.example/a"}}
	for _, c := range []struct {
		name string
		in   contract.Contract
		want []source.Code
	}{
		{"sound", contract.Contract{Servers: []contract.Server{
			server("https://api.example"), server("/v1"), server("http://localhost:8080"), server("http://127.0.0.1"), server("http://[::1]:1/a"),
		}, Schemes: []*contract.Scheme{{Flows: []contract.Flow{{TokenURL: "https://id.example"}}}}}, nil},
		{"a server named twice", contract.Contract{
			Servers:    []contract.Server{server("http://api.example/v1")},
			Operations: []*contract.Operation{{Servers: []contract.Server{server("http://api.example/v1")}}},
		}, []source.Code{CodeServer}},
		{"a host that only begins like this machine", contract.Contract{Servers: []contract.Server{server("HTTP://localhost.example")}}, []source.Code{CodeServer}},
		{"a flow", contract.Contract{Schemes: []*contract.Scheme{{Name: "o", Flows: flows}, {Name: "d", DiscoveryURL: "http://id.example"}}}, []source.Code{CodeFlow, CodeFlow}},
	} {
		var got []source.Code
		lint(&c.in, func(d source.Diagnostic) {
			got = append(got, d.Code)
			if d.Hint == "" || d.Text == "" {
				t.Errorf("%s: %v says not what to do", c.name, d)
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
