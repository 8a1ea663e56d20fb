package schema

import "github.com/sallyport/sallyport/internal/lib/jsonx"

// open begins an object or array: what is wanted of it becomes acts.
func (m *machine) open(at int, object bool) int {
	if len(m.frames) > jsonx.DefaultDepth {
		return m.refuse(jsonx.Depth, at)
	}
	f := &m.frames[len(m.frames)-1]
	kind := jsonx.Array
	m.state = beforeItem
	before := m.comma
	m.comma = m.base + at + 1
	if object {
		kind, m.state = jsonx.Object, beforeFirst
	}
	if f.fast && m.only != nil {
		if m.openFast(f, kind, before) {
			return at + 1
		}
		m.want(m.only, int32(f.acts), byParent)
	}
	g := frame{
		start: m.node, comma: before, object: object, veiled: m.veiled, digests: f.digests, gone: f.gone,
		acts: len(m.acts), edges: f.kids, seenNames: seenNames{prints: len(m.prints), table: none}, words: len(m.words), names: len(m.names), contested: len(m.contested), evaluated: len(m.evaluated),
	}
	if len(m.wants) > 0 {
		m.enter(f, &g, kind)
	} else {
		g.fast, g.settled = true, f.settled
	}
	m.wants = m.wants[:0]
	g.kids, g.patch = len(m.edges), len(m.patch)
	m.frames = append(m.frames, g)
	return at + 1
}

// enter starts what is wanted of a value of which g will be the frame.
func (m *machine) enter(f, g *frame, kind jsonx.Kind) {
	edges := m.edges[f.kids:]
	m.steps += len(m.wants) * (1 + len(edges))
	bounced := false
	for k := range m.wants {
		p := m.wants[k].p
		if !p.kinds.has(kind) {
			bounced = true
			continue
		}
		root := m.room(p)
		if root == nil {
			continue
		}
		certain, quiet, mute := false, true, true
		i := int32(len(m.acts) - 1)
		for e := range edges {
			if edges[e].want != int32(k) {
				continue
			}
			edges[e].root = i
			x := &m.acts[edges[e].act]
			certain = certain || x.certain && edges[e].role == byParent
			quiet = quiet && (x.quiet || edges[e].role == byContains)
			mute = mute && x.mute
		}
		root = &m.acts[i]
		root.certain, root.quiet, root.mute, root.parent, root.role = certain, quiet, mute, none, byParent
		m.start(i, kind)
	}
	m.arrange(f, g)
	if bounced {
		m.bounce(f, g, kind)
	}
	if !g.veiled {
		m.noteAll(g, g.acts)
	}
}

// arrange finds out what kind of frame g is by the acts that it has.
func (m *machine) arrange(f, g *frame) {
	g.settled, g.tagged, g.asks, g.unique = f.settled, false, false, false
	contains := false
	for i := g.acts; i < len(m.acts); i++ {
		a := &m.acts[i]
		g.settled = g.settled && a.certain
		if a.dead {
			continue
		}
		g.tagged = g.tagged || a.waits || a.late
		g.asks = g.asks || a.p.rests(g.object)
		if r := a.p.array; r != nil && !g.object {
			g.unique = g.unique || r.unique
			contains = contains || r.contains != nil
		}
		g.digests = g.digests || g.unique || a.p.enum != nil || a.p.constant != nil
	}
	// What contains accepts is known only when an element ends.
	g.settled = g.settled && !g.tagged && !(contains && g.asks)
	n := len(m.acts) - g.acts
	g.fast = n == 0 || n == 1 && m.acts[g.acts].p.simple && !g.digests
}

// stepsOfAct is what an act costs from its start to its end, beside its
// members.
const stepsOfAct = 4

// room makes room for an act of p; nil where there is none.
func (m *machine) room(p *program) *act {
	if len(m.acts) >= maxActs || m.overspent() {
		m.broken = true
		return nil
	}
	m.steps += stepsOfAct
	m.acts = append(m.acts, act{})
	a := &m.acts[len(m.acts)-1]
	a.p, a.words = p, len(m.words)
	return a
}

// start begins the last act, and those that it joins.
func (m *machine) start(i int32, kind jsonx.Kind) {
	a := &m.acts[i]
	p := a.p
	if p.never || !p.kinds.has(kind) {
		a.dead, a.lost = true, true
		m.fail(i, p.mismatch())
		return
	}
	a.says = p.speaks(kind) || a.parent == none && !p.covers(kind)
	if o := p.object; o != nil && kind == jsonx.Object && len(o.names.list) > 64 {
		for n := (len(o.names.list) - 1) / 64; n > 0; n-- {
			m.words = append(m.words, 0)
		}
	}
	if p.joins || p.rare != nil {
		m.join(i, kind)
	}
}

// mismatch is the rule that a value of another kind breaks.
func (p *program) mismatch() string {
	if p.never {
		return "false"
	}
	return "type"
}

