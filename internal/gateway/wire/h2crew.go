package wire

import "sync"

// A job is what a worker does.
type job interface{ serve() }

// mostResting bounds how many workers wait for work.
const mostResting = 256

// A crew runs the streams of all connections in goroutines that it keeps: one
// that has worked already has room on its stack. How many there are is bounded
// by those who give work: maxStreams for each connection, and one to write.
type crew struct {
	mu      sync.Mutex
	resting []chan job // those who wait, the last one first; buffered for one
	low     int        // the fewest that rested since the last trim
	closed  bool
}

// do has a job done in another goroutine.
func (c *crew) do(j job) {
	c.mu.Lock()
	n := len(c.resting) - 1
	if n < 0 {
		c.mu.Unlock()
		go c.work(j)
		return
	}
	w := c.resting[n]
	c.resting[n] = nil
	c.resting = c.resting[:n]
	c.low = min(c.low, n)
	c.mu.Unlock()
	w <- j
}

// work does jobs until nobody has any. It ends with trim or close.
func (c *crew) work(j job) {
	w := make(chan job, 1)
	for j != nil {
		j.serve()
		if !c.rest(w) {
			return
		}
		j = <-w
	}
}

// rest puts a worker among those who wait, if it may.
func (c *crew) rest(w chan job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.resting) >= mostResting {
		return false
	}
	c.resting = append(c.resting, w)
	return true
}

// trim sends half of those home who had nothing to do since the last trim.
func (c *crew) trim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := (c.low + 1) / 2
	for _, w := range c.resting[:n] {
		close(w)
	}
	kept := copy(c.resting, c.resting[n:])
	clear(c.resting[kept:])
	c.resting = c.resting[:kept]
	c.low = kept
}

// close sends everybody home who rests, and whoever will.
func (c *crew) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, w := range c.resting {
		close(w)
	}
	c.resting, c.low = nil, 0
}
