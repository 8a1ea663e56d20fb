package wire

import (
	"encoding/binary"
	"slices"
)

// maxContinuations is how many frames one head may go on in: a head of 32 KiB
// fits two (CVE-2024-27316).
const maxContinuations = 8

// maxSettings bounds the settings of one frame. There are seven.
const maxSettings = 32

// take takes a frame other than DATA.
func (m *mux) take(h frameHead, p []byte) error {
	switch h.kind {
	case frameHeaders:
		return m.headers(h, p)
	case framePriority:
		return m.priority(h, p)
	case frameReset:
		return m.reset(h, p)
	case frameSettings:
		return m.settings(h, p)
	case framePush:
		return breaks(codeProtocol, "PUSH_PROMISE of a client") // section 8.4
	case framePing:
		return m.ping(h, p)
	case frameGoAway:
		return m.goAway(h, p)
	case frameWindow:
		return m.windowUpdate(h, p)
	case frameContinuation:
		return m.continuation(h, p)
	}
	return m.spend(priorities, "frames of unknown types") // section 5.5: they are ignored
}

// unpad takes the padding off (sections 6.1 and 6.2).
func unpad(h frameHead, p []byte) ([]byte, error) {
	if !h.has(flagPadded) {
		return p, nil
	}
	if len(p) == 0 || int(p[0]) >= len(p) {
		return nil, breaks(codeProtocol, "padding that is longer than its frame")
	}
	return p[1 : len(p)-int(p[0])], nil
}

// headers takes the beginning of a head (section 6.2).
func (m *mux) headers(h frameHead, p []byte) error {
	if h.id&1 == 0 {
		return breaks(codeProtocol, "HEADERS of a stream that clients do not open") // section 5.1.1
	}
	p, err := unpad(h, p)
	if err != nil {
		return err
	}
	m.opened, m.runs = h, 0
	if h.has(flagPriority) {
		if len(p) < 5 {
			return breaks(codeFrameSize, "HEADERS without room for a priority")
		}
		if binary.BigEndian.Uint32(p)&maxID == h.id {
			m.opened.kind = framePriority // a mark: the stream depends on itself
		}
		p = p[5:]
	}
	if h.has(flagEndHeaders) {
		return m.head(p)
	}
	m.block = append(m.block[:0], p...)
	return nil
}

// continuation takes more of a head (section 6.10).
func (m *mux) continuation(h frameHead, p []byte) error {
	if m.opened.id == 0 {
		return breaks(codeProtocol, "CONTINUATION without HEADERS")
	}
	m.runs++
	switch {
	case m.runs > maxContinuations, len(m.block)+len(p) > 2*m.dec.bytes+maxFrame:
		return floods("a head goes on without end")
	case len(p) == 0 && !h.has(flagEndHeaders):
		if err := m.spend(empties, "empty CONTINUATION"); err != nil {
			return err
		}
	}
	m.block = append(m.block, p...)
	if !h.has(flagEndHeaders) {
		return nil
	}
	err := m.head(m.block)
	m.block = nil
	return err
}

// head takes a head that is whole.
func (m *mux) head(block []byte) error {
	h := m.opened
	m.opened = frameHead{}
	m.dec.list, m.dec.text = m.in.list, m.in.text
	defer func() {
		m.in.list, m.in.text = m.dec.release()
	}()
	if !m.dec.decode(block) {
		return breaks(codeCompression, "a header block cannot be decoded") // section 4.3
	}
	m.mu.Lock()
	s, known := m.streams[h.id], h.id <= m.last
	if !known && m.leaving < refusing {
		m.last = h.id
	}
	full, gone, stray := m.live >= maxStreams, m.leaving == refusing && !known, slices.Contains(m.ours, h.id)
	m.mu.Unlock()
	switch {
	case s != nil:
		return m.trailers(s, h)
	case stray:
		return m.spend(strays, "frames of streams that were reset")
	case known:
		return breaks(codeStreamClosed, "HEADERS of a stream that is closed") // section 5.1
	case gone:
		return m.spend(strays, "streams behind the last one") // section 6.8: it was said that nobody looks
	case h.kind == framePriority:
		return m.refuse(h.id, codeProtocol)
	case full:
		return m.refuse(h.id, codeRefusedStream) // section 5.1.2
	}
	return m.open(h)
}

