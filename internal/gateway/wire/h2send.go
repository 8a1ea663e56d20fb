package wire

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// outRoom is how much may wait to be sent before streams have to wait; outMost
// is where a client is cut off that lets us answer and does not read.
const (
	outRoom = 64 << 10
	outMost = 32 << 10
)

// rounds is how often one goroutine sends what others left before it lets one
// of them do that.
const rounds = 4

// room is what waits to be sent, to append to. mu is held.
func (m *mux) room() []byte {
	if m.out == nil {
		m.out = roomsOut.Get().(*outgoing) //nolint:errcheck // the pool holds nothing else
		m.out.b = m.out.b[:0]
		m.control = 0
	}
	return m.out.b
}

// putControl takes what room returned, with a frame behind it that is no part of
// a reply. mu is held.
func (m *mux) putControl(b []byte) {
	m.control += len(b) - len(m.out.b)
	m.out.b = b
	if m.control > outMost {
		m.fail(floods("answers that are not read"))
		m.rouse()
	}
}

// putReset resets a stream. mu is held.
func (m *mux) putReset(id uint32, c code) {
	m.putControl(appendReset(m.room(), id, c))
	const most = 2 * maxStreams
	if len(m.ours) < most {
		m.ours = append(m.ours, id)
		return
	}
	m.ours[m.oursAt%most] = id
	m.oursAt++
}

// putHead puts a head out (section 6.2). The first one of a connection says that
// we use no dynamic table (RFC 7541 section 6.3). mu is held.
func (m *mux) putHead(id uint32, flags byte, block []byte) {
	b := m.room()
	kind, extra := frameHeaders, 0
	if !m.sized {
		m.sized, extra = true, 1
	}
	for {
		part := block[:min(len(block), maxFrame-extra)]
		block = block[len(part):]
		f := flags
		if len(block) == 0 {
			f |= flagEndHeaders
		}
		b = appendFrameHead(b, frameHead{length: len(part) + extra, kind: kind, flags: f, id: id})
		if extra > 0 {
			b = append(b, 0x20)
		}
		b = append(b, part...)
		if len(block) == 0 {
			break
		}
		kind, flags, extra = frameContinuation, 0, 0
	}
	m.out.b = b
}

// flush sends what waits, unless somebody is at it, who takes it along. mu is
// held, and let go while bytes go out.
func (m *mux) flush() {
	if m.writing {
		return
	}
	m.writing = true
	for n := 0; m.out != nil && m.broken == nil; n++ {
		if n >= rounds && m.senders > 0 {
			m.wake() // one of them goes on
			break
		}
		o := m.out
		m.out = nil
		m.mu.Unlock()
		_, err := m.c.send(o.b)
		o.release()
		if err != nil {
			m.c.cut()
		}
		m.mu.Lock()
		if err != nil {
			m.fail(err)
		}
		m.wake()
	}
	m.writing = false
	if m.leaving != staying || m.broken != nil {
		m.quiet.Broadcast()
	}
}

// gather lets streams that are ready too put their replies beside what waits, so
// that one system call takes them all. It costs next to nothing where there are
// none. mu is held, and let go meanwhile.
func (m *mux) gather() {
	if m.writing || m.busy < 2 {
		return
	}
	m.writing = true
	m.mu.Unlock()
	runtime.Gosched()
	m.mu.Lock()
	m.writing = false
}

// drop forgets what waits. mu is held.
func (m *mux) drop() {
	if m.out != nil {
		m.out.release()
		m.out = nil
	}
}

// wake has all streams look whether they can send. mu is held.
func (m *mux) wake() {
	if m.senders == 0 {
		return
	}
	for _, s := range m.streams {
		if s.sending {
			s.cond.Broadcast()
		}
	}
}

// release gives room back.
func (o *outgoing) release() {
	switch n := cap(o.b); {
	case n <= 2*joined:
		roomsOut.Put(o)
	case n <= 2*outRoom:
		roomsLarge.Put(o)
	}
}

// roomsLarge are for replies that are long.
var roomsLarge = sync.Pool{New: func() any { return &outgoing{b: make([]byte, 0, outRoom+2*maxFrame)} }}

// send sends the head that waits, and p behind it, and returns how much of p has
// gone. mu is held.
func (s *stream) send(p []byte) (int, error) {
	if err := s.sendHold(0); err != nil {
		return 0, err
	}
	n, err := s.data(p, 0)
	s.m.flush()
	return n, err
}

// last sends what is left of the reply, and its end. mu is held.
func (s *stream) last() error {
	if s.hold != nil {
		return s.sendHold(flagEndStream)
	}
	_, err := s.data(nil, flagEndStream)
	return err
}

// sendHold sends what is held back. flags go with the last frame.
func (s *stream) sendHold(flags byte) error {
	if s.hold == nil {
		return s.gone()
	}
	if !s.headed {
		f := byte(0)
		if len(s.hold.b) == s.block {
			f = flags
		}
		if err := s.ready(); err != nil {
			return err
		}
		s.m.putHead(s.id, f, s.hold.b[:s.block])
		s.headed = true
		s.local = f != 0
	}
	var err error
	if body := s.hold.b[s.block:]; !s.local && (len(body) > 0 || flags != 0) {
		_, err = s.data(body, flags)
	}
	s.hold.release()
	s.hold, s.block = nil, 0
	return err
}

