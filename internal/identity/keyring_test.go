package identity_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ring loads a keyring that sees the time now.
func ring(t testing.TB, feed identity.Feed, now time.Time) *identity.Keyring {
	t.Helper()
	k, err := identity.NewKeyring(t.Context(), feed, clock.Fixed(now), identity.Following{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rotate replaces a key.
func rotate(t testing.TB, k *identity.Keys, old identity.Issued, overlap time.Duration) identity.Issued {
	t.Helper()
	next, err := k.Rotate(t.Context(), old.Key, overlap)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// revoke withdraws a key.
func revoke(t testing.TB, k *identity.Keys, issued identity.Issued) {
	t.Helper()
	if _, err := k.Revoke(t.Context(), issued.Key, ""); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyTellsWhy(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	k := newKeys(t, mem, noon())
	valid, dead, old, leaving := create(t, k), create(t, k), create(t, k), create(t, k)
	next := rotate(t, k, old, 0)
	rotate(t, k, leaving, time.Hour)
	revoke(t, k, dead)
	stranger := create(t, newKeys(t, storetest.NewMemory(), noon()))
	typo := valid.Key.Reveal()[:56] + flip(valid.Key.Reveal()[56])

	end := valid.Record.Expires
	for _, c := range []struct {
		name string
		key  secret.Text
		at   time.Time
		want identity.Reason
	}{
		{"a valid key", valid.Key, noon(), identity.Valid},
		{"to its last moment", valid.Key, end.Add(-time.Millisecond), identity.Valid},
		{"at its end", valid.Key, end, identity.Expired},
		{"a revoked key", dead.Key, noon(), identity.Revoked},
		{"a revoked key after its end", dead.Key, end, identity.Revoked},
		{"a rotated key without overlap", old.Key, noon(), identity.RotatedOut},
		{"its successor", next.Key, noon(), identity.Valid},
		{"a rotated key in the overlap", leaving.Key, noon().Add(time.Hour - time.Millisecond), identity.Valid},
		{"a rotated key after it", leaving.Key, noon().Add(time.Hour), identity.RotatedOut},
		{"the key of a stranger", stranger.Key, noon(), identity.Unknown},
		{"a mistyped key", secret.New(typo), noon(), identity.BadChecksum},
		{"a part of a key", secret.New(typo[:30]), noon(), identity.Malformed},
		{"nothing", secret.Text{}, noon(), identity.Malformed},
		{"an id", secret.New(valid.Record.ID), noon(), identity.Malformed},
	} {
		who, got := ring(t, mem, c.at).Verify(c.key)
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if _, want, err := newKeys(t, mem, c.at).Check(t.Context(), c.key); err != nil || got != want {
			t.Errorf("%s: Verify says %v, Check %v (%v)", c.name, got, want, err)
		}
		if known := got > identity.Unknown; known != (who.KeyID != "") {
			t.Errorf("%s: the caller is %+v", c.name, who)
		}
	}
}

func TestTheCallerIsTheOwner(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	issued := create(t, newKeys(t, mem, noon()))
	got, _ := ring(t, mem, noon()).Verify(issued.Key)
	want := identity.Caller{ID: "alice", KeyID: issued.Record.ID, Kind: identity.Client, Owner: "alice", Scopes: []string{"orders:read"}, Tier: "free"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
}

// bubble runs test in a synctest bubble with a keyring that follows mem.
func bubble(t *testing.T, test func(*testing.T, *storetest.Memory, *identity.Keyring, *reports)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		mem, said := storetest.NewMemory(), &reports{}
		k, err := identity.NewKeyring(t.Context(), mem, clock.System{}, identity.Following{Report: said.add})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- k.Run(ctx) }()
		test(t, mem, k, said)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

// reports collects what a keyring reports.
type reports struct {
	mu   sync.Mutex
	errs []error
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *reports) take() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.errs
	r.errs = nil
	return out
}

// pass lets d of the bubble's time go by.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	<-time.After(d)
	synctest.Wait()
}

func TestChangesActWithinASecond(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, mem *storetest.Memory, k *identity.Keyring, _ *reports) {
		other := newKeys(t, mem, time.Now()) // another process on the same store
		issued := create(t, other)
		if _, got := k.Verify(issued.Key); got != identity.Unknown {
			t.Errorf("before the poll: %v", got)
		}
		pass(t, identity.DefaultPoll)
		if _, got := k.Verify(issued.Key); got != identity.Valid {
			t.Errorf("after it was made: %v", got)
		}
		next := rotate(t, other, issued, 0)
		pass(t, identity.DefaultPoll)
		if _, got := k.Verify(issued.Key); got != identity.RotatedOut {
			t.Errorf("after it was rotated: %v", got)
		}
		revoke(t, other, next)
		pass(t, identity.DefaultPoll)
		if _, got := k.Verify(next.Key); got != identity.Revoked {
			t.Errorf("after it was revoked: %v", got)
		}
	})
}

func TestABrokenStoreLeavesTheSnapshot(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, mem *storetest.Memory, k *identity.Keyring, said *reports) {
		keys := newKeys(t, mem, time.Now())
		issued := create(t, keys)
		pass(t, identity.DefaultPoll)
		broken := errors.New("disk on fire")
		mem.Break(broken)
		since := time.Now()
		pass(t, 10*time.Second)
		if _, got := k.Verify(issued.Key); got != identity.Valid {
			t.Errorf("without the store the key is %v", got)
		}
		st := k.Status()
		if !errors.Is(st.Err, broken) || st.Keys != 1 || st.Since.Sub(since) > identity.DefaultPoll {
			t.Errorf("Status = %+v", st)
		}
		if errs := said.take(); len(errs) != 1 || !errors.Is(errs[0], broken) {
			t.Errorf("reported %v, want the fault once", errs)
		}
		mem.Break(nil)
		revoke(t, keys, issued)
		pass(t, identity.DefaultPoll)
		if _, got := k.Verify(issued.Key); got != identity.Revoked {
			t.Errorf("after the store is back: %v", got)
		}
		if st := k.Status(); st.Err != nil || !st.Since.IsZero() {
			t.Errorf("Status = %+v", st)
		}
		if errs := said.take(); len(errs) != 1 || errs[0] != nil {
			t.Errorf("reported %v, want nil once", errs)
		}
	})
}

