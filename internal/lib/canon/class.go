package canon

// Sets of ASCII bytes as two words of bits each, so that they are constants.
const (
	digits    uint64 = 0x3ff << '0'
	letters   uint64 = 0x3ffffff<<('A'-64) | 0x3ffffff<<('a'-64)
	subDelims uint64 = 1<<'!' | 1<<'$' | 1<<'&' | 1<<'\'' | 1<<'(' | 1<<')' | 1<<'*' | 1<<'+' | 1<<',' | 1<<'='

	unreservedLow  = digits | 1<<'-' | 1<<'.'
	unreservedHigh = letters | 1<<('_'-64) | 1<<('~'-64)
	// pchar of RFC 3986 section 3.3 without '%' and ';'.
	pcharLow  = unreservedLow | subDelims | 1<<':'
	pcharHigh = unreservedHigh | 1<<('@'-64)
	// token of RFC 9110 section 5.6.2.
	tokenLow  = digits | 1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' | 1<<'*' | 1<<'+' | 1<<'-' | 1<<'.'
	tokenHigh = letters | 1<<('^'-64) | 1<<('_'-64) | 1<<('`'-64) | 1<<('|'-64) | 1<<('~'-64)
)

// in tells whether c is in the set of the two words. It is written so that the
// compiler needs no jump between the words: letters and digits alternate.
func in(c byte, low, high uint64) bool {
	word := low
	if c >= 64 {
		word = high
	}
	return c < 128 && word>>(c&63)&1 == 1
}

func unreserved(c byte) bool { return in(c, unreservedLow, unreservedHigh) }
func pchar(c byte) bool      { return in(c, pcharLow, pcharHigh) }

// TokenByte tells whether c may stand in a token (RFC 9110 section 5.6.2).
func TokenByte(c byte) bool { return in(c, tokenLow, tokenHigh) }

// quoted tells which bytes browsers send raw although RFC 3986 wants them
// percent-encoded; Path encodes them.
func quoted(c byte) bool { return c == '[' || c == ']' || c == '|' || c == '^' }

// ctl tells whether c is a control character of ASCII.
func ctl(c byte) bool { return c < 0x20 || c == 0x7f }

// Unhex gives the value of a hexadecimal digit of either case, and whether c is
// one.
func Unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// triplet decodes the percent triplet at s[i:], where s[i] is '%'.
func triplet[T string | []byte](s T, i int) (byte, bool) {
	if i+2 >= len(s) {
		return 0, false
	}
	h, ok := Unhex(s[i+1])
	l, ok2 := Unhex(s[i+2])
	return h<<4 | l, ok && ok2
}

const upperHex = "0123456789ABCDEF"

func appendTriplet(dst []byte, c byte) []byte {
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}
