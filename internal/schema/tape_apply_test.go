package schema

import (
	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// apply checks node i against p. It notes every violation, but stops at a
// wrong type, behind which the rest is noise.
func (r *tape) apply(p *program, i int) bool {
	if r.spend(1) {
		return false
	}
	if r.depth == maxDepth {
		r.broken = true
		return false
	}
	if p.traits != 0 {
		r.notice(p, i)
	}
	kind := r.nodes[i].Kind
	switch {
	case p.never:
		return r.lose(i, "false", p)
	case !p.kinds.has(kind):
		return r.lose(i, "type", p)
	}
	r.depth++
	since := r.seq
	ok := true
	if p.enum != nil && !p.enum.holdsNode(r, i) {
		ok = r.fail(i, "enum", p)
	}
	if p.constant != nil && !p.constant.holdsNode(r, i) {
		ok = r.fail(i, "const", p)
	}
	switch kind {
	case jsonx.Object:
		ok = r.members(p, i) && ok
	case jsonx.Array:
		ok = r.elements(p, i) && ok
	case jsonx.String:
		ok = (p.text == nil || r.string(p, i)) && ok
	case jsonx.Number:
		ok = (p.number == nil || r.number(p, i)) && ok
	case jsonx.Null, jsonx.True, jsonx.False:
	}
	if p.joins {
		ok = r.inPlace(p, i) && ok
	}
	if p.rare != nil {
		ok = r.rarely(p, i, since) && ok
	}
	r.depth--
	return ok
}

// lose fails and notes that nothing below node i was looked at, so that its
// members are not called undeclared.
func (r *tape) lose(i int, rule string, p *program) bool {
	r.touch(i).flags |= isLost
	return r.fail(i, rule, p)
}

// notice keeps what p says of the value as a whole.
func (r *tape) notice(p *program, i int) {
	s := r.touch(i)
	r.odd = true
	if p.traits&readOnly != 0 {
		s.flags |= hasReadOnly
	}
	if p.traits&writeOnly != 0 {
		s.flags |= hasWriteOnly
	}
	if p.traits&sensitive != 0 {
		s.flags |= hasSensitive
	}
	s.by = p
}

// string checks node i, a string.
func (r *tape) string(p *program, i int) bool {
	t := p.text
	text := r.textOf(i)
	ok := true
	if t.min > 0 || t.max >= 0 {
		// A character takes one to four bytes: mostly there is nothing to count.
		n := len(text)
		if t.max >= 0 && n > t.max || n < t.min*utf8.UTFMax {
			n = utf8.RuneCount(text)
		}
		if n < t.min {
			ok = r.fail(i, "minLength", p)
		}
		if t.max >= 0 && n > t.max {
			ok = r.fail(i, "maxLength", p)
		}
	}
	if t.re != nil && (r.spend(len(text)>>4) || !t.re.match(text)) {
		ok = r.fail(i, "pattern", p)
	}
	if t.format != nil && !t.format(text) {
		ok = r.fail(i, "format", p)
	}
	return ok
}

// silent tells whether p says nothing of what is within a value, and leaves it
// to no other schema either.
func (p *program) silent() bool {
	return p.rare != nil || p.ref == nil && p.allOf == nil && p.anyOf == nil && p.oneOf == nil
}

// elements checks node i, an array.
func (r *tape) elements(p *program, i int) bool {
	a, n := p.array, &r.nodes[i]
	if a == nil {
		r.odd = r.odd || p.silent()
		return true
	}
	ok := true
	if int(n.Count) < a.min {
		ok = r.fail(i, "minItems", p)
	}
	if a.max >= 0 && int(n.Count) > a.max {
		ok = r.fail(i, "maxItems", p)
	}
	at, after := 0, int(n.After)
	for c := i + 1; c < after; c = int(r.nodes[c].After) {
		to := a.items
		if at < len(a.prefix) {
			to = a.prefix[at]
		}
		at++
		if to == nil {
			r.odd = true
			if a.contains == nil {
				break
			}
			continue
		}
		r.evaluated(c, 0)
		ok = r.apply(to, c) && ok
		if !ok && r.quiet > 0 {
			return false
		}
	}
	if a.contains != nil {
		ok = r.contains(p, i) && ok
	}
	if a.unique && n.Count > 1 && !r.unique(i) {
		ok = r.fail(i, "uniqueItems", p)
	}
	return ok
}

func (r *tape) contains(p *program, i int) bool {
	a := p.array
	hits := 0
	for c := i + 1; c < int(r.nodes[i].After); c = int(r.nodes[c].After) {
		if r.try(a.contains, c) {
			r.evaluated(c, 0)
			hits++
		}
	}
	switch {
	case hits < a.least && a.least == 1:
		return r.fail(i, "contains", p)
	case hits < a.least:
		return r.fail(i, "minContains", p)
	case a.most != contract.Unset && hits > a.most:
		return r.fail(i, "maxContains", p)
	}
	return true
}

// try applies p without a word, and forgets all about it when it fails.
func (r *tape) try(p *program, i int) bool {
	mark, from := len(r.trail), len(r.found)
	r.choice++
	r.quiet++
	ok := r.apply(p, i)
	r.quiet--
	r.choice--
	r.found = r.found[:from]
	r.settle(mark, ok)
	return ok
}

// settle ends an alternative that began at mark of the trail.
func (r *tape) settle(mark int, ok bool) {
	if !ok {
		r.undo(mark)
	}
	if r.choice == 0 {
		r.trail = r.trail[:0]
	}
}

// inPlace applies the schemas that p joins for the same value.
func (r *tape) inPlace(p *program, i int) bool {
	ok := true
	if p.ref != nil {
		ok = r.apply(p.ref, i)
	}
	for _, q := range p.allOf {
		ok = r.apply(q, i) && ok
	}
	if p.branch != nil {
		if to, known := r.dispatch(p, i); known {
			return r.dispatched(p, to, i) && r.negated(p, i) && ok
		}
	}
	if p.anyOf != nil {
		ok = r.alternatives(p, p.anyOf, i, "anyOf") && ok
	}
	if p.oneOf != nil {
		ok = r.alternatives(p, p.oneOf, i, "oneOf") && ok
	}
	return r.negated(p, i) && ok
}

// negated applies not. What it evaluates counts for nothing.
func (r *tape) negated(p *program, i int) bool {
	if p.not == nil {
		return true
	}
	mark, from := len(r.trail), len(r.found)
	r.choice++
	r.quiet++
	matched := r.apply(p.not, i)
	r.quiet--
	r.choice--
	r.found = r.found[:from]
	r.settle(mark, false)
	if matched {
		return r.fail(i, "not", p)
	}
	return true
}

// activeDispatch is a discriminator that is being followed.
type activeDispatch struct {
	p    *program
	node int
}

// dispatch says which schema the discriminator of p names for node i, and
// whether the discriminator decides at all. It does not where the member is
// missing, or where the schema that it names leads back to p: the parent of a
// hierarchy is checked only once.
func (r *tape) dispatch(p *program, i int) (*program, bool) {
	for k := range r.active {
		if r.active[k] == (activeDispatch{p, i}) {
			return p, p.branch.closed
		}
	}
	c := r.lookup(i, p.branch.name)
	if c < 0 || r.nodes[c].Kind != jsonx.String {
		return nil, false
	}
	to := p.branch.to[string(r.textOf(c))]
	if to == nil && !p.branch.closed {
		return nil, false
	}
	return to, true
}

// dispatched applies the schema that a discriminator names; nil: it names
// none (OpenAPI 3.1.1 section 4.8.25.3: validation should fail).
func (r *tape) dispatched(p, to *program, i int) bool {
	if to == nil {
		r.touch(i).flags |= isLost
		return r.fail(r.lookup(i, p.branch.name), "discriminator", p)
	}
	if to == p {
		return true
	}
	r.active = append(r.active, activeDispatch{p, i})
	ok := r.apply(to, i)
	r.active = r.active[:len(r.active)-1]
	return ok
}

// alternatives applies anyOf or oneOf. All are tried, since each that accepts
// the value evaluates members. When none does, the violations of the closest
// one are kept.
func (r *tape) alternatives(p *program, list []*program, i int, rule string) bool {
	base := len(r.found)
	kept, best := base, tapeScore{}
	matched := 0
	r.choice++
	for k, q := range list {
		mark := len(r.trail)
		if r.apply(q, i) {
			matched++
			r.found = r.found[:kept]
			continue
		}
		r.undo(mark)
		if r.quiet > 0 {
			continue
		}
		if s := r.score(r.found[kept:], i); k == 0 || best.less(s) || kept == base {
			n := copy(r.found[base:], r.found[kept:])
			kept, best = base+n, s
		}
		r.found = r.found[:kept]
	}
	r.choice--
	if r.choice == 0 {
		r.trail = r.trail[:0]
	}
	switch {
	case matched == 1 || matched > 1 && rule == "anyOf":
		r.found = r.found[:base]
		return true
	case matched > 1:
		r.found = r.found[:base]
		return r.fail(i, rule, p)
	case kept == base:
		return r.lose(i, rule, p)
	}
	r.touch(i).flags |= isLost
	return false
}

func (r *tape) score(list []tapeFound, i int) tapeScore {
	if len(list) == 0 {
		return tapeScore{depth: -1} // nothing is known of it
	}
	s := tapeScore{typed: true, meant: true, count: len(list)}
	level := r.level(int32(i))
	for k := range list {
		f := &list[k]
		switch {
		case f.node == int32(i) && (f.rule == "type" || f.rule == "false"):
			s.typed = false
		case f.depth <= level+1 && (f.rule == "const" || f.rule == "enum"):
			s.meant = false
		}
		s.depth = max(s.depth, f.depth)
	}
	return s
}

// rarely applies the keywords that few documents use; since is the count of
// evaluations before p was applied to node i.
func (r *tape) rarely(p *program, i int, since uint32) bool {
	q := p.rare
	ok := true
	if q.cond != nil {
		next := q.other
		if r.try(q.cond, i) {
			next = q.then
		}
		ok = (next == nil || r.apply(next, i)) && ok
	}
	for k := range q.dependent {
		ok = r.dependent(p, &q.dependent[k], i) && ok
	}
	n := &r.nodes[i]
	rest, rule := q.items, "unevaluatedItems"
	if n.Kind == jsonx.Object {
		rest, rule = q.members, "unevaluatedProperties"
	}
	if rest == nil || n.Kind != jsonx.Object && n.Kind != jsonx.Array {
		return ok
	}
	if n.Kind == jsonx.Object && r.state[i].owner == nil {
		r.touch(i).owner = p
	}
	for c := i + 1; c < int(n.After); c = int(r.nodes[c].After) {
		if r.state[c].seq > since {
			continue
		}
		ok = r.unevaluated(p, rest, c, rule) && ok
	}
	return ok
}

// unevaluated checks a member or element that nothing else speaks of.
func (r *tape) unevaluated(p, rest *program, c int, rule string) bool {
	if rule == "unevaluatedProperties" {
		return r.additional(p, rest, c, rule)
	}
	if rest.never {
		return r.fail(c, rule, p)
	}
	r.evaluated(c, 0)
	return r.apply(rest, c)
}

func (r *tape) dependent(p *program, d *dependent, i int) bool {
	if r.lookup(i, d.name) < 0 {
		return true
	}
	ok := true
	for _, name := range d.need {
		if r.lookup(i, name) < 0 {
			ok = r.failAs(tapeFound{node: int32(i), rule: "dependentRequired", name: name, at: p.schema})
		}
	}
	return (d.then == nil || r.apply(d.then, i)) && ok
}

// tapeScore says how close an alternative came.
type tapeScore struct {
	typed, meant bool
	depth        int32
	count        int
}

func (s tapeScore) less(o tapeScore) bool {
	switch {
	case s.typed != o.typed:
		return o.typed
	case s.meant != o.meant:
		return o.meant
	case s.depth != o.depth:
		return s.depth < o.depth
	}
	return s.count > o.count
}
