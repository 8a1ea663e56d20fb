package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/plan"
)

func TestABreakerOpensAndTriesAgain(t *testing.T) {
	t.Parallel()
	b := &breaker{conf: Breaker{Failures: 3, Open: time.Second}}
	now := time.Unix(1000, 0)
	pass := func() bool { ok, _ := b.allow(now); return ok }
	for range 2 {
		b.failed(now)
	}
	b.succeeded()
	b.failed(now)
	b.failed(now)
	if !pass() || b.state(now) != Closed {
		t.Fatal("it opened too early")
	}
	b.failed(now)
	if pass() || b.state(now) != Tripped {
		t.Fatal("three in a row did not open it")
	}
	for _, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		if now = now.Add(wait - time.Millisecond); pass() {
			t.Fatalf("it does not stay open for %v", wait)
		}
		if now = now.Add(time.Millisecond); b.state(now) != HalfOpen || !pass() || pass() {
			t.Fatal("not exactly one request passes to see")
		}
		b.failed(now)
	}
	now = now.Add(8 * time.Second)
	if !pass() {
		t.Fatal("no trial")
	}
	b.neither()
	if !pass() {
		t.Fatal("a trial that showed nothing blocks the next")
	}
	b.succeeded()
	if b.state(now) != Closed || !pass() || !pass() {
		t.Fatal("a success does not close it")
	}
	for range 30 {
		b.failed(now)
		now = now.Add(time.Hour)
		pass()
	}
	b.failed(now)
	if until := time.Unix(0, b.until.Load()); until.Sub(now) > maxOpen {
		t.Errorf("it is open for %v", until.Sub(now))
	}
}

func TestABreakerOpensWhereHalfFails(t *testing.T) {
	t.Parallel()
	b := &breaker{conf: Breaker{Failures: 100}}
	now := time.Unix(1000, 0)
	for range 8 {
		b.failed(now)
		b.succeeded()
		b.succeeded()
	}
	if b.state(now) != Closed {
		t.Error("a third is too many")
	}
	b = &breaker{conf: Breaker{Failures: 100}}
	b.failed(now)
	for range rateLeast {
		b.succeeded()
		b.failed(now)
	}
	if b.state(now) == Closed {
		t.Error("half is not")
	}
}

// TestABrokenUpstreamIsLeftAlone counts the requests that reach it.
func TestABrokenUpstreamIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(net.Conn){
		"garbage": func(c net.Conn) { hear(c, 0); _, _ = io.WriteString(c, "garbage\r\n\r\n") },
		"reset":   func(c net.Conn) { hear(c, 0); reset(c) },
		"silence": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"half": func(c net.Conn) {
			hear(c, 0)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var well atomic.Bool
			var asked atomic.Int32
			s, u := prepared(t, speaking(t, func(c net.Conn) {
				asked.Add(1)
				if !well.Load() {
					broken(c)
					return
				}
				for hear(c, 0) != "" {
					_, _ = io.WriteString(c, okReply)
				}
			}))
			var all sync.WaitGroup
			start := time.Now()
			for range 40 {
				all.Go(func() {
					r := get("/")
					r.Head, r.Idle = 200*time.Millisecond, 200*time.Millisecond
					_, _, _ = ask(t, s, u, r)
				})
			}
			all.Wait()
			_, _, err := ask(t, s, u, get("/"))
			if !kindIs(err, Open) || time.Since(start) > time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			before := asked.Load()
			for range 100 {
				_, _, _ = ask(t, s, u, get("/"))
			}
			if n := asked.Load() - before; n > 1 {
				t.Errorf("%d requests reached it while it was open", n)
			}
			well.Store(true)
			until(t, "the end", func() bool { _, _, err := ask(t, s, u, get("/")); return err == nil })
			if st := s.Standings(u)[0]; st.State != Closed || st.Opens == 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestTheLeastBusyAddressIsAsked(t *testing.T) {
	t.Parallel()
	var got [3]atomic.Int32
	hold := make(chan struct{})
	var urls []string
	for i := range got {
		urls = append(urls, serving(t, func(_ http.ResponseWriter, r *http.Request) {
			got[i].Add(1)
			if i == 0 && r.URL.Path == "/slow" {
				<-hold
			}
		}))
	}
	s, u := prepared(t, urls...)
	for range 30 {
		if _, _, err := ask(t, s, u, get("/")); err != nil {
			t.Fatal(err)
		}
	}
	for i := range got {
		if n := got[i].Load(); n != 10 {
			t.Errorf("address %d was asked %d times of 30", i, n)
		}
	}
	first := s.group(u).ends[0]
	first.pending.Add(1) // as if one were under way
	for range 30 {
		if p, _, err := ask(t, s, u, get("/")); err != nil || p.Address == first.host {
			t.Fatal(p.Address, err)
		}
	}
	close(hold)
}

func TestAnAddressThatFailsIsPassedOver(t *testing.T) {
	t.Parallel()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	var failed atomic.Int32
	garbage := speaking(t, func(c net.Conn) {
		failed.Add(1)
		hear(c, 0)
		_, _ = io.WriteString(c, "garbage\r\n\r\n")
	})
	var sick atomic.Bool
	sometimes := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(503)
		}
	})
	s, u := prepared(t, "http://"+dead.Addr().String(), garbage, sometimes, serving(t, func(http.ResponseWriter, *http.Request) {}))
	for i := range 200 {
		if _, _, err := ask(t, s, u, get("/")); err != nil {
			t.Fatal(i, err)
		}
	}
	if n := failed.Load(); n > 10 {
		t.Errorf("an address that fails was asked %d times", n)
	}
	post := get("/")
	post.Method, post.Whole = "POST", []byte("x")
	for range 200 {
		if _, _, err := ask(t, s, u, post); err != nil && !kindIs(err, Malformed) {
			t.Fatal(err)
		}
	}
	sick.Store(true)
	for range 40 {
		_, _, _ = ask(t, s, u, get("/"))
	}
	if st := s.Standings(u); st[0].State == Closed || st[1].State == Closed || st[2].State == Closed || st[3].State != Closed {
		t.Errorf("%+v", st)
	}
}

