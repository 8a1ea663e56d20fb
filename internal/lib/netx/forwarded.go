package netx

import (
	"net/netip"
	"strings"
)

// forwarded takes the right-most element of RFC 7239's field off.
//
// The obvious way, left to right, would let a client break the parse: an
// unclosed quote before a proxy's own element swallows it. Going from the
// right, the shortest suffix after a comma that is a whole element is taken.
// Where the line is well-formed both ways agree, because a suffix that starts
// inside a quoted string has its quotes the wrong way round and so never
// closes.
func (w *walk) forwarded() (hop, state) {
	if !w.rest.line() {
		return hop{}, ended
	}
	text := w.rest.text
	for i := len(text); i >= 0 && len(text)-i <= maxElement; {
		i = strings.LastIndexByte(text[:i], ',')
		element := strings.Trim(text[i+1:], " \t")
		if h, ok := parseElement(element); ok {
			if !h.addr.IsValid() {
				return hop{}, broken
			}
			w.rest.cut(i)
			return h, found
		}
	}
	return hop{}, broken
}

// parseElement reads forwarded-element (RFC 7239, section 4): pairs of token,
// "=", and token or quoted-string, joined by ";". The address is the zero Addr
// when "for" is absent, stands twice or is no address, such as "unknown".
func parseElement(s string) (hop, bool) {
	var h hop
	if len(s) > maxElement {
		return h, false
	}
	fors, protos := 0, 0
	for {
		name, value, rest, ok := pair(s)
		if !ok {
			return h, false
		}
		switch {
		case strings.EqualFold(name, "for"):
			h.addr, _ = parseFor(value)
			fors++
		case strings.EqualFold(name, "proto"):
			h.proto = value
			protos++
		}
		if rest == "" {
			if fors > 1 || protos > 1 {
				h = hop{}
			}
			return h, true
		}
		s = rest[1:]
	}
}

// parseFor reads the value of "for" as section 6 writes it: an IPv4 address or
// a bracketed IPv6 one, each with an optional port.
func parseFor(s string) (netip.Addr, bool) {
	addr, ok := parseNode(s)
	if !ok || s[0] != '[' && addr.Is6() {
		return netip.Addr{}, false
	}
	return addr, true
}

// pair reads one name=value; rest is empty or starts with ";".
func pair(s string) (name, value, rest string, ok bool) {
	n := tokenLen(s)
	if n == 0 || n == len(s) || s[n] != '=' {
		return "", "", "", false
	}
	name, s = s[:n], s[n+1:]
	if strings.HasPrefix(s, `"`) {
		value, rest, ok = quoted(s)
	} else {
		n = tokenLen(s)
		value, rest, ok = s[:n], s[n:], n > 0
	}
	if !ok || rest != "" && rest[0] != ';' {
		return "", "", "", false
	}
	return name, value, rest, true
}

// quoted reads a quoted-string (RFC 9110, section 5.6.4) and removes its
// escapes.
func quoted(s string) (value, rest string, ok bool) {
	escaped := false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			value = s[1:i]
			if escaped {
				value = unescape(value)
			}
			return value, s[i+1:], true
		case c == '\\':
			escaped = true
			i++
			if i == len(s) || !text(s[i]) {
				return "", "", false
			}
		case !text(c):
			return "", "", false
		}
	}
	return "", "", false
}

func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// text tells whether c may stand in a quoted string, after a backslash or not.
func text(c byte) bool { return c == '\t' || c >= 0x20 && c != 0x7f }

// tokenLen is the length of the token (RFC 9110, section 5.6.2) at the start
// of s.
func tokenLen(s string) int {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return i
		}
	}
	return len(s)
}
