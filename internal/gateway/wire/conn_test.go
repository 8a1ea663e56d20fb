package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/risk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAConnectionServesManyExchanges(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){"plain": func(*Config) {}, "TLS": overTLS(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, tell, change)
			c := f.open(t, name)
			r := bufio.NewReader(c)
			for i := range 20 {
				fmt.Fprintf(c, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", i)
				if a := one(t, r, "POST"); a.status != 200 || !strings.HasPrefix(a.body, fmt.Sprintf("POST /%d HTTP/1.1", i)) || a.close {
					t.Fatalf("%+v", a)
				}
			}
			if n := f.Open(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell)
	var raw strings.Builder
	for i := range 300 {
		fmt.Fprintf(&raw, "GET /%d HTTP/1.1\r\nHost: a\r\nX-Filler: %s\r\n\r\n", i, strings.Repeat("x", i))
		if i%3 == 0 {
			fmt.Fprintf(&raw, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", i)
		}
	}
	got := f.all(t, raw.String())
	if len(got) != 400 {
		t.Fatalf("%d answers", len(got))
	}
	at := 0
	for i := range 300 {
		if !strings.HasPrefix(got[at].body, fmt.Sprintf("GET /%d ", i)) {
			t.Fatalf("answer %d: %q", at, got[at].body)
		}
		at++
		if i%3 == 0 {
			if !strings.HasSuffix(got[at].body, "body=\"abc\"\n") {
				t.Fatalf("answer %d: %q", at, got[at].body)
			}
			at++
		}
	}
}

func TestTheConnectionEndsWhereTheClientSaysSo(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell)
	for _, raw := range []string{get("Connection: close"), get("Connection: x, CLOSE ,y"), "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"} {
		c := f.dial(t)
		fmt.Fprint(c, raw)
		if got := answers(t, c, "GET"); len(got) != 1 || !got[0].close {
			t.Errorf("%q: %+v", raw, got)
		}
	}
}

func TestRepliesAreFramed(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 100_000)
	f := newFront(t, func(x *Exchange) {
		head := risk.Fields{
			{Name: "X-A", Value: "b"}, {Name: "X-Evil", Value: "a\r\nX-Injected: 1"}, {Name: "X Y", Value: "z"}, {Name: "Content-Length", Value: "7"},
			{Name: "Transfer-Encoding", Value: "gzip"}, {Name: "Connection", Value: "close"}, {Name: "Date", Value: "never"},
		}
		switch x.Target {
		case "/whole":
			_ = x.Reply(200, head, []byte("hello"))
		case "/big":
			_ = x.Reply(200, head, []byte(big))
		case "/none":
			_ = x.Reply(204, head, []byte("hello"))
		case "/same":
			_ = x.Reply(304, head, []byte("hello"))
		case "/chunks":
			_ = x.Begin(200, head, -1)
			for range 3 {
				_, _ = io.WriteString(x, "hello")
				_ = x.Flush()
			}
			_, _ = io.WriteString(x, big)
		case "/empty":
			_ = x.Begin(200, head, -1)
		case "/length":
			_ = x.Begin(200, head, 10)
			_, _ = io.WriteString(x, "hello")
			_, _ = io.WriteString(x, "hello")
		}
	})
	for _, method := range []string{"GET", "HEAD"} {
		for target, want := range map[string]struct{ status, length int }{
			"/whole": {200, 5}, "/big": {200, len(big)}, "/none": {204, -2}, "/same": {304, -2}, "/chunks": {200, -1}, "/empty": {200, -1}, "/length": {200, 10},
		} {
			c := f.dial(t)
			fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: a\r\n\r\n%s / HTTP/1.1\r\nHost: a\r\nBroken\r\n\r\n", method, target, method)
			r := bufio.NewReader(c)
			resp, err := http.ReadResponse(r, &http.Request{Method: method})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			chunked := len(resp.TransferEncoding) > 0
			if resp.StatusCode != want.status || resp.Header.Get("X-A") != "b" || resp.Header.Get("X-Injected") != "" || resp.Header.Get("Date") == "never" || resp.Close {
				t.Errorf("%s %s: %+v", method, target, resp)
			}
			if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil {
				t.Error(err)
			}
			text := map[string]string{"/whole": "hello", "/big": big, "/chunks": "hellohellohello" + big, "/length": "hellohello"}[target]
			if method == "HEAD" {
				text = ""
			}
			if string(body) != text {
				t.Errorf("%s %s: %d bytes", method, target, len(body))
			}
			length := resp.Header.Get("Content-Length")
			switch {
			case want.length >= 0 && (length != fmt.Sprint(want.length) || chunked), want.length == -2 && (length != "" || chunked),
				want.length == -1 && (length != "" || chunked != (method == "GET")):
				t.Errorf("%s %s: length %q, chunked %v", method, target, length, chunked)
			}
			if next := one(t, r, method); next.status != 400 {
				t.Errorf("%s %s: what follows is %+v", method, target, next)
			}
		}
	}
}

