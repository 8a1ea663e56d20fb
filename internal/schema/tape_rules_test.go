package schema

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// sets is how many words of required names fit without allocating.
const sets = 4

// members checks node i, an object.
func (r *tape) members(p *program, i int) bool {
	o := p.object
	if o == nil {
		r.odd = r.odd || p.silent()
		return true
	}
	n := &r.nodes[i]
	ok := true
	if int(n.Count) < o.min {
		ok = r.fail(i, "minProperties", p)
	}
	if o.max >= 0 && int(n.Count) > o.max {
		ok = r.fail(i, "maxProperties", p)
	}
	if o.speaks && r.state[i].owner == nil {
		r.touch(i).owner = p
	}
	var room [sets]uint64
	seen := room[:]
	need := o.need[r.direction]
	if len(need) > sets {
		seen = make([]uint64, len(need))
	}
	hint, after := 0, int(n.After)
	for c := i + 1; c < after; c = int(r.nodes[c].After) {
		name := r.keyOf(c)
		at := o.names.find(name, hint)
		if at >= 0 {
			seen[at/64] |= 1 << (at % 64)
			hint = at + 1
		}
		ok = r.member(p, c, at) && ok
		if !ok && r.quiet > 0 || r.broken {
			return false
		}
	}
	for k, word := range need {
		if word&^seen[k] != 0 {
			ok = r.missing(p, i, word&^seen[k], k*64) && ok
		}
	}
	return ok
}

// missing notes the names of a set, whose first has the index from.
func (r *tape) missing(p *program, i int, set uint64, from int) bool {
	for at := range 64 {
		if set&(1<<at) != 0 {
			r.failAs(tapeFound{node: int32(i), rule: "required", name: p.object.names.list[from+at].name, at: p.schema})
		}
	}
	return false
}

// member checks member c, whose name stands at the given place of the declared
// names, or nowhere (-1).
func (r *tape) member(p *program, c, at int) bool {
	o := p.object
	if r.spend(1) {
		return false
	}
	ok, known := true, false
	if o.keys != nil {
		ok = r.checkName(o.keys, c)
	}
	if at >= 0 && o.names.list[at].to != nil {
		known = true
		r.evaluated(c, isDeclared)
		ok = r.apply(o.names.list[at].to, c) && ok
	}
	for k := range o.patterns {
		re := o.patterns[k].re
		if re != nil && !re.match(r.keyOf(c)) {
			continue
		}
		known = true
		r.evaluated(c, isDeclared)
		if re != nil {
			ok = r.apply(o.patterns[k].to, c) && ok
		}
	}
	if known {
		return ok
	}
	r.odd = true
	if o.extra == nil {
		return ok
	}
	return r.additional(p, o.extra, c, "additionalProperties") && ok
}

// additional checks a member by what a schema says of all others.
func (r *tape) additional(p, extra *program, c int, rule string) bool {
	if extra.never {
		r.touch(c).flags |= isClosed
		return r.failAs(tapeFound{node: int32(c), rule: rule, at: p.schema, closed: true})
	}
	f := isOpen
	if extra.trivial() {
		f |= isAnything
	}
	r.evaluated(c, f)
	return r.apply(extra, c)
}

// checkName applies p to the name of member c, in a run of its own, since a
// name is no node.
func (r *tape) checkName(p *program, c int) bool {
	n := &r.nodes[c]
	if r.sub == nil {
		r.sub = newTape()
	}
	r.sub.direction = r.direction
	err := r.sub.parse(r.src[n.KeyStart-1 : n.KeyEnd+1])
	ok := err == nil && r.sub.check(p)
	r.sub.forget()
	if r.spend(r.sub.steps) || !ok {
		return r.fail(c, "propertyNames", p)
	}
	return true
}

// lookup finds a member by name.
func (r *tape) lookup(i int, name string) int {
	if r.nodes[i].Kind != jsonx.Object || r.spend(int(r.nodes[i].Count)>>3) {
		return -1
	}
	return r.doc.Member(i, name)
}

// holds tells whether node i equals one of v, as JSON values do: 1.0 is 1.
func (v *values) holdsNode(r *tape, i int) bool {
	switch r.nodes[i].Kind {
	case jsonx.Null:
		return v.null
	case jsonx.True:
		return v.yes
	case jsonx.False:
		return v.no
	case jsonx.Number:
		var d decimal
		d, r.digits = parseDecimal(r.doc.Raw(i), r.digits)
		for k := range v.numbers {
			if d.equal(v.numbers[k]) {
				return true
			}
		}
		return false
	case jsonx.String:
		return v.holdsText(r.textOf(i))
	case jsonx.Array, jsonx.Object:
		for _, list := range v.compound {
			for _, x := range list {
				if r.same(i, x.value) {
					return true
				}
			}
		}
	}
	return false
}

// same tells whether node i equals the literal v.
func (r *tape) same(i int, v *source.Value) bool {
	if r.spend(1) {
		return false
	}
	n := &r.nodes[i]
	switch v.Kind {
	case source.Null:
		return n.Kind == jsonx.Null
	case source.Bool:
		return n.Kind == jsonx.True && v.Text == "true" || n.Kind == jsonx.False && v.Text != "true"
	case source.Number:
		if n.Kind != jsonx.Number {
			return false
		}
		var d decimal
		d, r.digits = parseDecimal(r.doc.Raw(i), r.digits)
		return d.equal(literal(v.Text))
	case source.String:
		return n.Kind == jsonx.String && string(r.textOf(i)) == v.Text
	case source.Array:
		if n.Kind != jsonx.Array || int(n.Count) != len(v.Items) {
			return false
		}
		c := i + 1
		for k := range v.Items {
			if !r.same(c, &v.Items[k]) {
				return false
			}
			c = int(r.nodes[c].After)
		}
		return true
	case source.Object:
		if n.Kind != jsonx.Object || int(n.Count) != len(v.Members) {
			return false
		}
		for k := range v.Members {
			c := r.doc.Member(i, v.Members[k].Name)
			if r.spend(int(n.Count)) || c < 0 || !r.same(c, &v.Members[k].Value) {
				return false
			}
		}
		return true
	case source.Absent:
	}
	return false
}