// refuse resets a stream that was not opened, or is not any more.
func (m *mux) refuse(id uint32, c code) error {
	m.mu.Lock()
	m.putReset(id, c)
	m.mu.Unlock()
	return m.spend(resets, "streams that have to be reset")
}

// resetStream ends a stream because of what the client did.
func (m *mux) resetStream(s *stream, c code, err error) error {
	m.mu.Lock()
	if s.over {
		m.mu.Unlock()
		return nil
	}
	s.shut(err)
	m.putReset(s.id, c)
	m.mu.Unlock()
	return m.spend(resets, "streams that have to be reset")
}

// trailers takes the fields behind a body (section 8.1). They are dropped.
func (m *mux) trailers(s *stream, h frameHead) error {
	m.mu.Lock()
	ended := s.remote
	m.mu.Unlock()
	switch {
	case ended:
		return m.resetStream(s, codeStreamClosed, cutBody) // section 5.1
	case !h.has(flagEndStream), !m.dec.trailers(), h.kind == framePriority:
		m.tell(&Exchange{}, badTrailer)
		return m.resetStream(s, codeProtocol, badTrailer)
	case m.dec.tooManyTrailers(): // lawful, so that the client has a right to an answer
		m.mu.Lock()
		s.err = badTrailer
		if s.held {
			s.x.Refused = badTrailer
		}
		m.mu.Unlock()
	}
	return m.ends(s)
}

// ends takes the end of what the client sends on a stream.
func (m *mux) ends(s *stream) error {
	m.mu.Lock()
	if s.declared >= 0 && s.got != s.declared {
		m.mu.Unlock()
		m.tell(&Exchange{}, badLength)
		return m.resetStream(s, codeProtocol, badLength) // section 8.1.1
	}
	held := s.held
	s.remote, s.held, s.running = true, false, s.running || held
	s.cond.Broadcast()
	m.mu.Unlock()
	if held {
		m.employ(s)
	}
	return nil
}

// data takes DATA (section 6.1), whose payload is not read yet.
func (m *mux) data(h frameHead) error {
	left, pad := h.length, 0
	if h.id == 0 {
		return breaks(codeProtocol, "DATA of no stream")
	}
	if h.has(flagPadded) {
		if left == 0 {
			return breaks(codeFrameSize, "DATA without room for its padding")
		}
		if err := m.need(1); err != nil {
			return err
		}
		pad = int(m.in.b[m.in.r])
		m.in.r++
		if left--; pad > left {
			return breaks(codeProtocol, "padding that is longer than its frame")
		}
	}
	if left == pad && !h.has(flagEndStream) {
		if err := m.spend(empties, "empty DATA"); err != nil {
			return err
		}
	}
	s, err := m.admit(h, left-pad)
	if err != nil {
		return err
	}
	if s == nil {
		pad = left // it was given back already
	}
	for n := left - pad; n > 0; {
		if err := m.need(1); err != nil {
			return err
		}
		part := m.in.b[m.in.r:m.in.w]
		part = part[:min(len(part), n)]
		m.deliver(s, part)
		m.in.r += len(part)
		n -= len(part)
	}
	for pad > 0 {
		if err := m.need(1); err != nil {
			return err
		}
		n := min(pad, m.in.w-m.in.r)
		m.in.r += n
		pad -= n
	}
	if s == nil || !h.has(flagEndStream) {
		return nil
	}
	return m.ends(s)
}

