package ledger

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
)

// A weakDisk opens files whose disk can be full, slow or broken.
type weakDisk struct {
	mu    sync.Mutex
	free  int64         // bytes that still fit; below 0 there is no end
	sync  error         // of segments
	gate  chan struct{} // when not nil, writes wait until it is closed
	still chan struct{} // when not nil, syncs wait until it is closed
	stuck chan struct{} // gets a note when a write or a sync begins to wait
}

func (*weakDisk) read(name string) (readFile, error) { return openRead(name) }

func (*weakDisk) remove(name string) error     { return os.Remove(name) }
func (*weakDisk) rename(from, to string) error { return os.Rename(from, to) }
func (*weakDisk) syncDir(string) error         { return nil }

func (w *weakDisk) open(name string, flag int, mode fs.FileMode) (file, error) {
	f, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err
	}
	return &weakFile{f, w, strings.HasSuffix(name, ".seg")}, nil
}

func (w *weakDisk) set(free int64, sync error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free, w.sync = free, sync
}

type weakFile struct {
	*os.File
	disk    *weakDisk
	segment bool
}

// WriteAt writes as much as fits, as a kernel does.
func (f *weakFile) WriteAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	gate, fits := f.disk.gate, int64(len(b))
	if f.disk.free >= 0 {
		fits = min(fits, f.disk.free)
		f.disk.free -= fits
	}
	f.disk.mu.Unlock()
	if gate != nil && f.segment {
		poke(f.disk.stuck)
		<-gate
	}
	n, err := f.File.WriteAt(b[:fits], at)
	if err == nil && n < len(b) {
		err = syscall.ENOSPC
	}
	return n, err
}

func (f *weakFile) Sync() error {
	if !f.segment {
		return nil
	}
	f.disk.mu.Lock()
	still, err := f.disk.still, f.disk.sync
	f.disk.mu.Unlock()
	if still != nil {
		poke(f.disk.stuck)
		<-still
	}
	return err
}

// faults collects what OnFault is told.
type faults struct {
	mu  sync.Mutex
	all []Fault
}

func (f *faults) add(x Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, x)
}

func (f *faults) list() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Fault(nil), f.all...)
}

// eventually polls until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAFullDiskRefusesIntentsAndRecovers(t *testing.T) {
	t.Parallel()
	disk, told := &weakDisk{free: -1}, &faults{}
	o := options(t, func(o *Options) { o.volume, o.OnFault, o.ring = disk, told.add, -1; o.CommitEvery = time.Hour })
	l := mustOpen(t, o)
	if err := l.Intent(post(1)); err != nil {
		t.Fatal(err)
	}
	mustSeal(t, l, post(1), get(2))
	disk.set(700, nil) // room for a record and a part of the next
	for range 3 {
		if err := l.Intent(post(3)); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("an intent on a full disk gives %v", err)
		}
		disk.set(100, nil)
	}
	if f := told.list(); len(f) != 1 || f[0].Err == nil || l.Stats().Fault == nil {
		t.Errorf("the alarm is %v", f)
	}
	if r := mustVerify(t, o.Dir, VerifyOptions{}); r.Torn != 0 || r.Records != 1 {
		t.Errorf("part of a record stays: %+v", r)
	}
	disk.set(-1, nil)
	if err := l.Intent(post(4)); err != nil {
		t.Fatal(err)
	}
	if f := told.list(); len(f) != 2 || f[1].Err != nil || l.Stats().Fault != nil {
		t.Errorf("the end of the alarm is %v", f)
	}
	mustClose(t, l)
	var got []string
	for _, e := range all(t, Reader{Dir: o.Dir}, Query{}) {
		got = append(got, e.Kind.String()+" "+e.ID.String())
	}
	want := []string{"intent " + id(1).String(), "exchange " + id(1).String(), "exchange " + id(2).String(), "intent " + id(4).String()}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("record %d is %s, want %s", i+1, got[i], want[i])
		}
	}
	if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Unsigned != 0 {
		t.Errorf("%+v", r)
	}
}

