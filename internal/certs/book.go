package certs

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
)

// A book finds the certificate for a handshake. It is immutable.
type book struct {
	all   []*entry
	exact map[string][]*entry // DNS names in lower case
	wild  map[string][]*entry // "example.com" of *.example.com
	ips   map[netip.Addr][]*entry
}

// An entry is one certificate, its chain and its key.
type entry struct {
	cert tls.Certificate
	from string
}

func newBook(entries []*entry) *book {
	b := &book{all: entries, exact: map[string][]*entry{}, wild: map[string][]*entry{}, ips: map[netip.Addr][]*entry{}}
	for _, e := range entries {
		for _, n := range e.cert.Leaf.DNSNames {
			n = strings.ToLower(n)
			if parent, ok := strings.CutPrefix(n, "*."); ok {
				b.wild[parent] = append(b.wild[parent], e)
				continue
			}
			b.exact[n] = append(b.exact[n], e)
		}
		for _, ip := range e.cert.Leaf.IPAddresses {
			if a, ok := netip.AddrFromSlice(ip); ok {
				b.ips[a.Unmap()] = append(b.ips[a.Unmap()], e)
			}
		}
	}
	return b
}

// find returns the certificate for hello, or nil.
func (b *book) find(hello *tls.ClientHelloInfo) *tls.Certificate {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if name == "" {
		return b.nameless(hello)
	}
	// Clients must not send an address as a name, but some do.
	if a, err := netip.ParseAddr(name); err == nil {
		return pick(b.ips[a.Unmap()], hello)
	}
	if c := pick(b.exact[name], hello); c != nil {
		return c
	}
	_, parent, _ := strings.Cut(name, ".")
	return pick(b.wild[parent], hello)
}

// nameless answers a client that sent no name, which is how one connects by
// address. The certificate of the local address comes first; behind NAT that
// address is not the one the client used, so that any certificate which names
// an address may answer. The client checks what it gets.
func (b *book) nameless(hello *tls.ClientHelloInfo) *tls.Certificate {
	if hello.Conn != nil {
		if t, ok := hello.Conn.LocalAddr().(*net.TCPAddr); ok {
			if c := pick(b.ips[t.AddrPort().Addr().Unmap().WithZone("")], hello); c != nil {
				return c
			}
		}
	}
	for _, e := range b.all {
		if len(e.cert.Leaf.IPAddresses) > 0 && hello.SupportsCertificate(&e.cert) == nil {
			return &e.cert
		}
	}
	return nil
}

// pick returns the first of the certificates whose key the client can use, or
// the first one where it can use none, so that the handshake says why.
func pick(entries []*entry, hello *tls.ClientHelloInfo) *tls.Certificate {
	for _, e := range entries {
		if hello.SupportsCertificate(&e.cert) == nil {
			return &e.cert
		}
	}
	if len(entries) > 0 {
		return &entries[0].cert
	}
	return nil
}

// expiry lists the certificates of b.
func (b *book) expiry() []Expiry {
	out := make([]Expiry, 0, len(b.all))
	for _, e := range b.all {
		out = append(out, Expiry{Names: names(e.cert.Leaf), NotAfter: e.cert.Leaf.NotAfter, From: e.from})
	}
	return out
}
