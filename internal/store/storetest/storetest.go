// Package storetest is the suite that every store of keys passes: what one
// store promises, all do.
package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/identity"
)

// Keys is what a store of keys implements.
type Keys interface {
	identity.Store
	identity.Feed
}

// Run runs the suite. open returns an empty store, and closes it when the
// test ends.
func Run(t *testing.T, open func(testing.TB) Keys) {
	cases := []struct {
		name string
		test func(*testing.T, Keys)
	}{
		{"what was added is listed as it was, oldest first", added},
		{"an id or digest that is taken is refused and changes nothing", taken},
		{"each filter selects what it says", filtered},
		{"lists come in pages", paged},
		{"a rotation is one step", rotated},
		{"a rotation that cannot be done changes nothing", notRotated},
		{"a revoked key stays revoked", revoked},
		{"of many that change a key at once, one succeeds", raced},
		{"changes come once, in order, and uses are no change", followed},
		{"many changes come in pages that lose none", followedFar},
		{"a version from the future starts again", restarted},
		{"uses are merged", used},
		{"a canceled context changes nothing", canceled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open(t))
		})
	}
}

// epoch is when the records of the suite were made.
func epoch() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC) }

// record makes the n-th record.
func record(n int) identity.Record {
	return identity.Record{
		ID: fmt.Sprintf("k_%010d", n), Hint: fmt.Sprintf("sp_live_%03d…", n%1000),
		Digest: sha256.Sum256(fmt.Append(nil, n)),
		Name:   fmt.Sprintf("ключ %d 'quoted' \"%%", n), Owner: "alice", Scopes: []string{"orders:read", "orders:write"}, Tier: "free",
		Created: epoch(), Expires: epoch().Add(90 * 24 * time.Hour),
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill adds the records from 0 to n-1, each changed by edit.
func fill(t testing.TB, s Keys, n int, edit func(int, *identity.Record)) []identity.Record {
	t.Helper()
	all := make([]identity.Record, n)
	for i := range all {
		all[i] = record(i)
		edit(i, &all[i])
		must(t, s.Add(t.Context(), all[i]))
	}
	return all
}

func asIs(int, *identity.Record) {}

// want compares a list with what it should be.
func want(t testing.TB, s Keys, f identity.Filter, records ...identity.Record) {
	t.Helper()
	got, err := s.List(t.Context(), f)
	must(t, err)
	if diff := cmp.Diff(records, got); diff != "" {
		t.Errorf("List(%+v) (-want +got):\n%s", f, diff)
	}
}

func added(t *testing.T, s Keys) {
	want(t, s, identity.Filter{})
	all := fill(t, s, 3, func(i int, r *identity.Record) {
		if i == 1 {
			r.Scopes = nil
		}
	})
	want(t, s, identity.Filter{}, all...)
}

func taken(t *testing.T, s Keys) {
	all := fill(t, s, 2, asIs)
	sameID, sameDigest := record(7), record(8)
	sameID.ID, sameDigest.Digest = all[0].ID, all[1].Digest
	for _, r := range []identity.Record{sameID, sameDigest, all[0]} {
		if err := s.Add(t.Context(), r); !errors.Is(err, identity.ErrTaken) {
			t.Errorf("Add of a taken record: %v, want ErrTaken", err)
		}
	}
	want(t, s, identity.Filter{}, all...)
}

func filtered(t *testing.T, s Keys) {
	all := fill(t, s, 6, func(i int, r *identity.Record) {
		switch i {
		case 1:
			r.Owner = "bob"
		case 2:
			r.Expires = epoch().Add(time.Hour)
		case 3:
			r.Revoked, r.RevokedReason = epoch().Add(time.Minute), "leaked"
		case 4:
			r.RotatedTo, r.OverlapEnd = record(0).ID, epoch().Add(2*time.Hour)
		case 5:
			r.Created = epoch().Add(3 * time.Hour)
		}
	})
	must(t, s.MarkUsed(t.Context(), []identity.Use{{ID: all[1].ID, At: epoch().Add(4 * time.Hour)}}))
	all[1].LastUsed = epoch().Add(4 * time.Hour)

	digest, unknown := all[4].Digest, record(99).Digest
	filters := []identity.Filter{
		{}, {ID: all[3].ID}, {ID: "k_0000000099"}, {ID: "' OR 1=1 --"}, {Digest: &digest}, {Digest: &unknown}, {Hint: all[2].Hint}, {Owner: "bob"}, {Owner: "BOB"}, {Owner: "%"},
		{UsableAt: epoch()}, {UsableAt: epoch().Add(time.Hour)}, {UsableAt: epoch().Add(2 * time.Hour)}, {UsableAt: epoch().Add(2*time.Hour - time.Millisecond)}, {UsableAt: epoch().Add(100 * 24 * time.Hour)},
		{UnusedSince: epoch()}, {UnusedSince: epoch().Add(time.Millisecond)}, {UnusedSince: epoch().Add(4 * time.Hour)}, {UnusedSince: epoch().Add(5 * time.Hour)},
		{Owner: "alice", UsableAt: epoch().Add(90 * time.Minute), UnusedSince: epoch().Add(time.Hour)},
	}
	for _, f := range filters {
		var match []identity.Record
		for _, r := range all {
			if f.Matches(r) {
				match = append(match, r)
			}
		}
		want(t, s, f, match...)
	}
}

func paged(t *testing.T, s Keys) {
	all := fill(t, s, 5, asIs)
	want(t, s, identity.Filter{Limit: 2}, all[:2]...)
	want(t, s, identity.Filter{Limit: 2, After: all[1].ID}, all[2:4]...)
	want(t, s, identity.Filter{Limit: 2, After: all[3].ID}, all[4])
	want(t, s, identity.Filter{After: all[4].ID})
	want(t, s, identity.Filter{After: "k_0000000099"})
}

func rotated(t *testing.T, s Keys) {
	all := fill(t, s, 2, asIs)
	end := epoch().Add(time.Hour)
	must(t, s.Rotate(t.Context(), identity.Rotation{ID: all[0].ID, OverlapEnd: end, Successor: record(2)}))
	all[0].RotatedTo, all[0].OverlapEnd = record(2).ID, end
	want(t, s, identity.Filter{}, all[0], all[1], record(2))
}

func notRotated(t *testing.T, s Keys) {
	all := fill(t, s, 3, asIs)
	must(t, s.Rotate(t.Context(), identity.Rotation{ID: all[0].ID, OverlapEnd: epoch(), Successor: record(3)}))
	must(t, s.Revoke(t.Context(), identity.Revocation{ID: all[1].ID, At: epoch()}))
	before, err := s.List(t.Context(), identity.Filter{})
	must(t, err)
	for _, c := range []struct {
		id   string
		next identity.Record
		want error
	}{
		{all[0].ID, record(4), identity.ErrConflict},
		{all[1].ID, record(4), identity.ErrConflict},
		{"k_0000000099", record(4), identity.ErrConflict},
		{all[2].ID, all[1], identity.ErrTaken},
		{all[2].ID, all[2], identity.ErrTaken},
	} {
		err := s.Rotate(t.Context(), identity.Rotation{ID: c.id, OverlapEnd: epoch(), Successor: c.next})
		if !errors.Is(err, c.want) {
			t.Errorf("Rotate(%s to %s): %v, want %v", c.id, c.next.ID, err, c.want)
		}
	}
	want(t, s, identity.Filter{}, before...)
}

func revoked(t *testing.T, s Keys) {
	all := fill(t, s, 2, asIs)
	must(t, s.Revoke(t.Context(), identity.Revocation{ID: all[0].ID, At: epoch().Add(time.Second), Reason: "leaked"}))
	all[0].Revoked, all[0].RevokedReason = epoch().Add(time.Second), "leaked"
	for _, id := range []string{all[0].ID, "k_0000000099"} {
		if err := s.Revoke(t.Context(), identity.Revocation{ID: id, At: epoch().Add(time.Hour), Reason: "again"}); !errors.Is(err, identity.ErrConflict) {
			t.Errorf("Revoke(%s): %v, want ErrConflict", id, err)
		}
	}
	want(t, s, identity.Filter{}, all...)
}

func raced(t *testing.T, s Keys) {
	all := fill(t, s, 2, asIs)
	var rotations, revocations, other atomic.Int32
	count := func(n *atomic.Int32, err error) {
		switch {
		case err == nil:
			n.Add(1)
		case !errors.Is(err, identity.ErrConflict):
			other.Add(1)
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			count(&rotations, s.Rotate(t.Context(), identity.Rotation{ID: all[0].ID, OverlapEnd: epoch(), Successor: record(10 + i)}))
			count(&revocations, s.Revoke(t.Context(), identity.Revocation{ID: all[1].ID, At: epoch()}))
		})
	}
	wg.Wait()
	if rotations.Load() != 1 || revocations.Load() != 1 || other.Load() != 0 {
		t.Errorf("%d rotations and %d revocations succeeded, want one each", rotations.Load(), revocations.Load())
	}
	if got, err := s.List(t.Context(), identity.Filter{}); err != nil || len(got) != 3 {
		t.Errorf("%d records (%v), want the two and one successor", len(got), err)
	}
}

// changes reads all pages since a version.
func changes(t testing.TB, s Keys, since int64) (ids []string, version int64) {
	t.Helper()
	for range 1000 {
		page, err := s.Changes(t.Context(), since)
		must(t, err)
		if page.Full {
			t.Fatal("the feed started again")
		}
		for _, r := range page.Records {
			ids = append(ids, r.ID)
		}
		if since = page.Version; !page.More {
			return ids, since
		}
	}
	t.Fatal("the feed goes on without end")
	return nil, 0
}

func followed(t *testing.T, s Keys) {
	ids, v := changes(t, s, 0)
	if len(ids) != 0 {
		t.Errorf("an empty store has changes %v", ids)
	}
	all := fill(t, s, 3, asIs)
	steps := []struct {
		name string
		do   func() error
		want []string
	}{
		{"added", func() error { return nil }, []string{all[0].ID, all[1].ID, all[2].ID}},
		{"nothing", func() error { return nil }, nil},
		{"revoked", func() error { return s.Revoke(t.Context(), identity.Revocation{ID: all[1].ID, At: epoch()}) }, []string{all[1].ID}},
		{"rotated", func() error {
			return s.Rotate(t.Context(), identity.Rotation{ID: all[0].ID, OverlapEnd: epoch(), Successor: record(3)})
		}, []string{record(3).ID, all[0].ID}},
		{"used", func() error { return s.MarkUsed(t.Context(), []identity.Use{{ID: all[2].ID, At: epoch()}}) }, nil},
	}
	for _, c := range steps {
		must(t, c.do())
		ids, v = changes(t, s, v)
		if diff := cmp.Diff(c.want, ids); diff != "" {
			t.Errorf("changes after %q (-want +got):\n%s", c.name, diff)
		}
	}
	if ids, _ := changes(t, s, 0); len(ids) != 4 {
		t.Errorf("all changes are %v, want four keys once each", ids)
	}
}

func followedFar(t *testing.T, s Keys) {
	const n = 60
	fill(t, s, n, asIs)
	ids, v := changes(t, s, 0)
	if len(ids) != n {
		t.Fatalf("%d changes, want %d", len(ids), n)
	}
	for i := range n {
		must(t, s.Revoke(t.Context(), identity.Revocation{ID: record(n - 1 - i).ID, At: epoch()}))
	}
	if ids, _ = changes(t, s, v); len(ids) != n || ids[0] != record(n-1).ID || ids[n-1] != record(0).ID {
		t.Errorf("%d changes, want %d in the order of revocation: %v", len(ids), n, ids)
	}
}

func restarted(t *testing.T, s Keys) {
	fill(t, s, 2, asIs)
	page, err := s.Changes(t.Context(), 1_000_000)
	must(t, err)
	if !page.Full || len(page.Records) != 2 || page.Version >= 1_000_000 {
		t.Errorf("Changes(1000000) = full %v, %d records, version %d; want all again", page.Full, len(page.Records), page.Version)
	}
}

func used(t *testing.T, s Keys) {
	r := fill(t, s, 2, asIs)[0]
	t1, t2 := epoch().Add(time.Hour), epoch().Add(2*time.Hour)
	for _, uses := range [][]identity.Use{
		{{ID: r.ID, Flags: identity.SeenInClear}},
		{{ID: r.ID, At: t2}, {ID: "k_0000000099", At: t2}},
		{{ID: r.ID, At: t1, Flags: 1 << 7}, {ID: r.ID}},
		{},
	} {
		must(t, s.MarkUsed(t.Context(), uses))
	}
	r.LastUsed, r.Flags = t2, identity.SeenInClear|1<<7
	want(t, s, identity.Filter{}, r, record(1))
}

func canceled(t *testing.T, s Keys) {
	all := fill(t, s, 1, asIs)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, listed := s.List(ctx, identity.Filter{})
	_, changed := s.Changes(ctx, 0)
	for what, err := range map[string]error{
		"Add":      s.Add(ctx, record(1)),
		"Rotate":   s.Rotate(ctx, identity.Rotation{ID: all[0].ID, OverlapEnd: epoch(), Successor: record(2)}),
		"Revoke":   s.Revoke(ctx, identity.Revocation{ID: all[0].ID, At: epoch()}),
		"MarkUsed": s.MarkUsed(ctx, []identity.Use{{ID: all[0].ID, At: epoch()}}),
		"List":     listed, "Changes": changed,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a canceled context: %v", what, err)
		}
	}
	want(t, s, identity.Filter{}, all...)
}
