package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/source"
)

// UpstreamOptions say how an upstream proves who it is, and how we do.
type UpstreamOptions struct {
	// Name is the host that the upstream's certificate must have; it is sent
	// as SNI too, unless it is an address.
	Name string
	// CAFile names a PEM file with the authorities to trust instead of the
	// system's; "" means the system's.
	CAFile string
	// Client is our own certificate towards the upstream; nil means none.
	Client *Pair
	Clock  clock.Clock
}

// maxPool bounds a file of authorities, in certificates: the bundles of
// operating systems have about 150.
const maxPool = 1000

// sessions bounds the sessions that are kept for resumption, for one upstream.
const sessions = 64

// Upstream is the TLS configuration towards an upstream. Chain and name are
// always verified: there is no option to skip it. It offers http/1.1 only. A
// file that cannot be used is a source.Diagnostic.
func Upstream(o UpstreamOptions) (*tls.Config, error) {
	c := base()
	c.ServerName = o.Name
	c.NextProtos = []string{"http/1.1"}
	c.Time = o.Clock.Now
	c.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	if o.Name == "" {
		return nil, errors.New("make the TLS configuration of an upstream: it has no name to verify")
	}
	if o.CAFile != "" {
		pool, err := Pool(o.CAFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if o.Client != nil {
		e, err := load(*o.Client)
		if err != nil {
			return nil, err
		}
		if err := e.checkTime(o.Clock.Now()); err != nil {
			return nil, err
		}
		if err := e.checkStrength(); err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{e.cert}
	}
	return c, nil
}

// Pool reads the authorities of a PEM file, for upstreams and for client
// certificates. An empty or broken file is a source.Diagnostic.
func Pool(path string) (*x509.CertPool, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	chain, err := parseChain(path, text, maxPool)
	if err != nil {
		var d source.Diagnostic
		if errors.As(err, &d) {
			d.Code = CodeCAFile
			err = d
		}
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range chain {
		pool.AddCert(c)
	}
	return pool, nil
}
