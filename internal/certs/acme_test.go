package certs

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/source"
)

// openACME opens a source for names at s and serves it on ln.
func openACME(t *testing.T, s *acmeServer, ln net.Listener, o ACMEOptions) (*ACME, chan error) {
	t.Helper()
	faults := make(chan error, 10)
	o.CA, o.Roots, o.Agreed, o.Host = s.url+"/dir", pool(s.ca), true, "127.0.0.1"
	o.TLSPort = ln.Addr().(*net.TCPAddr).Port
	o.Fault = func(err error) { faults <- err }
	a, err := OpenACME(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	tl := tls.NewListener(ln, Config(Options{Source: a}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := tl.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = c.Write([]byte("x"))
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = tl.Close(); <-done })
	return a, faults
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	ln := listen(t)
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port
}

func TestACMEObtainsByTLSALPNAndKeeps(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "acme")
	ln := listen(t)
	s := newACMEServer(t, "tls-alpn-01", ln.Addr().String())
	o := ACMEOptions{Names: []string{"api.acme.com"}, Dir: dir, HTTPPort: freePort(t)}
	a, faults := openACME(t, s, ln, o)
	client := &tls.Config{RootCAs: pool(s.ca), ServerName: "api.acme.com"}
	if _, err := call(t, ln.Addr(), client); err == nil {
		t.Error("served before there is a certificate")
	}
	run(t, a)
	eventually(t, "a certificate", func() bool { return len(a.Expiry()) == 1 || len(faults) > 0 })
	if len(faults) > 0 {
		t.Fatal(<-faults)
	}
	if _, err := call(t, ln.Addr(), client); err != nil {
		t.Errorf("refused: %v", err)
	}
	if _, err := call(t, ln.Addr(), &tls.Config{RootCAs: pool(s.ca), ServerName: "evil.example"}); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("another name: %v", err)
	}
	if _, err := call(t, ln.Addr(), &tls.Config{RootCAs: pool(s.ca), ServerName: "api.acme.com", NextProtos: []string{acmeProtocol, "x"}}); err == nil {
		t.Error("the protocol of challenges was given to a client that offers others")
	}
	if d := time.Until(a.Expiry()[0].NotAfter); d < 89*24*time.Hour {
		t.Errorf("expires in %s", d)
	}
	onlyOurs(t, dir)

	again := listen(t)
	b, _ := openACME(t, s, again, o)
	if _, err := call(t, again.Addr(), client); err != nil || len(b.Expiry()) != 1 {
		t.Errorf("the second start has no certificate: %v", err)
	}
}

// onlyOurs fails when others may read something below dir.
func onlyOurs(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestACMEObtainsByHTTP(t *testing.T) {
	t.Parallel()
	ln, port := listen(t), freePort(t)
	s := newACMEServer(t, "http-01", (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String())
	a, faults := openACME(t, s, ln, ACMEOptions{Names: []string{"api.acme.com"}, Dir: filepath.Join(t.TempDir(), "acme"), HTTPPort: port, Email: "ops@acme.com"})
	run(t, a)
	eventually(t, "a certificate", func() bool { return len(a.Expiry()) == 1 || len(faults) > 0 })
	if len(faults) > 0 {
		t.Fatal(<-faults)
	}
	if c, err := net.DialTimeout("tcp", s.target, time.Second); err == nil {
		_ = c.Close()
		t.Error("the port of the challenge stays open")
	}
}

func TestAnAuthorityThatRefusesIsReported(t *testing.T) {
	t.Parallel()
	ln := listen(t)
	s := newACMEServer(t, "tls-alpn-01", ln.Addr().String())
	s.refuse = "api.acme.com"
	a, faults := openACME(t, s, ln, ACMEOptions{Names: []string{"api.acme.com"}, Dir: filepath.Join(t.TempDir(), "acme"), HTTPPort: freePort(t)})
	run(t, a)
	if err := <-faults; code(err) != CodeACMEFailed || !strings.Contains(err.Error(), "not for us") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
}

func TestAChallengeThatIsNotMetIsReported(t *testing.T) {
	t.Parallel()
	ln := listen(t)
	elsewhere := serve(t, Config(Options{Source: filesOf(t, issue(t, nil, []string{"api.acme.com"}, nil))}))
	s := newACMEServer(t, "tls-alpn-01", elsewhere.String())
	a, faults := openACME(t, s, ln, ACMEOptions{Names: []string{"api.acme.com"}, Dir: filepath.Join(t.TempDir(), "acme"), HTTPPort: freePort(t)})
	run(t, a)
	if err := <-faults; code(err) != CodeACMEFailed || len(a.Expiry()) != 0 {
		t.Errorf("got %v", err)
	}
}

func TestACMEOptionsThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	ok := ACMEOptions{Names: []string{"api.acme.com"}, Dir: t.TempDir(), Agreed: true}
	for name, c := range map[string]struct {
		change func(*ACMEOptions)
		want   source.Code
	}{
		"terms not agreed to":     {func(o *ACMEOptions) { o.Agreed = false }, CodeACMETerms},
		"a directory over HTTP":   {func(o *ACMEOptions) { o.CA = "http://acme.example/dir" }, CodeACMECA},
		"a directory that is odd": {func(o *ACMEOptions) { o.CA = "letsencrypt" }, CodeACMECA},
		"an address":              {func(o *ACMEOptions) { o.Names = []string{"192.0.2.1"} }, CodeACMEName},
		"localhost":               {func(o *ACMEOptions) { o.Names = []string{"localhost"} }, CodeACMEName},
		"an inner name":           {func(o *ACMEOptions) { o.Names = []string{"api.internal"} }, CodeACMEName},
		"a wildcard":              {func(o *ACMEOptions) { o.Names = []string{"*.acme.com"} }, CodeACMEName},
		"a file for a folder":     {func(o *ACMEOptions) { o.Dir = file }, CodeUnwritable},
	} {
		o := ok
		c.change(&o)
		if _, err := OpenACME(context.Background(), o); code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
