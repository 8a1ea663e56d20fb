package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// A meter is a volume that counts the bytes that recovery reads.
type meter struct {
	system
	bytes atomic.Int64
}

func (m *meter) read(name string) (readFile, error) {
	f, err := openRead(name)
	return &metered{f, m}, err
}

type metered struct {
	readFile
	meter *meter
}

func (f *metered) Read(b []byte) (int, error) {
	n, err := f.readFile.Read(b)
	f.meter.bytes.Add(int64(n))
	return n, err
}

func (f *metered) ReadAt(b []byte, at int64) (int, error) {
	n, err := f.readFile.ReadAt(b, at)
	f.meter.bytes.Add(int64(n))
	return n, err
}

// grow writes exchanges until the segments have so many bytes, with a commit
// after each few, and leaves one intent open.
func grow(t testing.TB, l *Ledger, size int64) {
	t.Helper()
	open := post(0)
	if err := l.Intent(open); err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		if err := l.Intent(post(n)); err != nil {
			t.Fatal(err)
		}
		mustSeal(t, l, post(n))
		if n%8 != 0 {
			continue
		}
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
		if all, err := segments(l.opt.Dir); err != nil || int64(len(all)-1)*l.opt.SegmentBytes+l.disk.size >= size {
			return
		}
	}
}

// killed copies the folder of a ledger as a kill would leave it.
func killed(t *testing.T, l *Ledger) Options {
	t.Helper()
	return copied(t, l.opt)
}

// copied is the ledger of a folder in another one.
func copied(t *testing.T, from Options) Options {
	t.Helper()
	o := from
	o.Dir = filepath.Join(t.TempDir(), "copy")
	o.Secrets = filepath.Join(o.Dir, "secret")
	copyLog(t, o.Dir, from.Dir)
	return o
}

// reopened opens what killed left and returns how many bytes that read.
func reopened(t testing.TB, o Options) (*Ledger, int64) {
	t.Helper()
	m := &meter{}
	o.volume = m
	l := mustOpen(t, o)
	return l, m.bytes.Load()
}