func TestChecksTakeAnAddressOutAndIn(t *testing.T) {
	t.Parallel()
	var well atomic.Bool
	var checks atomic.Int32
	to := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			return
		}
		checks.Add(1)
		if !well.Load() {
			w.WriteHeader(500)
		}
	})
	s := NewSet(Options{})
	t.Cleanup(s.Close)
	at, _ := url.Parse(to)
	u := &plan.Upstream{URL: at, Health: plan.Health{Path: "/healthz", Interval: 20 * time.Millisecond, Timeout: time.Second}}
	if err := s.Prepare(u); err != nil {
		t.Fatal(err)
	}
	until(t, "down", func() bool { return s.Standings(u)[0].Down })
	if _, _, err := ask(t, s, u, get("/")); !kindIs(err, Open) {
		t.Errorf("%v", err)
	}
	well.Store(true)
	until(t, "up", func() bool { return !s.Standings(u)[0].Down })
	if _, _, err := ask(t, s, u, get("/")); err != nil {
		t.Error(err)
	}
	if err := s.Prepare(&plan.Upstream{URL: at}); err != nil { // a Plan without checks
		t.Fatal(err)
	}
	n := checks.Load()
	rest := time.NewTimer(100 * time.Millisecond)
	<-rest.C
	if m := checks.Load(); m > n+1 {
		t.Errorf("%d checks after the Plan that asked for them went", m-n)
	}
	if _, _, err := ask(t, s, u, get("/")); err != nil {
		t.Errorf("an exchange that began under the old Plan: %v", err)
	}
}

func TestAReloadKeepsConnectionsAndStates(t *testing.T) {
	t.Parallel()
	s, u := prepared(t, serving(t, func(http.ResponseWriter, *http.Request) {}))
	if _, _, err := ask(t, s, u, get("/")); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		again := *u
		if err := s.Prepare(&again); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.Standings(u)[0]; st.Idle != 1 {
		t.Errorf("%+v", st)
	}
	other := &plan.Upstream{URL: &url.URL{Scheme: "http", Host: "192.0.2.1:1"}}
	if err := s.Prepare(other); err != nil {
		t.Fatal(err)
	}
	if st := s.Standings(u)[0]; st.Idle != 0 {
		t.Errorf("what no Plan has keeps connections: %+v", st)
	}
	s.sweep(time.Now().Add(afterlife + time.Minute))
	if _, _, err := ask(t, s, u, get("/")); !errors.Is(err, errUnknown) {
		t.Errorf("long after: %v", err)
	}
	if err := s.Prepare(u); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ask(t, s, u, get("/")); err != nil {
		t.Error(err)
	}
}

// TestNamesAreFollowed moves a name to another address, with a clock of the
// test's own.
func TestNamesAreFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at, asked := netip.MustParseAddr("192.0.2.1"), 0
		var fail error
		var dialled []string
		n := &names{name: "api.example", port: "80",
			open: func(_ context.Context, _, address string) (net.Conn, error) {
				dialled = append(dialled, address)
				if address == "192.0.2.9:80" {
					return nil, errTest
				}
				a, _ := net.Pipe()
				return a, nil
			},
			find: func(context.Context, string) ([]netip.Addr, error) {
				asked++
				return []netip.Addr{at, netip.MustParseAddr("192.0.2.9")}, fail
			},
		}
		for range 4 {
			if _, got, err := n.dial(t.Context()); err != nil || got != at {
				t.Fatal(got, err)
			}
		}
		if asked != 1 || len(dialled) < 5 {
			t.Errorf("looked up %d times, dialled %v", asked, dialled)
		}
		time.Sleep(nameTime)
		old := at
		at = netip.MustParseAddr("192.0.2.2")
		n.follow(t.Context())
		if n.has(old) || !n.has(at) || asked != 2 {
			t.Error("the name is not followed")
		}
		time.Sleep(nameTime)
		fail = errTest
		if _, got, err := n.dial(t.Context()); err != nil || got != at {
			t.Errorf("without a name server: %v %v", got, err)
		}
	})
}
