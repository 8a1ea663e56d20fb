package urlsecrets

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/risk"
)

// FlagKey notes that a key of ours stood in a URL: it should be rotated.
const FlagKey = "key-in-url"

// guard refuses URLs with credentials that the contract does not ask for
// there. It runs before anything else decides, so that a client that puts its
// key into the wrong place is told so, and not that the key is missing.
type guard struct {
	api, prefix string
	declared    []string // query names that the operation declares
	query, path *risk.Denial
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope != risk.OfOperation {
		return nil, nil // what no operation stands for is refused anyway
	}
	g := &guard{
		query: &risk.Denial{
			Code: CodeQuery, Status: 400, Title: "credentials are not taken from the URL",
			Reason: "the query has a parameter that is called or looks like a credential, and is not declared",
		},
		path: &risk.Denial{
			Code: CodePath, Status: 400, Title: "credentials are not taken from the URL", Reason: "the path holds a key",
		},
	}
	if s.API != nil {
		g.api, g.prefix = s.API.Name, s.API.KeyPrefix
	}
	for _, p := range s.Op.Parameters {
		if p.In == contract.InQuery {
			g.declared = append(g.declared, p.Name)
		}
	}
	for _, key := range queryKeys(s.Op) {
		g.declared = append(g.declared, key.Field)
	}
	return risk.At(risk.Connect, g), nil
}

// queryKeys are the schemes of op that take a key from the query.
func queryKeys(op *contract.Operation) (out []*contract.Scheme) {
	for _, r := range op.Security {
		for _, p := range r.Parts {
			if s := p.Scheme; s != nil && s.Kind == contract.APIKey && s.In == contract.InQuery {
				out = append(out, s)
			}
		}
	}
	return out
}

// Check passes URLs without credentials, and what the contract asks for under
// the name of a secret.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	q := x.Request()
	for i := range q.Pairs {
		p := &q.Pairs[i]
		if key, ok := holdsKey(p.Value, g.prefix); ok {
			g.expose(x, key)
			return g.query
		}
		if key, ok := holdsKey(p.Name, g.prefix); ok {
			g.expose(x, key)
			return g.query
		}
		named, wanted := secretName(p.Name), g.declares(p.Name)
		if named && wanted {
			continue
		}
		if named || isJWT(p.Value) {
			return g.query
		}
	}
	if key, ok := holdsKey(q.Path.Decoded, g.prefix); ok {
		g.expose(x, key)
		return g.path
	}
	return nil
}

// declares tells whether the operation declares the parameter, or the object
// that it is a member of: user of user[password].
func (g *guard) declares(name string) bool {
	root, _, _ := strings.Cut(name, "[")
	for _, d := range g.declared {
		if d == name || d == root {
			return true
		}
	}
	return false
}

// expose makes the record name the key that the URL gave away.
func (g *guard) expose(x *risk.Exchange, key string) {
	switch x.Verify(risk.Credential{API: g.api, Kind: risk.KeyCredential, Text: secret.New(key)}) {
	case risk.Valid, risk.Expired, risk.Revoked:
		x.Flag(FlagKey)
	case risk.Unverified, risk.Malformed, risk.UnknownCredential, risk.Broken:
	}
}
