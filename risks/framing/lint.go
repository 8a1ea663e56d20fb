package framing

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports operations that take a body by a method whose bodies have no
// meaning (RFC 9110 sections 9.3.1, 9.3.2 and 9.3.5).
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	for _, op := range c.Operations {
		if op.Body == nil {
			continue
		}
		switch op.Method {
		case "GET", "HEAD", "DELETE":
			at := op.Body.At
			if at.IsZero() {
				at = op.At
			}
			report(source.Diagnostic{
				At: at, Severity: source.Warning, Code: CodeBody,
				Text: fmt.Sprintf("%s %s takes a body, which has no meaning with %s: some programs drop it, and some read it as the next request", op.Method, op.Path, op.Method),
				Hint: "move what it says into parameters, or make the operation a POST",
			})
		}
	}
}
