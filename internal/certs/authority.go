package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	// authoritySpare is how much life an authority must have left to be used:
	// two leaves, so that clients get notice when they fetch a new ca.pem.
	authoritySpare = 2 * leafLife
	leafLife       = 90 * 24 * time.Hour
	// backdate makes up for clients whose clock is behind.
	backdate = time.Hour
	// nowhere stands for "no name of this kind": it can never resolve (RFC
	// 2606), and unlike an empty list it does constrain.
	nowhere = "sallyport.invalid"
)

// An authority signs certificates for the names of one gateway and, by its
// critical name constraints (RFC 5280, section 4.2.1.10), for nothing else:
// who steals its key can impersonate this gateway, and no other host.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newAuthority makes a key and a self-signed certificate for names, which are
// DNS names and IP literals.
func newAuthority(names []string, now time.Time, random io.Reader) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	tpl := &x509.Certificate{
		SerialNumber: serial,
		// The serial keeps apart the authorities that a client may have seen.
		Subject:               pkix.Name{CommonName: "Sallyport local authority " + hex.EncodeToString(serial.Bytes()[:4])},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(authorityLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	constrain(tpl, names)
	der, err := x509.CreateCertificate(random, tpl, tpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the authority back: %w", err)
	}
	return &authority{cert, key}, nil
}

// constrain permits exactly names. A kind of name without a permitted entry
// would be free, so that each kind gets one.
func constrain(tpl *x509.Certificate, names []string) {
	dns, ips := split(names)
	for _, ip := range ips {
		tpl.PermittedIPRanges = append(tpl.PermittedIPRanges, hostRange(ip))
	}
	if len(ips) == 0 {
		_, v4, _ := net.ParseCIDR("0.0.0.0/0")
		_, v6, _ := net.ParseCIDR("::/0")
		tpl.ExcludedIPRanges = []*net.IPNet{v4, v6}
	}
	if len(dns) == 0 {
		dns = []string{nowhere}
	}
	tpl.PermittedDNSDomainsCritical = true // of the whole extension
	tpl.PermittedDNSDomains = dns
	tpl.PermittedEmailAddresses = []string{nowhere}
	tpl.PermittedURIDomains = []string{nowhere}
}

// hostRange is the range of one address.
func hostRange(ip net.IP) *net.IPNet {
	bits := 8 * len(ip)
	return &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, bits)}
}

// split sorts names into DNS names and addresses of 4 or 16 bytes.
func split(names []string) (dns []string, ips []net.IP) {
	for _, n := range names {
		ip := net.ParseIP(n)
		switch {
		case ip == nil:
			dns = append(dns, strings.ToLower(n))
		case ip.To4() != nil:
			ips = append(ips, ip.To4())
		default:
			ips = append(ips, ip)
		}
	}
	return dns, ips
}

// covers tells whether a was made for exactly these names.
func (a *authority) covers(names []string) bool {
	want := &x509.Certificate{}
	constrain(want, names)
	return sameSet(a.cert.PermittedDNSDomains, want.PermittedDNSDomains) && sameSet(ranges(a.cert.PermittedIPRanges), ranges(want.PermittedIPRanges))
}

func ranges(nets []*net.IPNet) []string {
	out := make([]string, 0, len(nets))
	for _, n := range nets {
		out = append(out, n.String())
	}
	return out
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// issue makes a leaf with a key of its own, which is never written down.
func (a *authority) issue(names []string, now time.Time, random io.Reader) (*entry, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	end := now.Add(leafLife)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	tpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"Sallyport local"}},
		NotBefore: now.Add(-backdate), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	tpl.DNSNames, tpl.IPAddresses = split(names)
	der, err := x509.CreateCertificate(random, tpl, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read a certificate back: %w", err)
	}
	e := &entry{from: "local"}
	e.cert.Certificate, e.cert.PrivateKey, e.cert.Leaf = [][]byte{der}, key, leaf
	return e, nil
}

// newSerial is a positive number of 127 random bits.
func newSerial(random io.Reader) (*big.Int, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b), nil
}

// pemCert and pemKey are the files of a.
func (a *authority) pemCert() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (a *authority) pemKey() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, fmt.Errorf("encode the key of the authority: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
