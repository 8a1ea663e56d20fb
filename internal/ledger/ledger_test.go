package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/lib/clock"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir, os.Getenv(childFrom)))
	}
	goleak.VerifyTestMain(m)
}

// start is the time of the tests' clock.
func start() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// A hand is a clock that a test moves.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// options are those of a ledger in a folder of the test.
func options(t testing.TB, change ...func(*Options)) Options {
	o := Options{Dir: filepath.Join(t.TempDir(), "ledger"), Clock: clock.Fixed(start()), Rand: rand.Reader}
	for _, c := range change {
		c(&o)
	}
	return o
}

func mustOpen(t testing.TB, o Options) *Ledger {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, l) })
	return l
}

func mustClose(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// id is the n-th decision id of a test.
func id(n int) event.ID {
	ms := start().UnixMilli()
	return event.ID{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 1, byte(n >> 16), byte(n >> 8), byte(n)}
}

// get is an exchange of alice.
func get(n int) *event.Event {
	return &event.Event{
		Kind: event.Exchange, ID: id(n), Time: start().Add(time.Duration(n) * time.Millisecond), API: "orders", Operation: "GET /orders/{}", Method: "GET",
		Caller: event.Caller{Kind: event.ByUser}, Personal: event.Personal{Subject: "alice", Address: "192.0.2.7", Path: fmt.Sprintf("/orders/%d", n)},
		Decision: event.Allow, Status: 200, Passed: []string{"tls", "authn"},
	}
}

// post is the same with an unsafe method.
func post(n int) *event.Event {
	e := get(n)
	e.Method, e.Operation = "POST", "POST /orders"
	return e
}

func mustSeal(t testing.TB, l *Ledger, events ...*event.Event) {
	t.Helper()
	for _, e := range events {
		if err := l.Seal(e); err != nil {
			t.Fatal(err)
		}
	}
}

func mustVerify(t testing.TB, dir string, opt VerifyOptions) *Report {
	t.Helper()
	r, err := Verify(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// all reads what a query finds.
func all(t testing.TB, r Reader, q Query) []*event.Event {
	t.Helper()
	var out []*event.Event
	for e, err := range r.Scan(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func TestWhatIsSealedReadsBackAndVerifies(t *testing.T) {
	t.Parallel()
	o := options(t, func(o *Options) { o.SegmentBytes = 4096 })
	l := mustOpen(t, o)
	for n := range 50 {
		if err := l.Intent(post(2 * n)); err != nil {
			t.Fatal(err)
		}
		mustSeal(t, l, post(2*n), get(2*n+1))
		if err := l.Flush(); err != nil { // a segment ends between two commits
			t.Fatal(err)
		}
	}
	mustClose(t, l)
	keys, err := ReadKeys(filepath.Join(o.Dir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	events := all(t, Reader{Dir: o.Dir, Keys: keys}, Query{})
	if len(events) != 150 {
		t.Fatalf("%d events, want 150", len(events))
	}
	for i, e := range events {
		n := i / 3 * 2
		if i%3 == 2 {
			n++
		}
		if e.Seq != uint64(i+1) || e.ID != id(n) || e.Personal.Path != fmt.Sprintf("/orders/%d", n) || e.Personal.Subject != "alice" {
			t.Fatalf("record %d is %+v", i, e)
		}
	}
	r := mustVerify(t, o.Dir, VerifyOptions{})
	if !r.OK() || r.Records != 150 || r.Segments < 5 || r.First != 1 || r.Last != 150 || r.Unsigned != 0 || r.Open != 0 || r.Heads < r.Segments {
		t.Errorf("%+v", r)
	}
}

func TestALedgerGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	o := options(t)
	for n := range 5 {
		l, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		mustSeal(t, l, get(2*n), get(2*n+1))
		mustClose(t, l)
	}
	if events := all(t, Reader{Dir: o.Dir}, Query{}); len(events) != 10 || events[9].Seq != 10 {
		t.Errorf("%d events", len(events))
	}
	if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Segments != 1 || r.Heads != 5 {
		t.Errorf("%+v", r)
	}
}

func TestOneProcessHoldsTheLock(t *testing.T) {
	t.Parallel()
	o := options(t)
	mustOpen(t, o)
	if l, err := Open(o); err == nil {
		mustClose(t, l)
		t.Error("a second writer is let in")
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	o := options(t, func(o *Options) { o.SegmentBytes = 64 << 10 })
	l := mustOpen(t, o)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 100 {
				if err := l.Intent(post(w*1000 + i)); err != nil {
					t.Error(err)
				}
				if err := l.Seal(post(w*1000 + i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := l.Record(get(1 << 20)); err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		for range 20 { // whoever verifies meanwhile finds nothing wrong
			if r, err := Verify(o.Dir, VerifyOptions{}); err != nil || !r.OK() {
				t.Errorf("while it is written: %+v, %v", r, err)
			}
		}
	})
	wg.Wait()
	mustClose(t, l)
	seen := map[event.ID]int{}
	for _, e := range all(t, Reader{Dir: o.Dir}, Query{}) {
		if want := map[event.Kind]int{event.Intent: 0, event.Exchange: 1}[e.Kind]; e.Method == "POST" && seen[e.ID] != want {
			t.Fatalf("%s %s comes as number %d of its id", e.Kind, e.ID, seen[e.ID])
		}
		seen[e.ID]++
	}
	if r := mustVerify(t, o.Dir, VerifyOptions{}); len(seen) != 801 || !r.OK() || r.Records != 1601 || r.Open != 0 {
		t.Errorf("%d ids, %+v", len(seen), r)
	}
}
