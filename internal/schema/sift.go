package schema

import (
	"math/bits"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// The functions of this file run sieves over values that are all there. They
// give the offset behind a value, the roots that it breaks, and those that have
// something to say of it; or refused where they cannot tell, be it since the
// text is none.

// fallen gives the nodes that stand and fall with roots that do not.
func (w *siftMember) fallen(roots uint64) (f uint64) {
	for i := range w.edges {
		if x := &w.edges[i]; roots>>x.root&1 != 0 {
			f |= x.mask
		}
	}
	return f
}

// hopeless tells whether the first root surely fails, since nodes do.
func (g *sift) hopeless(f uint64) bool {
	if !g.rising {
		return false
	}
	for i := range g.ops {
		if g.ops[i].fails(f, nil) {
			f |= g.ops[i].bit
		}
	}
	return f>>g.roots[0]&1 != 0
}

// A sifter is what one run of a sieve keeps: which values it has found wanting,
// so that they are not tried again.
type sifter struct {
	dubious []dubious // in the order of their ends, later of their starts
	looked  int       // bytes that were read by sieves
	reach   int       // the last value that this run has come to
	next    int       // the first of dubious that may still come
}

// A dubious is an object or array that has to be read by the machine.
type dubious struct {
	start int
	by    *sieve
}

// maxDubious bounds what is remembered of one try.
const maxDubious = 1 << 10

// sifted is what a sieve says of a value.
type sifted struct {
	end         int
	fail, noise uint64
}

var cannotTell = sifted{end: refused}

// sift runs s over the value that starts here. strict ends it where any root
// fails or has something to say.
func (m *machine) sift(s *sieve, at, depth int, strict bool) sifted {
	m.sifter.reach = at
	m.steps++
	c := m.src[at]
	if s.plain != nil && c != '{' && c != '[' {
		if end := m.plainValue(s.plain, at); end >= 0 {
			return sifted{end: end}
		}
	}
	switch c {
	case '"':
		return m.siftString(s, at, strict)
	case '{', '[':
		if depth > jsonx.DefaultDepth {
			return cannotTell
		}
		var out sifted
		if c == '{' {
			out = m.siftObject(s, at, depth, strict)
		} else {
			out = m.siftArray(s, at, depth, strict)
		}
		if (out.end < 0 || out.fail|out.noise != 0) && len(m.sifter.dubious) < maxDubious {
			m.sifter.dubious = append(m.sifter.dubious, dubious{at, s})
		}
		return out
	case 't':
		return m.siftWord(s, at, "true", jsonx.True)
	case 'f':
		return m.siftWord(s, at, "false", jsonx.False)
	case 'n':
		return m.siftWord(s, at, "null", jsonx.Null)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return m.siftNumber(s, at)
	}
	return cannotTell
}

func (m *machine) siftWord(s *sieve, at int, word string, k jsonx.Kind) sifted {
	end := at + len(word)
	if end > len(m.src) || string(m.src[at:end]) != word {
		return cannotTell
	}
	m.tok = token{kind: k, start: at, raw: m.src[at:end]}
	return m.siftScalar(s.of(k), end)
}

func (m *machine) siftString(s *sieve, at int, strict bool) sifted {
	end, escaped, r := jsonx.ScanString(m.src, at+1)
	if r != "" {
		return cannotTell
	}
	m.tok = token{kind: jsonx.String, start: at, raw: m.src[at : end+1], escaped: escaped, runes: -1}
	return m.siftScalar(s.of(jsonx.String), end+1)
}

func (m *machine) siftNumber(s *sieve, at int) sifted {
	end, ok := jsonx.ScanNumber(m.src, at)
	if !ok {
		return cannotTell
	}
	m.tok = token{kind: jsonx.Number, start: at, raw: m.src[at:end]}
	return m.siftScalar(s.of(jsonx.Number), end)
}

// siftScalar holds the token to a sift.
func (m *machine) siftScalar(g *sift, end int) sifted {
	if g.unfit {
		return cannotTell
	}
	f := g.fixed
	if len(g.checks) > 0 || g.listed != 0 {
		f |= m.checkToken(g)
	}
	if len(g.ops) == 0 && g.noise == 0 && f == 0 {
		return sifted{end: end}
	}
	var e effects
	f = m.decided(g, f, &e)
	return g.result(end, f, &e)
}

// checkToken gives the nodes that refuse the token by what they say
// themselves.
func (m *machine) checkToken(g *sift) (f uint64) {
	m.steps += len(g.checks)
	if m.tok.kind == jsonx.Number {
		v, places, short := shortNumber(m.tok.raw)
		for i := range g.checks {
			c := &g.checks[i]
			n := c.p.number
			if n != nil && !(short && n.fast(v, places)) && !m.numberFits(c.p) || !m.listed(c.p) {
				f |= c.bit
			}
		}
		return f
	}
	text := m.tokenText()
	if g.listed != 0 {
		f = g.listed &^ g.texts[string(text)]
	}
	for i := range g.checks {
		c := &g.checks[i]
		if c.p.text != nil && !c.p.text.fits(text) || c.p.enum != nil && !c.p.enum.holdsText(text) ||
			c.p.constant != nil && !c.p.constant.holdsText(text) {
			f |= c.bit
		}
	}
	return f
}

// numberFits is numberOf without a word.
func (m *machine) numberFits(p *program) bool {
	m.quiet++
	ok := m.numberOf(p)
	m.quiet--
	return ok
}

// listed tells whether enum and const of p have the token.
func (m *machine) listed(p *program) bool {
	return (p.enum == nil || p.enum.holds(m)) && (p.constant == nil || p.constant.holds(m))
}

// effects are what the members of a value have shown of it.
type effects struct {
	seen    [4]uint64       // names that came, by place
	slots   [maxSlots]int   // what discriminators mean: 0: not seen, none: unknown, else a place and one
	ways    [maxWays]uint64 // for members: the nodes that know it
	n       int             // of ways
	noise   uint64          // nodes that have something to say
	pending int             // where the members start that hang on what counts
}

// maxWays bounds the sets of nodes that are told apart; more become one that
// asks for more than they do.
const maxWays = 4

// known notes that a member is known to some nodes.
func (e *effects) known(by uint64) {
	for i := range e.n {
		if e.ways[i] == by {
			return
		}
	}
	if e.n == maxWays {
		e.ways[maxWays-1] &= by
		return
	}
	e.ways[e.n] = by
	e.n++
}

func (e *effects) has(place int) bool { return e.seen[place/64]&(1<<(place%64)) != 0 }

// lacks tells whether a name of a set did not come.
func (e *effects) lacks(set *[4]uint64) bool {
	return set[0]&^e.seen[0]|set[1]&^e.seen[1]|set[2]&^e.seen[2]|set[3]&^e.seen[3] != 0
}

// decided gives all nodes that fail, by those that fail by themselves.
func (m *machine) decided(g *sift, f uint64, e *effects) uint64 {
	m.steps += len(g.ops)
	for i := range g.ops {
		o := &g.ops[i]
		if o.kind == restOp && m.leaves(g.ops[:i], o.bit, f, e) || o.fails(f, e) {
			f |= o.bit
		}
	}
	return f
}

// A pending is a member that fails a node unless another one that counts for it
// evaluates the member.
type pending struct{ bit, by uint64 }

// hang notes what is left over of a member.
func (m *machine) hang(left []leftOver, r *sifted, e *effects) {
	for i := range left {
		l := &left[i]
		if l.root != none && r.noise>>l.root&1 != 0 {
			e.noise |= l.bit
		}
		if l.root != none && r.fail>>l.root&1 == 0 {
			continue
		}
		p := pending{l.bit, l.by}
		known := false
		for _, x := range m.pending[e.pending:] {
			known = known || x == p
		}
		if !known {
			m.pending = append(m.pending, p)
		}
	}
}

// leaves tells whether some member is evaluated by no node that counts for this
// one, which refuses it.
func (m *machine) leaves(ops []nodeOp, bit, f uint64, e *effects) bool {
	k := bit
	for i := len(ops) - 1; i >= 0; i-- {
		k = ops[i].counts(k, f, e)
	}
	for _, x := range m.pending[e.pending:] {
		if x.bit == bit && x.by&k == 0 {
			return true
		}
	}
	return false
}

// fails tells whether the node of o fails by this rule; f are those that do
// before it.
func (o *nodeOp) fails(f uint64, e *effects) bool {
	switch o.kind {
	case allOp:
		return f&o.mask != 0
	case anyOp:
		return o.mask&^f == 0
	case oneOp:
		return bits.OnesCount64(o.mask&^f) != 1
	case notOp:
		return f&o.a == 0
	case ifOp:
		if f&o.a == 0 {
			return f&o.then != 0
		}
		return f&o.other != 0
	case dependOp:
		return e.has(o.place) && f&o.a != 0
	case needOp:
		return e.has(o.place) && e.lacks(&o.needs)
	case tagOp:
		switch slot := e.slots[o.place]; {
		case slot == none:
			return o.closed
		case slot > 0:
			return f&o.to[slot-1] != 0
		}
		return o.mask != 0 && o.mask&^f == 0 || o.one != 0 && bits.OnesCount64(o.one&^f) != 1
	case restOp:
		return false
	}
	return true
}

// counts gives the nodes that have a say in what is marked where those of k
// have: k itself where o does not add to them.
func (o *nodeOp) counts(k, f uint64, e *effects) uint64 {
	if k&o.bit == 0 {
		return k
	}
	switch o.kind {
	case allOp:
		return k | o.mask
	case anyOp, oneOp:
		return k | o.mask&^f
	case ifOp:
		if f&o.a == 0 {
			return k | o.a | o.then
		}
		return k | o.other
	case dependOp:
		if e.has(o.place) {
			return k | o.a
		}
	case tagOp:
		switch slot := e.slots[o.place]; {
		case slot > 0:
			return k | o.to[slot-1]
		case slot == 0:
			return k | (o.mask|o.one)&^f
		}
	case notOp, needOp, restOp:
	}
	return k
}

// result puts what was found of the nodes in terms of the roots.
func (g *sift) result(end int, f uint64, e *effects) sifted {
	out := sifted{end: end}
	noise := g.noise | e.noise
	for i, root := range g.roots {
		bit := uint64(1) << root
		if f&bit != 0 {
			out.fail |= 1 << i
			continue
		}
		if noise == 0 && e.n == 0 {
			continue
		}
		k := bit
		for o := len(g.ops) - 1; o >= 0; o-- {
			k = g.ops[o].counts(k, f, e)
		}
		quiet := k&noise == 0
		for _, by := range e.ways[:e.n] {
			quiet = quiet && k&by != 0
		}
		if !quiet {
			out.noise |= 1 << i
		}
	}
	return out
}
