package bfla

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports operations for few that anybody with a credential may use, all
// in one diagnostic. It speaks of writes only where the document knows scopes
// at all.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	knows := slices.ContainsFunc(c.Operations, func(op *contract.Operation) bool { return asked(op) != "" })
	var few, writes, open []*contract.Operation
	unlisted := map[string]bool{}
	for _, op := range c.Operations {
		if _, at, err := ownScopes(op); err != nil {
			report(source.Diagnostic{
				At: at, Severity: source.Error, Code: CodeScopes, Text: err.Error(), Hint: "write x-sallyport-scopes: [orders:admin]",
			})
			continue
		}
		lintListed(op, unlisted, report)
		switch {
		case asked(op) != "":
			continue
		case privileged(op):
			few = append(few, op)
		case knows && op.Unsafe() && !op.Public():
			writes = append(writes, op)
		default:
			continue
		}
		open = append(open, op)
	}
	if len(open) > 0 {
		report(source.Diagnostic{
			At: open[0].At, Severity: source.Warning, Code: CodeNoScope, Text: opened(few, writes),
			Hint: "write x-sallyport-scopes: [a scope that few keys have], or scopes of your OAuth 2 scheme under security",
		})
	}
}

// opened says what every credential opens.
func opened(few, writes []*contract.Operation) string {
	var parts []string
	if len(few) > 0 {
		parts = append(parts, "what looks like functions for few ("+named(few)+")")
	}
	if len(writes) > 0 {
		parts = append(parts, "changes of state, while other operations ask for scopes ("+named(writes)+")")
	}
	return "every credential opens " + strings.Join(parts, " and ")
}

// named says how many operations there are, and names the first of them.
func named(ops []*contract.Operation) string {
	const most = 3
	var names []string
	for _, op := range ops[:min(len(ops), most)] {
		names = append(names, op.Method+" "+op.Path)
	}
	text := fmt.Sprintf("%d: %s", len(ops), strings.Join(names, ", "))
	if more := len(ops) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
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
