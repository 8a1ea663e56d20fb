package schema

import (
	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// maxDepth bounds how schemas may nest for one value; it stops references that
// lead to themselves.
const maxDepth = 1024

// A short is a violation of a scalar: it needs no place.
type short struct {
	rule string
	at   *contract.Schema
}

// scalarOf checks a scalar for the act of a fast frame.
func (m *machine) scalarOf(f *frame, p *program) {
	if m.scalar(p) && len(m.notes) == 0 {
		return
	}
	i := int32(f.acts)
	m.failAll(i)
	var t traits
	for _, q := range m.notes {
		switch a := &m.acts[i]; {
		case f.settled:
			t |= q.traits
		case !a.mute && !m.veiled:
			m.noteTraits(&a.below, q)
		}
	}
	if t != 0 && !m.veiled {
		m.markTraits(t, m.notes[len(m.notes)-1].schema)
	}
	m.notes = m.notes[:0]
}

// failAll gives an act all violations of a scalar.
func (m *machine) failAll(i int32) {
	for _, s := range m.scratch {
		m.failNamed(i, found{node: m.node, rule: s.rule, at: s.at}, len(m.frames), "")
	}
	m.scratch = m.scratch[:0]
}

// scalars checks a scalar for all that want it.
func (m *machine) scalars(f *frame) {
	var t traits
	var by *program
	for k := range m.wants {
		p := m.wants[k].p
		failed := !m.scalar(p)
		m.steps += len(m.edges) - f.kids
		for n := f.kids; n < len(m.edges); n++ {
			e := &m.edges[n]
			if e.want != int32(k) {
				continue
			}
			if failed || e.role == byContains {
				m.scalarSays(e, failed)
			}
			if len(m.notes) == 0 || failed && e.role == byContains || m.veiled {
				continue
			}
			if f.settled {
				for _, q := range m.notes {
					t, by = t|q.traits, q
				}
				continue
			}
			m.scalarNotes(e)
		}
		m.scratch, m.notes = m.scratch[:0], m.notes[:0]
	}
	if by != nil {
		m.markTraits(t, by.schema)
	}
}

// scalarSays gives an act what came of a scalar that it wanted.
func (m *machine) scalarSays(e *edge, failed bool) {
	switch {
	case e.role == byContains && !failed:
		m.acts[e.act].hits++
		m.speakUp(e.act)
	case e.role == byContains:
	case e.role == byRest:
		for _, s := range m.scratch {
			m.restFails(e, s.rule, s.at)
		}
	default:
		for _, s := range m.scratch {
			m.failNamed(e.act, found{node: m.node, rule: s.rule, at: s.at}, len(m.frames), "")
		}
	}
}

// scalarNotes gives an act the traits of a scalar that it wanted.
func (m *machine) scalarNotes(e *edge) {
	var l list
	for _, q := range m.notes {
		m.noteTraits(&l, q)
	}
	if e.role == byRest {
		m.cells.joinEntries(&m.contested[e.rest].below, l)
		return
	}
	m.hear(&m.acts[e.act], l, false)
}

// fits tells whether the scalar surely keeps all of a plain program.
func (m *machine) fits(p *program) bool {
	if !p.kinds.has(m.tok.kind) {
		return false
	}
	switch m.tok.kind {
	case jsonx.String:
		return p.text == nil || m.textFits(p.text)
	case jsonx.Number:
		if p.number == nil {
			return true
		}
		v, places, ok := shortNumber(m.tok.raw)
		return ok && p.number.fast(v, places)
	case jsonx.Null, jsonx.True, jsonx.False, jsonx.Array, jsonx.Object:
	}
	return true
}

// textFits tells whether the string keeps the rules.
func (m *machine) textFits(t *textRules) bool {
	if m.tok.long {
		return m.tok.runes >= t.min && (t.max < 0 || m.tok.runes <= t.max)
	}
	return t.fits(m.tokenText())
}

// fits tells whether a text keeps the rules.
func (t *textRules) fits(text []byte) bool {
	if t.min > 0 || t.max >= 0 {
		// A character takes one to four bytes: mostly there is nothing to count.
		n := len(text)
		if t.max >= 0 && n > t.max || n < t.min*utf8.UTFMax {
			n = utf8.RuneCount(text)
		}
		if n < t.min || t.max >= 0 && n > t.max {
			return false
		}
	}
	return (t.re == nil || t.re.match(text)) && (t.format == nil || t.format(text))
}

// scalar checks the token against p, and leaves its violations in scratch.
func (m *machine) scalar(p *program) bool {
	if p.traits != 0 {
		m.notes = append(m.notes, p)
	}
	switch {
	case m.broken:
		return false
	case p.never:
		return m.wrong("false", p)
	case !p.kinds.has(m.tok.kind):
		return m.wrong("type", p)
	case m.choice == maxDepth || m.overspent():
		m.broken = true
		return false
	}
	if m.calls++; m.calls > maxWaysOut && p.joins && m.choice > 0 && m.quick(p) {
		return false
	}
	m.choice++
	m.steps++
	ok := true
	if p.enum != nil && !p.enum.holds(m) {
		ok = m.wrong("enum", p)
	}
	if p.constant != nil && !p.constant.holds(m) {
		ok = m.wrong("const", p)
	}
	switch m.tok.kind {
	case jsonx.String:
		ok = (p.text == nil || m.stringOf(p)) && ok
	case jsonx.Number:
		ok = (p.number == nil || m.numberOf(p)) && ok
	case jsonx.Null, jsonx.True, jsonx.False, jsonx.Array, jsonx.Object:
	}
	if p.joins {
		ok = m.inPlace(p) && ok
	}
	if p.rare != nil && p.rare.cond != nil {
		next := p.rare.other
		if m.try(p.rare.cond) {
			next = p.rare.then
		}
		ok = (next == nil || m.scalar(next)) && ok
	}
	m.choice--
	return ok
}

// maxWaysOut bounds the schemas that a scalar is held to one by one. Of alternatives
// that lead to the same in ever more ways, more are not told apart.
const maxWaysOut = 1 << 9

// quick tells whether the token surely fails p, and notes one violation of what
// is joined there.
func (m *machine) quick(p *program) bool {
	if m.tok.long || p.home == nil {
		return false
	}
	g := p.sieveOf(m.direction).of(m.tok.kind)
	if g.unfit || m.siftScalar(g, 0).fail == 0 {
		return false
	}
	rule := "allOf"
	switch {
	case p.anyOf != nil:
		rule = "anyOf"
	case p.oneOf != nil:
		rule = "oneOf"
	}
	m.wrong(rule, p)
	return true
}

// wrong records that the token breaks a rule of p. It is always false.
func (m *machine) wrong(rule string, p *program) bool {
	if m.quiet == 0 && len(m.scratch) < maxFound {
		m.scratch = append(m.scratch, short{rule, p.schema})
	}
	return false
}

// stringOf checks a string.
func (m *machine) stringOf(p *program) bool {
	t := p.text
	n := m.tok.runes
	var text []byte
	if !m.tok.long {
		text = m.tokenText()
		n = utf8.RuneCount(text)
	}
	ok := true
	if n < t.min {
		ok = m.wrong("minLength", p)
	}
	if t.max >= 0 && n > t.max {
		ok = m.wrong("maxLength", p)
	}
	if t.re != nil && !t.re.match(text) {
		ok = m.wrong("pattern", p)
	}
	if t.format != nil && !t.format(text) {
		ok = m.wrong("format", p)
	}
	return ok
}

// try applies p without a word, and forgets all about it when it fails.
func (m *machine) try(p *program) bool {
	notes := len(m.notes)
	m.quiet++
	ok := m.scalar(p)
	m.quiet--
	if !ok {
		m.notes = m.notes[:notes]
	}
	return ok
}

// inPlace applies the schemas that p joins for the same scalar.
func (m *machine) inPlace(p *program) bool {
	ok := true
	if p.ref != nil {
		ok = m.scalar(p.ref)
	}
	for _, q := range p.allOf {
		ok = m.scalar(q) && ok
	}
	if p.anyOf != nil {
		ok = m.oneScalar(p, p.anyOf, "anyOf") && ok
	}
	if p.oneOf != nil {
		ok = m.oneScalar(p, p.oneOf, "oneOf") && ok
	}
	if p.not == nil {
		return ok
	}
	notes := len(m.notes)
	if m.try(p.not) {
		ok = m.wrong("not", p)
	}
	m.notes = m.notes[:notes]
	return ok
}

// oneScalar applies anyOf or oneOf. When no alternative accepts the scalar the
// violations of the closest are kept.
func (m *machine) oneScalar(p *program, list []*program, rule string) bool {
	base := len(m.scratch)
	kept, best := base, score{}
	matched := 0
	for k, q := range list {
		notes := len(m.notes)
		if m.scalar(q) {
			matched++
			m.scratch = m.scratch[:kept]
			continue
		}
		m.notes = m.notes[:notes]
		if m.quiet > 0 {
			continue
		}
		if s := shortScore(m.scratch[kept:]); k == 0 || best.less(s) || kept == base {
			n := copy(m.scratch[base:], m.scratch[kept:])
			kept, best = base+n, s
		}
		m.scratch = m.scratch[:kept]
	}
	switch {
	case matched == 1 || matched > 1 && rule == "anyOf":
		m.scratch = m.scratch[:base]
		return true
	case matched > 1 || kept == base:
		m.scratch = m.scratch[:base]
		return m.wrong(rule, p)
	}
	return false
}

func shortScore(l []short) score {
	s := score{typed: true, meant: true, count: len(l)}
	for _, x := range l {
		switch x.rule {
		case "type", "false":
			s.typed = false
		case "const", "enum":
			s.meant = false
		}
	}
	return s
}
