package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

// A cooldown keeps an operation from being asked whose bodies nobody can use:
// several in a row without an end, too large to be passed on, or no HTTP. A head
// says nothing of that, and bodies can be long; so there is no trial, but a rest,
// after which one more such body means a longer rest. Streams that break off do
// not count: that is how most of them end.
type cooldown struct {
	conf  Breaker
	row   atomic.Int32 // such bodies since the last that was whole
	until atomic.Int64 // when the rest is over, in Unix nanoseconds
	opens atomic.Int64

	mu   sync.Mutex
	wait time.Duration // how long the last rest was
}

// over tells whether the operation may be asked.
func (c *cooldown) over(now time.Time) bool {
	until := c.until.Load()
	return until == 0 || now.UnixNano() >= until
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
