package schema

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// none is the index of no act.
const none = -1

// An act is one schema that applies to an open object or array.
type act struct {
	p      *program
	parent int32 // the act that joins it for the same value; none: it is a group of its own
	first  int32 // of the acts that it joins; 0: none, since 0 is the bottom
	last   int32
	next   int32 // the next act that the parent joins
	role   role
	hint   int32 // where the next name may be declared
	name   int32 // of byDependent: the place of the name

	certain bool // it applies, whatever comes
	quiet   bool // nobody asks for its violations
	mute    bool // nor for what it says of members
	says    bool // it says which members are undeclared
	dead    bool // it does not go on: of another type, or not the alternative meant
	rests   bool // it has failed, and nobody asks for more
	killed  bool // another alternative is meant
	failed  bool
	lost    bool // nothing within the value was looked at
	waits   bool // for the member that tells its alternatives apart
	late    bool // it has not waited for that member
	held    bool // the act that joins it has counted it

	said  remark // of the member that is read
	seen  uint64 // names that came: the first 64
	words int    // where the others are
	hits  int    // elements that contains has accepted

	own   list // violations of the act itself and within the value
	below list // what it says of the value, and within
	kid   list // the same, of the member that is read
	heard bool // kid is there
	tells bool // kid says which members are undeclared
}

// A role says why an act applies.
type role uint8

const (
	byParent    role = iota // properties, items and the like: a group of its own
	byRef                   // $ref and allOf
	byOnly                  // the only one of anyOf or oneOf that can be meant
	byAny                   // anyOf
	byOne                   // oneOf
	byTag                   // the one that the discriminator names
	byMaybe                 // one that a discriminator may name
	byNot                   // not
	byIf                    // if
	byThen                  // then
	byElse                  // else
	byDependent             // dependentSchemas
	byContains              // contains; of edges only
	byRest                  // unevaluatedProperties, unevaluatedItems; of edges only
)

// A want is a schema that applies to the value that is read next.
type want struct{ p *program }

// An edge tells whose want it is.
type edge struct {
	want int32 // its place in wants
	root int32 // the act that it became; none
	act  int32
	role role
	rest int32 // of byRest: the place in contested
}

// want enters a schema for the next value.
func (m *machine) want(p *program, i int32, r role) *edge {
	for p.alias != nil {
		p = p.alias
	}
	m.steps += 1 + len(m.wants)
	at := -1
	for k := range m.wants {
		if m.wants[k].p == p {
			at = k
			break
		}
	}
	if at < 0 {
		at = len(m.wants)
		m.wants = append(m.wants, want{p})
	}
	m.edges = append(m.edges, edge{want: int32(at), root: none, act: i, role: r, rest: none})
	return &m.edges[len(m.edges)-1]
}

// askFast finds what applies to the next value of a frame with one act that
// joins nothing, or none at all.
func (m *machine) askFast(f *frame) {
	if len(m.frames) == 1 {
		return
	}
	m.veiled = f.veiled
	if len(m.acts) == f.acts {
		m.only, m.veiled = nil, true
		return
	}
	p := m.acts[f.acts].p
	switch {
	case !f.object:
		m.only = m.element(p, f.count-1)
		return
	case f.found >= 0:
		if to := p.object.names.list[f.found].to; to != nil {
			m.only = to
			return
		}
	}
	m.only = nil
	k := silentEntry
	if o := p.object; o != nil && o.extra != nil {
		switch {
		case o.extra.never:
			k = closedEntry
			m.fail(int32(f.acts), "additionalProperties")
		case o.extra.trivial():
			k = anythingEntry
		default:
			k, m.only = openEntry, o.extra
		}
	}
	m.undeclared(f, int32(f.acts), k)
	m.veiled = m.veiled || k != openEntry
}

// element is the program of an element by its place.
func (m *machine) element(p *program, at int) *program {
	switch a := p.array; {
	case a == nil:
	case at < len(a.prefix):
		return a.prefix[at]
	case a.items != nil:
		return a.items
	}
	return m.blank
}

// undeclared notes what an act says of a member that it does not name.
func (m *machine) undeclared(f *frame, i int32, k entryKind) {
	switch {
	case f.veiled:
	case !f.settled:
		m.entry(&m.acts[i].below, k, m.acts[i].p.owner())
	case k != silentEntry || !f.gone:
		m.mark(k, m.acts[i].p.owner())
	}
}

// A remark is what an act says of a member or element.
type remark struct{ declared, open, anything, closed bool }

// spoke tells whether the member counts as evaluated.
func (s remark) spoke() bool { return s.declared || s.open }

func (s remark) or(o remark) remark {
	return remark{s.declared || o.declared, s.open || o.open, s.anything || o.anything, s.closed || o.closed}
}

