package upstream

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// Bodies that come faster than they are read never wait for the network. The
// runtime looks for other connections on which something came when a processor
// has nothing to do, and else every 10 ms: with as many such bodies as
// processors, everybody else is served 10 to 20 ms late. So they take turns: one
// that went on for fairBytes without a break gives its turn away and waits for
// another, and one processor at least is free for the rest. A body whose next
// bytes are not there yet, as those of networks mostly are, gives its turn away
// and needs none to go on.
const (
	// fairBytes is how much of a body is read in one turn.
	fairBytes = 64 << 10
	// lapseTime is how long a turn is good for: its body may wait for its client.
	lapseTime = time.Millisecond
	// breathTime is how long a turn waits to begin where there is one processor,
	// so that it has nothing to do for a moment.
	breathTime = 20 * time.Microsecond
)

// turns are those of all bodies of a Set. The zero value has one at a time.
type turns struct {
	most int // at a time; 0: 1

	mu      sync.Mutex
	held    []*turn
	waiting []*turn // the first has waited longest
	clock   *time.Timer
	ticking bool // the clock calls lapse while anybody waits
}

// A turn belongs to one body. The zero turn is not taken.
type turn struct {
	held  bool // of its own accord: it may have lapsed
	since time.Time
	ready chan struct{} // made when it first waits
}

// newTurns leaves one processor for others.
func newTurns() turns { return turns{most: max(1, runtime.GOMAXPROCS(0)-1)} }

// next gives away the turn of x, if it has one, and waits for another.
func (t *turns) next(x *turn) {
	t.mu.Lock()
	t.drop(x)
	if len(t.held) < max(t.most, 1) {
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
func (t *turns) tick() {
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
func (t *turns) breathe() {
	if t.most <= 1 && runtime.GOMAXPROCS(0) == 1 {
		time.Sleep(breathTime)
	}
}

// leave gives away the turn of x, if it has one.
func (t *turns) leave(x *turn) {
	if !x.held {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(x)
}

// lapse takes away the turns that took too long.
func (t *turns) lapse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.held = slices.DeleteFunc(t.held, func(x *turn) bool { return now.Sub(x.since) >= lapseTime })
	t.hand()
	if t.ticking = false; len(t.waiting) > 0 {
		t.tick()
	}
}

// drop takes the turn of x back, and hands it on. t.mu is held.
func (t *turns) drop(x *turn) {
	x.held = false
	if i := slices.Index(t.held, x); i >= 0 {
		t.held = slices.Delete(t.held, i, i+1)
		t.hand()
	}
}

// hand gives the turns that are free to those that wait. t.mu is held.
func (t *turns) hand() {
	for len(t.waiting) > 0 && len(t.held) < max(t.most, 1) {
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
func (t *turns) give(x *turn) {
	x.held, x.since = true, time.Now()
	t.held = append(t.held, x)
}
