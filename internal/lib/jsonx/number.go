package jsonx

import "math"

// Int64 is the exact value of number i; false where it is no number, not
// whole, or out of range. As in JSON Schema the form does not matter: 1.0 and
// 10e-1 are 1, and -0 is 0. The time is linear in the text, whatever the
// exponent says.
func (d *Doc) Int64(i int) (int64, bool) {
	text := d.Number(i)
	if text == nil {
		return 0, false
	}
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	value, ok := whole(text)
	switch {
	case !ok:
		return 0, false
	case negative && value <= 1<<63:
		return -int64(value), true
	case !negative && value <= math.MaxInt64:
		return int64(value), true
	}
	return 0, false
}

// whole is the exact value of a checked, unsigned number up to 10^19.
func whole(text []byte) (uint64, bool) {
	var value uint64
	var scale, pending int64 // the value is value * 10^(scale+pending)
	end, fraction, ok := len(text), false, true
	for j, c := range text {
		if c|0x20 == 'e' {
			end = j
			break
		}
		if c == '.' {
			fraction = true
			continue
		}
		if fraction {
			scale--
		}
		if pending++; c != '0' {
			if value, ok = shift(value, pending); !ok {
				return 0, false
			}
			value += uint64(c - '0')
			pending = 0
		}
	}
	if value == 0 {
		return 0, true
	}
	scale += pending + exponent(text[end:])
	if scale < 0 {
		return 0, false
	}
	return shift(value, scale)
}

// shift is value * 10^n, false above 10^19.
func shift(value uint64, n int64) (uint64, bool) {
	for ; n > 0 && value > 0; n-- {
		if value > 1e18 {
			return 0, false
		}
		value *= 10
	}
	return value, true
}

// exponent reads "e-12", held within a bound that no text's length reaches.
func exponent(s []byte) int64 {
	if len(s) == 0 {
		return 0
	}
	const bound = 1 << 40
	var value int64
	negative := false
	for _, c := range s[1:] {
		switch c {
		case '-':
			negative = true
		case '+':
		default:
			if value < bound {
				value = value*10 + int64(c-'0')
			}
		}
	}
	if negative {
		return -value
	}
	return value
}
