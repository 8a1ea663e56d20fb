package schema

import "github.com/sallyport/sallyport/internal/lib/jsonx"

// sets is how many words of required names fit without allocating.
const sets = 4

// members checks node i, an object.
func (r *run) members(p *program, i int) bool {
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
func (r *run) missing(p *program, i int, set uint64, from int) bool {
	for at := range 64 {
		if set&(1<<at) != 0 {
			r.failAs(found{node: int32(i), rule: "required", name: p.object.names.list[from+at].name, at: p.schema})
		}
	}
	return false
}

// member checks member c, whose name stands at the given place of the declared
// names, or nowhere (-1).
func (r *run) member(p *program, c, at int) bool {
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
func (r *run) additional(p, extra *program, c int, rule string) bool {
	if extra.never {
		r.touch(c).flags |= isClosed
		return r.failAs(found{node: int32(c), rule: rule, at: p.schema, closed: true})
	}
	f := isOpen
	if extra.trivial() {
		f |= isAnything
	}
	r.evaluated(c, f)
	return r.apply(extra, c)
}

// trivial tells whether p accepts everything without saying more.
func (p *program) trivial() bool {
	return p.kinds == anyKind && p.traits == 0 && p.enum == nil && p.constant == nil && p.number == nil &&
		p.text == nil && p.object == nil && p.array == nil && p.ref == nil && p.allOf == nil && p.anyOf == nil &&
		p.oneOf == nil && p.not == nil && p.branch == nil && p.rare == nil
}

// checkName applies p to the name of member c, in a run of its own, since a
// name is no node.
func (r *run) checkName(p *program, c int) bool {
	n := &r.nodes[c]
	if r.sub == nil {
		r.sub = newRun()
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
func (r *run) lookup(i int, name string) int {
	if r.nodes[i].Kind != jsonx.Object || r.spend(int(r.nodes[i].Count)>>3) {
		return -1
	}
	return r.doc.Member(i, name)
}