// admit holds a frame to the windows (section 6.9) and finds its stream, nil
// where what it holds goes to nobody. n is the frame without padding.
func (m *mux) admit(h frameHead, n int) (*stream, error) {
	m.mu.Lock()
	s := m.streams[h.id]
	m.inLeft -= h.length
	switch {
	case m.inLeft < 0:
		m.mu.Unlock()
		return nil, breaks(codeFlowControl, "DATA beyond the window of the connection")
	case s == nil:
		idle, stray, gone := h.id > m.last, slices.Contains(m.ours, h.id), m.leaving == refusing
		m.mu.Unlock()
		m.giveBack(h.length)
		switch {
		case stray, idle && gone && h.id&1 == 1:
			return nil, m.spend(strays, "frames of streams that were reset")
		case idle:
			return nil, breaks(codeProtocol, "DATA of a stream that is not open") // section 5.1
		}
		return nil, breaks(codeStreamClosed, "DATA of a stream that is closed") // section 5.1
	}
	s.inLeft -= h.length
	m.owe(h.length - n)
	s.owe(h.length - n)
	closed, beyond, long := s.remote, s.inLeft < 0, s.declared >= 0 && s.got+int64(n) > s.declared
	s.got += int64(n)
	m.mu.Unlock()
	switch {
	case closed:
		m.giveBack(n)
		return nil, m.resetStream(s, codeStreamClosed, cutBody) // section 5.1
	case beyond:
		m.giveBack(n)
		return nil, m.resetStream(s, codeFlowControl, cutBody)
	case long:
		m.giveBack(n)
		m.tell(&Exchange{}, badLength)
		return nil, m.resetStream(s, codeProtocol, badLength) // section 8.1.1
	}
	return s, nil
}

// giveBack lets the client send again what nobody reads.
func (m *mux) giveBack(n int) {
	m.mu.Lock()
	m.owe(n)
	m.mu.Unlock()
}

// deliver puts a part of a body where its stream reads it.
func (m *mux) deliver(s *stream, p []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s == nil || s.over || s.deaf {
		m.owe(len(p))
		return
	}
	s.keep(p)
	if s.reading {
		s.cond.Broadcast()
	}
}

// priority takes PRIORITY (section 6.3), which says nothing here.
func (m *mux) priority(h frameHead, p []byte) error {
	if err := m.spend(priorities, "PRIORITY"); err != nil {
		return err
	}
	switch {
	case h.id == 0:
		return breaks(codeProtocol, "PRIORITY of no stream")
	case len(p) != 5:
		return m.breakStream(h.id, codeFrameSize, "PRIORITY of another size")
	case binary.BigEndian.Uint32(p)&maxID == h.id:
		return m.breakStream(h.id, codeProtocol, "a stream that depends on itself")
	}
	return nil
}

// breakStream is an error of a stream (section 5.4.2), or of the connection
// where there is no such stream.
func (m *mux) breakStream(id uint32, c code, why string) error {
	m.mu.Lock()
	s := m.streams[id]
	m.mu.Unlock()
	if s == nil {
		return breaks(c, why)
	}
	m.tell(&Exchange{}, breaks(c, why).(*breach).fault) //nolint:errcheck,errorlint,forcetypeassert // it is one
	return m.resetStream(s, c, cutBody)
}

// reset takes RST_STREAM (section 6.4).
func (m *mux) reset(h frameHead, p []byte) error {
	m.mu.Lock()
	idle, s := h.id > m.last, m.streams[h.id]
	switch {
	case len(p) != 4:
		m.mu.Unlock()
		return breaks(codeFrameSize, "RST_STREAM of another size")
	case h.id == 0, idle && !(m.leaving == refusing && h.id&1 == 1):
		m.mu.Unlock()
		return breaks(codeProtocol, "RST_STREAM of a stream that is not open")
	}
	if s != nil {
		s.shut(cutBody.Because(ErrGone))
	}
	stray := slices.Contains(m.ours, h.id)
	m.mu.Unlock()
	if stray { // it was counted when it was reset here
		return m.spend(strays, "frames of streams that were reset")
	}
	return m.spend(resets, "streams that are reset")
}

