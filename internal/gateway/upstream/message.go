package upstream

import (
	"io"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// A Request goes to an upstream. The caller owns it, and must not change it
// until the reply's body is closed or Send has failed.
type Request struct {
	Method string
	// Operation is what is asked for, whatever the values in its target: silence
	// is judged by what is usual of it.
	Operation string
	Target    string // origin-form, as it goes on the wire: "/orders?open=1"
	Host      string // "" is that of the address
	// Fields are the head in the order in which it is sent. Host, Connection,
	// Upgrade, Expect and those of framing are the client's to write: they must
	// not be among them.
	Fields  risk.Fields
	Upgrade string // the protocol to change to (RFC 9110 section 7.8), or ""

	Whole  []byte    // the body, where it is in memory; not nil but empty is a body of no bytes
	Body   io.Reader // the body, where it streams; nil: Whole, or none
	Length int64     // of Body; -1: not known, so that it goes in chunks
	Expect bool      // the body is sent once the upstream asks for it, or has not answered for a second
	// Stop makes a Read of Body that is under way return soon. It is called at
	// most once, where the exchange ends before the body does. It is needed with
	// Body.
	Stop func()

	Head time.Duration // from the last byte that moved of the request to the head of the reply
	Idle time.Duration // between two bytes of the reply's body
	Till time.Time     // when all of it must be over; zero: no such time

	streamed bool // Whole came as Body
}

// A Response is the reply of an upstream. Send fills it; its fields may be used
// again for another.
type Response struct {
	Status int
	Fields risk.Fields // in the order received, names in canonical form (Content-Type)
	Length int64       // of the body, also of one that a HEAD does not bring; -1: not known
	// Body is never nil after Send. Close ends the exchange at any time, from any
	// goroutine; a Read under way then fails. A body that was not read to its
	// end costs the connection. An error of Read is an *Error.
	Body io.ReadCloser
	// Tunnel is what the connection became with the status 101; else nil. Close
	// it instead of Body.
	Tunnel  io.ReadWriteCloser
	Address string // that was asked, host and port

	lane *lane // that was asked
}

// hasBody tells whether r brings bytes.
func (r *Request) hasBody() bool { return r.Body != nil || len(r.Whole) > 0 }

// idempotent tells whether a request may be sent again (RFC 9110 section
// 9.2.2).
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// repeatable tells whether r may be sent a second time where nobody knows what
// became of the first.
func (r *Request) repeatable() bool {
	return r.Body == nil && len(r.Whole) == 0 && !r.streamed && r.Upgrade == "" && idempotent(r.Method)
}
