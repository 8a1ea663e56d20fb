package cookies

import (
	"strings"

	"github.com/sallyport/sallyport/risk"
)

// A trait is something that is true of a Set-Cookie field.
type trait uint8

// The traits.
const (
	secure   trait = 1 << iota
	httpOnly       // no script reads it
	sameSite       // Lax or Strict, and nothing else beside it
	anySite        // None
	domain         // for a domain
	root           // Path=/ and no other path
	ends           // Max-Age=0 or less: it deletes
)

// A cookie is a Set-Cookie field as browsers read it (RFC 6265 section 5.2).
// Its parts share the memory of the field.
type cookie struct {
	name, value string
	domain      string // lower-case comparison is the caller's
	traits      trait
}

// read takes a field apart. It allocates nothing.
func read(field string) (c cookie) {
	pair, rest, _ := strings.Cut(field, ";")
	var named bool
	if c.name, c.value, named = strings.Cut(pair, "="); !named {
		c.name, c.value = "", pair // browsers give it no name
	}
	c.name, c.value = strings.Trim(c.name, " \t"), strings.Trim(c.value, " \t")
	loose := false
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, ";")
		name, value := attribute(part)
		switch {
		case risk.EqualFold(name, "Secure"):
			c.traits |= secure
		case risk.EqualFold(name, "HttpOnly"):
			c.traits |= httpOnly
		case risk.EqualFold(name, "SameSite"):
			switch {
			case risk.EqualFold(value, "Lax"), risk.EqualFold(value, "Strict"):
				c.traits |= sameSite
			case risk.EqualFold(value, "None"):
				c.traits |= anySite
			default:
				loose = true // an unknown word is the browser's default, whatever that is
			}
		case risk.EqualFold(name, "Domain"):
			c.domain = strings.TrimPrefix(value, ".")
			c.traits |= domain
		case risk.EqualFold(name, "Path"):
			c.traits &^= root // the last one counts
			if value == "/" {
				c.traits |= root
			}
		case risk.EqualFold(name, "Max-Age"):
			if value == "0" || strings.HasPrefix(value, "-") {
				c.traits |= ends
			}
		}
	}
	if loose || c.traits&anySite != 0 {
		c.traits &^= sameSite // of two words, a browser may take the looser
	}
	return c
}

// attribute splits "Name=Value".
func attribute(part string) (name, value string) {
	name, value, _ = strings.Cut(part, "=")
	return strings.Trim(name, " \t"), strings.Trim(value, " \t")
}

// prefixed tells whether a name starts with a prefix that browsers hold to a
// promise, in any case.
func prefixed(name, prefix string) bool {
	return len(name) >= len(prefix) && risk.EqualFold(name[:len(prefix)], prefix)
}

// The prefixes of RFC 6265bis section 4.1.3.
const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)
