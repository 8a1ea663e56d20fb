package gateway

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// endlessly writes text until nobody listens.
func endlessly(c net.Conn, first, text string) {
	_, err := io.WriteString(c, first)
	for part := strings.Repeat(text, 1+4096/len(text)); err == nil; {
		_, err = io.WriteString(c, part)
	}
}

// dripping writes a byte of text each 20 ms.
func dripping(c net.Conn, first, text string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	_, err := io.WriteString(c, first)
	for i := 0; i < len(text) && err == nil; i++ {
		<-tick.C
		_, err = io.WriteString(c, text[i:i+1])
	}
}

// TestEveryExchangeEndsInItsTime breaks an API in many ways beside one that is
// well. tool/siege does the same to the whole program, and takes the times.
func TestEveryExchangeEndsInItsTime(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, how := range map[string]func(net.Conn){
		"slow":                   func(c net.Conn) { dripping(c, "", strings.Repeat(" ", 1000)) },
		"hanging":                func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"resetting":              func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"garbage":                func(c net.Conn) { _, _ = io.WriteString(c, "\x16\x03\x01 garbage\r\n\r\n") },
		"half-closed":            func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite(); _, _ = io.Copy(io.Discard, c) },
		"a byte at a time, head": func(c net.Conn) { dripping(c, "", head+strings.Repeat("X: y\r\n", 100)) },
		"a byte at a time, body": func(c net.Conn) { dripping(c, head+"Content-Length: 1000\r\n\r\n", strings.Repeat(" ", 1000)) },
		"an endless head":        func(c net.Conn) { endlessly(c, head, "X: y\r\n") },
		"an endless line":        func(c net.Conn) { endlessly(c, head+"X: ", "y") },
		"endless interim":        func(c net.Conn) { endlessly(c, "", "HTTP/1.1 102 Processing\r\n\r\n") },
		"an endless body":        func(c net.Conn) { endlessly(c, head+"\r\n", "[[[[ ") },
		"an endless blank":       func(c net.Conn) { endlessly(c, head+"\r\n", "    ") },
		"endless chunks":         func(c net.Conn) { endlessly(c, head+"Transfer-Encoding: chunked\r\n\r\n", "4\r\n    \r\n") },
		"a short body":           func(c net.Conn) { _, _ = io.WriteString(c, head+"Content-Length: 9\r\n\r\n{}") },
		"two lengths":            func(c net.Conn) { _, _ = io.WriteString(c, head+"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			breakOne(t, func(c net.Conn) {
				listen(c)
				how(c)
			})
		})
	}
}

func breakOne(t *testing.T, how func(net.Conn)) {
	t.Helper()
	bad := behind(t, how)
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, "{}")
	}, []risk.Risk{watchReply()}, []*contract.Operation{op("GET", "/a")}, func(in *plan.Inputs) {
		well := in.APIs[0]
		well.Name, well.Prefix = "well", "/well"
		bad(in)
		in.APIs = append(in.APIs, well)
		short := plan.Settings{
			Limits: plan.Limits{MaxBody: 1 << 16, MaxReply: 1 << 18, Body: time.Second, Upstream: 300 * time.Millisecond, Idle: 300 * time.Millisecond, Total: 600 * time.Millisecond},
			Risk:   func(string) plan.Setting { return plan.Setting{} },
		}
		in.APIs[0].Settings = func(*contract.Operation) plan.Settings { return short }
	})
	var all sync.WaitGroup
	start := time.Now()
	for range 12 {
		all.Go(func() {
			if status := w.status("/a"); status != 0 && status < 500 {
				t.Errorf("%d", status)
			}
		})
		all.Go(func() {
			if status := w.status("/well/a"); status != 200 {
				t.Errorf("the API that is well: %d", status)
			}
		})
	}
	all.Wait()
	if d := time.Since(start); d > 20*time.Second { // of 600 ms
		t.Errorf("all ended after %v", d)
	}
	set, _ := w.gw.conf.Upstreams.(*upstream.Set)
	for _, a := range w.gw.Plan().APIs {
		opens := set.Standings(a.Upstream)[0].Opens
		if broken := a.Name != "well"; broken != (opens > 0) {
			t.Errorf("the breaker of %q opened %d times", a.Name, opens)
		}
	}
}

// status is that of the answer to a GET, or 0 where it was cut off.
func (w *world) status(path string) int {
	resp, err := http.Get(w.URL + path)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}
