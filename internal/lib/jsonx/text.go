package jsonx

import "unicode/utf8"

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// specials marks, with their highest bits, which of eight bytes are a quote, a
// backslash, a control character or not ASCII. A borrow can only raise a false
// alarm above a true one, so the lowest mark is exact.
func specials(w uint64) uint64 {
	quote := w ^ ones*'"'
	back := w ^ ones*'\\'
	return ((w - ones*0x20) | (quote - ones) | (back - ones) | w) & highs
}

// text checks the string that starts with the quote at this offset, gives the
// offset behind it and says whether it has escapes.
func (p *parser) text(start int) (int, bool) {
	at, escaped, r := ScanString(p.src, start+1)
	switch {
	case r == "":
		return at + 1, escaped
	case r == Unfinished:
		return p.refuse(r, start), escaped
	}
	return p.refuse(r, at), escaped
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
	u, r := unit(s)
	switch {
	case r != "":
		return 0, r
	case u < 0xd800 || u > 0xdfff:
		return 6, ""
	case u > 0xdbff:
		return 0, Surrogate
	}
	low, r := unit(s[6:])
	switch {
	case r == Unfinished:
		return 0, r
	case r != "" || low < 0xdc00 || low > 0xdfff:
		return 0, Surrogate
	}
	return 12, ""
}

// unit reads the \uXXXX that s starts with.
func unit(s []byte) (rune, Reason) {
	var u rune
	for i := range 6 {
		if i >= len(s) {
			return 0, Unfinished
		}
		c := s[i]
		switch {
		case i == 0 && c == '\\' || i == 1 && c == 'u':
			continue
		case i < 2:
			return 0, BadEscape
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, BadEscape
		}
		u = u<<4 | rune(c)
	}
	return u, ""
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
