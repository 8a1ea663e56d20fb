// Package fault holds the errors that a client or caller can act on, and is
// the only writer of problem documents (RFC 9457).
package fault

import (
	"errors"
	"fmt"
)

// A Code is the stable public name of a fault, such as "authn/missing". Codes
// are never reused; each has a page that `sallyport help CODE` prints.
type Code string

// Codes of the gateway itself. Those of a risk stand in its folder.
const (
	Internal        Code = "gateway/internal"         // an error of ours without a code
	GuardBroken     Code = "gateway/guard-broken"     // a guard panicked; the exchange is refused
	Upstream        Code = "gateway/upstream"         // the upstream cannot be reached or broke the protocol
	UpstreamTimeout Code = "gateway/upstream-timeout" // the upstream did not answer in time
	UpstreamTLS     Code = "gateway/upstream-tls"     // the upstream's certificate is not valid
	UpstreamReply   Code = "gateway/upstream-reply"   // the upstream's reply is not HTTP
	UpstreamOpen    Code = "gateway/upstream-open"    // the upstream's breaker is open
	ReplyTooLarge   Code = "gateway/reply-too-large"  // the reply must be inspected and is over the cap
	ReplyEncoding   Code = "gateway/reply-encoding"   // the reply cannot be decoded for inspection
	BadPath         Code = "gateway/bad-path"         // the path has no single meaning
	BadQuery        Code = "gateway/bad-query"        // the query has no single meaning
	BadHead         Code = "gateway/bad-head"         // the head is malformed
	HeadTooLarge    Code = "gateway/head-too-large"   // the head is over the limit
	BodyTooLarge    Code = "gateway/body-too-large"   // the body is over the cap
	BodyIncomplete  Code = "gateway/body-incomplete"  // the body ended early or too slowly
	BodyEncoding    Code = "gateway/body-encoding"    // the body has a content coding that is not taken
	NoOperation     Code = "gateway/no-operation"     // the contract declares no such operation
	Misdirected     Code = "gateway/misdirected"      // no API answers on this host
	Expectation     Code = "gateway/expectation"      // an Expect that is not 100-continue
	Upgrade         Code = "gateway/upgrade"          // an upgrade that the operation does not declare
	Audit           Code = "gateway/audit"            // the audit log cannot take the intent record
	Overloaded      Code = "gateway/overloaded"       // shed to stay alive
	Stopping        Code = "gateway/stopping"         // the gateway is draining
)

// A Fault is an error that the caller can act on.
type Fault struct {
	Code   Code
	Status int    // HTTP status, 400 to 599
	Title  string // public, the same for every fault of this code
	cause  error  // private: for the log and the event
}

// New returns a fault. The title is shown to clients: never put a value of a
// request or an inner error into it.
func New(code Code, status int, title string) *Fault {
	return &Fault{Code: code, Status: status, Title: title}
}

// Because returns a copy of f with its private cause.
func (f *Fault) Because(cause error) *Fault {
	out := *f
	out.cause = cause
	return &out
}

// Error is for logs of ours: it holds the private cause.
func (f *Fault) Error() string {
	if f.cause == nil {
		return fmt.Sprintf("%s: %s", f.Code, f.Title)
	}
	return fmt.Sprintf("%s: %s: %v", f.Code, f.Title, f.cause)
}

// Unwrap returns the private cause.
func (f *Fault) Unwrap() error { return f.cause }

// Of returns the Fault inside err, or an internal one that hides err.
func Of(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return New(Internal, 500, "internal error").Because(err)
}
