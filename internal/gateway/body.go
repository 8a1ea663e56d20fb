package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/sallyport/sallyport/fault"
)

// Faults of bodies, made once.
var (
	bodyTooLarge   = fault.New(fault.BodyTooLarge, http.StatusRequestEntityTooLarge, "the body is too large")
	bodyIncomplete = fault.New(fault.BodyIncomplete, http.StatusBadRequest, "the body ended early")
	bodySlow       = fault.New(fault.BodyIncomplete, http.StatusRequestTimeout, "the body came too slowly")
	bodyCoded      = fault.New(fault.BodyEncoding, http.StatusUnsupportedMediaType, "the content coding of the body is not taken")
	overloaded     = fault.New(fault.Overloaded, http.StatusServiceUnavailable, "too busy")
)

// errTooLarge ends a body that streams and goes over its cap.
var errTooLarge = errors.New("the body is over its cap")

// readBody reads the request's body whole where guards decide on it. Bodies
// that stream are only bounded, while they pass.
func (e *exchange) readBody() *fault.Fault {
	q := &e.facts.Request
	if !q.Body {
		return nil
	}
	limit := e.unit.Limits.MaxBody
	if q.Length > limit {
		return bodyTooLarge
	}
	if len(codings(q.Fields)) > 0 {
		// A coded body would be inspected in another form than the upstream
		// reads, so it is not taken (RFC 9110 section 15.5.16).
		e.w.Header().Set("Accept-Encoding", "identity")
		return bodyCoded
	}
	_ = e.rc.SetReadDeadline(time.Now().Add(e.unit.Limits.Body)) //nolint:errcheck // a reader without deadlines is a test's
	if !e.inspected() {
		return nil
	}
	body, f := e.slurp(e.r.Body, e.body, q.Length, limit)
	e.body, e.received = body, int64(len(body))
	if f != nil {
		return f
	}
	_ = e.rc.SetReadDeadline(time.Time{}) //nolint:errcheck // as above
	e.facts.Body = body
	if f := e.takeTurn(body); f != nil {
		return f
	}
	e.readContent()
	return nil
}

// slurp reads r to its end into buf, which grows as bytes come, never by what
// a length promises beyond 64 KiB. It takes what it holds from the budget.
func (e *exchange) slurp(r io.Reader, buf []byte, length, limit int64) ([]byte, *fault.Fault) {
	buf = buf[:0]
	if want := min(max(length, 512), keepBytes); int64(cap(buf)) < want+1 {
		buf = make([]byte, 0, want+1)
	}
	if !e.hold(int64(cap(buf))) {
		return buf, overloaded
	}
	for {
		if len(buf) == cap(buf) {
			grown := min(2*int64(cap(buf)), limit+1)
			if grown <= int64(cap(buf)) {
				return buf, bodyTooLarge
			}
			if !e.hold(grown - int64(cap(buf))) {
				return buf, overloaded
			}
			buf = append(make([]byte, 0, grown), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return buf, bodyTooLarge
		case err == io.EOF: //nolint:errorlint // readers return it bare
			return buf, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return buf, bodySlow
		case err != nil:
			return buf, bodyIncomplete.Because(err)
		}
	}
}

// hold takes n bytes from the budget until the exchange ends.
func (e *exchange) hold(n int64) bool {
	if !e.g.buffers.take(n) {
		return false
	}
	e.held += n
	return true
}

// minRate is how fast a body that streams must come on average, in bytes a
// second, once the time that any body has is over. A slow telephone line makes
// 4 KiB; whoever is slower holds a connection for its own sake.
const minRate = 1 << 10

// capped bounds a body that streams to the upstream, in bytes and in time.
type capped struct {
	e     *exchange
	r     io.ReadCloser
	left  int64
	start time.Time
	slow  bool   // it came too slowly
	moved func() // called for every byte that comes, and at the end
}

// due is when what has come so far is too little.
func (c *capped) due() time.Time {
	return c.start.Add(c.e.unit.Limits.Body + time.Duration(c.e.received)*time.Second/minRate)
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.moved()
	c.left -= int64(n)
	c.e.received += int64(n)
	if c.left < 0 {
		return 0, errTooLarge
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.slow = true
	case err != nil: // no more is read, and a deadline would look like a client that left
		_ = c.e.rc.SetReadDeadline(time.Time{}) //nolint:errcheck // as in readBody
	case n > 0:
		_ = c.e.rc.SetReadDeadline(c.due()) //nolint:errcheck // as in readBody
	}
	return n, err //nolint:wrapcheck // io.EOF has to stay bare
}

func (c *capped) Close() error { return c.r.Close() } //nolint:wrapcheck // a pass-through
