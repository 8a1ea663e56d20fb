package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// reader carries what reading a tree needs: where problems go, and the path to
// the value at hand for their messages.
type reader struct {
	text  *text // nil where the values stand in another document
	risks []risk.Risk
	path  []string
	// errors and notes are apart, so that many notes cannot crowd an error
	// out. failed counts errors, those that found no room among them.
	errors, notes source.List
	failed        int
}

// fail reports an error.
func (r *reader) fail(at source.Span, code source.Code, what, hint string) {
	r.failed++
	r.errors.Add(r.text.diagnostic(at, code, what, hint))
}

// hint gives the last error a hint, if it has none: the first sentence of doc.
func (r *reader) hint(doc string) {
	if n := len(r.errors); n > 0 && r.errors[n-1].Hint == "" {
		r.errors[n-1].Hint, _, _ = strings.Cut(strings.TrimSuffix(doc, "."), ". ")
	}
}

// note reports something worth knowing.
func (r *reader) note(at source.Span, code source.Code, what, hint string) {
	d := r.text.diagnostic(at, code, what, hint)
	d.Severity = source.Info
	r.notes.Add(d)
}

// take adds the errors of another step.
func (r *reader) take(l source.List) {
	for _, d := range l {
		r.failed++
		r.errors.Add(d)
	}
}

// where names the value at hand: "apis.orders.mode".
func (r *reader) where() string {
	if len(r.path) == 0 {
		return "the policy"
	}
	return strings.Join(r.path, ".")
}

// under runs f with name added to the path.
func (r *reader) under(name string, f func()) {
	if len(name) > maxQuoted {
		name = strings.ToValidUTF8(name[:maxQuoted], "") + "…"
	}
	if strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		name = quote(name) // a diagnostic is one line
	}
	r.path = append(r.path, name)
	f()
	r.path = r.path[:len(r.path)-1]
}

// is tells whether v has the kind, and reports where it has not. Absent values
// were reported before.
func (r *reader) is(v source.Value, k source.Kind, want string) bool {
	if v.Kind == k {
		return true
	}
	if v.Kind != source.Absent {
		r.wrongType(v, want)
	}
	return false
}

func (r *reader) wrongType(v source.Value, want string) {
	got := "a " + v.Kind.String()
	switch v.Kind {
	case source.Null:
		got = "empty"
	case source.Array:
		got = "a list"
	case source.Object:
		got = "a map"
	case source.Number, source.Bool:
		got = v.Text
	case source.String, source.Absent:
		got = "text"
	}
	hint := ""
	if v.Kind == source.Null {
		hint = "remove the line, or write the value after the colon"
	}
	r.fail(v.At, CodeWrongType, fmt.Sprintf("%s must be %s, but is %s", r.where(), want, got), hint)
}

// sorted returns the diagnostics in the order of the text, errors before notes
// where there is no room for all.
func (r *reader) sorted() source.List {
	l := join(r.errors, r.notes)
	l = l[:min(len(l), source.MaxList)]
	slices.SortStableFunc(l, func(a, b source.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Col, b.At.Col))
	})
	return l
}
