package sqlite

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/secret"
)

// A test that needs another process runs the test binary again with these.
const (
	childEnv  = "SALLYPORT_TEST_STORE"
	childTask = "SALLYPORT_TEST_TASK"
)

// child is the other process. It returns the exit code.
func child(path, task string) int {
	ctx := context.Background()
	if do := tasks()[task]; do != nil {
		if err := do(ctx, path); err != nil {
			fmt.Println("error", err)
			return 1
		}
		return 0
	}
	s, err := Open(ctx, path)
	if err == nil {
		var k *identity.Keys
		k, err = identity.NewKeys(s, identity.Settings{Clock: clock.System{}, Rand: rand.Reader})
		if err == nil {
			if ref, ok := strings.CutPrefix(task, "revoke "); ok {
				_, err = k.Revoke(ctx, secret.New(ref), "")
			} else {
				err = writeForEver(ctx, k)
			}
		}
	}
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

// writeForEver makes, rotates and revokes keys, and says so after each.
func writeForEver(ctx context.Context, k *identity.Keys) error {
	for {
		a, err := k.Create(ctx, identity.Spec{Name: "test", Owner: "alice"})
		if err != nil {
			return err
		}
		fmt.Println("made", a.Key.Reveal())
		b, err := k.Rotate(ctx, a.Key, 0)
		if err != nil {
			return err
		}
		fmt.Println("rotated", a.Key.Reveal())
		fmt.Println("made", b.Key.Reveal())
		if _, err := k.Revoke(ctx, b.Key, "test"); err != nil {
			return err
		}
		fmt.Println("revoked", b.Key.Reveal())
	}
}

// again runs the test binary as another process on the store at path.
func again(t testing.TB, path, task string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"="+path, childTask+"="+task)
	return cmd
}

// writeAndKill lets another process write until it has said n lines, kills it
// and returns all that it said.
func writeAndKill(t testing.TB, path string, n int) [][2]string {
	t.Helper()
	cmd := again(t, path, "write")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said [][2]string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		what, key, ok := strings.Cut(lines.Text(), " ")
		if !ok || what == "error" {
			t.Error(lines.Text())
			continue
		}
		if said = append(said, [2]string{what, key}); len(said) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
	return said
}

func TestKillLosesNothingThatWasSaid(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sallyport.db")
	state := map[string]identity.Reason{}
	for round := range 8 {
		for _, line := range writeAndKill(t, path, 10+7*round) {
			switch line[0] {
			case "made":
				state[line[1]] = identity.Valid
			case "rotated":
				state[line[1]] = identity.RotatedOut
			case "revoked":
				state[line[1]] = identity.Revoked
			}
		}
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		checkAfterKill(t, s, state)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d keys over 8 kills", len(state))
}

// checkAfterKill compares a store with what was said before the kill. One
// change may have happened that was not said.
func checkAfterKill(t testing.TB, s *Store, said map[string]identity.Reason) {
	t.Helper()
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	ring, err := identity.NewKeyring(t.Context(), s, clock.System{}, identity.Following{})
	if err != nil {
		t.Fatal(err)
	}
	unsaid := ring.Status().Keys - len(said)
	for text, want := range said {
		_, got := ring.Verify(secret.New(text))
		if got != want {
			unsaid++
			if want != identity.Valid { // a key that was said dead must be so
				t.Errorf("a key that was said %v is %v", want, got)
			}
			said[text] = got
		}
	}
	if unsaid < 0 || unsaid > 16 { // two a kill: a rotation changes two keys
		t.Errorf("%d changes that nobody said", unsaid)
	}
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
		if r.Digest == (identity.Digest{}) || r.Expires.IsZero() || r.Owner != "alice" {
			t.Errorf("half a key: %+v", r)
		}
	}
}

func TestARevocationByAnotherProcessActsWithoutARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sallyport.db")
	s := openAt(t, path)
	issued := create(t, keysOf(t, s))
	ring, err := identity.NewKeyring(t.Context(), s, clock.System{}, identity.Following{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ring.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	if _, got := ring.Verify(issued.Key); got != identity.Valid {
		t.Fatalf("the key is %v", got)
	}
	if out, err := again(t, path, "revoke "+issued.Record.ID).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, got := ring.Verify(issued.Key); got == identity.Revoked {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatal("the revocation does not act")
		}
	}
	t.Logf("acted %v after the other process had ended", time.Since(began))
}
