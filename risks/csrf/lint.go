package csrf

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports the first operation that changes something, takes a cookie as
// credential, and reads a body that any page can send without a preflight; the
// text says how many there are.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	var first *contract.Media
	var of *contract.Operation
	n := 0
	for _, op := range c.Operations {
		if !op.Unsafe() || op.Body == nil || len(cookiesOf(op)) == 0 {
			continue
		}
		for _, m := range op.Body.Media {
			if !simple(m.Type) {
				continue
			}
			if n++; n == 1 {
				first, of = m, op
			}
			break
		}
	}
	if first == nil {
		return
	}
	report(source.Diagnostic{
		At: first.At, Severity: source.Warning, Code: CodeForm,
		Text: fmt.Sprintf("%s %s takes a cookie as credential and a body of type %s, which a page of any site can send (%d such operations)", of.Method, of.Path, first.Type, n),
		Hint: "take application/json alone, or a credential in a header",
	})
}
