package upstream

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/plan"
)

// A backend is a server within the bubble of a test: its connections are pipes,
// and its clock is that of the test.
type backend struct {
	mu    sync.Mutex
	delay map[string]time.Duration // of the answer, by target; below zero: none comes
	seen  map[string]int           // requests, by target
	end   *address                 // as the Set knows it
	dead  atomic.Bool              // it takes connections and answers nothing
}

func (b *backend) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go b.serve(far)
	return near, nil
}

func (b *backend) serve(c net.Conn) {
	defer c.Close()
	for {
		text := hear(c, 0)
		if text == "" {
			return
		}
		target := strings.Fields(text)[1]
		if strings.HasPrefix(text, "POST ") {
			_, _ = io.CopyN(io.Discard, c, 10)
		}
		b.mu.Lock()
		delay := b.delay[target]
		b.seen[target]++
		b.mu.Unlock()
		if delay < 0 || b.dead.Load() {
			_, _ = io.Copy(io.Discard, c)
			return
		}
		time.Sleep(delay)
		if _, err := io.WriteString(c, okReply); err != nil {
			return
		}
	}
}

func (b *backend) set(target string, delay time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.delay[target] = delay
}

func (b *backend) count(target string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen[target]
}

// inBubble runs f in a bubble with an upstream that has one address.
func inBubble(t *testing.T, f func(*backend, func(target string) error, func() Standing)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &backend{delay: map[string]time.Duration{}, seen: map[string]int{}}
		s := NewSet(Options{Dial: b.dial})
		u := &plan.Upstream{URL: &url.URL{Scheme: "http", Host: "192.0.2.1:80"}}
		if err := s.Prepare(u); err != nil {
			t.Fatal(err)
		}
		b.end = s.group(u).ends[0]
		ask := func(target string) error {
			r := get(target)
			r.Operation, r.Head = target, 30*time.Second
			_, _, err := ask(t, s, u, r)
			return err
		}
		f(b, ask, func() Standing { return s.Standings(u)[0] })
		s.Close()
		for _, a := range s.ends {
			a.sweep(time.Now().Add(time.Hour))
		}
	})
}

// crowd asks n times at once, without waiting for the ends.
func crowd(n int, ask func(string) error, target string, all *sync.WaitGroup, failed *atomic.Int32) {
	for range n {
		all.Go(func() {
			if ask(target) != nil {
				failed.Add(1)
			}
		})
	}
}

func TestAnAddressThatHangsIsShutWithinASecond(t *testing.T) {
	t.Parallel()
	for name, learn := range map[string]int{"it never answered": 0, "it answered before": 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(b *backend, ask func(string) error, standing func() Standing) {
				var all sync.WaitGroup
				var failed atomic.Int32
				for range learn {
					_ = ask("/a")
				}
				b.dead.Store(true)
				crowd(DefaultFailures, ask, "/a", &all, &failed)
				time.Sleep(time.Second)
				start := time.Now()
				for _, target := range []string{"/a", "/b"} {
					if err := ask(target); !kindIs(err, Open) || time.Since(start) > 0 {
						t.Errorf("%s: %v after %v", target, err, time.Since(start))
					}
				}
				if st := standing(); st.State == Closed || b.count("*") != 1 {
					t.Errorf("%+v, asked %d times", st, b.count("*"))
				}
				b.dead.Store(false) // those that wait go on waiting, but a new one is answered
				time.Sleep(maxOpen)
				if err := ask("/a"); err != nil || standing().State != Closed {
					t.Errorf("%v, %+v", err, standing())
				}
				all.Wait()
				if failed.Load() != DefaultFailures {
					t.Errorf("%d of those that wait ended in time", failed.Load())
				}
			})
		})
	}
}

// TestATrialThatHangsShutsAgain bounds the requests that reach an address that
// hangs for long.
func TestATrialThatHangsShutsAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *backend, ask func(string) error, standing func() Standing) {
		b.dead.Store(true)
		var all sync.WaitGroup
		var failed atomic.Int32
		crowd(2*DefaultFailures, ask, "/a", &all, &failed)
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			crowd(1, ask, "/a", &all, &failed)
		}
		// Those of the first second, and then one after 1, 2 and 4 seconds.
		if n := b.count("/a"); n > 2*DefaultFailures+8+4 {
			t.Errorf("%d requests reached it", n)
		}
		if st := standing(); st.State == Closed {
			t.Errorf("%+v", st)
		}
		all.Wait()
	})
}

