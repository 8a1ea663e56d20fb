package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/netx"
)

// A buffer holds what came and was not used yet, from r to w.
type buffer struct {
	b     []byte
	r, w  int
	spans [defaultMaxFields]span
}

// Sizes of buffers. Most heads fit the first one; larger ones do not stay.
const (
	roomIn  = 4 << 10
	roomOut = 4 << 10
)

func (s *Server) room() *buffer {
	b := roomsIn.Get().(*buffer) //nolint:errcheck // the pool holds nothing else
	b.r, b.w = 0, 0
	return b
}

// giveRoom gives the buffer back.
func (c *conn) giveRoom() {
	if c.buf != nil && len(c.buf.b) == roomIn {
		roomsIn.Put(c.buf)
	}
	c.buf = nil
}

// A replay gives what was read before once more.
type replay struct {
	net.Conn
	buf *buffer
}

func (r *replay) Read(p []byte) (int, error) {
	if r.buf == nil {
		return r.Conn.Read(p) //nolint:wrapcheck // io.EOF has to stay bare
	}
	n := copy(p, r.buf.b[r.buf.r:r.buf.w])
	if r.buf.r += n; r.buf.r == r.buf.w {
		roomsIn.Put(r.buf)
		r.buf = nil
	}
	return n, nil
}

func (c *conn) buffered() int {
	if c.buf == nil {
		return 0
	}
	return c.buf.w - c.buf.r
}

func (c *conn) skip(n int) {
	if n > 0 {
		c.buf.r += n
	}
}

// wait returns once there are bytes in the buffer. While there are none, there
// is no buffer.
func (c *conn) wait() error {
	if c.buffered() > 0 {
		return nil
	}
	c.giveRoom()
	if c.raw == nil {
		c.mayWait()
		n, err := c.nc.Read(c.one[:])
		if n == 0 {
			return orEOF(err)
		}
		c.buf = c.s.room()
		c.buf.b[0], c.buf.w = c.one[0], 1
		return nil
	}
	c.heard = nil
	if err := c.raw.Read(c.hears); err != nil {
		return err //nolint:wrapcheck // only compared
	}
	return c.heard
}

// hear reads what is there into a fresh buffer, or reports that the poller has
// to wait for more.
func (c *conn) hear(fd uintptr) bool {
	buf := c.s.room()
	for {
		n, err := syscall.Read(int(fd), buf.b)
		switch {
		case n > 0:
			buf.w = n
			c.buf = buf
			return true
		case err == syscall.EINTR: //nolint:errorlint // an Errno, never wrapped
			continue
		}
		roomsIn.Put(buf)
		if err == syscall.EAGAIN { //nolint:errorlint // as above
			c.waits()
			return false
		}
		c.heard = orEOF(err)
		return true
	}
}

// mayWait is called before a read of a connection that may have to wait. It
// asks the kernel only where that matters.
func (c *conn) mayWait() {
	if c.busy < fairRun/2 || c.fd == nil {
		return
	}
	silent := false
	err := c.fd.Control(func(fd uintptr) {
		silent = netx.Silent(fd, c.one[:])
	})
	if err == nil && silent {
		c.waits()
	}
}

func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// readHead reads a head whole. A fault says why it is refused; an error that
// there is nobody to say so to.
func (c *conn) readHead(x *Exchange) (*fault.Fault, error) {
	conf := &c.s.conf
	l := limits{head: conf.MaxHead, fields: conf.MaxFields, target: conf.MaxTarget}
	if c.buffered() >= 2 && string(c.buf.b[c.buf.r:c.buf.r+2]) == "\r\n" {
		c.buf.r += 2 // RFC 9112 section 2.2: one empty line before a request line
	}
	var s scan
	for {
		n, f := s.find(c.buf.b[c.buf.r:c.buf.w], l)
		if f != nil {
			return f, nil
		}
		if n > 0 {
			spans := c.buf.spans[:]
			if l.fields > len(spans) {
				spans = make([]span, l.fields)
			}
			head := c.buf.b[c.buf.r : c.buf.r+n]
			c.buf.r += n
			return parse(head, x, spans, l), nil
		}
		if f, err := c.more(); f != nil || err != nil {
			return f, err
		}
	}
}

// more reads more of a head.
func (c *conn) more() (*fault.Fault, error) {
	b := c.buf
	if b.w == len(b.b) {
		if b.r > 0 {
			copy(b.b, b.b[b.r:b.w])
			b.w -= b.r
			b.r = 0
		} else {
			grown := &buffer{b: make([]byte, min(2*len(b.b), c.s.conf.MaxHead+roomIn)), w: b.w}
			copy(grown.b, b.b[:b.w])
			c.giveRoom()
			c.buf = grown
		}
		b = c.buf
	}
	c.mayWait()
	n, err := c.nc.Read(b.b[b.w:])
	b.w += n
	switch {
	case n > 0:
		return nil, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		if c.s.stopping.Load() && c.s.tick.Load()-c.state.Load()>>8 < c.s.conf.Head.Milliseconds() {
			_ = c.nc.SetReadDeadline(time.Time{}) //nolint:errcheck // the next read tells
			return nil, nil                       // it was hurried while it was idle, and is not any more
		}
		return slowHead, nil
	case err == io.EOF && b.w > b.r: //nolint:errorlint // net returns it bare
		return cutHead, nil
	}
	return nil, orEOF(err)
}
