package schema

import (
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// Bounds of one machine.
const (
	// maxActs bounds the schemas that apply to the open values at a time; more
	// come only of references that lead to themselves.
	maxActs = 1 << 14
	// maxToken bounds the token that has to be held when a text comes in pieces.
	maxToken = 256 << 10
	// maxKept bounds the elements for which a machine keeps its room.
	maxKept = 1 << 12
)

// A machine reads one JSON text, whole or in pieces, and checks it against a
// program in the same pass. It has no recursion over the text: the open objects
// and arrays are frames on a stack, and the schemas that apply to each are acts
// beside them, run at the same time. Its memory is bounded by the depth of the
// text, the size of the schema and the longest token that matters.
type machine struct {
	seeds     *seeds
	direction direction

	src     []byte // what is there of the text
	base    int    // the offset of src in the text
	comma   int    // the offset up to which no member can take commas with it when it is cut
	at      int    // where to go on in src
	scanned int    // up to where the token at at is known to be good
	last    bool   // src ends with the text
	pieces  bool   // the text came in pieces: names are copied
	hold    []byte // what is left of the pieces before
	state   lexState
	reason  jsonx.Reason // why the text is refused
	broken  bool         // a bound was exceeded

	frames []frame
	acts   []act
	wants  []want
	edges  []edge
	node   int      // where the value that is read starts
	lift   int      // 1 while acts are started for the frame on top
	only   *program // what a fast frame wants of the next value
	veiled bool     // what is undeclared within the next value is marked as a whole
	blank  *program // accepts everything and says nothing
	words  []uint64 // names seen beyond the first 64
	prints []digest // names of open objects
	tables []digests
	spare  []digest // room of a large one, for the next
	names  []byte   // of open objects, where the text comes in pieces

	tok     token
	digest  digest  // of the last value, where the frame asks for it
	scratch []short // violations of a scalar
	notes   []*program
	choice  int
	quiet   int

	cells     cells
	final     []found
	text      []byte // of the pointers of final
	marks     []risk.Mark
	points    int  // text in pointers of marks
	lost      bool // violations were dropped
	drained   bool // the rest is read as JSON only
	over      bool // marks were dropped
	unseen    bool // nobody has looked within some value
	patch     []int32
	contested []contest
	evaluated []uint64 // for each contested member, by which acts

	closed  []byte // the text of the object or array that has just ended; nil in pieces
	exact   comparer
	sifter  sifter
	sieves  [4]*sieve // of several programs, used last
	turn    int
	hits    []int     // elements that contains has accepted, of sieves
	pending []pending // of sieves
	calls   int       // schemas that the scalar that is read was held to
	steps   int       // what was done beyond reading the text

	decoded, key, path, plainName, digits []byte
}

// lexState is what may come next.
type lexState uint8

const (
	beforeValue lexState = iota
	withinValue          // the value has begun: a token that is not yet complete
	withinTag            // a string that tells alternatives apart
	withinText           // a long string of which only the length matters
	beforeFirst          // a name, or the end of an empty object
	beforeName           // a name
	beforeColon          //
	beforeItem           // an element, or the end of an empty array
	behindValue          // a comma or the end
	behindAll            // white space
)

// Results of the steps of a machine, other than an offset.
const (
	refused = -1 // the text is refused
	more    = -2 // the rest of a token has yet to come
)

// seenNames are names that came, by their digests, or elements.
type seenNames struct {
	prints int // where they start in prints, as long as they are few
	table  int // the set that they are in, none
}

// A frame is an open object or array.
type frame struct {
	start   int // its offset in the text
	object  bool
	fast    bool // one act, that joins nothing
	settled bool // all acts are certain, as are those around
	veiled  bool // what is undeclared here is marked, or lost, as a whole
	asks    bool // acts speak of what no other has evaluated
	gone    bool // what nobody looked at is within: it is not undeclared
	digests bool // a digest of the value is asked for
	unique  bool // elements have to differ
	twice   bool // and two do not
	tagged  bool // acts wait for a member that tells alternatives apart
	count   int  // members or elements
	digest  digest

	keyAt, keyEnd int // the name of the member: in the text, or in names
	keyOff        int // where the member starts in the text
	escaped       bool
	found         int // the place of the name among those of the first act

	acts, edges, words, names int // what was on the stacks before
	seenNames
	kids                 int // where the edges of its members start
	patch                int // where what ends with a member starts
	comma                int // the comma before the value, or what stands for one
	contested, evaluated int // what was on these stacks before
}

// begin makes the machine ready for a text of which p is to be checked; nil
// accepts everything.
func (m *machine) begin(p *program, d direction) {
	m.direction = d
	if p != nil {
		m.seeds, m.blank = p.home.seeds, p.home.blank
	} else if m.seeds == nil {
		m.seeds = newSeeds()
	}
	m.src, m.base, m.at, m.scanned, m.last, m.pieces, m.comma = nil, 0, 0, 0, false, false, 0
	m.hold, m.state, m.reason, m.broken = m.hold[:0], beforeValue, "", false
	m.frames, m.acts, m.edges = m.frames[:0], m.acts[:0], m.edges[:0]
	m.words, m.prints, m.names = m.words[:0], m.prints[:0], m.names[:0]
	m.choice, m.quiet, m.lost, m.over, m.unseen, m.drained, m.points = 0, 0, false, false, false, false, 0
	for i := range m.tables { // of a text that was refused half-way
		if m.tables[i].used {
			m.tables[i].empty(maxKept)
			m.tables[i].used = false
		}
	}
	m.cells.reset()
	m.final, m.text, m.marks = m.final[:0], m.text[:0], m.marks[:0]
	m.patch, m.contested, m.evaluated = m.patch[:0], m.contested[:0], m.evaluated[:0]
	m.spare = nil
	m.lift, m.steps, m.hits, m.pending = 0, 0, m.hits[:0], m.pending[:0]
	m.sifter.looked, m.sifter.next, m.sifter.dubious = 0, 0, m.sifter.dubious[:0]
	// The bottom frame stands for what is around the text.
	m.frames = append(m.frames, frame{fast: true, settled: true, veiled: p == nil, seenNames: seenNames{table: none}})
	m.acts = append(m.acts, act{parent: none, certain: true})
	m.only, m.veiled = p, p == nil
	m.wants, m.scratch, m.notes = m.wants[:0], m.scratch[:0], m.notes[:0]
}

// whole checks a text that is all there.
func (m *machine) whole(text []byte, p *program, d direction) {
	m.begin(p, d)
	m.src, m.last = text, true
	m.drive(0)
}

// feed reads the next piece of a text.
func (m *machine) feed(piece []byte) {
	if m.reason != "" {
		return
	}
	m.pieces = true
	m.src = piece
	if len(m.hold) > 0 {
		m.hold = append(m.hold, piece...)
		m.src = m.hold
	}
	m.drive(m.at)
	if m.reason != "" {
		return
	}
	rest := m.src[m.at:]
	if len(rest) > maxToken {
		m.refuse(jsonx.Size, m.at)
		m.broken = true
		return
	}
	m.base += m.at
	m.scanned = max(m.scanned-m.at, 0)
	m.hold = append(m.hold[:0], rest...)
	m.src, m.at = nil, 0
}

// close ends a text that came in pieces.
func (m *machine) close() {
	if m.reason != "" {
		return
	}
	m.src, m.last = m.hold, true
	m.drive(0)
}

// drive goes on as far as the text does.
func (m *machine) drive(at int) {
	if m.base == 0 && m.state == beforeValue && len(m.frames) == 1 && !m.started(at) {
		return
	}
	for at >= 0 {
		switch m.state {
		case beforeValue:
			at = m.value(at)
		case withinValue:
			at = m.token(at)
		case withinTag:
			at = m.tag(at)
		case withinText:
			at = m.longText(at)
		case beforeFirst, beforeItem:
			at = m.first(at)
		case beforeName:
			at = m.name(at)
		case beforeColon:
			at = m.colon(at)
		case behindValue:
			at = m.behind(at)
		case behindAll:
			at = m.trailing(at)
		}
	}
}

// started looks for a byte order mark, for which it needs three bytes or the
// end of the text.
func (m *machine) started(at int) bool {
	const mark = "\xef\xbb\xbf"
	if at > 0 {
		return true
	}
	switch n := min(len(m.src), len(mark)); {
	case n == len(mark) && string(m.src[:n]) == mark:
		m.refuse(jsonx.ByteOrderMark, 0)
		return false
	case !m.last && n < len(mark) && string(m.src[:n]) == mark[:n]:
		return false
	}
	return true
}

// refuse ends the reading.
func (m *machine) refuse(r jsonx.Reason, at int) int {
	m.reason = r
	m.at = at
	return refused
}

// short ends a step for which the rest of the text is needed; it begins again
// at this offset.
func (m *machine) short(at int) int {
	if m.last {
		if len(m.frames) == 1 && m.state == beforeValue {
			return m.refuse(jsonx.Empty, at)
		}
		return m.refuse(jsonx.Unfinished, at)
	}
	m.at = at
	return more
}

// ok tells whether the text is one that the program accepts.
func (m *machine) ok() bool { return m.reason == "" && !m.broken && !m.acts[0].failed }

// trailing passes what may stand behind the value.
func (m *machine) trailing(at int) int {
	at = jsonx.Skip(m.src, at)
	if at < len(m.src) {
		return m.refuse(jsonx.Trailing, at)
	}
	m.at = at
	return more
}

// first reads what follows an opening bracket.
func (m *machine) first(at int) int {
	at = jsonx.Skip(m.src, at)
	if at == len(m.src) {
		return m.short(at)
	}
	c := m.src[at]
	if m.state == beforeItem {
		if c == ']' {
			return m.end(at)
		}
		m.state = beforeValue
		return m.items(at)
	}
	if c == '}' {
		return m.end(at)
	}
	m.state = beforeName
	return m.members(at)
}

// behind reads what follows a value.
func (m *machine) behind(at int) int {
	at = jsonx.Skip(m.src, at)
	if at == len(m.src) {
		return m.short(at)
	}
	f := &m.frames[len(m.frames)-1]
	switch c := m.src[at]; {
	case c == ',' && f.object:
		m.comma = m.base + at
		m.state = beforeName
		return m.members(at + 1)
	case c == ',':
		m.comma = m.base + at
		m.state = beforeValue
		return m.items(at + 1)
	case c == '}' && f.object, c == ']' && !f.object:
		return m.end(at)
	}
	return m.refuse(jsonx.Unexpected, at)
}

// name reads the name of a member.
func (m *machine) name(at int) int {
	at = jsonx.Skip(m.src, at)
	if at == len(m.src) {
		return m.short(at)
	}
	if m.src[at] != '"' {
		return m.refuse(jsonx.Unexpected, at)
	}
	end, escaped, r := jsonx.ScanString(m.src, max(at+1, m.scanned))
	f := &m.frames[len(m.frames)-1]
	if r != "" {
		return m.unfinished(r, at, end)
	}
	m.scanned = 0
	f.count++
	f.keyOff = m.base + at
	f.keyAt, f.keyEnd = at+1, end
	f.escaped = escaped || m.pieces
	if m.pieces {
		m.names = append(m.names[:f.names], m.src[at+1:end]...)
		f.keyAt, f.keyEnd = f.names, len(m.names)
	}
	if !m.fresh(f) {
		return m.refuse(jsonx.Duplicate, at)
	}
	m.state = beforeColon
	return m.colon(end + 1)
}

// unfinished is the end of a step within a string.
func (m *machine) unfinished(r jsonx.Reason, at, end int) int {
	if r != jsonx.Unfinished || m.last {
		return m.refuse(r, end)
	}
	m.scanned = end
	return m.short(at)
}

func (m *machine) colon(at int) int {
	at = jsonx.Skip(m.src, at)
	if at == len(m.src) {
		return m.short(at)
	}
	if m.src[at] != ':' {
		return m.refuse(jsonx.Unexpected, at)
	}
	m.state = beforeValue
	return m.value(at + 1)
}

// nameOf is the decoded name of the member of f that is read, good until the
// next call.
func (m *machine) nameOf(f *frame) []byte {
	raw := m.src
	if m.pieces {
		raw = m.names
	}
	raw = raw[f.keyAt:f.keyEnd]
	if !f.escaped || !hasEscape(raw) {
		return raw
	}
	m.key = jsonx.AppendText(m.key[:0], raw)
	return m.key
}

func hasEscape(raw []byte) bool {
	for _, c := range raw {
		if c == '\\' {
			return true
		}
	}
	return false
}

// fresh tells whether the name of the member of f did not come before. Where
// the first act names it, a bit tells; else its digest.
func (m *machine) fresh(f *frame) bool {
	name := m.nameOf(f)
	f.found = -1
	if len(m.acts) > f.acts {
		if a := &m.acts[f.acts]; (!a.dead || a.rests) && a.p != nil && a.p.object != nil {
			f.found = a.p.object.names.find(name, int(a.hint))
			if f.found >= 0 {
				a.hint = int32(f.found + 1)
				return m.see(a, f.found)
			}
		}
	}
	return m.isNew(&f.seenNames, name)
}

// isNew is fresh for a name that no bit stands for.
func (m *machine) isNew(f *seenNames, name []byte) bool { return m.isFresh(f, m.seeds.name(name)) }

// isFresh tells whether a digest did not come before.
func (m *machine) isFresh(f *seenNames, d digest) bool {
	m.steps++
	if f.table >= 0 {
		return !m.tables[f.table].add(d)
	}
	for _, other := range m.prints[f.prints:] {
		if other == d {
			return false
		}
	}
	m.prints = append(m.prints, d)
	const few = 12
	if len(m.prints)-f.prints > few {
		t := m.table(f)
		for _, other := range m.prints[f.prints:] {
			t.add(other)
		}
		m.prints = m.prints[:f.prints]
	}
	return true
}

// table gives f a set of digests.
func (m *machine) table(f *seenNames) *digests {
	f.table = len(m.tables)
	for i := range m.tables {
		if !m.tables[i].used {
			f.table = i
			break
		}
	}
	if f.table == len(m.tables) {
		m.tables = append(m.tables, digests{})
	}
	t := &m.tables[f.table]
	t.used, t.spare, t.saltA, t.saltB = true, &m.spare, m.seeds.saltA, m.seeds.saltB
	return t
}

// see notes that the name of a place came, and tells whether for the first
// time.
func (m *machine) see(a *act, place int) bool {
	word := &a.seen
	if place >= 64 {
		word = &m.words[a.words+place/64-1]
	}
	bit := uint64(1) << (place & 63)
	first := *word&bit == 0
	*word |= bit
	return first
}

// saw tells whether the name of a place came.
func (m *machine) saw(a *act, place int) bool {
	word := a.seen
	if place >= 64 {
		word = m.words[a.words+place/64-1]
	}
	return word&(1<<(place&63)) != 0
}
