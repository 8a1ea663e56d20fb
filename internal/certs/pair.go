package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/source"
)

const (
	// maxFile bounds a certificate or key file, in bytes: a chain of ten large
	// RSA certificates is a tenth of it.
	maxFile = 1 << 20
	// maxChain bounds a certificate file, in certificates.
	maxChain = 16
	// minRSA is the smallest RSA key, in bits (NIST SP 800-131A).
	minRSA = 2048
	// minCurve is the smallest elliptic curve, in bits.
	minCurve = 256
)

// A Pair names the files of one certificate with its chain, and of its key,
// both in PEM.
type Pair struct{ Cert, Key string }

// readFile reads a file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	unreadable := func(err error) error {
		return diagnostic(path, CodeUnreadable, fmt.Sprintf("cannot be read: %v", err), "name an existing file that this user may read")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if len(b) > maxFile {
		return nil, diagnostic(path, CodeUnreadable, fmt.Sprintf("is larger than %d bytes", maxFile), "name a PEM file with one certificate and its chain")
	}
	return b, nil
}

// load reads and joins both files of p.
func load(p Pair) (*entry, error) {
	certPEM, err := readFile(p.Cert)
	if err != nil {
		return nil, err
	}
	keyPEM, err := readFile(p.Key)
	if err != nil {
		return nil, err
	}
	return parsePair(p, certPEM, keyPEM)
}

// parsePair joins the bytes of both files and checks that they belong
// together.
func parsePair(p Pair, certPEM, keyPEM []byte) (*entry, error) {
	chain, err := parseChain(p.Cert, certPEM, maxChain)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(p.Key, keyPEM)
	if err != nil {
		return nil, err
	}
	pub, ok := chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(key.Public()) {
		return nil, diagnostic(p.Key, CodeMismatch, fmt.Sprintf("is not the key of the first certificate in %s", p.Cert),
			"put the server's own certificate first and its chain after it, and name the key that it was made for")
	}
	cert := tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	return &entry{cert: cert, from: p.Cert}, nil
}

func parseChain(path string, text []byte, limit int) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if len(chain) == limit {
			return nil, diagnostic(path, CodeParse, fmt.Sprintf("has more than %d certificates", limit), "keep those that are needed")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, diagnostic(path, CodeParse, fmt.Sprintf("certificate %d cannot be read: %v", len(chain)+1, err), "export it again as PEM")
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, diagnostic(path, CodeParse, "has no certificate in PEM", "it must hold a block -----BEGIN CERTIFICATE-----; DER becomes PEM by: openssl x509 -inform der")
	}
	return chain, nil
}

func parseKey(path string, text []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PRIVATE KEY" && !strings.HasSuffix(block.Type, " PRIVATE KEY") {
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return nil, diagnostic(path, CodeKeyEncrypted, "is protected by a passphrase, and nobody is there to type it at a restart",
				"decrypt it with openssl pkey, and protect the file instead: mode 0600, owned by the user of the gateway")
		}
		key, err := parseKeyDER(block)
		if err != nil {
			return nil, diagnostic(path, CodeParse, "has a private key that cannot be read", "export it again in PKCS #8: openssl pkey -in KEY -out NEW")
		}
		return key, nil
	}
	return nil, diagnostic(path, CodeParse, "has no private key in PEM", "it must hold a block -----BEGIN PRIVATE KEY-----")
}

func parseKeyDER(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", strings.ToLower(block.Type), err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T cannot sign", key)
	}
	return signer, nil
}

// check tells whether e may serve at now: time, names, usage, strength and
// chain.
func (e *entry) check(now time.Time) error {
	if err := e.checkTime(now); err != nil {
		return err
	}
	leaf := e.cert.Leaf
	if len(leaf.DNSNames) == 0 && len(leaf.IPAddresses) == 0 {
		return diagnostic(e.from, CodeName, "names no host in its subject alternative names", "make it again with them; clients no longer read the common name")
	}
	if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) > 0 && !slices.ContainsFunc(leaf.ExtKeyUsage, forServers) {
		return diagnostic(e.from, CodeUsage, "is not made for servers: serverAuth is missing from its extended key usage", "use a certificate for TLS servers, not one for clients or code")
	}
	if err := e.checkStrength(); err != nil {
		return err
	}
	return e.checkChain()
}

func forServers(u x509.ExtKeyUsage) bool {
	return u == x509.ExtKeyUsageServerAuth || u == x509.ExtKeyUsageAny
}

func (e *entry) checkTime(now time.Time) error {
	const layout = "2006-01-02 15:04 MST"
	leaf := e.cert.Leaf
	switch {
	case now.After(leaf.NotAfter):
		return diagnostic(e.from, CodeExpired, "expired on "+leaf.NotAfter.UTC().Format(layout), "renew it; if it is new, the clock of this machine may be wrong")
	case now.Before(leaf.NotBefore):
		return diagnostic(e.from, CodeNotYetValid, "is valid only from "+leaf.NotBefore.UTC().Format(layout), "wait, or set the clock of this machine")
	}
	return nil
}

func (e *entry) checkStrength() error {
	leaf := e.cert.Leaf
	weak := func(what string) error {
		return diagnostic(e.from, CodeWeak, what, "make a new key and certificate: ECDSA P-256, or RSA of 2048 bits or more, signed with SHA-256 or better")
	}
	switch k := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return weak(fmt.Sprintf("has an RSA key of %d bits", k.N.BitLen()))
		}
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize < minCurve {
			return weak(fmt.Sprintf("has a key on the curve %s", k.Curve.Params().Name))
		}
	case ed25519.PublicKey:
	default:
		return weak(fmt.Sprintf("has a key of a kind that TLS does not use (%s)", leaf.PublicKeyAlgorithm))
	}
	switch leaf.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.DSAWithSHA256, x509.ECDSAWithSHA1:
		return weak(fmt.Sprintf("is signed with %s", leaf.SignatureAlgorithm))
	}
	return nil
}

// checkChain asks that at least one certificate of the file certifies the
// leaf, where there is more than the leaf: a wrong chain makes clients fail
// that do not fetch the right one themselves.
func (e *entry) checkChain() error {
	rest := e.cert.Certificate[1:]
	for _, raw := range rest {
		c, err := x509.ParseCertificate(raw)
		if err == nil && e.cert.Leaf.CheckSignatureFrom(c) == nil {
			return nil
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return diagnostic(e.from, CodeChain, "has a chain that does not belong to its first certificate", "append the certificate of the issuer: "+e.cert.Leaf.Issuer.String())
}

// names are the DNS names and addresses of c.
func names(c *x509.Certificate) []string {
	out := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	return out
}

// missing returns the first of want that no entry is for, or "".
func missing(want []string, entries []*entry) string {
	for _, name := range want {
		if !slices.ContainsFunc(entries, func(e *entry) bool { return e.cert.Leaf.VerifyHostname(name) == nil }) {
			return name
		}
	}
	return ""
}

func diagnostic(file string, c source.Code, text, hint string) source.Diagnostic {
	return source.Diagnostic{At: source.Span{File: file}, Code: c, Text: text, Hint: hint}
}
