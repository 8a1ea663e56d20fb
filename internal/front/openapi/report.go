package openapi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/source"
)

// report collects diagnostics so that a flood of warnings can never push an
// Error out of the list.
type report struct {
	errors, others []placed
	more           int // dropped diagnostics
	seen           map[mark]bool
}

// placed is a diagnostic with the order of its file.
type placed struct {
	order int
	d     source.Diagnostic
}

// mark tells repeated diagnostics apart: one place says one thing once.
type mark struct {
	at   source.Span
	code source.Code
	text string
}

// A problem is what a reader found wrong; hint may be empty.
type problem struct {
	code source.Code
	hint string
	text string
}

// say is a problem whose text is formatted.
func say(code source.Code, hint, format string, args ...any) problem {
	return problem{code: code, hint: hint, text: fmt.Sprintf(format, args...)}
}

// maxLine bounds the source line that a diagnostic carries, in bytes. Beyond
// it (a minified document) the place alone is given.
const maxLine = 4096

// add records p at n.
func (r *report) add(severity source.Severity, n node, p problem) {
	if n.f == nil {
		r.put(0, source.Diagnostic{Severity: severity, Code: p.code, Text: p.text, Hint: p.hint})
		return
	}
	r.addAt(severity, n.f, n.offset(), p)
}

// addAt records p at an offset of f.
func (r *report) addAt(severity source.Severity, f *file, offset int, p problem) {
	line, col := f.place(offset)
	d := source.Diagnostic{
		At: source.Span{File: f.name, Line: line, Col: col}, Severity: severity, Code: p.code, Text: p.text, Hint: p.hint,
	}
	if text := f.line(line); len(text) <= maxLine && !r.full(severity) {
		d.Line = strings.Clone(text)
	}
	r.put(f.order, d)
}

func (r *report) put(order int, d source.Diagnostic) {
	m := mark{d.At, d.Code, d.Text}
	if r.seen[m] {
		return
	}
	if r.full(d.Severity) {
		r.more++
		return
	}
	list := &r.others
	if d.Severity == source.Error {
		list = &r.errors
	}
	if r.seen == nil {
		r.seen = map[mark]bool{}
	}
	r.seen[m] = true
	*list = append(*list, placed{order, d})
}

// full tells whether no more diagnostics of that severity are kept.
func (r *report) full(severity source.Severity) bool {
	if severity == source.Error {
		return len(r.errors) >= source.MaxList
	}
	return len(r.others) >= source.MaxList
}

func (r *report) failed() bool { return len(r.errors) > 0 }

// list returns the diagnostics in the order of the text: every Error up to
// source.MaxList, then as many others as fit, and a last line that counts what
// did not.
func (r *report) list() source.List {
	byText := func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.d.At.Line, b.d.At.Line), cmp.Compare(a.d.At.Col, b.d.At.Col))
	}
	bySeverity := func(a, b placed) int { return cmp.Or(cmp.Compare(a.d.Severity, b.d.Severity), byText(a, b)) }
	all := slices.Concat(r.errors, r.others)
	slices.SortStableFunc(all, bySeverity)
	more := r.more
	if len(all) > source.MaxList || more > 0 {
		keep := min(len(all), source.MaxList-1)
		more += len(all) - keep
		all = all[:keep]
	}
	slices.SortStableFunc(all, byText)
	var out source.List
	for _, p := range all {
		out.Add(p.d)
	}
	if more > 0 {
		out.Add(source.Diagnostic{
			At: source.Span{File: all[len(all)-1].d.At.File}, Severity: source.Warning, Code: CodeMore, Text: fmt.Sprintf("%d more diagnostics are not shown", more),
			Hint: "mend these first, then check again",
		})
	}
	return out
}
