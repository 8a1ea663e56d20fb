package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// What the mutants of TestMutantsAreJudgedByWhatTheyDo do.
const (
	passes = iota + 100
	fails
	spins
	hangs
	hangsOnce
)

// TestAMutant is the other side of TestMutantsAreJudgedByWhatTheyDo.
func TestAMutant(t *testing.T) {
	id, err := strconv.Atoi(os.Getenv("SALLYPORT_MUTANT"))
	if err != nil {
		t.Skip("needs SALLYPORT_MUTANT, which says what to do")
	}
	wait := func() {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		_, _ = r.Read(make([]byte, 1)) // nobody writes
	}
	switch id {
	case fails:
		t.Fail()
	case spins:
		for n := 0; ; n++ {
			id = n
		}
	case hangs:
		wait()
	case hangsOnce:
		if os.Mkdir(os.Getenv("SALLYPORT_SAMPLE"), 0o700) == nil {
			wait()
		}
	}
}

func TestMutantsAreJudgedByWhatTheyDo(t *testing.T) {
	if _, nested := os.LookupEnv("SALLYPORT_MUTANT"); nested {
		t.Skip("runs in the outer process")
	}
	if testing.Short() {
		t.Skip("waits for limits of time")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SALLYPORT_SAMPLE", filepath.Join(t.TempDir(), "was"))
	for name, c := range map[string]struct {
		id     int
		wall   time.Duration
		killed bool
		late   lateness
	}{
		"one that passes":            {passes, time.Minute, false, inTime},
		"one that fails":             {fails, time.Minute, true, inTime},
		"one that works without end": {spins, time.Minute, true, overworked},
		"one that waits without end": {hangs, 300 * time.Millisecond, true, waiting},
		"one that only was held up":  {hangsOnce, time.Second, false, inTime},
	} {
		b := &binary{path: self, dir: t.TempDir(), limit: pace{cpu: time.Second, wall: c.wall}}
		r := b.judge(t.Context(), c.id, []string{"-test.run=^TestAMutant$"})
		if r.err != nil || r.killed != c.killed || r.late != c.late {
			t.Errorf("%s: killed %v, late %d, %v\n%s", name, r.killed, r.late, r.err, r.out)
		}
	}
}
