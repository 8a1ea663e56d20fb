package schema

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/ecma"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// compile returns the program of s and of everything below it.
func (p *Programs) compile(s *contract.Schema) *program {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.node(s)
	p.finish()
	return g
}

// node compiles s. The program is entered before its parts are compiled, so
// that cycles end; nobody else sees it before mu is free.
func (p *Programs) node(s *contract.Schema) *program {
	if s == nil {
		return nil
	}
	around := p.around
	defer func() { p.around = around }()
	if s.Rare != nil && s.Rare.Resource != nil {
		p.around = p.enter(around, s.Rare.Resource)
	}
	key := nodeKey{s, p.around}
	if g := p.byNode[key]; g != nil {
		return g
	}
	g := &program{schema: s, kinds: kindsOf(s.Types), never: s.Never, types: s.Types, traits: traitsOf(s)}
	p.byNode[key] = g
	g.home, g.id = p, len(p.byNode)
	p.fresh = append(p.fresh, g)
	if s.Never {
		g.kinds = 0
		return g
	}
	if s.Enum != nil {
		g.enum = newValues(p.seeds, s.Enum...)
	}
	if s.Const != nil {
		g.constant = newValues(p.seeds, *s.Const)
	}
	g.number = newNumberRules(s)
	g.text = p.textRules(s)
	g.object = p.objectRules(s)
	g.array = p.arrayRules(s)
	g.ref = p.node(s.Ref)
	g.allOf, g.anyOf, g.oneOf = p.nodes(s.AllOf), p.nodes(s.AnyOf), p.nodes(s.OneOf)
	if s.Rare != nil && s.Rare.DynamicRef != nil {
		g.allOf = append(g.allOf, p.node(p.around.find(s.Rare.DynamicRef)))
	}
	g.not = p.node(s.Not)
	g.branch = p.dispatch(s)
	g.joins = g.ref != nil || g.allOf != nil || g.anyOf != nil || g.oneOf != nil || g.not != nil || g.branch != nil
	g.rare = p.rareRules(s)
	g.placeDependents()
	return g
}

func (p *Programs) nodes(list []*contract.Schema) []*program {
	var out []*program
	for _, s := range list {
		out = append(out, p.node(s))
	}
	return out
}

func kindsOf(t contract.Types) kinds {
	if t == 0 {
		return anyKind
	}
	var k kinds
	for _, pair := range []struct {
		t contract.Types
		k kinds
	}{
		{contract.NullType, 1 << jsonx.Null},
		{contract.BooleanType, 1<<jsonx.True | 1<<jsonx.False},
		{contract.ObjectType, 1 << jsonx.Object},
		{contract.ArrayType, 1 << jsonx.Array},
		{contract.NumericType | contract.IntegerType, 1 << jsonx.Number},
		{contract.StringType, 1 << jsonx.String},
	} {
		if t&pair.t != 0 {
			k |= pair.k
		}
	}
	return k
}

func traitsOf(s *contract.Schema) traits {
	var t traits
	if s.ReadOnly {
		t |= readOnly
	}
	if s.WriteOnly {
		t |= writeOnly
	}
	if s.Format == "password" || s.Extensions.Get("sensitive").True() {
		t |= sensitive
	}
	return t
}

func (p *Programs) textRules(s *contract.Schema) *textRules {
	t := textRules{min: s.MinLength, max: s.MaxLength, format: textFormats(s.Format)}
	if s.Pattern != "" {
		t.re = p.pattern(s.Pattern)
	}
	if s.Format == "binary" {
		// Binary is not text: its limits count bytes, where the body is read.
		return nil
	}
	if t.min <= 0 && t.max < 0 && t.re == nil && t.format == nil {
		return nil
	}
	return &t
}

// pattern returns the compiled pattern, nil where it cannot be translated.
func (p *Programs) pattern(text string) *matcher {
	re, known := p.regexp[text]
	if known {
		return re
	}
	if translated, err := ecma.Translate(text); err == nil {
		re, _ = newMatcher(translated) // Translate has parsed it
	}
	p.regexp[text] = re
	return re
}

