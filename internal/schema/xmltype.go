package schema

import (
	"sync"

	"github.com/sallyport/sallyport/contract"
)

// An xmlType is what a schema says of the XML that its values are written in
// (OpenAPI 3.1 section 4.8.26). It may refer to itself.
type xmlType struct {
	types    contract.Types // 0: nothing is said
	names    map[string]*xmlMember
	declared map[string]bool // names of members, however they are written
	items    *xmlType        // of an array
	itemName xmlName
	extra    *xmlType // of other members
}

// An xmlMember is a property as it stands in XML.
type xmlMember struct {
	key       string // in JSON
	space     string // "": any
	attribute bool
	array     bool // unwrapped: each element of this name is an item
	wrapped   bool // one element holds the items
	of        *xmlType
	twin      *xmlMember // of the same name: an attribute beside an element, or another namespace
}

// xmlName is a name that an element may have; without local it may have any.
type xmlName struct {
	local, other string // other is lawful too, where it is not clear which is meant
	space        string
}

func (n xmlName) fits(local, space string) bool {
	return (n.local == "" || local == n.local || n.other != "" && local == n.other) && (n.space == "" || n.space == space)
}

// xmlRoot is the root of a body, which is compiled on first use.
type xmlRoot struct {
	once sync.Once
	from *contract.Schema
	name xmlName
	to   *xmlType // nil: the schema says nothing that XML could be held to
}

// of returns the type and the name of the root element. A schema that wants no
// more than a text means the document as it is, and is not held to anything.
func (r *xmlRoot) of() (*xmlType, xmlName) {
	r.once.Do(func() {
		if r.from == nil || wants(r.from)&(contract.ObjectType|contract.ArrayType) == 0 {
			return
		}
		c := xmlTypes{}
		r.to = c.of(r.from)
		if x := xmlOf(r.from); x != nil {
			r.name = xmlName{local: x.Name, space: x.Namespace}
		}
	})
	return r.to, r.name
}

// newPartXML is the root of the parts of a form that are called name; nil
// where its schema says nothing that XML could be held to.
func newPartXML(form *contract.Schema, name string) *xmlRoot {
	s := first(form, func(s *contract.Schema) *contract.Schema { return s.Property(name) })
	if s != nil && wants(s)&^contract.NullType == contract.ArrayType {
		s = first(s, func(s *contract.Schema) *contract.Schema { return s.Items })
	}
	if r := (&xmlRoot{from: s}); r.checked() {
		return r
	}
	return nil
}

// checked tells whether bodies are held to the schema.
func (r *xmlRoot) checked() bool {
	to, _ := r.of()
	return to != nil
}

// xmlOf is the xml object of s, be it on what s refers to.
func xmlOf(s *contract.Schema) *contract.XML {
	for k := 0; s != nil && k < maxFollow; k, s = k+1, s.Ref {
		if s.XML != nil {
			return s.XML
		}
		if s.Ref == nil && len(s.AllOf) == 1 {
			s = &contract.Schema{Ref: s.AllOf[0]}
		}
	}
	return nil
}

// elsewhere tells whether s is a component, whose xml object may be meant for the
// place that refers to it or for the component alone.
func elsewhere(s *contract.Schema) bool { return s.Name != "" || s.Ref != nil || len(s.AllOf) == 1 }

// xmlTypes compiles the types of one body.
type xmlTypes map[*contract.Schema]*xmlType

func (c xmlTypes) of(s *contract.Schema) *xmlType {
	if s == nil {
		return &xmlType{}
	}
	if t := c[s]; t != nil {
		return t
	}
	t := &xmlType{types: wants(s), names: map[string]*xmlMember{}, declared: map[string]bool{}}
	c[s] = t
	if t.types == contract.AnyType {
		t.types = 0
	}
	if items := first(s, func(s *contract.Schema) *contract.Schema { return s.Items }); items != nil {
		t.items = c.of(items)
		t.itemName = nameOfItems(items, "")
	}
	eachInPlace(s, func(s *contract.Schema) bool {
		for i := range s.Properties {
			if p := &s.Properties[i]; !t.declared[p.Name] {
				t.declared[p.Name] = true
				c.member(t, p)
			}
		}
		return true
	})
	extra := first(s, func(s *contract.Schema) *contract.Schema { return s.AdditionalProperties })
	if extra == nil || !extra.Never {
		t.extra = c.of(extra)
	}
	return t
}

// member enters a property under the names that its XML may have.
func (c xmlTypes) member(t *xmlType, p *contract.Property) {
	m := xmlMember{key: p.Name, of: c.of(p.Schema)}
	name := xmlName{local: p.Name}
	if x := xmlOf(p.Schema); x != nil {
		m.attribute, m.wrapped, name.space = x.Attribute, x.Wrapped, x.Namespace
		if x.Name != "" && x.Name != p.Name {
			name.local = x.Name
			if elsewhere(p.Schema) {
				name.other = p.Name
			}
		}
	}
	const simple = contract.BooleanType | contract.NumericType | contract.IntegerType | contract.StringType
	list := m.of.types&contract.ArrayType != 0 && m.of.types&(simple|contract.ObjectType) == 0
	m.wrapped = m.wrapped && list
	m.array = list && !m.wrapped
	if items := first(p.Schema, func(s *contract.Schema) *contract.Schema { return s.Items }); list && items != nil {
		of := *m.of
		of.itemName = nameOfItems(items, name.local)
		m.of = &of
		if m.array {
			name = of.itemName
		}
	}
	m.space = name.space
	t.enter(name.local, m)
	if name.other != "" {
		t.enter(name.other, m)
	}
}

// nameOfItems is the name of the elements of a list whose own name is known.
func nameOfItems(items *contract.Schema, list string) xmlName {
	x := xmlOf(items)
	if x == nil {
		return xmlName{local: list}
	}
	name := xmlName{local: x.Name, space: x.Namespace}
	switch {
	case x.Name == "":
		name.local = list
	case elsewhere(items) && list != "":
		name.other = list
	}
	return name
}

func (t *xmlType) enter(name string, m xmlMember) {
	m.twin = t.names[name]
	t.names[name] = &m
}

// find looks for the member that an element or attribute is.
func (t *xmlType) find(local, space string, attribute bool) *xmlMember {
	for m := t.names[local]; m != nil; m = m.twin {
		if m.attribute == attribute && (m.space == "" || m.space == space) {
			return m
		}
	}
	return nil
}
