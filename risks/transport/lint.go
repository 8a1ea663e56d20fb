package transport

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports each server once, and each address where credentials are
// fetched.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	seen := map[string]bool{}
	server := func(s contract.Server) {
		if seen[s.URL] || !plain(s.URL) {
			return
		}
		seen[s.URL] = true
		report(source.Diagnostic{
			At: s.At, Severity: source.Warning, Code: CodeServer,
			Text: fmt.Sprintf("the server %s is reached without TLS", shown(s.URL)),
			Hint: "write https://, or remove the server if nobody uses it",
		})
	}
	for _, s := range c.Servers {
		server(s)
	}
	for _, op := range c.Operations {
		for _, s := range op.Servers {
			server(s)
		}
	}
	for _, s := range c.Schemes {
		lintScheme(s, report)
	}
}

func lintScheme(s *contract.Scheme, report func(source.Diagnostic)) {
	for _, f := range s.Flows {
		for _, u := range [...]string{f.AuthorizationURL, f.TokenURL, f.RefreshURL} {
			if plain(u) {
				flow(s, f.At, report)
				break
			}
		}
	}
	if plain(s.DiscoveryURL) {
		flow(s, s.At, report)
	}
}

func flow(s *contract.Scheme, at source.Span, report func(source.Diagnostic)) {
	report(source.Diagnostic{
		At: at, Severity: source.Warning, Code: CodeFlow,
		Text: fmt.Sprintf("the scheme %q fetches credentials without TLS", s.Name),
		Hint: "write https:// in the addresses of the flow (RFC 6749 section 3.1.2.1)",
	})
}

// plain tells whether text is an http URL of another machine.
func plain(text string) bool {
	u, err := url.Parse(text)
	if err != nil || !strings.EqualFold(u.Scheme, "http") {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err != nil || !addr.IsLoopback()
}

// shown is the URL without what could be a credential in it.
func shown(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "of the document"
	}
	return u.Scheme + "://" + u.Host
}
