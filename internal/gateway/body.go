package gateway

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/gateway/wire"
)

// Faults of bodies, made once.
var (
	bodyTooLarge   = fault.New(fault.BodyTooLarge, http.StatusRequestEntityTooLarge, "the body is too large")
	bodyIncomplete = fault.New(fault.BodyIncomplete, http.StatusBadRequest, "the body ended early")
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
		e.say("Accept-Encoding", "identity")
		return bodyCoded
	}
	e.in.Body.Grace = e.unit.Limits.Body
	if !e.inspected() {
		return nil
	}
	_ = e.in.ReadBy(time.Now().Add(e.unit.Limits.Body)) //nolint:errcheck // the read tells
	body, f := e.slurp(e.in.Body, e.body, q.Length, limit)
	e.body, e.received = body, int64(len(body))
	if f != nil {
		return f
	}
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
		case err != nil:
			return buf, bodyFault(err)
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

// bodyFault is what the front says of a body, or that it ended early.
func bodyFault(err error) *fault.Fault {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	return bodyIncomplete.Because(err)
}

// capped bounds a body that streams to the upstream. The front bounds its time.
type capped struct {
	e    *exchange
	r    *wire.Body
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.left -= int64(n)
	c.e.received += int64(n)
	if c.left < 0 {
		return 0, errTooLarge
	}
	return n, err //nolint:wrapcheck // io.EOF has to stay bare
}
