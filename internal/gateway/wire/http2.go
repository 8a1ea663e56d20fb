package wire

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/fault"
)

// A mux is a connection of HTTP/2 (RFC 9113). Its goroutine reads; streams are
// served by the crew; whoever has something to send does so, or leaves it to the
// one who is at it.
type mux struct {
	c *conn

	// The reader's own.
	in      *intake
	dec     decoder
	block   []byte    // of a head that goes on in CONTINUATION
	opened  frameHead // the HEADERS of that; id 0: none
	runs    int       // CONTINUATION frames of it
	counted counter
	told    int

	heard atomic.Int64 // tick of the last read
	slow  atomic.Int64 // tick at which the frame or head began that is not complete, plus 1; 0: none
	late  atomic.Bool  // that took too long
	eager atomic.Int32 // streams that ended without waiting for anybody, more than others; at most 2*fairRun

	mu      sync.Mutex
	streams map[uint32]*stream // those that are open, or half closed
	last    uint32             // the highest one that the client opened
	live    int                // streams that are open, or whose Handler runs
	idle    int64              // tick at which live became 0
	busy    int                // jobs under way
	quiet   sync.Cond          // on mu: told when busy becomes 0
	ours    []uint32           // streams that were reset here, to which frames may be under way
	oursAt  int
	broken  error // nothing can be sent any more

	out     *outgoing // frames that wait
	writing bool      // somebody sends
	control int       // bytes of out that are no replies
	senders int       // streams that wait for a window, or for room in out
	sized   bool      // the peer knows that we use no dynamic table
	window  int64     // to send, of the connection
	initial int64     // to send, of a new stream
	frame   int       // bytes of a frame that the peer takes
	inLeft  int       // bytes that the client may still send
	inOwed  int       // bytes that were read, and are to be given back to it
	earned  earnings

	agreed  bool  // the client has acknowledged our settings
	began   int64 // tick
	leaving leave
	leftAt  int64 // tick of the first GOAWAY
	pinged  int64 // tick at which the line was tried, plus 1; 0: not
}

// A leave is how far the end of a connection has come (RFC 9113 section 6.8).
type leave uint8

const (
	staying  leave = iota
	warned         // GOAWAY was sent, and what is under way is taken
	refusing       // a second one says which stream was the last
)

// roomMux is the size of the buffer of a connection that is not idle: a frame,
// and its head.
const roomMux = maxFrame + frameHeadBytes

// An intake holds what came and was not used yet, from r to w, and the room to
// decode a head in.
type intake struct {
	b    [roomMux]byte
	r, w int
	list []piece
	text []byte
}

var intakes = sync.Pool{New: func() any { return new(intake) }}

func newMux(c *conn) *mux {
	tick := c.s.tick.Load()
	m := &mux{
		c: c, dec: decoder{limit: tableSize, fields: c.s.conf.MaxFields, bytes: c.s.conf.MaxHead},
		streams: map[uint32]*stream{}, idle: tick, began: tick, window: defaultWindow, initial: defaultWindow, frame: maxFrame, inLeft: connWindow,
	}
	m.quiet.L = &m.mu
	m.heard.Store(tick)
	return m
}