func TestADiskThatFillsDuringRotationLosesNothing(t *testing.T) {
	t.Parallel()
	disk := &weakDisk{free: -1}
	o := options(t, func(o *Options) { o.volume, o.SegmentBytes, o.ring = disk, 1500, -1 })
	l := mustOpen(t, o)
	written := 0
	for n := range 60 {
		disk.set(int64(n*37%900), nil)
		if l.Intent(post(n)) == nil {
			written++
		}
		disk.set(-1, nil)
		if n%7 == 0 {
			if err := l.Record(post(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustClose(t, l)
	r := mustVerify(t, o.Dir, VerifyOptions{})
	if !r.OK() || r.Records != uint64(written+9) || written == 60 || written == 0 || r.Segments < 3 {
		t.Errorf("%d intents written, %+v", written, r)
	}
}

func TestAFailedSyncRefusesTheIntent(t *testing.T) {
	t.Parallel()
	disk := &weakDisk{free: -1}
	o := options(t, func(o *Options) { o.volume, o.Durability = disk, Fsync })
	l := mustOpen(t, o)
	if err := l.Intent(post(1)); err != nil {
		t.Fatal(err)
	}
	disk.set(-1, syscall.EIO)
	if err := l.Intent(post(2)); !errors.Is(err, syscall.EIO) {
		t.Errorf("an intent that is not durable gives %v", err)
	}
	disk.set(-1, nil)
	if err := l.Intent(post(3)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Segments != 2 {
		t.Errorf("the segment in doubt is not ended: %+v", r)
	}
}

func TestNoCommitWaitsForAnEarlySync(t *testing.T) {
	t.Parallel()
	disk, still := &weakDisk{free: -1, stuck: make(chan struct{}, 1)}, make(chan struct{})
	o := options(t, func(o *Options) { o.volume, o.ring, o.CommitEvery, o.SignEvery = disk, -1, time.Hour, time.Hour })
	l := mustOpen(t, o)
	if err := l.Record(get(0)); err != nil {
		t.Fatal(err)
	}
	disk.mu.Lock()
	disk.still = still
	disk.mu.Unlock()
	eased := make(chan struct{})
	go func() { // ends when the sync does
		l.ease()
		close(eased)
	}()
	<-disk.stuck
	for n := range 5 {
		if err := l.Intent(post(n)); err != nil {
			t.Errorf("an intent beside a sync that hangs gives %v", err)
		}
	}
	disk.mu.Lock()
	disk.still = nil
	disk.mu.Unlock()
	close(still)
	<-eased
	l.mark()
	if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Unsigned != 0 || r.Records != 6 {
		t.Errorf("%+v", r)
	}
}

func TestAnEarlySyncThatFailsIsNotForgotten(t *testing.T) {
	t.Parallel()
	disk := &weakDisk{free: -1}
	o := options(t, func(o *Options) { o.volume, o.CommitEvery, o.SignEvery = disk, time.Hour, time.Hour })
	l := mustOpen(t, o)
	if err := l.Record(post(0)); err != nil {
		t.Fatal(err)
	}
	disk.set(-1, syscall.EIO)
	l.ease()
	disk.set(-1, nil) // the kernel tells an error once
	l.mark()
	if f, r := l.Stats().Fault, mustVerify(t, o.Dir, VerifyOptions{}); !errors.Is(f, syscall.EIO) || r.Unsigned != 1 {
		t.Errorf("a head is signed over what may be lost: %v, %+v", f, r)
	}
	if err := l.Record(post(1)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Segments != 2 || r.Unsigned != 0 {
		t.Errorf("the segment in doubt is not ended: %+v", r)
	}
}

func TestAFullQueueRefusesWritesAndCountsReads(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	disk := &weakDisk{free: -1, stuck: make(chan struct{}, 1)}
	o := options(t, func(o *Options) { o.volume, o.QueueBytes, o.Wait, o.ring = disk, 8192, 20*time.Millisecond, -1 })
	l := mustOpen(t, o)
	if err := l.Record(get(0)); err != nil {
		t.Fatal(err)
	}
	disk.mu.Lock()
	disk.gate = gate
	disk.mu.Unlock()
	hung := make(chan error, 1)
	go func() { hung <- l.Intent(post(1)) }()
	<-disk.stuck
	if err := l.Intent(post(2)); !errors.Is(err, ErrSlow) {
		t.Errorf("an intent behind a disk that hangs gives %v", err)
	}
	for n := range 100 {
		mustSeal(t, l, get(10+n))
	}
	dropped := l.Stats().Dropped
	var err error
	for n := 0; err == nil && n < 100; n++ {
		err = l.Seal(post(200 + n))
	}
	if dropped == 0 || !errors.Is(err, ErrFull) {
		t.Errorf("%d reads dropped, and a write gives %v", dropped, err)
	}
	close(gate)
	if err := <-hung; err != nil {
		t.Errorf("the intent that hung gives %v", err)
	}
	eventually(t, "a gap record that is signed", func() bool {
		r := mustVerify(t, o.Dir, VerifyOptions{})
		return r.OK() && len(all(t, Reader{Dir: o.Dir}, Query{Kind: event.Missing})) == 1 && r.Unsigned == 0
	})
	gap := all(t, Reader{Dir: o.Dir}, Query{Kind: event.Missing})[0]
	kept := uint64(len(all(t, Reader{Dir: o.Dir}, Query{Operation: "GET /orders/{}"})))
	if gap.Gap.Count != dropped || kept+dropped != 101 || gap.Code != string(CodeDropped) || gap.Gap.From.After(gap.Gap.To) {
		t.Errorf("%d kept, %d dropped, gap %+v", kept, dropped, gap)
	}
}

func TestTooManyOpenIntentsAreRefused(t *testing.T) {
	t.Parallel()
	l := mustOpen(t, options(t, func(o *Options) { o.MaxOpen = 3 }))
	for n := range 3 {
		if err := l.Intent(post(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Flush(); err != nil { // those of one commit are not counted yet
		t.Fatal(err)
	}
	if err := l.Intent(post(3)); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	if err := l.Record(post(0)); err != nil {
		t.Fatal(err)
	}
	if err := l.Intent(post(3)); err != nil {
		t.Errorf("after one exchange: %v", err)
	}
}

func TestAfterCloseNothingIsTaken(t *testing.T) {
	t.Parallel()
	l := mustOpen(t, options(t))
	mustClose(t, l)
	if err := l.Intent(post(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Intent gives %v", err)
	}
	if err := l.Seal(get(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Seal gives %v", err)
	}
	if err := l.Seal(&event.Event{Kind: event.Intent}); !errors.Is(err, ErrKind) {
		t.Errorf("an intent that is sealed gives %v", err)
	}
}

func TestCloseDoesNotHangWithTheDisk(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	disk := &weakDisk{free: -1, stuck: make(chan struct{}, 1)}
	o := options(t, func(o *Options) { o.volume = disk; o.Wait = time.Millisecond })
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	disk.mu.Lock()
	disk.gate = gate
	disk.mu.Unlock()
	mustSeal(t, l, post(1))
	<-disk.stuck // the ledger's own goroutine hangs now
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close gives %v", err)
	}
	close(gate)
	l.done.Wait() // it still writes into the folder of the test
}

func TestATornTailIsCutKeptAndTold(t *testing.T) {
	t.Parallel()
	o := options(t)
	l := mustOpen(t, o)
	mustSeal(t, l, get(1), get(2))
	mustClose(t, l)
	name := segmentName(o.Dir, 1)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	torn := appendFrame(nil, get(3))
	if _, err := f.Write(torn[:len(torn)-4]); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Torn != int64(len(torn)-4) {
		t.Errorf("before: %+v", r)
	}
	l = mustOpen(t, o)
	mustSeal(t, l, get(4))
	mustClose(t, l)
	events := all(t, Reader{Dir: o.Dir}, Query{})
	if len(events) != 4 || events[2].Kind != event.Repaired || events[2].Code != string(CodeTorn) || events[3].ID != id(4) {
		t.Errorf("%+v", events)
	}
	if kept, err := os.ReadFile(cutName(o.Dir, 1)); err != nil || string(kept) != string(torn[:len(torn)-4]) {
		t.Errorf("what was cut is not kept: %v", err)
	}
	if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Torn != 0 {
		t.Errorf("after: %+v", r)
	}
}

func TestADamagedLogGoesOnAndSaysSo(t *testing.T) {
	t.Parallel()
	told := &faults{}
	o := options(t, func(o *Options) { o.OnFault = told.add })
	l := mustOpen(t, o)
	mustSeal(t, l, get(1), get(2), get(3))
	mustClose(t, l)
	b, err := os.ReadFile(segmentName(o.Dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segmentName(o.Dir, 1), b[:len(b)-40], 0o600); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, o)
	if err := l.Intent(post(4)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	r := mustVerify(t, o.Dir, VerifyOptions{})
	if r.OK() || r.Segments != 2 || r.Last != 5 || len(told.list()) != 1 {
		t.Errorf("%+v, %v", r, told.list())
	}
	if after, err := os.ReadFile(segmentName(o.Dir, 1)); err != nil || len(after) != len(b)-40 {
		t.Errorf("the evidence was touched: %v", err)
	}
}

func TestBrokenHeadsDoNotKeepTheGatewayDown(t *testing.T) {
	t.Parallel()
	told := &faults{}
	o := options(t, func(o *Options) { o.OnFault = told.add })
	l := mustOpen(t, o)
	mustSeal(t, l, get(1))
	mustClose(t, l)
	if err := os.WriteFile(headsName(o.Dir, 1), []byte("rubbish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, o)
	if err := l.Record(get(2)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	if r := mustVerify(t, o.Dir, VerifyOptions{}); r.OK() || r.Segments != 2 || r.Problems[0].Code != CodeBadHead || len(told.list()) != 1 {
		t.Errorf("%+v, %v", r, told.list())
	}
}

func TestAnIntentThatIsNeverSealedIsGivenUp(t *testing.T) {
	t.Parallel()
	h := &hand{now: start()}
	o := options(t, func(o *Options) { o.Clock = h })
	l := mustOpen(t, o)
	if err := l.Intent(post(1)); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	h.move(25 * time.Hour)
	l.mark()
	mustClose(t, l)
	gaps := all(t, Reader{Dir: o.Dir}, Query{Kind: event.Missing})
	if len(gaps) != 1 || gaps[0].ID != id(1) || gaps[0].Code != string(CodeUnknown) {
		t.Errorf("%+v", gaps)
	}
	if r := mustVerify(t, o.Dir, VerifyOptions{}); !r.OK() || r.Open != 0 {
		t.Errorf("%+v", r)
	}
}

func TestStrangeFoldersAreRefused(t *testing.T) {
	t.Parallel()
	o := options(t)
	mustClose(t, mustOpen(t, o))
	for name, spoil := range map[string]func(dir string) error{
		"a signing key that others may read": func(dir string) error { return os.Chmod(filepath.Join(dir, "secret", signFile), 0o644) },
		"another signing key":                func(dir string) error { return os.Remove(filepath.Join(dir, "secret", signFile)) },
		"another key-encryption key":         func(dir string) error { return os.Remove(filepath.Join(dir, "secret", kekFile)) },
		"a key that is no key": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "secret", kekFile), []byte("hello"), 0o600)
		},
		"a public key that is none": func(dir string) error { return os.WriteFile(filepath.Join(dir, publicFile), []byte("x"), 0o600) },
	} {
		dir := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(o.Dir)); err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{signFile, kekFile, tableFile} {
			if err := os.Chmod(filepath.Join(dir, "secret", f), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := spoil(dir); err != nil {
			t.Fatal(err)
		}
		if l, err := Open(options(t, func(o *Options) { o.Dir = dir })); err == nil {
			mustClose(t, l)
			t.Errorf("%s is taken", name)
		}
	}
}
