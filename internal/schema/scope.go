package schema

import "github.com/sallyport/sallyport/contract"

// A nodeKey names a program: the same schema has one for each way to it on
// which other resources give its dynamic references a meaning.
type nodeKey struct {
	schema *contract.Schema
	around *scope
}

// A scope is a dynamic anchor that a resource on the way carries, and those of
// the resources before. Equal ones are one; nil has none.
type scope struct {
	before *scope
	anchor contract.Anchor
}

// enter adds the anchors of a resource to those around it. The outermost
// resource wins, so that there are only so many scopes as anchors can be
// combined.
func (p *Programs) enter(around *scope, r *contract.Resource) *scope {
	for _, a := range r.Anchors {
		if around.schema(a.Name) != nil {
			continue
		}
		next := scope{around, a}
		if p.scopes[next] == nil {
			p.scopes[next] = &next
		}
		around = p.scopes[next]
	}
	return around
}

// schema is the schema with a dynamic anchor, nil where none is around.
func (s *scope) schema(name string) *contract.Schema {
	for ; s != nil; s = s.before {
		if s.anchor.Name == name {
			return s.anchor.Schema
		}
	}
	return nil
}

// find is the schema that a dynamic reference means here.
func (s *scope) find(r *contract.DynamicRef) *contract.Schema {
	if to := s.schema(r.Anchor); to != nil {
		return to
	}
	return r.Schema
}
