// Package upstream is the client towards the servers behind the gateway:
// HTTP/1.1 of our own over pooled connections, HTTP/2 by net/http, and the
// choice among several addresses of one upstream.
//
// A connection has no goroutine. The goroutine of the exchange writes the head
// and a small body with one call, and reads the reply; a body that streams gets
// one goroutine while it does. Replies are read strictly (RFC 9112): what has no
// single meaning is an Error of kind Malformed with its Reason, and what comes
// on a connection on which nothing was asked ends the connection, so that no
// caller can get the reply to another.
//
// Limits: trailers are checked and dropped; pipelining is not used; a reply to
// HTTP/1.0 ends its connection.
package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"hash/maphash"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/lib/turns"
	"github.com/sallyport/sallyport/internal/plan"
)

// A TLSConfig makes the TLS configuration for an upstream: chain and name are
// always verified. ca, cert and key are files, or "".
type TLSConfig func(host, ca, cert, key string) (*tls.Config, error)

// Options are what a Set needs of the world.
type Options struct {
	TLS TLSConfig // needed for https
	// Dial opens connections; nil is the system's. Without a Lookup, it is given
	// names.
	Dial   Dial
	Lookup Lookup // nil with a nil Dial is the system's
	// Turns are those of the process; nil: of this Set alone.
	Turns *turns.Turns
}

// A Set holds the upstreams of a gateway: their connections and what is known
// of their health. It outlives Plans, so that a reload drops no connection.
type Set struct {
	opt     Options
	buffers bufferPool
	seed    maphash.Seed // of lanes: nobody can choose operations that share one

	ctx  context.Context //nolint:containedctx // of the Set's own goroutines
	stop context.CancelFunc
	done sync.WaitGroup // the keeper, and the checks of addresses

	mu     sync.RWMutex
	groups map[string]*group   // by key; those of Plans that went are kept for a while
	ends   map[string]*address // by key; those in use
	kept   bool                // the keeper runs
	closed bool
}

const (
	// maxGroups bounds the upstreams that are known, those of Plans that went
	// included.
	maxGroups = 4096
	// afterlife is how long the upstream of a Plan that went can be asked by
	// exchanges that began under it. None lasts longer but streams, which hold
	// their connection.
	afterlife = time.Hour
	sweepTime = 10 * time.Second
)

// NewSet returns an empty Set. It must be closed.
func NewSet(o Options) *Set {
	if o.Turns == nil {
		o.Turns = turns.New()
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: dialTime, KeepAlive: 30 * time.Second}).DialContext
		if o.Lookup == nil {
			o.Lookup = lookup
		}
	}
	s := &Set{opt: o, seed: maphash.MakeSeed(), groups: map[string]*group{}, ends: map[string]*address{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// lookup is that of the system.
func lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name) //nolint:wrapcheck // refresh does
}

// Prepare makes the upstreams of a Plan usable. Those that this Plan does not
// have are retired: exchanges under way end, nothing begins. It fails, and
// changes nothing, where the files of a TLS configuration cannot be used.
func (s *Set) Prepare(all ...*plan.Upstream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosedSet
	}
	groups, ends := map[string]*group{}, map[string]*address{}
	for _, u := range all {
		k := string(appendKey(nil, u))
		if groups[k] != nil {
			continue
		}
		list, err := s.addresses(u, ends)
		if err != nil {
			return err
		}
		if g := s.groups[k]; g != nil && g.retired.IsZero() {
			groups[k] = g
		} else {
			groups[k] = &group{ends: list}
		}
	}
	if len(s.groups)+len(groups) > maxGroups {
		return errTooMany
	}
	s.adopt(groups, ends)
	return nil
}

// adopt puts groups and ends in use. s.mu is held.
func (s *Set) adopt(groups map[string]*group, ends map[string]*address) {
	for k, g := range s.groups {
		if groups[k] == nil && g.retired.IsZero() {
			g.retired = time.Now()
		}
	}
	maps.Copy(s.groups, groups)
	for k, a := range s.ends {
		if ends[k] == nil {
			a.retire()
		}
	}
	for k, a := range ends {
		if s.ends[k] == nil && a.probe.Path != "" {
			ctx, cancel := context.WithCancel(s.ctx)
			a.end = cancel
			s.done.Go(func() { a.watch(ctx) }) // ends when a retires, or with the Set
		}
	}
	s.ends = ends
	if !s.kept {
		s.kept = true
		s.done.Go(s.keep) // ends with the Set
	}
}

