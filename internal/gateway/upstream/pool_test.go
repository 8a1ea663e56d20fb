package upstream

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const okReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// until waits for a condition that other goroutines bring about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(5 * time.Second)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("%s: not within 5 s", what)
		}
	}
}

// first is the address of the only upstream of s.
func first(s *Set) *address {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, a := range s.ends {
		return a
	}
	return nil
}

func TestAConnectionThatEndedWhileIdleIsNotUsed(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	s, u := prepared(t, speaking(t, func(c net.Conn) {
		conns.Add(1)
		if hear(c, 0) != "" {
			_, _ = io.WriteString(c, okReply)
		}
	}))
	for i := range 5 { // with a body, so that nothing is sent twice
		r := get("/")
		r.Method, r.Whole = "POST", []byte("x")
		if _, body, err := ask(t, s, u, r); err != nil || body != "ok" {
			t.Fatal(i, body, err)
		}
		a := first(s)
		a.mu.Lock()
		c := a.idle[0]
		a.mu.Unlock()
		until(t, "the end of the connection", func() bool { return !c.alive() })
	}
	if n := conns.Load(); n != 5 {
		t.Errorf("%d connections", n)
	}
}

func TestWhatComesUnaskedIsNoReply(t *testing.T) {
	t.Parallel()
	for name, extra := range map[string]string{
		"at once": "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", "one byte": "H", "an empty line": "\r\n",
	} {
		for _, later := range []bool{false, true} {
			s, u := prepared(t, speaking(t, func(c net.Conn) {
				if hear(c, 0) == "" {
					return
				}
				if !later {
					_, _ = io.WriteString(c, okReply+extra)
				} else {
					_, _ = io.WriteString(c, okReply)
					_, _ = io.WriteString(c, extra)
				}
				_, _ = io.Copy(io.Discard, c)
			}))
			for range 3 {
				p, body, err := ask(t, s, u, get("/"))
				if err != nil || body != "ok" || p.Length != 2 {
					t.Fatalf("%s: %q, %v", name, body, err)
				}
				a := first(s)
				until(t, "the end of the connection", func() bool {
					c := a.take(time.Now())
					if c != nil {
						a.keep(c)
					}
					return c == nil
				})
			}
		}
	}
}

// TestOnlyWhatMayBeRepeatedIs lets an upstream end the second request of each
// connection without an answer.
func TestOnlyWhatMayBeRepeatedIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method string
		body   []byte
		again  bool
	}{
		{"GET", nil, true}, {"HEAD", nil, true}, {"DELETE", nil, true}, {"PUT", nil, true}, {"POST", nil, false}, {"PATCH", nil, false},
		{"PUT", []byte("x"), false}, {"POST", []byte("x"), false},
	} {
		var asked atomic.Int32
		s, u := prepared(t, speaking(t, func(conn net.Conn) {
			hear(conn, 0)
			_, _ = io.WriteString(conn, okReply)
			if hear(conn, len(c.body)) != "" {
				asked.Add(1)
			}
		}))
		if _, _, err := ask(t, s, u, get("/")); err != nil {
			t.Fatal(err)
		}
		r := get("/")
		r.Method, r.Whole = c.method, c.body
		_, _, err := ask(t, s, u, r)
		if (err == nil) != c.again {
			t.Errorf("%s %q: %v", c.method, c.body, err)
		}
		if kind, _ := KindOf(err); err != nil && kind != Broken {
			t.Errorf("%s: %v", c.method, err)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("%s: asked %d times on the old connection", c.method, n)
		}
	}
}

func TestRetriesAreAFifth(t *testing.T) {
	t.Parallel()
	var b budget
	spent := 0
	for range 1000 {
		b.earn()
		if b.spend() {
			spent++
		}
	}
	if spent < 200 || spent > 215 {
		t.Errorf("%d of 1000", spent)
	}
}

func TestConnectionsEndWithTheirTime(t *testing.T) {
	t.Parallel()
	s, u := prepared(t, serving(t, func(http.ResponseWriter, *http.Request) {}))
	idle := func() int { return s.Standings(u)[0].Idle }
	if _, _, err := ask(t, s, u, get("/")); err != nil || idle() != 1 {
		t.Fatal(err, idle())
	}
	s.sweep(time.Now().Add(idleTime - time.Second))
	if idle() != 1 {
		t.Error("ended too early")
	}
	s.sweep(time.Now().Add(idleTime + time.Second))
	if idle() != 0 {
		t.Error("an idle connection stays")
	}
	if _, _, err := ask(t, s, u, get("/")); err != nil {
		t.Fatal(err)
	}
	a := first(s)
	a.idle[0].born = time.Now().Add(-ageTime)
	if c := a.take(time.Now()); c != nil {
		t.Error("an old connection is used")
	}
}

