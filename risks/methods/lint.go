package methods

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// lint reports declared TRACE operations, and declared fields that name
// another method: declared, both pass the gateway.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	for _, op := range c.Operations {
		if op.Method == "TRACE" {
			report(source.Diagnostic{
				At: op.At, Severity: source.Warning, Code: CodeTrace,
				Text: fmt.Sprintf("%s is declared: it gives requests back with the credentials in them", op.Key),
				Hint: "remove the operation, and switch TRACE off in the server",
			})
		}
		for _, p := range op.Parameters {
			if p.In == contract.InHeader && names(p.Name) {
				report(source.Diagnostic{
					At: p.At, Severity: source.Warning, Code: CodeField,
					Text: fmt.Sprintf("%s takes its method from the field %s, so that one operation is judged and another runs", op.Key, p.Name),
					Hint: "remove the parameter, and declare the method as an operation of its own",
				})
			}
		}
	}
}

// names tells whether a field names another method.
func names(field string) bool {
	for _, name := range overrides {
		if risk.EqualFold(field, name) {
			return true
		}
	}
	return false
}
