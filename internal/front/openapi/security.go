package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// securitySchemes reads the declared schemes. One that cannot be read does not
// exist: requirements that name it fall back to the gateway's own key.
func (b *builder) securitySchemes() {
	at := b.securityAt()
	for k, v := range b.want(at.node, "the security schemes", source.Object).members {
		s, ok := b.follow(at.under(k.text(), v))
		if !ok || strings.HasPrefix(k.text(), "x-") && !v.get("type").ok() {
			continue
		}
		if !s.is(source.Object) {
			b.wrongType(s.node, "a security scheme", source.Object)
			continue
		}
		scheme := &contract.Scheme{Name: b.keep(k.text()), At: s.span(), Extensions: b.extensions(s.node)}
		if !b.scheme(scheme, s) {
			continue
		}
		b.schemes[scheme.Name] = scheme
		b.out.Schemes = append(b.out.Schemes, scheme)
	}
}

// securityAt is where the schemes are declared.
func (b *builder) securityAt() spot {
	if b.dialect == contract.Swagger20 {
		return b.doc.child("securityDefinitions")
	}
	return b.doc.child("components").child("securitySchemes")
}

// scheme fills in what the type of the scheme asks for.
func (b *builder) scheme(out *contract.Scheme, s spot) bool {
	refuse := func(n node, hint, format string, args ...any) bool {
		p := say(CodeSecurity, hint, format, args...)
		p.text += "; the scheme " + clip(out.Name) + " is ignored, and a key of the gateway stands in for it"
		b.warn(n, p)
		return false
	}
	kind := s.get("type")
	switch kind.str() {
	case "apiKey":
		out.Kind, out.In, out.Field = contract.APIKey, place(s.get("in")), strings.Clone(s.get("name").str())
		if out.In == 0 || out.In == contract.InPath || out.Field == "" {
			return refuse(s.node, "write in: header, query or cookie, and name", "the API key has no usable place and name")
		}
	case "http":
		out.Kind, out.HTTP, out.BearerFormat = contract.HTTPAuth, strings.ToLower(strings.TrimSpace(s.get("scheme").str())), strings.Clone(s.get("bearerFormat").str())
		if out.HTTP == "" {
			return refuse(s.node, "write scheme: bearer or basic", "HTTP authentication without a scheme")
		}
	case "basic":
		if b.dialect != contract.Swagger20 {
			return refuse(kind, "write type: http and scheme: basic", "the type basic is Swagger 2.0's")
		}
		out.Kind, out.HTTP = contract.HTTPAuth, "basic"
	case "oauth2":
		out.Kind = contract.OAuth2
		if b.dialect == contract.Swagger20 {
			out.Flows = b.swaggerFlow(s)
		} else {
			out.Flows = b.flows(s.child("flows"))
		}
	case "openIdConnect":
		out.Kind, out.DiscoveryURL = contract.OpenIDConnect, strings.Clone(s.get("openIdConnectUrl").str())
	case "mutualTLS":
		out.Kind = contract.MutualTLS
	default:
		if !kind.ok() {
			kind = s.node
		}
		return refuse(kind, "use apiKey, http, oauth2, openIdConnect or mutualTLS", "the type of the security scheme is not known: %q", clip(s.get("type").text()))
	}
	return true
}

func (b *builder) flows(s spot) []contract.Flow {
	var out []contract.Flow
	for k, v := range b.want(s.node, "flows", source.Object).members {
		switch name := k.text(); name {
		case "implicit", "password", "clientCredentials", "authorizationCode", "deviceAuthorization":
			out = append(out, b.flow(name, v))
		default:
			if !strings.HasPrefix(name, "x-") {
				b.warn(k, say(CodeSecurity, "use implicit, password, clientCredentials or authorizationCode", "%q is not an OAuth 2 flow and is ignored", clip(name)))
			}
		}
	}
	return out
}

func (b *builder) flow(name string, v node) contract.Flow {
	f := contract.Flow{
		Name: b.keep(name), AuthorizationURL: strings.Clone(v.get("authorizationUrl").str()),
		TokenURL: strings.Clone(v.get("tokenUrl").str()), RefreshURL: strings.Clone(v.get("refreshUrl").str()), At: v.span(),
	}
	for _, scope := range v.get("scopes").keys() {
		f.Scopes = append(f.Scopes, b.keep(scope))
	}
	return f
}

// security reads what the operation, or else the document, asks of a caller.
// A list that cannot be read counts as silence, which closes: an operation is
// public only where every alternative of it was understood.
func (b *builder) security(o *contract.Operation, s spot) {
	list := s.get("security")
	if !list.ok() {
		list = b.doc.get("security")
	}
	if !list.ok() || list.is(source.Null) {
		return
	}
	if !list.is(source.Array) {
		b.warn(list, say(CodeSecurity, "write a list: security: [{scheme: []}]", "security must be an array; a key of the gateway is asked for instead"))
		return
	}
	lost := false
	for _, v := range list.items {
		if !b.spend(v) {
			return
		}
		r, ok := b.requirement(v)
		if !ok {
			lost = true
			continue
		}
		o.Security = append(o.Security, r)
	}
	// Without its last readable alternative the list would look empty, which
	// means public.
	o.Secured = !lost || len(o.Security) > 0
}

func (b *builder) requirement(v node) (contract.Requirement, bool) {
	r := contract.Requirement{At: v.span()}
	if !v.is(source.Object) {
		b.warn(v, say(CodeSecurity, "write {scheme: []}", "a security requirement must be an object; this alternative is ignored"))
		return r, false
	}
	for k, scopes := range v.members {
		scheme := b.schemes[k.text()]
		if scheme == nil {
			b.warn(k, say(CodeSecurity, b.missing(k.text(), b.securityAt().node), "the security scheme %q is not declared; this alternative is ignored", clip(k.text())))
			return r, false
		}
		r.Parts = append(r.Parts, contract.Required{Scheme: scheme, Scopes: b.texts(scopes, "the scopes")})
	}
	return r, true
}
