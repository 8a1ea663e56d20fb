package certs

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

func loopback() []string { return []string{"localhost", "127.0.0.1", "::1"} }

func openLocal(t testing.TB, dir string, names ...string) *Local {
	t.Helper()
	l, err := OpenLocal(LocalOptions{Dir: dir, Names: names, Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// signer reads the authority back from its files, as a thief of the key would.
func signer(t testing.TB, l *Local) *issued {
	t.Helper()
	e, err := load(Pair{l.CertPath(), filepath.Join(l.o.Dir, keyFile)})
	if err != nil {
		t.Fatal(err)
	}
	return &issued{e.cert.Leaf, l.ca.key}
}

func TestAClientWithOnlyTheLocalAuthorityConnects(t *testing.T) {
	t.Parallel()
	l := openLocal(t, filepath.Join(t.TempDir(), "ca"), loopback()...)
	addr := serve(t, Config(Options{Source: l}))
	roots, err := Pool(l.CertPath())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1"} {
		st, err := call(t, addr, &tls.Config{RootCAs: roots, ServerName: name})
		if err != nil || st.Version != tls.VersionTLS13 || st.CurveID != tls.X25519MLKEM768 {
			t.Errorf("%s: %v, version %x, group %s", name, err, st.Version, st.CurveID)
		}
	}
	if _, err := call(t, addr, &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}); err == nil {
		t.Error("a client without the authority connected")
	}
}

func TestCurlWithCacertConnects(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("needs curl")
	}
	l := openLocal(t, filepath.Join(t.TempDir(), "ca"), loopback()...)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{TLSConfig: Config(Options{Source: l}), ReadHeaderTimeout: time.Second, ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.ServeTLS(ln, "", "") }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	get := func(args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), curl, append(args, "-s", "--noproxy", "*", "https://"+ln.Addr().String())...).Output()
		return string(out), err
	}
	if out, err := get("--cacert", l.CertPath()); err != nil || !strings.HasPrefix(out, "HTTP/") {
		t.Errorf("curl: %v %s", err, out)
	}
	if out, err := get(); err == nil {
		t.Errorf("curl without --cacert got %s", out)
	}
}

func TestAStolenAuthorityCannotImpersonateOthers(t *testing.T) {
	t.Parallel()
	openssl, lookErr := exec.LookPath("openssl")
	for name, names := range map[string][]string{
		"loopback":       loopback(),
		"only a name":    {"api.acme.com"},
		"only addresses": {"10.0.0.5", "2001:db8::5"},
		"one address":    {"10.0.0.5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := openLocal(t, filepath.Join(t.TempDir(), "ca"), names...)
			thief := signer(t, l)
			verify := func(host string, want bool) {
				leaf := issue(t, thief, []string{host}, func(c *x509.Certificate) { c.Subject.CommonName = "" })
				if _, err := leaf.cert.Verify(x509.VerifyOptions{Roots: pool(thief), DNSName: host}); (err == nil) != want {
					t.Errorf("Go takes %s: %v", host, err)
				}
				if lookErr != nil {
					return
				}
				file := filepath.Join(t.TempDir(), "leaf.pem")
				write(t, file, certPEM(leaf))
				out, err := exec.CommandContext(t.Context(), openssl, "verify", "-CAfile", l.CertPath(), file).CombinedOutput()
				if (err == nil) != want || !want && !strings.Contains(string(out), "permitted subtree violation") && !strings.Contains(string(out), "excluded subtree violation") {
					t.Errorf("openssl on %s: %v %s", host, err, out)
				}
			}
			for _, own := range names {
				verify(own, true)
			}
			for _, other := range []string{"example.com", "acme.com", "203.0.113.1", "2001:db8::99", "evil-api.acme.com"} {
				verify(other, false)
			}
		})
	}
}

func TestTheAuthorityCannotMakeAuthorities(t *testing.T) {
	t.Parallel()
	l := openLocal(t, filepath.Join(t.TempDir(), "ca"), loopback()...)
	thief := signer(t, l)
	sub := issue(t, thief, nil, asCA)
	leaf := issue(t, sub, []string{"localhost"}, nil)
	if _, err := leaf.cert.Verify(x509.VerifyOptions{Roots: pool(thief), Intermediates: pool(sub), DNSName: "localhost"}); err == nil {
		t.Error("an authority below the local one was taken")
	}
}

