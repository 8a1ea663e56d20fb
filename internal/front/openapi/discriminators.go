package openapi

import (
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

var componentKey = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// discriminator reads the object form of OpenAPI 3 and the text of Swagger 2.0.
// Implicit names come later, when all schemas are known.
func (k *keywords) discriminator(v node) {
	name := v
	if v.is(source.Object) {
		name = v.get("propertyName")
	}
	if !name.is(source.String) || name.text() == "" {
		k.b.warn(v, say(CodeDiscriminator, "write propertyName: …", "the discriminator names no property and is ignored"))
		return
	}
	d := &contract.Discriminator{Property: k.b.keep(name.text()), At: v.span()}
	for key, to := range k.b.want(v.get("mapping"), "mapping", source.Object).members {
		d.Mapping = append(d.Mapping, contract.Mapped{Value: k.b.keep(key.text()), Schema: k.b.mapping(k.at, to)})
	}
	k.s.Discriminator = d
}

// mapping finds what a mapping names: a component, or a reference. A broken one
// accepts nothing.
func (b *builder) mapping(at spot, to node) *contract.Schema {
	name := to.str()
	if componentKey.MatchString(name) {
		c := spot{node{to.f, 0}, "#"}.child("components").child("schemas").child(name)
		if b.dialect == contract.Swagger20 {
			c = spot{node{to.f, 0}, "#"}.child("definitions").child(name)
		}
		if c.ok() {
			return b.schema(c)
		}
	}
	target, p := b.resolve(to, name)
	if name == "" || p != nil {
		b.warn(to, say(CodeDiscriminator, "name a component schema, or write a reference to one", "the discriminator maps to %q, which does not exist; such a value is refused", clip(to.text())))
		return b.never(spot{to, at.pointer})
	}
	return b.schema(target)
}

// discriminators adds the implicit names: of the alternatives beside a
// discriminator, and of the named schemas that extend, by allOf, a schema that
// holds one (OpenAPI 3.1 section 4.8.25).
func (b *builder) discriminators() {
	b.mapped = map[*contract.Discriminator]map[string]bool{}
	for _, s := range b.out.Schemas {
		if s.Discriminator == nil {
			continue
		}
		alternatives := [][]*contract.Schema{s.OneOf, s.AnyOf}
		for _, list := range alternatives {
			for _, alternative := range list {
				b.imply(s.Discriminator, alternative)
			}
		}
	}
	for _, s := range b.out.Schemas {
		if s.Name == "" {
			continue
		}
		if s.Discriminator != nil && len(s.OneOf)+len(s.AnyOf) == 0 {
			b.imply(s.Discriminator, s)
		}
		seen := map[*contract.Schema]bool{s: true}
		b.extended(s, seen, func(parent *contract.Schema) {
			if parent.Discriminator != nil && len(parent.OneOf)+len(parent.AnyOf) == 0 {
				b.imply(parent.Discriminator, s)
			}
		})
	}
}

// extended visits the schemas that s extends by allOf, near and far.
func (b *builder) extended(s *contract.Schema, seen map[*contract.Schema]bool, visit func(*contract.Schema)) {
	for _, parent := range s.AllOf {
		for parent != nil && !seen[parent] && b.spend(b.doc.node) {
			seen[parent] = true
			visit(parent)
			b.extended(parent, seen, visit)
			parent = parent.Ref
		}
	}
}

// imply adds the name of a component, unless the mapping speaks of it.
func (b *builder) imply(d *contract.Discriminator, s *contract.Schema) {
	for range maxHops {
		if s.Name == "" && s.Ref != nil {
			s = s.Ref
		}
	}
	if s.Name == "" {
		return
	}
	values := b.mapped[d]
	if values == nil {
		values = make(map[string]bool, len(d.Mapping))
		for _, m := range d.Mapping {
			values[m.Value] = true
		}
		b.mapped[d] = values
	}
	if values[s.Name] {
		return
	}
	values[s.Name] = true
	d.Mapping = append(d.Mapping, contract.Mapped{Value: strings.Clone(s.Name), Schema: s})
}
