// Package turns keeps processors free of work that never waits.
//
// The runtime looks for connections on which something came when a processor has
// nothing to do, and else every 10 ms. As many goroutines as processors that
// always have something to do (a body that comes faster than it is passed on, a
// client that sends requests without reading replies first) make everybody else
// wait for 10 to 20 ms, and runtime.Gosched does not help: it goes to the end of
// a queue that is never empty. So such goroutines take turns, and one processor
// at least is free for the rest. Whoever waits for the network gives its turn
// away and needs none to go on.
package turns

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	// lapseTime is how long a turn is good for: its holder may wait for something.
	lapseTime = time.Millisecond
	// breathTime is how long a turn waits to begin where there is one processor,
	// so that it has nothing to do for a moment.
	breathTime = 20 * time.Microsecond
)

// Turns are those of a process. They must be made by New.
type Turns struct {
	most  int  // at a time
	alone bool // there is one processor

	mu      sync.Mutex
	held    []*Turn
	waiting []*Turn // the first has waited longest
	clock   *time.Timer
	ticking bool // the clock calls lapse while anybody waits
}

// A Turn belongs to one goroutine. The zero Turn is not taken.
type Turn struct {
	held  bool // of its own accord: it may have lapsed
	since time.Time
	ready chan struct{} // made when it first waits
}

// New leaves one processor for others.
func New() *Turns {
	n := runtime.GOMAXPROCS(0)
	return &Turns{most: max(1, n-1), alone: n == 1}
}

// Held tells whether x has a turn, which may have lapsed meanwhile.
func (x *Turn) Held() bool { return x.held }

// Taken is how many turns are taken at this moment.
func (t *Turns) Taken() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held)
}

// Next gives away the turn of x, if it has one, and waits for another.
func (t *Turns) Next(x *Turn) {
	t.mu.Lock()
	t.drop(x)
	if len(t.held) < t.most {
		t.give(x)
		t.mu.Unlock()
		runtime.Gosched()
		t.breathe()
		return
	}
	if x.ready == nil {
		x.ready = make(chan struct{}, 1)
	}
	t.waiting = append(t.waiting, x)
	t.tick()
	t.mu.Unlock()
	<-x.ready // which the clock sees to, whatever others wait for
	t.breathe()
}

// tick has the clock look after turns that lapse. t.mu is held.
func (t *Turns) tick() {
	switch {
	case t.ticking:
	case t.clock == nil:
		t.clock = time.AfterFunc(lapseTime, t.lapse)
	default:
		t.clock.Reset(lapseTime)
	}
	t.ticking = true
}

// breathe lets the only processor look after others.
func (t *Turns) breathe() {
	if t.alone {
		time.Sleep(breathTime)
	}
}

// Leave gives away the turn of x, if it has one.
func (t *Turns) Leave(x *Turn) {
	if !x.held {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(x)
}

// lapse takes away the turns that took too long.
func (t *Turns) lapse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.held = slices.DeleteFunc(t.held, func(x *Turn) bool { return now.Sub(x.since) >= lapseTime })
	t.hand()
	if t.ticking = false; len(t.waiting) > 0 {
		t.tick()
	}
}

// drop takes the turn of x back, and hands it on. t.mu is held.
func (t *Turns) drop(x *Turn) {
	x.held = false
	if i := slices.Index(t.held, x); i >= 0 {
		t.held = slices.Delete(t.held, i, i+1)
		t.hand()
	}
}

// hand gives the turns that are free to those that wait. t.mu is held.
func (t *Turns) hand() {
	for len(t.waiting) > 0 && len(t.held) < t.most {
		x := t.waiting[0]
		t.waiting[0] = nil
		if t.waiting = t.waiting[1:]; len(t.waiting) == 0 {
			t.waiting = nil
		}
		t.give(x)
		x.ready <- struct{}{}
	}
}

// give gives x a turn. t.mu is held.
func (t *Turns) give(x *Turn) {
	x.held, x.since = true, time.Now()
	t.held = append(t.held, x)
}
