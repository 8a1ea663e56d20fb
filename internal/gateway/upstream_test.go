package gateway

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// behind puts a server that says what f says in the place of the upstream.
func behind(t *testing.T, f func(net.Conn)) option {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
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
	to := &url.URL{Scheme: "http", Host: l.Addr().String()}
	return func(in *plan.Inputs) { in.APIs[0].Upstream = &plan.Upstream{URL: to} }
}

// listen reads one head.
func listen(c net.Conn) string {
	var b strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(b.String(), "\r\n\r\n") {
		if _, err := c.Read(one); err != nil {
			break
		}
		b.Write(one)
	}
	return b.String()
}

func unused(http.ResponseWriter, *http.Request) {}

// TestWhatIsNoReplyIs502AndNothingOfItGoesOn holds replies that two readers
// could take for different ones.
func TestWhatIsNoReplyIs502AndNothingOfItGoesOn(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"garbage":         "SSH-2.0-OpenSSH\r\n",
		"two framings":    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 2\r\n\r\n{}",
		"a folded field":  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX: a\r\n X-Evil: 1\r\nContent-Length: 2\r\n\r\n{}",
		"LF alone":        "HTTP/1.1 200 OK\nX-Evil: 1\n\n{}",
		"a broken chunk":  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nX-Evil: 1\r\n\r\n2\r\n{}X-Evil\r\n",
		"two lengths":     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 99\r\nX-Evil: 1\r\n\r\n{}",
		"an unasked 101":  "HTTP/1.1 101 Switching Protocols\r\nX-Evil: 1\r\n\r\n",
		"NUL in a field":  "HTTP/1.1 200 OK\r\nX-Evil: \x001\r\nContent-Length: 2\r\n\r\n{}",
		"a name of space": "HTTP/1.1 200 OK\r\nX-Evil : 1\r\nContent-Length: 2\r\n\r\n{}",
	} {
		w := newWorld(t, unused, []risk.Risk{watchReply()}, []*contract.Operation{op("GET", "/a")}, behind(t, func(c net.Conn) {
			listen(c)
			_, _ = io.WriteString(c, text)
		}))
		resp, body := w.do(t, "GET", "/a", "")
		if resp.StatusCode != 502 || strings.Contains(body, "evil") || resp.Header.Get("X-Evil") != "" {
			t.Errorf("%s: %d %v %s", name, resp.StatusCode, resp.Header, body)
		}
		if e := w.log.last(t); name != "a broken chunk" && e.Code != "gateway/upstream-reply" || !e.Upstream.Called {
			t.Errorf("%s: recorded as %s, %+v", name, e.Code, e.Upstream)
		}
	}
}

// TestAnUpstreamThatFailsIsLeftAlone lets an API hang, and looks at its clients
// and at those of another one.
func TestAnUpstreamThatFailsIsLeftAlone(t *testing.T) {
	t.Parallel()
	hang := behind(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, "{}")
	}, nil, []*contract.Operation{op("GET", "/a")}, func(in *plan.Inputs) {
		other := in.APIs[0]
		other.Name, other.Prefix = "other", "/other"
		hang(in)
		in.APIs = append(in.APIs, other)
		slow := plan.Settings{Limits: plan.Limits{MaxBody: 1 << 16, MaxReply: 1 << 18, Body: time.Second, Upstream: 300 * time.Millisecond, Idle: time.Second}, Risk: func(string) plan.Setting { return plan.Setting{} }}
		in.APIs[0].Settings = func(*contract.Operation) plan.Settings { return slow }
	})
	start := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if resp, body := w.do(t, "GET", "/a", ""); resp.StatusCode != 504 && resp.StatusCode != 503 {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
		all.Go(func() {
			if resp, body := w.do(t, "GET", "/other/a", ""); resp.StatusCode != 200 {
				t.Errorf("the other API: %d %s", resp.StatusCode, body)
			}
		})
	}
	all.Wait()
	resp, body := w.do(t, "GET", "/a", "")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, "gateway/upstream-open") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	if d := time.Since(start); d > 1300*time.Millisecond {
		t.Errorf("the breaker opened after %v", d)
	}
	if e := w.log.last(t); e.Upstream.Called || e.Decision != event.Failed {
		t.Errorf("recorded as %+v", e.Upstream)
	}
}

// TestABodyThatIsNoBodyReachesNoUpstream sends bodies whose first chunk is
// malformed to an operation that streams them.
func TestABodyThatIsNoBodyReachesNoUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, "{}")
	}, nil, []*contract.Operation{streaming("POST", "/a")})
	for _, chunk := range []string{"x\r\n", "5\nhello\r\n", "-1\r\n", "5\r\nhelloX\r\n0\r\n\r\n"} {
		c, err := net.Dial("tcp", w.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n%s", chunk)
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		answer := listen(c)
		_ = c.Close()
		if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
			t.Errorf("%q: %.80q", chunk, answer)
		}
	}
	if n := w.calls(); n != 0 {
		t.Errorf("the upstream was called %d times", n)
	}
	if resp, body := w.do(t, "POST", "/a", strings.Repeat("x", 40<<10), "Content-Type", "application/octet-stream"); resp.StatusCode != 200 {
		t.Errorf("a sound one: %d %s", resp.StatusCode, body)
	}
}

// streaming takes and passes on bytes of any kind.
func streaming(method, path string) *contract.Operation {
	o := taking(op(method, path), "application/octet-stream")
	s := contract.NewSchema()
	s.Types, s.Format = contract.StringType, "binary"
	o.Body.Media[0].Schema = s
	return o
}

// TestTheWholeTimeOfAnOperationIsBounded lets an upstream drip a reply, each
// byte in time.
func TestTheWholeTimeOfAnOperationIsBounded(t *testing.T) {
	t.Parallel()
	drip := behind(t, func(c net.Conn) {
		listen(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := io.WriteString(c, " "); err != nil {
				return
			}
		}
	})
	w := newWorld(t, unused, []risk.Risk{watchReply()}, []*contract.Operation{op("GET", "/a")}, drip, func(in *plan.Inputs) {
		set := in.APIs[0].Settings(nil)
		set.Limits.Total = 400 * time.Millisecond
		in.APIs[0].Settings = func(*contract.Operation) plan.Settings { return set }
	})
	start := time.Now()
	resp, body := w.do(t, "GET", "/a", "")
	if d := time.Since(start); resp.StatusCode != 504 || !strings.Contains(body, "gateway/upstream-timeout") || d > 2*time.Second {
		t.Errorf("%d %s after %v", resp.StatusCode, body, d)
	}
}
