package upstream

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// A group is an upstream: one address or several that do the same.
type group struct {
	ends    []*address
	next    atomic.Uint32 // where the search for the least busy begins
	budget  budget
	retired time.Time // when the last Plan that had it went; zero: it is in use. The Set's lock guards it
}

// maxTries is how often a request is sent at most.
const maxTries = 3

// send sends r to the address with the least to do. Where that fails and the
// request had no effect, or may be repeated, it tries another, as long as no
// more than one in five requests is sent again.
func (g *group) send(ctx context.Context, r *Request, p *Response) error {
	g.budget.earn()
	if r.Body != nil && !r.Expect {
		var err error
		if r, err = prime(r); err != nil {
			return &Error{Kind: BodyFailed, Address: g.ends[0].host, Err: err}
		}
	}
	var failed *address
	var last error
	from := pooled
	for try := 1; ; try++ {
		c, err := g.pick(time.Now(), failed, r)
		if err != nil {
			return cmp.Or(last, err)
		}
		err = c.end.send(ctx, c.lane, r, p, from)
		c.judge(p, err, len(g.ends) > 1)
		p.lane = c.lane
		if err == nil || try >= maxTries || ctx.Err() != nil {
			return err
		}
		again, other := g.again(r, err)
		if !again || !g.budget.spend() {
			return err
		}
		last = err
		if from = fresh; other {
			failed, from = c.end, pooled
		}
	}
}

// again tells whether r may be sent again after err, and whether it must be to
// another address.
func (g *group) again(r *Request, err error) (again, other bool) {
	var e *Error
	if !errors.As(err, &e) {
		return false, false
	}
	others := len(g.ends) > 1
	switch {
	case e.Kind == Unreachable || e.Kind == Untrusted || e.Kind == Full:
		return others, true // nothing was sent
	case !r.repeatable():
		return false, false
	case e.silent && e.reused: // it ended while it was idle
		return true, false
	case e.Kind == Broken || e.Kind == Malformed:
		return others, true
	}
	return false, false
}

// A choice is an address that may be asked, and what it is asked for.
type choice struct {
	end  *address
	lane *lane
	// The breakers of both to which this request is the trial.
	trial, laneTrial bool
}

// state is what the breakers of c say together.
func (c choice) state(now time.Time) State {
	whole, own := c.end.health.state(now), c.lane.health.state(now)
	switch {
	case own == Tripped || !c.lane.bodies.over(now):
		return Tripped
	case whole != Closed:
		return whole
	case own == Closed && c.lane.bodies.paced(now):
		return HalfOpen
	}
	return own
}

// allow takes what the breakers of c allow.
func (c choice) allow(now time.Time) (choice, bool) {
	if c.end.down.Load() {
		return c, false
	}
	var ok bool
	if ok, c.trial = c.end.health.allow(now); !ok {
		return c, false
	}
	if ok, c.laneTrial = c.lane.health.allow(now); ok && c.lane.bodies.allow(now) {
		return c, true
	}
	if c.laneTrial {
		c.lane.health.neither()
	}
	if c.trial {
		c.end.health.neither()
	}
	return c, false
}

// pick chooses the address with the fewest requests under way among those that
// are well, but not the one that failed a moment ago. One that failed often gets
// a request that can be repeated, to see.
func (g *group) pick(now time.Time, not *address, r *Request) (choice, error) {
	n := len(g.ends)
	if n == 1 {
		return g.any(now, nil, r)
	}
	start := int(g.next.Add(1) % uint32(n)) //nolint:gosec // few
	var best choice
	for i := range n {
		a := g.ends[(start+i)%n]
		if a == not || a.down.Load() {
			continue
		}
		c := choice{end: a, lane: a.lane(r.Operation)}
		switch c.state(now) {
		case Closed:
			if best.end == nil || a.pending.Load() < best.end.pending.Load() {
				best = c
			}
		case HalfOpen:
			if r.repeatable() {
				if c, ok := c.allow(now); ok {
					return c, nil
				}
			}
		case Tripped:
		}
	}
	if best.end != nil {
		return best, nil
	}
	return g.any(now, not, r)
}

// any is the last resort: an address that may be tried, whatever the request.
func (g *group) any(now time.Time, not *address, r *Request) (choice, error) {
	for _, a := range g.ends {
		if a == not {
			continue
		}
		if c, ok := (choice{end: a, lane: a.lane(r.Operation)}).allow(now); ok {
			return c, nil
		}
	}
	return choice{}, &Error{Kind: Open, Address: g.ends[0].host, Err: errOpen}
}

// judge tells the breakers how an attempt ended. Where there are others, an
// address that says itself that it cannot serve counts as failed.
func (c choice) judge(p *Response, err error, others bool) {
	a := c.end
	if err == nil {
		if others && p.Status >= 502 && p.Status <= 504 {
			a.health.failed(time.Now())
		} else {
			a.health.succeeded()
		}
		return
	}
	if c.laneTrial {
		c.lane.health.neither()
	}
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind.blames() && !(e.silent && e.reused):
		a.health.failed(time.Now())
	case c.trial:
		a.health.neither()
	}
}

// A budget bounds what is sent again: a fifth of all requests, and ten at
// once. Without it, retries would double the load of an upstream that fails
// under load.
type budget struct{ fifths atomic.Int64 }

// The budget is counted in fifths of a request, below zero: the zero budget is
// full.
const budgetRoom = 50

// earn adds what a request brings.
func (b *budget) earn() {
	if used := b.fifths.Load(); used > 0 {
		b.fifths.CompareAndSwap(used, used-1) // one that is lost in a race only makes it stricter
	}
}

// spend takes one retry, or reports that there is none left.
func (b *budget) spend() bool {
	for {
		used := b.fifths.Load()
		if used+5 > budgetRoom {
			return false
		}
		if b.fifths.CompareAndSwap(used, used+5) {
			return true
		}
	}
}
