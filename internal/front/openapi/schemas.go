package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// A job is a schema that has its place in the graph, and must be filled in.
// Working through a queue instead of descending keeps the stack flat whatever
// the references do.
type job struct {
	s  *contract.Schema
	at spot
}

const slabSize = 128

// alloc returns a fresh schema at s with the next ID.
func (b *builder) alloc(s spot) *contract.Schema {
	if len(b.out.Schemas) >= MaxSchemas {
		b.halt(s.node, say(CodeTooLarge, "split the API", "the document declares more than %d schemas", MaxSchemas))
		return b.out.Schemas[0]
	}
	if len(b.slab) == 0 {
		b.slab = make([]contract.Schema, slabSize)
	}
	out := &b.slab[0]
	b.slab = b.slab[1:]
	*out = *contract.NewSchema()
	out.ID, out.At, out.Pointer, out.Name = len(b.out.Schemas), s.span(), s.pointer, componentName(s.pointer)
	b.out.Schemas = append(b.out.Schemas, out)
	return out
}

// newSchema returns a schema that the document implies.
func (b *builder) newSchema(s spot, types contract.Types) *contract.Schema {
	out := b.alloc(s)
	out.Types, out.Name = types, ""
	return out
}

// never returns a schema that accepts nothing, in the place of one that cannot
// be read.
func (b *builder) never(s spot) *contract.Schema {
	out := b.newSchema(s, 0)
	out.Never = true
	return out
}

// componentName is the name that a pointer gives to a component.
func componentName(pointer string) string {
	for _, prefix := range []string{"#/components/schemas/", "#/definitions/"} {
		if name, ok := strings.CutPrefix(pointer, prefix); ok && !strings.Contains(name, "/") {
			return unescapePointer.Replace(name)
		}
	}
	return ""
}

// schema returns the schema at s, which is filled in later. A reference
// without other keywords is the schema that it names; one that leads nowhere
// accepts nothing.
func (b *builder) schema(s spot) *contract.Schema {
	start := s
	for range maxHops {
		ref, is := refOf(s.node)
		if !is || b.both(s, ref) {
			return b.entered(s)
		}
		next, p := b.resolve(ref, ref.text())
		if p != nil {
			p := *p
			p.text += "; this schema accepts nothing"
			b.warn(ref, p)
			return b.never(s)
		}
		if b.leaves(s.node, next.node) {
			return b.entered(s)
		}
		s = next
	}
	b.warn(start.get("$ref"), say(CodeRefCycle, "let one of them hold the schema itself", "the reference leads in a circle; this schema accepts nothing"))
	return b.never(start)
}

// both tells whether a reference has siblings that apply beside it. Before
// OpenAPI 3.1 they are ignored, which is said where they would matter.
func (b *builder) both(s spot, ref node) bool {
	for k, v := range s.members {
		switch name := k.text(); name {
		case "$ref", "title", "description", "summary", "example", "examples", "$comment", "externalDocs", "$schema", "default", "deprecated", "xml", "name":
		case "$defs", "definitions":
			// a place for other schemas, not a keyword of this one
		default:
			if strings.HasPrefix(name, "x-") && !strings.HasPrefix(name, extensionPrefix) {
				continue
			}
			if b.dialect == contract.OpenAPI31 {
				return true
			}
			if name == "type" && v.str() == "object" {
				continue // says what the target says, in all but odd documents
			}
			b.warn(k, say(CodeRefSibling, "write allOf: [{$ref: …}] and put the keyword beside it", "%q beside $ref is ignored before OpenAPI 3.1", clip(name)))
		}
	}
	return false
}

// entered returns the one schema of the node at s.
func (b *builder) entered(s spot) *contract.Schema {
	if s.f.schemas == nil {
		s.f.schemas = make([]*contract.Schema, len(s.f.cells))
	}
	if known := s.f.schemas[s.i]; known != nil {
		return known
	}
	out := b.alloc(s)
	s.f.schemas[s.i] = out
	b.queue = append(b.queue, job{out, s})
	return out
}

// schemasOf fills in every schema that was asked for, and those that they ask
// for.
func (b *builder) schemasOf() {
	for more := true; more && !b.stop; more = b.scopes() {
		for len(b.queue) > 0 && !b.stop {
			batch := b.queue
			b.queue = nil
			for _, j := range batch {
				if b.spend(j.at.node); b.stop {
					return
				}
				b.fill(j.s, j.at)
			}
		}
	}
	b.discriminators()
	b.breakLoops()
}

// fill reads the keywords of a schema.
func (b *builder) fill(s *contract.Schema, at spot) {
	switch at.kind() {
	case source.Bool:
		s.Never = !at.isTrue()
		return
	case source.Null:
		b.warn(at.node, say(CodeEmpty, "write a schema, or {} for anything", "this schema is empty and accepts anything"))
		return
	case source.Object:
	case source.Absent, source.Number, source.String, source.Array:
		b.wrongType(at.node, "a schema", source.Object)
		s.Never = true
		return
	}
	k := keywords{b: b, s: s, at: at}
	for name, v := range at.members {
		n := name.text()
		if n == "" || n[0] == 'x' && strings.HasPrefix(n, "x-") {
			continue
		}
		_ = k.applicator(n, v) || k.object(n, v) || k.scalar(n, v) || k.annotation(n, v) || k.older(n, v)
	}
	if b.dialect == contract.Swagger20 && at.get("x-nullable").isTrue() {
		k.nullable = true // what OpenAPI 3.0 made a keyword of
	}
	s.Extensions = b.extensions(at.node)
	k.finish()
}

// list reads an array of schemas.
func (b *builder) list(s spot) []*contract.Schema {
	if !b.want(s.node, "this keyword", source.Array).ok() {
		return nil
	}
	out := make([]*contract.Schema, 0, s.count())
	for i, v := range s.items {
		out = append(out, b.schema(s.item(i, v)))
	}
	return out
}

// named reads an object of schemas.
func (b *builder) named(s spot) []contract.Property {
	if s.is(source.Array) && s.count() == 0 {
		b.warn(s.node, say(CodeWrongType, "write {}", "an object is expected here; the empty array is read as one"))
		return nil
	}
	if !b.want(s.node, "this keyword", source.Object).ok() {
		return nil
	}
	out := make([]contract.Property, 0, s.count())
	for k, v := range s.members {
		name := b.keep(k.text())
		out = append(out, contract.Property{Name: name, NameAt: k.span(), Schema: b.schema(s.under(name, v))})
	}
	return out
}