// settings takes SETTINGS (section 6.5).
func (m *mux) settings(h frameHead, p []byte) error {
	if err := m.spend(settings, "SETTINGS"); err != nil {
		return err
	}
	switch {
	case h.id != 0:
		return breaks(codeProtocol, "SETTINGS of a stream")
	case h.has(flagAck) && len(p) > 0, len(p)%6 != 0:
		return breaks(codeFrameSize, "SETTINGS of another size")
	case len(p)/6 > maxSettings:
		return floods("too many settings")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if h.has(flagAck) {
		if m.agreed {
			return breaks(codeProtocol, "SETTINGS are acknowledged that were not sent")
		}
		m.agreed = true
		return nil
	}
	for ; len(p) > 0; p = p[6:] {
		if err := m.set(binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])); err != nil {
			return err
		}
	}
	m.putControl(appendFrameHead(m.room(), frameHead{kind: frameSettings, flags: flagAck}))
	return nil
}

// set takes one setting (section 6.5.2). mu is held.
func (m *mux) set(id uint16, v uint32) error {
	switch {
	case id == settingPush && v > 1:
		return breaks(codeProtocol, "ENABLE_PUSH is neither 0 nor 1")
	case id == settingFrame && (v < maxFrame || v > 1<<24-1):
		return breaks(codeProtocol, "MAX_FRAME_SIZE beyond what it may be")
	case id != settingWindow:
		return nil // heads are sent without a dynamic table, and frames of 16 KiB are large enough
	case v > maxWindow:
		return breaks(codeFlowControl, "INITIAL_WINDOW_SIZE beyond what it may be")
	}
	more := int64(v) - m.initial
	m.initial = int64(v)
	for _, s := range m.streams {
		if s.window += more; s.window > maxWindow {
			return breaks(codeFlowControl, "INITIAL_WINDOW_SIZE makes a window too large") // section 6.9.2
		}
	}
	m.wake()
	return nil
}

// ping takes PING (section 6.7).
func (m *mux) ping(h frameHead, p []byte) error {
	switch {
	case h.id != 0:
		return breaks(codeProtocol, "PING of a stream")
	case len(p) != 8:
		return breaks(codeFrameSize, "PING of another size")
	}
	m.mu.Lock()
	if h.has(flagAck) {
		switch [8]byte(p) {
		case lineTry:
			m.pinged = 0
		case lastCall:
			m.leaveNow()
		}
		m.mu.Unlock()
		return m.spend(pings, "PING")
	}
	m.putControl(appendPing(m.room(), flagAck, [8]byte(p)))
	m.mu.Unlock()
	return m.spend(pings, "PING")
}

// goAway takes GOAWAY (section 6.8): the client opens no more streams.
func (m *mux) goAway(h frameHead, p []byte) error {
	switch {
	case h.id != 0:
		return breaks(codeProtocol, "GOAWAY of a stream")
	case len(p) < 8:
		return breaks(codeFrameSize, "GOAWAY of another size")
	}
	m.leave()
	return m.spend(settings, "GOAWAY")
}

// windowUpdate takes WINDOW_UPDATE (section 6.9).
func (m *mux) windowUpdate(h frameHead, p []byte) error {
	if err := m.spend(windows, "WINDOW_UPDATE"); err != nil {
		return err
	}
	if len(p) != 4 {
		return breaks(codeFrameSize, "WINDOW_UPDATE of another size")
	}
	n := int64(binary.BigEndian.Uint32(p) & maxID)
	m.mu.Lock()
	s, idle := m.streams[h.id], h.id > m.last && !(m.leaving == refusing && h.id&1 == 1)
	var over bool
	switch {
	case h.id == 0:
		m.window += n
		over = m.window > maxWindow
		m.wake()
	case s != nil:
		s.window += n
		over = s.window > maxWindow
		if s.sending {
			s.cond.Broadcast()
		}
	}
	m.mu.Unlock()
	switch {
	case h.id == 0 && n == 0:
		return breaks(codeProtocol, "WINDOW_UPDATE by nothing")
	case h.id == 0 && over:
		return breaks(codeFlowControl, "the window of the connection is too large")
	case h.id != 0 && idle:
		return breaks(codeProtocol, "WINDOW_UPDATE of a stream that is not open")
	case s != nil && n == 0:
		return m.breakStream(h.id, codeProtocol, "WINDOW_UPDATE by nothing")
	case s != nil && over:
		return m.breakStream(h.id, codeFlowControl, "the window of a stream is too large")
	}
	return nil
}
