package schema

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// finish finds out what can be known of new programs before they run.
func (p *Programs) finish() {
	for _, g := range p.fresh {
		g.alias = g.otherName()
	}
	for _, g := range p.fresh {
		for far, steps := g.alias, 0; far != nil; far, steps = far.alias, steps+1 {
			if far == g || steps > maxFollow {
				g.alias = nil // it leads to itself
				break
			}
		}
	}
	for _, g := range p.fresh {
		g.plain = !g.never && g.traits == 0 && g.enum == nil && g.constant == nil && !g.joins && g.rare == nil
		g.simple = g.enum == nil && g.constant == nil && !g.joins && g.rare == nil &&
			(g.object == nil || g.object.patterns == nil && g.object.keys == nil) &&
			(g.array == nil || g.array.contains == nil && !g.array.unique)
		g.reads = g.readsText(map[*program]bool{})
		g.accepts = g.taken(map[*program]bool{})
		g.spoken = g.speech()
	}
	for _, g := range p.fresh {
		g.covered = g.coverage(map[*program]bool{})
		g.tags = g.tellApart()
	}
	p.fresh = nil
}

// otherName is the program that g stands for, nil where it says more.
func (g *program) otherName() *program {
	if g.kinds != anyKind || g.traits != 0 || g.never || g.enum != nil || g.constant != nil || g.number != nil || g.text != nil ||
		g.object != nil || g.array != nil || g.not != nil || g.branch != nil || g.rare != nil {
		return nil
	}
	var only *program
	n := len(g.allOf) + len(g.anyOf) + len(g.oneOf)
	if g.ref != nil {
		only = g.ref
		n++
	}
	for _, list := range [][]*program{g.allOf, g.anyOf, g.oneOf} {
		if len(list) == 1 {
			only = list[0]
		}
	}
	if n != 1 {
		return nil
	}
	return only
}

// inPlace are the programs that g joins for the same value.
func (g *program) inPlace() []*program {
	var out []*program
	add := func(list ...*program) {
		for _, q := range list {
			if q != nil {
				out = append(out, q)
			}
		}
	}
	add(g.ref, g.not)
	add(g.allOf...)
	add(g.anyOf...)
	add(g.oneOf...)
	if g.rare != nil {
		add(g.rare.cond, g.rare.then, g.rare.other)
	}
	return out
}

// readsText tells whether a string has to be known for more than its length, or
// to be held since it is marked when it ends.
func (g *program) readsText(seen map[*program]bool) bool {
	if seen[g] {
		return false
	}
	seen[g] = true
	if g.traits != 0 || g.enum != nil || g.constant != nil || g.text != nil && (g.text.re != nil || g.text.format != nil) {
		return true
	}
	for _, q := range g.inPlace() {
		if q.readsText(seen) {
			return true
		}
	}
	return false
}

// taken are the kinds that g accepts, as far as what it joins tells.
func (g *program) taken(seen map[*program]bool) kinds {
	if seen[g] {
		return anyKind
	}
	seen[g] = true
	defer delete(seen, g)
	k := g.kinds
	if g.ref != nil {
		k &= g.ref.taken(seen)
	}
	for _, q := range g.allOf {
		k &= q.taken(seen)
	}
	if g.branch != nil {
		return k
	}
	for _, list := range [][]*program{g.anyOf, g.oneOf} {
		var union kinds
		for _, q := range list {
			union |= q.taken(seen)
		}
		if len(list) > 0 {
			k &= union
		}
	}
	return k
}

// speech are the kinds within which g itself says which members there are.
func (g *program) speech() kinds {
	var k kinds
	if g.object != nil && g.object.speaks || g.rare != nil && g.rare.members != nil {
		k |= 1 << jsonx.Object
	}
	if a := g.array; a != nil && (a.prefix != nil || a.items != nil || a.contains != nil) || g.rare != nil && g.rare.items != nil {
		k |= 1 << jsonx.Array
	}
	return k
}

func (g *program) speaks(k jsonx.Kind) bool { return g.spoken.has(k) }

// covers tells whether g, or something that applies with it in any case, says
// which members there are within values of a kind.
func (g *program) covers(k jsonx.Kind) bool { return g.covered.has(k) }

