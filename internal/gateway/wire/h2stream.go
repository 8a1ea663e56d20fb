package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/turns"
	"github.com/sallyport/sallyport/risk"
)

// A stream is one of HTTP/2: a request and the reply to it. What is not said to
// be somebody's own is guarded by mux.mu.
type stream struct {
	m      *mux
	id     uint32
	x      *Exchange // the worker's own, once it runs, as are turn and waited
	turn   turns.Turn
	waited bool // for somebody else than the client
	cancel context.CancelCauseFunc
	cond   sync.Cond // on mux.mu: something changed

	running bool // the Handler has it, or is about to
	held    bool // it waits for the end of a body that is announced to be empty
	heldAt  int64
	remote  bool // the client has ended it
	local   bool // we have
	over    bool // nothing goes either way any more
	deaf    bool // nobody reads the body

	// Of the request.
	declared  int64 // bytes of the body; -1: not said
	got       int64 // bytes of it that came
	inLeft    int   // bytes that the client may still send
	inOwed    int   // bytes that were read, and are to be given back to it
	body      *outgoing
	at        int   // what of body was read
	err       error // why no more of it comes
	reading   bool  // a Read waits
	readDue   int64 // tick at which that is too late
	readLimit int64 // what Exchange.ReadBy said, as a tick; 0: nothing
	bodyAt    int64 // tick of the first Read, plus 1
	taken     int64 // bytes that were read

	// Of the reply.
	window  int64
	sending bool  // the reply waits
	sendDue int64 // tick at which that is too late
	stalled bool  // it was
	headed  bool  // its head was sent
	hold    *outgoing
	block   int // bytes of hold that are the head
}

// open begins a stream with the head that was decoded (section 5.1).
func (m *mux) open(h frameHead) error {
	c := m.c
	x := exchanges.Get().(*Exchange) //nolint:errcheck // the pool holds nothing else
	ended := h.has(flagEndStream)
	f, reset := m.dec.fill(x, ended, &c.s.conf)
	if reset {
		m.tell(x, f)
		x.reset()
		exchanges.Put(x)
		return m.refuse(h.id, codeProtocol)
	}
	s := &stream{m: m, id: h.id, x: x, remote: ended, declared: -1, inLeft: streamWindow, running: true}
	s.cond.L = &m.mu
	x.Proto, x.Peer, x.Named, x.Local, x.TLS, x.side, x.Refused = "HTTP/2.0", c.peer, c.named, c.local, c.tls, s, f
	x.ctx, s.cancel = context.WithCancelCause(c.ctx)
	switch {
	case f != nil:
		x.Body, x.Length, s.deaf = nil, 0, true
	case x.Body == nil:
	case x.Body.length == 0:
		x.Body, s.declared, s.held, s.running, s.deaf = nil, 0, true, false, true
	default:
		x.Body.two, s.declared = s, x.Body.length
	}
	m.mu.Lock()
	s.heldAt, s.window = c.s.tick.Load(), m.initial
	m.streams[h.id] = s
	m.live++
	if m.broken != nil {
		s.shut(cutBody.Because(m.broken))
	}
	m.mu.Unlock()
	if !s.held {
		m.employ(s)
	}
	return nil
}

// employ has a stream, or the sending, done by the crew.
func (m *mux) employ(j job) {
	m.mu.Lock()
	m.busy++
	m.mu.Unlock()
	m.c.s.crew.do(j)
}

// done ends what employ began. mu is held.
func (m *mux) done() {
	if m.busy--; m.busy == 0 {
		m.quiet.Broadcast()
	}
}

// serve runs the Handler and ends the reply.
func (s *stream) serve() {
	x, all := s.x, s.m.c.s.conf.Turns
	if s.m.eager.Load() > fairRun {
		all.Next(&s.turn)
	}
	defer all.Leave(&s.turn)
	s.m.c.call(x)
	if x.Body != nil {
		x.Body.end()
	}
	s.finish(x)
	s.cancel(errOver)
	x.reset()
	exchanges.Put(x)
}

// finish ends the stream, and what it holds.
func (s *stream) finish(x *Exchange) {
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case s.over:
	case x.abort || !x.begun || x.left > 0 && !x.bare:
		m.putReset(s.id, codeInternal)
		s.shut(errOver)
	case s.last() != nil:
		if !s.over {
			m.putReset(s.id, codeCancel)
			s.shut(errOver)
		}
	case !s.remote: // section 8.1: the reply does not depend on the rest of the request
		m.putReset(s.id, codeNo)
		s.shut(errOver)
	default:
		m.earned.streams++
		s.closed()
	}
	s.giveRoom()
	s.running = false
	s.tally()
	m.retire()
	m.gather()
	m.flush()
	m.done()
}

