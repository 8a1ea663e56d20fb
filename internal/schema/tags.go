package schema

import "github.com/sallyport/sallyport/internal/lib/jsonx"

// tags tell alternatives apart by the value of one member.
type tags struct {
	name string
	any  map[string][]*program // those of anyOf that a value leaves; nil: not told apart
	one  map[string][]*program // the same of oneOf
	to   []*program            // that a discriminator may name and that are no alternatives
}

// awaited tells whether the member of f that is read tells alternatives apart.
func (m *machine) awaited(f *frame) bool {
	if !f.object {
		return false
	}
	name := m.nameOf(f)
	for i := f.acts; i < len(m.acts); i++ {
		if a := &m.acts[i]; (a.waits || a.late) && !a.dead && a.p.tags.name == string(name) {
			return true
		}
	}
	return false
}

// tag reads a string that tells alternatives apart.
func (m *machine) tag(at int) int {
	end, escaped, r := jsonx.ScanString(m.src, max(at+1, m.scanned))
	if r != "" {
		return m.unfinished(r, at, end)
	}
	m.tok = token{kind: jsonx.String, start: m.base + at, raw: m.src[at : end+1], escaped: escaped || m.pieces, runes: -1}
	f := &m.frames[len(m.frames)-1]
	name := m.nameOf(f)
	value := m.tokenText()
	for i := f.acts; i < len(m.acts); i++ {
		a := &m.acts[i]
		if a.dead || !(a.waits || a.late) || a.p.tags.name != string(name) {
			continue
		}
		if a.waits {
			m.pick(f, int32(i), value)
		} else {
			m.pickLate(f, int32(i), value)
		}
	}
	m.ask(f)
	m.state = withinValue
	return m.done(end + 1)
}

// raise readies the machine for starting acts of the frame on top; lower ends
// that with what it gave.
func (m *machine) raise(f *frame) (was raised) {
	was = raised{node: m.node, lift: m.lift, acts: len(m.acts)}
	m.node, m.lift = f.start, 1
	return was
}

type raised struct{ node, lift, acts int }

func (m *machine) lower(f *frame, was raised) {
	m.arrange(&m.frames[len(m.frames)-2], f)
	if !f.veiled {
		m.noteAll(f, was.acts)
	}
	f.patch = len(m.patch)
	m.node, m.lift = was.node, was.lift
}

// startAll starts the alternatives of all acts that wait for a member, when
// another one comes first, or none.
func (m *machine) startAll(f *frame) {
	waiting := false
	for i := f.acts; i < len(m.acts); i++ {
		waiting = waiting || m.acts[i].waits
	}
	if !waiting {
		return
	}
	was := m.raise(f)
	for i := f.acts; i < len(m.acts); i++ {
		if !m.acts[i].waits {
			continue
		}
		m.acts[i].waits, m.acts[i].late = false, true
		m.alternatives(int32(i), jsonx.Object)
		for _, to := range m.acts[i].p.tags.to {
			m.add(int32(i), to, byMaybe, jsonx.Object)
		}
	}
	m.lower(f, was)
}

// pick starts the alternatives of act i that a value leaves.
func (m *machine) pick(f *frame, i int32, value []byte) {
	m.acts[i].waits = false
	p := m.acts[i].p
	var to *program
	if p.branch != nil {
		to = p.branch.to[string(value)]
		if to == nil && p.branch.closed {
			m.fail(i, "discriminator")
		}
	}
	was := m.raise(f)
	switch {
	case p.branch == nil:
		m.some(i, narrowed(p.tags.any, value, p.anyOf), byAny, jsonx.Object)
		m.some(i, narrowed(p.tags.one, value, p.oneOf), byOne, jsonx.Object)
	case to != nil && to != p:
		m.add(i, to, byTag, jsonx.Object)
	case to == nil && !p.branch.closed:
		m.alternatives(i, jsonx.Object)
	}
	m.lower(f, was)
	if to == nil && p.branch != nil && p.branch.closed {
		m.astray(f, i)
	}
}

// astray notes that act i has lost sight of the value of the frame on top.
func (m *machine) astray(f *frame, i int32) {
	a := &m.acts[i]
	if f.settled {
		f.gone, m.unseen = true, true
		return
	}
	was := m.raise(f)
	if !a.mute && !f.veiled {
		var l list
		m.entry(&l, lostEntry, nil)
		a.below = m.cells.overlay(a.below, l)
	}
	f.patch = len(m.patch)
	m.node, m.lift = was.node, was.lift
}

// narrowed are the alternatives that a value leaves; all where it leaves none,
// so that the closest can be told.
func narrowed(by map[string][]*program, value []byte, all []*program) []*program {
	if left := by[string(value)]; len(left) > 0 {
		return left
	}
	return all
}

// pickLate ends the alternatives of act i that a value leaves out, once they
// have started.
func (m *machine) pickLate(f *frame, i int32, value []byte) {
	m.acts[i].late = false
	p := m.acts[i].p
	if p.branch == nil {
		m.narrow(i, byAny, p.tags.any[string(value)])
		m.narrow(i, byOne, p.tags.one[string(value)])
		return
	}
	to := p.branch.to[string(value)]
	if to == nil && !p.branch.closed {
		m.narrow(i, byMaybe, nil)
		return
	}
	if to == nil {
		m.fail(i, "discriminator")
		m.astray(f, i)
	}
	for to != nil && to.alias != nil {
		to = to.alias
	}
	for c := m.acts[i].first; c != 0; c = m.acts[c].next {
		switch x := &m.acts[c]; x.role {
		case byAny, byOne, byMaybe, byOnly:
			if x.p == to {
				x.role, to = byTag, nil
			} else {
				m.kill(c)
				x.role = byMaybe // the discriminator decides, not anyOf or oneOf
			}
		case byParent, byRef, byTag, byNot, byIf, byThen, byElse, byDependent, byContains, byRest:
		}
	}
}

// narrow ends the alternatives of one keyword that are not among those left,
// unless none would stay.
func (m *machine) narrow(i int32, r role, left []*program) {
	if len(left) == 0 && r != byMaybe {
		return
	}
	for c := m.acts[i].first; c != 0; c = m.acts[c].next {
		if m.acts[c].role != r {
			continue
		}
		stays := false
		for _, p := range left {
			for p.alias != nil {
				p = p.alias
			}
			stays = stays || p == m.acts[c].p
		}
		if !stays {
			m.kill(c)
		}
	}
}

// kill ends an act and those that it joins: it fails, and has nothing to say.
func (m *machine) kill(c int32) {
	for k := c; k < int32(len(m.acts)); k++ {
		x := &m.acts[k]
		if k != c && (x.parent == none || !m.acts[x.parent].killed) {
			continue
		}
		m.cells.dropFound(&x.own)
		x.dead, x.failed, x.killed, x.waits, x.late = true, true, true, false, false
	}
	if x := &m.acts[c]; x.role != byAny && x.role != byOne {
		x.role = byMaybe
	}
}
