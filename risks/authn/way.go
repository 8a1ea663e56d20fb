package authn

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// A way is one alternative of the document: all its parts are needed.
type way []part

// A part is one credential. Where scheme is "", it is an API key called name.
type part struct {
	scheme string // of Authorization, lower case
	in     contract.In
	name   string
}

// newWays leaves out alternatives that cannot be satisfied here: those with a
// client certificate, which this version does not read.
func newWays(list []contract.Requirement) []way {
	var out []way
	for _, r := range list {
		if w := newWay(r); len(w) > 0 {
			out = append(out, w)
		}
	}
	return out
}

func newWay(r contract.Requirement) way {
	var out way
	for _, p := range r.Parts {
		if p.Scheme == nil {
			return nil
		}
		switch s := p.Scheme; s.Kind {
		case contract.APIKey:
			out = append(out, part{in: s.In, name: s.Field})
		case contract.HTTPAuth:
			if !token(s.HTTP) {
				return nil
			}
			out = append(out, part{scheme: strings.ToLower(s.HTTP)})
		case contract.OAuth2, contract.OpenIDConnect:
			out = append(out, part{scheme: "bearer"})
		default: // mutual TLS, and what is not known
			return nil
		}
	}
	return out
}

// present tells whether all parts are there and well-formed, and returns the
// credential that stands for the caller: the one in Authorization if there is
// one, else the first.
func (w way) present(q *risk.Request) (credential string, ok bool) {
	for i := range w {
		text := w[i].find(q)
		if text == "" {
			return "", false
		}
		if i == 0 || w[i].scheme != "" {
			credential = text
		}
	}
	return credential, len(w) > 0
}

// find returns the part's credential, or "" where it is absent, empty, there
// more than once, or malformed.
func (p *part) find(q *risk.Request) string {
	if p.scheme != "" {
		return authorization(q.Fields, p.scheme)
	}
	switch p.in {
	case contract.InHeader:
		if q.Fields.Count(p.name) == 1 {
			return strings.Trim(q.Fields.Get(p.name), " \t")
		}
	case contract.InQuery:
		text, n := "", 0
		for i := range q.Pairs {
			if q.Pairs[i].Name == p.name {
				text, n = q.Pairs[i].Value, n+1
			}
		}
		if n == 1 {
			return text
		}
	case contract.InCookie:
		if text, n := q.Cookie(p.name); n == 1 {
			return text
		}
	case contract.InPath, contract.InBody:
	}
	return ""
}

// authorization returns what follows the scheme in the one Authorization field
// (RFC 9110 section 11.6.2), or "" where its form is wrong.
func authorization(f risk.Fields, scheme string) string {
	if f.Count("Authorization") != 1 {
		return ""
	}
	name, rest, _ := strings.Cut(strings.Trim(f.Get("Authorization"), " \t"), " ")
	rest = strings.TrimLeft(rest, " ")
	if !risk.EqualFold(name, scheme) {
		return ""
	}
	switch scheme {
	case "bearer": // RFC 6750 section 2.1
		if !token68(rest) {
			return ""
		}
	case "basic": // RFC 7617 section 2
		if !token68(rest) || len(rest)%4 != 0 || strings.ContainsAny(rest, "-._~") {
			return ""
		}
	}
	return rest
}

// token68 is the form of most credentials (RFC 9110 section 11.2).
func token68(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		if c := body[i]; !alphanumeric(c) && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return body != ""
}

// token is the form of a scheme's name (RFC 9110 section 5.6.2).
func token(s string) bool {
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
