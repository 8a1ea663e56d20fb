package forwarded

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/netx"
	"github.com/sallyport/sallyport/source"
)

// lint reports header parameters and keys that clients would have to write
// into fields of proxies, once for each place in the text.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	seen := map[source.Span]bool{}
	say := func(at source.Span, what, name string) {
		if seen[at] && !at.IsZero() {
			return
		}
		seen[at] = true
		report(source.Diagnostic{
			At: at, Severity: source.Warning, Code: CodeParameter,
			Text: fmt.Sprintf("%s is taken from %s, which proxies write and clients can invent; the gateway removes it", what, name),
			Hint: "remove it from the document, and read what the gateway sends in X-Forwarded-For, -Host and -Proto",
		})
	}
	for _, op := range c.Operations {
		for _, p := range op.Parameters {
			if p.In == contract.InHeader && netx.IsClaim(p.Name) {
				say(p.At, "a parameter of "+op.Method+" "+op.Path, p.Name)
			}
		}
	}
	for _, s := range c.Schemes {
		if s.Kind == contract.APIKey && s.In == contract.InHeader && netx.IsClaim(s.Field) {
			say(s.At, fmt.Sprintf("the credential of the scheme %q", s.Name), s.Field)
		}
	}
}
