package header

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// reserved are fields that belong to the connection or that proxies write, so
// that what a client says in them does not arrive or must not be believed.
var reserved = []string{
	"Connection", "Host", "Content-Length", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Keep-Alive", "Proxy-Connection",
	"Proxy-Authorization", "Expect", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
	"X-Forwarded-Prefix", "X-Forwarded-User", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "X-Original-Url", "X-Rewrite-Url",
	"X-Client-Cert", "Ssl-Client-Cert", "Remote-User", "X-Remote-User",
}

// lint reports declared header fields whose names do not arrive as they are
// sent, once for each place in the text.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	seen := map[source.Span]bool{}
	look := func(name string, at source.Span) {
		if seen[at] && !at.IsZero() {
			return
		}
		seen[at] = true
		switch {
		case has(reserved, name):
			report(source.Diagnostic{
				At: at, Severity: source.Warning, Code: CodeReserved,
				Text: fmt.Sprintf("the field %s belongs to the connection or is written by proxies: what a client says in it does not arrive", name),
				Hint: "remove it from the document, or let clients use a field of the API's own",
			})
		case strings.ContainsFunc(name, odd):
			report(source.Diagnostic{
				At: at, Severity: source.Warning, Code: CodeName,
				Text: fmt.Sprintf("the name of the field %s is dropped by some proxies and is that of another field to some servers", name),
				Hint: "write " + hyphened(name),
			})
		}
	}
	for _, op := range c.Operations {
		for _, p := range op.Parameters {
			if p.In == contract.InHeader {
				look(p.Name, p.At)
			}
		}
	}
	for _, s := range c.Schemes {
		if s.Kind == contract.APIKey && s.In == contract.InHeader {
			look(s.Field, s.At)
		}
	}
}

// odd tells whether a character of a name is neither plain nor a hyphen.
func odd(r rune) bool { return r != '-' && !plain(lower(r)) }

func hyphened(name string) string {
	return strings.Map(func(r rune) rune {
		if odd(r) {
			return '-'
		}
		return r
	}, name)
}
