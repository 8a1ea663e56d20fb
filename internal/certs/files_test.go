package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"time"

	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/source"
)

func TestABadPairIsNamedAtTheStart(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, nil, asCA)
	host := []string{"api.acme.com"}
	good, other := issue(t, ca, host, nil), issue(t, ca, host, nil)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	shift := func(years int) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = c.NotBefore.AddDate(years, 0, 0), c.NotAfter.AddDate(years, 0, 0)
		}
	}
	clientOnly := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	locked := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	junk := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("junk")})
	of := func(c *issued) [2][]byte { return [2][]byte{certPEM(c), keyPEM(t, c)} }
	for name, c := range map[string]struct {
		text [2][]byte
		want source.Code
	}{
		"no PEM":                    {[2][]byte{[]byte("hello"), keyPEM(t, good)}, CodeParse},
		"a key where the cert is":   {[2][]byte{keyPEM(t, good), keyPEM(t, good)}, CodeParse},
		"a broken certificate":      {[2][]byte{junk, keyPEM(t, good)}, CodeParse},
		"no key":                    {[2][]byte{certPEM(good), certPEM(good)}, CodeParse},
		"a broken key":              {[2][]byte{certPEM(good), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})}, CodeParse},
		"a locked key":              {[2][]byte{certPEM(good), locked}, CodeKeyEncrypted},
		"another key":               {[2][]byte{certPEM(good), keyPEM(t, other)}, CodeMismatch},
		"the chain in wrong order":  {[2][]byte{certPEM(ca, good), keyPEM(t, good)}, CodeMismatch},
		"a foreign chain":           {[2][]byte{certPEM(good, issue(t, nil, nil, asCA)), keyPEM(t, good)}, CodeChain},
		"an end in the past":        {of(issue(t, ca, host, shift(-1))), CodeExpired},
		"a beginning in the future": {of(issue(t, ca, host, shift(1))), CodeNotYetValid},
		"another host":              {of(issue(t, ca, []string{"x.example"}, nil)), CodeName},
		"no host":                   {of(issue(t, ca, nil, nil)), CodeName},
		"for clients only":          {of(issue(t, ca, host, clientOnly)), CodeUsage},
		"a small RSA key":           {of(issueFor(t, ca, small, host, nil)), CodeWeak},
		"a small curve":             {of(issueFor(t, ca, curve, host, nil)), CodeWeak},
		"too many certificates":     {[2][]byte{certPEM(make17(good)...), keyPEM(t, good)}, CodeParse},
		"a file without end":        {[2][]byte{make([]byte, maxFile+1), keyPEM(t, good)}, CodeUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := Pair{filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")}
			write(t, p.Cert, c.text[0])
			write(t, p.Key, c.text[1])
			_, err := OpenFiles(FileOptions{Pairs: []Pair{p}, Names: host, Clock: clock.System{}})
			var d source.Diagnostic
			if code(err) != c.want || !errors.As(err, &d) || d.At.File == "" {
				t.Errorf("got %v, want %s at a file", err, c.want)
			}
		})
	}
	if _, err := OpenFiles(FileOptions{Pairs: []Pair{{"/nowhere/c", "/nowhere/k"}}, Clock: clock.System{}}); code(err) != CodeUnreadable {
		t.Errorf("a missing file: %v", err)
	}
}

func make17(c *issued) []*issued {
	out := make([]*issued, maxChain+1)
	for i := range out {
		out[i] = c
	}
	return out
}

