package risk

import (
	"net/netip"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
)

// A Field is one header field as it was received.
type Field struct{ Name, Value string }

// Fields are the header fields of a message in the order received. Names are
// compared without case.
type Fields []Field

// Get returns the first value of name, or "".
func (f Fields) Get(name string) string {
	for i := range f {
		if EqualFold(f[i].Name, name) {
			return f[i].Value
		}
	}
	return ""
}

// Count tells how many fields are called name.
func (f Fields) Count(name string) (n int) {
	for i := range f {
		if EqualFold(f[i].Name, name) {
			n++
		}
	}
	return n
}

// Has tells whether a field is called name.
func (f Fields) Has(name string) bool { return f.Count(name) > 0 }

// EqualFold compares ASCII text without case. Unlike strings.EqualFold it
// folds no other letters: a Kelvin sign is not a k.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Conn is what is known of the connection.
type Conn struct {
	Peer       netip.Addr // the other end of the connection
	Client     netip.Addr // the client's address, through trusted proxies only
	TLSVersion uint16     // crypto/tls number; 0 without TLS
	TLSSuite   uint16
	Secure     bool // TLS here, or a trusted proxy says that the client used it
	Loopback   bool // the connection never left the machine
}

// A PathParam is the text that stands for one parameter of the path template.
type PathParam struct {
	Name string
	Text string // decoded
	Raw  string // as it goes upstream, for styles whose separators count before decoding
}

// A Request is the head of the request in canonical form. Body bytes come
// later, see Exchange.Body.
type Request struct {
	Method string
	Proto  string          // "HTTP/1.1", "HTTP/2.0"
	Host   string          // lower case, without a default port
	Path   canon.Canonical // without the API's prefix: what the contract's templates match
	Params []PathParam     // of the path, once the route is found
	Query  string          // canonical, without "?"
	Pairs  []canon.Pair    // the query parsed, in order
	Fields Fields
	Media  string // lower-case media type without parameters; "" without Content-Type
	Body   bool   // a body is announced, be it empty chunks
	Length int64  // -1: unknown
}

// Cookie returns the value of the first cookie called name and how many there
// are. Names are compared exactly (RFC 6265).
func (r *Request) Cookie(name string) (value string, n int) {
	for i := range r.Fields {
		if !EqualFold(r.Fields[i].Name, "Cookie") {
			continue
		}
		for pair := range strings.SplitSeq(r.Fields[i].Value, ";") {
			k, v, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if k != name {
				continue
			}
			if n == 0 {
				value = v
			}
			n++
		}
	}
	return value, n
}

// A Response is the reply of the upstream. Body is nil until phase ReplyBody,
// and stays nil for replies that stream.
type Response struct {
	Status int
	Fields Fields
	Media  string // lower-case media type without parameters; "" without Content-Type
	Body   []byte
	Part   bool  // Body is the piece that came last of a body too large to be held, or without end; the Reading has the marks that are new
	Length int64 // -1: unknown

	// Of a Part:
	Offset  int  // where Body starts in the reply
	Settled int  // no mark of a later piece begins before this offset
	End     bool // nothing follows: Body is again the piece that came last
}

// A Route says how routing ended.
type Route uint8

// The ends of routing. The zero value is a host or path that no API claims.
const (
	NoAPI    Route = iota // no API answers on this host and prefix
	NoPath                // the API has no such path
	NoMethod              // the path exists, but not with this method
	Found
)

// Facts are what the gateway knows of an exchange. The gateway owns them;
// guards see them only through an Exchange.
type Facts struct {
	ID       string // decision id
	Received time.Time
	Conn     Conn
	Request  Request
	Route    Route
	Allowed  string // for NoMethod: the value of Allow
	API      *API
	Op       *contract.Operation
	Caller   Caller
	Body     []byte
	Head     Reading // of path, query, header and cookie
	Content  Reading // of the body
	Response *Response
	Answered Reading // of the reply
	Env      Env
}

