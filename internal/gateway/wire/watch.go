package wire

import (
	"net/http"
	"time"
)

// pace is how often the watch looks at every connection.
const pace = 250 * time.Millisecond

// watch looks after all connections until the Server ends.
func (s *Server) watch() {
	t := time.NewTicker(pace)
	defer t.Stop()
	var late, busy []*conn
	var many []*mux
	for {
		select {
		case <-s.watchEnd:
			return
		case <-t.C:
		}
		now := time.Since(s.start).Milliseconds()
		s.tick.Store(now)
		s.redate()
		s.crew.trim()
		late, busy, many = late[:0], busy[:0], many[:0]
		s.mu.Lock()
		stopping := s.stopping.Load()
		for c := range s.conns {
			switch {
			case s.overdue(c, now):
				late = append(late, c)
			case stopping:
				c.hurry()
			}
			switch phase(c.state.Load() & 0xff) {
			case working:
				if c.fd != nil {
					busy = append(busy, c)
				}
			case multiplex:
				many = append(many, c.mux)
			case opening, idle, heading, receiving, lingering:
			}
		}
		s.mu.Unlock()
		for _, c := range late {
			c.tooLate(now)
		}
		for _, c := range busy {
			if gone(c.fd) {
				c.cancel(ErrGone)
			}
		}
		for _, m := range many {
			m.look(now)
		}
		clear(late)
		clear(busy)
		clear(many)
	}
}

// overdue tells whether a connection is over one of its times.
func (s *Server) overdue(c *conn, now int64) bool {
	if w := c.wrote.Load(); w > 0 && now-(w-1) > s.conf.Write.Milliseconds() {
		return true
	}
	state := c.state.Load()
	since := now - state>>8
	switch phase(state & 0xff) {
	case opening, heading:
		return since > s.conf.Head.Milliseconds()
	case idle:
		return since > s.conf.Idle.Milliseconds()
	case receiving:
		waited := c.waited.Load() + since
		return waited > c.grace.Load()+c.got.Load()*1000/minRate
	case lingering:
		return since > 2*lingerTime.Milliseconds()
	case working, multiplex:
	}
	return false
}

// tooLate ends what a connection waits for: a head and a body are refused, and
// everything else closes. A connection that has moved on since it was seen to
// be late keeps its time.
func (c *conn) tooLate(now int64) {
	if !c.s.overdue(c, now) {
		return
	}
	state := c.state.Load()
	if w := c.wrote.Load(); w > 0 && now-(w-1) > c.s.conf.Write.Milliseconds() {
		c.cut()
		return
	}
	switch phase(state & 0xff) {
	case opening, lingering:
		_ = c.outer.Close() //nolint:errcheck // nobody waits for a word
	case idle, heading, receiving:
		c.late.Store(true)
		_ = inside(c.outer).SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // a connection that is gone needs none
	case working, multiplex:
	}
}

// redate writes the Date field once a second.
func (s *Server) redate() {
	now := s.conf.Clock.Now().UTC()
	text := now.AppendFormat([]byte("Date: "), http.TimeFormat)
	text = append(text, "\r\n"...)
	if old := s.date.Load(); old == nil || string(*old) != string(text) {
		s.date.Store(&text)
		block := dateBlock(now)
		s.date2.Store(&block)
	}
}
