package caching

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// lint reports documented values of Cache-Control that let shared caches keep
// a reply for which a credential of the document is needed.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	for _, op := range c.Operations {
		if !op.Secured || op.Public() {
			continue
		}
		for _, r := range op.Replies {
			for _, h := range r.Headers {
				var says rules
				if !risk.EqualFold(h.Name, "Cache-Control") || !shown(h, &says) || says.personal() || !says.public {
					continue
				}
				report(source.Diagnostic{
					At: h.At, Severity: source.Warning, Code: CodePublic,
					Text: fmt.Sprintf("%s needs a credential, and its reply is documented as one that every cache may share", op.Key),
					Hint: "write no-store or private; where the reply is the same for all, say risks: {caching: {shared: true}} in the policy",
				})
			}
		}
	}
}

// shown reads the value that the document shows for a header.
func shown(h *contract.Parameter, says *rules) bool {
	s := h.Schema
	for range 8 {
		switch {
		case s == nil:
			return false
		case s.Const != nil:
			says.read(s.Const.Text)
		case s.Default != nil:
			says.read(s.Default.Text)
		case len(s.Enum) == 1:
			says.read(s.Enum[0].Text)
		case len(s.Examples) > 0:
			says.read(s.Examples[0].Text)
		default:
			s = s.Ref
			continue
		}
		return true
	}
	return false
}
