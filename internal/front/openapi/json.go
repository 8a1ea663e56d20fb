package openapi

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport/sallyport/source"
)

// A broken file has one syntax error that ends the reading of it.
type broken struct {
	off int
	problem
}

// Error is for the reader's own use; users see the diagnostic.
func (b *broken) Error() string { return b.text }

// readJSON fills the cells of f from its text: JSON by RFC 8259, nothing more.
// Duplicate names, depth above MaxDepth and text behind the value are broken.
func readJSON(f *file) *broken {
	d := f.data
	guess := strings.Count(d, ":")*2 + strings.Count(d, ",") + 16
	r := &jsonReader{f: f, d: d}
	f.cells = make([]cell, 0, min(guess, len(d)+1))
	if !r.value(0) {
		return r.err
	}
	if r.blank(); r.at < len(d) {
		r.fail(CodeSyntax, "a document is one JSON value: remove what stands behind it", "text stands behind the end of the document")
		return r.err
	}
	return nil
}

type jsonReader struct {
	f   *file
	d   string
	at  int
	err *broken
}

func (r *jsonReader) fail(code source.Code, hint, format string, args ...any) bool {
	r.err = &broken{min(r.at, len(r.d)), say(code, hint, format, args...)}
	return false
}

func (r *jsonReader) blank() {
	for r.at < len(r.d) {
		switch r.d[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

// peek skips blanks and returns the next byte, 0 at the end.
func (r *jsonReader) peek() byte {
	r.blank()
	if r.at >= len(r.d) {
		return 0
	}
	return r.d[r.at]
}

// push appends a cell at the current place and returns its index.
func (r *jsonReader) push(k source.Kind) uint32 {
	r.f.cells = append(r.f.cells, cell{off: uint32(r.at), size: 1, kind: k})
	return uint32(len(r.f.cells) - 1)
}

func (r *jsonReader) value(depth int) bool {
	if depth > MaxDepth {
		return r.fail(CodeDepth, "flatten the document", "values are nested more than %d deep", MaxDepth)
	}
	switch c := r.peek(); {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '"':
		return r.text()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	case c == 't':
		return r.word("true", source.Bool)
	case c == 'f':
		return r.word("false", source.Bool)
	case c == 'n':
		return r.word("null", source.Null)
	case r.at >= len(r.d):
		return r.fail(CodeSyntax, "is the file complete?", "the document ends where a value is expected")
	}
	return r.fail(CodeSyntax, "write a JSON value: {, [, a text in double quotes, a number, true, false or null", "no value can start with %s", r.shown())
}

// shown is the character at the current place in quotes.
func (r *jsonReader) shown() string {
	if r.at >= len(r.d) {
		return "the end of the document"
	}
	c, _ := utf8.DecodeRuneInString(r.d[r.at:])
	return strconv.QuoteRune(c)
}

func (r *jsonReader) word(w string, k source.Kind) bool {
	if !strings.HasPrefix(r.d[r.at:], w) {
		return r.fail(CodeSyntax, "texts stand in double quotes", "the word is not %s", w)
	}
	i := r.push(k)
	if w == "true" {
		r.f.cells[i].n = 1
	}
	r.at += len(w)
	return true
}

func (r *jsonReader) object(depth int) bool {
	i := r.push(source.Object)
	r.at++
	n := uint32(0)
	if r.peek() == '}' {
		r.at++
		return true
	}
	for {
		if r.peek() != '"' {
			return r.fail(CodeSyntax, "names stand in double quotes, and no comma before }", "a member name is expected, not %s", r.shown())
		}
		if !r.text() {
			return false
		}
		if r.peek() != ':' {
			return r.fail(CodeSyntax, "write a colon between name and value", "a colon is expected, not %s", r.shown())
		}
		r.at++
		if !r.value(depth + 1) {
			return false
		}
		n++
		switch r.peek() {
		case ',':
			r.at++
			continue
		case '}':
			r.at++
			return r.close(i, n)
		}
		return r.fail(CodeSyntax, "write a comma between members, } at the end", "a comma or } is expected, not %s", r.shown())
	}
}

// close completes the object at i and refuses duplicate names.
func (r *jsonReader) close(i, n uint32) bool {
	c := &r.f.cells[i]
	c.n, c.size = n, uint32(len(r.f.cells))-i
	first, second, found := r.f.duplicate(i)
	if !found {
		return true
	}
	r.err = duplicateName(first, second)
	return false
}

// duplicateName is the refusal of a second member of the same name.
func duplicateName(first, second node) *broken {
	line, _ := first.f.place(first.offset())
	return &broken{second.offset(), say(CodeDuplicateName, "keep one of the two: readers do not agree on which one counts",
		"the name %q stands twice in this object, first in line %d", clip(second.text()), line)}
}

func (r *jsonReader) array(depth int) bool {
	i := r.push(source.Array)
	r.at++
	n := uint32(0)
	if r.peek() == ']' {
		r.at++
		return true
	}
	for {
		if !r.value(depth + 1) {
			return false
		}
		n++
		switch r.peek() {
		case ',':
			r.at++
			continue
		case ']':
			r.at++
			c := &r.f.cells[i]
			c.n, c.size = n, uint32(len(r.f.cells))-i
			return true
		}
		return r.fail(CodeSyntax, "write a comma between elements, ] at the end", "a comma or ] is expected, not %s", r.shown())
	}
}

// text reads a quoted text.
func (r *jsonReader) text() bool {
	i := r.push(source.String)
	start := r.at + 1
	for at := start; at < len(r.d); at++ {
		switch c := r.d[at]; {
		case c == '"':
			r.f.cells[i].n = uint32(at - start)
			r.at = at + 1
			return true
		case c == '\\':
			r.f.cells[i].form = escaped
			n := escapeLength(r.d[at:])
			if n == 0 {
				r.at = at
				return r.fail(CodeSyntax, `write \\ for a backslash`, "the escape is not known in JSON")
			}
			at += n - 1
		case c < 0x20:
			r.at = at
			return r.fail(CodeSyntax, `write \n for a line end, \t for a tab`, "a text holds the control character %q", c)
		}
	}
	return r.fail(CodeSyntax, "close the text with a double quote", "the text that starts here does not end")
}

// escapeLength is the length of the escape that s starts with, 0 if unknown.
func escapeLength(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(s) >= 6 && hex4(s[2:6]) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 reads four hexadecimal digits, -1 if they are none.
func hex4(s string) rune {
	v := rune(0)
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			v = v<<4 | rune(c-'A'+10)
		default:
			return -1
		}
	}
	return v
}

// unescape decodes the body of a JSON text whose escapes were checked. Half a
// surrogate pair becomes U+FFFD.
func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			j := strings.IndexByte(s[i:], '\\')
			if j < 0 {
				j = len(s) - i
			}
			b.WriteString(s[i : i+j])
			i += j
			continue
		}
		c := s[i+1]
		if at := strings.IndexByte(`bfnrt`, c); at >= 0 {
			b.WriteByte("\b\f\n\r\t"[at])
			i += 2
			continue
		}
		if c != 'u' {
			b.WriteByte(c)
			i += 2
			continue
		}
		v := hex4(s[i+2 : i+6])
		i += 6
		if utf16.IsSurrogate(v) {
			low := rune(-1)
			if i+6 <= len(s) && s[i] == '\\' && s[i+1] == 'u' {
				low = hex4(s[i+2 : i+6])
			}
			if v = utf16.DecodeRune(v, low); v != utf8.RuneError {
				i += 6
			}
		}
		b.WriteRune(v)
	}
	return b.String()
}

// number reads a number by the grammar of RFC 8259 section 6.
func (r *jsonReader) number() bool {
	n := numberLength(r.d[r.at:])
	if n == 0 {
		return r.fail(CodeSyntax, "write 0.5, not .5; 1, not 01 or +1", "the number is not a JSON number")
	}
	i := r.push(source.Number)
	r.f.cells[i].n = uint32(n)
	r.at += n
	return true
}

// numberLength is the length of the JSON number that s starts with, 0 if it
// starts with none.
func numberLength(s string) int {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	zero := i
	if !digits() || s[zero] == '0' && i > zero+1 {
		return 0
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return 0
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}

// clip bounds a text of the user in a message.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
