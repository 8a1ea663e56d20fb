package ledger

import (
	"bufio"
	"crypto/rand"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/lib/clock"
)

// childDir and childFrom name the folder in which the test binary, run again,
// writes until it is killed, and the number of its first exchange.
const (
	childDir  = "SALLYPORT_TEST_LEDGER"
	childFrom = "SALLYPORT_TEST_FROM"
	writers   = 4
)

// childOptions let segments end and commits happen often.
func childOptions(dir string) Options {
	return Options{Dir: dir, Clock: clock.System{}, Rand: rand.Reader, SegmentBytes: 64 << 10, CommitEvery: time.Millisecond, SignEvery: 20 * time.Millisecond, check: 4 << 10}
}

// child has several writers, each of which writes intents and exchanges and
// says so on standard output: "i n" when Intent has returned, "s n" when Seal
// has, and "w m" before and "d m" after it waited for a commit.
func child(dir, first string) int {
	from, err := strconv.Atoi(first)
	if err != nil {
		return 4
	}
	l, err := Open(childOptions(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	var say sync.Mutex
	tell := func(what string, n int) {
		say.Lock()
		defer say.Unlock()
		fmt.Println(what, n)
	}
	failed := make(chan error)
	for w := range writers {
		go func() {
			for n := from + w; ; n += writers {
				if err := write(l, n, tell); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	fmt.Fprintln(os.Stderr, <-failed)
	return 3
}

// write makes the records of one exchange. Of each eight, one gets no exchange
// and two wait for the commit.
func write(l *Ledger, n int, tell func(string, int)) error {
	if err := l.Intent(post(n)); err != nil {
		return err
	}
	tell("i", n)
	if n%8 == 7 {
		return nil
	}
	if err := l.Seal(post(n)); err != nil {
		return err
	}
	tell("s", n)
	if n%4 != 1 {
		return nil
	}
	tell("w", n)
	if err := l.Flush(); err != nil {
		return err
	}
	tell("d", n)
	return nil
}

// promised is what a child said before it was killed: the intents that it had,
// and the exchanges that a commit had taken, since they were sealed before
// somebody began to wait for one that came.
type promised struct{ intents, due map[int]bool }

// hear reads what a child says and kills it after a number of lines.
func hear(t *testing.T, cmd *exec.Cmd, lines int) promised {
	t.Helper()
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := promised{map[int]bool{}, map[int]bool{}}
	var sealed []int
	waits := map[int]int{} // how many were sealed when a wait began
	heard := 0
	for in := bufio.NewScanner(out); in.Scan(); heard++ {
		what, text, _ := strings.Cut(in.Text(), " ")
		n, err := strconv.Atoi(text)
		if err != nil {
			break // the last line may be a part of one
		}
		switch what {
		case "i":
			p.intents[n] = true
		case "s":
			sealed = append(sealed, n)
		case "w":
			waits[n] = len(sealed)
		case "d":
			for _, s := range sealed[:waits[n]] {
				p.due[s] = true
			}
		}
		if heard == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if heard < lines {
		t.Fatalf("the child stopped after %d lines", heard)
	}
	return p
}

// kills is how often the next test kills a gateway's log.
var kills = flag.Int("kills", 20, "how often the ledger is killed under load")

func TestKill9LosesNoIntentAndNothingThatWasDue(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and kills many processes")
	}
	dir := ""
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	rng := mathrand.New(mathrand.NewPCG(1, 2))
	told, ringed := 0, 0
	for round := range *kills {
		if round%20 == 0 { // each check reads the whole log
			dir = options(t).Dir
		}
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Env = append(os.Environ(), childDir+"="+dir, fmt.Sprintf("%s=%d", childFrom, round<<14))
		p := hear(t, cmd, 1+rng.IntN(600))
		kept, err := readRing(system{}, ringName(dir))
		if err != nil {
			t.Fatal(err)
		}
		ringed += len(kept)
		l, err := Open(childOptions(dir))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		unknown := l.Unknown()
		mustClose(t, l)
		checkKill(t, dir, p, unknown)
		told += len(p.intents)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d kills, %d intents that were told, %d found in the ring", *kills, told, ringed)
	l := mustOpen(t, childOptions(dir))
	if n := len(l.Unknown()); n != 0 {
		t.Errorf("%d intents are told twice", n)
	}
}

// checkKill compares a log with what was promised.
func checkKill(t *testing.T, dir string, p promised, unknown []Unknown) {
	t.Helper()
	intents, exchanges, gaps := map[event.ID]int{}, map[event.ID]bool{}, map[event.ID]uint64{}
	for _, e := range all(t, Reader{Dir: dir}, Query{}) {
		switch e.Kind {
		case event.Intent:
			intents[e.ID]++
			if intents[e.ID] > 1 {
				t.Errorf("intent %s stands twice", e.ID)
			}
		case event.Exchange:
			exchanges[e.ID] = true
		case event.Missing:
			gaps[e.ID]++
		}
	}
	for n := range p.intents {
		if intents[id(n)] != 1 {
			t.Errorf("intent %d is lost", n)
		}
	}
	for n := range p.due {
		if !exchanges[id(n)] {
			t.Errorf("exchange %d was due and is lost", n)
		}
	}
	for i := range intents {
		if want := !exchanges[i]; gaps[i] != 0 != want || gaps[i] > 1 {
			t.Errorf("the exchange of %s is there: %t, told as unknown %d times", i, !want, gaps[i])
		}
	}
	for _, u := range unknown {
		if gaps[u.ID] != 1 || intents[u.ID] != 1 || u.Seq == 0 {
			t.Errorf("unknown %+v is not in the log", u)
		}
	}
	if r := mustVerify(t, dir, VerifyOptions{}); !r.OK() || r.Open != 0 || r.Torn != 0 || r.Unsigned != 0 {
		t.Errorf("%+v", r)
	}
}
