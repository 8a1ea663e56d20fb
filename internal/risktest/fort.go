package risktest

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/gateway"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// A Fort is a real gateway in front of an upstream. It must be closed.
type Fort struct {
	*Server
	behind *Server
	set    *upstream.Set
	log    recorder
}

// NewFort puts a gateway with the guards of risks before h, whose contract is
// c.
func NewFort(c *contract.Contract, h http.Handler, risks []risk.Risk) (*Fort, error) {
	f := &Fort{behind: Serve(h, tls.VersionTLS12), set: upstream.NewSet(upstream.Options{})}
	gw, err := gateway.New(gateway.Config{
		Clock: clock.System{}, IDs: event.NewIDs(clock.System{}, rand.Reader), Recorder: &f.log, Verifier: keys{},
		Pseudonym: func(text string) string { return fmt.Sprintf("p%d", len(text)) }, Upstreams: f.set, Node: "law",
		Fault: f.log.fault,
	})
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("make gateway: %w", err)
	}
	p, err := compile(c, f.behind.plain, risks)
	if err != nil {
		f.Close()
		return nil, err
	}
	if err := gw.Apply(p); err != nil {
		f.Close()
		return nil, fmt.Errorf("apply plan: %w", err)
	}
	if f.Server, err = serveFront(elsewhere(gw), f.log.fault); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// compile makes the Plan of an empty policy: everything is enforced.
func compile(c *contract.Contract, address string, risks []risk.Risk) (*plan.Plan, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("parse address: %w", err)
	}
	s := plan.Settings{
		Limits: plan.Limits{MaxBody: 1 << 20, MaxReply: 1 << 20, Body: 5 * time.Second, Upstream: 5 * time.Second, Idle: 5 * time.Second},
		Risk:   func(string) plan.Setting { return plan.Setting{} },
	}
	p, list := plan.Compile(plan.Inputs{
		Risks: risks, Listener: s, Secure: true, Made: time.Now(),
		APIs: []plan.Input{{
			Name: "world", Contract: c, Upstream: &plan.Upstream{URL: u}, KeyHeader: "X-Api-Key", KeyPrefix: "sp_live_",
			Unknown: s, Settings: func(*contract.Operation) plan.Settings { return s },
		}},
	})
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("compile plan: %w", err)
	}
	return p, nil
}

// elsewhere makes every client one of another machine, for which plain HTTP is
// not allowed.
func elsewhere(h wire.Handler) wire.Handler {
	return wire.HandlerFunc(func(x *wire.Exchange) {
		x.Peer, x.Named = netip.AddrFrom4([4]byte{192, 0, 2, 7}), ""
		h.Serve(x)
	})
}

// Close waits for the exchanges under way, so that all events are there.
func (f *Fort) Close() {
	if f.Server != nil { // else it did not come up
		f.Server.Close()
	}
	f.behind.Close()
	f.set.Close()
}

// keys verifies the keys that Key makes.
type keys struct{}

// Verify knows alice, bob and carol. Bob may only read orders.
func (keys) Verify(c risk.Credential) (risk.Caller, risk.Verdict) {
	for name, scopes := range map[string][]string{
		"alice": {"orders:read", "orders:write", "orders:admin"}, "bob": {"orders:read"}, "carol": {"customers:admin"},
	} {
		if c.API == "world" && c.Kind == risk.KeyCredential && c.Text.Reveal() == Key(name) {
			return risk.Caller{Kind: risk.KeyCaller, ID: name, KeyID: "k_" + name, Scopes: scopes}, risk.Valid
		}
	}
	return risk.Caller{}, risk.UnknownCredential
}

// A recorder keeps copies of events.
type recorder struct {
	mu     sync.Mutex
	sealed []event.Event
	faults []string
}

// Intent is only counted on to succeed.
func (r *recorder) Intent(*event.Event) error { return nil }

// Seal keeps a copy.
func (r *recorder) Seal(e *event.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := *e
	c.Edits, c.Flags, c.Passed = slices.Clone(e.Edits), slices.Clone(e.Flags), slices.Clone(e.Passed)
	r.sealed = append(r.sealed, c)
	return nil
}

func (r *recorder) fault(where string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, where+": "+err.Error())
}

// names tells whether an event says that a risk acted: it denied or answered
// the exchange, or changed the message.
func names(e *event.Event, id string) bool {
	if e.Risk == id && (e.Decision == event.Deny || e.Decision == event.Answer) {
		return true
	}
	return slices.ContainsFunc(e.Edits, func(d event.Edit) bool { return strings.HasPrefix(d.Kind, id+"/") })
}