// add starts an act that act i joins.
func (m *machine) add(i int32, p *program, r role, kind jsonx.Kind) int32 {
	for p.alias != nil {
		p = p.alias
	}
	for k := i; k != none && r != byTag && r != byMaybe; k = m.acts[k].parent {
		if m.acts[k].role == byTag || m.acts[k].role == byMaybe {
			break // a child of a hierarchy has its parent twice; a discriminator is followed once
		}
		if m.acts[k].p == p && p.branch == nil {
			m.broken = true // it leads to itself without end
			return none
		}
	}
	x := m.room(p)
	if x == nil {
		return none
	}
	c := int32(len(m.acts) - 1)
	up := &m.acts[i]
	x.parent, x.role, x.quiet, x.mute = i, r, up.quiet || r == byNot || r == byIf, up.mute || r == byNot
	x.certain = up.certain && (r == byRef || r == byOnly || r == byTag)
	if up.last != 0 {
		m.acts[up.last].next = c
	} else {
		up.first = c
	}
	up.last = c
	m.start(c, kind)
	return c
}

// join starts what act i joins.
func (m *machine) join(i int32, kind jsonx.Kind) {
	p := m.acts[i].p
	if p.ref != nil {
		m.add(i, p.ref, byRef, kind)
	}
	for _, q := range p.allOf {
		m.add(i, q, byRef, kind)
	}
	again := false
	if p.branch != nil {
		for k := m.acts[i].parent; k != none; k = m.acts[k].parent {
			again = again || m.acts[k].p == p
		}
	}
	switch {
	case again && p.branch.closed: // the parent of a hierarchy is checked once
	case kind == jsonx.Object && p.tags != nil && !again:
		m.acts[i].waits = true
	default:
		m.alternatives(i, kind)
	}
	if p.not != nil {
		m.add(i, p.not, byNot, kind)
	}
	if q := p.rare; q != nil {
		m.conditions(i, q, kind)
	}
}

func (m *machine) conditions(i int32, q *rareRules, kind jsonx.Kind) {
	if q.cond != nil {
		m.add(i, q.cond, byIf, kind)
		if q.then != nil {
			m.add(i, q.then, byThen, kind)
		}
		if q.other != nil {
			m.add(i, q.other, byElse, kind)
		}
	}
	for k := range q.dependent {
		if d := &q.dependent[k]; d.then != nil && kind == jsonx.Object {
			if c := m.add(i, d.then, byDependent, kind); c != none {
				m.acts[c].name = int32(d.place)
			}
		}
	}
}

// alternatives starts anyOf and oneOf. Those of another type are left out where
// there are others.
func (m *machine) alternatives(i int32, kind jsonx.Kind) {
	p := m.acts[i].p
	m.some(i, p.anyOf, byAny, kind)
	m.some(i, p.oneOf, byOne, kind)
}

func (m *machine) some(i int32, list []*program, r role, kind jsonx.Kind) {
	if len(list) == 0 {
		return
	}
	fit := 0
	for _, q := range list {
		if q.accepts.has(kind) {
			fit++
		}
	}
	if fit == 1 {
		r = byOnly
	}
	for _, q := range list {
		if fit == 0 || q.accepts.has(kind) {
			m.add(i, q, r, kind)
		}
	}
}

// noteAll keeps the traits of acts from a place on, and whether they have lost
// sight of the value.
func (m *machine) noteAll(g *frame, from int) {
	var t traits
	var by *program
	for i := from; i < len(m.acts); i++ {
		a := &m.acts[i]
		switch {
		case a.mute:
		case g.settled:
			if a.p.traits != 0 {
				t, by = t|a.p.traits, a.p
			}
			g.gone = g.gone || a.lost
			m.unseen = m.unseen || a.lost
		default:
			if a.lost {
				m.entry(&a.below, lostEntry, nil)
			}
			m.noteTraits(&a.below, a.p)
		}
	}
	if by != nil {
		m.markTraits(t, by.schema)
	}
}

// bounce fails the wants that do not take values of the kind.
func (m *machine) bounce(f, g *frame, kind jsonx.Kind) {
	var t traits
	var by *program
	for e := f.kids; e < len(m.edges); e++ {
		x := &m.edges[e]
		p := m.wants[x.want].p
		if p.kinds.has(kind) {
			continue
		}
		x.root = none
		a := &m.acts[x.act]
		switch {
		case x.role == byContains:
			continue
		case x.role == byRest:
			m.restFails(x, p.mismatch(), p.schema)
			continue
		default:
			m.failNamed(x.act, found{node: m.node, rule: p.mismatch(), at: p.schema}, len(m.frames), "")
		}
		switch {
		case a.mute || g.veiled:
		case g.settled:
			g.gone, m.unseen = true, true
			if p.traits != 0 {
				t, by = t|p.traits, p
			}
		default:
			var l list
			m.entry(&l, lostEntry, nil)
			m.noteTraits(&l, p)
			m.hear(a, l, false)
		}
	}
	if by != nil {
		m.markTraits(t, by.schema)
	}
}
