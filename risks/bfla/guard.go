package bfla

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// A guard wants the scopes that an operation asks for of the caller's key.
type guard struct {
	own  []string   // of x-sallyport-scopes: all are needed, and a key with them
	ways [][]string // of the document's security, for keys: all of one of them
	deny *risk.Denial
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope != risk.OfOperation || s.Public != "" {
		return nil, nil
	}
	own, at, err := ownScopes(s.Op)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %s: %w", at.String(), s.Op.Method, s.Op.Path, err)
	}
	g := &guard{own: own, ways: ways(s.Op)}
	if len(g.own) == 0 && len(g.ways) == 0 {
		return nil, nil
	}
	if len(own) == 0 {
		at = s.Op.Security[0].At
	}
	g.deny = &risk.Denial{
		Code: CodeScope, Status: 403, Title: "the credential does not allow this operation", At: at,
		Reason: "the caller holds no key with the scopes that the operation asks for: " + asked(s.Op),
	}
	return risk.At(risk.Admit, g), nil
}

// Check passes a key with the scopes. Callers that only the upstream can check
// pass where the document's own security speaks of scopes: they are scopes of
// its tokens.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	c := x.Caller()
	if len(g.own) > 0 && (c.Kind != risk.KeyCaller || !holds(c, g.own)) {
		return g.deny
	}
	if len(g.ways) == 0 || c.Kind != risk.KeyCaller {
		return nil
	}
	for i := range g.ways {
		if holds(c, g.ways[i]) {
			return nil
		}
	}
	return g.deny
}

// holds tells whether the caller has every scope of list.
func holds(c *risk.Caller, list []string) bool {
	for _, s := range list {
		if !c.Has(s) {
			return false
		}
	}
	return true
}

// ways lists the scopes of each alternative of the document; nil where one of
// them asks for none.
func ways(op *contract.Operation) [][]string {
	var out [][]string
	for _, r := range op.Security {
		var all []string
		for _, p := range r.Parts {
			all = append(all, p.Scopes...)
		}
		if len(all) == 0 {
			return nil
		}
		out = append(out, all)
	}
	return out
}
