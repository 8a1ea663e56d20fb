package identity_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/store/storetest"
)

// told collects changes as "kind id".
type told struct {
	mu   sync.Mutex
	list []string
}

func (l *told) add(c identity.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kind := map[identity.ChangeKind]string{identity.Created: "created ", identity.Replaced: "replaced ", identity.Withdrawn: "withdrawn "}[c.Kind]
	l.list = append(l.list, kind+c.Record.ID)
}

func (l *told) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.list
	l.list = nil
	return out
}

// looks counts how often a feed is asked.
type looks struct {
	*storetest.Memory
	mu sync.Mutex
	n  int
}

func (l *looks) Changes(ctx context.Context, since int64) (identity.Changes, error) {
	l.mu.Lock()
	l.n++
	l.mu.Unlock()
	return l.Memory.Changes(ctx, since)
}

func (l *looks) take() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.n
	l.n = 0
	return n
}

// followed runs test in a bubble with a keyring that tells what changes.
func followed(t *testing.T, poll time.Duration, test func(*testing.T, *identity.Keys, *identity.Keyring, *looks, *told)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		feed, said := &looks{Memory: storetest.NewMemory()}, &told{}
		keys := newKeys(t, feed, time.Now())
		create(t, keys) // before anybody follows
		ring, err := identity.NewKeyring(t.Context(), feed, clock.System{}, identity.Following{Poll: poll, Changed: said.add})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- ring.Run(ctx) }()
		feed.take()
		test(t, keys, ring, feed, said)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestEachChangeIsToldOnce(t *testing.T) {
	t.Parallel()
	followed(t, identity.DefaultPoll, func(t *testing.T, keys *identity.Keys, ring *identity.Keyring, _ *looks, said *told) {
		pass(t, time.Second)
		if got := said.take(); len(got) != 0 {
			t.Errorf("told of what was there before: %v", got)
		}
		a := create(t, keys)
		if err := ring.Refresh(t.Context()); err != nil { // be it by Run or beside it
			t.Fatal(err)
		}
		pass(t, time.Second)
		next := rotate(t, keys, a, time.Hour)
		pass(t, time.Second)
		revoke(t, keys, a)
		b := create(t, keys)
		revoke(t, keys, b)
		pass(t, time.Second)
		want := []string{
			"created " + a.Record.ID, "created " + next.Record.ID, "replaced " + a.Record.ID,
			"withdrawn " + a.Record.ID, "created " + b.Record.ID, "withdrawn " + b.Record.ID,
		}
		got := said.take()
		if len(got) > 2 && strings.HasPrefix(got[1], "replaced") { // the feed may name either key first
			got[1], got[2] = got[2], got[1]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

func TestAKeyOfAMomentAgoWorksAtTheSecondTry(t *testing.T) {
	t.Parallel()
	followed(t, time.Hour, func(t *testing.T, keys *identity.Keys, ring *identity.Keyring, _ *looks, _ *told) {
		pass(t, time.Second)
		issued := create(t, keys)
		if _, got := ring.Verify(issued.Key); got != identity.Unknown {
			t.Errorf("at once: %v", got)
		}
		synctest.Wait()
		if _, got := ring.Verify(issued.Key); got != identity.Valid {
			t.Errorf("after a look: %v", got)
		}
	})
}

func TestAFloodOfUnknownKeysCausesFewLooks(t *testing.T) {
	t.Parallel()
	for _, poll := range []time.Duration{identity.DefaultPoll, time.Hour} {
		followed(t, poll, func(t *testing.T, _ *identity.Keys, ring *identity.Keyring, feed *looks, _ *told) {
			stranger := create(t, newKeys(t, storetest.NewMemory(), time.Now()))
			for range 10_000 { // ten seconds
				ring.Verify(stranger.Key)
				pass(t, time.Millisecond)
			}
			if n := feed.take(); n < 45 || n > 62 {
				t.Errorf("with a poll every %v: %d looks in ten seconds, want 50 to 60", poll, n)
			}
			for range 10_000 {
				ring.Verify(secret.New("sp_live_x"))
				pass(t, time.Millisecond)
			}
			if n := feed.take(); poll == time.Hour && n > 0 {
				t.Errorf("what is no key causes %d looks", n)
			}
		})
	}
}
