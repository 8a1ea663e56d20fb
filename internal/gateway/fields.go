package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
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
			if name = strings.Trim(name, " \t"); name != "" && !risk.EqualFold(name, "keep-alive") { // which is of one hop in any case
				out = append(out, http.CanonicalHeaderKey(name))
			}
		}
	}
	return out
}

// drops tells whether the field ends at this hop. Connection cannot name away
// what guards have decided on: only fields that belong to one hop, or that
// nothing here knows.
func (s hopSet) drops(name string) bool { return ofOneHop(name) || s.names(name) }

// names tells whether Connection says that the field ends here, and may say so.
// Such a field is gone before any guard looks, so that none decides on what
// the other side will not see.
func (s hopSet) names(name string) bool {
	switch name {
	case "Authorization", "Cookie", "Content-Type", "Content-Encoding", "If-Match", "If-None-Match", "Set-Cookie",
		"Cache-Control", "Www-Authenticate", "Strict-Transport-Security", "Origin":
		return false
	}
	return !ofOneHop(name) && slices.Contains(s, name)
}

// ofOneHop tells whether the field belongs to one connection in any case.
func ofOneHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Proxy-Authenticate", "Proxy-Authorization", "Content-Length", "Expect", "Host", "Http2-Settings":
		return true
	}
	return false
}

// codings lists the content codings of a message, without identity, which is
// none (RFC 9110 section 8.4.1). Several fields count like one.
func codings(f risk.Fields) []string {
	var out []string
	for i := range f {
		if !risk.EqualFold(f[i].Name, "Content-Encoding") {
			continue
		}
		for c := range strings.SplitSeq(f[i].Value, ",") {
			if c = strings.ToLower(strings.Trim(c, " \t")); c != "" && c != "identity" {
				out = append(out, c)
			}
		}
	}
	return out
}

// twisted tells whether an undeclared field of a request would mean another
// request to some upstreams than the one that was judged: a name with an
// underscore is that with a hyphen to CGI, WSGI and Rack.
func (e *exchange) twisted(name string) bool {
	if strings.IndexByte(name, '_') < 0 {
		return false
	}
	if op := e.unit.Op; op != nil && op.Param(contract.InHeader, name) != nil {
		return false
	}
	if c := e.unit.API.Contract; c != nil {
		for _, s := range c.Schemes {
			if s.Kind == contract.APIKey && s.In == contract.InHeader && risk.EqualFold(s.Field, name) {
				return false
			}
		}
	}
	return true
}

// ourKey tells whether a field holds a key of ours, which no upstream has a use
// for. The guard that verified it takes it away, but not where it is off or
// only observes.
func (e *exchange) ourKey(name, value string) bool {
	a := e.unit.API
	if a.KeyHeader == "" || !risk.EqualFold(name, a.KeyHeader) {
		return false
	}
	return e.unit.Op == nil || a.KeyPrefix != "" && strings.HasPrefix(value, a.KeyPrefix) && e.unit.Op.Param(contract.InHeader, name) == nil
}

// ours tells whether a field of a request says what only the gateway may say:
// who calls and from where.
func ours(name string) bool {
	switch name {
	case "Forwarded", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "X-Cluster-Client-Ip", "Client-Cert", "Client-Cert-Chain",
		"X-Client-Cert", "X-Ssl-Client-Cert", "Ssl-Client-Cert", "X-Original-Url", "X-Original-Uri", "X-Rewrite-Url", "X-Original-Host", "X-Host",
		"X-Forwarded", "X-Original-Forwarded-For", "X-Envoy-External-Address", "Cf-Connecting-Ip", "Fastly-Client-Ip", "X-Azure-Clientip",
		"Remote-User", "X-Remote-User", "Proxy": // the last is HTTP_PROXY to CGI
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "Sallyport-") ||
		strings.HasPrefix(name, "X-Sallyport-")
}
