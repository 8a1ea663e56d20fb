package upstream

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestARequestGoesAndItsReplyComes(t *testing.T) {
	t.Parallel()
	s, u := prepared(t, serving(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Saw", r.Method+" "+r.RequestURI+" "+r.Host+" "+r.Header.Get("Accept"))
		w.WriteHeader(201)
		_, _ = w.Write(body)
	}))
	for _, size := range []int{0, 1, copyBytes, copyBytes + 1, directBytes + 1, 3 << 20} {
		r := get("/a/b?c=d")
		r.Method, r.Whole = "POST", []byte(strings.Repeat("x", size))
		p, body, err := ask(t, s, u, r)
		if err != nil {
			t.Fatal(size, err)
		}
		if p.Status != 201 || body != string(r.Whole) || p.Fields.Get("X-Saw") != "POST /a/b?c=d "+u.URL.Host+" */*" {
			t.Errorf("%d: %d %v, %d bytes", size, p.Status, p.Fields, len(body))
		}
	}
	for _, length := range []int64{-1, 1 << 20} {
		r := get("/stream")
		r.Method, r.Body, r.Length, r.Stop = "PUT", io.LimitReader(endless{}, 1<<20), length, func() {}
		if _, body, err := ask(t, s, u, r); err != nil || len(body) != 1<<20 || strings.Trim(body, "e") != "" {
			t.Errorf("length %d: %d bytes, %v", length, len(body), err)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'e'
	}
	return len(p), nil
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	s, u := prepared(t, speaking(t, func(c net.Conn) {
		conns.Add(1)
		for hear(c, 0) != "" {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n")
		}
	}))
	for range 10 {
		if p, body, err := ask(t, s, u, get("/")); err != nil || body != "abc" || p.Length != -1 {
			t.Fatal(body, err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
