package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/plan"
)

// secured is a Set that trusts what the server of httptest shows, and its
// upstream.
func secured(t *testing.T, h http.HandlerFunc, two bool, change func(*httptest.Server)) (*Set, *plan.Upstream) {
	t.Helper()
	l := httptest.NewUnstartedServer(h)
	l.EnableHTTP2 = two
	if change != nil {
		l.TLS = &tls.Config{} //nolint:gosec // the versions of the standard library
		change(l)
	}
	l.StartTLS()
	t.Cleanup(l.Close)
	pool := x509.NewCertPool()
	pool.AddCert(l.Certificate())
	s := NewSet(Options{TLS: func(host, _, _, _ string) (*tls.Config, error) {
		return &tls.Config{RootCAs: pool, ServerName: host, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}, nil
	}})
	t.Cleanup(s.Close)
	to, _ := url.Parse(l.URL)
	u := &plan.Upstream{URL: to, HTTP2: two}
	if err := s.Prepare(u); err != nil {
		t.Fatal(err)
	}
	return s, u
}

// TestTheSameGoesOverTLS sends what takes longer than a tick, so that the
// deadlines of reads pass in the middle of records.
func TestTheSameGoesOverTLS(t *testing.T) {
	t.Parallel()
	for _, two := range []bool{false, true} {
		s, u := secured(t, func(w http.ResponseWriter, r *http.Request) {
			if (r.ProtoMajor == 2) != two {
				t.Errorf("%s", r.Proto)
			}
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Trailer", "X-Late")
			rc := http.NewResponseController(w)
			for range 3 {
				_, _ = w.Write(body)
				_ = rc.Flush()
				slow := time.NewTimer(tick + tick/4)
				<-slow.C
			}
			w.Header().Set("X-Late", "dropped")
		}, two, nil)
		for _, size := range []int{1, 100 << 10} {
			r := get("/a")
			r.Method, r.Whole = "POST", []byte(strings.Repeat("x", size))
			streams := get("/a")
			streams.Method, streams.Body, streams.Length, streams.Stop = "POST", io.LimitReader(endless{}, int64(size)), -1, func() {}
			var both sync.WaitGroup
			for _, r := range []*Request{r, streams} {
				both.Go(func() {
					if p, body, err := ask(t, s, u, r); err != nil || len(body) != 3*size || p.Fields.Has("X-Late") {
						t.Errorf("HTTP/2 %v, %d bytes: %d %v %v", two, size, len(body), p.Fields, err)
					}
				})
			}
			both.Wait()
		}
		if st := s.Standings(u)[0]; st.Pending != 0 || !two && st.Idle == 0 {
			t.Errorf("%+v", st)
		}
	}
}

func TestAnUpstreamMustProveItself(t *testing.T) {
	t.Parallel()
	never := func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }
	for _, two := range []bool{false, true} {
		s, u := secured(t, never, two, nil)
		a := first(s)
		if two {
			a.two.TLSClientConfig.ServerName = "other.example"
		} else {
			a.tls.ServerName = "other.example"
		}
		if _, _, err := ask(t, s, u, get("/")); !kindIs(err, Untrusted) {
			t.Errorf("another name: %v", err)
		}
	}
	s, u := secured(t, never, false, func(l *httptest.Server) { l.TLS.NextProtos = []string{"spdy/3"} })
	if _, _, err := ask(t, s, u, get("/")); !kindIs(err, Untrusted) {
		t.Errorf("no protocol in common: %v", err)
	}
	_, pu := prepared(t, serving(t, never))
	to := *pu.URL
	to.Scheme = "https"
	if err := s.Prepare(&plan.Upstream{URL: &to}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ask(t, s, &plan.Upstream{URL: &to}, get("/")); !kindIs(err, Untrusted) {
		t.Errorf("no TLS at all: %v", err)
	}
}

func kindIs(err error, want Kind) bool {
	kind, ok := KindOf(err)
	return ok && kind == want
}

func TestAnUpstreamOfHTTP2EndsInTimeToo(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s, u := secured(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}, true, nil)
	defer close(hold)
	for _, path := range []string{"/head", "/body"} {
		r := get(path)
		r.Head, r.Idle = 300*time.Millisecond, 300*time.Millisecond
		if _, _, err := ask(t, s, u, r); !kindIs(err, Late) {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := time.AfterFunc(50*time.Millisecond, cancel)
	defer gone.Stop()
	var p Response
	if err := s.Send(ctx, u, get("/head"), &p); !kindIs(err, Gone) {
		t.Errorf("a caller that left: %v", err)
	}
	if st := s.Standings(u)[0]; st.Pending != 0 {
		t.Errorf("%+v", st)
	}
}
