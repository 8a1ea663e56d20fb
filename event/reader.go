package event

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// A reader reads the JSON that AppendCanonical writes, and no more of JSON than
// that: no blanks, no fractions, no null or false. The first error stays.
type reader struct {
	b         []byte
	i         int
	err       error
	versioned bool // "v" was read
	newer     bool // the record is of a later version than this code
	depth     int
}

// Limits of what is read beyond the fields that are known.
const (
	maxNames = 128 // names of one object
	maxDepth = 8   // of objects and lists in one another
)

func (r *reader) fail(text string) { r.failErr(errors.New(text)) }

// failErr keeps the first error and moves to the end, so that every loop stops.
func (r *reader) failErr(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %w", r.i, err)
		r.i = len(r.b)
	}
}

// next is the byte at the cursor, 0 at the end.
func (r *reader) next() byte {
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

func (r *reader) take(c byte) {
	if r.next() != c || r.i >= len(r.b) {
		r.fail("want " + string(rune(c)))
		return
	}
	r.i++
}

// object reads an object and calls field at each value; field returns false
// for a name that it does not know.
func (r *reader) object(what string, field func(name string) bool) {
	var room [32]string
	seen := room[:0]
	r.take('{')
	if r.depth++; r.depth > maxDepth {
		r.fail("too deep")
	}
	for more := r.next() != '}'; more && r.err == nil; {
		name := r.text(MaxWord)
		if slices.Contains(seen, name) || len(seen) == maxNames {
			r.fail(fmt.Sprintf("the name %.64q stands twice in %q, or there are too many names", name, what))
		}
		seen = append(seen, name)
		r.take(':')
		if r.err == nil && !field(name) {
			r.unknown(name)
		}
		if more = r.next() == ','; more {
			r.i++
		}
	}
	r.depth--
	r.take('}')
}

// unknown skips a field that a later version added.
func (r *reader) unknown(name string) {
	if !r.newer {
		r.fail(fmt.Sprintf("unknown name %.64q", name))
		return
	}
	r.skip()
}

func (r *reader) skip() {
	switch c := r.next(); {
	case c == '{':
		r.object("", func(string) bool { r.skip(); return true })
	case c == '[':
		r.each(math.MaxInt, r.skip)
	case c == '"':
		r.text(MaxBytes)
	case c == 't':
		r.literal("true")
	case c >= '0' && c <= '9':
		r.uint()
	default:
		r.fail("want a value")
	}
}

// each reads a list of at most limit entries, each read by one. A later
// version may have greater bounds; MaxBytes holds for it as well.
func (r *reader) each(limit int, one func()) {
	r.take('[')
	if r.depth++; r.depth > maxDepth {
		r.fail("too deep")
	}
	n := 0
	for more := r.next() != ']'; more && r.err == nil; n++ {
		if n >= limit && !r.newer {
			r.fail("the list is longer than its bound")
			return
		}
		one()
		if more = r.next() == ','; more {
			r.i++
		}
	}
	r.depth--
	r.take(']')
}

func (r *reader) literal(s string) {
	if len(r.b)-r.i < len(s) || string(r.b[r.i:r.i+len(s)]) != s {
		r.fail("want " + s)
		return
	}
	r.i += len(s)
}

func (r *reader) uint() uint64 {
	from, v := r.i, uint64(0)
	for c := r.next(); c >= '0' && c <= '9'; c = r.next() {
		d := uint64(c - '0')
		if v > (math.MaxUint64-d)/10 {
			r.fail("the number is too large")
			return 0
		}
		v = v*10 + d
		r.i++
	}
	if r.err == nil && (r.i == from || (r.b[from] == '0' && r.i > from+1)) {
		r.fail("want a whole number without leading zeros")
	}
	return v
}

func (r *reader) int() int64 {
	v := r.uint()
	if v > math.MaxInt64 {
		r.fail("the number is too large")
		return 0
	}
	return int64(v)
}

// text reads a string of at most limit bytes.
func (r *reader) text(limit int) string {
	r.take('"')
	from := r.i
	for c := r.next(); c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; c = r.next() {
		r.i++
	}
	out := r.b[from:r.i:r.i]
	for r.err == nil && r.next() != '"' {
		out = r.character(out)
	}
	if len(out) > limit && !r.newer {
		r.fail("the text is longer than its bound")
		return ""
	}
	r.take('"')
	return string(out)
}

// character reads one character that is not plain ASCII or follows one.
func (r *reader) character(out []byte) []byte {
	c := r.next()
	switch {
	case c == '\\':
		r.i++
		return r.escape(out)
	case c < 0x20 || c == 0x7f:
		r.fail("a control character, or the end, stands in a string")
		return out
	}
	x, size := utf8.DecodeRune(r.b[r.i:])
	if x == utf8.RuneError && size == 1 {
		r.fail("not UTF-8")
		return out
	}
	if x >= utf8.RuneSelf && invisible(x) {
		r.fail("an invisible character is not escaped")
		return out
	}
	r.i += size
	return utf8.AppendRune(out, x)
}

func (r *reader) escape(out []byte) []byte {
	switch c := r.next(); c {
	case '"', '\\':
		r.i++
		return append(out, c)
	case 'u':
		x := r.unit()
		if utf16.IsSurrogate(x) {
			r.take('\\')
			if x = utf16.DecodeRune(x, r.unit()); x == utf8.RuneError {
				r.fail("half a surrogate pair")
			}
		}
		return utf8.AppendRune(out, x)
	}
	r.fail("unknown escape")
	return out
}

// unit reads the u and the four digits of an escape.
func (r *reader) unit() rune {
	r.take('u')
	if len(r.b)-r.i < 4 {
		r.fail("want four hexadecimal digits")
		return 0
	}
	var x rune
	for _, c := range r.b[r.i : r.i+4] {
		switch {
		case c >= '0' && c <= '9':
			x = x<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			x = x<<4 | rune(c-'a'+10)
		default:
			r.fail("want four hexadecimal digits in lower case")
			return 0
		}
	}
	r.i += 4
	return x
}
