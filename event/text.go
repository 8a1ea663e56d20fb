package event

import "unicode/utf8"

const hex = "0123456789abcdef"

// appendText writes s behind the opening quote of a JSON string, safe to print
// and such that it reads back as at most limit bytes, with the closing quote;
// whole tells whether all of s went in.
func appendText(dst []byte, s string, limit int) (out []byte, whole bool) {
	from, extra := 0, 0 // extra: U+FFFD is two bytes longer than the byte it stands for
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && i+extra < limit {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		broken := r == utf8.RuneError && size == 1
		if broken {
			extra += 2
		}
		if i+size+extra > limit {
			return append(append(dst, s[from:i]...), '"'), false
		}
		i += size
		if !broken && c >= utf8.RuneSelf && !invisible(r) {
			continue
		}
		dst = append(dst, s[from:i-size]...)
		dst = appendEscaped(dst, r)
		from = i
	}
	return append(append(dst, s[from:]...), '"'), true
}

// plain tells whether all of s is printable ASCII without quote and backslash.
// It looks at eight bytes at a time, and at the last eight once more where the
// length is no multiple of that.
func plain(s string) bool {
	n := len(s)
	if n < 8 {
		for i := range n {
			if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
				return false
			}
		}
		return true
	}
	bad := odd(s[n-8:])
	for ; len(s) >= 8; s = s[8:] {
		bad |= odd(s)
	}
	return bad == 0
}

// odd is 0 when the first eight bytes of s are plain: subtracting borrows into
// the high bit of each byte that is too small, adding carries into that of
// each that is too great.
func odd(s string) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	_ = s[7]
	x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	quote, back := x^(ones*'"'), x^(ones*'\\')
	return (x | (x - ones*' ') | (x + ones) | (quote - ones) | (back - ones)) & highs
}

// appendEscaped writes one character that may not stand as it is.
func appendEscaped(dst []byte, r rune) []byte {
	switch {
	case r == '"', r == '\\':
		return append(dst, '\\', byte(r))
	case r == utf8.RuneError:
		return utf8.AppendRune(dst, r)
	}
	if r > 0xffff {
		r -= 0x10000
		return appendHex(appendHex(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
	}
	return appendHex(dst, r)
}

func appendHex(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// invisible tells whether a character could move or hide what stands beside it:
// C1 controls, marks and overrides of direction, joiners and other zero-width
// characters, separators of lines, the byte order mark, annotations and tags.
func invisible(r rune) bool {
	switch {
	case r < 0xa0, r == 0xad, r == 0x061c, r == 0x180e, r == 0xfeff:
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}
