package schema

import (
	"math/bits"

	"github.com/sallyport/sallyport/contract"
)

// end ends the object or array on top at its closing bracket.
func (m *machine) end(at int) int {
	if m.endFast() {
		return m.ended(&m.frames[len(m.frames)-1], at+1)
	}
	g := &m.frames[len(m.frames)-1]
	m.node = g.start
	m.lift = 1
	up := m.frames[len(m.frames)-2].patch
	m.patched(up, m.base+at+1)
	if g.tagged {
		m.startAll(g)
		g = &m.frames[len(m.frames)-1]
	}
	if g.digests {
		salt := uint64(arraySalt)
		if g.object {
			salt = objectSalt
		}
		m.digest = g.digest.mixed(salt)
		m.closed = nil
		if !m.pieces {
			m.closed = m.src[g.start : at+1]
		}
	}
	for i := g.acts; i < len(m.acts); i++ {
		if !m.acts[i].dead {
			m.check(g, int32(i))
		}
	}
	if !g.fast {
		for i := len(m.acts) - 1; i >= g.acts; i-- {
			if m.acts[i].first != 0 || m.acts[i].p.rare != nil {
				m.settleAct(g, int32(i))
			}
		}
	}
	m.lift = 0
	m.patched(up, m.base+at+1)
	return m.pop(at + 1)
}

// pop takes the frame on top away and tells those who wanted its value.
func (m *machine) pop(at int) int {
	top := len(m.frames) - 1
	g, f := &m.frames[top], &m.frames[top-1]
	heard := false
	m.steps += g.kids - g.edges
	for e := g.edges; e < g.kids; e++ {
		heard = heard || m.edges[e].root != none && m.acts[m.edges[e].root].below.head != 0
	}
	for e := g.edges; e < g.kids; e++ {
		x := &m.edges[e]
		if x.root == none {
			continue
		}
		root := &m.acts[x.root]
		if !root.failed && x.role == byParent && !heard {
			continue // nobody has anything to say
		}
		shared := false
		for k := e + 1; k < g.kids; k++ {
			shared = shared || m.edges[k].root == x.root
		}
		own, below := root.own, root.below
		if shared {
			own, below = list{}, list{}
			m.cells.copyFound(&own, root.own)
			m.cells.copyEntries(&below, root.below)
		}
		m.answer(x, answer{failed: root.failed, own: own, below: below, says: root.says})
	}
	if g.table >= 0 {
		m.tables[g.table].empty(maxKept)
		m.tables[g.table].used = false
	}
	if f.digests {
		m.digested(f, at)
	}
	m.acts, m.edges, m.words = m.acts[:g.acts], m.edges[:g.kids], m.words[:g.words]
	m.prints, m.names = m.prints[:g.prints], m.names[:g.names]
	m.contested, m.evaluated = m.contested[:g.contested], m.evaluated[:g.evaluated]
	m.frames = m.frames[:top]
	return m.ended(f, at)
}

// answer is what came of a want.
type answer struct {
	failed, says bool
	own, below   list
}

// answer gives an act what came of what it wanted.
func (m *machine) answer(e *edge, a answer) {
	x := &m.acts[e.act]
	switch e.role {
	case byContains:
		m.cells.dropFound(&a.own)
		if a.failed {
			m.cells.dropEntries(&a.below)
			return
		}
		x.hits++
		m.speakUp(e.act)
	case byRest:
		c := &m.contested[e.rest]
		c.failed = c.failed || a.failed
		m.cells.joinFound(&c.own, a.own)
		m.cells.joinEntries(&c.below, a.below)
		return
	default:
		x.failed = x.failed || a.failed
		m.tell(e.act, a.own)
	}
	m.hear(x, a.below, a.says)
}

// tell gives an act violations.
func (m *machine) tell(i int32, l list) {
	x := &m.acts[i]
	switch {
	case l.head == 0:
	case x.quiet:
		m.cells.dropFound(&l)
	case x.certain:
		m.finally(l)
	default:
		m.cells.joinFound(&x.own, l)
		m.fill(i)
	}
}

// hear gives an act what is said within the value that is read.
func (m *machine) hear(x *act, l list, says bool) {
	switch {
	case x.mute:
		m.cells.dropEntries(&l)
		return
	case !x.heard:
		x.kid, x.tells, x.heard = l, says, true
		return
	}
	x.kid, x.tells = m.both(x.kid, x.tells, l, says)
}

// both is what two schemas say of a value when both apply.
func (m *machine) both(a list, says bool, b list, also bool) (list, bool) {
	switch {
	case b.head == 0 && !also:
		return a, says
	case a.head == 0 && !says:
		return b, also
	case says && also:
		return m.cells.combine(a, b), true
	}
	return m.cells.overlay(a, b), says || also
}

