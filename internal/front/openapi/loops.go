package openapi

import "github.com/sallyport/sallyport/contract"

// The colours of a depth-first search.
const (
	white uint8 = iota
	grey
	black
)

// loops finds schemas that contain themselves without stepping into the value,
// as in A: {allOf: [A]}: a validator would never end. It is owned by one
// breakLoops.
type loops struct {
	b      *builder
	colour []uint8
	never  *contract.Schema
}

// breakLoops replaces the step that closes such a loop by a schema that
// accepts nothing, which is the least reading of it; within not, if and
// contains, where "nothing" would open, the schema around it accepts nothing.
func (b *builder) breakLoops() {
	l := &loops{b: b, colour: make([]uint8, len(b.out.Schemas))}
	for _, s := range b.out.Schemas[:len(l.colour)] {
		l.visit(s)
	}
}

func (l *loops) visit(s *contract.Schema) {
	if s.ID >= len(l.colour) || l.colour[s.ID] != white {
		return
	}
	if s.Ref == nil && len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) == 0 && s.Not == nil && s.Rare == nil {
		l.colour[s.ID] = black
		return
	}
	l.colour[s.ID] = grey
	l.step(s, &s.Ref)
	for _, list := range [][]*contract.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for i := range list {
			l.step(s, &list[i])
		}
	}
	closed := l.inverse(s, s.Not)
	if r := s.Rare; r != nil {
		l.step(s, &r.Then)
		l.step(s, &r.Else)
		for i := range r.DependentSchemas {
			l.step(s, &r.DependentSchemas[i].Schema)
		}
		closed = l.inverse(s, r.If) || closed
	}
	if closed {
		s.Never = true
	}
	l.colour[s.ID] = black
}

// step visits *to, or cuts the step where it leads back.
func (l *loops) step(from *contract.Schema, to **contract.Schema) {
	if *to == nil {
		return
	}
	if !l.back(from, *to) {
		l.visit(*to)
		return
	}
	if l.never == nil {
		l.never = contract.NewSchema()
		l.never.ID, l.never.Never, l.never.At, l.never.Pointer = len(l.b.out.Schemas), true, from.At, from.Pointer
		l.b.out.Schemas = append(l.b.out.Schemas, l.never)
	}
	*to = l.never
}

// inverse visits a schema whose refusal accepts, and tells whether it leads
// back.
func (l *loops) inverse(from, to *contract.Schema) bool {
	if to == nil {
		return false
	}
	if l.back(from, to) {
		return true
	}
	l.visit(to)
	return false
}

// back tells, and reports, whether to is being visited.
func (l *loops) back(from, to *contract.Schema) bool {
	if to.ID >= len(l.colour) || l.colour[to.ID] != grey {
		return false
	}
	l.b.warnAt(from, say(CodeSchemaLoop, "let the inner schema differ from the outer one", "the schema %s contains itself without a step into the value; that part of it accepts nothing", clip(to.Pointer)))
	return true
}
