package schema

import (
	"bytes"
	"math/big"
)

// A decimal is an exact number: digits times 10 to the power of exp. The
// digits have no zero at either end; zero has none.
type decimal struct {
	negative bool
	digits   []byte // '1' to '9' at both ends
	exp      int64
}

// expBound keeps exponents where sums cannot overflow. Nothing that is written
// out in digits comes near it, so comparisons stay right.
const expBound = 1 << 40

// parseDecimal reads a number of RFC 8259. The digits are a part of text or
// are appended to room, which is returned for reuse.
func parseDecimal(text, room []byte) (decimal, []byte) {
	var d decimal
	if len(text) > 0 && text[0] == '-' {
		d.negative, text = true, text[1:]
	}
	dot := -1
	for k, c := range text {
		if c == '.' {
			dot = k
		} else if c|0x20 == 'e' {
			d.exp = parseExp(text[k+1:])
			text = text[:k]
			break
		}
	}
	d.digits = text
	if dot >= 0 {
		room = append(append(room[:0], text[:dot]...), text[dot+1:]...)
		d.exp -= int64(len(text) - dot - 1)
		d.digits = room
	}
	d.trim()
	return d, room
}

func (d *decimal) trim() {
	d.digits = bytes.TrimLeft(d.digits, "0")
	for n := len(d.digits); n > 0 && d.digits[n-1] == '0'; n-- {
		d.digits = d.digits[:n-1]
		d.exp++
	}
	if len(d.digits) == 0 {
		*d = decimal{}
	}
}

func parseExp(s []byte) int64 {
	var v int64
	negative := false
	for _, c := range s {
		switch {
		case c == '-':
			negative = true
		case c == '+':
		case v < expBound:
			v = v*10 + int64(c-'0')
		}
	}
	v = min(v, expBound)
	if negative {
		return -v
	}
	return v
}

// whole tells whether d is an integer, in whatever form.
func (d decimal) whole() bool { return d.exp >= 0 }

// compare is -1, 0 or 1.
func (d decimal) compare(o decimal) int {
	switch {
	case len(d.digits) == 0 && len(o.digits) == 0:
		return 0
	case len(d.digits) == 0:
		return -o.sign()
	case len(o.digits) == 0 || d.negative != o.negative:
		return d.sign()
	}
	c := d.compareMagnitude(o)
	return c * d.sign()
}

func (d decimal) sign() int {
	if d.negative {
		return -1
	}
	return 1
}

func (d decimal) compareMagnitude(o decimal) int {
	a, b := int64(len(d.digits))+d.exp, int64(len(o.digits))+o.exp
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return bytes.Compare(d.digits, o.digits)
}

func (d decimal) equal(o decimal) bool {
	return d.negative == o.negative && d.exp == o.exp && bytes.Equal(d.digits, o.digits)
}

// maxDigits bounds the numbers that are divided exactly: the time is quadratic
// in the digits.
const maxDigits = 1024

// multipleOf tells whether d is a whole multiple of m, which is positive;
// false too where d has too many digits to tell.
func (d decimal) multipleOf(m decimal) bool {
	switch {
	case len(d.digits) == 0:
		return true
	case len(m.digits) == 0 || len(d.digits) > maxDigits || d.exp < m.exp:
		// With d.exp below m.exp, d would need a zero at its end.
		return false
	}
	if shift := d.exp - m.exp; int64(len(d.digits))+shift <= 18 && len(m.digits) <= 18 {
		return integer(d.digits, shift)%integer(m.digits, 0) == 0
	}
	num, _ := new(big.Int).SetString(string(d.digits), 10)
	den, _ := new(big.Int).SetString(string(m.digits), 10)
	shift := new(big.Int).Exp(big.NewInt(10), big.NewInt(d.exp-m.exp), den)
	num.Mul(num, shift)
	return num.Mod(num, den).Sign() == 0
}

// integer is the value of at most 18 digits with zeros behind them.
func integer(text []byte, zeros int64) uint64 {
	var v uint64
	for _, c := range text {
		v = v*10 + uint64(c-'0')
	}
	for ; zeros > 0; zeros-- {
		v *= 10
	}
	return v
}

// short is the value of d where it is an integer of at most 18 digits.
func (d decimal) short() (int64, bool) {
	if d.exp < 0 || int64(len(d.digits))+d.exp > 18 {
		return 0, false
	}
	v := int64(integer(d.digits, d.exp))
	if d.negative {
		v = -v
	}
	return v, true
}

// smallInt is the value of text where it is an integer of at most 18 digits
// without fraction or exponent, the form that nearly all have.
func smallInt(text []byte) (int64, bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	if len(text) == 0 || len(text) > 18 {
		return 0, false
	}
	var v int64
	for _, c := range text {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if negative {
		v = -v
	}
	return v, true
}

// validNumber tells whether s is a number of RFC 8259 section 6.
func validNumber(s string) bool {
	s, _ = cutByte(s, '-')
	n := digits(s)
	if n == 0 || n > 1 && s[0] == '0' {
		return false
	}
	s = s[n:]
	if rest, ok := cutByte(s, '.'); ok {
		n = digits(rest)
		if n == 0 {
			return false
		}
		s = rest[n:]
	}
	if s == "" {
		return true
	}
	if s[0]|0x20 != 'e' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

// cutByte removes c from the front of s.
func cutByte(s string, c byte) (string, bool) {
	if s != "" && s[0] == c {
		return s[1:], true
	}
	return s, false
}

// digits counts the ASCII digits that s starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}
