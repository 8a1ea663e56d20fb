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
	var e effects
	f := g.fixed
	hint, count := 0, 0
	src := m.src
	at = jsonx.Skip(src, at+1)
	if at < len(src) && src[at] == '}' {
		return m.endObject(g, at+1, f, count, &e)
	}
	for {
		if at >= len(src) || src[at] != '"' {
			return m.dropNames(&names)
		}
		place, end := o.place(src, at+1, hint)
		if place >= 0 {
			if e.has(place) {
				return m.dropNames(&names)
			}
			e.seen[place/64] |= 1 << (place % 64)
			hint = place + 1
		} else {
			if place, end = m.otherName(o, &names, &e, at); end < 0 {
				return m.dropNames(&names)
			}
		}
		nameAt := at
		at = jsonx.Skip(src, end+1)
		if at >= len(src) || src[at] != ':' {
			return m.dropNames(&names)
		}
		if at = jsonx.Skip(src, at+1); at >= len(src) {
			return m.dropNames(&names)
		}
		count++
		member := &o.other
		if place >= 0 {
			member = &o.list[place].member
			if o.list[place].tags != nil && src[at] == '"' {
				m.siftTags(&o.list[place], at, &e)
			}
		}
		declared, refuse := member.declared, member.refuse
		if len(o.keys) > 0 {
			f |= m.siftKeys(o, src[nameAt+1:end])
		}
		r := m.sift(member.child, at, depth+1, strict && g.single)
		if r.end < 0 {
			return m.dropNames(&names)
		}
		if place < 0 && o.patterns != nil {
			declared, refuse = m.siftPatterns(o, src[nameAt+1:end], &r, &e, &f, declared, refuse)
		}
		f |= refuse
		if r.fail|r.noise != 0 {
			for i := range member.edges {
				x := &member.edges[i]
				if r.fail>>x.root&1 != 0 {
					f |= x.mask
				}
				if r.noise>>x.root&1 != 0 {
					e.noise |= x.mask
				}
			}
		}
		switch {
		case g.single:
			if strict && (f != 0 || e.noise != 0 || declared == 0) {
				return m.dropNames(&names)
			}
			if declared == 0 {
				e.noise |= 1
			}
		default:
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

// siftKeys gives the nodes whose propertyNames refuse a name.
func (m *machine) siftKeys(o *siftObject, raw []byte) (f uint64) {
	for i := range o.keys {
		m.steps++
		if c := &o.keys[i]; !m.nameFits(c.p, m.nameText(raw)) {
			f |= c.bit
		}
	}
	return f
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

// siftArray runs s over an array.
func (m *machine) siftArray(s *sieve, at, depth int, strict bool) sifted {
	g := s.of(jsonx.Array)
	if g.unfit || strict && (g.fixed|g.noise)&1 != 0 && g.single {
		return cannotTell
	}
	m.steps += g.cost
	a := g.array
	items := seenNames{prints: len(m.prints), table: none}
	hits := len(m.hits)
	for range a.contains {
		m.hits = append(m.hits, 0)
	}
	f, end, e := m.siftItems(g, &items, siftPlace{at, depth, hits, strict})
	if end >= 0 {
		for i := range a.contains {
			c := &a.contains[i]
			if n := m.hits[hits+i]; n < c.least || n > c.most {
				f |= c.bit
			}
		}
	}
	m.hits = m.hits[:hits]
	m.dropNames(&items)
	if end < 0 {
		return cannotTell
	}
	f = m.decided(g, f, &e)
	if f|g.noise|e.noise == 0 && e.n == 0 {
		return sifted{end: end}
	}
	return g.result(end, f, &e)
}

// A siftPlace says where a sieve is.
type siftPlace struct {
	at, depth, hits int
	strict          bool
}

// siftItems runs over the elements; end is refused where it cannot tell.
func (m *machine) siftItems(g *sift, items *seenNames, w siftPlace) (f uint64, end int, e effects) {
	a := g.array
	f = g.fixed
	src := m.src
	at := jsonx.Skip(src, w.at+1)
	if at < len(src) && src[at] == ']' {
		return f | failingCounts(a.counts, 0), at + 1, e
	}
	for count := 0; ; {
		if at >= len(src) {
			return f, refused, e
		}
		member := &a.rest
		if count < len(a.prefix) {
			member = &a.prefix[count]
		}
		count++
		c := src[at]
		nested := c == '{' || c == '['
		if nested && a.unique != 0 {
			return f, refused, e // the machine makes digests of them
		}
		r := m.sift(member.child, at, w.depth+1, w.strict && g.single && a.contains == nil)
		if r.end < 0 {
			return f, refused, e
		}
		if a.unique&^f != 0 && !m.siftUnique(items, at, r.end) {
			f |= a.unique
		}
		if r.fail|r.noise != 0 {
			for i := range member.edges {
				x := &member.edges[i]
				if r.fail>>x.root&1 != 0 {
					f |= x.mask
				}
				if r.noise>>x.root&1 != 0 {
					e.noise |= x.mask
				}
			}
		}
		for i := range a.contains {
			if root := a.contains[i].root; r.fail>>root&1 == 0 {
				m.hits[w.hits+i]++
				e.noise |= a.contains[i].bit * (r.noise >> root & 1)
			}
		}
		if nested && !g.single && member.declared != 0 {
			e.known(member.declared)
		}
		if w.strict && g.single && f|e.noise != 0 {
			return f, refused, e
		}
		at = jsonx.Skip(src, r.end)
		if at >= len(src) {
			return f, refused, e
		}
		if src[at] == ']' {
			return f | failingCounts(a.counts, count), at + 1, e
		}
		if src[at] != ',' {
			return f, refused, e
		}
		at = jsonx.Skip(src, at+1)
	}
}

// siftUnique tells whether a scalar did not come before.
func (m *machine) siftUnique(items *seenNames, at, end int) bool {
	raw := m.src[at:end]
	switch raw[0] {
	case '"':
		m.tok = token{kind: jsonx.String, raw: raw, escaped: hasEscape(raw)}
	case 't':
		m.tok = token{kind: jsonx.True}
	case 'f':
		m.tok = token{kind: jsonx.False}
	case 'n':
		m.tok = token{kind: jsonx.Null}
	default:
		m.tok = token{kind: jsonx.Number, raw: raw}
	}
	return m.isFresh(items, m.tokenDigest())
}