// ask finds what applies to the next value of a frame.
func (m *machine) ask(f *frame) {
	m.veiled = f.veiled
	if f.tagged {
		m.startAll(f)
	}
	if !f.object {
		m.askElement(f)
		return
	}
	name := m.nameOf(f)
	m.steps += 2 * (len(m.acts) - f.acts)
	for i := f.acts; i < len(m.acts); i++ {
		if !m.acts[i].dead {
			m.acts[i].said = m.askMember(int32(i), name)
		}
	}
	if f.asks {
		m.askRest(f)
	}
	var all remark
	for i := f.acts; i < len(m.acts); i++ {
		a := &m.acts[i]
		if a.dead {
			continue
		}
		all = all.or(a.said)
		if !f.settled && !f.veiled && a.says && !a.mute && !a.said.declared {
			m.entry(&a.below, a.said.kind(), a.p.owner())
		}
	}
	if !f.settled || f.veiled || all.declared && !all.closed {
		return
	}
	k := all.kind()
	if k != silentEntry || !f.gone {
		m.mark(k, m.owner(f))
	}
	m.veiled = k != openEntry
}

// kind is what is said of a member that nobody names.
func (s remark) kind() entryKind {
	switch {
	case s.closed:
		return closedEntry
	case s.anything:
		return anythingEntry
	case s.open:
		return openEntry
	}
	return silentEntry
}

// owner is the schema of the first act that speaks of members.
func (m *machine) owner(f *frame) *contract.Schema {
	for i := f.acts; i < len(m.acts); i++ {
		if s := m.acts[i].p.owner(); s != nil {
			return s
		}
	}
	return nil
}

// owner is the schema of p where it speaks of members.
func (p *program) owner() *contract.Schema {
	if p.speaks(jsonx.Object) {
		return p.schema
	}
	return nil
}

// askMember finds what an act says of a member and wants of its value.
func (m *machine) askMember(i int32, name []byte) (s remark) {
	a := &m.acts[i]
	o := a.p.object
	if o == nil {
		return s
	}
	at := o.names.find(name, int(a.hint))
	if at >= 0 {
		a.hint = int32(at + 1)
		m.see(a, at)
	}
	if o.keys != nil && !m.nameFits(o.keys, name) {
		m.failNamed(i, found{node: m.node, rule: "propertyNames", at: o.keys.schema}, len(m.frames), "")
	}
	if at >= 0 && o.names.list[at].to != nil {
		s.declared = true
		m.want(o.names.list[at].to, i, byParent)
	}
	for k := range o.patterns {
		re := o.patterns[k].re
		m.steps++
		if re != nil && !re.match(name) {
			continue
		}
		s.declared = true
		if re == nil {
			m.want(m.blank, i, byParent)
		} else {
			m.want(o.patterns[k].to, i, byParent)
		}
	}
	switch {
	case s.declared || o.extra == nil:
	case o.extra.never:
		s.closed = true
		m.fail(i, "additionalProperties")
	case o.extra.trivial():
		s.open, s.anything = true, true
	default:
		s.open = true
		m.want(o.extra, i, byParent)
	}
	return s
}

// askElement finds what applies to the next element.
func (m *machine) askElement(f *frame) {
	spoken := false
	m.steps += len(m.acts) - f.acts
	for i := f.acts; i < len(m.acts); i++ {
		a := &m.acts[i]
		if a.dead {
			continue
		}
		r := a.p.array
		a.said = remark{}
		switch {
		case r != nil && (f.count <= len(r.prefix) || r.items != nil):
			a.said.declared, spoken = true, true
			m.want(m.element(a.p, f.count-1), int32(i), byParent)
		case a.says && !a.mute && !f.settled && !f.veiled:
			m.want(m.blank, int32(i), byParent)
		}
		if r != nil && r.contains != nil && !(m.direction == asRequest && r.most != contract.Unset && a.hits > r.most && !f.asks) {
			m.want(r.contains, int32(i), byContains)
		}
	}
	if f.asks && m.askRest(f) {
		spoken = true
	}
	if f.settled && !spoken {
		m.want(m.blank, int32(f.acts), byParent)
	}
}

// nameFits tells whether a name is one that p accepts.
func (m *machine) nameFits(p *program, name []byte) bool {
	tok, notes, scratch := m.tok, len(m.notes), len(m.scratch)
	m.plainName = append(append(append(m.plainName[:0], '"'), name...), '"')
	m.tok = token{kind: jsonx.String, raw: m.plainName, runes: -1}
	m.quiet++
	ok := m.scalar(p)
	m.quiet--
	m.tok, m.notes, m.scratch = tok, m.notes[:notes], m.scratch[:scratch]
	return ok
}
