package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// A Kind says what went wrong with an upstream, and whose fault it is.
type Kind uint8

// The kinds of errors.
const (
	Unreachable Kind = iota // no connection could be made
	Untrusted               // the upstream could not prove who it is
	Late                    // it did not answer in time
	Broken                  // the connection ended before the message
	Malformed               // what it sent is not HTTP; see Reason
	Full                    // too many requests are waiting for it
	Open                    // its breaker is open: it failed too often a moment ago
	BodyFailed              // the request's body could not be read; the upstream did nothing wrong
	Gone                    // the caller gave up
	Refused                 // the request itself cannot be sent
)

// String is the kind in words.
func (k Kind) String() string {
	switch k {
	case Unreachable:
		return "cannot be reached"
	case Untrusted:
		return "cannot prove who it is"
	case Late:
		return "is too slow"
	case Broken:
		return "broke off"
	case Malformed:
		return "sent what is not HTTP"
	case Full:
		return "has no connection left"
	case Open:
		return "is not asked for now: it failed too often"
	case BodyFailed:
		return "did not get the body"
	case Gone:
		return "was not waited for"
	case Refused:
		return "cannot be sent this request"
	}
	return "failed"
}

// An Error is the end of an exchange with an upstream that failed.
type Error struct {
	Kind    Kind
	Address string
	Err     error // never nil
	Asked   bool  // a connection was tried or used; else the upstream knows nothing of it
	silent  bool  // the connection ended before a byte of the reply
	reused  bool  // it had served before, so that it may have ended while it was idle
}

// Error is for logs of ours.
func (e *Error) Error() string {
	return fmt.Sprintf("upstream %s %s: %v", e.Address, e.Kind, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of err, and false where it is not an *Error.
func KindOf(err error) (Kind, bool) {
	var e *Error
	if !errors.As(err, &e) {
		return Broken, false
	}
	return e.Kind, true
}

// blames tells whether an error of this kind speaks against the upstream.
func (k Kind) blames() bool {
	switch k {
	case Unreachable, Untrusted, Late, Broken, Malformed:
		return true
	case Full, Open, BodyFailed, Gone, Refused:
		return false
	}
	return false
}

// A Reason says why a reply is not HTTP. It is stable, and fit for a log.
type Reason string

// Error is the reason.
func (r Reason) Error() string { return string(r) }

// The reasons (RFC 9112; RFC 9110 for fields).
const (
	BadStatusLine    Reason = "the status line is malformed"                             // RFC 9112 section 4
	BadVersion       Reason = "the version is neither HTTP/1.1 nor HTTP/1.0"             // section 2.3
	BareLF           Reason = "a line ends with LF alone"                                // section 2.2
	BadFieldLine     Reason = "a field line has no colon or no lawful name"              // section 5
	FoldedField      Reason = "a field goes on in a second line"                         // section 5.2
	BadFieldValue    Reason = "a field value holds a control character"                  // RFC 9110 section 5.5
	HeadTooLarge     Reason = "the head is over 64 KiB"                                  //
	TooManyFields    Reason = "the head has over 200 fields"                             //
	BadLength        Reason = "Content-Length is not one number"                         // section 6.3
	BadCoding        Reason = "Transfer-Encoding is not chunked alone"                   // section 6.1
	TwoFramings      Reason = "Content-Length and Transfer-Encoding stand together"      // section 6.1
	UnaskedCoding    Reason = "Transfer-Encoding where no body may be"                   // section 6.1
	BadChunk         Reason = "a chunk is malformed"                                     // section 7.1
	ChunkLineTooLong Reason = "the line of a chunk is too long"                          // section 7.1.1
	TinyChunks       Reason = "half a million chunks of under 16 bytes came within 10 s" // section 7.1
	BadTrailer       Reason = "the trailer section is malformed or over 8 KiB"           // section 7.1.2
	TooManyInterim   Reason = "over 16 interim replies came"                             // RFC 9110 section 15.2
	UnaskedSwitch    Reason = "the protocol was changed unasked"                         // RFC 9110 section 15.2.2
	BadStatus        Reason = "the status is not of HTTP"                                // RFC 9110 section 15
	OtherProtocol    Reason = "TLS agreed on a protocol that was not offered"            // RFC 7301
)

var (
	errClosed    = errors.New("upstream: the reply's body is closed")
	errLate      = errors.New("upstream: time is up")
	errRing      = errors.New("upstream: it is silent") // for the call alone
	errEnded     = errors.New("upstream: the connection ended within the message")
	errNoAnswer  = errors.New("upstream: the connection ended without an answer")
	errFull      = errors.New("upstream: all connections are in use")
	errOpen      = errors.New("upstream: the breaker is open")
	errUnknown   = errors.New("upstream: not prepared")
	errNoTLS     = errors.New("upstream: https needs a TLS configuration")
	errClosedSet = errors.New("upstream: the set is closed")
	errTooMany   = errors.New("upstream: too many addresses")
	errHead      = errors.New("upstream: the head of the request has no single meaning")
	errShort     = errors.New("upstream: the body is shorter or longer than its length")
)

// isTLS tells whether err says that the upstream could not prove who it is.
func isTLS(err error) bool {
	var (
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		alert  tls.AlertError
		name   x509.HostnameError
		sent   *net.OpError // "remote error" and "local error" are alerts of crypto/tls
	)
	if errors.As(err, &sent) && (sent.Op == "remote error" || sent.Op == "local error") {
		return true
	}
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &name)
}

// isTimeout tells whether err says that time ran out.
func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
