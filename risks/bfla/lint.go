package bfla

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports operations for few that anybody with a credential may use. It
// speaks of writes only where the document knows scopes at all.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	knows := false
	for _, op := range c.Operations {
		knows = knows || asked(op) != ""
	}
	unlisted := map[string]bool{}
	for _, op := range c.Operations {
		if _, at, err := ownScopes(op); err != nil {
			report(source.Diagnostic{
				At: at, Severity: source.Error, Code: CodeScopes, Text: err.Error(), Hint: "write x-sallyport-scopes: [orders:admin]",
			})
			continue
		}
		lintScope(op, knows, report)
		lintListed(op, unlisted, report)
	}
}

func lintScope(op *contract.Operation, knows bool, report func(source.Diagnostic)) {
	if asked(op) != "" {
		return
	}
	text := ""
	switch {
	case privileged(op):
		text = "%s %s looks like a function for few, and every credential opens it"
	case knows && op.Unsafe() && !op.Public():
		text = "%s %s changes state and asks for no scope, while other operations do"
	default:
		return
	}
	report(source.Diagnostic{
		At: op.At, Severity: source.Warning, Code: CodeNoScope, Text: fmt.Sprintf(text, op.Method, op.Path),
		Hint: "write x-sallyport-scopes: [a scope that few keys have], or scopes of your OAuth 2 scheme under security",
	})
}

// privileged tells whether a segment of the path is a usual name of what only
// administrators use.
func privileged(op *contract.Operation) bool {
	for s := range strings.SplitSeq(strings.ToLower(op.Path), "/") {
		switch s {
		case "admin", "_admin", "administration", "administrator", "backoffice", "back-office", "superuser", "internal", "impersonate":
			return true
		}
	}
	return false
}

// lintListed reports scopes that no flow of their OAuth 2 scheme lists: no
// token can have them.
func lintListed(op *contract.Operation, seen map[string]bool, report func(source.Diagnostic)) {
	for _, r := range op.Security {
		for _, p := range r.Parts {
			if p.Scheme == nil || p.Scheme.Kind != contract.OAuth2 || len(p.Scheme.Flows) == 0 {
				continue
			}
			for _, s := range p.Scopes {
				key := p.Scheme.Name + " " + s
				if seen[key] || slices.ContainsFunc(p.Scheme.Flows, func(f contract.Flow) bool { return slices.Contains(f.Scopes, s) }) {
					continue
				}
				seen[key] = true
				report(source.Diagnostic{
					At: r.At, Severity: source.Warning, Code: CodeUnlisted,
					Text: fmt.Sprintf("no flow of the scheme %q lists the scope %q", p.Scheme.Name, s),
					Hint: "list it under scopes of the flow, or ask for one that is there",
				})
			}
		}
	}
}
