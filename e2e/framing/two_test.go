package framing

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A fields is a head of HTTP/2 as it is sent, with its pseudo-header fields.
type fields [][2]string

// A stream is a case of HTTP/2.
type stream struct {
	class, name string
	head        fields
	data        []string // of the DATA frames; none: the head ends the stream
	pad         int      // bytes of padding on each DATA frame; -1: the flag without any
	trailers    fields
	frames      func(w *two, id uint32, head []byte) // in the place of all that
	broken      bool                                 // whatever head and data say, nothing whole was sent
	open        bool                                 // the stream does not end, and the client leaves
	lawful      bool
	beside      *message // another request that the frames hold, which is sound
}

// request is what a strict reader finds in the stream, or why there is none (RFC
// 9113 sections 8.1 to 8.3).
func (s *stream) request(id int) (*message, error) {
	fill := func(v string) string { return strings.ReplaceAll(v, mark, fmt.Sprintf("%06d", id)) }
	m := &message{version: "HTTP/2.0", length: -1, body: []byte(fill(strings.Join(s.data, "")))}
	pseudo := map[string]int{}
	authority, regular := "", false
	for _, f := range s.head {
		name, value := fill(f[0]), fill(f[1])
		if err := lawfulField(name, value); err != nil {
			return m, err
		}
		if !strings.HasPrefix(name, ":") {
			regular = true
			m.fields = append(m.fields, [2]string{name, value})
			continue
		}
		if pseudo[name]++; regular || pseudo[name] > 1 {
			return m, malformed("%s behind another field, or twice", name)
		}
		switch name {
		case ":method":
			m.method = value
		case ":path":
			m.target = value
		case ":authority":
			authority = value
		case ":scheme":
			if value != "https" && value != "http" {
				return m, malformed("the scheme %q", value)
			}
		default:
			return m, malformed("the pseudo-header field %q", name)
		}
	}
	if pseudo[":method"] == 0 || pseudo[":scheme"] == 0 || pseudo[":path"] == 0 || !isToken(m.method) || m.method == "CONNECT" {
		return m, malformed("the request %q %q", m.method, m.target)
	}
	if err := m.checkAuthority(authority, pseudo[":authority"] > 0); err != nil {
		return m, err
	}
	m.either = m.count("host") > 0 && m.get("host") != authority
	for _, f := range s.trailers {
		if isToken(f[0]) && strings.ToLower(f[0]) == f[0] && !strings.ContainsAny(f[1], "\x00\r\n") {
			m.either = m.either || !strings.HasPrefix(f[0], "x-") // some names may not stand there; none is ever forwarded
		} else {
			return m, malformed("the trailer field %q", f)
		}
	}
	if n, ok := number(m.get("content-length"), 10); m.count("content-length") > 0 && (!ok || m.count("content-length") > 1 || n != int64(len(m.body))) {
		return m, malformed("Content-Length %q of %d bytes", m.get("content-length"), len(m.body))
	}
	if s.broken {
		return m, malformed("the frames")
	}
	return m, nil
}

// checkAuthority holds :authority to Host, and the path to its method.
func (m *message) checkAuthority(authority string, given bool) error {
	hosts := m.count("host")
	switch {
	case hosts > 1, !given && hosts == 0, given && !isHost(authority), hosts == 1 && !isHost(m.get("host")), hosts == 1 && given && !strings.EqualFold(m.get("host"), authority):
		return malformed("the authority %q and the Host %q", authority, m.get("host"))
	case m.target == "*" && m.method == "OPTIONS":
		return nil
	case !strings.HasPrefix(m.target, "/") || strings.ContainsFunc(m.target, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }):
		return malformed("the path %q", m.target)
	}
	return nil
}

// lawfulField is RFC 9113 sections 8.2.1 and 8.2.2.
func lawfulField(name, value string) error {
	bare := strings.TrimPrefix(name, ":")
	switch {
	case !isToken(bare) || strings.ToLower(name) != name:
		return malformed("the name %q", name)
	case strings.ContainsAny(value, "\x00\r\n") || strings.Trim(value, " \t") != value && name != "trailer": // which ends here, whatever it says
		return malformed("the value %q", value)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return malformed("the value %q", value)
	}
	switch name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return malformed("the field %s", name)
	case "te":
		if value != "trailers" && value != "" { // nothing is not forwarded either
			return malformed("TE %q", value)
		}
	}
	return nil
}

// A two is a connection of HTTP/2, frame by frame.
type two struct {
	d    *dialer
	c    *tls.Conn
	f    *http2.Framer
	out  *bufio.Writer
	enc  *hpack.Encoder
	head bytes.Buffer
	next uint32
	sent fields // the head that was encoded last, with its number
}

const mostStreams = 40 // of one connection

func (w *two) close() {
	if w.c != nil {
		_ = w.c.Close()
		w.c = nil
	}
}

func (w *two) open() error {
	c, err := w.d.tls("h2")
	if err != nil {
		return err
	}
	w.c, w.next = c, 1
	w.out = bufio.NewWriterSize(c, 128<<10)
	w.f = http2.NewFramer(w.out, bufio.NewReader(c))
	w.f.AllowIllegalWrites = true
	w.f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.head.Reset()
	w.enc = hpack.NewEncoder(&w.head)
	_, _ = io.WriteString(w.out, http2.ClientPreface)
	_ = w.f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 24})
	return w.f.WriteWindowUpdate(0, 1<<30)
}

