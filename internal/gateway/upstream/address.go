package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The limits of one address.
const (
	dialTime  = 5 * time.Second  // to connect, and again for the handshake of TLS
	idleTime  = 90 * time.Second // without a request
	ageTime   = 10 * time.Minute // of a connection, so that none outlives a change of names or of the load balancer for long
	maxIdle   = 256              // connections without a request that a sweep leaves
	maxActive = 16 << 10         // requests at once, streams among them; each has a connection of its own
	fullTime  = time.Second      // that a request waits where there are as many
)

// DefaultRequests is how many requests may wait at once for the answer of one
// address, where the policy says nothing. One that hangs must not take the
// memory of all.
const DefaultRequests = 1024

// An address is one server of an upstream, with its connections. It outlives
// Plans.
type address struct {
	set    *Set
	host   string // host and port as written, which is the value of Host
	tls    *tls.Config
	two    *http.Transport // for HTTP/2; nil: HTTP/1.1
	names  names
	health breaker
	probe  Probe
	end    context.CancelFunc // of the active checks; nil without
	down   atomic.Bool        // they failed

	lanes    [lanes]atomic.Pointer[lane]
	silence  time.Duration // that means something
	heard    atomic.Int64  // when the last head of a reply came, in Unix nanoseconds
	quiet    atomic.Int32  // exchanges in a row to which it is silent
	asked    atomic.Int64  // when it was asked for a sign of life
	silenced atomic.Bool   // its breaker was opened for its silence
	dialled  atomic.Int64  // how long the last connection took to make

	pending atomic.Int64 // requests under way
	asking  atomic.Int64 // those of them that have no answer yet
	most    int64        // that may be
	waiting atomic.Int32
	freed   chan struct{} // told when a place is free while others wait

	mu      sync.Mutex
	idle    []*conn // the last used is the last
	retired bool    // no Plan has it any more
}

// enter counts a request in, and waits a little where too many are under way.
// answered and release count it out.
func (a *address) enter(ctx context.Context) error {
	if a.admit() {
		return nil
	}
	full := &Error{Kind: Full, Address: a.host, Err: errFull}
	if a.quietNow() { // no place will be free soon
		return full
	}
	defer a.waiting.Add(-1)
	if int64(a.waiting.Add(1)) > a.most {
		return full
	}
	late := time.NewTimer(fullTime)
	defer late.Stop()
	for {
		select {
		case <-a.freed:
		case <-ctx.Done():
			return &Error{Kind: kindOfContext(ctx), Address: a.host, Err: context.Cause(ctx)}
		case <-late.C:
			return full
		}
		if a.admit() {
			a.wake() // one word may stand for several places
			return nil
		}
	}
}

// admit takes a place, if there is one.
func (a *address) admit() bool {
	if a.asking.Add(1) > a.most {
		a.asking.Add(-1)
		return false
	}
	if a.pending.Add(1) > maxActive {
		a.pending.Add(-1)
		a.asking.Add(-1)
		return false
	}
	return true
}

// answered counts a request among those that have an answer.
func (a *address) answered() {
	a.asking.Add(-1)
	a.free()
}

// release counts a request out.
func (a *address) release() {
	a.pending.Add(-1)
	a.free()
}

// free tells one of those that wait.
func (a *address) free() {
	if a.waiting.Load() > 0 {
		a.wake()
	}
}

func (a *address) wake() {
	select {
	case a.freed <- struct{}{}:
	default:
	}
}

// An origin says where the connection of a call comes from.
type origin uint8

const (
	pooled origin = iota // a used one, if there is one
	fresh                // a new one
)

// send makes one attempt.
func (a *address) send(ctx context.Context, l *lane, r *Request, p *Response, from origin) error {
	if err := a.enter(ctx); err != nil {
		return err
	}
	return a.attempt(ctx, l, r, p, from)
}

