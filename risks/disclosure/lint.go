package disclosure

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports each disclosing field that replies declare, once, where it
// stands first.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	seen := map[string]bool{}
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			for _, h := range r.Headers {
				name := strings.ToLower(h.Name)
				if !discloses(name) || seen[name] {
					continue
				}
				seen[name] = true
				report(source.Diagnostic{
					At: h.At, Severity: source.Warning, Code: CodeField,
					Text: fmt.Sprintf("the reply header %q tells callers what runs behind the API", h.Name),
					Hint: "remove the header from the document and from the server",
				})
			}
		}
	}
}
