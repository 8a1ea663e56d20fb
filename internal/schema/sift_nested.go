package schema

import "github.com/sallyport/sallyport/internal/lib/jsonx"

// siftObject runs s over an object.
func (m *machine) siftObject(s *sieve, at, depth int, strict bool) sifted {
	g := s.of(jsonx.Object)
	if g.unfit || strict && (g.fixed|g.noise)&1 != 0 && g.single {
		return cannotTell
	}
	m.steps += g.cost
	o := g.object
	names := seenNames{prints: len(m.prints), table: none}
	e := effects{pending: len(m.pending)}
	f := g.fixed
	hint, count := 0, 0
	src := m.src
	at = jsonx.Skip(src, at+1)
	if at < len(src) && src[at] == '}' {
		return m.endObject(g, at+1, f, count, &e)
	}
	for {
		if o.keys == nil {
			next, ended := m.siftPlain(o, &e, siftAt{at, hint})
			count += next.hint - hint
			if at, hint = next.at, next.hint; ended {
				break
			}
		}
		n := m.siftName(o, &names, &e, siftAt{at, hint})
		if n.value < 0 {
			return m.dropNames(&names)
		}
		at = n.value
		count++
		member := &o.other
		if n.place >= 0 {
			hint = n.place + 1
			member = &o.list[n.place].member
			if o.list[n.place].tags != nil && src[at] == '"' {
				m.siftTags(&o.list[n.place], at, &e)
			}
		}
		declared, refuse := member.declared, member.refuse
		if len(o.keys) > 0 {
			refused, ok := m.siftKeys(o, n.start, n.end)
			if !ok {
				return m.dropNames(&names)
			}
			f |= refused
		}
		r := m.sift(member.child, at, depth+1, strict && g.single)
		if r.end < 0 {
			return m.dropNames(&names)
		}
		if n.place < 0 && o.patterns != nil {
			declared, refuse = m.siftPatterns(o, src[n.start+1:n.end], &r, &e, &f, declared, refuse)
		}
		f |= refuse
		if member.left != nil {
			m.hang(member.left, &r, &e)
		}
		if r.fail|r.noise != 0 {
			f |= member.fallen(r.fail)
			e.noise |= member.fallen(r.noise)
			if strict && g.hopeless(f) {
				return m.dropNames(&names)
			}
		}
		switch {
		case strict && declared == 0, strict && g.single && f|e.noise != 0:
			return m.dropNames(&names)
		case declared == 0:
			e.known(0)
		case g.single:
		case !member.sure:
			e.known(declared)
		}
		at = jsonx.Skip(src, r.end)
		if at >= len(src) {
			return m.dropNames(&names)
		}
		if src[at] == '}' {
			break
		}
		if src[at] != ',' {
			return m.dropNames(&names)
		}
		at = jsonx.Skip(src, at+1)
	}
	m.dropNames(&names)
	return m.endObject(g, at+1, f, count, &e)
}

// siftPlain reads members as long as they come in the order of the list and are
// scalars that surely keep all that is asked. It tells whether the object ends
// there.
func (m *machine) siftPlain(o *siftObject, e *effects, w siftAt) (next siftAt, ended bool) {
	src := m.src
	for w.hint < len(o.list) {
		x := &o.list[w.hint]
		end := w.at + 1 + len(x.name)
		if x.member.plain == nil || !x.plain || x.tags != nil || end+2 >= len(src) || src[w.at] != '"' || src[end] != '"' ||
			src[end+1] != ':' || string(src[w.at+1:end]) != x.name || e.has(w.hint) {
			return w, false
		}
		value := jsonx.Skip(src, end+2)
		if value >= len(src) {
			return w, false
		}
		end = m.plainValue(x.member.plain, value)
		if end < 0 {
			return w, false
		}
		if end = jsonx.Skip(src, end); end >= len(src) || src[end] != ',' && src[end] != '}' {
			return w, false
		}
		m.steps++
		e.seen[w.hint/64] |= 1 << (w.hint % 64)
		w.hint++
		if w.at = end; src[end] == '}' {
			return w, true
		}
		w.at = jsonx.Skip(src, end+1)
	}
	return w, false
}

// A siftAt is where a name starts, and which place may come next.
type siftAt struct{ at, hint int }

// A nameAt is the name of a member: its place among those that are known, its
// quotes, and where the value starts; refused where it cannot be read, or came
// before.
type nameAt struct{ place, start, end, value int }

// siftName reads a name and what stands before its value.
func (m *machine) siftName(o *siftObject, names *seenNames, e *effects, w siftAt) nameAt {
	src := m.src
	if w.at >= len(src) || src[w.at] != '"' {
		return nameAt{value: refused}
	}
	place, end := o.place(src, w.at+1, w.hint)
	if place >= 0 {
		if e.has(place) {
			return nameAt{value: refused}
		}
		e.seen[place/64] |= 1 << (place % 64)
	} else if place, end = m.otherName(o, names, e, w.at); end < 0 {
		return nameAt{value: refused}
	}
	colon := jsonx.Skip(src, end+1)
	if colon >= len(src) || src[colon] != ':' {
		return nameAt{value: refused}
	}
	value := jsonx.Skip(src, colon+1)
	if value >= len(src) {
		value = refused
	}
	return nameAt{place, w.at, end, value}
}

