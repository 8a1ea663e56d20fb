package schema

import "github.com/sallyport/sallyport/internal/lib/jsonx"

// siftArray runs s over an array.
func (m *machine) siftArray(s *sieve, at, depth int, strict bool) sifted {
	g := s.of(jsonx.Array)
	if g.unfit || strict && (g.fixed|g.noise)&1 != 0 && g.single {
		return cannotTell
	}
	m.steps += g.cost
	a := g.array
	if a.flat {
		return m.siftList(g, at, depth, strict)
	}
	items := seenNames{prints: len(m.prints), table: none}
	hits := len(m.hits)
	for range a.contains {
		m.hits = append(m.hits, 0)
	}
	e := effects{pending: len(m.pending)}
	f, end := m.siftItems(g, &items, &e, siftPlace{at, depth, hits, strict})
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
	m.pending = m.pending[:e.pending]
	if f|g.noise|e.noise == 0 && e.n == 0 {
		return sifted{end: end}
	}
	return g.result(end, f, &e)
}

// siftList runs over an array of which all elements are alike to one node and
// only the count matters beside them.
func (m *machine) siftList(g *sift, at, depth int, strict bool) sifted {
	src, child := m.src, g.array.rest.child
	out := sifted{noise: g.noise & 1}
	at = jsonx.Skip(src, at+1)
	count := 0
	for at < len(src) && (count > 0 || src[at] != ']') {
		r := m.sift(child, at, depth+1, strict)
		if r.end < 0 || strict && r.fail|r.noise != 0 {
			return cannotTell
		}
		out.fail |= r.fail
		out.noise |= r.noise
		count++
		at = jsonx.Skip(src, r.end)
		if at >= len(src) || src[at] != ',' {
			break
		}
		at = jsonx.Skip(src, at+1)
	}
	if at >= len(src) || src[at] != ']' {
		return cannotTell
	}
	out.fail |= failingCounts(g.array.counts, count)
	if out.fail != 0 {
		out.noise = 0
	}
	out.end = at + 1
	return out
}

// A siftPlace says where a sieve is.
type siftPlace struct {
	at, depth, hits int
	strict          bool
}

// siftItems runs over the elements; end is refused where it cannot tell.
func (m *machine) siftItems(g *sift, items *seenNames, e *effects, w siftPlace) (f uint64, end int) {
	a := g.array
	f = g.fixed
	src := m.src
	at := jsonx.Skip(src, w.at+1)
	if at < len(src) && src[at] == ']' {
		return f | failingCounts(a.counts, 0), at + 1
	}
	for count := 0; ; {
		if at >= len(src) {
			return f, refused
		}
		member := &a.rest
		if count < len(a.prefix) {
			member = &a.prefix[count]
		}
		count++
		c := src[at]
		nested := c == '{' || c == '['
		if nested && a.unique != 0 {
			return f, refused // the machine makes digests of them
		}
		r := m.sift(member.child, at, w.depth+1, w.strict && g.single && a.contains == nil)
		if r.end < 0 {
			return f, refused
		}
		if a.unique&^f != 0 && !m.siftUnique(items, at, r.end) && m.exact.repeats(src, w.at, at, r.end) {
			f |= a.unique
		}
		if member.left != nil {
			m.hang(member.left, &r, e)
		}
		if r.fail|r.noise != 0 {
			f |= member.fallen(r.fail)
			e.noise |= member.fallen(r.noise)
			if w.strict && g.hopeless(f) {
				return f, refused
			}
		}
		for i := range a.contains {
			if root := a.contains[i].root; r.fail>>root&1 == 0 {
				m.hits[w.hits+i]++
				e.noise |= a.contains[i].bit * (r.noise >> root & 1)
			}
		}
		if nested && !g.single && !member.sure && member.declared != 0 {
			e.known(member.declared)
		}
		if w.strict && g.single && f|e.noise != 0 {
			return f, refused
		}
		at = jsonx.Skip(src, r.end)
		if at >= len(src) {
			return f, refused
		}
		if src[at] == ']' {
			return f | failingCounts(a.counts, count), at + 1
		}
		if src[at] != ',' {
			return f, refused
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
	return m.isFresh(items, m.quickDigest())
}

// quickDigest is a digest of the token, which is a scalar, for one list alone.
// That of a short text or integer is what it says, so that there is nothing to
// compute.
func (m *machine) quickDigest() digest {
	const wholeSalt, otherSalt = 0x40 << 56, 0x41 << 56
	switch m.tok.kind {
	case jsonx.String:
		return m.seeds.name(m.tokenText())
	case jsonx.Number:
		if v, places, ok := shortNumber(m.tok.raw); ok && places == 0 {
			return digest{uint64(v), wholeSalt}
		}
		var d decimal
		d, m.digits = parseDecimal(m.tok.raw, m.digits)
		if v, ok := d.short(); ok {
			return digest{uint64(v), wholeSalt}
		}
		n := m.seeds.number(d)
		n.b = n.b&(1<<56-1) | otherSalt
		return n
	case jsonx.Null, jsonx.True, jsonx.False, jsonx.Array, jsonx.Object:
	}
	return digest{uint64(m.tok.kind), otherSalt + 1}
}
