package wire

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
)

const (
	// joined is up to which size a body goes out in one piece with its head.
	joined = 16 << 10
	// stretch is how much goes out at once, in the time of Config.Write.
	stretch = 256 << 10
)

// begin implements side for HTTP/1. What is small waits until the Handler
// returns, so that what it does last is done before the client knows of it.
func (c *conn) begin(x *Exchange, head risk.Fields, body []byte, flush bool) error {
	c.out.Lock()
	defer c.out.Unlock()
	c.replied = true
	c.head = roomsOut.Get().(*outgoing) //nolint:errcheck // the pool holds nothing else
	c.head.b = c.appendHead(c.head.b[:0], x, head)
	switch {
	case !flush:
		return nil
	case len(body) <= joined:
		c.head.b = append(c.head.b, body...)
		return nil
	}
	return c.sendHead(body)
}

// appendHead writes a head (RFC 9112 section 4).
func (c *conn) appendHead(b []byte, x *Exchange, head risk.Fields) []byte {
	b = appendStatus(b, x.status)
	b = append(b, *c.s.date.Load()...)
	b = appendFields(b, head, x.tunnel)
	if x.tunnel {
		return append(b, "Connection: Upgrade\r\n\r\n"...)
	}
	switch {
	case bodyless(x.status):
	case x.length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, x.length, 10)
		b = append(b, "\r\n"...)
	case x.Proto != "HTTP/1.1":
		x.quit = true // the end of the connection ends the body
	case !x.bare:
		x.chunked = true
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	x.quit = x.quit || c.s.stopping.Load() || c.late.Load() || x.Body != nil && !x.Body.settled()
	if x.quit {
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

// appendStatus writes the status line.
func appendStatus(b []byte, status int) []byte {
	switch status {
	case 200:
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	case 201:
		return append(b, "HTTP/1.1 201 Created\r\n"...)
	case 204:
		return append(b, "HTTP/1.1 204 No Content\r\n"...)
	}
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	return append(b, "\r\n"...)
}

// appendFields writes the fields that are the Handler's to say, and lawful.
func appendFields(b []byte, head risk.Fields, upgrade bool) []byte {
	for i := range head {
		f := &head[i]
		if !lawful(f) || owned(f.Name) && !(upgrade && risk.EqualFold(f.Name, "Upgrade")) {
			continue
		}
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	return b
}

// lawful tells whether a field can be written as it is.
func lawful(f *risk.Field) bool {
	for i := range len(f.Name) {
		if !canon.TokenByte(f.Name[i]) {
			return false
		}
	}
	return f.Name != "" && canon.ValueEnd(f.Value, 0) == len(f.Value)
}

// owned tells whether a field of a reply is the front's to write.
func owned(name string) bool {
	switch len(name) {
	case 4:
		return risk.EqualFold(name, "Date")
	case 7:
		return risk.EqualFold(name, "Trailer") || risk.EqualFold(name, "Upgrade")
	case 10:
		return risk.EqualFold(name, "Connection") || risk.EqualFold(name, "Keep-Alive")
	case 14:
		return risk.EqualFold(name, "Content-Length")
	case 16:
		return risk.EqualFold(name, "Proxy-Connection")
	case 17:
		return risk.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// sendHead sends the head that waits, and p behind it.
func (c *conn) sendHead(p []byte) error {
	_, err := c.sendWith(p, nil)
	return err
}

// sendWith sends the head that waits, p and tail, in one call where that is
// cheap, and returns how much of p went out.
func (c *conn) sendWith(p, tail []byte) (int, error) {
	defer c.drop()
	n := len(c.head.b)
	if len(p) <= joined {
		c.head.b = append(append(c.head.b, p...), tail...)
		sent, err := c.send(c.head.b)
		return min(max(sent-n, 0), len(p)), err
	}
	sent, err := c.sendFirst(p)
	if err == nil {
		var more int
		more, err = c.send(p[sent:])
		sent += more
	}
	if err == nil && len(tail) > 0 {
		_, err = c.send(tail)
	}
	return sent, err
}

// sendFirst sends the head that waits and the beginning of p.
func (c *conn) sendFirst(p []byte) (int, error) {
	n := len(c.head.b)
	if c.raw == nil {
		c.head.b = append(c.head.b, p[:joined]...)
		sent, err := c.send(c.head.b)
		return max(sent-n, 0), err
	}
	c.wrote.Store(c.s.tick.Load() + 1)
	defer c.wrote.Store(0)
	pieces := net.Buffers{c.head.b, p[:min(len(p), stretch)]}
	sent, err := pieces.WriteTo(c.nc)
	return max(int(sent)-n, 0), err //nolint:wrapcheck // a pass-through
}

// send writes b in stretches, each of which has Config.Write.
func (c *conn) send(b []byte) (sent int, err error) {
	for len(b) > 0 && err == nil {
		part := b[:min(len(b), stretch)]
		c.wrote.Store(c.s.tick.Load() + 1)
		var n int
		n, err = c.nc.Write(part)
		c.wrote.Store(0)
		sent += n
		b = b[n:]
	}
	return sent, err
}

// An outgoing holds a head, and a small body, on the way out.
type outgoing struct{ b []byte }

// drop gives the room of the head back.
func (c *conn) drop() {
	if c.head != nil && cap(c.head.b) <= 2*joined {
		roomsOut.Put(c.head)
	}
	c.head = nil
}

// write implements side.
func (c *conn) write(x *Exchange, p []byte) (int, error) {
	switch {
	case !x.chunked && c.head == nil:
		return c.send(p)
	case !x.chunked && int64(len(p)) == x.left && len(p) <= joined: // the last part waits as a whole reply does
		c.head.b = append(c.head.b, p...)
		return len(p), nil
	case !x.chunked:
		return c.sendWith(p, nil)
	case c.head == nil:
		c.head = roomsOut.Get().(*outgoing) //nolint:errcheck // the pool holds nothing else
		c.head.b = c.head.b[:0]
	}
	c.head.b = strconv.AppendInt(c.head.b, int64(len(p)), 16)
	c.head.b = append(c.head.b, "\r\n"...)
	return c.sendWith(p, crlf)
}

// What stands behind a chunk, and behind the last one.
var (
	crlf      = []byte("\r\n")
	lastChunk = []byte("0\r\n\r\n")
)

// flush implements side.
func (c *conn) flush() error {
	if c.head == nil {
		return nil
	}
	return c.sendHead(nil)
}

// endReply sends what ends the reply.
func (c *conn) endReply(x *Exchange) error {
	switch {
	case x.chunked && c.head == nil:
		_, err := c.send(lastChunk)
		return err
	case x.chunked:
		c.head.b = append(c.head.b, lastChunk...)
	}
	return c.flush()
}

// readBy implements side.
func (c *conn) readBy(t time.Time) error { return c.nc.SetReadDeadline(t) } //nolint:wrapcheck // a pass-through

// upgrade implements side.
func (c *conn) upgrade(x *Exchange, head risk.Fields) (net.Conn, error) {
	x.begun, x.tunnel, x.bare, x.status = true, true, true, http.StatusSwitchingProtocols
	err := c.begin(x, head, nil, false)
	if err == nil {
		err = c.flush()
	}
	if err != nil {
		x.tunnel, x.abort = false, true
		return nil, err
	}
	c.s.forget(c)
	nc := c.nc
	var t net.Conn = &tunnel{Conn: nc, outer: c.outer, buf: c.buf}
	c.buf = nil
	_ = nc.SetDeadline(time.Time{}) //nolint:errcheck // a connection that is gone shows at once
	return t, nil
}

// A tunnel is a connection that changed its protocol.
type tunnel struct {
	net.Conn
	outer net.Conn
	buf   *buffer // what came behind the request
}

// Read gives what came behind the request first.
func (t *tunnel) Read(p []byte) (int, error) {
	if t.buf != nil {
		n := copy(p, t.buf.b[t.buf.r:t.buf.w])
		if t.buf.r += n; t.buf.r == t.buf.w {
			t.buf = nil
		}
		if n > 0 {
			return n, nil
		}
	}
	return t.Conn.Read(p) //nolint:wrapcheck // io.EOF has to stay bare
}

// Close closes the connection.
func (t *tunnel) Close() error {
	_ = t.Conn.Close()     //nolint:errcheck // TLS says good-bye
	return t.outer.Close() //nolint:wrapcheck // a pass-through
}

// CloseWrite ends our half.
func (t *tunnel) CloseWrite() error {
	if w, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite() //nolint:wrapcheck // a pass-through
	}
	return errUpgrade
}
