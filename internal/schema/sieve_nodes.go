package schema

import (
	"math/bits"
	"slices"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// A siftNode is a program that applies to a value in place.
type siftNode struct {
	p       *program
	fails   bool // whatever the value of this kind is
	done    bool
	bit     uint64
	all     []*siftNode
	any     []*siftNode
	one     []*siftNode
	not     *siftNode
	cond    *siftNode
	then    *siftNode
	other   *siftNode
	depends []nodeDepends
	rest    *program // of what nothing else evaluates
	branch  bool     // a discriminator chooses
	to      map[string]*siftNode
	hasAny  bool
	hasOne  bool
}

type nodeDepends struct {
	name string
	to   *siftNode
}

// A sifting makes one sift.
type sifting struct {
	home      *Programs
	way       direction
	kind      jsonx.Kind
	out       *sift
	known     map[siftKey]*siftNode
	nodes     []*siftNode // those that a node is made of stand before it
	slots     int
	merged    map[mergeKey]uint64
	mergeable *siftNode
	mergeAs   mergeKey
}

// A mergeKey is what a node says: how it joins others, and whether numbers have
// to be whole.
type mergeKey struct {
	nodeKind
	whole bool
}

// A siftKey names a node: within the alternatives of a discriminator the
// schema that holds it is another than outside.
type siftKey struct {
	p      *program
	within *program
}

// sift makes what s does with values of a kind. p.mu is held.
func (p *Programs) sift(s *sieve, k jsonx.Kind) *sift {
	g := &sifting{home: p, way: s.way, kind: k, out: &sift{}, known: map[siftKey]*siftNode{}, merged: map[mergeKey]uint64{}}
	var roots []*siftNode
	for _, r := range s.roots {
		roots = append(roots, g.visit(r, nil))
	}
	g.number(roots)
	if g.out.unfit {
		return &sift{unfit: true}
	}
	for _, r := range roots {
		g.out.roots = append(g.out.roots, uint8(bits.TrailingZeros64(r.bit)))
	}
	switch k {
	case jsonx.Object:
		g.object()
	case jsonx.Array:
		g.array()
	case jsonx.String, jsonx.Number:
		g.scalars()
	case jsonx.Null, jsonx.True, jsonx.False:
	}
	if g.out.unfit {
		return &sift{unfit: true}
	}
	g.out.single = len(g.nodes) == 1 && len(roots) == 1 && g.out.fixed == 0
	g.out.rising = true
	for i := range g.out.ops {
		k := g.out.ops[i].kind
		g.out.rising = g.out.rising && (k == allOp || k == anyOp)
	}
	if a := g.out.array; a != nil {
		a.flat = g.out.single && g.out.ops == nil && a.unique == 0 && a.contains == nil && a.prefix == nil && len(a.rest.child.roots) == 1 && len(a.rest.edges) == 1
	}
	g.out.cost = 1 + len(g.out.ops) + len(g.out.checks)
	return g.out
}

// visit gives the node of p. within is the discriminator around.
func (g *sifting) visit(p, within *program) *siftNode {
	for p.alias != nil {
		p = p.alias
	}
	key := siftKey{p, within}
	if n := g.known[key]; n != nil {
		if !n.done {
			g.out.unfit = true // it leads to itself without end
		}
		return n
	}
	n := &siftNode{p: p}
	g.known[key] = n
	if len(g.known) > 4*maxNodes {
		g.out.unfit = true
	}
	n.fails = p.never || !p.kinds.has(g.kind) || g.excluded(p.enum) || g.excluded(p.constant)
	if !n.fails && !g.out.unfit {
		g.join(n, within)
	}
	n.done = true
	g.nodes = append(g.nodes, n)
	return n
}

// excluded tells whether no value of the kind is in a list; where objects or
// arrays are, the machine compares.
func (g *sifting) excluded(v *values) bool {
	if v == nil {
		return false
	}
	switch g.kind {
	case jsonx.Null:
		return !v.null
	case jsonx.True:
		return !v.yes
	case jsonx.False:
		return !v.no
	case jsonx.Array, jsonx.Object:
		if len(v.compound) > 0 {
			g.out.unfit = true
			return false
		}
		return true
	case jsonx.Number:
		return len(v.numbers) == 0
	case jsonx.String:
		return len(v.strings) == 0
	}
	return false
}

// join visits what n joins.
func (g *sifting) join(n *siftNode, within *program) {
	p := n.p
	for _, q := range append([]*program{p.ref}, p.allOf...) {
		if q != nil {
			n.all = append(n.all, g.visit(q, within))
		}
	}
	again := p.branch != nil && within == p
	if p.branch != nil && within != nil && within != p {
		g.out.unfit = true // discriminators within discriminators
		return
	}
	if p.branch != nil && !again && g.kind == jsonx.Object {
		g.branches(n)
	}
	if !again {
		if g.kind == jsonx.Object && p.branch != nil {
			within = p
		}
		n.any, n.hasAny = g.visitAll(p.anyOf, within), p.anyOf != nil
		n.one, n.hasOne = g.visitAll(p.oneOf, within), p.oneOf != nil
	}
	if p.not != nil {
		n.not = g.visit(p.not, within)
	}
	g.rare(n, within)
	g.settle(n)
}

// branches visits what the discriminator of n may mean.
func (g *sifting) branches(n *siftNode) {
	n.branch, n.to = true, map[string]*siftNode{}
	for value, to := range n.p.branch.to {
		for to.alias != nil {
			to = to.alias
		}
		if to == n.p {
			n.to[value] = nil
			continue
		}
		n.to[value] = g.visit(to, n.p)
	}
	if g.slots++; g.slots > maxSlots {
		g.out.unfit = true
	}
}

func (g *sifting) visitAll(list []*program, within *program) []*siftNode {
	var out []*siftNode
	for _, q := range list {
		out = append(out, g.visit(q, within))
	}
	return out
}

// rare visits what the keywords join that few schemas have.
func (g *sifting) rare(n *siftNode, within *program) {
	q := n.p.rare
	if q == nil {
		return
	}
	n.rest = g.restOf(q)
	if q.cond != nil {
		n.cond = g.visit(q.cond, within)
		if q.then != nil {
			n.then = g.visit(q.then, within)
		}
		if q.other != nil {
			n.other = g.visit(q.other, within)
		}
	}
	if g.kind != jsonx.Object {
		return
	}
	for i := range q.dependent {
		if d := &q.dependent[i]; d.then != nil {
			n.depends = append(n.depends, nodeDepends{d.name, g.visit(d.then, within)})
		}
	}
}

// restOf is what q says of what nothing else evaluates.
func (g *sifting) restOf(q *rareRules) *program {
	var rest *program
	switch g.kind {
	case jsonx.Object:
		rest = q.members
	case jsonx.Array:
		rest = q.items
	case jsonx.Null, jsonx.True, jsonx.False, jsonx.Number, jsonx.String:
	}
	for rest != nil && rest.alias != nil {
		rest = rest.alias
	}
	return rest
}

// settle leaves out what is known of the nodes that n joins.
func (g *sifting) settle(n *siftNode) {
	gone := func(x *siftNode) bool { return x.fails }
	for _, x := range n.all {
		n.fails = n.fails || x.fails
	}
	if !n.branch {
		n.any, n.one = slices.DeleteFunc(n.any, gone), slices.DeleteFunc(n.one, gone)
		n.fails = n.fails || n.hasAny && len(n.any) == 0 || n.hasOne && len(n.one) == 0
	}
	if n.not != nil && n.not.fails {
		n.not = nil
	}
}

// number gives bits to the nodes that count for the roots, and writes down how
// they are decided.
func (g *sifting) number(roots []*siftNode) {
	wanted := map[*siftNode]bool{}
	var want func(*siftNode)
	want = func(n *siftNode) {
		if n == nil || wanted[n] {
			return
		}
		wanted[n] = true
		if n.fails {
			return
		}
		for _, list := range [][]*siftNode{n.all, n.any, n.one, {n.not, n.cond, n.then, n.other}} {
			for _, x := range list {
				want(x)
			}
		}
		for _, x := range n.to {
			want(x)
		}
		for _, d := range n.depends {
			want(d.to)
		}
	}
	for _, r := range roots {
		want(r)
	}
	g.nodes = slices.DeleteFunc(g.nodes, func(n *siftNode) bool { return !wanted[n] })
	g.slots = 0
	kept := g.nodes[:0]
	for _, n := range g.nodes {
		if g.merge(n) {
			continue
		}
		if len(kept) == maxNodes {
			g.out.unfit = true
			return
		}
		n.bit = 1 << len(kept)
		if g.mergeable == n {
			g.merged[g.mergeAs] = n.bit
		}
		kept = append(kept, n)
		switch {
		case n.fails:
			g.out.fixed |= n.bit
		case g.noisy(n.p):
			g.out.noise |= n.bit
		}
		if !n.fails {
			g.decide(n)
		}
	}
	g.nodes = kept
}

// A nodeKind is what makes nodes the same that say nothing themselves.
type nodeKind struct{ all, any, one uint64 }

// merge gives n the bit of another node that stands and falls with it.
func (g *sifting) merge(n *siftNode) bool {
	if n.fails || n.branch || n.not != nil || n.cond != nil || n.depends != nil || n.rest != nil || n.p.traits != 0 ||
		n.p.object != nil || n.p.array != nil || n.p.rare != nil {
		return false
	}
	if p := n.p; p.enum != nil || p.constant != nil || p.text != nil && g.kind == jsonx.String ||
		p.number != nil && g.kind == jsonx.Number && !p.number.only() {
		return false
	}
	key := mergeKey{nodeKind{maskOf(n.all), maskOf(n.any), maskOf(n.one)}, n.p.number != nil && g.kind == jsonx.Number}
	if bits.OnesCount64(key.one) < len(n.one) {
		return false
	}
	if m := key.all | key.any | key.one; !key.whole && bits.OnesCount64(m) == 1 {
		n.bit = m // as the only one that it joins
		return true
	}
	if bit := g.merged[key]; bit != 0 {
		n.bit = bit
		return true
	}
	g.mergeable, g.mergeAs = n, key
	return false
}

// noisy tells whether a value that p accepts is marked.
func (g *sifting) noisy(p *program) bool {
	const way = readOnly | writeOnly
	t := p.traits &^ way
	if g.way == asRequest {
		t |= p.traits & readOnly
	} else {
		t |= p.traits & writeOnly
	}
	return t != 0
}

// decide writes the steps that decide n, but for what it says itself.
func (g *sifting) decide(n *siftNode) {
	if m := maskOf(n.all); m != 0 {
		g.op(nodeOp{kind: allOp, bit: n.bit, mask: m})
	}
	if n.branch {
		g.decideBranch(n)
	} else {
		if m := maskOf(n.any); m != 0 {
			g.op(nodeOp{kind: anyOp, bit: n.bit, mask: m})
		}
		if m := maskOf(n.one); m != 0 {
			if bits.OnesCount64(m) < len(n.one) {
				g.out.unfit = true // one and the same twice
			}
			g.op(nodeOp{kind: oneOp, bit: n.bit, mask: m})
		}
	}
	if n.not != nil {
		g.op(nodeOp{kind: notOp, bit: n.bit, a: n.not.bit})
	}
	if n.cond != nil {
		g.op(nodeOp{kind: ifOp, bit: n.bit, a: n.cond.bit, then: bitOf(n.then), other: bitOf(n.other)})
	}
	for _, d := range n.depends {
		g.op(nodeOp{kind: dependOp, bit: n.bit, a: d.to.bit, place: g.place(d.name)})
	}
	defer func() {
		if n.rest != nil {
			g.op(nodeOp{kind: restOp, bit: n.bit})
		}
	}()
	if q := n.p.rare; q != nil && g.kind == jsonx.Object {
		for i := range q.dependent {
			if need := q.dependent[i].need; len(need) > 0 {
				g.op(nodeOp{kind: needOp, bit: n.bit, place: g.place(q.dependent[i].name), needs: g.places(need)})
			}
		}
	}
}

// decideBranch writes how a discriminator decides n.
func (g *sifting) decideBranch(n *siftNode) {
	op := nodeOp{kind: tagOp, bit: n.bit, place: g.slots, closed: n.p.branch.closed}
	g.slots++
	op.mask, op.one = maskOf(n.any), maskOf(n.one)
	if bits.OnesCount64(op.one) < len(n.one) || n.hasAny && n.hasOne {
		g.out.unfit = true
	}
	values := map[string]int{}
	for value, to := range n.to {
		op.to = append(op.to, bitOf(to))
		values[value] = len(op.to)
	}
	at := g.place(n.p.branch.name)
	if g.out.unfit {
		return
	}
	name := &g.out.object.list[at]
	name.tags = append(name.tags, siftTag{slot: op.place, values: values})
	g.op(op)
}

func (g *sifting) op(o nodeOp) { g.out.ops = append(g.out.ops, o) }

func maskOf(list []*siftNode) (m uint64) {
	for _, n := range list {
		m |= n.bit
	}
	return m
}

func bitOf(n *siftNode) uint64 {
	if n == nil {
		return 0
	}
	return n.bit
}

// place is where a name stands among those of the object.
func (g *sifting) place(name string) int {
	if g.out.object == nil {
		g.out.object = &siftObject{by: map[string]int{}}
	}
	o := g.out.object
	if at, ok := o.by[name]; ok {
		return at
	}
	at := len(o.list)
	if at == maxSeen {
		g.out.unfit = true
		return 0
	}
	o.by[name] = at
	o.list = append(o.list, siftName{named: named{name: name, plain: standsForItself(name)}})
	return at
}

func (g *sifting) places(names []string) (set [4]uint64) {
	for _, name := range names {
		at := g.place(name)
		set[at/64] |= 1 << (at % 64)
	}
	return set
}
