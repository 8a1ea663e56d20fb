// Package plan compiles contracts, risks and policy into the immutable Plan
// that the gateway runs: a router, programs, and for each operation the guards
// that have something to do there, by phase.
package plan

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// A Plan is what runs. It is immutable and shared by all exchanges that
// started under it.
type Plan struct {
	ID       string    // hash over everything that it was compiled from
	Made     time.Time // when
	APIs     []*API    // the most specific host and prefix first
	Listener *Unit     // for hosts and paths that no API claims
	Paths    canon.Options
	kinds    map[string]*[risk.HideBody + 1]string
}

// EditKind is how records and metrics call an edit of a risk: "headers/set-field".
func (p *Plan) EditKind(id string, do risk.Do) string {
	if k := p.kinds[id]; k != nil && int(do) < len(k) {
		return k[do]
	}
	return id + "/" + do.String()
}

// An API is one guarded API.
type API struct {
	risk.API
	Host     string // lower case; "" answers on every host
	Prefix   string // canonical, without a trailing slash; "" is the root
	Upstream *Upstream
	Units    []*Unit // one for each operation of the contract that can be routed
	Unknown  *Unit   // for requests that match no operation
	Owner    string
	router   *match.Router
}

// An Upstream is the server behind an API, or several that do the same.
type Upstream struct {
	URL     *url.URL   // scheme and host; the path is Base
	More    []*url.URL // further addresses, with the same scheme
	Base    string     // put before the path of a request; no trailing slash
	CA      string     // file with the authorities to trust; "" is the system's
	Cert    string     // file with our certificate; "" presents none
	Key     string     // file with its key
	HTTP2   bool       // it speaks HTTP/2, over TLS
	Health  Health
	Breaker Breaker
}

// Health says how an address is asked whether it is well. The zero Health asks
// nothing.
type Health struct {
	Path     string        // of a GET that is answered with 2xx or 3xx; "" asks nothing
	Interval time.Duration // between two checks; 0: the default of upstreams
	Timeout  time.Duration // for one answer; 0: as above
}

// Breaker says when an address that fails is left alone.
type Breaker struct {
	Failures int           // in a row, after which it opens; 0: the default of upstreams
	Open     time.Duration // how long it stays open at first; 0: as above
	Requests int           // that may wait at once for its answer; 0: as above
	Silence  time.Duration // that means something; 0: as above
}

// All are the addresses, the first one first.
func (u *Upstream) All() []*url.URL { return append([]*url.URL{u.URL}, u.More...) }

// Has tells whether host, with its port, is one of the addresses.
func (u *Upstream) Has(host string) bool {
	return u.URL.Host == host || slices.ContainsFunc(u.More, func(m *url.URL) bool { return m.Host == host })
}

// A Unit is what runs for one operation, or for one of the pseudo-operations
// of an API and of the listener.
type Unit struct {
	API    *API // nil for the listener
	Op     *contract.Operation
	Guards [risk.Phases][]Bound

	Request *schema.Request // nil without an operation
	Reply   *schema.Reply   // nil without an operation

	Limits   Limits
	Upgrades bool // the contract declares that the connection may change its protocol
	// Open tells that the document or the policy asks for no credential here.
	Open bool
	// ReadsBody tells that a guard is here that may ask for the Reading of the
	// request's body: one of phase Body or of a later one.
	ReadsBody bool
	// ReadsReply tells that a guard of phase ReplyBody is here, so that the
	// reply must be read whole and conditionals cannot pass.
	ReadsReply bool
	// Binary tells that every success that the contract declares is a binary
	// body, which streams: parts of it and conditionals may pass.
	Binary bool
	// Settings are the modes that were compiled in, by risk id, for health,
	// explain and plan.
	Settings []Setting
}

// Limits bound one exchange.
type Limits struct {
	MaxBody  int64         // bytes of a request body
	MaxReply int64         // bytes of a reply that is read whole
	Body     time.Duration // to read a request body
	Upstream time.Duration // until the head of the reply
	Idle     time.Duration // between bytes of a stream
	Total    time.Duration // for all of the upstream's part, repeated attempts and the body included; 0: no such limit
}

// A Bound is a guard in its place.
type Bound struct {
	Risk     string
	Number   int // of the risk, from 0 in the order of ids
	Guard    risk.Guard
	Answerer risk.Answerer // nil: the guard never answers
	Dresser  risk.Dresser  // nil: the guard has no word on our refusals
	Observe  bool          // count what it would deny, deny nothing
	Until    time.Time     // end of Observe; zero: without an end
	At       source.Span   // of the policy line that set the mode
}

// Enforced tells whether the guard's word counts at t.
func (b *Bound) Enforced(t time.Time) bool {
	return !b.Observe || !b.Until.IsZero() && !t.Before(b.Until)
}

// A Mode says what becomes of a denial.
type Mode uint8

// The modes. The zero value is the strictest.
const (
	Enforce Mode = iota
	Observe
	Off
)

// String is the policy's word.
func (m Mode) String() string {
	switch m {
	case Enforce:
		return "enforce"
	case Observe:
		return "observe"
	case Off:
		return "off"
	}
	return "enforce"
}

// A Setting is the state of one risk at one unit.
type Setting struct {
	Risk   string
	Mode   Mode
	Until  time.Time   // end of Observe; zero: without an end
	Params any         // of the type of Risk.Params
	At     source.Span // of the line that says so; zero for a default
	Guards int         // how many guards run here
}

// A Target is where a request goes: the unit, and how routing ended.
type Target struct {
	Unit  *Unit
	Route risk.Route
	Allow string          // for risk.NoMethod
	Path  canon.Canonical // without the API's prefix
}

// Find routes a request: host in lower case without a default port, path as
// the client sent it, canonical. HEAD is routed as GET where it is not
// declared itself (RFC 9110 section 9.3.2). m is scratch.
func (p *Plan) Find(host string, path canon.Canonical, method string, m *match.Match) Target {
	for _, a := range p.APIs {
		if a.Host != "" && a.Host != host {
			continue
		}
		rest, ok := cutPrefix(path, a.Prefix)
		if !ok {
			continue
		}
		t := Target{Unit: a.Unknown, Route: risk.NoPath, Path: rest}
		switch a.find(rest.Decoded, method, m) {
		case match.Yes:
			t.Unit, t.Route = a.Units[m.Value], risk.Found
		case match.NoMethod:
			t.Route, t.Allow = risk.NoMethod, strings.Join(m.Allowed, ", ")
		case match.NoPath:
		}
		return t
	}
	return Target{Unit: p.Listener, Route: risk.NoAPI, Path: path}
}

func (a *API) find(path, method string, m *match.Match) match.Found {
	found := a.router.Find(path, method, m)
	if found == match.NoMethod && method == "HEAD" {
		if a.router.Find(path, "GET", m) == match.Yes {
			return match.Yes
		}
		return a.router.Find(path, method, m)
	}
	return found
}

// cutPrefix removes prefix, which has the same text raw and decoded, where it
// ends at a segment's border.
func cutPrefix(path canon.Canonical, prefix string) (canon.Canonical, bool) {
	if prefix == "" {
		return path, true
	}
	text, ok := strings.CutPrefix(path.Text, prefix)
	if !ok || text != "" && text[0] != '/' {
		return path, false
	}
	decoded, ok := strings.CutPrefix(path.Decoded, prefix)
	if !ok {
		return path, false
	}
	if text == "" {
		return canon.Canonical{Text: "/", Decoded: "/"}, true
	}
	return canon.Canonical{Text: text, Decoded: decoded}, true
}
