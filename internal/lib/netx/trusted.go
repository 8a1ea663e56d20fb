package netx

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/sallyport/sallyport/source"
)

// A Field is the request field that the trusted proxies write. Only one is
// read: a proxy that writes one of them passes the other on as the client
// sent it.
type Field uint8

// The fields. The zero value is the one that nearly all proxies write.
const (
	XForwarded Field = iota // X-Forwarded-For and X-Forwarded-Proto
	Forwarded               // Forwarded (RFC 7239)
)

// maxTrusted bounds the list of trusted proxies.
const maxTrusted = 256

// Trusted says whose word about earlier hops is taken. The zero value trusts
// nobody: the client is the peer of the connection.
type Trusted struct {
	Prefixes []netip.Prefix // of peers and of hops; from ParseTrusted, at most 256
	Sockets  bool           // peers on a Unix socket are proxies too
	Field    Field
}

// ParseTrusted reads the list `trusted_proxies`: prefixes such as 10.0.0.0/8,
// single addresses, or the word "unix" for peers on a Unix socket. A prefix
// that holds every address is refused: it would let any client choose its own
// address. The error is a source.Diagnostic without a place.
func ParseTrusted(texts []string) (Trusted, error) {
	var t Trusted
	if len(texts) > maxTrusted {
		return Trusted{}, source.Diagnostic{Code: CodeTrustedProxy,
			Text: fmt.Sprintf("trusted_proxies has %d entries, the limit is %d", len(texts), maxTrusted), Hint: "join neighbouring prefixes"}
	}
	for _, text := range texts {
		if text == "unix" {
			t.Sockets = true
			continue
		}
		p, err := parsePrefix(text)
		if err != nil {
			return Trusted{}, err
		}
		t.Prefixes = append(t.Prefixes, p)
	}
	return t, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	bad := source.Diagnostic{Code: CodeTrustedProxy, Text: fmt.Sprintf("%q is not a prefix of addresses", text),
		Hint: `write a prefix such as 10.0.0.0/8, one address, or "unix"`}
	if addr, err := netip.ParseAddr(text); err == nil {
		if addr.Zone() != "" {
			return netip.Prefix{}, bad
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, bad
	}
	if p.Bits() == 0 {
		bad.Text = fmt.Sprintf("%q trusts everybody: any client could choose its own address", text)
		bad.Hint = "name the addresses of the proxies only"
		return netip.Prefix{}, bad
	}
	if p != p.Masked() {
		bad.Text = fmt.Sprintf("%q has bits set after its length", text)
		bad.Hint = "write " + p.Masked().String()
		return netip.Prefix{}, bad
	}
	return p, nil
}

// PeerAddr is the address of a connection's other end, unmapped and without
// zone; it is the zero Addr for a Unix socket.
func PeerAddr(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return plainAddr(a.AddrPort().Addr())
	case *net.UDPAddr:
		return plainAddr(a.AddrPort().Addr())
	case *net.UnixAddr, nil:
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return plainAddr(ap.Addr())
}

// plainAddr gives one form to each address: 4-in-6 becomes IPv4, and the zone,
// which means something on this machine only, goes.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// peer tells whether the other end of the connection is a proxy of ours.
func (t Trusted) peer(a netip.Addr) bool {
	if !a.IsValid() {
		return t.Sockets
	}
	return t.hop(a)
}

// hop tells whether a, in its plain form, is a proxy of ours.
func (t Trusted) hop(a netip.Addr) bool {
	for _, p := range t.Prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
