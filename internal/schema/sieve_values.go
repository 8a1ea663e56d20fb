package schema

import (
	"slices"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// scalars finds what nodes say themselves of strings and numbers.
func (g *sifting) scalars() {
	for _, n := range g.nodes {
		if !n.fails && (n.p.enum != nil || n.p.constant != nil || n.p.text != nil || n.p.number != nil) {
			g.out.checks = append(g.out.checks, nodeCheck{n.bit, n.p})
		}
	}
	if g.kind == jsonx.String && len(g.out.checks) > linear {
		g.listTexts()
	}
}

// listTexts looks texts that alternatives list up in one table, since there are
// documents with hundreds of alternatives that are one text each.
func (g *sifting) listTexts() {
	g.out.texts = map[string]uint64{}
	g.out.checks = slices.DeleteFunc(g.out.checks, func(c nodeCheck) bool {
		v := c.p.enum
		if v == nil {
			v = c.p.constant
		} else if c.p.constant != nil {
			return false
		}
		if v == nil || c.p.text != nil {
			return false
		}
		g.out.listed |= c.bit
		for _, text := range v.strings {
			g.out.texts[text] |= c.bit
		}
		return true
	})
}

// A memberOf gathers what the nodes want of one member or element.
type memberOf struct {
	g     *sifting
	roots []*program
	masks []uint64
	siftMember
}

// root is the place of a program among the roots of the child.
func (m *memberOf) root(p *program) int {
	for p.alias != nil {
		p = p.alias
	}
	for i, r := range m.roots {
		if r == p {
			return i
		}
	}
	if len(m.roots) == maxNodes {
		m.g.out.unfit = true
		return 0
	}
	m.roots, m.masks = append(m.roots, p), append(m.masks, 0)
	return len(m.roots) - 1
}

func (m *memberOf) want(p *program, bit uint64) { m.masks[m.root(p)] |= bit }

// end makes the child. Where nobody wants anything, it takes everything.
func (m *memberOf) end() siftMember {
	for i, mask := range m.masks {
		if mask != 0 {
			m.edges = append(m.edges, nodeEdge{uint8(i), mask})
		}
	}
	if len(m.roots) == 0 {
		m.roots = append(m.roots, m.g.home.blank)
	}
	m.child = m.g.home.sieve(m.g.way, m.roots)
	m.sure = m.g.out.sure(m.declared)
	if m.sure && m.refuse == 0 && m.left == nil && m.declared != 0 {
		m.siftMember.plain = m.child.plain
	}
	return m.siftMember
}

// sure tells whether, whenever a root counts, so does one of some nodes.
func (g *sift) sure(nodes uint64) bool {
	nodes = g.closure(nodes)
	for _, root := range g.roots {
		if nodes>>root&1 == 0 {
			return false
		}
	}
	return true
}

// closure adds the nodes that count only where one of these does.
func (g *sift) closure(nodes uint64) uint64 {
	for i := range g.ops {
		switch o := &g.ops[i]; o.kind {
		case allOp:
			if o.mask&nodes != 0 {
				nodes |= o.bit
			}
		case anyOp, oneOp:
			if o.mask&^nodes == 0 {
				nodes |= o.bit
			}
		case notOp, ifOp, dependOp, needOp, tagOp, restOp:
		}
	}
	return nodes
}

// leave finds what is said of a member where nothing evaluates it. by are the
// nodes that do.
func (m *memberOf) leave(by uint64) {
	rests := uint64(0)
	for _, n := range m.g.nodes {
		if n.rest != nil && !n.fails {
			rests |= n.bit
		}
	}
	for _, n := range m.g.nodes {
		if n.rest == nil || n.fails {
			continue
		}
		l := leftOver{bit: n.bit, by: by | rests&^n.bit, root: none}
		switch {
		case m.g.out.closure(l.by)&n.bit != 0, n.rest.trivial():
			continue
		case !n.rest.never:
			l.root = m.root(n.rest)
		}
		m.left = append(m.left, l)
	}
}

// object finds what nodes say themselves of objects.
func (g *sifting) object() {
	if g.out.object == nil {
		g.out.object = &siftObject{by: map[string]int{}}
	}
	o := g.out.object
	for _, n := range g.nodes {
		r := n.p.object
		if n.fails || r == nil {
			continue
		}
		for i := range r.names.list {
			g.place(r.names.list[i].name)
		}
		if need := r.required[g.way]; len(need) > 0 {
			o.needs = append(o.needs, nodeNeed{n.bit, g.places(need)})
		}
		if r.min > 0 || r.max >= 0 {
			o.counts = append(o.counts, nodeCount{n.bit, r.min, r.max})
		}
		if r.keys != nil {
			keys := r.keys
			for keys.alias != nil {
				keys = keys.alias
			}
			o.keys = append(o.keys, nodeKeys{n.bit, g.home.sieve(g.way, []*program{keys})})
		}
	}
	if g.out.unfit {
		return
	}
	for i := range o.list {
		o.list[i].member = g.member(o.list[i].name)
	}
	o.other = g.otherMember()
	if len(o.list) <= linear {
		o.by = nil
	}
}

// member finds what the nodes want of a member with a name that one of them
// knows.
func (g *sifting) member(name string) siftMember {
	m := memberOf{g: g}
	var open uint64
	for _, n := range g.nodes {
		r := n.p.object
		if n.fails || r == nil {
			continue
		}
		declared := false
		if at := r.names.index(name); at >= 0 && r.names.list[at].to != nil {
			declared = true
			m.want(r.names.list[at].to, n.bit)
		}
		for k := range r.patterns {
			switch re := r.patterns[k].re; {
			case re == nil:
				declared = true
				m.want(g.home.blank, n.bit)
			case re.match([]byte(name)):
				declared = true
				m.want(r.patterns[k].to, n.bit)
			}
		}
		switch {
		case declared:
			m.declared |= n.bit
		case r.extra == nil:
		case r.extra.never:
			m.refuse |= n.bit
		default:
			open |= n.bit
			if !r.extra.trivial() {
				m.want(r.extra, n.bit)
			}
		}
	}
	m.leave(m.declared | open)
	return m.end()
}

// otherMember finds what the nodes want of members with other names.
func (g *sifting) otherMember() siftMember {
	m := memberOf{g: g}
	var opened uint64
	for _, n := range g.nodes {
		r := n.p.object
		if n.fails || r == nil {
			continue
		}
		open := r.extra != nil && !r.extra.never && !r.extra.trivial()
		never := r.extra != nil && r.extra.never
		if r.extra != nil && !never {
			opened |= n.bit
		}
		if r.patterns == nil {
			switch {
			case never:
				m.refuse |= n.bit
			case open:
				m.want(r.extra, n.bit)
			}
			continue
		}
		p := nodePatterns{bit: n.bit, extra: none, refuse: never}
		for k := range r.patterns {
			to := r.patterns[k].to
			if r.patterns[k].re == nil {
				to = g.home.blank
			}
			p.list = append(p.list, rootPattern{r.patterns[k].re, m.root(to)})
		}
		if open {
			p.extra = m.root(r.extra)
		}
		g.out.object.patterns = append(g.out.object.patterns, p)
	}
	m.leave(opened)
	g.out.unfit = g.out.unfit || m.left != nil && g.out.object.patterns != nil // which evaluate too
	return m.end()
}

// array finds what nodes say themselves of arrays.
func (g *sifting) array() {
	a := &siftArray{}
	g.out.array = a
	longest := 0
	for _, n := range g.nodes {
		r := n.p.array
		if n.fails || r == nil {
			continue
		}
		longest = max(longest, len(r.prefix))
		if r.min > 0 || r.max >= 0 {
			a.counts = append(a.counts, nodeCount{n.bit, r.min, r.max})
		}
		if r.unique {
			a.unique |= n.bit
		}
	}
	if longest > maxTuple {
		g.out.unfit = true
		return
	}
	for at := range longest {
		a.prefix = append(a.prefix, g.element(at, longest))
	}
	a.rest = g.element(longest, longest)
}

// element finds what the nodes want of an element; longest is the place of
// those behind all tuples. What contains asks for comes first, in the order of
// the nodes, so that its roots are the same at every place.
func (g *sifting) element(at, longest int) siftMember {
	m := memberOf{g: g}
	for _, n := range g.nodes {
		r := n.p.array
		if n.fails || r == nil || r.contains == nil {
			continue
		}
		root := m.root(r.contains)
		if at == longest {
			c := nodeContains{bit: n.bit, root: uint8(root), least: r.least, most: r.most}
			if c.most == contract.Unset {
				c.most = maxInt
			}
			g.out.array.contains = append(g.out.array.contains, c)
		}
	}
	for _, n := range g.nodes {
		r := n.p.array
		switch {
		case n.fails || r == nil:
		case at < len(r.prefix):
			m.declared |= n.bit
			m.want(r.prefix[at], n.bit)
		case r.items != nil:
			m.declared |= n.bit
			m.want(r.items, n.bit)
		}
	}
	m.leave(m.declared)
	g.out.unfit = g.out.unfit || m.left != nil && g.out.array.contains != nil // which evaluates too
	if m.declared == 0 {
		for _, n := range g.nodes {
			if !n.fails {
				m.want(g.home.blank, n.bit)
			}
		}
	}
	return m.end()
}

const maxInt = int(^uint(0) >> 1)