// place finds the name that starts here where it stands for itself; none where
// it has to be looked for.
func (o *siftObject) place(src []byte, at, hint int) (place, end int) {
	if hint < len(o.list) {
		n := &o.list[hint]
		end = at + len(n.name)
		if n.plain && end < len(src) && src[end] == '"' && string(src[at:end]) == n.name {
			return hint, end
		}
	}
	return none, refused
}

// otherName reads a name that is not the next of the list. It is refused where
// it came before.
func (m *machine) otherName(o *siftObject, names *seenNames, e *effects, at int) (place, end int) {
	end, escaped, r := jsonx.ScanString(m.src, at+1)
	if r != "" {
		return none, refused
	}
	name := m.src[at+1 : end]
	if escaped {
		m.key = jsonx.AppendText(m.key[:0], name)
		name = m.key
	}
	place = o.find(name)
	if place < 0 {
		if !m.isNew(names, name) {
			return none, refused
		}
		return none, end
	}
	if e.has(place) {
		return none, refused
	}
	e.seen[place/64] |= 1 << (place % 64)
	return place, end
}

func (o *siftObject) find(name []byte) int {
	if o.by != nil {
		if at, ok := o.by[string(name)]; ok {
			return at
		}
		return none
	}
	for i := range o.list {
		if o.list[i].name == string(name) {
			return i
		}
	}
	return none
}

// dropNames forgets the names of an object, and is the end of one that the
// machine has to read.
func (m *machine) dropNames(s *seenNames) sifted {
	m.prints = m.prints[:s.prints]
	if s.table >= 0 {
		m.tables[s.table].empty(maxKept)
		m.tables[s.table].used = false
	}
	return cannotTell
}

// nameText is a name as it is meant, good until the next call.
func (m *machine) nameText(raw []byte) []byte {
	if !hasEscape(raw) {
		return raw
	}
	m.key = jsonx.AppendText(m.key[:0], raw)
	return m.key
}

// siftTags notes what discriminators find in a member, which is a string.
func (m *machine) siftTags(n *siftName, at int, e *effects) {
	end, escaped, r := jsonx.ScanString(m.src, at+1)
	if r != "" {
		return // the value is refused in a moment
	}
	text := m.src[at+1 : end]
	if escaped {
		m.decoded = jsonx.AppendText(m.decoded[:0], text)
		text = m.decoded
	}
	for i := range n.tags {
		slot := n.tags[i].values[string(text)]
		if slot == 0 {
			slot = none
		}
		e.slots[n.tags[i].slot] = slot
	}
}

// siftKeys gives the nodes whose propertyNames refuse a name; false where it
// cannot tell.
func (m *machine) siftKeys(o *siftObject, at, end int) (f uint64, ok bool) {
	raw := m.src[at : end+1]
	escaped := hasEscape(raw)
	for i := range o.keys {
		c := &o.keys[i]
		m.tok = token{kind: jsonx.String, start: at, raw: raw, escaped: escaped, runes: -1}
		r := m.siftScalar(c.by.of(jsonx.String), end)
		if r.end < 0 {
			return 0, false
		}
		if r.fail != 0 {
			f |= c.bit
		}
	}
	return f, true
}

// siftPatterns applies patternProperties to a member that no list names, and
// what of additionalProperties stands beside them.
func (m *machine) siftPatterns(o *siftObject, raw []byte, r *sifted, e *effects, f *uint64, declared, refuse uint64) (uint64, uint64) {
	name := m.nameText(raw)
	for i := range o.patterns {
		p := &o.patterns[i]
		hit := false
		for k := range p.list {
			x := &p.list[k]
			m.steps++
			if x.re != nil && !x.re.match(name) {
				continue
			}
			hit = true
			p.hold(x.root, r, e, f)
		}
		switch {
		case hit:
			declared |= p.bit
		case p.refuse:
			refuse |= p.bit
		case p.extra != none:
			p.hold(p.extra, r, e, f)
		}
	}
	return declared, refuse
}

// hold makes a node stand or fall with a root.
func (p *nodePatterns) hold(root int, r *sifted, e *effects, f *uint64) {
	if r.fail>>root&1 != 0 {
		*f |= p.bit
	}
	if r.noise>>root&1 != 0 {
		e.noise |= p.bit
	}
}

// endObject decides an object whose members have all come.
func (m *machine) endObject(g *sift, end int, f uint64, count int, e *effects) sifted {
	o := g.object
	for i := range o.needs {
		if n := &o.needs[i]; e.lacks(&n.names) {
			f |= n.bit
		}
	}
	f |= failingCounts(o.counts, count)
	f = m.decided(g, f, e)
	m.pending = m.pending[:e.pending]
	if f|g.noise|e.noise == 0 && e.n == 0 {
		return sifted{end: end}
	}
	return g.result(end, f, e)
}

func failingCounts(list []nodeCount, count int) (f uint64) {
	for i := range list {
		if c := &list[i]; count < c.min || c.max >= 0 && count > c.max {
			f |= c.bit
		}
	}
	return f
}
