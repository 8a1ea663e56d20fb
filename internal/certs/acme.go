package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// LetsEncrypt is the directory that is used when no other one is named.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// ACMEOptions say for whom to get certificates, and from which authority.
type ACMEOptions struct {
	Names []string // hosts, at least one
	Dir   string   // folder for account, keys and certificates; made with mode 0700
	CA    string   // https URL of the directory (RFC 8555, section 7.1.1); "" means LetsEncrypt
	Roots *x509.CertPool
	Email string // for notices of the authority; may be empty
	// Agreed says that the operator has agreed to the authority's terms. It
	// is never assumed.
	Agreed bool
	// TLSPort is the port of our own listener, which answers tls-alpn-01;
	// 0 means 443. The authority connects to 443, so that another port needs a
	// forward.
	TLSPort int
	// HTTPPort is opened on Host for the seconds of an http-01 challenge; 0
	// means 80, and an empty Host every address.
	HTTPPort int
	Host     string
	Fault    Report
}

// ACME gets certificates from an authority by RFC 8555 and renews them when a
// third of their life is left, or earlier where the authority asks for it
// (RFC 9773). One certificate is made for each name. Failures are reported and
// retried with growing pauses; what was obtained is served until it ends.
type ACME struct {
	o      ACMEOptions
	names  map[string]bool
	cache  *certmagic.Cache
	config *certmagic.Config
	closed sync.Once
}

// OpenACME checks o and loads the certificates that earlier runs obtained;
// nothing goes over the network before Run. Either Run or Close must follow.
// What the operator can repair is a source.Diagnostic.
func OpenACME(ctx context.Context, o ACMEOptions) (*ACME, error) {
	a := &ACME{o: o, names: map[string]bool{}}
	if err := a.check(); err != nil {
		return nil, err
	}
	if err := probeFolder(o.Dir); err != nil {
		return nil, err
	}
	quiet := zap.NewNop() // what matters comes through OnEvent
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.config, nil },
		Logger:           quiet,
	})
	a.config = certmagic.New(a.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: o.Dir},
		OnEvent: a.event,
		OCSP:    certmagic.OCSPConfig{DisableStapling: true}, // authorities have given OCSP up for short lives
		Logger:  quiet,
	})
	a.config.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(a.config, certmagic.ACMEIssuer{
		CA: o.CA, Email: o.Email, Agreed: o.Agreed, TrustedRoots: o.Roots,
		ListenHost: o.Host, AltTLSALPNPort: o.TLSPort, AltHTTPPort: o.HTTPPort,
		DisableDistributedSolvers: true, Logger: quiet,
	})}
	for _, name := range o.Names {
		if _, err := a.config.CacheManagedCertificate(ctx, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			o.Fault.tell(fmt.Errorf("load the stored certificate for %s: %w", name, err))
		}
	}
	return a, nil
}

func (a *ACME) check() error {
	if len(a.o.Names) == 0 {
		return errors.New("open ACME: no name is given")
	}
	public := a.o.CA == ""
	if public {
		a.o.CA = LetsEncrypt
	}
	u, err := url.Parse(a.o.CA)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return diagnostic("", CodeACMECA, fmt.Sprintf("%q is not the directory of an ACME authority", a.o.CA), "write an https URL, such as "+LetsEncrypt)
	}
	if !a.o.Agreed {
		return diagnostic("", CodeACMETerms, fmt.Sprintf("the terms of %s are not agreed to", u.Host), "read them, and say so in the policy")
	}
	for _, name := range a.o.Names {
		fits := certmagic.SubjectQualifiesForCert
		if public {
			fits = publicName
		}
		if strings.Contains(name, "*") || !fits(name) {
			return diagnostic("", CodeACMEName, fmt.Sprintf("%s gives no certificate to %q", u.Host, name),
				"listen on a public DNS name, name certificate files, or leave both out to use the local authority")
		}
		a.names[strings.ToLower(name)] = true
	}
	return nil
}

// publicName tells whether a public authority certifies name.
func publicName(name string) bool {
	return net.ParseIP(name) == nil && certmagic.SubjectQualifiesForPublicCert(name)
}

// probeFolder makes dir and sees that it can be written, so that a full disk
// shows at the start and not after an authority was asked in vain.
func probeFolder(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		probe := filepath.Join(dir, ".probe")
		_ = os.Remove(probe)
		if err = writeSynced(probe, []byte("probe\n")); err == nil {
			err = os.Remove(probe)
		}
	}
	if err != nil {
		return diagnostic(dir, CodeUnwritable, fmt.Sprintf("cannot be written: %v", err), "make the state folder writable for this user, and see that the disk is not full")
	}
	return nil
}

// Certificate answers a handshake, that of a tls-alpn-01 challenge included.
// It is an error as long as the first certificate is not there.
func (a *ACME) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !a.names[name] && (name != "" || !a.numeric()) {
		return nil, nil
	}
	if len(hello.SupportedProtos) > 1 && slices.Contains(hello.SupportedProtos, acmeProtocol) {
		return nil, errors.New("answer a handshake: an ACME challenge offers no other protocol (RFC 8737, section 3)")
	}
	cert, err := a.config.GetCertificateWithContext(hello.Context(), hello)
	if err != nil {
		return nil, fmt.Errorf("find the certificate for %q: %w", name, err)
	}
	return cert, nil
}

// numeric tells whether one of the names is an address, so that clients
// without SNI are lawful.
func (a *ACME) numeric() bool {
	return slices.ContainsFunc(a.o.Names, func(n string) bool { return net.ParseIP(n) != nil })
}

// Expiry lists the certificates that were obtained.
func (a *ACME) Expiry() []Expiry {
	var out []Expiry
	for _, name := range a.o.Names {
		for _, c := range a.cache.AllMatchingCertificates(name) {
			out = append(out, Expiry{Names: names(c.Leaf), NotAfter: c.Leaf.NotAfter, From: "acme"})
		}
	}
	return out
}

// Run obtains and renews until ctx ends. The listener must be open before:
// certmagic would otherwise take the port for the challenge.
func (a *ACME) Run(ctx context.Context) error {
	defer a.Close()
	if err := a.config.ManageAsync(ctx, a.o.Names); err != nil {
		return fmt.Errorf("manage certificates by ACME: %w", err)
	}
	<-ctx.Done()
	return nil
}

// Close ends the upkeep; certificates that are loaded are served on. It may
// be called twice.
func (a *ACME) Close() { a.closed.Do(a.cache.Stop) }

// event turns certmagic's failures into faults.
func (a *ACME) event(_ context.Context, event string, data map[string]any) error {
	if event != "cert_failed" {
		return nil
	}
	a.o.Fault.tell(diagnostic("", CodeACMEFailed, fmt.Sprintf("no certificate for %v from %s: %s", data["identifier"], a.o.CA, printable(data["error"])),
		"the authority must reach this host by its name on port 443 or 80; it is asked again by itself"))
	return nil
}

// maxReason bounds what is repeated of an authority's answer, in bytes.
const maxReason = 1024

// printable is the text of v, which the authority wrote, bounded and without
// control characters.
func printable(v any) string {
	text := fmt.Sprint(v)
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text[:min(len(text), maxReason)])
}
