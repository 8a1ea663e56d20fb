// Package event is the audit record: what one exchange, stream or act of
// administration was, who did it, what was decided and why.
//
// An Event has one canonical form, a single line of JSON that AppendCanonical
// writes and Parse reads; the ledger hashes exactly those bytes. The form has
// to be readable for as long as a log is kept (400 days by default), so it
// only ever grows: see Version.
//
// Fields of a person (Personal) never stand in the canonical form. They are
// sealed into Box under a key of their subject; destroying the key erases them
// and leaves every hash as it was.
package event

import "time"

// Version is written into every record as "v". A later version may add fields
// and kinds, and never changes or removes what an earlier one wrote. So a
// record with v up to Version holds only names that Parse knows, and any other
// name is an error; a record with a greater v may hold further names, which
// Parse skips. A change that cannot keep this rule needs a new magic number of
// the segment file instead.
const Version = 1

// An Event is the audit record of one exchange, stream or act. It is filled by
// one goroutine and must not change once it was given to the ledger, which
// itself sets Caller.Pseudonym, Box and Cut. Text and lists longer than their
// bound (see bounds.go) are cut when they are written, and Cut says so.
type Event struct {
	Kind Kind
	ID   ID        // the decision id; an intent and its exchange share it
	Seq  uint64    // place in the ledger, from 1; the reader sets it from the position
	Time time.Time // UTC, kept to the microsecond
	Node string    // which gateway wrote it
	Plan string    // hash id of the Plan that ran

	API       string
	Operation string // stable key such as "GET /orders/{}"
	Method    string
	Template  string // the path as the contract writes it
	Proto     string // "HTTP/1.1", "HTTP/2.0"
	TLS       TLS
	Trace     string // trace id of W3C Trace Context, 32 hex digits

	Caller   Caller
	Personal Personal // in memory only; stored as Box
	Box      Box
	Objects  []string // keyed hashes of the ids of the objects that were touched

	Decision Decision
	Risk     string // the risk that decided
	Code     string // the fault code that the client saw
	Status   int    // the status sent, 0 when none was
	At       string // source.Span text of the policy or contract line that decided
	Reason   string // why, in words; never a value of the request
	Target   string // what an act of administration was about: a key id, a policy hash

	Passed     []string    // ids of the risks that ran and passed
	Would      []Would     // what would have been denied outside observe mode
	Violations []Violation // of the contract
	Edits      []Edit
	Upstream   Upstream

	BytesIn  int64 // of the body as received
	BytesOut int64 // of the body as sent
	Micros   int64 // from the first byte in to the last byte out
	Flags    []string
	Gap      Gap

	Cut Cut // which of the fields above were cut to their bound
}

// TLS says how the connection was secured; it is empty where it was not.
type TLS struct {
	Version string // "TLS1.3"
	Suite   string // IANA name
}

// A Caller says who called, as far as the log may tell.
type Caller struct {
	Kind  CallerKind
	KeyID string // the public part of a key
	Tier  string
	// Pseudonym stays the same for one subject until its key is destroyed. The
	// ledger sets it.
	Pseudonym string
}

// Personal holds what could name a person. It is stored only encrypted.
type Personal struct {
	Subject   string // the caller's id in its own system
	Address   string // of the client
	Path      string // canonical path; names of the query stay, its values are redacted by who fills this in
	UserAgent string
}

// A Box holds Personal, encrypted. Key names the key without telling whose it
// is; Data is a nonce of 12 bytes and the AES-256-GCM ciphertext with its tag.
type Box struct {
	Key  string
	Data []byte
}

// A Would is a denial that observe mode held back.
type Would struct {
	Risk string
	Code string
	At   string // source.Span text
}

// A Violation says where a message broke the contract, and never with what.
type Violation struct {
	Pointer string // JSON pointer into the body; empty for a parameter
	Keyword string // of JSON Schema
	In      string // body, path, query, header or cookie
	Name    string // of the parameter
	Line    string // source.Span text of the schema
}

// An Edit is a change that the gateway made to a message.
type Edit struct {
	Kind    string
	Pointer string // JSON pointer or header name
}

// Upstream says what happened behind the gateway.
type Upstream struct {
	Called  bool // a request may have had an effect there
	Address string
	Status  int
	Micros  int64
}

// A Gap counts what is missing from the log, and when.
type Gap struct {
	Count    uint64
	From, To time.Time
}

// Reset empties e for reuse and keeps the room of its lists.
func (e *Event) Reset() {
	*e = Event{
		Objects: e.Objects[:0], Passed: e.Passed[:0], Would: e.Would[:0], Violations: e.Violations[:0],
		Edits: e.Edits[:0], Flags: e.Flags[:0], Box: Box{Data: e.Box.Data[:0]},
	}
}
