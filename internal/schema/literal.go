package schema

import (
	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
)

// appendScalar appends text as a JSON value of the first type that fits, in
// the order null, boolean, integer, number, string. What fits none is appended
// as a string, for the check of the type to refuse. 1.5 is a string where
// integers and strings are lawful.
func appendScalar(dst []byte, text string, t contract.Types) []byte {
	const stringOrInteger = contract.IntegerType | contract.StringType
	switch {
	case t&contract.NullType != 0 && text == "null",
		t&contract.BooleanType != 0 && (text == "true" || text == "false"),
		t&(contract.NumericType|contract.IntegerType) != 0 && validNumber(text) &&
			(t&(stringOrInteger|contract.NumericType) != stringOrInteger || whole(text)):
		return append(dst, text...)
	}
	return appendString(dst, text)
}

// whole tells whether a number is an integer, be it written as 1.0 or 1e3.
func whole(text string) bool {
	d, _ := parseDecimal([]byte(text), nil)
	return d.whole()
}

const hexDigits = "0123456789abcdef"

// appendString appends text as a JSON string. What is not UTF-8 stays as it
// is, for the reader to refuse.
func appendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
			continue
		}
		dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	dst = append(dst, text[from:]...)
	return append(dst, '"')
}

// validText tells whether text can be a JSON string.
func validText(text string) bool { return utf8.ValidString(text) }
