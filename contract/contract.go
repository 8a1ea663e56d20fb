// Package contract is the immutable model of one API as its document declares
// it: operations, parameters, bodies, replies, schemas and security, each with
// the place in the document where it was written.
//
// Front ends (OpenAPI and others) build it; everything else only reads it. All
// values are frozen once a front end has returned them, and may be shared
// between goroutines.
package contract

import "github.com/sallyport/sallyport/source"

// A Dialect is the kind of document that a contract came from.
type Dialect uint8

// The dialects.
const (
	Unknown Dialect = iota
	Swagger20
	OpenAPI30
	OpenAPI31
)

// String is the name that users know.
func (d Dialect) String() string {
	switch d {
	case Unknown:
		return "unknown"
	case Swagger20:
		return "Swagger 2.0"
	case OpenAPI30:
		return "OpenAPI 3.0"
	case OpenAPI31:
		return "OpenAPI 3.1"
	}
	return "unknown"
}

// A Contract is one API.
type Contract struct {
	Title      string
	Version    string // info.version, as written
	Dialect    Dialect
	Servers    []Server
	Operations []*Operation // in the order of the document
	Schemes    []*Scheme    // declared security schemes, by name
	Schemas    []*Schema    // every schema, at its ID
	Extensions Extensions   // x-sallyport-* of the document's root
	At         source.Span
	Digest     string // hex SHA-256 over all files that it was read from
}

// A Server is one base of the API, with its variables replaced by their
// defaults.
type Server struct {
	URL string // absolute, or a path that is relative to the document
	At  source.Span
}

// Extensions are the members whose names start with "x-sallyport-", the prefix
// removed, and the few other "x-" members that a lint reads, with their whole
// names.
type Extensions []source.Member

// Get returns the extension called name, or an Absent value.
func (e Extensions) Get(name string) source.Value {
	return source.Value{Members: e}.Get(name)
}

// An Operation is one method of one path template.
type Operation struct {
	ID          string // operationId, or "GET /orders/{id}" where there is none
	Method      string // upper case
	Path        string // the template as written, after the base path of the document: "/orders/{id}"
	Key         string // stable: method and template with the parameter names erased, "GET /orders/{}"
	Tags        []string
	Summary     string
	Deprecated  bool
	Parameters  []*Parameter // of the path item and the operation together, the operation's winning
	Body        *Body        // nil: the operation takes no body
	Replies     []*Reply     // exact codes first, then ranges, then the default
	Security    []Requirement
	Secured     bool // the document says something about security here, be it "none" (an empty Security)
	Servers     []Server
	Extensions  Extensions // of the operation, then of its path item
	At          source.Span
	PathAt      source.Span // of the path template
	Description string      // at most 4 KiB, for lints
}

// In says where a parameter stands.
type In uint8

// The places. InBody is only used to say where a violation was.
const (
	InPath In = iota + 1
	InQuery
	InHeader
	InCookie
	InBody
)

// String is the OpenAPI word.
func (i In) String() string {
	switch i {
	case InPath:
		return "path"
	case InQuery:
		return "query"
	case InHeader:
		return "header"
	case InCookie:
		return "cookie"
	case InBody:
		return "body"
	}
	return "unknown"
}

// A Style is how a parameter with structure is written (OpenAPI 3.1 section
// 4.8.12.2, RFC 6570).
type Style uint8

// The styles. TSV is Swagger 2.0's collectionFormat tsv.
const (
	Simple Style = iota
	Label
	Matrix
	Form
	SpaceDelimited
	PipeDelimited
	DeepObject
	TSV
)

// String is the OpenAPI word.
func (s Style) String() string {
	switch s {
	case Simple:
		return "simple"
	case Label:
		return "label"
	case Matrix:
		return "matrix"
	case Form:
		return "form"
	case SpaceDelimited:
		return "spaceDelimited"
	case PipeDelimited:
		return "pipeDelimited"
	case DeepObject:
		return "deepObject"
	case TSV:
		return "tsv"
	}
	return "simple"
}

// A Parameter is a named value in the path, query, header or cookie, or a
// header of a reply.
type Parameter struct {
	Name            string // header names keep the document's case; they are compared without it
	In              In
	Required        bool // always true in the path
	Deprecated      bool
	Style           Style
	Explode         bool
	AllowReserved   bool
	AllowEmptyValue bool
	Schema          *Schema // nil where Content is set, or nothing is said
	Content         *Media  // a serialised value, such as JSON in a query parameter
	Extensions      Extensions
	At              source.Span
}

// A Body is what an operation takes.
type Body struct {
	Required bool
	Media    []*Media
	At       source.Span
}

// A Media is one media type of a body or reply.
type Media struct {
	Type     string // lower case, without parameters: "application/json", "image/*", "*/*"
	Schema   *Schema
	Encoding []Encoding // of form members and parts
	At       source.Span
}

// An Encoding says how one member of a form or one part is written.
type Encoding struct {
	Name          string
	ContentType   string // may list several, with commas and wildcards
	Style         Style
	Explode       bool
	AllowReserved bool
	Styled        bool         // style, explode or allowReserved is written: RFC 6570 rules apply, not the content type
	Headers       []*Parameter // of a part
	At            source.Span
}

// A Reply is one declared answer.
type Reply struct {
	Code    int // 200; or 1 to 5 for the range 2XX with Range set; 0 for the default
	Range   bool
	Headers []*Parameter
	Media   []*Media // empty: no body is declared
	At      source.Span
}

// Default tells whether r answers every code that no other reply names.
func (r *Reply) Default() bool { return r.Code == 0 }

// Success tells whether r is for a 2xx code or a part of them.
func (r *Reply) Success() bool { return r.Code == 2 && r.Range || r.Code/100 == 2 }

// ReplyFor returns the declared reply for a status code: the exact code, else
// its range, else the default, else nil.
func (o *Operation) ReplyFor(status int) *Reply {
	var ranged, fallback *Reply
	for _, r := range o.Replies {
		switch {
		case r.Code == status && !r.Range:
			return r
		case r.Range && r.Code == status/100:
			ranged = r
		case r.Default():
			fallback = r
		}
	}
	if ranged != nil {
		return ranged
	}
	return fallback
}

// Param returns the parameter of o with that name and place, or nil. Header
// names are compared without case.
func (o *Operation) Param(in In, name string) *Parameter {
	for _, p := range o.Parameters {
		if p.In == in && (p.Name == name || in == InHeader && equalFold(p.Name, name)) {
			return p
		}
	}
	return nil
}

// Unsafe tells whether the method may change state (RFC 9110 section 9.2.1):
// everything but GET, HEAD, OPTIONS and TRACE.
func (o *Operation) Unsafe() bool { return UnsafeMethod(o.Method) }

// UnsafeMethod tells the same of a method's name.
func UnsafeMethod(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return false
	}
	return true
}

// equalFold compares ASCII without case.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if x >= 'A' && x <= 'Z' {
			x += 'a' - 'A'
		}
		if y >= 'A' && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}
