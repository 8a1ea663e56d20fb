package risktest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/risk"
)

// A Server answers over TLS and in the clear. It must be closed.
type Server struct {
	secure, plain string // URLs
	roots         *x509.CertPool
	ends          []func()
}

// Serve serves h on loopback.
func Serve(h http.Handler, minTLS uint16) *Server {
	plain, secure := httptest.NewServer(h), httptest.NewUnstartedServer(h)
	secure.TLS = &tls.Config{MinVersion: minTLS} //nolint:gosec // a weak server is what some worlds are about
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	s := &Server{plain: plain.URL, secure: secure.URL, roots: x509.NewCertPool(), ends: []func(){secure.Close, plain.Close}}
	s.roots.AddCert(secure.Certificate())
	return s
}

// serveFront serves h on loopback as the gateway is served.
func serveFront(h wire.Handler, fault func(where string, err error)) (*Server, error) {
	donor := httptest.NewTLSServer(nil) // of a certificate for serverName
	defer donor.Close()
	conf := &tls.Config{Certificates: donor.TLS.Certificates, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	s := &Server{roots: x509.NewCertPool()}
	s.roots.AddCert(donor.Certificate())
	for _, c := range []*tls.Config{conf, nil} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("listen: %w", err)
		}
		front := wire.New(wire.Config{Handler: h, TLS: c, Fault: fault})
		done := make(chan struct{})
		go func() { // ends below
			defer close(done)
			_ = front.Serve(ln) //nolint:errcheck // it only ends by Shutdown
		}()
		s.ends = append(s.ends, func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = front.Shutdown(ctx) //nolint:errcheck // whoever still asks is cut off
			<-done
		})
		if c != nil {
			s.secure = "https://" + ln.Addr().String()
		} else {
			s.plain = "http://" + ln.Addr().String()
		}
	}
	return s, nil
}

// Close waits for the exchanges under way.
func (s *Server) Close() {
	for _, end := range s.ends {
		end()
	}
}

// Key is what a caller shows as a key of ours.
func Key(caller string) string { return "sp_live_" + caller }

// Token is what a caller shows as a credential of the document.
func Token(caller string) string { return "tok-" + caller }

// serverName is the host that certificates of httptest are for.
const serverName = "example.com"

// maxAttempts bounds what one probe may send.
const maxAttempts = 400

var errTooMany = errors.New("the probe sends too much")

// A client makes attempts and keeps what was seen.
//
// It reuses connections, one for each version of TLS that is offered at most:
// handshakes are most of what the law costs.
type client struct {
	s    *Server
	by   map[uint16]*http.Transport
	key  func(caller string) string // nil: Key
	mu   sync.Mutex
	seen []*risk.Seen
	sent []risk.Attempt
}

// send makes one attempt, follows no redirect, and reads at most 1 MiB.
func (c *client) send(ctx context.Context, a *risk.Attempt) (*risk.Seen, error) {
	c.mu.Lock()
	c.sent = append(c.sent, *a)
	n := len(c.sent)
	c.mu.Unlock()
	if n > maxAttempts {
		return nil, errTooMany
	}
	server := c.s.secure
	if a.Plain {
		server = c.s.plain
	}
	base, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("parse address: %w", err)
	}
	r := (&http.Request{
		Method: a.Method, Host: serverName, Header: http.Header{"User-Agent": {"sallyport-law"}},
		URL: &url.URL{Scheme: base.Scheme, Host: base.Host, Opaque: a.Path, RawQuery: a.Query},
	}).WithContext(ctx)
	setBody(r, a.Body)
	for _, f := range a.Fields {
		r.Header.Add(f.Name, f.Value)
	}
	if a.As != "" {
		key := Key
		if c.key != nil {
			key = c.key
		}
		r.Header.Add("X-Api-Key", key(a.As))
		r.Header.Add("Authorization", "Bearer "+Token(a.As))
	}
	resp, err := c.transport(a.TLS).RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	seen, err := see(resp)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.seen = append(c.seen, seen)
	c.mu.Unlock()
	return seen, nil
}

// transport is that for a highest version of TLS; 0 is the newest.
func (c *client) transport(highest uint16) *http.Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.by[highest]
	if t == nil {
		t = &http.Transport{
			DisableCompression: true, MaxIdleConnsPerHost: 1,
			TLSClientConfig: &tls.Config{RootCAs: c.s.roots, ServerName: serverName, MinVersion: tls.VersionTLS10, MaxVersion: highest}, //nolint:gosec // probes offer what they look for
		}
		if c.by == nil {
			c.by = map[uint16]*http.Transport{}
		}
		c.by[highest] = t
	}
	return t
}

func see(resp *http.Response) (*risk.Seen, error) {
	seen := &risk.Seen{Status: resp.StatusCode}
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[name] {
			seen.Fields = append(seen.Fields, risk.Field{Name: name, Value: v})
		}
	}
	if resp.TLS != nil {
		seen.TLS = resp.TLS.Version
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	seen.Body = body
	return seen, nil
}
