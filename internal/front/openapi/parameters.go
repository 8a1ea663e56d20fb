package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// parameters reads the list of an operation or path item. It returns false
// after a diagnostic where one cannot be read at all: the operation must not
// be served without it. Swagger's body and formData parameters are left to
// swaggerContent.
func (b *builder) parameters(s spot) ([]*contract.Parameter, bool) {
	if known, ok := b.lists[s.node]; ok && s.ok() {
		return known.list, known.usable
	}
	list, usable := b.parameterList(s)
	b.lists[s.node] = parameterList{list, usable}
	return list, usable
}

// A parameterList is one list of the document, read once.
type parameterList struct {
	list   []*contract.Parameter
	usable bool
}

// An identity tells parameters apart.
type identity struct {
	in   contract.In
	name string
}

func identify(p *contract.Parameter) identity {
	if p.In == contract.InHeader {
		return identity{p.In, strings.ToLower(p.Name)}
	}
	return identity{p.In, p.Name}
}

func (b *builder) parameterList(s spot) ([]*contract.Parameter, bool) {
	list := b.want(s.node, "parameters", source.Array)
	seen := make(map[identity]bool, list.count())
	out := make([]*contract.Parameter, 0, list.count())
	usable := true
	for i, v := range list.items {
		if !b.spend(v) {
			return out, false
		}
		at, ok := b.follow(s.item(i, v))
		if !ok {
			usable = false
			continue
		}
		if b.dialect == contract.Swagger20 && inBody(at.node) {
			continue
		}
		p, ok := b.parameter(at)
		if !ok {
			usable = false
			continue
		}
		if p == nil {
			continue
		}
		if seen[identify(p)] {
			b.warn(v, say(CodeParameter, "remove one of the two", "the parameter %q stands twice in %s; the first one counts", clip(p.Name), p.In))
			continue
		}
		seen[identify(p)] = true
		out = append(out, p)
	}
	return out, usable
}

// parameter builds the parameter at s once. A nil parameter with true is one
// that the specification says to ignore.
func (b *builder) parameter(s spot) (*contract.Parameter, bool) {
	if p, ok := b.params[s.node]; ok {
		return p, true
	}
	if !s.is(source.Object) {
		b.wrongType(s.node, "a parameter", source.Object)
		return nil, false
	}
	name, in := s.get("name"), place(s.get("in"))
	if !name.is(source.String) || name.text() == "" {
		b.warn(s.node, say(CodeParameter, "write name: …", "this parameter has no name"))
		return nil, false
	}
	if in == 0 {
		at := s.get("in")
		if !at.ok() {
			at = s.node
		}
		b.warn(at, say(CodeParameter, "a parameter is in: path, query, header or cookie", "the parameter %q is in no known place: %q", clip(name.text()), clip(s.get("in").text())))
		return nil, false
	}
	if in == contract.InHeader && ignoredHeader(name.text()) {
		b.note(s.node, say(CodeParameter, "use content and security instead", "OpenAPI ignores a header parameter called %s", clip(name.text())))
		b.params[s.node] = nil
		return nil, true
	}
	p := &contract.Parameter{Name: b.keep(name.text()), In: in, Required: in == contract.InPath || s.get("required").isTrue()}
	b.described(p, s)
	b.params[s.node] = p
	return p, true
}

func place(n node) contract.In {
	switch n.str() {
	case "path":
		return contract.InPath
	case "query":
		return contract.InQuery
	case "header":
		return contract.InHeader
	case "cookie":
		return contract.InCookie
	}
	return 0
}

// ignoredHeader tells the names of OpenAPI 3.1 section 4.8.12.1.
func ignoredHeader(name string) bool {
	return strings.EqualFold(name, "Accept") || strings.EqualFold(name, "Content-Type") || strings.EqualFold(name, "Authorization")
}

// described reads what parameters and headers have in common.
func (b *builder) described(p *contract.Parameter, s spot) {
	p.Deprecated, p.At, p.Extensions = s.get("deprecated").isTrue(), s.span(), b.extensions(s.node)
	p.AllowEmptyValue = p.In == contract.InQuery && s.get("allowEmptyValue").isTrue()
	if b.dialect == contract.Swagger20 {
		b.swaggerTyped(p, s)
		return
	}
	p.AllowReserved = p.In == contract.InQuery && s.get("allowReserved").isTrue()
	p.Style, p.Explode = b.style(s.node, p.In)
	content, schema := s.child("content"), s.child("schema")
	if content.is(source.Object) && content.count() > 0 {
		list := b.contents(content)
		if len(list) != 1 || schema.ok() {
			b.warn(s.node, say(CodeParameter, "declare either a schema or one content type", "the parameter %q says more than one thing of its form; its first content type counts", clip(p.Name)))
		}
		if p.Content = neverMedia(b, content); len(list) > 0 {
			p.Content = list[0]
		}
		return
	}
	if !schema.ok() {
		b.warn(s.node, say(CodeParameter, "add a schema", "the parameter %q has no schema, so any value of it is taken", clip(p.Name)))
		return
	}
	p.Schema = b.schema(schema)
}

// style reads style and explode with the defaults of the place.
func (b *builder) style(n node, in contract.In) (contract.Style, bool) {
	style := contract.Form
	if in == contract.InPath || in == contract.InHeader {
		style = contract.Simple
	}
	if v := n.get("style"); v.ok() && !v.is(source.Null) {
		if s, ok := styled(v.str(), in); ok {
			style = s
		} else {
			b.warn(v, say(CodeStyle, "in "+in.String()+" these are possible: "+styles(in), "the style %q does not exist in %s; %s is read instead", clip(v.text()), in, style))
		}
	}
	if e := n.get("explode"); e.is(source.Bool) && style != contract.DeepObject {
		return style, e.isTrue()
	} else if e.ok() && !e.is(source.Bool) && !e.is(source.Null) {
		b.wrongType(e, "explode", source.Bool)
	}
	// A deepObject has one form only, whatever explode says.
	return style, style == contract.Form || style == contract.DeepObject
}

// styles lists the styles of a place.
func styles(in contract.In) string {
	switch in {
	case contract.InPath:
		return "simple, label, matrix"
	case contract.InQuery, contract.InBody:
		return "form, spaceDelimited, pipeDelimited, deepObject"
	case contract.InHeader:
		return "simple"
	case contract.InCookie:
	}
	return "form"
}

func styled(word string, in contract.In) (contract.Style, bool) {
	for _, s := range []contract.Style{contract.Simple, contract.Label, contract.Matrix, contract.Form, contract.SpaceDelimited, contract.PipeDelimited, contract.DeepObject} {
		if s.String() == word {
			for _, possible := range strings.Split(styles(in), ", ") {
				if possible == word {
					return s, true
				}
			}
		}
	}
	return 0, false
}

// headers reads the headers of a reply or part. One that cannot be read is
// left out with a warning, and Content-Type as the specification says.
func (b *builder) headers(s spot) []*contract.Parameter {
	list := b.want(s.node, "headers", source.Object)
	var out []*contract.Parameter
	for k, v := range list.members {
		name := k.text()
		if strings.EqualFold(name, "Content-Type") || !b.spend(v) {
			continue
		}
		at, ok := b.follow(s.under(name, v))
		if !ok {
			continue
		}
		if !at.is(source.Object) {
			b.warn(at.node, say(CodeParameter, "write an object with a schema", "the header %q cannot be read, and is not checked", clip(name)))
			continue
		}
		p := &contract.Parameter{Name: b.keep(name), In: contract.InHeader, Required: at.get("required").isTrue()}
		b.described(p, at)
		out = append(out, p)
	}
	return out
}