// encode is the block of a head.
func (w *two) encode(list fields, id int) []byte {
	w.head.Reset()
	w.sent = w.sent[:0]
	for _, f := range list {
		name, value := strings.ReplaceAll(f[0], mark, fmt.Sprintf("%06d", id)), strings.ReplaceAll(f[1], mark, fmt.Sprintf("%06d", id))
		w.sent = append(w.sent, [2]string{name, value})
		_ = w.enc.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	return bytes.Clone(w.head.Bytes())
}

// write sends the frames of a stream.
func (w *two) write(s *stream, id int) uint32 {
	n := w.next
	w.next += 2
	block := w.encode(s.head, id)
	if s.frames != nil {
		s.frames(w, n, block)
		return n
	}
	ends := len(s.data) == 0 && s.trailers == nil
	_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: n, BlockFragment: block, EndHeaders: true, EndStream: ends && !s.open})
	for i, d := range s.data {
		text, last := []byte(strings.ReplaceAll(d, mark, fmt.Sprintf("%06d", id))), i == len(s.data)-1 && s.trailers == nil && !s.open
		switch {
		case s.pad > 0:
			_ = w.f.WriteDataPadded(n, last, text, make([]byte, s.pad))
		case s.pad < 0:
			_ = w.f.WriteDataPadded(n, last, text, []byte{})
		default:
			for len(text) > 16<<10 {
				_ = w.f.WriteData(n, false, text[:16<<10])
				text = text[16<<10:]
			}
			_ = w.f.WriteData(n, last, text)
		}
	}
	if s.trailers != nil {
		_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: n, BlockFragment: w.encode(s.trailers, id), EndHeaders: true, EndStream: !s.open})
	}
	return n
}

// An answer is what came back on a stream. Status 0: nothing.
type answer struct {
	seen
	media string
	slow  bool
}

// send sends one stream and reads until it has ended, or the connection has.
func (w *two) send(s *stream, id int) (a answer, err error) {
	if w.c == nil || w.next > 2*mostStreams {
		w.close()
		if err := w.open(); err != nil {
			return a, err
		}
	}
	_ = w.c.SetDeadline(time.Now().Add(patience))
	n := w.write(s, id)
	if s.open {
		_ = w.f.WritePing(false, [8]byte{1})
	}
	_ = w.out.Flush()
	if !s.open {
		_ = w.c.SetReadDeadline(time.Now().Add(2 * quiet))
	}
	ended, err := w.read(n, &a, s.open)
	switch {
	case s.open:
		w.close()
	case err != nil && os.IsTimeout(err):
		a.slow = true
		w.close()
	case err != nil, !ended, a.status == 0 && !(len(s.data) == 0 && s.trailers == nil):
		w.close() // the frames behind a head that is refused are those of no stream, which ends the connection
	}
	return a, nil
}

// read takes frames until the stream or the connection ends. Where the stream
// is open it ends with the reply to a ping: the gateway has seen everything.
func (w *two) read(id uint32, a *answer, open bool) (ended bool, err error) {
	for {
		frame, err := w.f.ReadFrame()
		if err != nil {
			return false, err
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = w.f.WriteSettingsAck()
				_ = w.out.Flush()
			}
		case *http2.PingFrame:
			if f.IsAck() && open {
				return false, nil
			}
		case *http2.GoAwayFrame:
			return false, nil
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return true, nil
			}
		case *http2.MetaHeadersFrame:
			if f.StreamID == id {
				a.take(f)
			}
			if f.StreamID == id && f.StreamEnded() && a.status >= 200 {
				return true, nil
			}
		case *http2.DataFrame:
			if f.StreamID == id && f.StreamEnded() {
				return true, nil
			}
		}
	}
}

func (a *answer) take(f *http2.MetaHeadersFrame) {
	for _, h := range f.Fields {
		switch h.Name {
		case ":status":
			a.status, _ = strconv.Atoi(h.Value)
		case "content-type":
			a.media = h.Value
		case "sallyport-decision":
			a.decision = h.Value
		case "x-saw":
			a.saw = h.Value
		}
	}
}

// stream judges what came back on a stream.
func (j *judge) stream(s *stream, id int, a *answer) {
	m, err := s.request(id)
	v := &verdict{class: s.class, name: s.name, unsure: s.open, partial: err != nil || s.open}
	if err == nil && !s.open {
		v.want = []*message{m}
	}
	if s.beside != nil { // nobody listens to the reply
		m := *s.beside
		m.target = strings.ReplaceAll(m.target, mark, fmt.Sprintf("%06d", id))
		m.either = true
		v.want, v.unsure = append(v.want, &m), true
	}
	if a.status > 0 {
		v.got = []seen{a.seen}
	}
	j.cases[id] = v
	j.n["cases of HTTP/2"]++
	say := func(format string, args ...any) {
		j.blame("HTTP/2: %s: %s: %s\n\tsent %q %q\n\tcame %d %s %s", s.class, s.name, fmt.Sprintf(format, args...), s.head, brief2(strings.Join(s.data, "|")), a.status, a.saw, a.media)
	}
	switch {
	case a.slow:
		say("no end came")
	case a.saw != "" && (err != nil || s.open):
		say("the reply is from the back end, but the stream is malformed: %v", err)
	case a.saw != "" && plainTarget(m.target) && !strings.Contains(a.saw, " "+m.target+" "):
		say("the reply is to another request")
	case a.saw != "":
		j.n["forwarded from HTTP/2"]++
	case a.status == 0 && s.open:
		j.n["left in HTTP/2"]++
	case a.status == 0:
		j.n["refused by a reset"]++
		if err == nil && !m.either {
			say("well formed, and reset without an answer")
		}
	case a.status < 400 || a.status == 500 || a.status > 501 || a.media != "application/problem+json" && err == nil:
		say("the status")
	case err != nil:
		j.n["refused as malformed HTTP/2"]++
	default:
		j.n["refused by policy in HTTP/2"]++
	}
	if s.lawful && a.saw == "" {
		say("lawful and not forwarded")
	}
}
