package jsonx

import (
	"encoding/binary"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special tells whether one of eight bytes is a quote, a backslash, a control
// character or not ASCII. A borrow can only raise a false alarm above a true
// one, so the answer for the word as a whole is exact.
func special(w uint64) bool {
	quote := w ^ ones*'"'
	back := w ^ ones*'\\'
	return ((w-ones*0x20)|(quote-ones)|(back-ones)|w)&highs != 0
}

// text checks the string that starts with the quote at this offset, gives the
// offset behind it and says whether it has escapes.
func (p *parser) text(start int) (int, bool) {
	src, escaped := p.src, false
	for i := start + 1; ; {
		for i+8 <= len(src) && !special(binary.LittleEndian.Uint64(src[i:])) {
			i += 8
		}
		for i < len(src) && plain(src[i]) {
			i++
		}
		if i >= len(src) {
			return p.refuse(Unfinished, start), escaped
		}
		switch c := src[i]; {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			n, r := escape(src[i:])
			if r != "" {
				return p.refuse(r, i), escaped
			}
			escaped = true
			i += n
		case c < 0x20:
			return p.refuse(Control, i), escaped
		default:
			r, n := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && n == 1 {
				return p.refuse(UTF8, i), escaped
			}
			i += n
		}
	}
}

// plain tells whether c stands for itself in a string and is ASCII.
func plain(c byte) bool { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' }

// escape measures the escape that s starts with, a surrogate pair as one.
func escape(s []byte) (int, Reason) {
	if len(s) < 2 {
		return 0, Unfinished
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
	default:
		return 0, BadEscape
	}
	u, ok := unit(s)
	switch {
	case !ok:
		return 0, BadEscape
	case u < 0xd800 || u > 0xdfff:
		return 6, ""
	}
	low, ok := unit(s[6:])
	if u > 0xdbff || !ok || low < 0xdc00 || low > 0xdfff {
		return 0, Surrogate
	}
	return 12, ""
}

// unit reads the \uXXXX that s starts with.
func unit(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var u rune
	for _, c := range s[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		u = u<<4 | rune(c)
	}
	return u, true
}

// appendUnescaped appends the decoded form of s, which text has accepted.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			i++
			continue
		}
		switch c := s[i+1]; c {
		case 'u':
			u, _ := unit(s[i:])
			i += 6
			if u >= 0xd800 && u <= 0xdbff {
				low, _ := unit(s[i:])
				u = (u-0xd800)<<10 + (low - 0xdc00) + 0x10000
				i += 6
			}
			dst = utf8.AppendRune(dst, u)
			continue
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		default:
			dst = append(dst, c)
		}
		i += 2
	}
	return dst
}
