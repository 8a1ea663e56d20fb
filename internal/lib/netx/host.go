package netx

import (
	"net/netip"
	"strings"
)

// maxHost is the longest DNS name in bytes, maxLabel the longest label (RFC
// 1035, section 2.3.4).
const (
	maxHost  = 253
	maxLabel = 63
)

// checkHost returns host in the form that Listen keeps. A bracketed host must
// be an IPv6 literal, and an IPv6 literal must stand in brackets.
func checkHost(host string, bracketed bool) (string, bool) {
	if host == "" {
		return "", !bracketed
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Is6() != bracketed || addr.Zone() != "" {
			return "", false
		}
		return addr.Unmap().String(), true
	}
	if bracketed || !dnsName(host) {
		return "", false
	}
	return strings.ToLower(strings.TrimSuffix(host, ".")), true
}

// dnsName tells whether s is a host name of letters, digits and hyphens. A
// name whose last label is a number is refused: some resolvers read 127.1 or
// 0x7f000001 as an address (WHATWG URL, "ends in a number").
func dnsName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > maxHost {
		return false
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > maxLabel || l[0] == '-' || l[len(l)-1] == '-' || strings.ContainsFunc(l, notLDH) {
			return false
		}
	}
	last := labels[len(labels)-1]
	return last[0] < '0' || last[0] > '9'
}

func notLDH(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
