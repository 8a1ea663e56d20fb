package app

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/gateway"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// An offline gateway runs a Plan without a network: tests of the policy ask it
// what would be decided.
type offline struct {
	gw    *gateway.Gateway
	plan  *plan.Plan
	mu    sync.Mutex
	event event.Event
	reply func() *http.Response
	who   risk.Caller
	judge func(secret.Text) risk.Verdict // of a key that is shown
}

// offlineKey is what the offline verifier takes. It is not the text of a key.
const offlineKey = "offline"

// offlinePeer is an address of another machine (RFC 5737).
var offlinePeer = netip.AddrFrom4([4]byte{192, 0, 2, 1})

func newOffline(opt Options, p *plan.Plan) (*offline, error) {
	o := &offline{plan: p, judge: func(t secret.Text) risk.Verdict {
		if t.Reveal() == offlineKey {
			return risk.Valid
		}
		return risk.UnknownCredential
	}}
	gw, err := gateway.New(gateway.Config{
		Clock: opt.Clock, IDs: event.NewIDs(opt.Clock, opt.Rand), Recorder: o, Verifier: o, Upstreams: o,
		Pseudonym: func(string) string { return "offline" }, Node: "check",
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // its only error is ours
	}
	o.gw = gw
	return o, gw.Apply(p) //nolint:wrapcheck // Prepare below never fails
}

// Intent implements gateway.Recorder.
func (o *offline) Intent(*event.Event) error { return nil }

// Seal implements gateway.Recorder and keeps the last record.
func (o *offline) Seal(e *event.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.event = *e
	o.event.Would = append([]event.Would(nil), e.Would...)
	o.event.Violations = append([]event.Violation(nil), e.Violations...)
	o.event.Passed = append([]string(nil), e.Passed...)
	o.event.Edits = append([]event.Edit(nil), e.Edits...)
	o.event.Flags = append([]string(nil), e.Flags...)
	o.event.Objects = append([]string(nil), e.Objects...)
	return nil
}

// Verify implements gateway.Verifier.
func (o *offline) Verify(c risk.Credential) (risk.Caller, risk.Verdict) {
	if v := o.judge(c.Text); v != risk.Valid {
		return risk.Caller{}, v
	}
	return o.who, risk.Valid
}

// Prepare implements gateway.Upstreams.
func (o *offline) Prepare(...*plan.Upstream) error { return nil }

// Send implements gateway.Upstreams: it answers what the test says.
func (o *offline) Send(_ context.Context, u *plan.Upstream, r *upstream.Request, p *upstream.Response) error {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return &upstream.Error{Kind: upstream.BodyFailed, Address: u.URL.Host, Err: err}
		}
	}
	reply := o.reply()
	p.Status, p.Length, p.Address, p.Body = reply.StatusCode, reply.ContentLength, u.URL.Host, reply.Body
	p.Fields = p.Fields[:0]
	for _, name := range slices.Sorted(maps.Keys(reply.Header)) {
		for _, v := range reply.Header[name] {
			p.Fields = append(p.Fields, risk.Field{Name: name, Value: v})
		}
	}
	return nil
}

// A call is one request to an offline gateway.
type call struct {
	method, target, host string
	fields               http.Header
	body                 []byte
	who                  *risk.Caller // nil: anonymous
}

// run decides one call.
func (o *offline) run(ctx context.Context, c call, reply func() *http.Response) event.Event {
	o.reply = reply
	if c.who != nil {
		o.who = *c.who
		o.identify(&c)
	}
	x := &wire.Exchange{
		Method: c.method, Target: c.target, Host: c.host, Proto: "HTTP/1.1", Peer: offlinePeer,
		TLS: &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256},
	}
	for _, name := range slices.Sorted(maps.Keys(c.fields)) {
		for _, v := range c.fields[name] {
			x.Fields = append(x.Fields, risk.Field{Name: name, Value: v})
		}
	}
	x.Apart(ctx, c.body)
	o.gw.Serve(x)
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.event
}

// identify adds the credentials that the operation asks for.
func (o *offline) identify(c *call) {
	path, query, _ := strings.Cut(c.target, "?")
	u := o.unit(c.method, path, c.host)
	if u == nil || u.API == nil {
		return
	}
	if h := u.API.KeyHeader; h != "" && c.fields.Get(h) == "" {
		c.fields.Set(h, offlineKey)
	}
	if u.Op == nil || len(u.Op.Security) == 0 {
		return
	}
	for _, part := range u.Op.Security[0].Parts {
		query = present(c.fields, part.Scheme, query)
	}
	if c.target = path; query != "" {
		c.target += "?" + query
	}
}

// unit is what the Plan has for a request, nil where its path has no single
// meaning.
func (o *offline) unit(method, path, host string) *plan.Unit {
	p, err := o.plan.Paths.Path(path)
	if err != nil {
		return nil
	}
	var m match.Match
	return o.plan.Find(strings.ToLower(hostOnly(host)), p, method, &m).Unit
}

// present adds a credential of one scheme and returns the query with it.
func present(h http.Header, s *contract.Scheme, query string) string {
	switch {
	case s.Kind == contract.APIKey && s.In == contract.InQuery:
		if parsed, err := canon.Query(query, nil); err == nil {
			for _, pair := range parsed.Pairs {
				if pair.Name == s.Field {
					return query
				}
			}
		}
		return strings.TrimPrefix(query+"&"+s.Field+"=offline", "&")
	case s.Kind == contract.APIKey && s.In == contract.InCookie:
		if probe := (&http.Request{Header: h}); len(probe.CookiesNamed(s.Field)) == 0 {
			h.Add("Cookie", s.Field+"=offline")
		}
	case s.Kind == contract.APIKey:
		if h.Get(s.Field) == "" {
			h.Set(s.Field, "offline")
		}
	case s.Kind == contract.HTTPAuth && s.HTTP == "basic":
		authorize(h, "Basic b2ZmOmxpbmU=")
	case s.Kind == contract.HTTPAuth && s.HTTP != "bearer":
		authorize(h, s.HTTP+" offline")
	case s.Kind != contract.MutualTLS:
		authorize(h, "Bearer offline")
	}
	return query
}

// authorize adds a credential where the request brings none of its own.
func authorize(h http.Header, text string) {
	if h.Get("Authorization") == "" {
		h.Set("Authorization", text)
	}
}
