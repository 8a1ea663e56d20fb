package policy

import (
	"time"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

const (
	nameForm     = `^[a-z][a-z0-9_-]{0,63}$`
	selectorForm = `^([A-Z]+ /[^\s*?#]*|[^\s/*]+)$`
	tokenForm    = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" // RFC 9110 section 5.6.2
)

func apisShape(risks []risk.Risk) shape[[]*API] {
	inner := apiRecord(risks)
	return table[*API]{
		key: pattern{form: nameForm, want: "a name of lower-case letters, digits, _ and -, a letter first"}, limit: maxAPIs,
		inner: shape[*API]{
			read: func(r *reader, v source.Value) (*API, bool) {
				a, ok := inner.read(r, v)
				return &a, ok
			},
			write:  func(a *API) source.Value { return inner.write(*a) },
			schema: inner.schema,
		},
		name: func(a **API, t Text) { (*a).Name = t },
		get:  func(a *API) string { return a.Name.Value },
		doc:  "The guarded APIs, by name.",
	}.shape()
}

func apiRecord(risks []risk.Risk) record[API] {
	s := settings(risks)
	own := []member[API]{
		given("at", placeShape(), func(a *API) *Given[Place] { return &a.Place }, "Where clients find the API: a host, a prefix or both, such as api.example.com/orders. Without it: the document's server."),
		part("upstream", upstreamShape(), func(a *API) *[]Text { return &a.Upstream }, "Where the API runs: a URL such as http://127.0.0.1:8080, or a list of several that do the same.").required(),
		part("upstream_tls", upstreamTLSShape(), func(a *API) *UpstreamTLS { return &a.UpstreamTLS }, "TLS to the upstream beyond the system's CAs."),
		part("health", healthShape(), func(a *API) *Health { return &a.Health }, "Checks of the upstream's addresses. Without it: none is asked, and what fails is left alone all the same."),
		part("breaker", breakerShape(), func(a *API) *Breaker { return &a.Breaker }, "When an address that fails is left alone."),
		given("openapi", pattern{form: `^\S(.*\S)?$`, want: "a path or URL"}.shape(), func(a *API) *Text { return &a.OpenAPI }, "The OpenAPI document: a path relative to this file, or a URL.").required(),
		part("auth", authShape(), func(a *API) *Auth { return &a.Auth }, "Which credentials are taken. Without it: those of the document, or a key where it declares none."),
		part("operations", operationsShape(s), func(a *API) *[]Operation { return &a.Operations }, "Settings of single operations, by \"METHOD /template\" or operationId."),
	}
	return record[API]{
		name: "api", doc: "One guarded API.",
		members: append(own, lift(s.api, func(a *API) *Settings { return &a.Settings })...),
		later:   []string{"resource", "authorize", "fields", "limits", "egress", "portal", "balance"},
		astray: append(strays("the gateway, at the top of the file", "listen", "tls", "admin", "trusted_proxies", "state", "audit", "tests", "apis", "version"),
			strays("an operation, under operations", "public")...),
		finish: func(r *reader, v source.Value, a *API) {
			a.At = v.At
			checkUpstreams(r, a)
		},
	}
}

// authForms are the two forms of auth.
type authForms struct {
	key  record[APIKey]
	many shape[[]Given[Auth]] // a list of credentials
	none record[Auth]         // a map with the reason for none
}

func newAuthForms() authForms {
	key := record[APIKey]{
		name: "api_key", doc: "A key that `sallyport key create` made.", later: []string{"scopes", "tier"},
		members: []member[APIKey]{
			given("header", pattern{form: tokenForm, want: "the name of a header field", limit: 64}.shape(), func(k *APIKey) *Text { return &k.Header }, "Request header with the key. Without it: X-API-Key."),
			given("prefix", pattern{form: `^[a-z][a-z0-9]{1,15}$`, want: "2 to 16 lower-case letters and digits, a letter first"}.shape(), func(k *APIKey) *Text { return &k.Prefix }, "What keys start with. Without it: sp."),
			given("expires", length(time.Hour, maxKeep), func(k *APIKey) *Duration { return &k.Expires }, "How long a new key lives. Without it: 90d."),
		},
		finish: func(_ *reader, v source.Value, k *APIKey) { k.At = v.At },
	}
	entry := record[Auth]{
		name: "credential", later: []string{"oidc", "jwt", "oauth2", "introspection", "mtls", "dpop", "basic", "session"},
		members: []member[Auth]{
			part("api_key", key.shape(), func(a *Auth) *APIKey { return &a.APIKey }, "A key of Sallyport.").required(),
		},
	}
	none := record[Auth]{name: "no_auth", members: []member[Auth]{
		given("none", reasonText(), func(a *Auth) *Text { return &a.None }, "Why no credential is asked for.").required(),
	}}
	return authForms{key: key, many: list(entry.shape(), 1), none: none}
}

func authShape() shape[Auth] {
	f := newAuthForms()
	return shape[Auth]{
		read: func(r *reader, v source.Value) (a Auth, ok bool) {
			switch {
			case v.Kind == source.Object && has(v, "api_key"):
				r.fail(v.At, CodeWrongType, r.where()+" must be a list, but is a map", "write auth: [{ api_key: { … } }]")
			case v.Kind == source.Object:
				a, ok = f.none.read(r, v)
			case v.Kind == source.Array && len(v.Items) == 0:
				r.fail(v.At, CodeBadValue, r.where()+" is an empty list", "remove the line, or give the reason: auth: { none: \"…\" }")
			case v.Kind == source.Array:
				var items []Given[Auth]
				if items, ok = f.many.read(r, v); ok {
					a = items[0].Value
				}
			case v.Str() == "none":
				r.fail(v.At, CodeWrongType, r.where()+" is none without a reason", "say why: auth: { none: \"the public price list\" }")
			default:
				r.is(v, source.Array, "a list such as [{api_key: {}}], or {none: reason}")
			}
			a.At = v.At
			return a, ok
		},
		write: f.write,
		schema: func(d *definitions) node {
			many := f.many.schema(d)
			many["minItems"] = 1
			return node{"anyOf": []node{f.none.schema(d), many}}
		},
	}
}

func (f authForms) write(a Auth) source.Value {
	switch {
	case a.None.Set:
		return f.none.write(a)
	case a.At.IsZero():
		return source.Value{}
	}
	inner := f.key.write(a.APIKey)
	inner.Kind = source.Object
	return source.Value{Kind: source.Array, Items: []source.Value{{Kind: source.Object, Members: []source.Member{{Name: "api_key", Value: inner}}}}}
}

func operationsShape(s levels) shape[[]Operation] {
	inner := record[Operation]{
		name: "operation", doc: "Settings of one operation.",
		members: lift(s.operation, func(o *Operation) *Settings { return &o.Settings }),
		later:   []string{"authorize", "limits", "fields", "resource"},
		astray:  strays("the whole API", "upstream", "upstream_tls", "health", "breaker", "openapi", "auth", "at"),
	}
	return table[Operation]{
		key: pattern{form: selectorForm, want: "\"METHOD /template\" as in the document, or an operationId", limit: 2048}, limit: maxOperations,
		inner: inner.shape(),
		name:  func(o *Operation, t Text) { o.Selector = t },
		get:   func(o Operation) string { return o.Selector.Value },
		doc:   "Settings of single operations.",
	}.shape()
}
