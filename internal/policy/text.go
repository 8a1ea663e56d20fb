package policy

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/source"
)

// Limits of the text of a policy. A policy of 10,000 operations with settings
// for each is under 2 MiB, and the deepest value of the grammar is 12 deep.
const (
	MaxText  = 4 << 20 // bytes
	MaxDepth = 64      // lists and maps inside each other
)

// text is the policy as bytes, cut into lines for the carets.
type text struct {
	file  string
	lines []string
}

// newText checks that raw can be shown and counted in lines and columns the
// same way by everybody.
func newText(file string, raw []byte) (*text, source.List) {
	var l source.List
	if len(raw) > MaxText {
		l.Add(source.Diagnostic{At: source.Span{File: file}, Code: CodeTooLarge,
			Text: fmt.Sprintf("the policy is over %d MiB", MaxText>>20), Hint: "a policy is settings, not data"})
		return nil, l
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	t := &text{file: file}
	for line := range strings.SplitSeq(string(raw), "\n") {
		t.lines = append(t.lines, strings.TrimSuffix(line, "\r"))
	}
	for n, line := range t.lines {
		if col := badByte(line); col >= 0 && !l.Full() {
			l.Add(t.diagnostic(source.Span{File: file, Line: n + 1, Col: col + 1}, CodeEncoding,
				"the text holds a byte that is not printable UTF-8", "save the file as UTF-8 without control characters"))
		}
	}
	return t, l
}

// badByte is the offset of the first character that YAML does not take, or
// that some readers take for the end of a line, or -1.
func badByte(line string) int {
	for i, r := range line {
		switch {
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(line[i:]); size == 1 {
				return i
			}
		case r < 0x20 && r != '\t', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return i
		}
	}
	return -1
}

// span turns a line and a column in characters, both from 1, into a Span.
func (t *text) span(line, char int) source.Span {
	s := source.Span{File: t.file, Line: line, Col: char}
	if line > len(t.lines) { // the YAML library puts what is missing at the end behind it
		s.Line = len(t.lines)
		s.Col = len(t.lines[s.Line-1]) + 1
		return s
	}
	if line < 1 {
		return s
	}
	n := 0
	for i := range t.lines[line-1] {
		if n++; n == char {
			s.Col = i + 1
			return s
		}
	}
	s.Col = len(t.lines[line-1]) + 1
	return s
}

// line is the text of the line at s, or "".
func (t *text) line(s source.Span) string {
	if t == nil || s.File != t.file || s.Line < 1 || s.Line > len(t.lines) {
		return ""
	}
	return t.lines[s.Line-1]
}

func (t *text) diagnostic(at source.Span, code source.Code, what, hint string) source.Diagnostic {
	return source.Diagnostic{At: at, Code: code, Text: what, Hint: hint, Line: t.line(at)}
}