func (g *program) coverage(seen map[*program]bool) kinds {
	if seen[g] {
		return 0
	}
	seen[g] = true
	defer delete(seen, g)
	k := g.speech()
	if g.ref != nil {
		k |= g.ref.coverage(seen)
	}
	for _, q := range g.allOf {
		k |= q.coverage(seen)
	}
	if g.branch != nil {
		return k
	}
	for _, list := range [][]*program{g.anyOf, g.oneOf} {
		all := anyKind
		for _, q := range list {
			all &= q.coverage(seen)
		}
		if len(list) > 0 {
			k |= all
		}
	}
	return k
}

// tellApart finds the member that tells the alternatives of g apart.
func (g *program) tellApart() *tags {
	if g.branch != nil {
		t := &tags{name: g.branch.name}
		for _, s := range g.schema.Discriminator.Mapping {
			to := g.branch.to[s.Value]
			if to != g && !holdsProgram(g.anyOf, to) && !holdsProgram(g.oneOf, to) && !holdsProgram(t.to, to) {
				t.to = append(t.to, to)
			}
		}
		return t
	}
	for _, list := range [][]*program{g.oneOf, g.anyOf} {
		name := commonTag(list)
		if name == "" {
			continue
		}
		t := &tags{name: name, any: byTagValue(g.anyOf, name), one: byTagValue(g.oneOf, name)}
		return t
	}
	return nil
}

func holdsProgram(list []*program, p *program) bool {
	for _, q := range list {
		if q == p {
			return true
		}
	}
	return false
}

// commonTag is a member that all alternatives for objects tell apart by its
// text; "" where there is none, or nothing to tell apart.
func commonTag(list []*program) string {
	var objects []*program
	for _, q := range list {
		if q.accepts.has(jsonx.Object) {
			objects = append(objects, q)
		}
	}
	if len(objects) < 2 {
		return ""
	}
	for _, name := range tagNames(objects[0], maxFollow) {
		common := true
		for _, q := range objects[1:] {
			common = common && tagValues(q, name, maxFollow) != nil
		}
		if common {
			return name
		}
	}
	return ""
}

// tagNames are the members of p that have one of a list of texts.
func tagNames(p *program, depth int) []string {
	if p == nil || depth == 0 {
		return nil
	}
	var out []string
	if p.object != nil {
		for i := range p.object.names.list {
			if n := &p.object.names.list[i]; onlyTexts(n.to) != nil {
				out = append(out, n.name)
			}
		}
	}
	out = append(out, tagNames(p.ref, depth-1)...)
	for _, q := range p.allOf {
		out = append(out, tagNames(q, depth-1)...)
	}
	return out
}

// tagValues are the texts that a member of p may have, nil where it may have
// others.
func tagValues(p *program, name string, depth int) []string {
	if p == nil || depth == 0 {
		return nil
	}
	if p.object != nil {
		if at := p.object.names.index(name); at >= 0 {
			if v := onlyTexts(p.object.names.list[at].to); v != nil {
				return v
			}
		}
	}
	if v := tagValues(p.ref, name, depth-1); v != nil {
		return v
	}
	for _, q := range p.allOf {
		if v := tagValues(q, name, depth-1); v != nil {
			return v
		}
	}
	return nil
}

// onlyTexts are the values of const or enum where all are texts.
func onlyTexts(p *program) []string {
	for k := 0; p != nil && p.alias != nil && k < maxFollow; k++ {
		p = p.alias
	}
	if p == nil {
		return nil
	}
	v := p.constant
	if v == nil {
		v = p.enum
	}
	if v == nil || v.null || v.yes || v.no || len(v.numbers)+len(v.compound) > 0 {
		return nil
	}
	return v.strings
}

func byTagValue(list []*program, name string) map[string][]*program {
	out := map[string][]*program{}
	for _, q := range list {
		if !q.accepts.has(jsonx.Object) {
			continue
		}
		values := tagValues(q, name, maxFollow)
		if values == nil {
			return nil
		}
		for _, v := range values {
			if have := out[v]; !holdsProgram(have, q) {
				out[v] = append(have, q)
			}
		}
	}
	return out
}

// anything is a program that accepts everything and says nothing.
func anything() *program {
	return &program{schema: contract.NewSchema(), kinds: anyKind, accepts: anyKind, plain: true, simple: true}
}

// trivial tells whether p accepts everything without saying more.
func (p *program) trivial() bool {
	return p.kinds == anyKind && p.traits == 0 && p.enum == nil && p.constant == nil && p.number == nil &&
		p.text == nil && p.object == nil && p.array == nil && p.ref == nil && p.allOf == nil && p.anyOf == nil &&
		p.oneOf == nil && p.not == nil && p.branch == nil && p.rare == nil
}
