package authn

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint speaks of operations only where the document knows security at all: a
// document that is silent throughout is guarded with keys of the gateway.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	if guarded(c) {
		for _, op := range c.Operations {
			lintOperation(op, report)
		}
	}
	used := inUse(c)
	for _, s := range c.Schemes {
		if used[s] {
			lintScheme(s, report)
		}
	}
}

// guarded tells whether an operation of the document asks for a credential.
func guarded(c *contract.Contract) bool {
	for _, op := range c.Operations {
		if op.Secured && !op.Public() {
			return true
		}
	}
	return false
}

func inUse(c *contract.Contract) map[*contract.Scheme]bool {
	out := map[*contract.Scheme]bool{}
	for _, op := range c.Operations {
		for _, r := range op.Security {
			for _, p := range r.Parts {
				out[p.Scheme] = true
			}
		}
	}
	return out
}

func lintOperation(op *contract.Operation, report func(source.Diagnostic)) {
	switch {
	case !op.Secured:
		report(source.Diagnostic{
			At: op.At, Severity: source.Warning, Code: CodeOpen,
			Text: fmt.Sprintf("%s %s declares no security, while other operations do", op.Method, op.Path),
			Hint: "name a scheme under security; write security: [] if anybody may call it",
		})
	case op.Public() && op.Unsafe():
		report(source.Diagnostic{
			At: op.At, Severity: source.Warning, Code: CodeOpenWrite,
			Text: fmt.Sprintf("anybody may call %s %s, which changes state", op.Method, op.Path),
			Hint: "name a scheme under security; a sign-in or sign-up that must be open needs a strict limit of rate",
		})
	}
}

func lintScheme(s *contract.Scheme, report func(source.Diagnostic)) {
	if s.Kind == contract.HTTPAuth && s.HTTP == "basic" {
		report(source.Diagnostic{
			At: s.At, Severity: source.Warning, Code: CodeBasic,
			Text: fmt.Sprintf("the scheme %q sends a password with every request", s.Name),
			Hint: "use tokens that expire: scheme: bearer, or openIdConnect",
		})
	}
}
