package schema

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// shapeDepth bounds how deep parameters and forms nest.
const shapeDepth = 4

// A shape is what the text of a parameter or form member is turned into before
// it is checked: text has no types of its own.
type shape struct {
	types contract.Types // 0: nothing is said, so text stays text
	items *shape
	names map[string]*shape
	extra *shape // of other names; nil where they are refused
	from  *contract.Schema
}

// shapes makes the shapes of one contract. Equal ones are shared, so that wide
// and recursive schemas stay small.
type shapes map[shapeKey]*shape

type shapeKey struct {
	of    *contract.Schema
	depth int
}

// of returns the shape of s, down to a depth.
func (c shapes) of(s *contract.Schema, depth int) *shape {
	if s == nil {
		return &shape{}
	}
	if h := c[shapeKey{s, depth}]; h != nil {
		return h
	}
	h := &shape{types: wants(s), from: s}
	c[shapeKey{s, depth}] = h
	if h.types == contract.AnyType {
		h.types = 0
	}
	if depth == 0 {
		return h
	}
	if h.types&contract.ArrayType != 0 {
		h.items = c.of(first(s, func(s *contract.Schema) *contract.Schema { return s.Items }), depth-1)
	}
	if h.types&contract.ObjectType != 0 {
		h.names = map[string]*shape{}
		eachInPlace(s, func(s *contract.Schema) bool {
			for i := range s.Properties {
				if name := s.Properties[i].Name; h.names[name] == nil {
					h.names[name] = c.of(s.Properties[i].Schema, depth-1)
				}
			}
			return true
		})
		extra := first(s, func(s *contract.Schema) *contract.Schema { return s.AdditionalProperties })
		if extra == nil || !extra.Never {
			h.extra = c.of(extra, depth-1)
		}
	}
	return h
}

// member is the shape of a name, nil where it is refused.
func (h *shape) member(name string) *shape {
	if m := h.names[name]; m != nil {
		return m
	}
	return h.extra
}

// is tells whether the shape is of type t and of no simple one.
func (h *shape) is(t contract.Types) bool {
	const simple = contract.BooleanType | contract.NumericType | contract.IntegerType | contract.StringType
	return h.types&t != 0 && h.types&simple == 0
}

// eachInPlace visits s and all schemas that may apply to the same value, until
// visit says false. Each is visited once.
func eachInPlace(s *contract.Schema, visit func(*contract.Schema) bool) {
	seen := map[*contract.Schema]bool{}
	var walk func(*contract.Schema) bool
	walk = func(s *contract.Schema) bool {
		if s == nil || seen[s] {
			return true
		}
		seen[s] = true
		if !visit(s) || !walk(s.Ref) {
			return false
		}
		for _, list := range [][]*contract.Schema{s.AllOf, s.AnyOf, s.OneOf} {
			for _, c := range list {
				if !walk(c) {
					return false
				}
			}
		}
		return true
	}
	walk(s)
}

// first finds a keyword in s and all that may apply with it.
func first(s *contract.Schema, what func(*contract.Schema) *contract.Schema) (found *contract.Schema) {
	eachInPlace(s, func(s *contract.Schema) bool {
		found = what(s)
		return found == nil
	})
	return found
}

// wants is the set of types that s can accept, as far as its types, values and
// branches tell.
func wants(s *contract.Schema) contract.Types {
	return wanted(s, map[*contract.Schema]contract.Types{})
}

// wanted is wants; known holds the schemas that were seen before, and those
// that are being looked at as accepting anything.
func wanted(s *contract.Schema, known map[*contract.Schema]contract.Types) contract.Types {
	if s == nil {
		return contract.AnyType
	}
	if t, ok := known[s]; ok {
		return t
	}
	known[s] = contract.AnyType
	t := spread(s.Types)
	t &= ofValues(s)
	if s.Types == 0 && t == contract.AnyType {
		t = hinted(s)
	}
	t &= wanted(s.Ref, known)
	for _, c := range s.AllOf {
		t &= wanted(c, known)
	}
	for _, list := range [][]*contract.Schema{s.AnyOf, s.OneOf} {
		if len(list) == 0 {
			continue
		}
		var union contract.Types
		for _, c := range list {
			union |= wanted(c, known)
		}
		t &= union
	}
	known[s] = t
	return t
}

// spread adds what a type contains: a number may be an integer.
func spread(t contract.Types) contract.Types {
	switch {
	case t == 0:
		return contract.AnyType
	case t&contract.NumericType != 0:
		return t | contract.IntegerType
	}
	return t
}

// ofValues are the types of enum and const.
func ofValues(s *contract.Schema) contract.Types {
	if s.Enum == nil && s.Const == nil {
		return contract.AnyType
	}
	var t contract.Types
	list := s.Enum
	if s.Const != nil {
		list = []source.Value{*s.Const}
	}
	for i := range list {
		t |= ofKind(list[i].Kind)
	}
	return t
}

func ofKind(k source.Kind) contract.Types {
	switch k {
	case source.Null:
		return contract.NullType
	case source.Bool:
		return contract.BooleanType
	case source.Number:
		return contract.NumericType | contract.IntegerType
	case source.String:
		return contract.StringType
	case source.Array:
		return contract.ArrayType
	case source.Object:
		return contract.ObjectType
	case source.Absent:
	}
	return 0
}

// hinted guesses the type of a schema that does not name one, by its keywords.
func hinted(s *contract.Schema) contract.Types {
	switch {
	case s.Minimum+s.Maximum+s.ExclusiveMinimum+s.ExclusiveMaximum+s.MultipleOf != "":
		return contract.NumericType | contract.IntegerType
	case len(s.Properties) > 0:
		return contract.ObjectType
	case s.Items != nil:
		return contract.ArrayType
	}
	return contract.AnyType
}
