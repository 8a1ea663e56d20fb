//go:build unix

package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/store"
)

// tasks are what the other process can do beside writing.
func tasks() map[string]func(context.Context, string) error {
	return map[string]func(context.Context, string) error{taskFull: struggle}
}

// taskFull lets the other process run out of room at every place of a change.
const taskFull = "full"

// fullStep is the distance between two places, in bytes: less than a page, so
// that each write of a change fails once whole and once in its middle.
const fullStep = 1500

// struggle makes, rotates and revokes keys while files may grow only by a
// little more each round, and compares what the operations said with what
// there is: at once, and after the store was opened again. The limit is that
// of the process, so it has a process of its own.
func struggle(ctx context.Context, path string) error {
	s, err := Open(ctx, path)
	if err != nil {
		return err
	}
	k, err := identity.NewKeys(s, identity.Settings{Clock: clock.System{}, Rand: rand.Reader})
	if err != nil {
		return err
	}
	var tries []try
	failed := 0
	for grow := uint64(0); grow < 60_000; grow += fullStep {
		t, err := tryAt(ctx, k, path, grow)
		if err != nil {
			return fmt.Errorf("with room for %d bytes: %w", grow, err)
		}
		if err := t.check(ctx, k); err != nil {
			return fmt.Errorf("with room for %d bytes: %w", grow, err)
		}
		failed += t.failed()
		tries = append(tries, t)
	}
	if n := 3 * len(tries); failed < n/10 || failed > n*9/10 {
		return fmt.Errorf("%d of %d changes failed: the room does not end within them", failed, n)
	}
	if err := errors.Join(s.Verify(ctx), s.Close()); err != nil {
		return err
	}
	if s, err = Open(ctx, path); err != nil {
		return err
	}
	if k, err = identity.NewKeys(s, identity.Settings{Clock: clock.System{}, Rand: rand.Reader}); err != nil {
		return err
	}
	for _, t := range tries {
		if err := t.check(ctx, k); err != nil {
			return fmt.Errorf("opened again: %w", err)
		}
	}
	fmt.Println("failed", failed, "of", 3*len(tries))
	return errors.Join(s.Verify(ctx), s.Close())
}

// A try is one round: what was there before, and what each change said.
type try struct {
	dead, old, made, next           identity.Issued
	revokeErr, rotateErr, createErr error
}

// tryAt makes two keys, then lets files grow by so many bytes only while one is
// revoked, one is rotated and one is made.
func tryAt(ctx context.Context, k *identity.Keys, path string, grow uint64) (t try, err error) {
	spec := identity.Spec{Name: "test", Owner: "alice"}
	if t.dead, err = k.Create(ctx, spec); err != nil {
		return t, err
	}
	if t.old, err = k.Create(ctx, spec); err != nil {
		return t, err
	}
	end := uint64(0)
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			end = max(end, uint64(info.Size()))
		}
	}
	var usual syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
		return t, err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: end + grow, Max: usual.Max}); err != nil {
		return t, err
	}
	_, t.revokeErr = k.Revoke(ctx, t.dead.Key, "test")
	t.next, t.rotateErr = k.Rotate(ctx, t.old.Key, 0)
	t.made, t.createErr = k.Create(ctx, spec)
	return t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &usual)
}

func (t *try) failed() (n int) {
	for _, err := range []error{t.revokeErr, t.rotateErr, t.createErr} {
		if err != nil {
			n++
		}
	}
	return n
}

// check compares each change with what it said. A change that failed is not
// there, and neither is a part of it.
func (t *try) check(ctx context.Context, k *identity.Keys) error {
	for _, err := range []error{t.revokeErr, t.rotateErr, t.createErr} {
		var e *store.Error
		if err != nil && (!errors.As(err, &e) || e.Code != store.CodeFull) {
			return fmt.Errorf("not told as a full disk: %w", err)
		}
	}
	dead, err := k.Show(ctx, t.dead.Key)
	if err != nil || dead.Revoked.IsZero() == (t.revokeErr == nil) {
		return fmt.Errorf("revoking said %v, and the key is %+v, %v", t.revokeErr, dead, err)
	}
	old, err := k.Show(ctx, t.old.Key)
	if err != nil || (old.RotatedTo != "") != (t.rotateErr == nil) || old.OverlapEnd.IsZero() != (old.RotatedTo == "") {
		return fmt.Errorf("rotating said %v, and the key is %+v, %v", t.rotateErr, old, err)
	}
	if t.rotateErr == nil {
		if next, err := k.Show(ctx, t.next.Key); err != nil || next.ID != old.RotatedTo {
			return fmt.Errorf("the successor of %s is %+v, %v", old.ID, next, err)
		}
	}
	if t.createErr == nil {
		if _, err := k.Show(ctx, t.made.Key); err != nil {
			return fmt.Errorf("a key that was made: %w", err)
		}
	}
	return nil
}

func TestADiskThatFillsAnywhereInAChangeLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sallyport.db")
	out, err := again(t, path, taskFull).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%s", out)
	s := openAt(t, path)
	records, err := s.List(t.Context(), identity.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range records {
		ids[r.ID] = true
	}
	for _, r := range records {
		if r.RotatedTo != "" && !ids[r.RotatedTo] {
			t.Errorf("key %s was rotated to one that is not there", r.ID)
		}
	}
}
