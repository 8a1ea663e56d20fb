package upstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// prepared is a Set with one upstream, and the upstream.
func prepared(t testing.TB, addresses ...string) (*Set, *plan.Upstream) {
	t.Helper()
	s := NewSet(Options{})
	t.Cleanup(s.Close)
	u := &plan.Upstream{}
	for _, a := range addresses {
		to, err := url.Parse(a)
		if err != nil {
			t.Fatal(err)
		}
		if u.URL == nil {
			u.URL = to
		} else {
			u.More = append(u.More, to)
		}
	}
	if err := s.Prepare(u); err != nil {
		t.Fatal(err)
	}
	return s, u
}

// serving is a server of net/http.
func serving(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// speaking is a server that hands each connection to f, and closes it then.
func speaking(t testing.TB, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// hear reads the head of a request, and then n bytes.
func hear(c net.Conn, n int) string {
	var b strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(b.String(), "\r\n\r\n") {
		if _, err := c.Read(one); err != nil {
			return b.String()
		}
		b.Write(one)
	}
	rest := make([]byte, n)
	m, _ := io.ReadFull(c, rest)
	return b.String() + string(rest[:m])
}

// get is a request of a usual kind.
func get(target string) *Request {
	return &Request{Method: "GET", Target: target, Fields: risk.Fields{{Name: "Accept", Value: "*/*"}}, Head: 5 * time.Second, Idle: 5 * time.Second}
}

// ask sends r and reads the whole reply.
func ask(t testing.TB, s *Set, u *plan.Upstream, r *Request) (Response, string, error) {
	t.Helper()
	var p Response
	if err := s.Send(context.Background(), u, r, &p); err != nil {
		return p, "", err
	}
	defer p.Body.Close()
	body, err := io.ReadAll(p.Body)
	return p, string(body), err
}
