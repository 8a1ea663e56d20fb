package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

// A cooldown keeps an operation from being asked whose bodies nobody can use:
// several in a row without an end, too large to be passed on, or no HTTP. A head
// says nothing of that, and bodies can be long; so there is no trial, but a rest,
// after which they are asked for at a slow pace, and one more such body means a
// longer rest. Streams that break off do
// not count: that is how most of them end.
type cooldown struct {
	conf  Breaker
	row   atomic.Int32 // such bodies since the last that was whole
	until atomic.Int64 // when the rest is over, in Unix nanoseconds
	next  atomic.Int64 // when one more may be asked for after it
	opens atomic.Int64

	mu   sync.Mutex
	wait time.Duration // how long the last rest was
}

// over tells whether the operation may be asked.
func (c *cooldown) over(now time.Time) bool {
	until := c.until.Load()
	return until == 0 || now.UnixNano() >= until
}

// After a rest one request is let in every tryTime, until a body came whole or
// nothing was wrong for pacedTime: each is as dear as those before may have been.
const (
	tryTime   = 100 * time.Millisecond
	pacedTime = 10 * time.Second
)

// paced tells whether that holds now.
func (c *cooldown) paced(now time.Time) bool {
	return int(c.row.Load()) >= c.conf.most() && now.UnixNano()-c.until.Load() <= int64(pacedTime)
}

// allow takes what the pace after a rest allows.
func (c *cooldown) allow(now time.Time) bool {
	if !c.over(now) || !c.paced(now) {
		return c.over(now)
	}
	at, next := now.UnixNano(), c.next.Load()
	return at >= next && c.next.CompareAndSwap(next, at+int64(tryTime))
}

// whole counts a body that came to its end.
func (c *cooldown) whole() {
	if c.row.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.row.Store(0)
	c.wait = 0
}

// failed counts one that is of no use.
func (c *cooldown) failed(now time.Time) {
	if int(c.row.Add(1)) < c.conf.most() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over(now) {
		return // it was asked for before
	}
	c.wait = c.conf.longer(c.wait)
	c.opens.Add(1)
	c.until.Store(now.Add(c.wait).UnixNano())
}

// Blame says that the body of the reply is too large to be of use. It may be
// called once, before the body is closed.
func (p *Response) Blame() {
	if p.lane != nil {
		p.lane.bodies.failed(time.Now())
	}
}
