package schema

import (
	"strings"

	"github.com/sallyport/sallyport/risk"
)

// mediaType is a Content-Type taken apart (RFC 9110 section 8.3.1).
type mediaType struct {
	media    string // as written
	charset  string
	boundary string
	ok       bool
}

// parseType takes a Content-Type apart. One with a parameter twice, or with
// anything that the grammar does not have, is not ok.
func parseType(s string) mediaType {
	media, rest, more := strings.Cut(s, ";")
	t := mediaType{media: strings.Trim(media, " \t"), ok: true}
	seen := 0
	for more {
		var name, value string
		name, value, rest, more, t.ok = parameter(rest)
		if !t.ok {
			return t
		}
		switch {
		case name == "":
		case strings.IndexByte(name, '*') >= 0:
			t.ok = false // RFC 2231: some readers let charset* or boundary*0 win over the plain name
		case risk.EqualFold(name, "charset"):
			t.ok = t.ok && seen&1 == 0
			seen |= 1
			t.charset = value
		case risk.EqualFold(name, "boundary"):
			t.ok = t.ok && seen&2 == 0
			seen |= 2
			t.boundary = value
		}
		if !t.ok {
			return t
		}
	}
	return t
}

// parameter reads one name=value and what stands behind its semicolon.
func parameter(s string) (name, value, rest string, more, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if s == "" || s[0] == ';' {
		rest, more = cutByte(s, ';')
		return "", "", rest, more, true
	}
	n := tokenLength(s)
	name = s[:n]
	s, ok = cutByte(s[n:], '=')
	if n == 0 || !ok {
		return "", "", "", false, false
	}
	if s != "" && s[0] == '"' {
		value, s, ok = quotedString(s)
	} else {
		n = tokenLength(s)
		value, s, ok = s[:n], s[n:], n > 0
	}
	s = strings.TrimLeft(s, " \t")
	rest, more = cutByte(s, ';')
	return name, value, rest, more, ok && (more || s == "")
}

// quotedString reads a quoted-string. Escapes are refused: readers differ in
// them, and no charset or boundary needs one.
func quotedString(s string) (value, rest string, ok bool) {
	end := strings.IndexByte(s[1:], '"')
	if end < 0 || strings.IndexByte(s[1:end+1], '\\') >= 0 {
		return "", "", false
	}
	return s[1 : end+1], s[end+2:], true
}

// tokenLength is the length of the token of RFC 9110 section 5.6.2 that s
// starts with.
func tokenLength(s string) int {
	n := 0
	for n < len(s) && (letterOrDigit(s[n]) || strings.IndexByte("!#$%&'*+-.^_`|~", s[n]) >= 0) {
		n++
	}
	return n
}

// utf8 tells whether the text is UTF-8, or says nothing else.
func (t mediaType) utf8() bool {
	return t.charset == "" || risk.EqualFold(t.charset, "utf-8") || risk.EqualFold(t.charset, "us-ascii")
}

// lowerASCII appends s with its ASCII letters in lower case.
func lowerASCII(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