func TestTheAuthorityIsPrivateAndLasts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	l := openLocal(t, dir, loopback()...)
	for path, want := range map[string]os.FileMode{dir: 0o700, l.CertPath(): 0o600, filepath.Join(dir, keyFile): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, keyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	again := openLocal(t, dir, "127.0.0.1", "::1", "localhost")
	if !again.ca.cert.Equal(l.ca.cert) || again.Aside() != "" {
		t.Error("the second start made another authority")
	}
	if info, err := os.Stat(filepath.Join(dir, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key stays open to others: %v, %v", info.Mode(), err)
	}
	ca, leaf := l.ca.cert, l.book.Load().all[0].cert.Leaf
	if d := ca.NotAfter.Sub(ca.NotBefore); d < authorityLife || d > authorityLife+2*backdate {
		t.Errorf("the authority lives %s", d)
	}
	if d := time.Until(leaf.NotAfter); d < leafLife-time.Hour || d > leafLife {
		t.Errorf("the leaf lives %s", d)
	}
	if !ca.PermittedDNSDomainsCritical || !ca.MaxPathLenZero {
		t.Error("the constraints are not critical")
	}
}

func TestOtherNamesMakeAnotherAuthorityAndKeepTheOld(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	old := openLocal(t, dir, loopback()...)
	l := openLocal(t, dir, "api.acme.com")
	if l.ca.cert.Equal(old.ca.cert) || l.Aside() == "" {
		t.Fatal("the authority was not replaced")
	}
	if e, err := load(Pair{filepath.Join(l.Aside(), certFile), filepath.Join(l.Aside(), keyFile)}); err != nil || !e.cert.Leaf.Equal(old.ca.cert) {
		t.Errorf("the old authority is lost: %v", err)
	}
	if diff := cmp.Diff([]string{"api.acme.com"}, l.Expiry()[0].Names); diff != "" {
		t.Error(diff)
	}
}

func TestABrokenAuthorityIsNamedAndNotReplaced(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(dir string) error{
		"no key":          func(dir string) error { return os.Remove(filepath.Join(dir, keyFile)) },
		"no certificate":  func(dir string) error { return os.Remove(filepath.Join(dir, certFile)) },
		"half a key":      func(dir string) error { return os.Truncate(filepath.Join(dir, keyFile), 40) },
		"an empty folder": func(dir string) error { return os.RemoveAll(filepath.Join(dir, "x")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "ca")
			if name == "an empty folder" {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
			} else {
				openLocal(t, dir, loopback()...)
			}
			if err := harm(dir); err != nil {
				t.Fatal(err)
			}
			if l, err := OpenLocal(LocalOptions{Dir: dir, Names: loopback(), Clock: clock.System{}}); code(err) != CodeLocalCA {
				t.Errorf("got %v, %v", l, err)
			}
		})
	}
}

func TestAStateFolderThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	_, err := OpenLocal(LocalOptions{Dir: filepath.Join(t.TempDir(), "no", "ca"), Names: loopback(), Clock: clock.System{}})
	if code(err) != CodeUnwritable {
		t.Errorf("got %v", err)
	}
}

func TestTheLeafIsRenewedAtTwoThirdsOfItsLife(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	synctest.Test(t, func(t *testing.T) {
		l := openLocal(t, dir, loopback()...)
		run(t, l)
		first := l.Expiry()[0].NotAfter
		time.Sleep(leafLife*2/3 - 2*time.Hour) // of the fake clock
		synctest.Wait()
		if got := l.Expiry()[0].NotAfter; !got.Equal(first) {
			t.Errorf("renewed too early: %s", got)
		}
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		if got := l.Expiry()[0].NotAfter; got.Sub(first) < leafLife/2 {
			t.Errorf("not renewed: until %s, was %s", got, first)
		}
	})
}

func TestAnAuthorityNearItsEndIsReplaced(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	old := openLocal(t, dir, loopback()...)
	l, err := OpenLocal(LocalOptions{Dir: dir, Names: loopback(), Clock: clock.Fixed(time.Now().Add(authorityLife - authoritySpare + 24*time.Hour))})
	if err != nil || l.ca.cert.Equal(old.ca.cert) || l.Aside() == "" {
		t.Errorf("not replaced: %v", err)
	}
}
