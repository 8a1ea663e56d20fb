package authn

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint speaks of operations only where the document knows security at all: a
// document that is silent throughout is guarded with keys of the gateway.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	if guarded(c) {
		lintSilent(c, report)
		for _, op := range c.Operations {
			lintWrite(op, report)
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

// lintSilent reports the operations without security, all in one diagnostic
// that names the first of them.
func lintSilent(c *contract.Contract, report func(source.Diagnostic)) {
	const most = 3
	var names []string
	var first source.Span
	n := 0
	for _, op := range c.Operations {
		if op.Secured {
			continue
		}
		if n++; n == 1 {
			first = op.At
		}
		if n <= most {
			names = append(names, op.Method+" "+op.Path)
		}
	}
	if n == 0 {
		return
	}
	text := fmt.Sprintf("%d operations declare no security, while others do: %s", n, strings.Join(names, ", "))
	switch {
	case n == 1:
		text = names[0] + " declares no security, while other operations do"
	case n > most:
		text += fmt.Sprintf(" and %d more", n-most)
	}
	report(source.Diagnostic{
		At: first, Severity: source.Warning, Code: CodeOpen, Text: text,
		Hint: "name a scheme under security; write security: [] if anybody may call it",
	})
}

func lintWrite(op *contract.Operation, report func(source.Diagnostic)) {
	if op.Public() && op.Unsafe() {
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
