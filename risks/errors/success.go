package errors

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// maxHidden is how many strings of one reply are hidden one by one; with more,
// the whole body goes.
const maxHidden = 64

// hidden stands in place of a string that shows the inside of the service.
const hidden = `"[hidden]"`

// success decides about a 2xx reply, of which t is what it holds: two marks
// are needed. A text that the contract declares may speak of anything, a
// ticket of a stack trace, a lesson of SQL: only what stands where errors are
// told, or where the contract declares nothing, is hidden.
func success(x *risk.Exchange, r *risk.Response, t *tally) {
	if t.total() < 2 {
		return
	}
	if found, sum, ok := told(x.ReplyReading(), r); ok {
		hideStrings(x, found, &sum)
	} else if outside(x.ReplyReading()) && t.proofs > 0 {
		hide(x, CodeLeak, titleRefused)
	}
}

// A secret is a string that may show the inside of the service.
type secret struct {
	start, end int
	pointer    string
}

// hideStrings hides strings that hold sum together.
func hideStrings(x *risk.Exchange, found []secret, sum *tally) {
	switch {
	case !sum.inside():
	case len(found) > maxHidden:
		hide(x, CodeLeak, titleRefused)
	default:
		for _, s := range found {
			x.Edit(risk.Edit{Do: risk.ReplaceSpan, On: risk.OnReply, Stage: risk.Mask, Value: hidden, Start: s.start, End: s.end, Pointer: s.pointer})
		}
	}
}

// told finds the strings with marks that stand where errors are told, and what
// they hold together. ok is false where the body is no JSON.
func told(reading *risk.Reading, r *risk.Response) (found []secret, sum tally, ok bool) {
	marks := undeclared(reading)
	many := manyTexts(r.Media)
	for n, text := range texts(r) {
		var d jsonx.Doc
		if d.Parse(r.Body[text.start:text.end]) != nil {
			return nil, tally{}, false
		}
		for i := range suspicious(&d, marks, text.start) {
			node := d.Node(i)
			start, end := int(node.Start)+text.start, int(node.End)+text.start
			var one tally
			if one.escaped(r.Body[start:end]); one.total() == 0 {
				continue
			}
			sum.add(&one)
			s := secret{start: start, end: end}
			if len(found) <= maxHidden { // finding a pointer takes time
				s.pointer = d.Pointer(i)
				if many {
					s.pointer = "/" + strconv.Itoa(n) + s.pointer
				}
			}
			found = append(found, s)
		}
	}
	return found, sum, true
}

// A span is a part of a body.
type span struct{ start, end int }

// texts are the JSON texts of a body: one, or as many as its media type has.
func texts(r *risk.Response) []span {
	separator := byte('\n')
	switch {
	case !manyTexts(r.Media):
		return []span{{0, len(r.Body)}}
	case strings.HasSuffix(r.Media, "json-seq"):
		separator = 0x1e
	}
	var out []span
	for at := 0; at < len(r.Body); {
		n := bytes.IndexByte(r.Body[at:], separator)
		if n < 0 {
			n = len(r.Body) - at
		}
		if n > 0 {
			out = append(out, span{at, at + n})
		}
		at += n + 1
	}
	return out
}

// manyTexts tells whether bodies of this type are JSON texts one after the
// other.
func manyTexts(media string) bool {
	return isJSON(media) && !strings.HasSuffix(media, "/json") && !strings.HasSuffix(media, "+json")
}

// undeclared are the spans of the values that the contract does not declare, in
// the order of the body.
func undeclared(r *risk.Reading) []span {
	var out []span
	for i := range r.Marks {
		if m := &r.Marks[i]; outsideMark(m) {
			out = append(out, span{m.Value, m.End})
		}
	}
	slices.SortFunc(out, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return out
}

// suspicious are the strings that stand where errors are told: under a name for
// such things, beside one, or outside the contract. The text of d starts at an
// offset of the body. It is one walk over values and marks, and one over values.
func suspicious(d *jsonx.Doc, marks []span, offset int) iter.Seq[int] {
	under, beside := make([]bool, d.Len()), make([]bool, d.Len()) // by value; the latter by its parent
	for i := range d.Len() {
		up := int(d.Node(i).Parent)
		tells := tellsErrors(d.Key(i))
		under[i] = tells || up >= 0 && under[up]
		if tells && up >= 0 {
			beside[up] = true
		}
	}
	return func(yield func(int) bool) {
		next, until := 0, 0 // up to where what began so far is undeclared
		for i := range d.Len() {
			n := d.Node(i)
			start, end := int(n.Start)+offset, int(n.End)+offset
			for ; next < len(marks) && marks[next].start <= start; next++ {
				until = max(until, marks[next].end)
			}
			if d.Kind(i) == jsonx.String && (under[i] || n.Parent >= 0 && beside[n.Parent] || end <= until) && !yield(i) {
				return
			}
		}
	}
}

// tellsErrors tells whether a member with this name speaks of an error.
func tellsErrors(name []byte) bool {
	switch fold(name) {
	case "error", "errors", "err", "errormessage", "errordetail", "errordetails", "exception", "exceptions", "exceptionmessage", "innerexception",
		"trace", "traces", "stack", "stacktrace", "stacktraces", "traceback", "backtrace", "callstack", "debug", "debuginfo", "debugmessage", "developermessage", "sqlerror", "sqlmessage", "sqlstate", "fault", "faultstring":
		return true
	}
	return false
}

// fold writes a name in small letters without _ and -.
func fold(name []byte) string {
	const longest = 32
	if len(name) > longest {
		return ""
	}
	var b strings.Builder
	for _, c := range name {
		switch {
		case c == '_' || c == '-':
		case c >= 'A' && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
