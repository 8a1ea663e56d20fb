package schema

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// where says what a checked value is a part of.
type where struct {
	in     contract.In
	name   string // of the parameter
	prefix string // of pointers
	offset int    // of the value's text in the body
	spans  bool   // the text is that of the body, so that marks can be made
}

// report moves what a check has found to dst.
func (r *run) report(dst *risk.Reading, p *program, w where) {
	if len(r.found) > 0 {
		r.violations(dst, w)
	}
	if p != nil && r.odd {
		r.path = append(r.path[:0], step{})
		r.sweep(dst, w, 0, false)
	}
}

func (r *run) violations(dst *risk.Reading, w where) {
	slices.SortStableFunc(r.found, func(a, b found) int { return cmp.Compare(a.node, b.node) })
	var last found
	for k, f := range r.found {
		if f.closed {
			r.odd = true
			r.state[f.node].flags |= isClosed
		}
		if k > 0 && f == last {
			continue
		}
		last = f
		if len(dst.Violations) >= risk.MaxViolations {
			continue
		}
		pointer := w.prefix + r.doc.Pointer(int(f.node))
		if f.name != "" {
			pointer += "/" + escapePointer(f.name)
		}
		v := risk.Violation{Class: risk.BadValue, In: w.in, Name: w.name, Pointer: pointer, Rule: f.rule}
		if f.at != nil {
			v.At = f.at.At
		}
		dst.Violate(v)
	}
	if r.dropped && w.spans {
		dst.Overflow = true
	}
}

// step is one part of the path to a node.
type step struct{ node, ordinal int }

// sweep marks node i and what is below it. Where it is lost, members that no
// schema evaluated are not called undeclared.
func (r *run) sweep(dst *risk.Reading, w where, i int, lost bool) {
	s, n := &r.state[i], &r.nodes[i]
	lost = lost || s.flags&isLost != 0
	r.markTraits(dst, w, i)
	if n.Kind != jsonx.Object && n.Kind != jsonx.Array {
		return
	}
	ordinal := 0
	r.path = append(r.path, step{})
	for c := i + 1; c < int(n.After); c = int(r.nodes[c].After) {
		r.path[len(r.path)-1] = step{c, ordinal}
		ordinal++
		if n.Kind == jsonx.Object && r.markUndeclared(dst, w, c, s.owner, lost) {
			continue
		}
		r.sweep(dst, w, c, lost)
	}
	r.path = r.path[:len(r.path)-1]
}

// markUndeclared marks member c if no schema names it, and tells whether that
// says all about what is below it.
func (r *run) markUndeclared(dst *risk.Reading, w where, c int, owner *program, lost bool) bool {
	f := r.state[c].flags
	kind := risk.UndeclaredSilent
	switch {
	case f&isClosed != 0:
		kind = risk.UndeclaredClosed
	case f&isDeclared != 0:
		return false
	case f&isOpen != 0:
		kind = risk.UndeclaredOpen
	case lost:
		return false
	}
	r.mark(dst, w, kind, c, owner)
	return kind != risk.UndeclaredOpen || f&isAnything != 0
}

func (r *run) markTraits(dst *risk.Reading, w where, i int) {
	s := &r.state[i]
	if s.flags&(hasReadOnly|hasWriteOnly|hasSensitive) == 0 {
		return
	}
	if s.flags&hasReadOnly != 0 && r.direction == asRequest {
		r.mark(dst, w, risk.ReadOnlyMember, i, s.by)
	}
	if s.flags&hasWriteOnly != 0 && r.direction == asReply {
		r.mark(dst, w, risk.WriteOnlyMember, i, s.by)
	}
	if s.flags&hasSensitive != 0 {
		r.mark(dst, w, risk.SensitiveMember, i, s.by)
	}
}

// mark appends a mark of node i, where path stands. What is no part of a JSON
// body has no span: its mark has 0 for Start, Value and End.
func (r *run) mark(dst *risk.Reading, w where, kind risk.MarkKind, i int, p *program) {
	if len(dst.Marks) >= risk.MaxMarks {
		dst.Overflow = true
		return
	}
	m := risk.Mark{Kind: kind, Pointer: w.prefix + r.pointer()}
	if n := &r.nodes[i]; w.spans {
		m.Start, m.Value, m.End = w.offset+int(n.Start), w.offset+int(n.Start), w.offset+int(n.End)
		if n.Parent >= 0 && r.nodes[n.Parent].Kind == jsonx.Object {
			m.Start = w.offset + int(n.KeyStart) - 1
		}
	}
	if p != nil {
		m.Schema = p.schema
	}
	dst.Mark(m)
}

// pointer is the pointer of the node where path stands.
func (r *run) pointer() string {
	r.text = r.text[:0]
	for _, s := range r.path[1:] {
		r.text = append(r.text, '/')
		n := &r.nodes[s.node]
		if r.nodes[n.Parent].Kind == jsonx.Array {
			r.text = strconv.AppendInt(r.text, int64(s.ordinal), 10)
			continue
		}
		r.text = appendPointer(r.text, string(r.keyOf(s.node)))
	}
	return string(r.text)
}

// escapePointer is name as a part of a pointer (RFC 6901 section 3).
func escapePointer(name string) string { return string(appendPointer(nil, name)) }

func appendPointer(dst []byte, name string) []byte {
	for k := range len(name) {
		switch c := name[k]; c {
		case '~':
			dst = append(dst, "~0"...)
		case '/':
			dst = append(dst, "~1"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