func TestAKeyringNeedsItsFirstSnapshot(t *testing.T) {
	t.Parallel()
	mem, broken := storetest.NewMemory(), errors.New("no disk")
	mem.Break(broken)
	if _, err := identity.NewKeyring(t.Context(), mem, clock.Fixed(noon()), identity.Following{}); !errors.Is(err, broken) {
		t.Errorf("NewKeyring = %v", err)
	}
}

// counting counts the batches of uses that reach a store.
type counting struct {
	*storetest.Memory
	mu      sync.Mutex
	batches []int
}

func (c *counting) MarkUsed(ctx context.Context, uses []identity.Use) error {
	c.mu.Lock()
	c.batches = append(c.batches, len(uses))
	c.mu.Unlock()
	return c.Memory.MarkUsed(ctx, uses)
}

func (c *counting) take() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.batches
	c.batches = nil
	return out
}

func TestUsesAreStoredOnceAMinuteInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := &counting{Memory: storetest.NewMemory()}
		keys := newKeys(t, feed, time.Now())
		var all []identity.Issued
		for range 1100 {
			all = append(all, create(t, keys))
		}
		k, err := identity.NewKeyring(t.Context(), feed, clock.System{}, identity.Following{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- k.Run(ctx) }()

		for range 50 { // seconds, in which all keys are busy
			for _, issued := range all {
				k.Verify(issued.Key)
			}
			pass(t, time.Second)
		}
		if got := feed.take(); len(got) != 0 {
			t.Errorf("batches within the first minute: %v", got)
		}
		pass(t, 11*time.Second)
		if diff := cmp.Diff([]int{500, 500, 100}, feed.take()); diff != "" {
			t.Errorf("batches after the minute (-want +got):\n%s", diff)
		}
		pass(t, 2*time.Minute)
		if got := feed.take(); len(got) != 0 {
			t.Errorf("batches without uses: %v", got)
		}

		k.Verify(all[0].Key)
		k.Flag(all[0].Record.ID, identity.SeenInClear)
		k.Flag(all[1].Record.ID, identity.SeenInClear)
		k.Flag("k_0000000000", identity.SeenInClear)
		at := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
		if diff := cmp.Diff([]int{2}, feed.take()); diff != "" {
			t.Errorf("batches at the end (-want +got):\n%s", diff)
		}
		r, err := keys.Show(t.Context(), all[0].Key)
		if err != nil || at.Sub(r.LastUsed) > time.Millisecond || r.Flags != identity.SeenInClear {
			t.Errorf("after the end: last used %v (want %v), flags %q, %v", r.LastUsed, at, r.Flags, err)
		}
	})
}

