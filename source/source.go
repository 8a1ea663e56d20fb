// Package source locates text: files, spans and the diagnostics that point at
// them.
//
// Every parser reports problems as a List of Diagnostic values, so that the
// command line, the console and the SARIF writer show the same message with
// the same caret.
package source

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Span is a place in a named text. The zero Span means "no place known".
type Span struct {
	File string // as the user named it
	Line int    // 1-based; 0 means the whole file
	Col  int    // 1-based, in bytes; 0 means the whole line
}

// IsZero tells whether no place is known.
func (s Span) IsZero() bool { return s == Span{} }

// String is file:line:col, as compilers print it; unknown parts are left out,
// and the zero Span is "-".
func (s Span) String() string {
	switch {
	case s.File == "" && s.Line == 0:
		return "-"
	case s.Line == 0:
		return s.File
	case s.Col == 0:
		return fmt.Sprintf("%s:%d", s.File, s.Line)
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Line, s.Col)
}

// A Code is the stable public name of a kind of diagnostic, such as
// "policy/unknown-key". Codes are never reused; each has a page that
// `sallyport help CODE` prints.
type Code string

// Severity says what a diagnostic means for what comes next.
type Severity uint8

// The severities. The zero value is the strictest.
const (
	Error   Severity = iota // the text cannot be used
	Warning                 // the text is used, with a loss that is named
	Info                    // worth knowing
)

// String is the word that the diagnostic prints.
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Info:
		return "info"
	}
	return "error"
}

// A Diagnostic is one problem in a user's text.
type Diagnostic struct {
	At       Span
	Severity Severity
	Code     Code
	Text     string // one lower-case sentence without a full stop
	Hint     string // what to write instead; may be empty
	Line     string // the source line at At, for the caret; may be empty
}

// Error is the diagnostic on one line.
func (d Diagnostic) Error() string {
	return fmt.Sprintf("%s: %s %s: %s", d.At, d.Severity, d.Code, d.Text)
}

// String is the diagnostic with its line, caret and hint.
func (d Diagnostic) String() string {
	var b strings.Builder
	b.WriteString(d.Error())
	switch {
	case d.Line != "" && d.At.Line > 0:
		number := fmt.Sprintf("%5d", d.At.Line)
		line, pad := caret(d.Line, d.At.Col)
		fmt.Fprintf(&b, "\n%s | %s\n%s | %s^", number, line, strings.Repeat(" ", len(number)), pad)
		if d.Hint != "" {
			b.WriteString(" " + d.Hint)
		}
	case d.Hint != "":
		b.WriteString("\n      " + d.Hint)
	}
	return b.String()
}

// maxShown bounds how much of a long line is printed, in bytes.
const maxShown = 160

// caret returns the part of line to print and the blanks before the caret.
// Control characters become blanks, so that a hostile document cannot write
// to the terminal.
func caret(line string, col int) (shown, pad string) {
	from := 0
	if col > maxShown-20 {
		from = col - maxShown/2
	}
	if from > len(line) {
		from = len(line)
	}
	for from > 0 && from < len(line) && !utf8.RuneStart(line[from]) {
		from--
	}
	to := min(from+maxShown, len(line))
	shown = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return ' '
		}
		return r
	}, line[from:to])
	// Columns count bytes and terminals characters.
	before := max(min(col-1, len(line))-from, 0)
	return shown, strings.Repeat(" ", utf8.RuneCountInString(line[from:from+before])+max(col-1-len(line), 0))
}

// MaxList is the most diagnostics that one List keeps.
const MaxList = 100

// A List is what a parser returns beside its result: at most MaxList
// diagnostics, in the order of the text. It is an error when it holds one
// with severity Error.
type List []Diagnostic

// Add appends d unless the list is full.
func (l *List) Add(d Diagnostic) {
	if len(*l) < MaxList {
		*l = append(*l, d)
	}
}

// Full tells whether Add would drop a diagnostic.
func (l List) Full() bool { return len(l) >= MaxList }

// Error is one line for each diagnostic.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns l as an error when it holds a diagnostic of severity Error, and
// nil otherwise.
func (l List) Err() error {
	for _, d := range l {
		if d.Severity == Error {
			return l
		}
	}
	return nil
}