// An Exchange is one request and its reply, as guards see it: they read, and
// append Edits. It is used by one goroutine at a time and must not be kept.
type Exchange struct {
	f     *Facts
	edits []Edit
	flags []string
}

// MaxFlags is the most flags that an Exchange keeps.
const MaxFlags = 16

// NewExchange returns an Exchange over f. edits is a buffer to reuse, or nil.
func NewExchange(f *Facts, edits []Edit) *Exchange {
	return &Exchange{f: f, edits: edits[:0]}
}

// Reset makes x ready for another exchange and keeps its buffer.
func (x *Exchange) Reset(f *Facts) { x.f, x.edits, x.flags = f, x.edits[:0], x.flags[:0] }

// ID is the decision id.
func (x *Exchange) ID() string { return x.f.ID }

// Conn is what is known of the connection.
func (x *Exchange) Conn() *Conn { return &x.f.Conn }

// Request is the head of the request. Read only.
func (x *Exchange) Request() *Request { return &x.f.Request }

// Route says how routing ended, and what Allow should say for NoMethod.
func (x *Exchange) Route() (Route, string) { return x.f.Route, x.f.Allowed }

// API is the API that the request is for, or nil.
func (x *Exchange) API() *API { return x.f.API }

// Op is the operation, or nil where none matches.
func (x *Exchange) Op() *contract.Operation { return x.f.Op }

// Caller is who calls. Before phase Admit it is the zero Caller, an anonymous
// one.
func (x *Exchange) Caller() *Caller { return &x.f.Caller }

// Body is the request's body from phase Body on; nil where there is none or
// it streams. Read only.
func (x *Exchange) Body() []byte { return x.f.Body }

// HeadReading is what the contract says of path, query, header and cookie.
func (x *Exchange) HeadReading() *Reading { return &x.f.Head }

// BodyReading is what the contract says of the request's body.
func (x *Exchange) BodyReading() *Reading { return &x.f.Content }

// Response is the upstream's reply from phase Reply on, nil before.
func (x *Exchange) Response() *Response { return x.f.Response }

// ReplyReading is what the contract says of the reply: of its status and head
// from phase Reply on, of its body from ReplyBody on.
func (x *Exchange) ReplyReading() *Reading { return &x.f.Answered }

// Env is what the gateway lends to guards.
func (x *Exchange) Env() Env { return x.f.Env }

// Verify checks a Sallyport credential. A valid one makes its owner the Caller
// of the exchange.
func (x *Exchange) Verify(c Credential) Verdict {
	caller, v := x.f.Env.Verify(c)
	if v == Valid {
		x.f.Caller = caller
	}
	return v
}

// Provisional makes a caller that is known only by a credential which
// Sallyport cannot check the Caller, unless a checked one is there already. id
// must be a keyed hash of the credential, never the credential.
func (x *Exchange) Provisional(id string) {
	if x.f.Caller.Kind == Anonymous {
		x.f.Caller = Caller{Kind: ProvisionalCaller, ID: id}
	}
}

// Edit asks for a change of the message. The gateway applies edits once, in
// the order of their stages, and drops those of a guard that only observes.
func (x *Exchange) Edit(e Edit) { x.edits = append(x.edits, e) }

// Edits are the edits asked for so far.
func (x *Exchange) Edits() []Edit { return x.edits }

// Flag notes a fact for the record of the exchange, such as
// "plaintext-credential". Names are constants, lower case with hyphens.
func (x *Exchange) Flag(name string) {
	if len(x.flags) < MaxFlags {
		x.flags = append(x.flags, name)
	}
}

// Flags are the flags noted so far.
func (x *Exchange) Flags() []string { return x.flags }

// Truncate drops all edits after the first n; the gateway takes back those of
// a guard that only observes.
func (x *Exchange) Truncate(n int) { x.edits = x.edits[:n] }
