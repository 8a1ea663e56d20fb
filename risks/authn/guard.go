package authn

import (
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/risk"
)

// A guard wants a key of ours, a credential that the document declares, or
// both.
type guard struct {
	api    string
	header string   // where keys of ours stand, or ""
	key    bool     // a valid key of ours is needed
	strip  bool     // header is ours alone: it never goes upstream
	ways   []way    // alternatives that the document declares, any of them
	deny   *denials // shared by both
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope != risk.OfOperation {
		return nil, nil
	}
	g := &guard{api: s.API.Name, header: s.API.KeyHeader}
	g.strip = g.header != "" && !declares(s.Op, g.header)
	if s.Public != "" || s.Op.Public() {
		if !g.strip {
			return nil, nil
		}
		return risk.At(risk.Identify, (*courtesy)(g)), nil
	}
	g.key = !s.Op.Secured || s.API.KeysToo
	if s.Op.Secured {
		g.ways = newWays(s.Op.Security)
	}
	g.deny = newDenials(s, g)
	if g.key && g.header == "" || s.Op.Secured && len(g.ways) == 0 {
		// There is nothing that could be accepted here, so nothing is.
		return risk.At(risk.Identify, always{g.deny.unsupported}), nil
	}
	return risk.At(risk.Identify, g), nil
}

// Check passes who presents what the operation asks for.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	fields := x.Request().Fields
	if g.key {
		if d := g.checkKey(x, fields); d != nil {
			return d
		}
	}
	if len(g.ways) > 0 {
		if d := g.checkWays(x); d != nil {
			return d
		}
	}
	g.remove(x, fields)
	return nil
}

// checkKey wants exactly one valid key.
func (g *guard) checkKey(x *risk.Exchange, fields risk.Fields) *risk.Denial {
	text := fields.Get(g.header)
	switch {
	case fields.Count(g.header) > 1:
		return g.deny.twice
	case text == "":
		return g.deny.missing
	}
	switch x.Verify(risk.Credential{API: g.api, Kind: risk.KeyCredential, Text: secret.New(text)}) {
	case risk.Valid:
		return nil
	case risk.Malformed:
		return g.deny.malformed
	case risk.UnknownCredential:
		return g.deny.unknown
	case risk.Expired:
		return g.deny.expired
	case risk.Revoked:
		return g.deny.revoked
	case risk.Unverified, risk.Broken:
	}
	return g.deny.broken
}

// checkWays wants one alternative of the document to be there whole. Only the
// upstream can tell whether it is genuine, so the caller stays provisional.
func (g *guard) checkWays(x *risk.Exchange) *risk.Denial {
	if x.Request().Fields.Count("Authorization") > 1 {
		return g.deny.twice // two readers could believe two different callers
	}
	for i := range g.ways {
		if credential, ok := g.ways[i].present(x.Request()); ok {
			x.Provisional(x.Env().Pseudonym(credential))
			return nil
		}
	}
	return g.deny.undeclared
}

// remove keeps keys of ours from the upstream.
func (g *guard) remove(x *risk.Exchange, fields risk.Fields) {
	if g.strip && fields.Has(g.header) {
		x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnRequest, Stage: risk.Decide, Name: g.header})
	}
}

// courtesy is the guard of a public operation: it names a caller who shows a
// valid key all the same, keeps the key from the upstream, and denies nobody.
type courtesy guard

// Check always passes.
func (c *courtesy) Check(x *risk.Exchange) *risk.Denial {
	g, fields := (*guard)(c), x.Request().Fields
	if fields.Count(g.header) == 1 {
		x.Verify(risk.Credential{API: g.api, Kind: risk.KeyCredential, Text: secret.New(fields.Get(g.header))})
	}
	g.remove(x, fields)
	return nil
}

// always denies everything.
type always struct{ d *risk.Denial }

// Check never passes.
func (a always) Check(*risk.Exchange) *risk.Denial { return a.d }
