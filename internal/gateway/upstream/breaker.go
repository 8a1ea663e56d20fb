package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

// A Breaker says when an address that fails is left alone.
type Breaker struct {
	Failures int           // in a row, after which it opens; 0: DefaultFailures
	Open     time.Duration // how long it stays open at first; it doubles up to maxOpen; 0: DefaultOpen
}

// most is how many failures in a row open it.
func (c Breaker) most() int {
	if c.Failures <= 0 {
		return DefaultFailures
	}
	return c.Failures
}

// What holds where the policy says nothing.
const (
	DefaultFailures = 5
	DefaultOpen     = time.Second
)

// longer is how long it stays open after it was for wait.
func (c Breaker) longer(wait time.Duration) time.Duration {
	first := c.Open
	if first <= 0 {
		first = DefaultOpen
	}
	return min(max(2*wait, first), max(maxOpen, first))
}

// The rest of the rules of breakers.
const (
	maxOpen   = 30 * time.Second
	rateTime  = 10 * time.Second // over which failures are set against successes
	rateLeast = 10               // failures within that time, which open it where they are half of all
)

// A State is what a breaker does.
type State uint8

// The states.
const (
	Closed   State = iota // requests pass
	Tripped               // none passes
	HalfOpen              // one passes, to see
)

// String is the state as health shows it.
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Tripped:
		return "open"
	case HalfOpen:
		return "half-open"
	}
	return "closed"
}

// A breaker keeps requests away from an address that failed several times in a
// row, or half of the time. It learns from the requests that pass, and lets one
// through from time to time. The zero breaker is closed.
type breaker struct {
	conf Breaker

	row   atomic.Int32 // failures since the last success
	good  atomic.Int64 // successes in this span of rateTime
	until atomic.Int64 // when it may be tried, in Unix nanoseconds; 0: closed
	trial atomic.Bool  // one is under way
	opens atomic.Int64 // how often it opened, since the start

	mu   sync.Mutex
	bad  int64         // failures in this span
	span time.Time     // when it began
	wait time.Duration // how long it was open last
}

// allow tells whether a request may pass, and whether it is the trial. A trial
// must end with succeeded, failed or neither.
func (b *breaker) allow(now time.Time) (ok, trial bool) {
	until := b.until.Load()
	switch {
	case until == 0:
		return true, false
	case now.UnixNano() < until:
		return false, false
	}
	ok = b.trial.CompareAndSwap(false, true)
	return ok, ok
}

// state is what allow would say.
func (b *breaker) state(now time.Time) State {
	until := b.until.Load()
	switch {
	case until == 0:
		return Closed
	case now.UnixNano() < until:
		return Tripped
	}
	return HalfOpen
}

// succeeded counts a success, and closes after a trial.
func (b *breaker) succeeded() {
	b.good.Add(1)
	if b.row.Load() != 0 {
		b.row.Store(0)
	}
	if b.until.Load() == 0 || !b.trial.CompareAndSwap(true, false) {
		return
	}
	b.heal()
}

// failed counts a failure, and opens where it is one too many.
func (b *breaker) failed(now time.Time) {
	row := int(b.row.Add(1))
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.span) > rateTime {
		b.span, b.bad = now, 0
		b.good.Store(0)
	}
	b.bad++
	trial := b.trial.CompareAndSwap(true, false)
	closed := b.until.Load() == 0
	if !trial && !(closed && (row >= b.conf.most() || b.bad >= rateLeast && b.bad >= b.good.Load())) {
		return
	}
	b.opened(now)
}

// opened opens the breaker, for longer than the last time. b.mu is held.
func (b *breaker) opened(now time.Time) {
	b.wait = b.conf.longer(b.wait)
	b.opens.Add(1)
	b.until.Store(now.Add(b.wait).UnixNano())
}

// late counts a request that is without an answer for too long, and opens where
// it is one too many in a row. It says nothing of how many fail in all: an
// answer may come yet.
func (b *breaker) late(now time.Time) {
	row := int(b.row.Add(1))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trial.CompareAndSwap(true, false) || b.until.Load() == 0 && row >= b.conf.most() {
		b.opened(now)
	}
}

// trip opens it, unless it is.
func (b *breaker) trip(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.Load() == 0 {
		b.opened(now)
	}
}

// heal closes it: what it was opened for is over.
func (b *breaker) heal() {
	if b.row.Load() != 0 {
		b.row.Store(0)
	}
	if b.until.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wait, b.bad, b.span = 0, 0, time.Time{}
	b.trial.Store(false)
	b.until.Store(0)
}

// neither ends a trial that showed nothing.
func (b *breaker) neither() { b.trial.Store(false) }
