package schema

import "github.com/sallyport/sallyport/contract"

// maxContested bounds the members of open objects of which it is not known
// whether an alternative evaluates them.
const maxContested = 1 << 10

// A contest is a member or element that unevaluatedProperties or
// unevaluatedItems speaks of, unless an alternative that is not decided turns
// out to evaluate it.
type contest struct {
	act       int32
	node, end int // of the value
	evaluated int // where in evaluated the set of acts is that evaluate it
	failed    bool
	own       list
	below     list
}

// rests tells whether p speaks of what nothing else has evaluated.
func (p *program) rests(object bool) bool {
	if p.rare == nil {
		return false
	}
	if object {
		return p.rare.members != nil
	}
	return p.rare.items != nil
}

// askRest finds what the acts that speak of unevaluated members want of the
// value that comes next. Inner ones come first, since what they evaluate counts
// for the outer ones. It tells whether one wants the value in any case.
func (m *machine) askRest(f *frame) (wanted bool) {
	set := none
	m.steps += 2 * (len(m.acts) - f.acts)
	for i := len(m.acts) - 1; i >= f.acts; i-- {
		a := &m.acts[i]
		if a.dead || !a.p.rests(f.object) {
			continue
		}
		rest, rule := a.p.rare.items, "unevaluatedItems"
		if f.object {
			rest, rule = a.p.rare.members, "unevaluatedProperties"
		}
		for rest.alias != nil {
			rest = rest.alias
		}
		covered, open := m.coverage(f, int32(i))
		switch {
		case covered:
		case m.broken: // no more room for contests
		case open:
			if set == none {
				set = m.evaluatedSet(f)
			}
			m.contend(int32(i), set, rest, rule)
		case rest.never:
			a.said.closed = f.object
			m.fail(int32(i), rule)
		case f.object && rest.trivial():
			a.said.open, a.said.anything = true, true
		default:
			a.said.open, wanted = true, true
			m.want(rest, int32(i), byParent)
		}
	}
	return wanted
}

// coverage tells whether act i, or an act that applies with it in any case,
// evaluates the member; and whether one that may apply could.
func (m *machine) coverage(f *frame, i int32) (covered, open bool) {
	for k := i; k < int32(len(m.acts)); k++ {
		a := &m.acts[k]
		sure, below := m.sureUnder(k, i)
		if !below || a.dead {
			continue
		}
		if sure && a.said.spoke() {
			return true, false
		}
		open = open || !sure || !f.object && a.p.array != nil && a.p.array.contains != nil
	}
	return false, open
}

// sureUnder tells whether act k is act i or joined by it, and whether it
// applies in any case then.
func (m *machine) sureUnder(k, i int32) (sure, below bool) {
	sure = true
	for ; k > i; k = m.acts[k].parent {
		switch m.acts[k].role {
		case byRef, byOnly, byTag:
		case byParent, byAny, byOne, byMaybe, byNot, byIf, byThen, byElse, byDependent, byContains, byRest:
			sure = false
		}
	}
	return sure, k == i
}

// evaluatedSet makes the set of the acts that evaluate the member.
func (m *machine) evaluatedSet(f *frame) int {
	at := len(m.evaluated)
	for i := f.acts; i < len(m.acts); i++ {
		n := i - f.acts
		if n%64 == 0 {
			m.evaluated = append(m.evaluated, 0)
		}
		if a := &m.acts[i]; !a.dead && a.said.spoke() {
			m.evaluated[at+n/64] |= 1 << (n % 64)
		}
	}
	return at
}

// contend enters a contest.
func (m *machine) contend(i int32, set int, rest *program, rule string) {
	if m.broken || len(m.contested) >= maxContested {
		m.broken = true
		return
	}
	a := &m.acts[i]
	c := contest{act: i, node: m.node, evaluated: set}
	kind := openEntry
	switch {
	case rest.never:
		kind = closedEntry
		c.failed = true
		if !a.quiet {
			if f, ok := m.placed(found{node: m.node, rule: rule, at: a.p.schema}, false, len(m.frames), ""); ok {
				m.cells.addFound(&c.own, f)
			}
		}
	case rest.trivial():
		kind = anythingEntry
	}
	f := &m.frames[len(m.frames)-1]
	if f.object && !a.mute && !f.veiled {
		m.entry(&c.below, kind, a.p.owner())
	}
	m.contested = append(m.contested, c)
	if !rest.never {
		m.want(rest, i, byRest).rest = int32(len(m.contested) - 1)
	}
}

// restFails notes that a contested member is of a wrong kind.
func (m *machine) restFails(e *edge, rule string, s *contract.Schema) {
	c := &m.contested[e.rest]
	c.failed = true
	if m.acts[e.act].quiet {
		return
	}
	if f, ok := m.placed(found{node: m.node, rule: rule, at: s}, false, len(m.frames), ""); ok {
		m.cells.addFound(&c.own, f)
	}
}

// speakUp notes that contains has evaluated the element that was read.
func (m *machine) speakUp(i int32) {
	f := &m.frames[len(m.frames)-1]
	if int(i) < f.acts {
		f = &m.frames[len(m.frames)-2]
	}
	n := int(i) - f.acts
	for k := len(m.contested) - 1; k >= f.contested && m.contested[k].node == m.node; k-- {
		m.evaluated[m.contested[k].evaluated+n/64] |= 1 << (n % 64)
	}
}

// settleRest decides the contests of act i. They are in the order of the text,
// as is what the act says, so that one pass over both will do.
func (m *machine) settleRest(g *frame, i int32) {
	a := &m.acts[i]
	var out list
	left := a.below
	for k := g.contested; k < len(m.contested); k++ {
		c := &m.contested[k]
		if c.act != i {
			continue
		}
		if m.evaluates(g, c, i) {
			m.cells.dropFound(&c.own)
			m.cells.dropEntries(&c.below)
			continue
		}
		m.evaluated[c.evaluated+(int(i)-g.acts)/64] |= 1 << ((int(i) - g.acts) % 64)
		a.failed = a.failed || c.failed
		m.tell(i, c.own)
		if a.mute {
			m.cells.dropEntries(&c.below)
			continue
		}
		var same list
		m.cells.move(&out, &left, c.node)
		m.cells.move(&same, &left, c.end)
		if g.object {
			same = m.cells.overlay(same, c.below)
		} else {
			same = m.cells.combine(same, c.below)
		}
		m.cells.joinEntries(&out, same)
	}
	m.cells.joinEntries(&out, left)
	a.below = out
}

// evaluates tells whether an act that act i joins, and that counted, evaluates
// what is contested.
func (m *machine) evaluates(g *frame, c *contest, i int32) bool {
	for k := i + 1; k < int32(len(m.acts)); k++ {
		n := int(k) - g.acts
		if m.evaluated[c.evaluated+n/64]&(1<<(n%64)) == 0 {
			continue
		}
		at := k
		for at > i && m.acts[at].held {
			at = m.acts[at].parent
		}
		if at == i {
			return true
		}
	}
	return m.evaluated[c.evaluated+(int(i)-g.acts)/64]&(1<<((int(i)-g.acts)%64)) != 0 // by contains of its own
}
