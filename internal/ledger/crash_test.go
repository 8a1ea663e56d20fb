package ledger

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/lib/clock"
)

// childDir names the folder in which the test binary, run again, writes
// intents until it is killed.
const childDir = "SALLYPORT_TEST_LEDGER"

// child writes an intent, says so on standard output, and goes on with the
// next. Every second one gets its exchange.
func child(dir string) int {
	l, err := Open(Options{Dir: dir, Clock: clock.System{}, Rand: rand.Reader})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	for n := 0; ; n++ {
		if err := l.Intent(post(n)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
		if n%2 == 0 {
			if err := l.Record(post(n)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 3
			}
		}
		fmt.Println(n)
	}
}

func TestIntentsSurviveKill9(t *testing.T) {
	t.Parallel()
	o := options(t)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Env = append(os.Environ(), childDir+"="+o.Dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		told, lines := -1, bufio.NewScanner(out)
		for lines.Scan() {
			if _, err := fmt.Sscan(lines.Text(), &told); err != nil {
				t.Fatal(err)
			}
			if told == 40+round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		if told < 40+round {
			t.Fatalf("the child stopped at %d", told)
		}
		l, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		unknown := map[event.ID]bool{}
		for _, u := range l.Unknown() {
			unknown[u.ID] = true
		}
		for n := range told + 1 {
			if unknown[id(n)] != (n%2 == 1) {
				t.Errorf("intent %d without its exchange: unknown is %t", n, unknown[id(n)])
			}
		}
		mustClose(t, l)
		intents := all(t, Reader{Dir: o.Dir}, Query{Kind: event.Intent})
		gaps := all(t, Reader{Dir: o.Dir}, Query{Kind: event.Missing})
		if len(intents) < told+1 || len(gaps) < len(unknown) {
			t.Errorf("%d intents and %d gaps after %d", len(intents), len(gaps), told)
		}
		if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Open != 0 || r.Torn != 0 {
			t.Errorf("%+v", r)
		}
	}
	l := mustOpen(t, o)
	if n := len(l.Unknown()); n != 0 {
		t.Errorf("%d intents are told twice", n)
	}
}
