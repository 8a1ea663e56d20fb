package wire

// Times of HTTP/2, in milliseconds.
const (
	pingAfter    = 30_000 // of silence while streams are open, until the line is tried
	pingTime     = 15_000 // for the answer to that
	lastCallTime = 1_000  // between the two GOAWAY of a connection that ends
	settingsTime = 30_000 // for our settings to be acknowledged
)

// What the pings hold that are sent from here.
var (
	lineTry  = [8]byte{'s', 'a', 'l', 'l', 'y', 'l', 'i', 'n'}
	lastCall = [8]byte{'s', 'a', 'l', 'l', 'y', 'e', 'n', 'd'}
)

// look ends what is late. The watch calls it four times a second.
func (m *mux) look(now int64) {
	conf := &m.c.s.conf
	if began := m.slow.Load(); began > 0 && now-(began-1) > conf.Head.Milliseconds() {
		m.late.Store(true)
		m.rouse()
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.streams {
		s.look(now, conf.Head.Milliseconds())
	}
	switch {
	case m.leaving == warned && now-m.leftAt >= lastCallTime:
		m.leaveNow()
	case m.leaving == refusing && m.live == 0:
		m.rouse()
	case m.leaving == staying && m.live == 0 && now-m.idle > conf.Idle.Milliseconds():
		m.leaveNow()
	case m.pinged > 0 && now-(m.pinged-1) > pingTime:
		m.fail(ErrGone)
		m.rouse()
	case m.pinged == 0 && m.live > 0 && now-m.heard.Load() > pingAfter:
		m.pinged = now + 1
		m.putControl(appendPing(m.room(), 0, lineTry))
	case !m.agreed && m.leaving != refusing && now-m.began > settingsTime:
		m.putControl(appendGoAway(m.room(), m.last, codeSettingsTime))
		m.leaving = refusing
	}
	m.sendLater()
}

// look ends a stream that is late. mu is held.
func (s *stream) look(now, head int64) {
	switch {
	case s.held && now-s.heldAt > head:
		s.x.Refused, s.held, s.running = slowBody, false, true
		s.m.busy++
		s.m.c.s.crew.do(s)
	case s.sending && now > s.sendDue:
		s.stalled = true
		s.cond.Broadcast()
	}
	if s.reading && now >= s.readDue {
		s.cond.Broadcast()
	}
}

// sendLater has the crew send what waits, for those who may not wait. mu is
// held.
func (m *mux) sendLater() {
	if m.out == nil || m.writing || m.broken != nil {
		return
	}
	m.writing = true // so that nobody else begins
	m.busy++
	m.c.s.crew.do((*sender)(m))
}

// A sender is a mux that has something to send.
type sender mux

func (w *sender) serve() {
	m := (*mux)(w)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writing = false
	m.flush()
	m.done()
}

// leave begins to end the connection (RFC 9113 section 6.8): the client is told,
// and what is under way meanwhile is taken. It does not wait.
func (m *mux) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leaving != staying {
		return
	}
	m.leaving, m.leftAt = warned, m.c.s.tick.Load()
	m.putControl(appendGoAway(m.room(), maxID, codeNo))
	m.putControl(appendPing(m.room(), 0, lastCall))
	m.sendLater()
}

// leaveNow takes no further streams, and ends the connection with the last one.
// mu is held.
func (m *mux) leaveNow() {
	if m.leaving == refusing {
		return
	}
	m.leaving = refusing
	m.putControl(appendGoAway(m.room(), m.last, codeNo))
	if m.live == 0 {
		m.rouse()
	}
}
