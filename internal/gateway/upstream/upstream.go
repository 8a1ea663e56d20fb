// Package upstream keeps the connections to the servers behind the gateway.
package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/plan"
)

// A TLSConfig makes the TLS configuration for an upstream: chain and name are
// always verified. ca, cert and key are files, or "".
type TLSConfig func(host, ca, cert, key string) (*tls.Config, error)

// A Set holds one pool of connections for each upstream. It outlives Plans, so
// that a reload drops no connection.
type Set struct {
	tls  TLSConfig
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.RWMutex
	pools map[string]*http.Transport // by key; at most one for each upstream of a policy that ran
}

// The limits of a pool.
const (
	dialTime     = 5 * time.Second
	idleTime     = 90 * time.Second
	idleConns    = 256
	maxReplyHead = 64 << 10 // bytes
	maxPools     = 1024
)

var errPools = errors.New("upstream: too many upstreams since the start")

// NewSet returns an empty Set. dial opens connections; nil is the system's.
func NewSet(t TLSConfig, dial func(ctx context.Context, network, address string) (net.Conn, error)) *Set {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTime, KeepAlive: 30 * time.Second}).DialContext
	}
	return &Set{tls: t, dial: dial, pools: map[string]*http.Transport{}}
}

func key(u *plan.Upstream) string {
	return u.URL.Scheme + "|" + u.URL.Host + "|" + u.CA + "|" + u.Cert + "|" + u.Key
}

// Prepare makes the pool of u, unless there is one. It fails where the files
// of its TLS configuration cannot be used.
func (s *Set) Prepare(u *plan.Upstream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.pools[key(u)]; ok {
		return nil
	}
	if len(s.pools) >= maxPools {
		return errPools
	}
	t := &http.Transport{
		DialContext:            s.dial,
		TLSHandshakeTimeout:    dialTime,
		DisableCompression:     true, // what the client asked for is the gateway's decision
		MaxIdleConns:           4 * idleConns,
		MaxIdleConnsPerHost:    idleConns,
		IdleConnTimeout:        idleTime,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxReplyHead,
		ForceAttemptHTTP2:      true,
		WriteBufferSize:        16 << 10,
		ReadBufferSize:         16 << 10,
	}
	if u.URL.Scheme == "https" {
		conf, err := s.tls(u.URL.Hostname(), u.CA, u.Cert, u.Key)
		if err != nil {
			return fmt.Errorf("configure TLS to %s: %w", u.URL.Host, err)
		}
		t.TLSClientConfig = conf
	}
	s.pools[key(u)] = t
	return nil
}

// errUnknown means that Prepare was not called.
var errUnknown = errors.New("upstream: not prepared")

// RoundTrip sends one request to u. Redirects are not followed. The caller
// closes the body.
func (s *Set) RoundTrip(u *plan.Upstream, r *http.Request) (*http.Response, error) {
	s.mu.RLock()
	t := s.pools[key(u)]
	s.mu.RUnlock()
	if t == nil {
		return nil, errUnknown
	}
	return t.RoundTrip(r) //nolint:wrapcheck // the gateway sorts it
}

// Close ends the idle connections.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.pools {
		t.CloseIdleConnections()
	}
}

// IsTLS tells whether err says that the upstream could not prove who it is.
func IsTLS(err error) bool {
	var (
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		alert  tls.AlertError
		name   x509.HostnameError
	)
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &name)
}

// IsTimeout tells whether err says that the upstream was too slow.
func IsTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