// attempt is send for a request that is counted in.
func (a *address) attempt(ctx context.Context, l *lane, r *Request, p *Response, from origin) error {
	defer a.answered()
	if a.two != nil {
		return a.sendTwo(ctx, l, r, p)
	}
	var c *conn
	now := time.Now()
	if from == pooled {
		c = a.take(now)
	}
	if c == nil {
		var err error
		if c, err = a.connect(ctx, r.Till); err != nil {
			a.release()
			return a.unconnected(ctx, err)
		}
		now = time.Now()
	}
	x := &call{end: a, c: c, b: a.set.buffers.get(), reused: c.served}
	x.w.ctx, x.w.start = ctx, now
	x.vigil.end, x.vigil.lane = a, l
	return x.run(r, p)
}

// unconnected sorts why there is no connection.
func (a *address) unconnected(ctx context.Context, err error) error {
	kind := Unreachable
	var reason Reason
	switch {
	case ctx.Err() != nil:
		kind = kindOfContext(ctx)
	case isTLS(err):
		kind = Untrusted
	case errors.As(err, &reason):
		kind = Malformed
	case isTimeout(err):
		kind = Late
	}
	return &Error{Kind: kind, Address: a.host, Err: err, Asked: true}
}

// take is the connection that was used last and still lives, or nil.
func (a *address) take(now time.Time) *conn {
	for {
		a.mu.Lock()
		n := len(a.idle)
		if n == 0 {
			a.mu.Unlock()
			return nil
		}
		c := a.idle[n-1]
		a.idle[n-1] = nil
		a.idle = a.idle[:n-1]
		a.mu.Unlock()
		if !c.spent(now) && c.alive() {
			return c
		}
		a.drop(c)
	}
}

// keep puts a connection back that is at rest.
func (a *address) keep(c *conn) {
	c.used, c.served = time.Now(), true
	a.mu.Lock()
	// As many as may be in use: under load they end together and are wanted again
	// in the next moment, when opening them anew would cost more than the requests.
	ok := !a.retired && len(a.idle) < max(maxIdle, int(a.most)) && !c.spent(c.used)
	if ok {
		a.idle = append(a.idle, c)
	}
	a.mu.Unlock()
	if !ok {
		a.drop(c)
	}
}

// drop ends a connection.
func (a *address) drop(c *conn) {
	_ = c.nc.Close() //nolint:errcheck // nothing can be done about it
}

// sweep ends idle connections that are too old or too many, those first that
// were not used for longest, or go where the name no longer points.
func (a *address) sweep(now time.Time) {
	var old []*conn
	a.mu.Lock()
	a.idle = slices.DeleteFunc(a.idle, func(c *conn) bool {
		end := a.retired || len(a.idle)-len(old) > maxIdle || c.spent(now) || c.addr.IsValid() && !a.names.has(c.addr)
		if end {
			old = append(old, c)
		}
		return end
	})
	a.mu.Unlock()
	for _, c := range old {
		a.drop(c)
	}
}

// retire ends what does not belong to a request under way.
func (a *address) retire() {
	a.mu.Lock()
	a.retired = true
	a.mu.Unlock()
	if a.end != nil {
		a.end()
	}
	a.sweep(time.Now())
	if a.two != nil {
		a.two.CloseIdleConnections()
	}
}

// counts are the connections and requests of an address.
func (a *address) counts() (idle int, pending int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.idle), a.pending.Load()
}

// rests tells whether there are idle connections.
func (a *address) rests() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.idle) > 0
}

// connect makes a new connection, TLS included, before till.
func (a *address) connect(ctx context.Context, till time.Time) (*conn, error) {
	if !till.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, till, errLate)
		defer cancel()
	}
	began := time.Now()
	short, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	nc, at, err := a.names.dial(short)
	if err != nil {
		return nil, err
	}
	if a.tls == nil {
		a.dialled.Store(int64(time.Since(began)))
		return newConn(nc, at), nil
	}
	t := tls.Client(nc, a.tls)
	shake, done := context.WithTimeout(ctx, dialTime)
	defer done()
	err = t.HandshakeContext(shake)
	if p := t.ConnectionState().NegotiatedProtocol; err == nil && p != "" && p != "http/1.1" {
		err = OtherProtocol
	}
	if err != nil {
		_ = nc.Close() //nolint:errcheck // it leads nowhere
		return nil, err
	}
	a.dialled.Store(int64(time.Since(began)))
	return newConn(t, at), nil
}
