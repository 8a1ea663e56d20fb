package schema

import "github.com/sallyport/sallyport/internal/lib/jsonx"

// The functions of this file read what most bodies are made of without leaving
// a loop: members that the one schema of their object declares, and elements,
// whose values are scalars that keep its rules. Whatever else comes is left to
// the other steps, from the start of the member on. They are there for speed
// alone, and hold no rule of their own.

// members reads members as long as they are plain.
func (m *machine) members(at int) int {
	f := &m.frames[len(m.frames)-1]
	switch {
	case !f.fast || f.digests:
		return m.name(at)
	case len(m.acts) == f.acts:
		return m.skim(f, at)
	case m.acts[f.acts].p.object == nil:
		return m.name(at)
	}
	a := &m.acts[f.acts]
	o := a.p.object
	src := m.src
	place := int(a.hint)
	for {
		at = jsonx.Skip(src, at)
		if place >= len(o.names.list) || place >= 64 {
			return m.name(at)
		}
		n := &o.names.list[place]
		name := at + 1
		end := name + len(n.name)
		if !n.plain || n.to == nil || end >= len(src) || src[at] != '"' || src[end] != '"' || string(src[name:end]) != n.name {
			return m.name(at)
		}
		bit := uint64(1) << (place & 63)
		if a.seen&bit != 0 {
			return m.name(at)
		}
		colon := jsonx.Skip(src, end+1)
		if colon >= len(src) || src[colon] != ':' {
			return m.name(at)
		}
		value := jsonx.Skip(src, colon+1)
		if value >= len(src) {
			return m.name(at)
		}
		place++
		after := refused
		if n.to.plain {
			after = m.plainValue(n.to, value)
		}
		if after < 0 {
			if c := src[value]; c != '{' && c != '[' {
				return m.name(at)
			}
			f.count++
			a.seen |= bit
			a.hint = int32(place)
			m.named(f, at, end, place-1)
			m.state = beforeValue
			return m.value(value)
		}
		f.count++
		a.seen |= bit
		a.hint = int32(place)
		at = jsonx.Skip(src, after)
		if at >= len(src) || src[at] != ',' {
			m.state = behindValue
			return at
		}
		m.comma = m.base + at
		at++
	}
}

// skim reads members of which no schema says anything as long as they are
// scalars.
func (m *machine) skim(f *frame, at int) int {
	src := m.src
	for {
		at = jsonx.Skip(src, at)
		if at >= len(src) || src[at] != '"' {
			return m.name(at)
		}
		end, escaped, r := jsonx.ScanString(src, at+1)
		if r != "" || escaped {
			return m.name(at)
		}
		colon := jsonx.Skip(src, end+1)
		if colon >= len(src) || src[colon] != ':' {
			return m.name(at)
		}
		value := jsonx.Skip(src, colon+1)
		if value >= len(src) {
			return m.name(at)
		}
		c := src[value]
		after := value
		if c != '{' && c != '[' {
			after = m.plainValue(m.blank, value)
		}
		if after < 0 || !m.isNew(&f.seenNames, src[at+1:end]) {
			return m.name(at)
		}
		f.count++
		if after == value {
			m.named(f, at, end, none)
			m.state = beforeValue
			return m.value(value)
		}
		at = jsonx.Skip(src, after)
		if at >= len(src) || src[at] != ',' {
			m.state = behindValue
			return at
		}
		m.comma = m.base + at
		at++
	}
}

// named keeps the name of the member that starts here.
func (m *machine) named(f *frame, at, end, place int) {
	f.keyOff, f.keyAt, f.keyEnd = m.base+at, at+1, end
	f.escaped, f.found = false, place
	if m.pieces {
		m.names = append(m.names[:f.names], m.src[at+1:end]...)
		f.keyAt, f.keyEnd = f.names, len(m.names)
	}
}

// items reads elements as long as they are plain.
func (m *machine) items(at int) int {
	f := &m.frames[len(m.frames)-1]
	if !f.fast || f.digests {
		return m.value(at)
	}
	p, after := m.blank, 0 // of elements, and from which on
	if len(m.acts) > f.acts {
		if r := m.acts[f.acts].p.array; r != nil {
			after = len(r.prefix)
			if r.items != nil {
				p = r.items
			}
		}
	}
	if !p.plain {
		return m.value(at)
	}
	src := m.src
	for f.count >= after {
		at = jsonx.Skip(src, at)
		if at >= len(src) {
			break
		}
		end := m.plainValue(p, at)
		if end < 0 {
			break
		}
		f.count++
		at = jsonx.Skip(src, end)
		if at >= len(src) || src[at] != ',' {
			m.state = behindValue
			return at
		}
		m.comma = m.base + at
		at++
	}
	return m.value(at)
}

// passes tells whether a text is a scalar that surely keeps the rules of p.
func (m *machine) passes(p *program, text []byte) bool {
	for p.alias != nil {
		p = p.alias
	}
	if !p.plain {
		return false
	}
	m.src = text
	end := m.plainValue(p, 0)
	return end >= 0 && jsonx.Skip(text, end) == len(text)
}

