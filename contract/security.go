package contract

import "github.com/sallyport/sallyport/source"

// A SchemeKind is the type of a security scheme.
type SchemeKind uint8

// The kinds of OpenAPI 3.1 section 4.8.27.
const (
	APIKey SchemeKind = iota + 1
	HTTPAuth
	OAuth2
	OpenIDConnect
	MutualTLS
)

// String is the OpenAPI word.
func (k SchemeKind) String() string {
	switch k {
	case APIKey:
		return "apiKey"
	case HTTPAuth:
		return "http"
	case OAuth2:
		return "oauth2"
	case OpenIDConnect:
		return "openIdConnect"
	case MutualTLS:
		return "mutualTLS"
	}
	return "unknown"
}

// A Scheme is one declared way to prove who calls.
type Scheme struct {
	Name         string // in the document
	Kind         SchemeKind
	In           In     // of an API key: header, query or cookie
	Field        string // of an API key: the parameter's name
	HTTP         string // of HTTP authentication: the scheme in lower case, "bearer", "basic"
	BearerFormat string
	Flows        []Flow // of OAuth 2
	DiscoveryURL string // of OpenID Connect
	Extensions   Extensions
	At           source.Span
}

// A Flow is one OAuth 2 flow.
type Flow struct {
	Name                                   string // implicit, password, clientCredentials, authorizationCode
	AuthorizationURL, TokenURL, RefreshURL string
	Scopes                                 []string
	At                                     source.Span
}

// A Requirement is one alternative: all its parts are needed together. An
// empty Requirement means that no credential is needed.
type Requirement struct {
	Parts []Required
	At    source.Span
}

// Required is one scheme with the scopes that the operation asks for.
type Required struct {
	Scheme *Scheme
	Scopes []string
}

// Public tells whether the document itself opens the operation: it speaks of
// security and lists no alternative, or an empty one.
func (o *Operation) Public() bool {
	if !o.Secured {
		return false
	}
	for _, r := range o.Security {
		if len(r.Parts) == 0 {
			return true
		}
	}
	return len(o.Security) == 0
}