// waitsWorth is how many streams that ended without waiting for anybody one makes
// good that did.
const waitsWorth = 4

// waits gives the turn away: something is waited for.
func (s *stream) waits() {
	s.waited = true
	s.m.c.s.conf.Turns.Leave(&s.turn)
}

// tally counts whether the stream waited for anybody. Those of a connection where
// most do not are served in turns, as requests of HTTP/1.1 are that come without
// end: the crew would never rest. m.mu is held.
func (s *stream) tally() {
	n := s.m.eager.Load()
	if s.waited {
		n = max(0, n-waitsWorth)
	} else {
		n = min(n+1, 2*fairRun)
	}
	s.m.eager.Store(n)
}

// giveRoom gives the room of a stream back that is over.
func (s *stream) giveRoom() {
	if s.hold != nil {
		s.hold.release()
	}
	if s.body != nil {
		s.m.owe(len(s.body.b) - s.at)
		s.body.release()
	}
	s.hold, s.body, s.deaf = nil, nil, true
}

// closed takes a stream away that both sides have ended. mu is held.
func (s *stream) closed() {
	if s.local && s.remote && !s.over {
		s.over = true
		delete(s.m.streams, s.id)
	}
}

// shut ends a stream at once; err is what Reads of its body return. mu is held.
func (s *stream) shut(err error) {
	if s.over {
		return
	}
	s.over, s.err = true, err
	delete(s.m.streams, s.id)
	s.cancel(ErrGone)
	s.cond.Broadcast()
	if !s.running {
		s.held = false
		s.m.retire()
	}
}

// retire counts a stream out that is over and not served. mu is held.
func (m *mux) retire() {
	if m.live--; m.live > 0 {
		return
	}
	m.idle = m.c.s.tick.Load()
	if m.leaving == refusing {
		m.rouse()
	}
}

// rouse makes the goroutine of the connection look around.
func (m *mux) rouse() {
	_ = inside(m.c.outer).SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // a connection that is gone needs none
}

// keep appends to the body. mu is held; the window bounds what is kept.
func (s *stream) keep(p []byte) {
	if s.body == nil {
		s.body = roomsOut.Get().(*outgoing) //nolint:errcheck // the pool holds nothing else
		s.body.b, s.at = s.body.b[:0], 0
	}
	b := s.body
	if s.at > 0 && (s.at == len(b.b) || len(b.b)+len(p) > cap(b.b)) {
		b.b = b.b[:copy(b.b, b.b[s.at:])]
		s.at = 0
	}
	b.b = append(b.b, p...)
}

// owe notes what the client may send again (section 6.9). mu is held.
func (m *mux) owe(n int) {
	if m.inOwed += n; m.inOwed >= connWindow/4 && m.broken == nil {
		m.putControl(appendWindow(m.room(), 0, uint32(m.inOwed))) //nolint:gosec // connWindow at most
		m.inLeft += m.inOwed
		m.inOwed = 0
	}
}

// owe notes what the client may send again on a stream. mu is held.
func (s *stream) owe(n int) {
	if s.inOwed += n; s.inOwed >= streamWindow/2 && !s.remote && !s.over {
		s.m.putControl(appendWindow(s.m.room(), s.id, uint32(s.inOwed))) //nolint:gosec // streamWindow at most
		s.inLeft += s.inOwed
		s.inOwed = 0
	}
}

// read reads the body. What is announced is given whole only once the stream has
// ended: what comes behind it makes the request malformed (section 8.1.1).
func (s *stream) read(b *Body, p []byte) (int, error) {
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.bodyAt == 0 {
		s.bodyAt = m.c.s.tick.Load() + 1
	}
	for {
		n := 0
		if s.body != nil {
			n = len(s.body.b) - s.at
		}
		whole := s.remote || s.declared < 0 || s.got < s.declared
		switch {
		case s.err != nil:
			return 0, s.err
		case n > 1 || n == 1 && whole:
			if !whole {
				n--
			}
			return s.give(p[:min(len(p), n)])
		case s.remote:
			return 0, io.EOF
		case b.halt.Load():
			return 0, errOver
		}
		if f := s.await(b); f != nil {
			return 0, f
		}
	}
}