// plainValue is the offset behind a scalar that surely keeps the rules of p,
// which is plain; refused where there is anything else, or not all of it.
func (m *machine) plainValue(p *program, at int) int {
	src := m.src
	switch c := src[at]; c {
	case '"':
		if !p.kinds.has(jsonx.String) {
			return refused
		}
		end, escaped, r := jsonx.ScanString(src, at+1)
		if r != "" || escaped || p.text != nil && !p.text.fits(src[at+1:end]) {
			return refused
		}
		return end + 1
	case 't':
		return m.plainWord(p, at, "true", jsonx.True)
	case 'f':
		return m.plainWord(p, at, "false", jsonx.False)
	case 'n':
		return m.plainWord(p, at, "null", jsonx.Null)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if !p.kinds.has(jsonx.Number) {
			return refused
		}
		v, places, end := scanShort(src, at)
		if end < 0 || p.number != nil && !p.number.fast(v, places) {
			return refused
		}
		return end
	}
	return refused
}

func (m *machine) plainWord(p *program, at int, word string, k jsonx.Kind) int {
	end := at + len(word)
	if !p.kinds.has(k) || end > len(m.src) || string(m.src[at:end]) != word {
		return refused
	}
	return end
}

// scanShort reads a number of at most 18 digits without an exponent, with
// something behind it, as v / 10^places. end is refused for any other.
func scanShort(src []byte, at int) (v int64, places, end int) {
	negative := src[at] == '-'
	if negative {
		at++
	}
	first := at
	for at < len(src) && src[at]-'0' <= 9 {
		v = v*10 + int64(src[at]-'0')
		at++
	}
	whole := at - first
	if whole == 0 || whole > 18 || whole > 1 && src[first] == '0' {
		return 0, 0, refused
	}
	if at < len(src) && src[at] == '.' {
		at++
		for at < len(src) && src[at]-'0' <= 9 && places < 18 {
			v = v*10 + int64(src[at]-'0')
			at++
			places++
		}
		if places == 0 || whole+places > 18 {
			return 0, 0, refused
		}
	}
	if at >= len(src) || src[at]|0x20 == 'e' || src[at] == '.' || src[at]-'0' <= 9 {
		return 0, 0, refused
	}
	if negative {
		v = -v
	}
	return v, places, at
}

// openFast begins an object or array for which one schema is wanted that joins
// nothing; false where it is not that simple.
func (m *machine) openFast(f *frame, kind jsonx.Kind, comma int) bool {
	p := m.only
	for p.alias != nil {
		p = p.alias
	}
	if !p.simple || p.traits != 0 || f.digests || !p.kinds.has(kind) || p.object != nil && len(p.object.names.list) > 64 {
		return false
	}
	m.steps += stepsOfAct
	x := &m.acts[f.acts]
	i := int32(len(m.acts))
	a := act{p: p, parent: none, certain: x.certain, quiet: x.quiet, mute: x.mute, says: p.speaks(kind) || !p.covers(kind)}
	m.edges = append(m.edges, edge{root: i, act: int32(f.acts), role: byParent, rest: none})
	m.frames = append(m.frames, frame{
		start: m.node, comma: comma, object: kind == jsonx.Object, veiled: m.veiled, gone: f.gone, fast: true,
		settled: f.settled && a.certain, acts: int(i), edges: f.kids, kids: len(m.edges), seenNames: seenNames{prints: len(m.prints), table: none}, words: len(m.words),
		names: len(m.names), patch: len(m.patch), contested: len(m.contested), evaluated: len(m.evaluated),
	})
	m.acts = append(m.acts, a)
	return true
}

// endFast ends the object or array on top where it has one act that has found
// nothing to say; false where there is more to do.
func (m *machine) endFast() bool {
	top := len(m.frames) - 1
	g := &m.frames[top]
	if !g.fast || g.digests || g.table >= 0 || len(m.acts)-g.acts != 1 || g.kids-g.edges != 1 {
		return false
	}
	a := &m.acts[g.acts]
	if a.failed || !g.settled || m.edges[g.edges].role != byParent || len(a.p.object.needs(m.direction)) > 1 || !a.holds(g, m.direction) {
		return false
	}
	m.acts, m.edges, m.prints, m.names = m.acts[:g.acts], m.edges[:g.edges], m.prints[:g.prints], m.names[:g.names]
	m.frames = m.frames[:top]
	m.node = g.start
	return true
}

// needs is the set of the names that must be there.
func (o *objectRules) needs(d direction) []uint64 {
	if o == nil {
		return nil
	}
	return o.need[d]
}

// holds tells whether the act of a fast frame has nothing against the value,
// whose members have all come.
func (a *act) holds(g *frame, d direction) bool {
	if o := a.p.object; g.object && o != nil {
		need := o.need[d]
		return g.count >= o.min && (o.max < 0 || g.count <= o.max) && (len(need) == 0 || need[0]&^a.seen == 0)
	}
	if r := a.p.array; !g.object && r != nil {
		return g.count >= r.min && (r.max < 0 || g.count <= r.max)
	}
	return true
}