func TestAnOperationThatHangsIsShutAlone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *backend, ask func(string) error, standing func() Standing) {
		for range learnedAfter {
			_, _ = ask("/a"), ask("/b")
		}
		b.set("/a", -1)
		var all sync.WaitGroup
		var failed atomic.Int32
		crowd(DefaultFailures, ask, "/a", &all, &failed)
		time.Sleep(DefaultSilence + time.Millisecond)
		if err := ask("/a"); !kindIs(err, Open) {
			t.Errorf("the operation that hangs: %v", err)
		}
		if err := ask("/b"); err != nil {
			t.Errorf("another operation: %v", err)
		}
		if st := standing(); st.State != Closed || st.Shut != 1 || st.Opens != 1 {
			t.Errorf("%+v", st)
		}
		b.set("/a", 0)
		time.Sleep(DefaultOpen)
		if err := ask("/a"); err != nil || standing().Shut != 0 {
			t.Errorf("after its end: %v, %+v", err, standing())
		}
		all.Wait()
	})
}

// TestWhatIsSlowByNatureIsNotShut asks often and at once, from the first
// request on.
func TestWhatIsSlowByNatureIsNotShut(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"a report": 5 * time.Second, "a long poll": 9 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(b *backend, ask func(string) error, standing func() Standing) {
				b.set("/a", delay)
				var all sync.WaitGroup
				var failed atomic.Int32
				for i := range 60 {
					crowd(5, ask, "/a", &all, &failed)
					if i > 40 { // and in between it is as quick as others are
						b.set("/a", time.Millisecond)
						_ = ask("/a")
						b.set("/a", delay)
					}
					time.Sleep(300 * time.Millisecond)
				}
				all.Wait()
				if n := failed.Load(); n > 0 || standing().Opens > 0 {
					t.Errorf("%d failed, %+v", n, standing())
				}
			})
		})
	}
}

func TestTheFirstAnswerOpensAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *backend, ask func(string) error, standing func() Standing) {
		for range learnedAfter {
			_ = ask("/a")
		}
		b.set("/a", 1200*time.Millisecond) // a pause
		var all sync.WaitGroup
		var failed atomic.Int32
		crowd(DefaultFailures, ask, "/a", &all, &failed)
		time.Sleep(time.Second)
		if err := ask("/a"); !kindIs(err, Open) {
			t.Errorf("it is not shut: %v", err)
		}
		time.Sleep(201 * time.Millisecond)
		if st := standing(); st.Shut != 0 || failed.Load() > 0 {
			t.Errorf("%+v, %d failed", st, failed.Load())
		}
		if err := ask("/a"); err != nil {
			t.Error(err)
		}
		all.Wait()
	})
}

// TestFewOrAnsweredRequestsShutNothing is what a caller could try who wants to
// shut others out: slow requests that are given up, while others are answered.
func TestFewOrAnsweredRequestsShutNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *backend, ask func(string) error, standing func() Standing) {
		for range learnedAfter {
			_, _ = ask("/a"), ask("/b")
		}
		b.set("/a", 700*time.Millisecond)
		var all sync.WaitGroup
		var failed atomic.Int32
		crowd(DefaultFailures-1, ask, "/a", &all, &failed)
		all.Wait()
		if standing().Opens > 0 {
			t.Error("too few shut it")
		}
		for range 20 {
			crowd(2*DefaultFailures, ask, "/a", &all, &failed)
			time.Sleep(100 * time.Millisecond)
			if err := ask("/b"); err != nil {
				t.Error(err)
			}
		}
		all.Wait()
		if failed.Load() > 0 || standing().Opens > 0 {
			t.Errorf("%d failed, %+v", failed.Load(), standing())
		}
	})
}

func TestTheSilenceOfTheTimeOfAnUploadMeansNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backend{delay: map[string]time.Duration{}, seen: map[string]int{}}
		s := NewSet(Options{Dial: b.dial})
		u := &plan.Upstream{URL: &url.URL{Scheme: "http", Host: "192.0.2.1:80"}}
		if err := s.Prepare(u); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 2 * DefaultFailures {
			all.Go(func() {
				body, end := io.Pipe()
				r := get("/a")
				r.Method, r.Body, r.Length, r.Stop = "POST", body, 10, func() { _ = body.Close() }
				go func() {
					for range 10 {
						time.Sleep(time.Second)
						_, _ = io.WriteString(end, "x")
					}
					_ = end.Close()
				}()
				if _, _, err := ask(t, s, u, r); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if st := s.Standings(u)[0]; st.Opens > 0 || b.count("*") > 0 {
			t.Errorf("%+v, asked %d times", st, b.count("*"))
		}
		s.Close()
	})
}