func TestAGoodPairWithItsChainIsTaken(t *testing.T) {
	t.Parallel()
	root := issue(t, nil, nil, asCA)
	mid := issue(t, root, []string{"intermediate.example"}, asCA)
	p := pairIn(t, t.TempDir(), issue(t, mid, []string{"api.acme.com"}, nil), mid)
	f, err := OpenFiles(FileOptions{Pairs: []Pair{p}, Names: []string{"api.acme.com"}, Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(t, serve(t, Config(Options{Source: f})), &tls.Config{RootCAs: pool(root), ServerName: "api.acme.com"}); err != nil {
		t.Errorf("a client with the root alone: %v", err)
	}
}

func TestKeysInOlderFormsAreRead(t *testing.T) {
	t.Parallel()
	ec := issue(t, nil, []string{"a.example"}, nil)
	ecDER, err := x509.MarshalECPrivateKey(ec.key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, minRSA)
	if err != nil {
		t.Fatal(err)
	}
	rs := issueFor(t, nil, key, []string{"a.example"}, nil)
	params := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte("x")})
	for name, c := range map[string]struct {
		cert *issued
		key  []byte
	}{
		"SEC 1 behind its parameters": {ec, append(params, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ecDER})...)},
		"PKCS #1":                     {rs, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})},
	} {
		p := pairIn(t, t.TempDir(), c.cert)
		write(t, p.Key, c.key)
		if _, err := OpenFiles(FileOptions{Pairs: []Pair{p}, Clock: clock.System{}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// watched serves p with short pauses and collects the faults.
func watched(t *testing.T, p Pair, poll time.Duration) (*Files, chan error) {
	t.Helper()
	faults := make(chan error, 100)
	f, err := OpenFiles(FileOptions{Pairs: []Pair{p}, Names: []string{"api.acme.com"}, Clock: clock.System{}, Poll: poll, Quiet: 50 * time.Millisecond,
		Fault: func(err error) { faults <- err }})
	if err != nil {
		t.Fatal(err)
	}
	run(t, f)
	return f, faults
}

func serves(f *Files, c *issued) bool { return f.book.Load().all[0].cert.Leaf.Equal(c.cert) }

func TestChangedFilesAreTakenAndBadOnesAreNot(t *testing.T) {
	t.Parallel()
	for name, poll := range map[string]time.Duration{"by notice": time.Hour, "by polling": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := []string{"api.acme.com"}
			dir := t.TempDir()
			first, second := issue(t, nil, host, nil), issue(t, nil, host, nil)
			p := pairIn(t, dir, first)
			f, faults := watched(t, p, poll)
			pairIn(t, dir, second)
			eventually(t, "the second pair", func() bool { return serves(f, second) })

			over := issue(t, nil, host, func(c *x509.Certificate) {
				c.NotBefore, c.NotAfter = c.NotBefore.AddDate(-1, 0, 0), c.NotAfter.AddDate(-1, 0, 0)
			})
			pairIn(t, dir, over)
			err := <-faults
			if k := new(*Kept); !errors.As(err, k) || code(err) != CodeExpired {
				t.Errorf("got %v", err)
			}
			if !serves(f, second) {
				t.Error("the old certificate was given up")
			}
			if err := os.Remove(p.Key); err != nil {
				t.Fatal(err)
			}
			if err := <-faults; code(err) != CodeUnreadable || !serves(f, second) {
				t.Errorf("got %v", err)
			}
			third := issue(t, nil, host, nil)
			pairIn(t, dir, third)
			eventually(t, "the third pair", func() bool { return serves(f, third) })
			if len(faults) > 0 {
				t.Errorf("a fault was told twice: %v", <-faults)
			}
		})
	}
}

// Kubernetes points ..data to a new folder in one rename; the files that are
// named are symlinks through it and never change themselves.
func TestASymlinkSwapIsSeen(t *testing.T) {
	t.Parallel()
	host := []string{"api.acme.com"}
	dir := t.TempDir()
	point := func(version string, c *issued) {
		if err := os.MkdirAll(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		pairIn(t, filepath.Join(dir, version), c)
		tmp := filepath.Join(dir, "..data_tmp")
		if err := errors.Join(os.Symlink(version, tmp), os.Rename(tmp, filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	first, second, third := issue(t, nil, host, nil), issue(t, nil, host, nil), issue(t, nil, host, nil)
	point("..1", first)
	for _, n := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", n), filepath.Join(dir, n)); err != nil {
			t.Fatal(err)
		}
	}
	f, faults := watched(t, Pair{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}, time.Hour)
	point("..2", second)
	eventually(t, "the second pair", func() bool { return serves(f, second) })
	point("..3", third)
	eventually(t, "the third pair", func() bool { return serves(f, third) })
	if len(faults) > 0 {
		t.Errorf("a swap made a fault: %v", <-faults)
	}
}

func TestExpiryNamesEachCertificate(t *testing.T) {
	t.Parallel()
	c := issue(t, nil, []string{"api.acme.com", "127.0.0.1"}, nil)
	p := pairIn(t, t.TempDir(), c)
	f, err := OpenFiles(FileOptions{Pairs: []Pair{p}, Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	got := f.Expiry()
	if len(got) != 1 || got[0].From != p.Cert || !got[0].NotAfter.Equal(c.cert.NotAfter) || len(got[0].Names) != 2 {
		t.Errorf("got %+v", got)
	}
}

func FuzzParsePair(f *testing.F) {
	c := issue(f, nil, []string{"a.example"}, nil)
	f.Add(certPEM(c), keyPEM(f, c))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n"), []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----\n"))
	fuzzloop.Run(f, func(t *testing.T, cert, key []byte) {
		e, err := parsePair(Pair{"c", "k"}, cert, key)
		if err != nil {
			if code(err) == "" {
				t.Fatalf("no diagnostic with a hint: %v", err)
			}
			return
		}
		_ = e.check(time.Now())
		if _, err := tls.X509KeyPair(certPEMOf(e), key); err != nil {
			t.Fatalf("crypto/tls does not take the pair: %v", err)
		}
	})
}

func certPEMOf(e *entry) []byte {
	var out []byte
	for _, der := range e.cert.Certificate {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}