func (p *Programs) objectRules(s *contract.Schema) *objectRules {
	o := &objectRules{min: s.MinProperties, max: s.MaxProperties}
	o.speaks = len(s.Properties) > 0 || len(s.PatternProperties) > 0 || s.AdditionalProperties != nil
	if r := s.Rare; r != nil {
		o.keys = p.node(r.PropertyNames)
	}
	depends := s.Rare != nil && len(s.Rare.DependentRequired)+len(s.Rare.DependentSchemas) > 0
	if !o.speaks && o.keys == nil && o.min <= 0 && o.max < 0 && len(s.Required) == 0 && !depends {
		return nil
	}
	for i := range s.Properties {
		o.names.add(s.Properties[i].Name, p.node(s.Properties[i].Schema))
	}
	for i := range s.PatternProperties {
		o.patterns = append(o.patterns, patternRule{p.pattern(s.PatternProperties[i].Pattern), p.node(s.PatternProperties[i].Schema)})
	}
	o.extra = p.node(s.AdditionalProperties)
	for _, name := range s.Required {
		o.names.add(name, nil)
	}
	if depends {
		o.addDependents(s.Rare)
	}
	for d, hidden := range []func(*contract.Schema) bool{asRequest: isReadOnly, asReply: isWriteOnly} {
		o.need[d] = make([]uint64, (len(o.names.list)+63)/64)
		for _, name := range s.Required {
			if of := s.Property(name); of != nil && hidden(of) {
				continue
			}
			o.required[d] = append(o.required[d], name)
			at := o.names.index(name)
			o.need[d][at/64] |= 1 << (at % 64)
		}
	}
	o.names.seal()
	return o
}

func isReadOnly(s *contract.Schema) bool {
	return says(s, func(s *contract.Schema) bool { return s.ReadOnly }, maxFollow)
}

func isWriteOnly(s *contract.Schema) bool {
	return says(s, func(s *contract.Schema) bool { return s.WriteOnly }, maxFollow)
}

// maxFollow bounds how far a keyword is looked for through references.
const maxFollow = 8

// says looks for a keyword in s and what always applies with it.
func says(s *contract.Schema, what func(*contract.Schema) bool, depth int) bool {
	if s == nil || depth == 0 {
		return false
	}
	if what(s) || says(s.Ref, what, depth-1) {
		return true
	}
	for _, c := range s.AllOf {
		if says(c, what, depth-1) {
			return true
		}
	}
	return false
}

func (p *Programs) arrayRules(s *contract.Schema) *arrayRules {
	a := &arrayRules{
		prefix: p.nodes(s.PrefixItems), items: p.node(s.Items),
		least: contract.Unset, most: contract.Unset, min: s.MinItems, max: s.MaxItems, unique: s.UniqueItems,
	}
	if r := s.Rare; r != nil && r.Contains != nil {
		a.contains, a.least, a.most = p.node(r.Contains), r.MinContains, r.MaxContains
		if a.least == contract.Unset {
			a.least = 1
		}
	}
	if a.prefix == nil && a.items == nil && a.contains == nil && a.min <= 0 && a.max < 0 && !a.unique {
		return nil
	}
	return a
}

// dispatch compiles a discriminator. One without a mapping says nothing.
func (p *Programs) dispatch(s *contract.Schema) *dispatch {
	d := s.Discriminator
	if d == nil || len(d.Mapping) == 0 {
		return nil
	}
	to := make(map[string]*program, len(d.Mapping))
	for i := range d.Mapping {
		to[d.Mapping[i].Value] = p.node(d.Mapping[i].Schema)
	}
	return &dispatch{name: d.Property, to: to, closed: len(s.OneOf)+len(s.AnyOf) > 0}
}

func (p *Programs) rareRules(s *contract.Schema) *rareRules {
	r := s.Rare
	if r == nil {
		return nil
	}
	out := &rareRules{
		cond: p.node(r.If), then: p.node(r.Then), other: p.node(r.Else),
		items: p.node(r.UnevaluatedItems), members: p.node(r.UnevaluatedProperties),
	}
	for i := range r.DependentRequired {
		out.dependent = append(out.dependent, dependent{name: r.DependentRequired[i].Name, need: r.DependentRequired[i].Required})
	}
	for i := range r.DependentSchemas {
		out.dependent = append(out.dependent, dependent{name: r.DependentSchemas[i].Name, then: p.node(r.DependentSchemas[i].Schema)})
	}
	if out.cond == nil && out.items == nil && out.members == nil && out.dependent == nil {
		return nil
	}
	return out
}

// addDependents enters the names that dependencies ask for.
func (o *objectRules) addDependents(r *contract.Rare) {
	for i := range r.DependentRequired {
		o.names.add(r.DependentRequired[i].Name, nil)
		for _, name := range r.DependentRequired[i].Required {
			o.names.add(name, nil)
		}
	}
	for i := range r.DependentSchemas {
		o.names.add(r.DependentSchemas[i].Name, nil)
	}
}

// placeDependents finds the places of these names.
func (p *program) placeDependents() {
	if p.rare == nil {
		return
	}
	for k := range p.rare.dependent {
		d := &p.rare.dependent[k]
		d.place = p.object.names.index(d.name)
		for _, name := range d.need {
			d.needs = append(d.needs, p.object.names.index(name))
		}
	}
}