// equal tells whether nodes a and b are the same JSON value.
func (r *tape) equal(a, b int) bool {
	if r.spend(1) {
		return false
	}
	x, y := &r.nodes[a], &r.nodes[b]
	if x.Kind != y.Kind || x.Count != y.Count {
		return false
	}
	switch x.Kind {
	case jsonx.Number:
		var d, e decimal
		d, r.digits = parseDecimal(r.doc.Raw(a), r.digits)
		e, r.digits2 = parseDecimal(r.doc.Raw(b), r.digits2)
		return d.equal(e)
	case jsonx.String:
		r.text2 = r.doc.AppendText(r.text2[:0], b)
		return bytes.Equal(r.textOf(a), r.text2)
	case jsonx.Array:
		for c, e := a+1, b+1; c < int(x.After); c, e = int(r.nodes[c].After), int(r.nodes[e].After) {
			if !r.equal(c, e) {
				return false
			}
		}
	case jsonx.Object:
		// The order may differ; mostly it does not.
		e := b + 1
		for c := a + 1; c < int(x.After); c = int(r.nodes[c].After) {
			if e >= int(y.After) || !bytes.Equal(r.keyOf(c), r.doc.Key(e)) {
				if r.spend(int(y.Count)) {
					return false
				}
				if e = r.doc.Member(b, string(r.keyOf(c))); e < 0 {
					return false
				}
			}
			if !r.equal(c, e) {
				return false
			}
			e = int(r.nodes[e].After)
		}
	case jsonx.Null, jsonx.True, jsonx.False:
	}
	return true
}

// hash is equal for equal values. Members are summed, since their order does
// not matter.
func (r *tape) hash(i int) uint64 {
	r.spend(1)
	n := &r.nodes[i]
	h := uint64(n.Kind) * 0x9e3779b97f4a7c15
	switch n.Kind {
	case jsonx.Number:
		var d decimal
		d, r.digits = parseDecimal(r.doc.Raw(i), r.digits)
		h ^= maphash.Bytes(r.seed, d.digits) + uint64(d.exp)
	case jsonx.String:
		h ^= maphash.Bytes(r.seed, r.textOf(i))
	case jsonx.Array:
		for c := i + 1; c < int(n.After); c = int(r.nodes[c].After) {
			h = (h ^ r.hash(c)) * 0x100000001b3
		}
	case jsonx.Object:
		for c := i + 1; c < int(n.After); c = int(r.nodes[c].After) {
			h += (maphash.Bytes(r.seed, r.keyOf(c)) ^ r.hash(c)) * 0x9e3779b97f4a7c15
		}
	case jsonx.Null, jsonx.True, jsonx.False:
	}
	return h
}

// unique tells whether no two elements of array i are equal. The time is
// linear but for elements whose seeded hashes collide.
func (r *tape) unique(i int) bool {
	n := &r.nodes[i]
	if n.Count <= linear {
		for a := i + 1; a < int(n.After); a = int(r.nodes[a].After) {
			for b := i + 1; b < a; b = int(r.nodes[b].After) {
				if r.equal(a, b) {
					return false
				}
			}
		}
		return true
	}
	seen := make(map[uint64]int, n.Count)
	for c := i + 1; c < int(n.After); c = int(r.nodes[c].After) {
		h := r.hash(c)
		first, hit := seen[h]
		if hit && r.equal(first, c) {
			return false
		}
		for hit { // another value with the same hash: probe on
			h++
			if first, hit = seen[h]; hit && r.equal(first, c) {
				return false
			}
		}
		seen[h] = c
	}
	return true
}

// number checks node i, a number.
func (r *tape) number(p *program, i int) bool {
	n := p.number
	text := r.doc.Raw(i)
	if v, places, ok := shortNumber(text); ok && n.fast(v, places) {
		return true
	}
	var d decimal
	d, r.digits = parseDecimal(text, r.digits)
	ok := true
	if n.whole && !d.whole() {
		return r.fail(i, "type", p)
	}
	for k := range n.bounds {
		b := &n.bounds[k]
		c := d.compare(b.at) * b.sign
		if c > 0 || c == 0 && b.exclusive {
			ok = r.fail(i, b.rule, p)
		}
	}
	if n.multiple != nil && !d.multipleOf(*n.multiple) {
		ok = r.fail(i, "multipleOf", p)
	}
	if n.format.set && (d.compare(n.format.from) < 0 || d.compare(n.format.to) > 0 || n.format.integer() && !d.whole()) {
		ok = r.fail(i, "format", p)
	}
	return ok
}

// step is one part of the path to a node.
type step struct{ node, ordinal int }

// report moves what a check has found to dst.
func (r *tape) report(dst *risk.Reading, w where) {
	if len(r.found) > 0 {
		r.violations(dst, w)
	}
	if w.to == nil || !r.odd {
		return
	}
	m := marker{tape: r, dst: dst, where: w}
	r.path = append(r.path[:0], step{})
	m.sweep(0)
}

func (r *tape) violations(dst *risk.Reading, w where) {
	slices.SortStableFunc(r.found, func(a, b tapeFound) int { return cmp.Compare(a.node, b.node) })
	var last tapeFound
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

// A marker makes the marks of one value.
type marker struct {
	*tape
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
func (r *tape) pointer() string {
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
