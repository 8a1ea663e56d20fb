// Package policy reads sallyport.yaml, what the operator wants: text is
// parsed, checked against one grammar, and becomes a *Policy whose every value
// knows the place that it was written at.
//
// The grammar is data (see grammar.go). The reader, the JSON Schema that
// `sallyport schema` prints and the writer all run over the same tables, so
// that they cannot say different things. Settings of risks are part of it: the
// risks are an argument, and their settings are read off the struct in
// risk.Risk.Params.
//
// All or nothing: a text with one error gives no policy. What the design has
// but this version does not is refused by name (CodeNotYet), never skipped.
package policy

import (
	"time"

	"github.com/sallyport/sallyport/source"
)

// Version is the only version of the policy language that is read.
const Version = 1

// Given is a value together with the place where it was written. The zero
// Given was not written at all; a default has Set false and no place.
type Given[T any] struct {
	Value T
	At    source.Span
	Set   bool
}

// Or returns g, or fallback where nothing was written.
func (g Given[T]) Or(fallback Given[T]) Given[T] {
	if g.Set {
		return g
	}
	return fallback
}

// Text is a string with its place.
type Text = Given[string]

// Duration is a span of time with its place.
type Duration = Given[time.Duration]

// Size is a number of bytes with its place.
type Size = Given[int64]

// A Policy is what the operator wrote, checked. It is frozen once a function
// of this package has returned it; change makes a new one.
type Policy struct {
	File           string // as the user named it; relative paths start from its folder
	Version        Given[int64]
	Listen         []Text // at least one after Parse; URLs, see netx.ParseListen
	TLS            TLS
	Admin          Admin
	TrustedProxies []Text // addresses and prefixes, see netx.ParseTrusted
	State          Text   // folder; empty: the default of the command line
	Audit          Audit
	Settings              // of the gateway: what every API and operation starts from
	APIs           []*API // in the order of the file
	Tests          []Test

	// text is what the policy was read from, for the carets of what is found
	// later; nil where there was no file.
	text *text
}

// TLS says where certificates come from. The zero TLS means the local CA.
type TLS struct {
	Cert, Key Text // files of PEM, both or none
	ACME      ACME
	At        source.Span
}

// ACME asks a public CA for certificates (RFC 8555).
type ACME struct {
	Email Text
	CA    Text        // directory URL; empty: the default of the client
	Agree Given[bool] // true whenever ACME is used: the CA's terms are agreed to
	At    source.Span // zero: no ACME
}

// Admin is the listener of the admin plane.
type Admin struct {
	Bind Text // host:port, see netx.ParseBind
}

// A Durability says when a record counts as kept.
type Durability string

// The durabilities.
const (
	Kernel Durability = "kernel" // handed to the kernel: survives a crash of the process
	Fsync  Durability = "fsync"  // on the disk: survives a loss of power
)

// Audit are the settings of the audit log.
type Audit struct {
	Keep       Duration // 1 to 3,650 days
	Durability Given[Durability]
	Mirror     Text // folder for copies of segments and signed heads
}

// An API is one guarded API.
type API struct {
	Name        Text
	Place       Given[Place] // where clients find it; not set: the document's server
	Upstream    []Text       // at least one URL, with one scheme and path
	UpstreamTLS UpstreamTLS
	Health      Health
	Breaker     Breaker
	OpenAPI     Text // path or URL; see Policy.Path
	Auth        Auth
	Settings
	Operations []Operation // in the order of the file
	At         source.Span

	// Document is what x-sallyport-* members of the API's document say, set by
	// WithContract. Each level of the file wins over the same level of it.
	Document Document
}

// Auth says what credentials of ours an API takes. The zero Auth leaves the
// choice to the document: its own schemes, or a key where it declares none.
type Auth struct {
	APIKey APIKey
	None   Text // the reason why no credential of ours is asked for
	At     source.Span
}

// APIKey asks for a key of ours.
type APIKey struct {
	Header  Text     // of the request; empty: X-API-Key, or X-Sallyport-Key where the API uses that itself
	Prefix  Text     // what keys start with; empty: the default of identity
	Expires Duration // of new keys, 1 hour to 3,650 days
	At      source.Span
}

// An Operation is what the policy says of one operation.
type Operation struct {
	Selector Text   // "GET /orders/{id}" or an operationId
	Key      string // of the contract's operation, set by WithContract
	Settings
}

// Settings can be said at the gateway, at an API and at an operation; the
// narrower wins, field by field.
type Settings struct {
	Mode       Given[Mode]
	Undeclared Given[Undeclared]
	MaxBody    Size     // of a request, 1 B to 1 GiB
	MaxReply   Size     // of a reply that is inspected, 1 B to 1 GiB
	Timeouts   Timeouts // Head, Idle and Drain: at the gateway only
	Risks      []RiskSetting
	Owner      Text     // who answers for it: API and operation
	Review     Duration // how often it must be reviewed: API and operation
	Public     Text     // the reason why no credential is needed: operation only
}

// Timeouts bound the steps of an exchange.
type Timeouts struct {
	Head     Duration // from the first byte to the end of the head
	Body     Duration // from the head to the end of the body
	Upstream Duration // from the last byte of the request to the head of the reply
	Total    Duration // for all that the upstream does, repeated attempts and the reply's body included; not set: no such limit
	Idle     Duration // between two requests of a connection
	Drain    Duration // for running exchanges when the gateway stops
}

// Undeclared says what happens to members that a silent schema does not list.
// The zero value leaves them alone: they are counted and listed.
type Undeclared string

// The ways to close silent schemas.
const (
	Refuse Undeclared = "refuse"
	Strip  Undeclared = "strip"
)

// A RiskSetting is what one level says of one risk.
type RiskSetting struct {
	Risk    string // id
	Mode    Given[Mode]
	Because Text // why; never empty where Mode is Off
	Params  []Param
	At      source.Span
}

// A Param is one setting of a risk: a value for the field of risk.Risk.Params
// with that name.
type Param struct {
	Name  string
	Value any // of the type of the field; never changed
	At    source.Span
}

// API returns the API called name, or nil.
func (p *Policy) API(name string) *API {
	for _, a := range p.APIs {
		if a.Name.Value == name {
			return a
		}
	}
	return nil
}