// listen ends what was heard of a value by the acts of f.
func (m *machine) listen(f *frame) {
	var all list
	says := false
	for k := f.kids; k < len(m.edges); k++ {
		x := &m.acts[m.edges[k].act]
		if !x.heard {
			continue
		}
		x.heard = false
		if f.settled {
			all, says = m.both(all, says, x.kid, x.tells)
		} else {
			m.cells.joinEntries(&x.below, x.kid)
		}
		x.kid = list{}
	}
	m.emit(all, f.gone)
}

// check holds an act to what can be said only at the end of the value.
func (m *machine) check(g *frame, i int32) {
	a := &m.acts[i]
	p := a.p
	if p.enum != nil && !p.enum.holdsCompound(m) {
		m.fail(i, "enum")
	}
	if p.constant != nil && !p.constant.holdsCompound(m) {
		m.fail(i, "const")
	}
	if g.object {
		if p.object != nil {
			m.checkObject(g, i, p.object)
		}
	} else if p.array != nil {
		m.checkArray(g, i, p.array)
	}
}

func (m *machine) checkObject(g *frame, i int32, o *objectRules) {
	if g.count < o.min {
		m.fail(i, "minProperties")
	}
	if o.max >= 0 && g.count > o.max {
		m.fail(i, "maxProperties")
	}
	a := &m.acts[i]
	for k, word := range o.need[m.direction] {
		seen := a.seen
		if k > 0 {
			seen = m.words[a.words+k-1]
		}
		for missing := word &^ seen; missing != 0; missing &= missing - 1 {
			m.missing(i, "required", o.names.list[k*64+bits.TrailingZeros64(missing)].name)
		}
	}
}

// missing notes that a member is not there.
func (m *machine) missing(i int32, rule, name string) {
	m.failNamed(i, found{node: m.node, rule: rule}, len(m.frames)-m.lift, name)
}

func (m *machine) checkArray(g *frame, i int32, r *arrayRules) {
	if g.count < r.min {
		m.fail(i, "minItems")
	}
	if r.max >= 0 && g.count > r.max {
		m.fail(i, "maxItems")
	}
	if r.contains != nil {
		switch hits := m.acts[i].hits; {
		case hits < r.least && r.least == 1:
			m.fail(i, "contains")
		case hits < r.least:
			m.fail(i, "minContains")
		case r.most != contract.Unset && hits > r.most:
			m.fail(i, "maxContains")
		}
	}
	if r.unique && g.twice {
		m.fail(i, "uniqueItems")
	}
}

// settleAct decides what the acts that act i joins come to. They are decided
// themselves.
func (m *machine) settleAct(g *frame, i int32) {
	p := m.acts[i].p
	if m.acts[i].first != 0 {
		m.oblige(i)
		if p.anyOf != nil {
			m.choose(i, byAny, "anyOf")
		}
		if p.oneOf != nil {
			m.choose(i, byOne, "oneOf")
		}
		if p.not != nil {
			m.refute(i)
		}
	}
	if a := &m.acts[i]; p.rare != nil && (!a.dead || a.rests) {
		m.conclude(i, p.rare, g.object)
		if g.asks && p.rests(g.object) {
			m.settleRest(g, i)
		}
	}
}

// oblige counts what act i needs in any case.
func (m *machine) oblige(i int32) {
	for c := m.acts[i].first; c != 0; c = m.acts[c].next {
		switch m.acts[c].role {
		case byRef, byTag:
			m.must(i, c)
		case byOnly:
			m.must(i, c)
			if m.acts[c].failed {
				m.lose(i)
			}
		case byMaybe:
			m.forget(c)
		case byParent, byAny, byOne, byNot, byIf, byThen, byElse, byDependent, byContains, byRest:
		}
	}
}

// must counts act c, which act i needs.
func (m *machine) must(i, c int32) {
	a, x := &m.acts[i], &m.acts[c]
	a.failed = a.failed || x.failed
	m.tell(i, x.own)
	x.own = list{}
	m.keep(i, c)
}

// keep takes over what act c says of members.
func (m *machine) keep(i, c int32) {
	a, x := &m.acts[i], &m.acts[c]
	x.held = true
	if a.mute {
		m.cells.dropEntries(&x.below)
		return
	}
	a.below, a.says = m.both(a.below, a.says, x.below, x.says)
	x.below = list{}
}

// forget drops what act c has found.
func (m *machine) forget(c int32) {
	x := &m.acts[c]
	m.cells.dropFound(&x.own)
	m.cells.dropEntries(&x.below)
}

