package openapi

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// inBody tells whether a Swagger 2.0 parameter belongs to the body.
func inBody(n node) bool {
	in := n.get("in").str()
	return in == "body" || in == "formData"
}

// swaggerServers builds the servers from schemes, host and basePath.
func (b *builder) swaggerServers() []contract.Server {
	root := b.doc
	host, base := root.get("host").str(), root.get("basePath").str()
	if base == "" || base[0] != '/' {
		base = "/" + base
	}
	if host == "" {
		return []contract.Server{{URL: strings.Clone(base), At: root.span()}}
	}
	schemes := b.texts(root.get("schemes"), "schemes")
	if len(schemes) == 0 {
		schemes = []string{"https"}
	}
	var out []contract.Server
	for _, s := range schemes {
		out = append(out, contract.Server{URL: s + "://" + host + strings.TrimSuffix(base, "/"), At: root.get("host").span()})
	}
	return out
}

// swaggerFlow reads the one flow of a Swagger 2.0 OAuth 2 scheme, under its
// OpenAPI 3 name.
func (b *builder) swaggerFlow(s spot) []contract.Flow {
	flow := s.get("flow")
	names := map[string]string{"implicit": "implicit", "password": "password", "application": "clientCredentials", "accessCode": "authorizationCode"}
	name, ok := names[flow.str()]
	if !ok {
		b.warn(s.node, say(CodeSecurity, "use implicit, password, application or accessCode", "%q is not an OAuth 2 flow and is ignored", clip(flow.text())))
		return nil
	}
	return []contract.Flow{b.flow(name, s.node)}
}

// swaggerContent reads body and form parameters, and the types of the replies.
func (b *builder) swaggerContent(o *contract.Operation, s spot, it *item) {
	produces := b.swaggerTypes(s, "produces", "*/*")
	form, body := b.swaggerForm(it.child("parameters"), s.child("parameters"))
	switch {
	case body.ok():
		if len(form) > 0 {
			b.warn(body.node, say(CodeBody, "keep either the body or the form parameters", "a body and form parameters exclude each other; the body counts"))
		}
		o.Body = b.swaggerBody(body, s)
	case len(form) > 0:
		o.Body = b.swaggerFormBody(form, s)
	}
	responses := s.child("responses")
	o.Replies = b.replies(responses)
	at := map[source.Span]spot{}
	for k, v := range responses.members {
		if r, ok := b.follow(responses.under(k.text(), v)); ok {
			at[v.span()] = r
		}
	}
	for _, r := range o.Replies {
		schema := at[r.At].child("schema")
		if !schema.is(source.Object) {
			continue
		}
		for _, t := range produces {
			r.Media = append(r.Media, &contract.Media{Type: t, Schema: b.schema(schema), At: schema.span()})
		}
	}
}

