package certs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

// filesOf serves the certificates, each with its own pair of files.
func filesOf(t *testing.T, certs ...*issued) *Files {
	t.Helper()
	var pairs []Pair
	for _, c := range certs {
		pairs = append(pairs, pairIn(t, t.TempDir(), c))
	}
	f, err := OpenFiles(FileOptions{Pairs: pairs, Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestHandshakesThatAreTaken(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, nil, asCA)
	addr := serve(t, Config(Options{Source: filesOf(t, issue(t, ca, []string{"api.acme.com", "*.acme.org", "127.0.0.1"}, nil), issue(t, ca, []string{"other.acme.com"}, nil))}))
	for name, c := range map[string]*tls.Config{
		"TLS 1.3":                  {ServerName: "api.acme.com"},
		"TLS 1.2 with AEAD":        {ServerName: "api.acme.com", MaxVersion: tls.VersionTLS12},
		"TLS 1.2 with ChaCha20":    {ServerName: "api.acme.com", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}},
		"without post-quantum":     {ServerName: "api.acme.com", CurvePreferences: []tls.CurveID{tls.CurveP256}},
		"the second certificate":   {ServerName: "other.acme.com"},
		"a wildcard":               {ServerName: "x.acme.org"},
		"in capitals":              {ServerName: "API.Acme.com"},
		"by address, without name": {ServerName: "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.RootCAs = pool(ca)
			if _, err := call(t, addr, c); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestHandshakesThatAreRefused(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, nil, asCA)
	addr := serve(t, Config(Options{Source: filesOf(t, issue(t, ca, []string{"api.acme.com", "*.acme.org"}, nil))}))
	for name, c := range map[string]struct {
		config *tls.Config
		want   string
	}{
		"TLS 1.1":                      {&tls.Config{ServerName: "api.acme.com", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version"},
		"TLS 1.2 with CBC":             {&tls.Config{ServerName: "api.acme.com", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, "handshake failure"},
		"TLS 1.2 without secrecy":      {&tls.Config{ServerName: "api.acme.com", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, "handshake failure"},
		"another name":                 {&tls.Config{ServerName: "evil.example"}, "unrecognized name"},
		"two labels under a wildcard":  {&tls.Config{ServerName: "a.b.acme.org"}, "unrecognized name"},
		"the parent of a wildcard":     {&tls.Config{ServerName: "acme.org"}, "unrecognized name"},
		"no name where none has an IP": {&tls.Config{ServerName: "127.0.0.1"}, "unrecognized name"},
		"another protocol":             {&tls.Config{ServerName: "api.acme.com", NextProtos: []string{"spdy/3"}}, "no application protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.config.RootCAs = pool(ca)
			if _, err := call(t, addr, c.config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestHTTP2IsOfferedFirst(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, nil, asCA)
	addr := serve(t, Config(Options{Source: filesOf(t, issue(t, ca, []string{"api.acme.com"}, nil))}))
	for want, offer := range map[string][]string{"h2": {"http/1.1", "h2"}, "http/1.1": {"http/1.1"}} {
		st, err := call(t, addr, &tls.Config{RootCAs: pool(ca), ServerName: "api.acme.com", NextProtos: offer})
		if err != nil || st.NegotiatedProtocol != want {
			t.Errorf("offered %v, got %q, %v", offer, st.NegotiatedProtocol, err)
		}
	}
}

// forgetful is a session cache that offers its session under every name.
type forgetful struct{ session *tls.ClientSessionState }

func (f *forgetful) Get(string) (*tls.ClientSessionState, bool)    { return f.session, f.session != nil }
func (f *forgetful) Put(_ string, session *tls.ClientSessionState) { f.session = session }

func TestASessionOfOneNameDoesNotOpenAnother(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, nil, asCA)
	// One certificate for both, or the client itself would not offer the session.
	addr := serve(t, Config(Options{Source: filesOf(t, issue(t, ca, []string{"a.acme.com", "b.acme.com"}, nil))}))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cache := &forgetful{}
		for i, c := range []struct {
			name   string
			resume bool
		}{{"a.acme.com", false}, {"a.acme.com", true}, {"b.acme.com", false}} {
			st, err := call(t, addr, &tls.Config{RootCAs: pool(ca), ServerName: c.name, ClientSessionCache: cache, MaxVersion: version})
			if err != nil || st.DidResume != c.resume {
				t.Errorf("version %x, step %d, %s: resumed %t, %v", version, i, c.name, st.DidResume, err)
			}
		}
	}
}

func TestTheKeyThatTheClientCanUseIsChosen(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, nil, asCA)
	key, err := rsa.GenerateKey(rand.Reader, minRSA)
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, Config(Options{Source: filesOf(t, issue(t, ca, []string{"api.acme.com"}, nil), issueFor(t, ca, key, []string{"api.acme.com"}, nil))}))
	for suite, want := range map[uint16]x509.PublicKeyAlgorithm{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:   x509.RSA,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: x509.ECDSA,
	} {
		st, err := call(t, addr, &tls.Config{RootCAs: pool(ca), ServerName: "api.acme.com", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}})
		if err != nil {
			t.Errorf("%s: %v", tls.CipherSuiteName(suite), err)
			continue
		}
		if got := st.PeerCertificates[0].PublicKeyAlgorithm; got != want {
			t.Errorf("%s got a key of %s", tls.CipherSuiteName(suite), got)
		}
	}
}

func TestClientCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	ca, clients, strangers := issue(t, nil, nil, asCA), issue(t, nil, nil, asCA), issue(t, nil, nil, asCA)
	c := Config(Options{Source: filesOf(t, issue(t, ca, []string{"api.acme.com"}, nil)), ClientCAs: pool(clients)})
	addr := serve(t, c)
	usage := func(u x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{u} }
	}
	expired := func(c *x509.Certificate) {
		usage(x509.ExtKeyUsageClientAuth)(c)
		c.NotBefore, c.NotAfter = c.NotBefore.AddDate(-1, 0, 0), c.NotAfter.AddDate(-1, 0, 0)
	}
	for name, c := range map[string]struct {
		cert *issued
		ok   bool
	}{
		"none":                     {nil, true},
		"a good one":               {issue(t, clients, []string{"c"}, usage(x509.ExtKeyUsageClientAuth)), true},
		"one for servers":          {issue(t, clients, []string{"c"}, usage(x509.ExtKeyUsageServerAuth)), false},
		"one of another authority": {issue(t, strangers, []string{"c"}, usage(x509.ExtKeyUsageClientAuth)), false},
		"one that it signed":       {issue(t, nil, []string{"c"}, usage(x509.ExtKeyUsageClientAuth)), false},
		"one that is over":         {issue(t, clients, []string{"c"}, expired), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := &tls.Config{RootCAs: pool(ca), ServerName: "api.acme.com"}
			if c.cert != nil {
				own := tls.Certificate{Certificate: [][]byte{c.cert.cert.Raw}, PrivateKey: c.cert.key}
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
			}
			if _, err := call(t, addr, config); (err == nil) != c.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestUpstreamsAreAlwaysVerified(t *testing.T) {
	t.Parallel()
	ca, strangers := issue(t, nil, nil, asCA), issue(t, nil, nil, asCA)
	past := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = c.NotBefore.AddDate(-1, 0, 0), c.NotAfter.AddDate(-1, 0, 0)
	}
	caFile := t.TempDir() + "/ca.pem"
	write(t, caFile, certPEM(ca))
	for name, c := range map[string]struct {
		cert *issued
		file string
		ok   bool
	}{
		"the right one":        {issue(t, ca, []string{"127.0.0.1"}, nil), caFile, true},
		"another name":         {issue(t, ca, []string{"other.example"}, nil), caFile, false},
		"another authority":    {issue(t, strangers, []string{"127.0.0.1"}, nil), caFile, false},
		"signed by itself":     {issue(t, nil, []string{"127.0.0.1"}, nil), caFile, false},
		"over":                 {issue(t, ca, []string{"127.0.0.1"}, past), caFile, false},
		"not known to systems": {issue(t, ca, []string{"127.0.0.1"}, nil), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := tls.Certificate{Certificate: [][]byte{c.cert.cert.Raw}, PrivateKey: c.cert.key}
			addr := serve(t, &tls.Config{Certificates: []tls.Certificate{own}})
			config, err := Upstream(UpstreamOptions{Name: "127.0.0.1", CAFile: c.file, Clock: clock.System{}})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // a session that is resumed must not weaken it
				if _, err := call(t, addr, config); (err == nil) != c.ok {
					t.Errorf("got %v", err)
				}
			}
			if config.InsecureSkipVerify {
				t.Error("verification is off")
			}
		})
	}
}

func TestWeAuthenticateTowardsAnUpstream(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, nil, asCA)
	caFile := t.TempDir() + "/ca.pem"
	write(t, caFile, certPEM(ca))
	server := issue(t, ca, []string{"127.0.0.1"}, nil)
	addr := serve(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{server.cert.Raw}, PrivateKey: server.key}},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(ca)})
	client := pairIn(t, t.TempDir(), issue(t, ca, []string{"gateway"}, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))
	for name, own := range map[string]*Pair{"with": &client, "without": nil} {
		config, err := Upstream(UpstreamOptions{Name: "127.0.0.1", CAFile: caFile, Client: own, Clock: clock.System{}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call(t, addr, config); (err == nil) != (own != nil) {
			t.Errorf("%s a client certificate: %v", name, err)
		}
	}
}

func TestUpstreamOptionsThatCannotBeUsedAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/empty.pem", nil)
	over := issue(t, nil, []string{"c"}, func(c *x509.Certificate) {
		c.NotAfter = c.NotBefore.AddDate(0, 0, 1)
		c.NotBefore = c.NotBefore.AddDate(-1, 0, 0)
		c.NotAfter = c.NotBefore.AddDate(0, 1, 0)
	})
	client := pairIn(t, dir, over)
	for name, c := range map[string]struct {
		o    UpstreamOptions
		want string
	}{
		"no such file":       {UpstreamOptions{Name: "x", CAFile: dir + "/no.pem"}, string(CodeUnreadable)},
		"an empty file":      {UpstreamOptions{Name: "x", CAFile: dir + "/empty.pem"}, string(CodeCAFile)},
		"an old client cert": {UpstreamOptions{Name: "x", Client: &client}, string(CodeExpired)},
	} {
		c.o.Clock = clock.System{}
		if _, err := Upstream(c.o); string(code(err)) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := Upstream(UpstreamOptions{Clock: clock.System{}}); err == nil || errors.As(err, new(*Kept)) {
		t.Errorf("a configuration without a name to verify was made: %v", err)
	}
}
