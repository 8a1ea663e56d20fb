package netx

import "strings"

// maxClaim is how much of a name IsClaim reads, in bytes; the longest name in
// its list is shorter.
const maxClaim = 32

// IsClaim tells whether the request field name is one in which proxies, or
// whoever pretends to be one, say where a request comes from, which client
// certificate it had, or which URL was asked for. None of them may reach an
// upstream as the client sent it. Case does not matter, and "_" counts as "-",
// since CGI and its heirs cannot tell them apart.
func IsClaim(name string) bool {
	var buf [maxClaim]byte
	n := copy(buf[:], name)
	for i, c := range buf[:n] {
		switch {
		case c >= 'A' && c <= 'Z':
			buf[i] += 'a' - 'A'
		case c == '_':
			buf[i] = '-'
		}
	}
	low := string(buf[:n])
	if strings.HasPrefix(low, "x-forwarded-") || strings.HasPrefix(low, "x-client-cert") || strings.HasPrefix(low, "x-ssl-") {
		return true
	}
	if len(name) > maxClaim {
		return false
	}
	switch low {
	case "forwarded", "x-forwarded", "forwarded-for", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-remote-ip", "x-remote-addr", "x-originating-ip",
		"client-ip", "true-client-ip", "cf-connecting-ip", "cf-connecting-ipv6", "fastly-client-ip", "x-appengine-user-ip",
		"x-azure-clientip", "x-envoy-external-address", "x-original-forwarded-for", "x-original-host", "x-original-url", "x-rewrite-url",
		"x-url-scheme", "x-scheme", "front-end-https", "client-cert", "client-cert-chain", "ssl-client-cert":
		return true
	}
	return false
}
