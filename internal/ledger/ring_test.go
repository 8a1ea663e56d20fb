package ledger

import (
	"os"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
)

func TestAnIntentIsInTheRingBeforeItIsInTheLog(t *testing.T) {
	t.Parallel()
	o := options(t, func(o *Options) { o.CommitEvery = time.Hour })
	l := mustOpen(t, o)
	storeKey(t, l)
	for n := range 3 {
		if err := l.Intent(post(n)); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := readRing(system{}, ringName(o.Dir))
	if err != nil || len(kept) != 3 || len(all(t, Reader{Dir: o.Dir}, Query{})) != 0 {
		t.Fatalf("%d in the ring, %v", len(kept), err)
	}
	for i, k := range kept.sorted() {
		if e, err := event.Parse(k.frame[frameHead:]); err != nil || e.Kind != event.Intent || e.ID != id(i) {
			t.Errorf("intent %d is %+v, %v", i, e, err)
		}
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	kept, err = readRing(system{}, ringName(o.Dir))
	if n := len(all(t, Reader{Dir: o.Dir}, Query{Kind: event.Intent})); err != nil || len(kept) != 0 || n != 3 {
		t.Errorf("%d in the ring and %d in the log after the commit, %v", len(kept), n, err)
	}
}

// storeKey lets the key of alice be stored: the ring takes no intent whose box
// a key has to open that is not.
func storeKey(t *testing.T, l *Ledger) {
	t.Helper()
	if _, err := l.keys.For("alice"); err != nil {
		t.Fatal(err)
	}
	if err := l.storeKeys(); err != nil {
		t.Fatal(err)
	}
}

func TestTheFirstIntentOfASubjectIsInTheLogBehindItsKey(t *testing.T) {
	t.Parallel()
	o := options(t, func(o *Options) { o.CommitEvery = time.Hour })
	l := mustOpen(t, o)
	if err := l.Intent(post(0)); err != nil {
		t.Fatal(err)
	}
	dead := copied(t, l.opt) // what a kill would leave now
	keys, err := ReadKeys(dead.Secrets)
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	events := all(t, Reader{Dir: dead.Dir, Keys: keys}, Query{})
	if len(events) != 1 || events[0].Personal.Subject != "alice" {
		t.Errorf("%+v", events)
	}
}

func TestWhatOnlyTheRingHasComesIntoTheLog(t *testing.T) {
	t.Parallel()
	o := options(t, func(o *Options) { o.CommitEvery = time.Hour })
	l := mustOpen(t, o)
	if err := l.Intent(post(1)); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	for n := 2; n < 4; n++ {
		if err := l.Intent(post(n)); err != nil {
			t.Fatal(err)
		}
	}
	dead := options(t)
	copyLog(t, dead.Dir, o.Dir) // what a killed process leaves
	for range 2 {
		l := mustOpen(t, dead)
		unknown := l.Unknown()
		mustClose(t, l)
		intents := all(t, Reader{Dir: dead.Dir}, Query{Kind: event.Intent})
		gaps := all(t, Reader{Dir: dead.Dir}, Query{Kind: event.Missing})
		if len(intents) != 3 || len(gaps) != 3 || len(unknown) != 0 && len(unknown) != 3 {
			t.Errorf("%d intents, %d gaps, %+v", len(intents), len(gaps), unknown)
		}
		for i, u := range unknown {
			if u.ID != id(i+1) || u.Seq != uint64(i+1) {
				t.Errorf("unknown: %+v", u)
			}
		}
		if r := mustVerify(t, dead.Dir, VerifyOptions{}); !r.OK() || r.Open != 0 || r.Torn != 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestARingThatIsFullOrFailsIsNotNeeded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		half  int
		spoil func(t *testing.T, dir string)
	}{
		"too small for most": {1200, nil},
		"too small for any":  {256, nil},
		"none":               {-1, nil},
		"its file is emptied beneath": {4096, func(t *testing.T, dir string) { // a store is a fault of memory now
			if err := os.Truncate(ringName(dir), 0); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, func(o *Options) { o.ring, o.CommitEvery = c.half, time.Hour })
			l := mustOpen(t, o)
			if c.spoil != nil {
				c.spoil(t, o.Dir)
			}
			for n := range 50 {
				if err := l.Intent(post(n)); err != nil {
					t.Fatal(err)
				}
				kept, err := readRing(system{}, ringName(o.Dir))
				if there := len(kept) + len(all(t, Reader{Dir: o.Dir}, Query{Kind: event.Intent})); err != nil || there < n+1 {
					t.Fatalf("%d intents are with the kernel, want %d, %v", there, n+1, err)
				}
			}
			mustClose(t, l)
			if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Records != 50 {
				t.Errorf("%+v", r)
			}
		})
	}
}