func TestWhatIsUsualIsForgottenSlowly(t *testing.T) {
	t.Parallel()
	l := &lane{}
	now := time.Unix(1000, 0)
	if own, wide := l.patience(DefaultSilence, 30*time.Second); own != 10*time.Second || wide != DefaultSilence {
		t.Errorf("of what is not known: %v %v", own, wide)
	}
	for range learnedAfter {
		l.heads(now, now.Add(-10*time.Millisecond))
	}
	l.heads(now, time.Time{}) // an answer to half a request
	if own, wide := l.patience(DefaultSilence, 30*time.Second); own != DefaultSilence || wide != DefaultSilence {
		t.Errorf("of what is quick: %v %v", own, wide)
	}
	l.heads(now, now.Add(-5*time.Second))
	for range 10 {
		l.heads(now, now.Add(-10*time.Millisecond))
	}
	if own, _ := l.patience(DefaultSilence, 30*time.Second); own < 15*time.Second {
		t.Errorf("after ten quick ones: %v", own)
	}
	for range 1000 {
		l.heads(now, now.Add(-10*time.Millisecond))
	}
	if own, _ := l.patience(DefaultSilence, 30*time.Second); own != DefaultSilence {
		t.Errorf("after a thousand: %v", own)
	}
}

func TestBodiesOfNoUseAreNotAskedForAgainAndAgain(t *testing.T) {
	t.Parallel()
	c := &cooldown{conf: Breaker{Failures: 3}}
	now := time.Unix(1000, 0)
	c.failed(now)
	c.failed(now)
	c.whole()
	c.failed(now)
	c.failed(now)
	if !c.over(now) {
		t.Fatal("too few in a row")
	}
	for _, rest := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		c.failed(now)
		c.failed(now) // it was under way already
		if now = now.Add(rest - time.Millisecond); c.over(now) {
			t.Fatalf("it does not rest for %v", rest)
		}
		if now = now.Add(time.Millisecond); !c.allow(now) {
			t.Fatalf("it rests for longer than %v", rest)
		}
		if now = now.Add(tryTime - time.Millisecond); c.allow(now) {
			t.Fatal("after a rest they are let in at any pace")
		}
		if now = now.Add(time.Millisecond); !c.allow(now) || c.allow(now) {
			t.Fatalf("after a rest one is let in each %v", tryTime)
		}
	}
	for range 2 {
		if !c.allow(now.Add(pacedTime)) {
			t.Errorf("the pace does not end after %v", pacedTime)
		}
	}
	c.whole()
	for range 2 {
		if !c.allow(now) {
			t.Error("the pace does not end with a body that is whole")
		}
	}
	if c.failed(now); !c.over(now) {
		t.Error("what was whole changes nothing")
	}
}

func TestAReplyThatIsTooLargeShutsItsOperationAlone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *backend, ask func(string) error, standing func() Standing) {
		var p Response
		p.Blame() // of a reply that never came
		_, _ = ask("/a"), ask("/b")
		for range DefaultFailures {
			(&Response{lane: b.end.lane("/a")}).Blame()
		}
		if err := ask("/a"); !kindIs(err, Open) {
			t.Errorf("%v", err)
		}
		if err := ask("/b"); err != nil || standing().State != Closed || standing().Shut != 1 {
			t.Errorf("another operation: %v, %+v", err, standing())
		}
		time.Sleep(DefaultOpen)
		if err := ask("/a"); err != nil || standing().Shut != 0 {
			t.Errorf("after the rest: %v", err)
		}
	})
}

func TestTinyChunksCostNoMoreThanTheyBring(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"4\r\n    \r\n": false, "10\r\n                \r\n": true} {
		s, u := prepared(t, speaking(t, func(c net.Conn) {
			hear(c, 0)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for part := strings.Repeat(text, 4096); ; {
				if _, err := io.WriteString(c, part); err != nil {
					return
				}
			}
		}))
		var p Response
		if err := s.Send(t.Context(), u, get("/"), &p); err != nil {
			t.Fatal(err)
		}
		const most = tinyChunk * maxTiny
		n, err := io.CopyN(io.Discard, p.Body, most)
		_ = p.Body.Close()
		if want != (n == most) || !want && !kindIs(err, Malformed) {
			t.Errorf("%.20q: %d bytes, %v", text, n, err)
		}
	}
}

func TestOperationsHaveLanesOfTheirOwn(t *testing.T) {
	t.Parallel()
	a := &address{set: &Set{seed: maphash.MakeSeed()}}
	of := map[*lane]string{}
	for i := range 500 {
		name := fmt.Sprintf("GET /%d", i)
		l := a.lane(name)
		if l.operation != name || of[l] != "" {
			t.Errorf("%s has the lane of %q, as %q has", name, l.operation, of[l])
		}
		if of[l] = name; a.lane(name) != l {
			t.Errorf("%s has two lanes", name)
		}
	}
	for i := range 5 * lanes { // more than there are lanes share some
		if a.lane(fmt.Sprintf("PUT /%d", i)) == nil {
			t.Fatal("no lane")
		}
	}
}
