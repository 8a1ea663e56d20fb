package schema

import "bytes"

// isURI is URI of RFC 3986 section 3: with a scheme.
func isURI(s []byte) bool {
	n := scheme(s)
	return n > 0 && hierarchy(s[n:])
}

// isURIReference is URI-reference of RFC 3986 section 4.1.
func isURIReference(s []byte) bool {
	if n := scheme(s); n > 0 {
		return hierarchy(s[n:])
	}
	// The first segment of a relative path has no colon (section 4.2).
	end := bytes.IndexAny(s, "/?#")
	if end < 0 {
		end = len(s)
	}
	return bytes.IndexByte(s[:end], ':') < 0 && hierarchy(s)
}

// scheme is the length of the scheme and colon that s starts with.
func scheme(s []byte) int {
	for i, c := range s {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
		case i > 0 && (c-'0' <= 9 || c == '+' || c == '-' || c == '.'):
		case i > 0 && c == ':':
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// hierarchy checks what stands behind the scheme.
func hierarchy(s []byte) bool {
	if rest, ok := bytes.CutPrefix(s, []byte("//")); ok {
		end := bytes.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		if !authority(rest[:end]) {
			return false
		}
		s = rest[end:]
	}
	s, fragment, _ := bytes.Cut(s, []byte("#"))
	path, query, _ := bytes.Cut(s, []byte("?"))
	return uriText(path, "/:@") && uriText(query, "/?:@") && uriText(fragment, "/?:@")
}

// authority is userinfo, host and port of RFC 3986 section 3.2.
func authority(s []byte) bool {
	if at := bytes.LastIndexByte(s, '@'); at >= 0 {
		if !uriText(s[:at], ":") {
			return false
		}
		s = s[at+1:]
	}
	if len(s) > 0 && s[0] == '[' {
		end := bytes.IndexByte(s, ']')
		if end < 0 || !isIPv6(s[1:end]) && !futureAddress(s[1:end]) {
			return false
		}
		return port(s[end+1:])
	}
	host, number, found := bytes.Cut(s, []byte(":"))
	return uriText(host, "") && (!found || countDigits(number) == len(number))
}

// futureAddress is IPvFuture.
func futureAddress(s []byte) bool {
	if len(s) < 4 || s[0]|0x20 != 'v' {
		return false
	}
	version, rest, ok := bytes.Cut(s[1:], []byte("."))
	for _, c := range version {
		ok = ok && hexDigit(c)
	}
	return ok && len(version) > 0 && len(rest) > 0 && bytes.IndexByte(rest, '%') < 0 && uriText(rest, ":")
}

func port(s []byte) bool {
	return len(s) == 0 || s[0] == ':' && countDigits(s[1:]) == len(s)-1
}

// uriText checks for unreserved characters, sub-delims, triplets and those in
// more.
func uriText(s []byte, more string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case letterOrDigit(c):
		case c == '%':
			if i+2 >= len(s) || !hexDigit(s[i+1]) || !hexDigit(s[i+2]) {
				return false
			}
			i += 2
		case bytes.IndexByte([]byte("-._~!$&'()*+,;="), c) >= 0:
		case bytes.IndexByte([]byte(more), c) >= 0:
		default:
			return false
		}
	}
	return true
}