func TestRecoveryReadsABoundedNumberOfBytes(t *testing.T) {
	t.Parallel()
	const every, ring = 64 << 10, 16 << 10
	for name, segment := range map[string]int64{"in one segment": 1 << 30, "in many, with an intent open since the first": 300 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int64{1 << 20, 4 << 20} {
				l := mustOpen(t, options(t, func(o *Options) { o.SegmentBytes, o.check, o.ring, o.CommitEvery = segment, every, ring, time.Hour }))
				grow(t, l, size)
				again, read := reopened(t, killed(t, l))
				if read > 2*every+2*ring {
					t.Errorf("a log of %d bytes: recovery reads %d", size, read)
				}
				if u := again.Unknown(); len(u) != 1 || u[0].ID != id(0) || u[0].Seq != 1 {
					t.Errorf("unknown are %+v", u)
				}
				mustClose(t, again)
				if r := mustVerify(t, again.opt.Dir, VerifyOptions{}); !r.OK() || r.Open != 0 || r.Unsigned != 0 || r.Torn != 0 {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

func TestRecoveryWithAnyCheckpointIsRecoveryWithout(t *testing.T) {
	t.Parallel()
	l := mustOpen(t, options(t, func(o *Options) {
		o.SegmentBytes, o.check, o.ring, o.CommitEvery, o.SignEvery = 24000, 1500, 4096, time.Hour, time.Hour
	}))
	var checkpoints [][]byte // every one that was ever written
	for n := range 160 {
		if err := l.Intent(post(n)); err != nil {
			t.Fatal(err)
		}
		if n%5 != 0 {
			mustSeal(t, l, post(n))
		}
		if n%3 == 0 {
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if n%20 == 9 {
			l.mark()
		}
		for _, name := range checkNames(l.opt.Dir) {
			if b, err := os.ReadFile(name); err == nil && !slices.ContainsFunc(checkpoints, func(c []byte) bool { return bytes.Equal(c, b) }) {
				checkpoints = append(checkpoints, b)
			}
		}
		if n%12 != 5 && n%12 != 11 {
			continue
		}
		o := killed(t, l)
		if n%12 == 11 { // the last commit did not come to its record
			if err := os.Truncate(segmentName(o.Dir, l.disk.number), max(l.disk.checked.size, headerSize)); err != nil {
				t.Fatal(err)
			}
		}
		want := recovered(t, o, nil)
		for i, b := range checkpoints {
			if diff := cmp.Diff(want, recovered(t, o, b)); diff != "" {
				t.Fatalf("after %d exchanges, with checkpoint %d (-without +with):\n%s", n, i, diff)
			}
		}
	}
	if len(checkpoints) < 12 || l.disk.number < 4 {
		t.Fatalf("%d checkpoints, %d segments", len(checkpoints), l.disk.number)
	}
}

// TestRecoveryThatTakesLongTellsOnce signs a head, as is done once in a while,
// before recovery has told of the intents that a checkpoint knew.
func TestRecoveryThatTakesLongTellsOnce(t *testing.T) {
	t.Parallel()
	l := mustOpen(t, options(t, func(o *Options) { o.check, o.CommitEvery, o.SignEvery = 1500, time.Hour, time.Hour }))
	for n := range 20 { // without exchanges
		if err := l.Intent(post(n)); err != nil {
			t.Fatal(err)
		}
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	opt, err := killed(t, l).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	again, f, err := open(opt, io.NopCloser(nil))
	if err != nil {
		t.Fatal(err)
	}
	if f.skipped == nil || len(f.skipped.open) == 0 {
		t.Fatal("there was no checkpoint with open intents")
	}
	ctx, cancel := context.WithCancel(t.Context())
	again.stop = cancel
	again.done.Go(func() { again.run(ctx) })
	t.Cleanup(func() { mustClose(t, again) })
	again.mark()
	if err := errors.Join(again.report(f), again.startRing(), again.opened()); err != nil {
		t.Fatal(err)
	}
	again.mark()
	told := map[event.ID]int{}
	for _, e := range all(t, Reader{Dir: opt.Dir}, Query{}) {
		if e.Kind == event.Missing {
			told[e.ID]++
		}
	}
	for n := range 20 {
		if told[id(n)] != 1 {
			t.Errorf("intent %d is told of %d times", n, told[id(n)])
		}
	}
}

// recovered is what recovery makes of a folder with one checkpoint or none.
func recovered(t *testing.T, o Options, checkpoint []byte) string {
	t.Helper()
	for i, name := range checkNames(o.Dir) {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if i == 1 && checkpoint != nil {
			if err := os.WriteFile(name, checkpoint, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	l := &Ledger{opt: o}
	sign, err := vault{o.Secrets, o.volume, o.Rand}.loadSigner(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.recover(sign)
	if err != nil {
		t.Fatal(err)
	}
	d := l.disk
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	f.skipped = nil
	kept := slices.Collect(maps.Keys(d.kept))
	slices.SortFunc(kept, func(a, b event.ID) int { return bytes.Compare(a[:], b[:]) })
	return fmt.Sprintln(f, l.unknown, kept, d.number, d.first, d.size, d.tree.n, d.tree.root(), d.last, d.signed, d.ended, d.headsSize, d.prev, d.oldest)
}

func TestACheckpointCountsOnlyWhereWhatStandsBeforeItIsStillThere(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	l := mustOpen(t, options(t, func(o *Options) {
		o.check, o.ring, o.CommitEvery, o.SignEvery, o.boot = 64<<10, 4096, time.Hour, time.Hour, boot{1}
	}))
	if err := l.Record(post(1 << 20)); err != nil {
		t.Fatal(err)
	}
	l.mark() // so that there are heads
	grow(t, l, size)
	unsigned := killed(t, l)
	l.mark()
	signed := killed(t, l)
	for name, c := range map[string]struct {
		from  Options
		spoil func(*Options) // what happened to the folder
		whole bool           // recovery reads everything
	}{
		"the process was killed":                            {from: unsigned, spoil: func(*Options) {}},
		"power was lost, and no head covers what is before": {from: unsigned, whole: true, spoil: func(o *Options) { o.boot = boot{2} }},
		"power was lost, and a head does":                   {from: signed, spoil: func(o *Options) { o.boot = boot{2} }},
		"a byte of each is changed":                         {from: unsigned, whole: true, spoil: func(o *Options) { spoil(t, o, -1) }},
		"a byte of the later one is changed":                {from: unsigned, spoil: func(o *Options) { spoil(t, o, l.disk.checks-1) }},
		"the last record before it was changed": {from: unsigned, whole: true, spoil: func(o *Options) {
			changeAt(t, segmentName(o.Dir, 1), l.disk.checked.size-5)
			removeOther(t, o, l.disk.checks-1)
		}},
		"the heads are those of another log": {from: unsigned, whole: true, spoil: func(o *Options) {
			changeAt(t, headsName(o.Dir, 1), 40)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o := copied(t, c.from)
			c.spoil(&o)
			_, read := reopened(t, o)
			if whole := read >= size/2; whole != c.whole {
				t.Errorf("recovery reads %d of %d bytes", read, size)
			}
		})
	}
}

// changeAt changes one byte of a file.
func changeAt(t *testing.T, name string, at int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// spoil changes a byte of one checkpoint, counted as they are written, or of
// both where n is below 0.
func spoil(t *testing.T, o *Options, n int) {
	t.Helper()
	for i, name := range checkNames(o.Dir) {
		if n < 0 || i == n%2 {
			changeAt(t, name, 60)
		}
	}
}

// removeOther removes the checkpoint that is not the n-th.
func removeOther(t *testing.T, o *Options, n int) {
	t.Helper()
	if err := os.Remove(checkNames(o.Dir)[(n+1)%2]); err != nil {
		t.Fatal(err)
	}
}

func TestWhatRecoverySkippedIsComparedBesideTheWork(t *testing.T) {
	t.Parallel()
	l := mustOpen(t, options(t, func(o *Options) { o.check, o.ring, o.CommitEvery, o.SignEvery = 64<<10, 4096, time.Hour, time.Hour }))
	grow(t, l, 1<<20)
	l.mark()
	sound := killed(t, l)
	for name, at := range map[string]int64{"the first record": headerSize + 60, "one in the middle": 500 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, told := copied(t, sound), &faults{}
			o.OnFault = told.add
			changeAt(t, segmentName(o.Dir, 1), at)
			again, _ := reopened(t, o)
			eventually(t, "the damage is told", func() bool { return len(told.list()) > 0 })
			if f := told.list()[0]; f.Part != PartPast || !errors.Is(f.Err, errDamaged) {
				t.Errorf("told of %+v", f)
			}
			if err := again.Record(post(9)); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the damage is in the log", func() bool { return again.Flush() == nil && again.Stats().Records >= 3 })
			mustClose(t, again)
			r := mustVerify(t, o.Dir, VerifyOptions{})
			if r.Segments != 2 || len(r.Problems) == 0 || r.Problems[0].File != segmentName(o.Dir, 1) {
				t.Errorf("%+v", r)
			}
			found := 0
			behind := scan{reader: Reader{Dir: o.Dir}, yield: func(e *event.Event, err error) bool {
				if err == nil && e.Kind == event.Repaired && e.Code == string(CodeDamaged) {
					found++
				}
				return err == nil
			}}
			if behind.segment(t.Context(), 2, 0); found != 1 {
				t.Errorf("%d records tell of the damage", found)
			}
		})
	}
	t.Run("a sound log is not told of", func(t *testing.T) {
		t.Parallel()
		told := &faults{}
		c, _ := (&disk{opt: &sound, sign: l.disk.sign}).readCheckpoints()
		if err := compare(t.Context(), sound.Dir, c[0]); err != nil || len(told.list()) > 0 {
			t.Error(err)
		}
	})
}

// FuzzParseCheckpoint leaves the signature out, behind which no input of
// somebody else's comes.
func FuzzParseCheckpoint(f *testing.F) {
	c := checkpoint{segment: 3, first: 7, size: 4000, last: 300, born: start(), signed: 2, heads: 400, boot: boot{1}}
	for n := range 5 {
		c.tree.add(hash{byte(n)})
	}
	f.Add(c.appendUnsigned(nil)[checkStart:])
	c.open = openIntents{id(1): {segment: 2, seq: 5}, id(2): {segment: 3, seq: 8}}
	f.Add(c.appendUnsigned(nil)[checkStart:])
	c = checkpoint{segment: 1, size: headerSize}
	f.Add(c.appendUnsigned(nil)[checkStart:])
	fuzzloop.Run(f, func(t *testing.T, b []byte) {
		c, err := parseBody(b)
		if err != nil {
			if !errors.Is(err, errCheckpoint) {
				t.Fatal(err)
			}
			return
		}
		if !c.sound() || len(c.open) > len(b)/openSize {
			t.Fatalf("%+v", c)
		}
		if len(c.open) > 1 {
			return // their order is not kept
		}
		if form := c.appendUnsigned(nil)[checkStart:]; !bytes.Equal(form, b) {
			t.Fatalf("%x becomes %x", b, form)
		}
	})
}

func TestASignedCheckpointReadsBack(t *testing.T) {
	t.Parallel()
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	s := &signer{private: private}
	c := &checkpoint{segment: 3, first: 7, size: 4000, last: 300, born: start(), signed: 2, heads: 400, boot: boot{1}, open: openIntents{id(1): {segment: 2, seq: 5}}}
	for n := range 5 {
		c.tree.add(hash{byte(n)})
	}
	form := c.append(nil, private)
	got, err := parseCheckpoint(append(form, "of a longer one"...), s.public())
	if diff := cmp.Diff(c.appendUnsigned(nil), got.appendUnsigned(nil)); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	for at := range form {
		form[at] ^= 1
		if _, err := parseCheckpoint(form, s.public()); err == nil {
			t.Errorf("byte %d may be changed", at)
		}
		form[at] ^= 1
	}
	if _, err := parseCheckpoint(form, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)).Public().(ed25519.PublicKey)); err == nil {
		t.Error("another key may sign")
	}
}
