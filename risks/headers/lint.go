package headers

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports documented values of the fields that protect nobody, each field
// once. Implementers copy what a document shows.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	var done kind
	g := guard{seconds: 1}
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			for _, h := range r.Headers {
				k := kindOf(h.Name)
				value, ok := shown(h)
				if k == other || done&k != 0 || !ok || g.strict(k, value) {
					continue
				}
				done |= k
				report(source.Diagnostic{
					At: h.At, Severity: source.Warning, Code: CodeWeak,
					Text: fmt.Sprintf("the documented value of %s protects nobody", h.Name),
					Hint: "leave the header out of the document: the gateway writes it",
				})
			}
		}
	}
}

// shown is the value that the document shows for a header.
func shown(h *contract.Parameter) (string, bool) {
	s := h.Schema
	for range 8 {
		switch {
		case s == nil:
			return "", false
		case s.Const != nil:
			return s.Const.Text, true
		case s.Default != nil:
			return s.Default.Text, true
		case len(s.Enum) == 1:
			return s.Enum[0].Text, true
		case len(s.Examples) > 0:
			return s.Examples[0].Text, true
		}
		s = s.Ref
	}
	return "", false
}
