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
	to     *program
}

// report moves what a check has found to dst.
func (r *run) report(dst *risk.Reading, w where) {
	if len(r.found) > 0 {
		r.violations(dst, w)
	}
	if w.to == nil || !r.odd {
		return
	}
	m := marker{run: r, dst: dst, where: w}
	r.path = append(r.path[:0], step{})
	m.sweep(0)
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

// A marker makes the marks of one value.
type marker struct {
	*run
	dst   *risk.Reading
	where where
	lost  int // depth of lost nodes: what no schema evaluated there is not undeclared
}

// sweep marks node i and what is below it.
func (m *marker) sweep(i int) {
	s, n := &m.state[i], &m.nodes[i]
	m.markTraits(i)
	if n.Kind != jsonx.Object && n.Kind != jsonx.Array {
		return
	}
	if s.flags&isLost != 0 {
		m.lost++
		defer func() { m.lost-- }()
	}
	ordinal := 0
	m.path = append(m.path, step{})
	for c := i + 1; c < int(n.After); c = int(m.nodes[c].After) {
		m.path[len(m.path)-1] = step{c, ordinal}
		ordinal++
		if n.Kind == jsonx.Object && m.markUndeclared(c, s.owner) {
			continue
		}
		m.sweep(c)
	}
	m.path = m.path[:len(m.path)-1]
}

// markUndeclared marks member c if no schema names it, and tells whether that
// says all about what is below it.
func (m *marker) markUndeclared(c int, owner *program) bool {
	f := m.state[c].flags
	kind := risk.UndeclaredSilent
	switch {
	case f&isClosed != 0:
		kind = risk.UndeclaredClosed
	case f&isDeclared != 0:
		return false
	case f&isOpen != 0:
		kind = risk.UndeclaredOpen
	case m.lost > 0:
		return false
	}
	m.mark(kind, c, owner)
	return kind != risk.UndeclaredOpen || f&isAnything != 0
}

func (m *marker) markTraits(i int) {
	s := &m.state[i]
	if s.flags&(hasReadOnly|hasWriteOnly|hasSensitive) == 0 {
		return
	}
	if s.flags&hasReadOnly != 0 && m.direction == asRequest {
		m.mark(risk.ReadOnlyMember, i, s.by)
	}
	if s.flags&hasWriteOnly != 0 && m.direction == asReply {
		m.mark(risk.WriteOnlyMember, i, s.by)
	}
	if s.flags&hasSensitive != 0 {
		m.mark(risk.SensitiveMember, i, s.by)
	}
}

// mark appends a mark of node i, where path stands. What is no part of a JSON
// body has no span: its mark has 0 for Start, Value and End.
func (m *marker) mark(kind risk.MarkKind, i int, p *program) {
	if len(m.dst.Marks) >= risk.MaxMarks {
		m.dst.Overflow = true
		return
	}
	out := risk.Mark{Kind: kind, Pointer: m.where.prefix + m.pointer()}
	if n := &m.nodes[i]; m.where.spans {
		at := m.where.offset
		out.Start, out.Value, out.End = at+int(n.Start), at+int(n.Start), at+int(n.End)
		if n.Parent >= 0 && m.nodes[n.Parent].Kind == jsonx.Object {
			out.Start = at + int(n.KeyStart) - 1
		}
	}
	if p != nil {
		out.Schema = p.schema
	}
	m.dst.Mark(out)
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