func TestACutReplyNeverLooksComplete(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){"plain": func(*Config) {}, "TLS": overTLS(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, func(x *Exchange) {
				switch x.Target {
				case "/abort":
					_ = x.Begin(200, nil, -1)
					_, _ = io.WriteString(x, "hello")
					x.Abort()
				case "/short":
					_ = x.Begin(200, nil, 10)
					_, _ = io.WriteString(x, "hello")
				case "/long":
					_ = x.Begin(200, nil, 3)
					if _, err := io.WriteString(x, "hello"); err == nil {
						t.Error("more bytes than announced")
					}
				case "/panic":
					_ = x.Begin(200, nil, -1)
					_, _ = io.WriteString(x, "hello")
					panic("broken")
				case "/nothing":
				}
			}, change)
			for _, target := range []string{"/abort", "/short", "/long", "/panic", "/nothing"} {
				for _, proto := range []string{"1.1", "1.0"} {
					c := f.open(t, name)
					fmt.Fprintf(c, "GET %s HTTP/%s\r\nHost: a\r\n\r\n", target, proto)
					resp, err := http.ReadResponse(bufio.NewReader(c), nil)
					if err == nil {
						_, err = io.ReadAll(resp.Body)
					}
					if err == nil {
						t.Errorf("%s over HTTP/%s looks complete", target, proto)
					}
				}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(f.faults) != 2 || !strings.Contains(f.faults[0], "broken") {
				t.Errorf("faults: %.200q", f.faults)
			}
		})
	}
}

func TestAConnectionIsHandedOver(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(x *Exchange) {
		c, err := x.Upgrade(risk.Fields{{Name: "Upgrade", Value: "echo"}})
		if err != nil {
			_ = x.Reply(400, nil, nil)
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	})
	c := f.dial(t)
	fmt.Fprint(c, get("Connection: upgrade", "Upgrade: echo")+"early ")
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "echo" || resp.Header.Get("Connection") != "Upgrade" {
		t.Fatalf("%+v, %v", resp, err)
	}
	fmt.Fprint(c, "late\n")
	if line, err := r.ReadString('\n'); err != nil || line != "early late\n" {
		t.Errorf("%q, %v", line, err)
	}
	if got := f.all(t, post("Content-Length: 5\r\nConnection: upgrade\r\nUpgrade: echo", "hello")); len(got) != 1 || got[0].status != 400 {
		t.Errorf("with a body that was not read: %+v", got)
	}
}

func TestTheHandlerHearsThatTheClientLeft(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){"plain": func(*Config) {}, "TLS": overTLS(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began, cause := make(chan bool), make(chan error, 1)
			f := newFront(t, func(x *Exchange) {
				began <- true
				<-x.Context().Done()
				cause <- context.Cause(x.Context())
				x.Abort()
			}, change)
			c := f.open(t, name)
			fmt.Fprint(c, get()+"GET /unread HTTP/1.1\r\n")
			<-began
			_ = c.Close()
			if err := <-cause; !errors.Is(err, ErrGone) {
				t.Errorf("cause %v", err)
			}
		})
	}
}

