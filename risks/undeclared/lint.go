package undeclared

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports declarations so wide that they declare nothing, once for each
// place in the text. Ranges within image, audio and video stand: their
// members differ in nothing that a schema could check.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	seen := map[source.Span]bool{}
	for _, op := range c.Operations {
		if op.Body == nil {
			continue
		}
		for _, m := range op.Body.Media {
			if !wide(m.Type) || seen[m.At] && !m.At.IsZero() {
				continue
			}
			seen[m.At] = true
			report(source.Diagnostic{
				At: m.At, Severity: source.Warning, Code: CodeAnyMedia,
				Text: fmt.Sprintf("%s %s takes bodies of the range %s, which no schema can check", op.Method, op.Path, m.Type),
				Hint: "name the types that the operation reads, such as application/json",
			})
		}
	}
}

func wide(media string) bool {
	top, sub, _ := strings.Cut(media, "/")
	return sub == "*" && (top == "*" || top == "application" || top == "text")
}
