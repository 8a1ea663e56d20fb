//go:build unix

package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/store"
)

// A tale is what a gateway does with its keys on a disk with faults, with what
// each change said.
type tale struct {
	t        *testing.T
	disk     *shaky
	path     string
	s        *Store
	k        *identity.Keys
	ring     *identity.Keyring
	good     identity.Issued // never changed
	revoked  []identity.Issued
	failed   []identity.Issued // revocations that gave an error
	made     []identity.Issued
	rotated  []identity.Issued
	unmade   int
	problems []error
}

// open opens the store, on a repaired disk when it does not on the other.
func (a *tale) open() {
	a.t.Helper()
	s, err := a.disk.openOn(a.t.Context(), a.path)
	if err != nil {
		a.explained(err)
		a.disk.set(0, 0, way{})
		if s, err = a.disk.openOn(a.t.Context(), a.path); err != nil {
			a.t.Fatalf("on a repaired disk: %v", err)
		}
	}
	a.s = s
	if a.k, err = identity.NewKeys(s, identity.Settings{Clock: clock.System{}, Rand: rand.Reader}); err != nil {
		a.t.Fatal(err)
	}
}

// explained wants an error that tells the user what to do.
func (a *tale) explained(err error) {
	var e *store.Error
	if err != nil && (!errors.As(err, &e) || e.Hint == "") {
		a.problems = append(a.problems, fmt.Errorf("an error without a hint: %w", err))
	}
}

// act makes, revokes and rotates keys and notes uses, with a keyring that
// follows.
func (a *tale) act() {
	ctx, spec := a.t.Context(), identity.Spec{Name: "test", Owner: "alice"}
	for range 3 {
		old, err := a.k.Create(ctx, spec)
		if a.explained(err); err != nil {
			a.unmade++
			continue
		}
		a.made = append(a.made, old)
		_ = a.ring.Refresh(ctx)
		_, err = a.k.Revoke(ctx, old.Key, "test")
		if a.explained(err); err != nil {
			a.failed = append(a.failed, old)
		} else {
			a.revoked = append(a.revoked, old)
		}
		next, err := a.k.Create(ctx, spec)
		if a.explained(err); err != nil {
			continue
		}
		if _, err = a.k.Rotate(ctx, next.Key, 0); err == nil {
			a.rotated = append(a.rotated, next)
		}
		a.explained(err)
		a.explained(a.s.MarkUsed(ctx, []identity.Use{{ID: a.good.Record.ID, Flags: identity.SeenInClear}}))
		_ = a.ring.Refresh(ctx)
		a.inForce()
	}
}

// inForce asks the keyring, whatever the disk does: what it knows stays in
// force, and what was revoked before stays revoked.
func (a *tale) inForce() {
	if _, r := a.ring.Verify(a.good.Key); r != identity.Valid {
		a.problems = append(a.problems, fmt.Errorf("a good key is %v", r))
	}
}

// check compares what there is with what was said.
func (a *tale) check(ctx context.Context) {
	for _, k := range a.revoked {
		if r, err := a.k.Show(ctx, k.Key); err != nil || r.Revoked.IsZero() {
			a.t.Errorf("a revocation is lost: %+v, %v", r, err)
		}
		if _, r := a.ring.Verify(k.Key); r != identity.Revoked {
			a.t.Errorf("a revoked key is %v", r)
		}
	}
	for _, k := range a.failed { // who was told of an error may revoke again
		if _, err := a.k.Revoke(ctx, k.Key, "again"); err != nil && !errors.Is(err, identity.ErrConflict) {
			if r, e := a.k.Show(ctx, k.Key); e != nil || r.Revoked.IsZero() {
				a.t.Errorf("a second revocation: %v; the key is %+v, %v", err, r, e)
			}
		}
	}
	for _, k := range a.made {
		if _, err := a.k.Show(ctx, k.Key); err != nil {
			a.t.Errorf("a key that was made is lost: %v", err)
		}
	}
	for _, k := range a.rotated {
		r, err := a.k.Show(ctx, k.Key)
		if err != nil || r.RotatedTo == "" || r.OverlapEnd.IsZero() {
			a.t.Errorf("a rotation is lost: %+v, %v", r, err)
		}
	}
	all, err := a.s.List(ctx, identity.Filter{})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, r := range all {
		if r.RotatedTo != "" && !slices.ContainsFunc(all, func(o identity.Record) bool { return o.ID == r.RotatedTo }) {
			a.t.Errorf("half of a rotation: %+v", r)
		}
	}
	if err := a.s.Verify(ctx); err != nil {
		a.t.Error(err)
	}
}

// tell runs a tale in which the operations from number at on fail. It returns
// how many operations there were, and how many changes gave an error.
func tell(t *testing.T, disk *shaky, at, lasts int, w way) (operations, refused int) {
	t.Helper()
	ctx := t.Context()
	a := &tale{t: t, disk: disk, path: filepath.Join(t.TempDir(), "keys.db")}
	disk.set(0, 0, way{})
	a.open()
	var err error
	if a.good, err = a.k.Create(ctx, identity.Spec{Name: "good", Owner: "alice"}); err != nil {
		t.Fatal(err)
	}
	if a.ring, err = identity.NewKeyring(ctx, a.s, clock.System{}, identity.Following{}); err != nil {
		t.Fatal(err)
	}
	disk.set(at, lasts, w)
	a.act()
	// The process ends, on the disk as it is, and another begins.
	_ = a.s.Close()
	a.open()
	disk.mu.Lock()
	count, hit := disk.count, disk.hit
	disk.mu.Unlock()
	disk.set(0, 0, way{})
	if a.ring, err = identity.NewKeyring(ctx, a.s, clock.System{}, identity.Following{}); err != nil {
		t.Fatal(err)
	}
	a.inForce()
	a.check(ctx)
	if err := a.s.Close(); err != nil {
		t.Error(err)
	}
	for _, p := range a.problems {
		t.Error(p)
	}
	if t.Failed() {
		t.Fatalf("a disk that is %s from operation %d on: %v", w.name, at, hit)
	}
	return count, len(a.failed) + a.unmade
}

// TestAnyOperationOfTheDiskMayFail lets each operation that SQLite asks the
// disk for fail: once, or until the process ends and another has tried to open
// the store. No revocation that was confirmed is lost, nothing is there by
// half, and the keyring serves what it knew.
func TestAnyOperationOfTheDiskMayFail(t *testing.T) {
	t.Parallel()
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			disk := newShaky(t, "shaky-"+w.name)
			whole, _ := tell(t, disk, 0, 0, w)
			if whole < 8 {
				t.Fatalf("only %d operations", whole)
			}
			step, refused := 1+whole/60, 0
			if testing.Short() {
				step = 1 + whole/12
			}
			for at := 1; at <= whole; at += step {
				_, once := tell(t, disk, at, 1, w)
				_, long := tell(t, disk, at, 1<<30, w)
				refused += once + long
			}
			if refused == 0 {
				t.Error("no change ever gave an error")
			}
			t.Logf("%d operations, %d changes refused", whole, refused)
		})
	}
}