// addresses are those of u, known or new, which it adds to ends.
func (s *Set) addresses(u *plan.Upstream, ends map[string]*address) ([]*address, error) {
	var out []*address
	for _, to := range u.All() {
		k := string(appendSettings(append(append(append([]byte(nil), to.Scheme...), '|'), to.Host...), u))
		a := ends[k]
		if a == nil {
			a = s.ends[k]
		}
		if a == nil {
			var err error
			if a, err = s.newAddress(to, u); err != nil {
				return nil, err
			}
		}
		ends[k] = a
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out, nil
}

func (s *Set) newAddress(to *url.URL, u *plan.Upstream) (*address, error) {
	port := to.Port()
	if port == "" {
		if port = "80"; to.Scheme == "https" {
			port = "443"
		}
	}
	a := &address{
		set: s, host: to.Host, names: names{name: to.Hostname(), port: port, open: s.opt.Dial, find: s.opt.Lookup},
		health: breaker{conf: Breaker{Failures: u.Breaker.Failures, Open: u.Breaker.Open}},
		probe:  Probe{Path: u.Health.Path, Every: u.Health.Interval, Wait: u.Health.Timeout}, freed: make(chan struct{}, 1),
		most: int64(u.Breaker.Requests), silence: u.Breaker.Silence,
	}
	if a.silence <= 0 {
		a.silence = DefaultSilence
	}
	if a.most <= 0 {
		a.most = DefaultRequests
	}
	if _, err := netip.ParseAddr(a.names.name); err == nil {
		a.names.find = nil // an address is no name
	}
	if to.Scheme != "https" {
		return a, nil
	}
	if s.opt.TLS == nil {
		return nil, errNoTLS
	}
	conf, err := s.opt.TLS(to.Hostname(), u.CA, u.Cert, u.Key)
	if err != nil {
		return nil, fmt.Errorf("configure TLS to %s: %w", to.Host, err)
	}
	a.tls = conf
	if u.HTTP2 {
		a.two = newTwo(a.names.open, conf)
	}
	return a, nil
}

// appendKey appends what tells one upstream from another. It is made for each
// exchange, in a buffer of the stack.
func appendKey(b []byte, u *plan.Upstream) []byte {
	b = append(append(append(b, u.URL.Scheme...), '|'), u.URL.Host...)
	for _, m := range u.More {
		b = append(append(b, '|'), m.Host...)
	}
	return appendSettings(b, u)
}

// appendSettings appends what changes how an address is used.
func appendSettings(b []byte, u *plan.Upstream) []byte {
	for _, text := range [...]string{u.CA, u.Cert, u.Key, u.Health.Path} {
		b = append(append(b, '|'), text...)
	}
	if u.HTTP2 {
		b = append(b, "|2"...)
	}
	for _, n := range [...]int64{int64(u.Health.Interval), int64(u.Health.Timeout), int64(u.Breaker.Failures), int64(u.Breaker.Open), int64(u.Breaker.Requests), int64(u.Breaker.Silence)} {
		if b = append(b, '|'); n != 0 {
			b = strconv.AppendInt(b, n, 36)
		}
	}
	return b
}

// group is the one of u, or nil.
func (s *Set) group(u *plan.Upstream) *group {
	var room [256]byte
	key := appendKey(room[:0], u)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.groups[string(key)]
}

// Send sends r to u and fills p with the reply, whose body the caller closes.
// Redirects are not followed. An error is an *Error; p has then no body.
func (s *Set) Send(ctx context.Context, u *plan.Upstream, r *Request, p *Response) error {
	p.Body, p.Tunnel, p.Address = nil, nil, ""
	g := s.group(u)
	if g == nil {
		return &Error{Kind: Unreachable, Address: u.URL.Host, Err: errUnknown}
	}
	return g.send(ctx, r, p)
}

// start runs f until it ends, or the Set is closed.
func (s *Set) start(f func(context.Context)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		s.done.Go(func() { f(s.ctx) }) // ends in the time of f, and with the Set
	}
}

// keep looks after what is not in use, until the Set is closed.
func (s *Set) keep() {
	ticks := time.NewTicker(sweepTime)
	defer ticks.Stop()
	for {
		select {
		case now := <-ticks.C:
			s.sweep(now)
		case <-s.ctx.Done():
			return
		}
	}
}

// sweep forgets the upstreams of Plans that went long ago, ends old
// connections and looks up names again.
func (s *Set) sweep(now time.Time) {
	s.mu.Lock()
	for k, g := range s.groups {
		if !g.retired.IsZero() && now.Sub(g.retired) > afterlife {
			delete(s.groups, k)
		}
	}
	ends := slices.Collect(maps.Values(s.ends))
	s.mu.Unlock()
	for _, a := range ends {
		if _, pending := a.counts(); pending > 0 || a.rests() {
			a.names.follow(s.ctx)
		}
		a.sweep(now)
	}
}

// Close ends idle connections and the Set's own goroutines. Exchanges under way
// end their connections themselves.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	s.stop()
	for _, a := range s.ends {
		a.retire()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// A Standing is the state of one address, for health and metrics.
type Standing struct {
	Address string
	State   State
	Shut    int   // operations whose breaker is not closed while that of the address is
	Down    bool  // the active checks failed
	Idle    int   // connections
	Pending int64 // requests
	Opens   int64 // how often the breaker opened, and those of operations
}

// Standings are the states of the addresses of u, in the order of the policy.
func (s *Set) Standings(u *plan.Upstream) []Standing {
	g := s.group(u)
	if g == nil {
		return nil
	}
	now := time.Now()
	out := make([]Standing, len(g.ends))
	for i, a := range g.ends {
		idle, pending := a.counts()
		shut, opens := a.shut(now)
		out[i] = Standing{
			Address: a.host, State: a.health.state(now), Shut: shut, Down: a.down.Load(),
			Idle: idle, Pending: pending, Opens: a.health.opens.Load() + opens,
		}
	}
	return out
}
