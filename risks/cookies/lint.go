package cookies

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// lint reports session cookies whose name promises nothing, and, once, a
// documented Set-Cookie that shows a cookie without its attributes.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	for _, s := range c.Schemes {
		if s.Kind != contract.APIKey || s.In != contract.InCookie || prefixed(s.Field, hostPrefix) || prefixed(s.Field, securePrefix) {
			continue
		}
		report(source.Diagnostic{
			At: s.At, Severity: source.Info, Code: CodeName,
			Text: fmt.Sprintf("the cookie %q is a credential, and its name lets any host of the domain and any network set it", s.Field),
			Hint: "call it __Host-" + s.Field + ": browsers then take it only over TLS and from this host",
		})
	}
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			for _, h := range r.Headers {
				if risk.EqualFold(h.Name, "Set-Cookie") && bare(shown(h)) {
					report(source.Diagnostic{
						At: h.At, Severity: source.Warning, Code: CodeExample,
						Text: "the documented cookie lacks Secure, HttpOnly or SameSite",
						Hint: "write the example as the API should send it: …; Secure; HttpOnly; SameSite=Lax",
					})
					return
				}
			}
		}
	}
}

// shown is the value that the document shows for a header, or "".
func shown(h *contract.Parameter) string {
	s := h.Schema
	for range 8 {
		switch {
		case s == nil:
			return ""
		case s.Const != nil:
			return s.Const.Text
		case s.Default != nil:
			return s.Default.Text
		case len(s.Examples) > 0:
			return s.Examples[0].Text
		}
		s = s.Ref
	}
	return ""
}

// bare tells whether a cookie that is set lacks an attribute. One that a
// script reads by design is the document's choice.
func bare(text string) bool {
	c := read(text)
	const all = secure | httpOnly | sameSite
	return c.name != "" && c.traits&ends == 0 && c.traits&all != all && !token(c.name)
}
