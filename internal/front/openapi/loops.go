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
	path   []turn
	never  *contract.Schema
}

// A turn is one step of the search.
type turn struct {
	s       *contract.Schema
	inverse bool
}

// breakLoops replaces the step that closes such a loop by a schema that
// accepts nothing, which is the least reading of it. Where the loop leads
// through not or if, "nothing" would open: there the whole schema accepts
// nothing.
func (b *builder) breakLoops() {
	l := &loops{b: b, colour: make([]uint8, len(b.out.Schemas))}
	for _, s := range b.out.Schemas[:len(l.colour)] {
		l.visit(s, false)
	}
}

// visit looks at s, to which the last step on the path leads; inverse says
// that this step is a not or an if.
func (l *loops) visit(s *contract.Schema, inverse bool) {
	if s.ID >= len(l.colour) || l.colour[s.ID] != white {
		return
	}
	if s.Ref == nil && len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) == 0 && s.Not == nil && s.Rare == nil {
		l.colour[s.ID] = black
		return
	}
	l.colour[s.ID] = grey
	l.path = append(l.path, turn{s, inverse})
	l.step(s, &s.Ref, false)
	for _, list := range [][]*contract.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for i := range list {
			l.step(s, &list[i], false)
		}
	}
	l.step(s, &s.Not, true)
	if r := s.Rare; r != nil {
		l.step(s, &r.If, true)
		l.step(s, &r.Then, false)
		l.step(s, &r.Else, false)
		for i := range r.DependentSchemas {
			l.step(s, &r.DependentSchemas[i].Schema, false)
		}
	}
	l.path = l.path[:len(l.path)-1]
	l.colour[s.ID] = black
}

// step visits *to, or cuts the step where it leads back.
func (l *loops) step(from *contract.Schema, to **contract.Schema, inverse bool) {
	if *to == nil {
		return
	}
	if target := *to; target.ID >= len(l.colour) || l.colour[target.ID] != grey {
		l.visit(target, inverse)
		return
	}
	if inverse || l.inverted(*to) {
		(*to).Never = true
	}
	l.b.warnAt(from, say(CodeSchemaLoop, "let the inner schema differ from the outer one",
		"the schema %s contains itself without a step into the value; that part of it accepts nothing", clip((*to).Pointer)))
	if l.never == nil {
		l.never = contract.NewSchema()
		l.never.ID, l.never.Never, l.never.At, l.never.Pointer = len(l.b.out.Schemas), true, from.At, from.Pointer
		l.b.out.Schemas = append(l.b.out.Schemas, l.never)
	}
	*to = l.never
}

// inverted tells whether a not or if lies on the path from s to its end.
func (l *loops) inverted(s *contract.Schema) bool {
	for i := len(l.path) - 1; i >= 0 && l.path[i].s != s; i-- {
		if l.path[i].inverse {
			return true
		}
	}
	return false
}