// lose notes that nobody has looked within the value of the frame on top.
func (m *machine) lose(i int32) {
	a := &m.acts[i]
	g := &m.frames[len(m.frames)-1]
	m.unseen = m.unseen || g.settled && !a.mute
	if a.mute || g.veiled || g.settled {
		return
	}
	var l list
	m.entry(&l, lostEntry, nil)
	a.below = m.cells.overlay(a.below, l)
}

// choose counts the alternatives of act i. Each that accepts the value says
// what it has to say of members. When none does, the violations of the closest
// one are kept.
func (m *machine) choose(i int32, r role, rule string) {
	tried, hits, best := false, 0, int32(none)
	var most score
	for c := m.acts[i].first; c != 0; c = m.acts[c].next {
		x := &m.acts[c]
		if x.role != r {
			continue
		}
		tried = true
		if !x.failed {
			hits++
			m.cells.dropFound(&x.own)
			m.keep(i, c)
			continue
		}
		if x.own.head == 0 {
			m.forget(c)
			continue
		}
		if s := m.score(x.own); best == none || most.less(s) {
			if best != none {
				m.forget(best)
			}
			best, most = c, s
			continue
		}
		m.forget(c)
	}
	switch {
	case !tried:
	case hits == 1 || hits > 1 && rule == "anyOf":
		if best != none {
			m.forget(best)
		}
	case hits > 1:
		if best != none {
			m.forget(best)
		}
		m.fail(i, rule)
	case best == none:
		m.fail(i, rule)
		m.lose(i)
	default:
		m.closest(i, best)
	}
}

// closest keeps the violations of act c, the alternative of act i that came
// closest, and what they mark.
func (m *machine) closest(i, c int32) {
	a, x := &m.acts[i], &m.acts[c]
	a.failed = true
	m.lost = m.lost || x.rests && !a.quiet // what it would have marked
	m.tell(i, x.own)
	x.own = list{}
	if a.mute {
		m.cells.dropEntries(&x.below)
		return
	}
	var closed list
	for k := x.below.head; k != 0; {
		next := m.cells.entries[k-1].next
		if m.cells.entries[k-1].kind == closedEntry {
			m.cells.linkEntry(&closed, k)
		} else {
			m.cells.dropEntry(k)
		}
		k = next
	}
	x.below = list{}
	a.below = m.cells.overlay(a.below, closed)
	m.lose(i)
}

// score says how close an alternative came: first by type, then by the values
// that tell alternatives apart, then by how deep its first failure lies.
type score struct {
	typed, meant bool
	depth        int
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

func (m *machine) score(l list) score {
	s := score{typed: true, meant: true, count: int(l.count)}
	level := len(m.frames) - m.lift - 1
	for i := l.head; i != 0; i = m.cells.founds[i-1].next {
		f := &m.cells.founds[i-1].found
		switch {
		case f.node == m.node && (f.rule == "type" || f.rule == "false"):
			s.typed = false
		case f.depth <= level+1 && (f.rule == "const" || f.rule == "enum"):
			s.meant = false
		}
		s.depth = max(s.depth, f.depth)
	}
	return s
}

// refute applies not.
func (m *machine) refute(i int32) {
	for c := m.acts[i].first; c != 0; c = m.acts[c].next {
		if m.acts[c].role != byNot {
			continue
		}
		if !m.acts[c].failed {
			m.fail(i, "not")
		}
		m.forget(c)
	}
}

// conclude applies if, then, else and the keywords about dependencies.
func (m *machine) conclude(i int32, q *rareRules, object bool) {
	holds := false
	dependents := m.acts[i].first
	for c := m.acts[i].first; c != 0; c = m.acts[c].next {
		switch x := &m.acts[c]; x.role {
		case byIf:
			holds = !x.failed
			if holds {
				m.keep(i, c)
			}
			m.forget(c)
		case byThen, byElse:
			if holds == (x.role == byThen) {
				m.must(i, c)
			} else {
				m.forget(c)
			}
		case byParent, byRef, byOnly, byAny, byOne, byTag, byMaybe, byNot, byDependent, byContains, byRest:
		}
	}
	if !object {
		return
	}
	for k := range q.dependent {
		d := &q.dependent[k]
		there := m.saw(&m.acts[i], d.place)
		for n, place := range d.needs {
			if there && !m.saw(&m.acts[i], place) {
				m.missing(i, "dependentRequired", d.need[n])
			}
		}
		if d.then == nil {
			continue
		}
		for dependents != 0 && m.acts[dependents].role != byDependent {
			dependents = m.acts[dependents].next
		}
		if dependents == 0 {
			continue
		}
		if c := dependents; there {
			m.must(i, c)
		} else {
			m.forget(c)
		}
		dependents = m.acts[dependents].next
	}
}