// give copies from what came.
func (s *stream) give(p []byte) (int, error) {
	n := copy(p, s.body.b[s.at:])
	s.at += n
	s.taken += int64(n)
	ended := s.remote && s.at == len(s.body.b)
	if s.at == len(s.body.b) {
		s.body.release()
		s.body = nil
	}
	s.m.owe(n)
	s.owe(n)
	s.m.flush()
	if ended {
		return n, io.EOF
	}
	return n, nil
}

// await waits for more of a body, as long as it keeps its pace.
func (s *stream) await(b *Body) *fault.Fault {
	m := s.m
	if b.asked {
		b.asked = false
		if !s.headed && s.hold == nil { // RFC 9110 section 10.1.1: not behind the reply
			m.putHead(s.id, 0, continues)
		}
		m.flush()
		return nil // it may have come meanwhile
	}
	grace := b.Grace
	if grace <= 0 {
		grace = defaultGrace
	}
	s.readDue = s.bodyAt - 1 + grace.Milliseconds() + s.taken*1000/minRate
	if s.readLimit > 0 {
		s.readDue = min(s.readDue, s.readLimit)
	}
	if s.readDue <= time.Since(m.c.s.start).Milliseconds() {
		return slowBody
	}
	s.reading = true
	s.cond.Wait()
	s.reading = false
	return nil
}

// stop wakes a Read.
func (s *stream) stop() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.cond.Broadcast()
}

// readBy implements side.
func (s *stream) readBy(t time.Time) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.readLimit = 0; !t.IsZero() {
		s.readLimit = max(1, t.Sub(s.m.c.s.start).Milliseconds())
	}
	s.cond.Broadcast()
	return nil
}

// begin implements side. What is small waits until the Handler returns, as in
// HTTP/1.
func (s *stream) begin(x *Exchange, head risk.Fields, body []byte, flush bool) error { //nolint:revive // of the interface
	o := roomsOut.Get().(*outgoing) //nolint:errcheck // the pool holds nothing else
	o.b = appendHead2(o.b[:0], x, head, s.m.c.s.date2.Load())
	s.keepBack(o, len(o.b))
	if !flush {
		return nil
	}
	_, err := s.push(body, len(body))
	return err
}

// keepBack keeps a head, a body or both until more is known. The body of the
// request may be read by another goroutine, which looks whether the reply began.
func (s *stream) keepBack(o *outgoing, block int) {
	s.m.mu.Lock()
	s.hold, s.block = o, block
	s.m.mu.Unlock()
}

// write implements side.
func (s *stream) write(x *Exchange, p []byte) (int, error) {
	if x.left == int64(len(p)) {
		return s.push(p, len(p))
	}
	return s.push(p, 0)
}

// push sends p, but keeps the last part back, of which the end of the stream is
// to be known; tail is how much of p that may be.
func (s *stream) push(p []byte, tail int) (int, error) {
	tail = min(tail, joined)
	if tail == len(p) && s.hold != nil {
		s.hold.b = append(s.hold.b, p...)
		return len(p), nil
	}
	s.m.mu.Lock()
	n, err := s.send(p[:len(p)-tail])
	s.m.mu.Unlock()
	if err == nil && tail > 0 {
		o := roomsOut.Get().(*outgoing) //nolint:errcheck // the pool holds nothing else
		o.b = append(o.b[:0], p[len(p)-tail:]...)
		s.keepBack(o, 0)
		n += tail
	}
	return n, err
}

// flush implements side.
func (s *stream) flush() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	_, err := s.send(nil)
	return err
}

// upgrade implements side: RFC 9113 section 8.6.
func (s *stream) upgrade(*Exchange, risk.Fields) (net.Conn, error) { return nil, errUpgrade }

// nowhere is where replies go that nobody hears.
type nowhere struct{}

func (nowhere) begin(*Exchange, risk.Fields, []byte, bool) error { return nil }
func (nowhere) write(_ *Exchange, p []byte) (int, error)         { return len(p), nil }
func (nowhere) flush() error                                     { return nil }
func (nowhere) readBy(time.Time) error                           { return nil }
func (nowhere) waits()                                           {}
func (nowhere) upgrade(*Exchange, risk.Fields) (net.Conn, error) { return nil, errUpgrade }

var errStalled = errors.New("the client does not take the reply")
