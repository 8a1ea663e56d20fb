package certs

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/source"
)

func TestMain(m *testing.M) {
	// certmagic keeps one scheduler for each account for the life of the
	// process, and notices within five seconds that a lock was given back.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"))
}

func TestEachCodeHasItsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../help/pages/cert.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := []source.Code{CodeUnreadable, CodeParse, CodeKeyEncrypted, CodeMismatch, CodeExpired, CodeNotYetValid, CodeName, CodeWeak, CodeUsage,
		CodeChain, CodeCAFile, CodeLocalCA, CodeACMEName, CodeACMETerms, CodeACMECA, CodeACMEFailed, CodeUnwritable, CodeKept}
	for _, c := range codes {
		if !strings.Contains(string(page), "\n## "+string(c)+"\n") {
			t.Errorf("no page for %s", c)
		}
	}
}

// code is that of the diagnostic in err, if it has a text and a hint.
func code(err error) source.Code {
	var d source.Diagnostic
	if errors.As(err, &d) && d.Hint != "" && d.Text != "" {
		return d.Code
	}
	return ""
}

// an issued certificate and its key.
type issued struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue makes a certificate for names, signed by ca or by itself; change may
// alter the template.
func issue(t testing.TB, ca *issued, names []string, change func(*x509.Certificate)) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return issueFor(t, ca, key, names, change)
}

func issueFor(t testing.TB, ca *issued, key crypto.Signer, names []string, change func(*x509.Certificate)) *issued {
	t.Helper()
	tpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test " + strings.Join(names, " ")},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true}
	tpl.DNSNames, tpl.IPAddresses = split(names)
	if change != nil {
		change(tpl)
	}
	parent, signer := tpl, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{cert, key}
}

func asCA(c *x509.Certificate) {
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
}

func certPEM(chain ...*issued) []byte {
	var out []byte
	for _, c := range chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})...)
	}
	return out
}

func keyPEM(t testing.TB, c *issued) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func write(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// pairIn writes c with its chain into dir.
func pairIn(t testing.TB, dir string, c *issued, chain ...*issued) Pair {
	t.Helper()
	p := Pair{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
	write(t, p.Cert, certPEM(append([]*issued{c}, chain...)...))
	write(t, p.Key, keyPEM(t, c))
	return p
}

// serve takes TLS connections on loopback until the test ends, and answers
// each with one byte.
func serve(t *testing.T, c *tls.Config) net.Addr {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = conn.Write([]byte("x"))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr()
}

// call connects, reads the byte, which brings tickets in too, and returns the
// state of the connection.
func call(t *testing.T, addr net.Addr, c *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: c}
	conn, err := d.DialContext(t.Context(), "tcp", addr.String())
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return tls.ConnectionState{}, err
	}
	return conn.(*tls.Conn).ConnectionState(), nil
}

func pool(cs ...*issued) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range cs {
		p.AddCert(c.cert)
	}
	return p
}

// run starts s.Run and ends it with the test.
func run(t *testing.T, s Source) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// eventually polls ok, at most for ten seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not happen", what)
		}
	}
}
