package gateway

import (
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/risk"
)

// A hopSet holds the field names that one message lists in Connection, in
// canonical form.
type hopSet []string

// hopFields reads Connection (RFC 9110 section 7.6.1).
func hopFields(f risk.Fields) hopSet {
	var out hopSet
	for i := range f {
		if !risk.EqualFold(f[i].Name, "Connection") {
			continue
		}
		for name := range strings.SplitSeq(f[i].Value, ",") {
			if name = strings.Trim(name, " \t"); name != "" {
				out = append(out, http.CanonicalHeaderKey(name))
			}
		}
	}
	return out
}

// drops tells whether the field ends at this hop. Connection cannot name away
// what guards have decided on: only fields that belong to one hop, or that
// nothing here knows.
func (s hopSet) drops(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Proxy-Authenticate", "Proxy-Authorization", "Content-Length", "Expect", "Host", "Http2-Settings":
		return true
	case "Authorization", "Cookie", "Content-Type", "Content-Encoding", "If-Match", "If-None-Match", "Set-Cookie",
		"Cache-Control", "Www-Authenticate", "Strict-Transport-Security", "Origin":
		return false
	}
	for _, n := range s {
		if n == name {
			return true
		}
	}
	return false
}

// ours tells whether a field of a request says what only the gateway may say:
// who calls and from where.
func ours(name string) bool {
	switch name {
	case "Forwarded", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "X-Cluster-Client-Ip", "Client-Cert", "Client-Cert-Chain",
		"X-Client-Cert", "X-Ssl-Client-Cert", "X-Original-Url", "X-Rewrite-Url", "X-Original-Host":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "Sallyport-") ||
		strings.HasPrefix(name, "X-Sallyport-")
}
