package errors

import (
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
	var d jsonx.Doc
	if d.Parse(r.Body) == nil {
		told(x, r, &d)
	} else if outside(x.ReplyReading()) && t.proofs > 0 {
		hide(x, CodeLeak, titleRefused)
	}
}

// told hides the strings of a document that tell of the inside of the service.
func told(x *risk.Exchange, r *risk.Response, d *jsonx.Doc) {
	var all tally
	var found []int
	for i := range d.Len() {
		if d.Kind(i) != jsonx.String || !suspicious(d, i, x.ReplyReading()) {
			continue
		}
		n := d.Node(i)
		var one tally
		if one.escaped(r.Body[n.Start:n.End]); one.total() > 0 {
			all.escaped(r.Body[n.Start:n.End])
			found = append(found, i)
		}
	}
	switch {
	case all.total() < 2 || all.proofs+all.frames == 0:
	case len(found) > maxHidden:
		hide(x, CodeLeak, titleRefused)
	default:
		for _, i := range found {
			n := d.Node(i)
			x.Edit(risk.Edit{
				Do: risk.ReplaceSpan, On: risk.OnReply, Stage: risk.Mask, Value: hidden,
				Start: int(n.Start), End: int(n.End), Pointer: d.Pointer(i),
			})
		}
	}
}

// suspicious tells whether string i stands where errors are told: under a name
// for such things, beside one, or outside the contract.
func suspicious(d *jsonx.Doc, i int, r *risk.Reading) bool {
	n := d.Node(i)
	for k := range r.Marks {
		m := &r.Marks[k]
		if (m.Kind == risk.UndeclaredClosed || m.Kind == risk.UndeclaredSilent) && m.Value <= int(n.Start) && int(n.End) <= m.End {
			return true
		}
	}
	for at := i; at >= 0; at = int(d.Node(at).Parent) {
		if tellsErrors(d.Key(at)) {
			return true
		}
	}
	if n.Parent < 0 {
		return false
	}
	for k := range d.Children(int(n.Parent)) {
		if tellsErrors(d.Key(k)) {
			return true
		}
	}
	return false
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