// data sends DATA (section 6.1) as the windows allow (section 5.2). flags go with
// the last frame.
func (s *stream) data(p []byte, flags byte) (sent int, err error) {
	m := s.m
	if len(p) == 0 && flags == 0 {
		return 0, s.gone()
	}
	stretched := 0
	for s.renew(); ; {
		n := int(max(0, min(int64(len(p)), maxFrame, s.window, m.window)))
		if n == 0 && len(p) > 0 || m.out != nil && len(m.out.b) > outRoom {
			if err := s.wait(); err != nil {
				return sent, err
			}
			continue
		}
		if err := s.gone(); err != nil {
			return sent, err
		}
		f := byte(0)
		if n == len(p) {
			f = flags
		}
		if m.out == nil && len(p) > maxFrame/2 {
			m.out, m.control = roomsLarge.Get().(*outgoing), 0 //nolint:errcheck // the pool holds nothing else
			m.out.b = m.out.b[:0]
		}
		b := appendFrameHead(m.room(), frameHead{length: n, kind: frameData, flags: f, id: s.id})
		m.out.b = append(b, p[:n]...)
		m.earned.bytes += n
		s.window -= int64(n)
		m.window -= int64(n)
		sent += n
		if p = p[n:]; len(p) == 0 {
			s.local = f != 0
			return sent, nil
		}
		if stretched += n; stretched >= stretch {
			s.renew()
			stretched = 0
		}
	}
}

// renew begins a stretch, which has the time of Config.Write.
func (s *stream) renew() {
	c := s.m.c
	s.sendDue = c.s.tick.Load() + c.s.conf.Write.Milliseconds()
}

// gone is why nothing more can be sent, or nil.
func (s *stream) gone() error {
	switch {
	case s.m.broken != nil:
		return s.m.broken
	case s.stalled:
		return errStalled
	case s.over:
		return ErrGone
	}
	return nil
}

// ready returns once there is room to send.
func (s *stream) ready() error {
	s.renew()
	for s.m.out != nil && len(s.m.out.b) > outRoom {
		if err := s.wait(); err != nil {
			return err
		}
	}
	return s.gone()
}

// wait sends what waits, or waits until something changes.
func (s *stream) wait() error {
	if err := s.gone(); err != nil {
		return err
	}
	if m := s.m; m.out != nil && !m.writing {
		m.flush()
		return nil
	}
	s.sending = true
	s.m.senders++
	s.cond.Wait()
	s.m.senders--
	s.sending = false
	return s.gone()
}

// continues is the head of 100.
var continues = []byte{0x08, 3, '1', '0', '0'}

// appendHead2 writes a block (RFC 7541). It uses the static table only: what
// goes out does not depend on what went before, so that heads are written by
// whoever replies, and what a reply holds tells nothing of others by its size
// (RFC 7541 section 7.1).
func appendHead2(b []byte, x *Exchange, head risk.Fields, date *[]byte) []byte {
	switch x.status {
	case 200:
		b = append(b, 0x88)
	case 204:
		b = append(b, 0x89)
	case 304:
		b = append(b, 0x8b)
	case 400:
		b = append(b, 0x8c)
	case 404:
		b = append(b, 0x8d)
	default:
		b = append(b, 0x08, 3)
		b = strconv.AppendInt(b, int64(x.status), 10)
	}
	b = append(b, *date...)
	for i := range head {
		f := &head[i]
		if !lawful(f) || owned(f.Name) {
			continue
		}
		b = appendName2(b, f.Name)
		b = appendInteger(b, 0, 7, len(f.Value))
		b = append(b, f.Value...)
	}
	if x.length >= 0 && !bodyless(x.status) {
		b = appendInteger(b, 0, 4, int(indices["Content-Length"]))
		at := len(b)
		b = strconv.AppendInt(append(b, 0), x.length, 10)
		b[at] = byte(len(b) - at - 1) //nolint:gosec // 19 at most
	}
	return b
}

// appendName2 begins a field without indexing (RFC 7541 section 6.2.2).
func appendName2(b []byte, name string) []byte {
	if i, ok := indices[name]; ok {
		return appendInteger(b, 0, 4, int(i))
	}
	b = append(b, 0)
	b = appendInteger(b, 0, 7, len(name))
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// appendInteger writes n with a prefix of bits below those of first (RFC 7541
// section 5.1).
func appendInteger(b []byte, first byte, bits uint, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(b, first|byte(n)) //nolint:gosec // it fits
	}
	b = append(b, first|byte(most)) //nolint:gosec // it fits
	for n -= most; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80) //nolint:gosec // seven bits of it
	}
	return append(b, byte(n)) //nolint:gosec // it fits
}

// dateBlock is the Date field as a part of a block.
func dateBlock(now time.Time) []byte {
	b := appendInteger(nil, 0, 4, int(indices["Date"]))
	b = append(b, byte(len(http.TimeFormat))) //nolint:gosec // 29
	return now.UTC().AppendFormat(b, http.TimeFormat)
}
