package redirect

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports parameters whose name says that they hold where to go on to,
// on an operation that redirects, and that may hold any address.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	for _, op := range c.Operations {
		if !redirects(op) {
			continue
		}
		for _, p := range op.Parameters {
			if p.In != contract.InQuery || !tells(p.Name) || bounded(p.Schema) {
				continue
			}
			report(source.Diagnostic{
				At: p.At, Severity: source.Warning, Code: CodeParameter,
				Text: fmt.Sprintf("%s %s redirects, and the parameter %q may hold any address", op.Method, op.Path, p.Name),
				Hint: "take paths of your own only: pattern: '^/([A-Za-z0-9_-][A-Za-z0-9/_-]*)?$', or an enum",
			})
		}
	}
}

// bounded tells whether a schema, or one that it refers to, says what the
// value looks like.
func bounded(s *contract.Schema) bool {
	for range 8 {
		if s == nil {
			return false
		}
		if s.Pattern != "" || s.Enum != nil || s.Const != nil || !s.Allows(contract.StringType) || s.Format == "uuid" {
			return true
		}
		s = s.Ref
	}
	return false
}
