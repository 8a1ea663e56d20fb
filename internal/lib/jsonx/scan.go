package jsonx

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The functions of this file read one token each. They keep no state, so that
// readers of a text in pieces can call them again once more of it is there.

// Skip passes the white space of RFC 8259 section 2 and gives the offset behind
// it.
func Skip(src []byte, at int) int {
	for at < len(src) && src[at] <= ' ' && (src[at] == ' ' || src[at] == '\n' || src[at] == '\r' || src[at] == '\t') {
		at++
	}
	return at
}

// ScanString reads on within a string, from an offset where a character
// starts. Where it finds the quote that ends the string it gives its offset and
// no Reason. Else it gives the offset of the character that is refused; that of
// the first one that is not all there is Unfinished, and reading may go on from
// it with more of the text. It also tells whether it saw a backslash.
func ScanString(src []byte, at int) (end int, escaped bool, r Reason) {
	for {
		for at+8 <= len(src) {
			if w := specials(binary.LittleEndian.Uint64(src[at:])); w != 0 {
				at += bits.TrailingZeros64(w) >> 3
				break
			}
			at += 8
		}
		for at < len(src) && plain(src[at]) {
			at++
		}
		if at >= len(src) {
			return at, escaped, Unfinished
		}
		n := 0
		switch c := src[at]; {
		case c == '"':
			return at, escaped, ""
		case c == '\\':
			escaped = true
			n, r = escape(src[at:])
		case c < 0x20:
			r = Control
		default:
			n, r = character(src[at:])
		}
		if r != "" {
			return at, escaped, r
		}
		at += n
	}
}

// character measures the UTF-8 sequence that s starts with.
func character(s []byte) (int, Reason) {
	r, n := utf8.DecodeRune(s)
	switch {
	case r != utf8.RuneError || n != 1:
		return n, ""
	case !utf8.FullRune(s):
		return 0, Unfinished
	}
	return 0, UTF8
}

// ScanNumber reads the number of RFC 8259 section 6 that starts at an offset
// and gives the one behind it, or false. "01" is refused and not taken for a 0
// with something behind it, since a number is what its writer meant.
func ScanNumber(src []byte, at int) (end int, ok bool) {
	if src[at] == '-' {
		at++
	}
	end = digits(src, at)
	if end == at || end > at+1 && src[at] == '0' {
		return at, false
	}
	if end < len(src) && src[end] == '.' {
		fraction := end + 1
		if end = digits(src, fraction); end == fraction {
			return end, false
		}
	}
	if end < len(src) && src[end]|0x20 == 'e' {
		exponent := end + 1
		if exponent < len(src) && (src[exponent] == '+' || src[exponent] == '-') {
			exponent++
		}
		if end = digits(src, exponent); end == exponent {
			return end, false
		}
	}
	return end, true
}

// AppendText appends the decoded form of s, which ScanString has accepted.
func AppendText(dst, s []byte) []byte { return appendUnescaped(dst, s) }
