package schema

import (
	"bytes"
	"unicode/utf8"
)

// isIRI is IRI of RFC 3987 section 2.2.
func isIRI(s []byte) bool {
	s, ok := folded(s)
	return ok && isURI(s)
}

// isIRIReference is IRI-reference of RFC 3987 section 2.2.
func isIRIReference(s []byte) bool {
	s, ok := folded(s)
	return ok && isURIReference(s)
}

// folded puts a letter for every character of ucschar, and in the query of
// iprivate, which stand where letters may. What is ASCII stays as it is.
func folded(s []byte) ([]byte, bool) {
	if ascii(s) {
		return s, true
	}
	out := make([]byte, 0, len(s))
	query := false
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch {
		case r < utf8.RuneSelf:
			query = r == '?' || query && r != '#'
			out = append(out, byte(r))
		case ucschar(r), query && private(r):
			out = append(out, 'a')
		default:
			return nil, false
		}
		s = s[n:]
	}
	return out, true
}

func ascii(s []byte) bool {
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// ucschar is the rule of that name: no control, private or unassigned planes,
// and no noncharacters.
func ucschar(r rune) bool {
	return r >= 0xa0 && r <= 0xd7ff || r >= 0xf900 && r <= 0xfdcf || r >= 0xfdf0 && r <= 0xffef ||
		r >= 0x10000 && r <= 0xdfffd && r&0xffff <= 0xfffd || r >= 0xe1000 && r <= 0xefffd
}

// private is iprivate.
func private(r rune) bool {
	return r >= 0xe000 && r <= 0xf8ff || r >= 0xf0000 && r <= 0x10fffd && r&0xffff <= 0xfffd
}

// isURITemplate is URI-Template of RFC 6570 section 2. The operators that it
// reserves are refused; the apostrophe is lawful (erratum 6937).
func isURITemplate(s []byte) bool {
	for len(s) > 0 {
		switch c := s[0]; {
		case c == '{':
			inner, rest, ok := bytes.Cut(s[1:], []byte("}"))
			if !ok || !expression(inner) {
				return false
			}
			s = rest
		case c == '%':
			if !triplet(s) {
				return false
			}
			s = s[3:]
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(s)
			if !ucschar(r) && !private(r) {
				return false
			}
			s = s[n:]
		case c <= ' ' || c == 0x7f || bytes.IndexByte([]byte("\"<>\\^`|}"), c) >= 0:
			return false
		default:
			s = s[1:]
		}
	}
	return true
}

func triplet(s []byte) bool {
	return len(s) >= 3 && s[0] == '%' && hexDigit(s[1]) && hexDigit(s[2])
}

// expression is what stands in braces.
func expression(s []byte) bool {
	if len(s) > 0 && bytes.IndexByte([]byte("+#./;?&"), s[0]) >= 0 {
		s = s[1:]
	}
	for more := true; more; {
		var spec []byte
		spec, s, more = bytes.Cut(s, []byte(","))
		if !varspec(spec) {
			return false
		}
	}
	return true
}

// varspec is a name, and perhaps how much of its value is taken.
func varspec(s []byte) bool {
	name, length, cut := bytes.Cut(s, []byte(":"))
	switch {
	case cut:
		if len(length) == 0 || len(length) > 4 || length[0] == '0' || countDigits(length) != len(length) {
			return false
		}
	default:
		name = bytes.TrimSuffix(name, []byte("*"))
	}
	dot := true
	for len(name) > 0 {
		switch c := name[0]; {
		case c == '.':
			if dot {
				return false
			}
			name, dot = name[1:], true
			continue
		case letterOrDigit(c), c == '_':
			name = name[1:]
		case triplet(name):
			name = name[3:]
		default:
			return false
		}
		dot = false
	}
	return !dot
}

// isRelativePointer is draft-bhutton-relative-json-pointer-00 section 3,
// without index manipulation.
func isRelativePointer(s []byte) bool {
	n := countDigits(s)
	if n == 0 || n > 1 && s[0] == '0' {
		return false
	}
	return string(s[n:]) == "#" || isPointer(s[n:])
}
