package openapi

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// finish puts the older dialects into the terms of draft 2020-12.
func (k *keywords) finish() {
	s := k.s
	if k.exclusiveMin.isTrue() {
		k.exclusive("minimum", k.exclusiveMin, &s.Minimum, &s.ExclusiveMinimum)
	}
	if k.exclusiveMax.isTrue() {
		k.exclusive("maximum", k.exclusiveMax, &s.Maximum, &s.ExclusiveMaximum)
	}
	if k.tuple && k.additional.ok() {
		s.Items = k.sub("additionalItems", k.additional.node)
	}
	if k.dynamic.ok() {
		k.dynamicRef()
	}
	if k.nullable {
		k.allowNull()
	}
}

// exclusive turns the boolean form, which qualifies the bound beside it, into
// a bound of its own.
func (k *keywords) exclusive(name string, v node, bound, exclusive *contract.Number) {
	if *bound == "" {
		k.b.warn(v, say(CodeKeyword, "write "+name+" beside it, or give it a number", "there is no %s that this could make exclusive", name))
		return
	}
	*exclusive, *bound = *bound, ""
}

// dynamicRef reads $dynamicRef. It is a $ref unless it leads to a dynamic anchor
// by its name (JSON Schema 2020-12 section 8.2.3.2).
func (k *keywords) dynamicRef() {
	v := k.dynamic
	if !v.is(source.String) {
		k.b.wrongType(v, "$dynamicRef", source.String)
		k.s.Never = true
		return
	}
	at, p := k.b.resolve(v, v.text())
	if p != nil {
		p := *p
		p.code, p.text = CodeDynamicRef, p.text+"; this schema accepts nothing"
		k.b.warn(v, p)
		k.s.Never = true
		return
	}
	_, name, _ := strings.Cut(v.text(), "#")
	if name == "" || at.get("$dynamicAnchor").str() != name {
		k.b.apply(k.s, k.b.schema(at))
		return
	}
	if n := k.b.resourceOf(at.node).count(name); n > 1 {
		k.b.warn(v, say(CodeDynamicRef, "give each resource one of them", "%d schemas of one resource carry this dynamic anchor; the first one is always taken", n))
	}
	k.b.dynamics = append(k.b.dynamics, dynamicUse{k.s, name, at})
}

// allowNull reads nullable: true of OpenAPI 3.0. Beside a type it adds null to
// the types and to an enum that lacks it. Beside allOf, anyOf, oneOf or not,
// the letter of 3.0.3 gives it no effect; authors mean "this or null", and so
// it is read: the other reading would refuse replies that the document's
// author calls lawful.
func (k *keywords) allowNull() {
	s := k.s
	if len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) > 0 || s.Not != nil || s.Ref != nil {
		k.wrapNull()
		return
	}
	if s.Types != 0 {
		s.Types |= contract.NullType
	}
	isNull := func(v source.Value) bool { return v.Kind == source.Null }
	if s.Enum != nil && !slices.ContainsFunc(s.Enum, isNull) {
		s.Enum = append(s.Enum, source.Value{At: k.at.span(), Kind: source.Null})
	}
}

// wrapNull moves the constraints of the schema into one alternative beside
// null. Name, place and annotations stay.
func (k *keywords) wrapNull() {
	outer := k.s
	inner := k.b.newSchema(k.at, 0)
	id := inner.ID
	*inner = *outer
	inner.ID, inner.Name = id, ""
	inner.ReadOnly, inner.WriteOnly, inner.Deprecated = false, false, false
	inner.Default, inner.Examples, inner.XML, inner.Extensions, inner.Title, inner.Description = nil, nil, nil, nil, "", ""
	kept := *contract.NewSchema()
	kept.ID, kept.Name, kept.Pointer, kept.At = outer.ID, outer.Name, outer.Pointer, outer.At
	kept.ReadOnly, kept.WriteOnly, kept.Deprecated = outer.ReadOnly, outer.WriteOnly, outer.Deprecated
	kept.Default, kept.Examples, kept.XML, kept.Extensions = outer.Default, outer.Examples, outer.XML, outer.Extensions
	kept.Title, kept.Description = outer.Title, outer.Description
	kept.AnyOf = []*contract.Schema{inner, k.b.newSchema(k.at, contract.NullType)}
	*outer = kept
}