// serveH2 serves a connection of HTTP/2 until it ends.
func (c *conn) serveH2() {
	m := newMux(c)
	err := m.greet()
	if err == nil {
		c.mux = m
		c.enter(multiplex)
	}
	for err == nil {
		err = m.next()
	}
	m.end(err)
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" // RFC 9113 section 3.4

// greet exchanges the prefaces. The watch bounds the time of that: the
// connection is opening still.
func (m *mux) greet() error {
	m.mu.Lock()
	b := m.room()
	b = appendFrameHead(b, frameHead{length: 18, kind: frameSettings})
	b = appendSetting(b, settingStreams, maxStreams)
	b = appendSetting(b, settingWindow, streamWindow)
	b = appendSetting(b, settingHeadList, uint32(m.c.s.conf.MaxHead)) //nolint:gosec // mostHead at most
	m.out.b = appendWindow(b, 0, connWindow-defaultWindow)
	m.flush()
	m.mu.Unlock()
	for n := range len(preface) {
		if err := m.need(n + 1); err != nil {
			return err
		}
		if m.in.b[m.in.r+n] != preface[n] {
			return breaks(codeProtocol, "no preface")
		}
	}
	m.in.r += len(preface)
	if err := m.need(frameHeadBytes); err != nil {
		return err
	}
	if h := readFrameHead(m.in.b[m.in.r:]); h.kind != frameSettings || h.has(flagAck) {
		return breaks(codeProtocol, "the first frame is no SETTINGS")
	}
	return m.next()
}

// need returns once n bytes lie in the buffer.
func (m *mux) need(n int) error {
	for m.in == nil || m.in.w-m.in.r < n {
		if err := m.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill sends what waits, and reads what is there.
func (m *mux) fill() error {
	m.mu.Lock()
	m.flush()
	over := m.broken
	if over == nil && m.leaving == refusing && m.live == 0 {
		over = net.ErrClosed
	}
	m.mu.Unlock()
	switch {
	case over != nil:
		return over
	case m.late.Load():
		return &breach{code: codeCalm, fault: slowHead}
	}
	n, err := m.read()
	if n > 0 {
		m.heard.Store(m.c.s.tick.Load())
		return nil
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return orEOF(err)
	}
	if m.c.late.Load() && m.c.mux == nil {
		return err // the watch ended it before it was opened
	}
	_ = m.c.nc.SetReadDeadline(time.Time{}) //nolint:errcheck // somebody asked to look around; the next read tells
	return nil
}

// read reads once. A connection that waits for a frame has no buffer.
func (m *mux) read() (int, error) {
	if m.in != nil && m.in.r == m.in.w {
		intakes.Put(m.in)
		m.in = nil
	}
	if m.in == nil {
		if n, err := m.c.nc.Read(m.c.one[:]); n == 0 {
			return 0, err //nolint:wrapcheck // sorted by fill
		}
		m.in = intakes.Get().(*intake) //nolint:errcheck // the pool holds nothing else
		m.in.b[0], m.in.r, m.in.w = m.c.one[0], 0, 1
		return 1, nil
	}
	in := m.in
	if in.r > 0 && in.w == len(in.b) {
		in.w = copy(in.b[:], in.b[in.r:in.w])
		in.r = 0
	}
	n, err := m.c.nc.Read(in.b[in.w:])
	in.w += n
	return n, err //nolint:wrapcheck // sorted by fill
}

// part notes that something has begun which the client must end in the time of a
// head, or that it has ended.
func (m *mux) part(began bool) {
	switch {
	case !began:
		m.slow.Store(0)
	case m.slow.Load() == 0:
		m.slow.Store(m.c.s.tick.Load() + 1)
	}
}

// next takes one frame.
func (m *mux) next() error {
	waits := m.opened.id != 0
	if m.in == nil || m.in.w == m.in.r {
		m.part(waits)
	}
	if err := m.need(1); err != nil {
		return err
	}
	if m.in.w-m.in.r < frameHeadBytes {
		m.part(true)
		if err := m.need(frameHeadBytes); err != nil {
			return err
		}
	}
	h := readFrameHead(m.in.b[m.in.r:])
	switch {
	case h.length > maxFrame:
		return breaks(codeFrameSize, "a frame is too large") // section 4.2
	case waits && (h.kind != frameContinuation || h.id != m.opened.id):
		return breaks(codeProtocol, "a frame within a head") // section 6.10
	}
	if h.kind == frameData {
		m.in.r += frameHeadBytes
		m.part(false)
		return m.data(h)
	}
	if m.in.w-m.in.r < frameHeadBytes+h.length {
		m.part(true)
		if err := m.need(frameHeadBytes + h.length); err != nil {
			return err
		}
	}
	payload := m.in.b[m.in.r+frameHeadBytes:][:h.length]
	m.in.r += frameHeadBytes + h.length
	err := m.take(h, payload)
	if m.opened.id == 0 {
		m.part(false)
	}
	return err
}

// spend counts a frame.
func (m *mux) spend(k kind, why string) error {
	if m.counted.spend(k, m.c.s.tick.Load(), m.more) {
		return nil
	}
	return floods(why)
}

// more is what the client earned beside its budget.
func (m *mux) more(k kind) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.earned.take(k)
}

// maxTold bounds the refusals of one connection that nobody is there to hear.
const maxTold = 8

// tell gives the Handler a refusal that nobody is there to hear.
func (m *mux) tell(x *Exchange, f *fault.Fault) {
	if m.told++; m.told <= maxTold {
		c := m.c
		x.Refused, x.Body, x.Length = f, nil, 0
		x.Proto, x.Peer, x.Named, x.Local, x.TLS, x.ctx, x.side = "HTTP/2.0", c.peer, c.named, c.local, c.tls, c.ctx, nowhere{}
		c.call(x)
	}
}

// end ends the connection and waits for its streams.
func (m *mux) end(err error) {
	c := m.c
	var b *breach
	if errors.As(err, &b) {
		m.told = min(m.told, maxTold-1) // the last word is always told
		m.tell(&Exchange{}, b.fault)
		m.mu.Lock()
		m.putControl(appendGoAway(m.room(), m.last, b.code))
		m.mu.Unlock()
	}
	m.mu.Lock()
	m.ebb()
	m.fail(ErrGone)
	m.mu.Unlock()
	c.cancel(ErrGone)
	if b != nil {
		c.linger()
	}
	_ = c.nc.Close()    //nolint:errcheck // it ends
	_ = c.outer.Close() //nolint:errcheck // it ends
	if m.in != nil {
		intakes.Put(m.in)
		m.in = nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.busy > 0 {
		m.quiet.Wait()
	}
}

// ebb waits until what waits was sent. mu is held.
func (m *mux) ebb() {
	m.leaving = refusing // whoever sends tells
	for m.broken == nil && (m.writing || m.out != nil) {
		if m.flush(); m.writing {
			m.quiet.Wait()
		}
	}
}

// fail ends all streams, which can send and read nothing more. mu is held.
func (m *mux) fail(err error) {
	if m.broken != nil {
		return
	}
	m.broken = err
	for _, s := range m.streams {
		s.shut(cutBody.Because(err))
	}
	m.drop()
}