func TestUsesThatCannotBeStoredAreKept(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, mem *storetest.Memory, k *identity.Keyring, said *reports) {
		keys := newKeys(t, mem, time.Now())
		issued := create(t, keys)
		pass(t, time.Second)
		k.Verify(issued.Key)
		mem.Break(errors.New("full"))
		pass(t, time.Minute)
		if errs := said.take(); len(errs) != 2 {
			t.Errorf("reported %v, want the fault of the poll and that of the uses", errs)
		}
		mem.Break(nil)
		pass(t, time.Minute)
		if r, err := keys.Show(t.Context(), issued.Key); err != nil || r.LastUsed.IsZero() {
			t.Errorf("the use is lost: %+v, %v", r, err)
		}
	})
}

func TestAUseOutlivesAChangeOfItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := &counting{Memory: storetest.NewMemory()}
		keys := newKeys(t, feed, time.Now())
		issued := create(t, keys)
		k, err := identity.NewKeyring(t.Context(), feed, clock.System{}, identity.Following{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- k.Run(ctx) }()
		k.Verify(issued.Key)
		k.Flag(issued.Record.ID, identity.SeenInClear)
		revoke(t, keys, issued) // the record changes before the use is stored
		pass(t, time.Second)
		if _, got := k.Verify(issued.Key); got != identity.Revoked {
			t.Errorf("the key is %v", got)
		}
		pass(t, 3*time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
		r, err := keys.Show(t.Context(), issued.Key)
		if err != nil || r.LastUsed.IsZero() || r.Flags != identity.SeenInClear {
			t.Errorf("last used %v, flags %q, %v", r.LastUsed, r.Flags, err)
		}
		if diff := cmp.Diff([]int{1}, feed.take()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	})
}

func TestAFeedThatStartsAgainReplacesEverything(t *testing.T) {
	t.Parallel()
	before, after := storetest.NewMemory(), storetest.NewMemory()
	var lost []identity.Issued
	for range 5 {
		lost = append(lost, create(t, newKeys(t, before, noon())))
	}
	kept := create(t, newKeys(t, after, noon()))
	feed := &switching{Feed: before}
	k := ring(t, feed, noon())
	feed.Feed = after
	if err := k.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, got := k.Verify(lost[0].Key); got != identity.Unknown {
		t.Errorf("a key that is gone is %v", got)
	}
	if _, got := k.Verify(kept.Key); got != identity.Valid || k.Status().Keys != 1 {
		t.Errorf("the key that is there is %v of %d", got, k.Status().Keys)
	}
}

type switching struct{ identity.Feed }

// endless is a feed whose list has no end and makes no progress.
type endless struct{ identity.Feed }

func (endless) Changes(_ context.Context, since int64) (identity.Changes, error) {
	return identity.Changes{Version: since, More: true}, nil
}

func TestAFeedWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := identity.NewKeyring(t.Context(), endless{}, clock.Fixed(noon()), identity.Following{}); err == nil {
		t.Error("a list without end was accepted")
	}
}

func TestVerifyIsSafeBesideChanges(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	keys := newKeys(t, mem, noon())
	steady := create(t, keys)
	k := ring(t, mem, noon())
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, got := k.Verify(steady.Key); got != identity.Valid {
					t.Errorf("a steady key is %v", got)
					return
				}
				k.Flag(steady.Record.ID, identity.SeenInClear)
			}
		})
	}
	for range 3 {
		writers.Go(func() {
			for range 50 {
				issued := create(t, keys)
				if err := k.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				if _, got := k.Verify(issued.Key); got != identity.Valid {
					t.Errorf("after Refresh a new key is %v", got)
				}
				revoke(t, keys, issued)
				if err := k.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				if _, got := k.Verify(issued.Key); got != identity.Revoked {
					t.Errorf("after Refresh a revoked key is %v", got)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}