// swaggerTypes reads consumes or produces of the operation, else of the
// document, else the fallback.
func (b *builder) swaggerTypes(s spot, name, fallback string) []string {
	list := s.get(name)
	if !list.ok() {
		list = b.doc.get(name)
	}
	var out []string
	for _, v := range b.want(list, name, source.Array).items {
		if t, ok := b.mediaType(v); ok && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	if len(out) == 0 && fallback != "" {
		out = []string{fallback}
	}
	return out
}

// swaggerForm collects the form parameters and the body parameter of the path
// item and the operation, which wins.
func (b *builder) swaggerForm(shared, own spot) (form []spot, body spot) {
	taken := map[string]bool{}
	for _, list := range []spot{own, shared} {
		if !list.is(source.Array) {
			continue
		}
		for i, v := range list.items {
			p, ok := b.follow(list.item(i, v))
			if !ok || !b.spend(v) {
				continue
			}
			switch p.get("in").str() {
			case "body":
				if !body.ok() {
					body = p
				}
			case "formData":
				name := p.get("name").str()
				if name == "" {
					b.warn(p.node, say(CodeParameter, "write name: …", "this parameter has no name and is ignored"))
				} else if !taken[name] {
					taken[name] = true
					form = append(form, p)
				}
			}
		}
	}
	return form, body
}

func (b *builder) swaggerBody(p, s spot) *contract.Body {
	out := &contract.Body{Required: p.get("required").isTrue(), At: p.span()}
	schema := p.child("schema")
	var built *contract.Schema
	if schema.ok() {
		built = b.schema(schema)
	} else {
		b.warn(p.node, say(CodeBody, "add a schema", "the body has no schema, so any body is taken"))
	}
	for _, t := range b.swaggerTypes(s, "consumes", "application/json") {
		out.Media = append(out.Media, &contract.Media{Type: t, Schema: built, At: p.span()})
	}
	return out
}

const (
	urlEncoded = "application/x-www-form-urlencoded"
	multipart  = "multipart/form-data"
)

// swaggerFormBody turns form parameters into an object schema.
func (b *builder) swaggerFormBody(form []spot, s spot) *contract.Body {
	first := form[0]
	schema := b.newSchema(first, contract.ObjectType)
	out := &contract.Body{At: first.span()}
	var encodings []contract.Encoding
	files := false
	for _, p := range form {
		// Parameters are built by the rules of the query, whose forms they share.
		q := &contract.Parameter{Name: b.keep(p.get("name").str()), In: contract.InQuery}
		b.swaggerTyped(q, p)
		schema.Properties = append(schema.Properties, contract.Property{Name: q.Name, NameAt: p.get("name").span(), Schema: q.Schema})
		if p.get("required").isTrue() {
			schema.Required = append(schema.Required, q.Name)
			out.Required = true
		}
		files = files || p.get("type").str() == "file"
		if p.get("type").str() == "array" {
			encodings = append(encodings, contract.Encoding{Name: q.Name, Style: q.Style, Explode: q.Explode, Styled: true, At: p.span()})
		}
	}
	var types []string
	for _, t := range b.swaggerTypes(s, "consumes", "") {
		if t == multipart || t == urlEncoded && !files {
			types = append(types, t)
		}
	}
	if len(types) == 0 {
		types = []string{urlEncoded, multipart}
		if files {
			types = types[1:]
		}
	}
	for _, t := range types {
		out.Media = append(out.Media, &contract.Media{Type: t, Schema: schema, Encoding: encodings, At: first.span()})
	}
	return out
}

// swaggerTyped reads a Swagger 2.0 parameter or header, whose schema keywords
// stand in it.
func (b *builder) swaggerTyped(p *contract.Parameter, s spot) {
	p.At = s.span()
	p.Style, p.Explode = b.collection(s.node, p.In)
	if v := s.child("schema"); v.ok() {
		// Common in the wild, though Swagger 2.0 has it for bodies only.
		p.Schema = b.schema(v)
		return
	}
	if !s.get("type").ok() {
		b.warn(s.node, say(CodeParameter, "add a type", "the parameter %q has no type, so any value of it is taken", clip(p.Name)))
	}
	p.Schema = b.swaggerSchema(s)
	if s.get("type").str() == "array" && s.get("items").get("type").str() == "array" {
		b.warn(s.node, say(CodeStyle, "use one level of items", "the array in the array of %q cannot be read, so the parameter is refused", clip(p.Name)))
		p.Schema = b.never(s)
	}
}

// swaggerSchema reads the schema keywords of a parameter; required, which is a
// boolean there, and the keywords of the parameter are not part of it.
func (b *builder) swaggerSchema(s spot) *contract.Schema {
	out := b.newSchema(s, 0)
	k := keywords{b: b, s: out, at: s}
	for name, v := range s.members {
		switch n := name.text(); n {
		case "items", "type", "format", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
			"pattern", "minItems", "maxItems", "uniqueItems", "default", "example", "description", "$ref":
			_ = k.applicator(n, v) || k.scalar(n, v) || k.annotation(n, v)
		}
	}
	k.nullable = s.get("x-nullable").isTrue()
	k.finish()
	return out
}

// collection turns collectionFormat into style and explode.
func (b *builder) collection(n node, in contract.In) (contract.Style, bool) {
	plain := contract.Form
	if in == contract.InPath || in == contract.InHeader {
		plain = contract.Simple
	}
	v := n.get("collectionFormat")
	switch v.str() {
	case "", "csv":
		return plain, false
	case "ssv":
		return contract.SpaceDelimited, false
	case "tsv":
		return contract.TSV, false
	case "pipes":
		return contract.PipeDelimited, false
	case "multi":
		if in == contract.InQuery {
			return contract.Form, true
		}
	}
	b.warn(v, say(CodeStyle, "use csv, ssv, tsv or pipes; multi in the query and in forms", "the collectionFormat %q does not exist in %s; csv is read instead", clip(v.text()), in))
	return plain, false
}