func TestEveryWaitEnds(t *testing.T) {
	t.Parallel()
	quick := func(c *Config) {
		c.Head, c.Idle, c.Write = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	}
	f := newFront(t, func(x *Exchange) {
		if x.Body != nil {
			x.Body.Grace = 300 * time.Millisecond
		}
		if x.Target == "/flood" {
			_ = x.Begin(200, nil, -1)
			for {
				if _, err := x.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}
		tell(x)
	}, quick)
	for name, c := range map[string]struct {
		raw  string
		want string // of the answers, "" for none
	}{
		"silence":               {"", ""},
		"half a head":           {"GET / HTTP/1.1\r\nHost:", "408 framing/head-slow"},
		"half a body":           {post("Content-Length: 5", "he"), "408 gateway/body-incomplete"},
		"half a chunk":          {post("Transfer-Encoding: chunked", "5\r\nhe"), "408 gateway/body-incomplete"},
		"nothing after a reply": {get(), "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := f.dial(t)
			fmt.Fprint(conn, c.raw)
			var got []string
			for _, a := range answers(t, conn, "GET") {
				got = append(got, fmt.Sprint(a.status))
				if a.status != 200 {
					got = append(got, a.body)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	t.Run("a client that reads nothing", func(t *testing.T) {
		t.Parallel()
		conn := f.dial(t)
		fmt.Fprint(conn, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for f.Open() > 0 {
			<-tick.C
		}
	})
}

// TestAConnectionThatMovedOnIsNotLate has the watch act on what it saw a moment
// before: the connection has begun to wait anew meanwhile.
func TestAConnectionThatMovedOnIsNotLate(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell)
	nc := f.dial(t)
	r := bufio.NewReader(nc)
	for range 2 {
		fmt.Fprint(nc, get())
		if a := one(t, r, "GET"); a.status != 200 {
			t.Fatalf("%+v", a)
		}
		f.Server.mu.Lock()
		for c := range f.conns {
			c.tooLate(f.tick.Load())
		}
		f.Server.mu.Unlock()
	}
}

func TestASteadySlowBodyIsTaken(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(x *Exchange) {
		x.Body.Grace = 300 * time.Millisecond
		tell(x)
	})
	c := f.dial(t)
	fmt.Fprint(c, post("Content-Length: 6000", ""))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 10 {
		fmt.Fprint(c, strings.Repeat("a", 600))
		<-tick.C
	}
	if a := one(t, bufio.NewReader(c), "POST"); a.status != 200 {
		t.Errorf("%+v", a)
	}
}

func TestShutdownLetsExchangesFinish(t *testing.T) {
	t.Parallel()
	began, finish := make(chan bool), make(chan bool)
	f := newFront(t, func(x *Exchange) {
		if x.Target == "/slow" {
			began <- true
			<-finish
		}
		tell(x)
	})
	quiet := f.dial(t)
	fmt.Fprint(quiet, get())
	r := bufio.NewReader(quiet)
	one(t, r, "GET")
	c := f.dial(t)
	fmt.Fprint(c, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-began
	done := make(chan error, 1)
	go func() { done <- f.Shutdown(context.Background()) }()
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection: %v", err)
	}
	if _, err := net.Dial("tcp", f.address); err == nil {
		t.Error("the listener is open")
	}
	finish <- true
	if got := answers(t, c, "GET"); len(got) != 1 || got[0].status != 200 || !got[0].close {
		t.Errorf("%+v", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	began := make(chan bool)
	f := newFront(t, func(x *Exchange) {
		began <- true
		<-x.Context().Done()
	})
	c := f.dial(t)
	fmt.Fprint(c, get())
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
}

func TestPlainTextOnATLSPortIsAStray(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(x *Exchange) { _ = x.Reply(400, nil, fmt.Append(nil, x.Stray, x.TLS == nil)) }, overTLS(t))
	if got := f.all(t, get()+get()); len(got) != 1 || got[0].body != "true true" || !got[0].close {
		t.Errorf("%+v", got)
	}
	c := f.dialTLS(t, "http/1.1")
	fmt.Fprint(c, get())
	if a := one(t, bufio.NewReader(c), "GET"); a.body != "false false" {
		t.Errorf("%+v", a)
	}
}

func TestRequestsAreToldFromMany(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			c := f.dial(t)
			r := bufio.NewReader(c)
			for j := range 50 {
				body := bytes.Repeat([]byte{byte('a' + i)}, 7*j+1)
				fmt.Fprintf(c, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body)
				if a := one(t, r, "POST"); !strings.HasSuffix(a.body, fmt.Sprintf("body=%q\n", body)) {
					t.Errorf("%d %d: %+v", i, j, a)
					return
				}
			}
		})
	}
	group.Wait()
}
