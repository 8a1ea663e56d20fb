package cors

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports the first documented reply header that lets every origin in
// where credentials count.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			open, credentials := (*contract.Parameter)(nil), false
			for _, h := range r.Headers {
				switch {
				case strings.EqualFold(h.Name, "Access-Control-Allow-Origin") && (says(h, "*") || says(h, "null")):
					open = h
				case strings.EqualFold(h.Name, "Access-Control-Allow-Credentials") && says(h, "true"):
					credentials = true
				}
			}
			if open == nil || !credentials && !secured(op) {
				continue
			}
			report(source.Diagnostic{
				At: open.At, Severity: source.Warning, Code: CodeAnyOrigin,
				Text: "a reply that needs a credential is documented as open to every origin",
				Hint: "remove the header from the document, and list the origins in the policy: risks: {cors: {origins: [https://…]}}",
			})
			return
		}
	}
}

// secured tells whether a credential of the document counts for op.
func secured(op *contract.Operation) bool {
	return op.Secured && !op.Public()
}

// says tells whether the schema of a header allows only, proposes or shows
// this value.
func says(h *contract.Parameter, text string) bool {
	s := h.Schema
	for range 8 {
		if s == nil {
			return false
		}
		if is(s.Const, text) || is(s.Default, text) {
			return true
		}
		for _, list := range [][]source.Value{s.Enum, s.Examples} {
			for i := range list {
				if is(&list[i], text) {
					return true
				}
			}
		}
		s = s.Ref
	}
	return false
}

func is(v *source.Value, text string) bool { return v != nil && v.Text == text }