func TestAConnectionIsNotUsedLongerThanTheUpstreamSays(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"timeout=5": 4 * time.Second, "max=100, timeout=30": 29 * time.Second, "timeout=5, max=1": 4 * time.Second, "timeout=1": -1, "timeout=0": -1,
		"timeout=600": idleTime, "timeout=x": idleTime, "max=5": idleTime, "": idleTime, "timeout=99999999999999999999": idleTime,
	} {
		s, u := prepared(t, speaking(t, func(c net.Conn) {
			hear(c, 0)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: "+value+"\r\n\r\nok")
			hear(c, 0)
		}))
		if _, _, err := ask(t, s, u, get("/")); err != nil {
			t.Fatal(err)
		}
		a := first(s)
		if want < 0 {
			if n, _ := a.counts(); n != 0 {
				t.Errorf("%q: it is kept", value)
			}
			continue
		}
		if got := a.idle[0].rest; got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
		if c := a.take(time.Now().Add(want)); c != nil {
			t.Errorf("%q: it is used after %v", value, want)
		}
	}
}

func TestNoMoreRequestsWaitThanMay(t *testing.T) {
	t.Parallel()
	for name, full := range map[string]func(*address){
		"waiting":   func(a *address) { a.asking.Store(a.most) },
		"under way": func(a *address) { a.pending.Store(maxActive) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, u := prepared(t, serving(t, func(http.ResponseWriter, *http.Request) {}))
			a := first(s)
			full(a)
			start := time.Now()
			if _, _, err := ask(t, s, u, get("/")); !kindIs(err, Full) || time.Since(start) < fullTime {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			free := time.AfterFunc(50*time.Millisecond, func() {
				if name == "waiting" {
					a.answered()
				} else {
					a.release()
				}
			})
			defer free.Stop()
			if _, _, err := ask(t, s, u, get("/")); err != nil {
				t.Errorf("a place was free: %v", err)
			}
			want := [2]int64{a.most - 1, 0}
			if name == "under way" {
				want = [2]int64{0, maxActive - 1}
			}
			if got := [2]int64{a.asking.Load(), a.pending.Load()}; got != want {
				t.Errorf("%d, want %d", got, want)
			}
		})
	}
}

// TestNothingIsLeftBehind ends exchanges in all ways and counts what remains.
func TestNothingIsLeftBehind(t *testing.T) { //nolint:paralleltest // it counts goroutines
	before := runtime.NumGoroutine()
	open := &atomic.Int64{}
	l := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		case "/early":
			w.WriteHeader(413)
		default:
			_, _ = io.Copy(io.Discard, r.Body)
		}
	}))
	l.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		switch st {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
	l.Start()
	s, u := prepared(t, l.URL)
	for range 5 {
		_, _, _ = ask(t, s, u, get("/"))
		var p Response
		if err := s.Send(t.Context(), u, get("/long"), &p); err == nil {
			_ = p.Body.Close() // not read
			_ = p.Body.Close()
		}
		stop := make(chan struct{})
		r := get("/early")
		r.Method, r.Body, r.Length, r.Stop = "POST", blocking(stop), -1, func() { close(stop) }
		if err := s.Send(t.Context(), u, r, &p); err == nil {
			_ = p.Body.Close()
		}
		r = get("/")
		r.Method, r.Body, r.Length = "POST", failing{}, -1
		if _, _, err := ask(t, s, u, r); !errors.Is(err, errTest) {
			t.Fatal(err)
		}
	}
	if st := s.Standings(u)[0]; st.Pending != 0 {
		t.Errorf("%+v", st)
	}
	s.Close()
	until(t, "the end of connections", func() bool { return open.Load() == 0 })
	l.Close()
	until(t, "the end of goroutines", func() bool { return runtime.NumGoroutine() <= before })
}

var errTest = errors.New("as the test wants")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errTest }

// blocking gives some bytes, and then nothing until it is told to stop.
type blocking chan struct{}

func (b blocking) Read(p []byte) (int, error) {
	select {
	case <-b:
		return 0, errTest
	default:
	}
	if len(p) > 1000 {
		return copy(p, "some bytes"), nil
	}
	<-b
	return 0, errTest
}
