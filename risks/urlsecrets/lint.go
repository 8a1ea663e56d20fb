package urlsecrets

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports what makes clients put secrets into URLs, once for each place
// in the text.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	seen := map[source.Span]bool{}
	once := func(d source.Diagnostic) {
		if !seen[d.At] || d.At.IsZero() {
			seen[d.At] = true
			report(d)
		}
	}
	for _, op := range c.Operations {
		for _, s := range queryKeys(op) {
			once(source.Diagnostic{
				At: s.At, Severity: source.Warning, Code: CodeScheme,
				Text: fmt.Sprintf("the scheme %q puts the key into the URL, which logs and browsers keep", s.Name),
				Hint: "write in: header",
			})
		}
		for _, p := range op.Parameters {
			if p.In != contract.InQuery && p.In != contract.InPath || !secretName(p.Name) && !isPassword(p.Schema) {
				continue
			}
			once(source.Diagnostic{
				At: p.At, Severity: source.Warning, Code: CodeParameter,
				Text: fmt.Sprintf("%s %s takes %q in the %s, and URLs are kept by logs and browsers", op.Method, op.Path, p.Name, p.In),
				Hint: "take it in a header or in the body of a POST",
			})
		}
	}
}

func isPassword(s *contract.Schema) bool { return s != nil && s.Format == "password" }
