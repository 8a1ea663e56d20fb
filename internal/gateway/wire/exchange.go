package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// A Handler answers exchanges. Serve returns when the exchange is over, and
// keeps nothing of x but strings and Body, whose Reads then fail. Where
// x.Refused is set, all it can do is to say so. A Handler that returns without
// a reply cuts the connection.
type Handler interface{ Serve(x *Exchange) }

// HandlerFunc makes a Handler of a function.
type HandlerFunc func(x *Exchange)

// Serve calls f.
func (f HandlerFunc) Serve(x *Exchange) { f(x) }

// An Exchange is one request, and the means to reply to it. All but the Body is
// used by one goroutine at a time.
type Exchange struct {
	Method string // a token
	// Target is as it stood on the wire; of the absolute form what stands behind
	// the authority, which is the one of Host. "*" only with OPTIONS.
	Target string
	Proto  string // "HTTP/1.1", "HTTP/1.0" or "HTTP/2.0"
	Host   string // with its port, as it was sent; "" only in HTTP/1.0
	// Fields are those of the head in the order of the wire, their names in
	// canonical form (Content-Type), without Host and Transfer-Encoding. Of
	// HTTP/2 there are no pseudo-header fields among them, and one Cookie.
	Fields risk.Fields
	Length int64 // of the body; 0: none, -1: not known
	Body   *Body // nil: none

	Peer  netip.Addr           // the other end; invalid where it has no address
	Named string               // Peer as text, made once for its connection; "" where nobody made it
	Local bool                 // over a Unix socket
	TLS   *tls.ConnectionState // nil: plain text
	Stray bool                 // plain text on a port that speaks TLS

	// Refused says why the front takes no request here. The members above are
	// then what could be told of it, and may be empty.
	Refused *fault.Fault

	ctx   context.Context //nolint:containedctx // of the connection, as in http.Request
	side  side
	quit  bool // the connection ends after the reply
	abort bool // the reply must not look complete

	status  int
	begun   bool
	bare    bool  // the reply has no body, whatever is written
	chunked bool  // its body goes in chunks
	length  int64 // of the body, as announced; -1: not known
	left    int64 // bytes of it to come; -1: not known
	limited bool  // ReadBy was used
	tunnel  bool  // the connection has another protocol
}

// A side sends replies in one version of HTTP.
type side interface {
	// begin sends the head and what there is of the body; it may keep both back
	// until the next write.
	begin(x *Exchange, head risk.Fields, body []byte, flush bool) error
	write(x *Exchange, p []byte) (int, error)
	flush() error
	upgrade(x *Exchange, head risk.Fields) (net.Conn, error)
	readBy(t time.Time) error
	waits() // for somebody else than the client
}

// Context ends when the client leaves, or the Server is closed. Its cause says
// which. It may outlive the exchange.
func (x *Exchange) Context() context.Context { return x.ctx }

// Forgo says that nobody will read the body. A short one that has come is taken
// off the connection, which can go on then: to end it, and to take the next one
// in, costs more than that. It waits for a millisecond at most, and has no effect
// once the reply has begun. It tells whether there is nothing left of the body.
func (x *Exchange) Forgo() bool {
	if x.Body == nil {
		return true
	}
	if !x.begun {
		x.Body.forgo()
	}
	return x.Body.finished()
}

// Waits says that the Handler is about to wait for somebody. Whoever answers
// many requests of one connection without that takes turns with others who do.
func (x *Exchange) Waits() {
	x.side.waits()
}

// Apart makes x, whose members are set, an exchange apart from any connection:
// its body is body, nil for none, and replies to it go nowhere. Simulations ask
// with it.
func (x *Exchange) Apart(ctx context.Context, body []byte) {
	x.ctx, x.side = ctx, nowhere{}
	if len(body) > 0 {
		x.Length, x.Body = int64(len(body)), &Body{apart: bytes.NewReader(body)}
	}
}

// Close makes the reply the last of its connection. It has no effect once the
// reply has begun.
func (x *Exchange) Close() { x.quit = true }

// Abort cuts the connection, or the stream of HTTP/2, when Serve returns, so
// that the reply does not look complete.
func (x *Exchange) Abort() { x.abort = true }

// Begun tells whether a reply was begun.
func (x *Exchange) Begun() bool { return x.begun }

// ReadBy sets the time at which Reads of the body fail; zero: only Body.Grace
// counts.
func (x *Exchange) ReadBy(t time.Time) error {
	if x.Body != nil && x.Body.settled() {
		return nil // all of it came with the head, or was read: nothing waits
	}
	x.limited = true
	return x.side.readBy(t)
}

// Reply sends a whole reply, most often when Serve returns. The front writes Date, Content-Length and what
// concerns the connection; of head such fields are dropped, and so is what is
// no lawful field. With a status that has no body, and to HEAD, body only gives
// the length.
func (x *Exchange) Reply(status int, head risk.Fields, body []byte) error {
	if err := x.set(status, int64(len(body))); err != nil {
		return err
	}
	if x.bare {
		body = nil
	}
	x.left = 0
	return x.side.begin(x, head, body, true)
}

// Begin starts a reply whose body comes by Write. length is that of the body,
// -1 where it is not known. The head goes out with the first Write or Flush.
func (x *Exchange) Begin(status int, head risk.Fields, length int64) error {
	if err := x.set(status, length); err != nil {
		return err
	}
	return x.side.begin(x, head, nil, x.bare)
}

func (x *Exchange) set(status int, length int64) error {
	if x.begun {
		return errTwice
	}
	x.begun, x.status, x.length, x.left = true, status, max(length, -1), max(length, -1)
	x.bare = x.Method == "HEAD" || bodyless(status)
	return nil
}

// bodyless tells whether a reply with this status has no body (RFC 9110 section
// 6.4.1).
func bodyless(status int) bool { return status < 200 || status == 204 || status == 304 }

// Write sends a part of the body. What the reply must not have is dropped; what
// goes beyond its length is an error.
func (x *Exchange) Write(p []byte) (int, error) {
	switch {
	case x.bare || len(p) == 0:
		return len(p), nil
	case x.left >= 0 && int64(len(p)) > x.left:
		x.abort = true
		return 0, errLong
	}
	n, err := x.side.write(x, p)
	if x.left >= 0 {
		x.left -= int64(n)
	}
	if err != nil {
		x.abort = true
	}
	return n, err
}

// Flush sends what was kept back.
func (x *Exchange) Flush() error { return x.side.flush() }

// Upgrade sends 101 with head, which must have Upgrade, and hands the
// connection over, with what came after the request. The caller closes it. It
// is not to be had in HTTP/2 and HTTP/1.0, nor before the body was read.
func (x *Exchange) Upgrade(head risk.Fields) (net.Conn, error) {
	if x.begun || x.Proto != "HTTP/1.1" || x.Refused != nil || x.Body != nil && !x.Body.finished() {
		return nil, errUpgrade
	}
	return x.side.upgrade(x, head)
}

// reset makes x ready for another exchange and keeps room for its fields.
func (x *Exchange) reset() {
	fields := x.Fields
	clear(fields)
	if cap(fields) > 2*defaultMaxFields {
		fields = nil
	}
	*x = Exchange{Fields: fields[:0]}
}
