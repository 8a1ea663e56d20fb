package parser

import (
	"errors"
	"strconv"
	"strings"
)

// numbersHeld tells whether all numbers of a JSON text are held. The text has
// been parsed before, so that only strings have to be told from numbers.
func numbersHeld(text []byte, wide bool) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case digit(c):
			start := i
			for i+1 < len(text) && ofNumber(text[i+1]) {
				i++
			}
			if !held(text[start:i+1], wide) {
				return false
			}
		}
	}
	return true
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func ofNumber(c byte) bool {
	return digit(c) || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

const (
	limit     = "9007199254740992" // 2 to the power of 53: above it, doubles have gaps
	wideLimit = 20                 // digits of the largest unsigned integer of 64 bits
)

// held tells whether a number is the same to parsers that use doubles: at most
// 2 to the power of 53 in whole numbers, and, where it has an exponent, neither
// too large nor too small nor with more digits than are kept. In a wide schema,
// whole numbers may have as many digits as 64 bits hold. Text that is no number
// is held, since others judge it.
func held[T string | []byte](text T, wide bool) bool {
	whole, i := 0, 0 // digits before the point, without leading zeros
	if i < len(text) && text[i] == '-' {
		i++
	}
	for i < len(text) && text[i] == '0' {
		i++
	}
	from := i
	for i < len(text) && digit(text[i]) {
		whole++
		i++
	}
	for j := i; j < len(text); j++ {
		if text[j] == 'e' || text[j] == 'E' {
			return exponentHeld(string(text))
		}
		if text[j] != '.' && !digit(text[j]) {
			return true // no number
		}
	}
	if wide {
		return whole <= wideLimit
	}
	return whole < len(limit) || whole == len(limit) && string(text[from:i]) <= limit
}

// exponentHeld tells whether a number with an exponent comes out of a double
// with the digits that went in. It is rare, and may allocate.
func exponentHeld(text string) bool {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return !errors.Is(err, strconv.ErrRange) // no number
	}
	return significant(text) == significant(strconv.FormatFloat(v, 'e', -1, 64))
}

// significant are the digits of a number without its point, sign, exponent and
// outer zeros.
func significant(text string) string {
	text, _, _ = strings.Cut(strings.ToLower(text), "e")
	return strings.Trim(strings.ReplaceAll(strings.TrimPrefix(text, "-"), ".", ""), "0")
}
