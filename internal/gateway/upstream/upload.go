package upstream

import (
	"io"
	"sync/atomic"
	"time"
)

// An upload sends a body while the reply may come. Its goroutine ends when the
// body does, when it cannot be read, or when the connection is closed and stop
// was called.
type upload struct {
	done   chan struct{}
	end    func()      // makes a Read of the body return; nil where it is in memory
	last   atomic.Bool // its last bytes are going out
	ended  atomic.Bool
	sent   bool                      // all of it went out; read once over
	failed atomic.Pointer[bodyError] // the body could not be read
}

// A bodyError is an error of the request's body.
type bodyError struct{ err error }

// Error is that of the body.
func (e *bodyError) Error() string { return e.err.Error() }

// Unwrap returns the error of the body.
func (e *bodyError) Unwrap() error { return e.err }

// over tells whether the upload has ended.
func (u *upload) over() bool { return u.ended.Load() }

// lastTime is how long the end of a body may take where its reply is whole.
const lastTime = 50 * time.Millisecond

// finished is over for an upload whose reply is whole: an upstream answers when it
// has the last byte, and its answer can be here before the goroutine that sent
// that runs again.
func (u *upload) finished() bool {
	if u.over() || !u.last.Load() {
		return u.over()
	}
	late := time.NewTimer(lastTime)
	defer late.Stop()
	select {
	case <-u.done:
	case <-late.C:
	}
	return u.over()
}

// stop ends the upload, whose connection is closed, and waits for it.
func (u *upload) stop() {
	if u.end != nil && !u.over() {
		u.end()
	}
	<-u.done
}

// A primed body is one whose first bytes were read before a connection was
// taken.
type primed struct {
	first []byte
	err   error // what came with them; io.EOF or nil
	rest  io.Reader
}

// Read gives the first bytes and then the rest.
func (b *primed) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		if b.first = b.first[n:]; len(b.first) > 0 {
			return n, nil
		}
		return n, b.err
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p) //nolint:wrapcheck // io.EOF has to stay bare
}

// prime reads the first bytes of a body that streams: one that is broken from
// the start reaches nobody, a slow one holds no connection, and a short one is
// sent like one that is in memory.
func prime(r *Request) (*Request, error) {
	first := make([]byte, uploadBytes)
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = r.Body.Read(first)
	}
	if err != nil && err != io.EOF { //nolint:errorlint // readers return it bare
		return nil, err //nolint:wrapcheck // the caller does
	}
	size := int64(n)
	if r.Length >= 0 && (size > r.Length || err != nil && size < r.Length) {
		return nil, errShort
	}
	out := *r
	if err == nil && size != r.Length {
		out.Body = &primed{first: first[:n], rest: r.Body}
		return &out, nil
	}
	out.Body, out.Stop, out.Whole, out.Length = nil, nil, first[:n], 0
	out.streamed = true
	return &out, nil
}

// uploadBytes is the room for one write of an upload.
const uploadBytes = 16 << 10

// startUpload sends first and then the body of r.
func (x *call) startUpload(r *Request, first []byte) {
	u := &upload{done: make(chan struct{}), end: r.Stop}
	x.up = u
	p := &pouring{x: x, head: r.Head, first: first, left: r.Length}
	go func() { // ends as upload says
		defer close(u.done)
		defer u.ended.Store(true)
		var err error
		if r.Body != nil {
			err = p.body(r.Body)
		} else {
			err = p.whole(r.Whole)
		}
		if u.sent = err == nil; u.sent {
			x.w.until(x.before(r.Head))
			x.w.out(time.Now())
			return
		}
		if b, ok := err.(*bodyError); ok { //nolint:errorlint // body makes it
			u.failed.Store(b)
			_ = x.c.nc.Close() //nolint:errcheck // half a request must not look whole
		}
		// An upstream that takes no more may have answered: the reader sees.
		x.w.until(x.before(r.Head))
	}()
}

// A pouring is the sending side of an upload.
type pouring struct {
	x     *call
	head  time.Duration // how long a write may take
	first []byte        // what goes before the body
	left  int64         // of the body's length; -1: chunks
}

// whole sends a body that is in memory.
func (p *pouring) whole(body []byte) error {
	out := append(p.first, body[:min(len(body), uploadBytes)]...)
	p.x.b.out = out
	for rest := body[min(len(body), uploadBytes):]; ; rest = rest[len(out):] {
		p.x.w.until(time.Time{}) // while it moves, nobody waits for a reply
		p.x.up.last.Store(len(rest) == 0)
		if err := p.x.c.write(out, p.head); err != nil {
			return err
		}
		if len(rest) == 0 {
			return nil
		}
		out = rest[:min(len(rest), 4*uploadBytes)]
	}
}

// body sends what r gives. The first write goes out when the first bytes are
// there: a body that is broken from the start reaches nobody.
func (p *pouring) body(r io.Reader) error {
	const before, after = 8, 2 // "ffff\r\n" and what follows the bytes of a chunk
	size := before + uploadBytes + after
	buf := make([]byte, len(p.first)+size)
	p.x.w.until(time.Time{})
	for {
		at := len(p.first) + before
		n, err := r.Read(buf[at : at+uploadBytes])
		last := err == io.EOF //nolint:errorlint // readers return it bare
		if err != nil && !last {
			return &bodyError{err} // without what came with it: those may be the last bytes that were announced
		}
		if n > 0 || last {
			if err := p.piece(buf, at, n, last); err != nil {
				return err
			}
		}
		switch {
		case last && p.left > 0:
			return &bodyError{errShort}
		case last:
			return nil
		}
	}
}

// piece sends buf[at:at+n] in the framing of the body, with what goes first.
func (p *pouring) piece(buf []byte, at, n int, last bool) error {
	end := at + n
	if p.left >= 0 {
		if p.left -= int64(n); p.left < 0 {
			return &bodyError{errShort}
		}
	} else {
		if n > 0 {
			end += copy(buf[end:], "\r\n")
			at = putSize(buf, at, n)
		}
		if last {
			buf = append(buf[:end], "0\r\n\r\n"...)
			end = len(buf)
		}
	}
	if len(p.first) > 0 {
		at -= len(p.first)
		copy(buf[at:], p.first)
		p.first = nil
	}
	if at == end {
		return nil
	}
	p.x.up.last.Store(last || p.left == 0)
	return p.x.c.write(buf[at:end], p.head)
}

// putSize writes the line of a chunk of n bytes before at, and returns where it
// begins.
func putSize(buf []byte, at, n int) int {
	const digits = "0123456789abcdef"
	at -= 2
	copy(buf[at:], "\r\n")
	for {
		at--
		buf[at] = digits[n&15]
		if n >>= 4; n == 0 {
			return at
		}
	}
}
