package schema

import "github.com/sallyport/sallyport/internal/lib/jsonx"

// inPlace applies the schemas that p joins for the same value.
func (r *run) inPlace(p *program, i int) bool {
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
func (r *run) negated(p *program, i int) bool {
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
func (r *run) dispatch(p *program, i int) (*program, bool) {
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
func (r *run) dispatched(p, to *program, i int) bool {
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
func (r *run) alternatives(p *program, list []*program, i int, rule string) bool {
	base := len(r.found)
	kept, best := base, score{}
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

// score says how close an alternative came: first by type, then by the values
// that tell alternatives apart, then by how deep its first failure lies.
type score struct {
	typed, meant bool
	depth        int32
	count        int
}

func (s score) less(o score) bool {
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

func (r *run) score(list []found, i int) score {
	if len(list) == 0 {
		return score{depth: -1} // nothing is known of it
	}
	s := score{typed: true, meant: true, count: len(list)}
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
func (r *run) rarely(p *program, i int, since uint32) bool {
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
func (r *run) unevaluated(p, rest *program, c int, rule string) bool {
	if rule == "unevaluatedProperties" {
		return r.additional(p, rest, c, rule)
	}
	if rest.never {
		return r.fail(c, rule, p)
	}
	r.evaluated(c, 0)
	return r.apply(rest, c)
}

func (r *run) dependent(p *program, d *dependent, i int) bool {
	if r.lookup(i, d.name) < 0 {
		return true
	}
	ok := true
	for _, name := range d.need {
		if r.lookup(i, name) < 0 {
			ok = r.failAs(found{node: int32(i), rule: "dependentRequired", name: name, at: p.schema})
		}
	}
	return (d.then == nil || r.apply(d.then, i)) && ok
}
