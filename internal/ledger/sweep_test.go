package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
)

// A shaky is a volume of which some operations fail: those from number at on,
// as many as lasts. A write that fails writes half, as on a disk that is full.
type shaky struct {
	mu    sync.Mutex
	count int
	at    int
	lasts int
	err   error
	hit   []string // what failed
}

// step counts one operation and returns its error, if it fails.
func (s *shaky) step(what, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if s.count < s.at || s.count >= s.at+s.lasts {
		return nil
	}
	s.hit = append(s.hit, what+" "+filepath.Base(name))
	return &fs.PathError{Op: what, Path: name, Err: s.err}
}

// repair ends all faults.
func (s *shaky) repair() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lasts = 0
}

func (s *shaky) open(name string, flag int, mode fs.FileMode) (file, error) {
	if err := s.step("open", name); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, flag, mode)
	return &shakyFile{f, s}, err
}

func (s *shaky) read(name string) (readFile, error) {
	if err := s.step("read", name); err != nil {
		return nil, err
	}
	return openRead(name)
}

func (s *shaky) remove(name string) error {
	if err := s.step("remove", name); err != nil {
		return err
	}
	return os.Remove(name)
}

func (s *shaky) rename(from, to string) error {
	if err := s.step("rename", from); err != nil {
		return err
	}
	return os.Rename(from, to)
}

func (s *shaky) syncDir(dir string) error { return s.step("sync folder", dir) }

type shakyFile struct {
	*os.File
	disk *shaky
}

func (f *shakyFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.disk.step("write", f.Name()); err != nil {
		n, _ := f.File.WriteAt(b[:len(b)/2], at)
		return n, err
	}
	return f.File.WriteAt(b, at)
}

func (f *shakyFile) Truncate(size int64) error {
	if err := f.disk.step("truncate", f.Name()); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *shakyFile) Sync() error { return f.disk.step("sync", f.Name()) }

// A story is a run of a ledger on a disk with faults, with what was promised.
type story struct {
	t       *testing.T
	disk    *shaky
	clock   *hand
	opt     Options
	l       *Ledger
	next    int
	intents map[event.ID]bool // that Intent returned nil for
	refused map[event.ID]bool // that it returned an error for
	sealed  map[event.ID]bool // exchanges that Seal returned nil for
	reads   int               // of safe methods
	dropped uint64            // in all ledgers of the story
	erased  map[string]bool
}

// open opens the ledger, on a repaired disk when it does not on the other.
func (s *story) open() {
	l, err := Open(s.opt)
	if err != nil {
		s.disk.repair()
		if l, err = Open(s.opt); err != nil {
			s.t.Fatalf("on a repaired disk: %v", err)
		}
	}
	s.l = l
}

// write is one exchange with an unsafe method.
func (s *story) write(subject string) {
	s.next++
	e := post(s.next)
	e.Personal.Subject = subject
	if err := s.l.Intent(e); err != nil {
		s.refused[e.ID] = true
		return
	}
	s.intents[e.ID] = true
	e.Kind = event.Exchange
	if s.l.Seal(e) == nil {
		s.sealed[e.ID] = true
	}
}

// read is one with a safe method.
func (s *story) read() {
	s.next++
	e := get(s.next)
	e.Personal = event.Personal{Address: "192.0.2.9", Path: strings.Repeat("x", 300)}
	if err := s.l.Seal(e); err != nil {
		s.t.Errorf("a read gives %v", err)
	}
	s.reads++
}

// erase forgets a person: once, or again until it is done.
func (s *story) erase(subject string) {
	if s.l.Erase(subject) == nil {
		s.erased[subject] = true
	}
}

// act is what a gateway does in some hours, with a queue that is too small.
func (s *story) act() {
	for n := range 4 {
		s.write(fmt.Sprintf("person %d", n))
		_ = s.l.Flush()
	}
	s.l.turn <- struct{}{} // the ledger's own goroutine is late
	for range 40 {         // so the queue overflows
		s.read()
	}
	<-s.l.turn
	s.l.tick() // commits, and writes the gap
	s.l.mark()
	s.erase("person 1")
	s.write("person 2")
	s.l.mark()
	s.clock.move(48 * time.Hour) // old segments are deleted
	s.write("person 3")
	s.l.mark()
	s.write("person 0")
	s.next++
	e := post(s.next) // its exchange never comes
	if s.l.Intent(e) == nil {
		s.intents[e.ID] = true
	} else {
		s.refused[e.ID] = true
	}
}

// settleAll lets the repaired ledger write what it still has.
func (s *story) settleAll() {
	for subject := range map[string]bool{"person 1": true} {
		if !s.erased[subject] {
			if err := s.l.Erase(subject); err != nil && !errors.Is(err, ErrErased) {
				s.t.Errorf("another try to erase %s gives %v", subject, err)
			}
		}
	}
	s.write("person 0")
	s.l.tick()
	if err := s.l.Flush(); err != nil {
		s.t.Errorf("on a repaired disk: %v", err)
	}
	s.l.mark()
	if f := s.l.Stats().Fault; f != nil {
		s.t.Errorf("the fault stays: %v", f)
	}
}

// close ends a ledger and notes what it dropped.
func (s *story) close() error {
	err := s.l.Close(context.Background())
	s.dropped += s.l.Stats().Dropped
	return err
}

func newStory(t *testing.T, disk *shaky) *story {
	h := &hand{now: start()}
	o := options(t, func(o *Options) {
		o.volume, o.Clock, o.SegmentBytes, o.QueueBytes, o.ring = disk, h, 6000, 12000, 4096
		o.check, o.CommitEvery, o.SignEvery, o.Keep, o.Mirror = 1500, time.Hour, time.Hour, 24*time.Hour, filepath.Join(t.TempDir(), "heads")
	})
	return &story{
		t: t, disk: disk, clock: h, opt: o, intents: map[event.ID]bool{}, refused: map[event.ID]bool{}, sealed: map[event.ID]bool{}, erased: map[string]bool{},
	}
}

// check compares the log with what was promised. lost tells that a ledger
// ended on a broken disk, and with it what was queued.
func (s *story) check(lost bool) {
	t := s.t
	var opt VerifyOptions
	if _, err := os.Stat(s.opt.Mirror); err == nil { // else there was no head to mirror while it could be made
		opt.Mirror = s.opt.Mirror
	}
	if all, err := segments(s.opt.Dir); err == nil && len(all) == 0 && len(s.intents) == 0 && lost {
		return // nothing was ever written, and nothing promised
	}
	report := mustVerify(t, s.opt.Dir, opt)
	if !report.OK() {
		t.Fatalf("%+v\n%v", report, s.disk.hit)
	}
	if report.Unsigned != 0 || report.Torn != 0 || report.Open != 0 {
		t.Errorf("%+v", report)
	}
	intents, closed, exchanges := map[event.ID]int{}, map[event.ID]bool{}, map[event.ID]bool{}
	reads, missing := 0, uint64(0)
	for _, e := range all(t, Reader{Dir: s.opt.Dir}, Query{}) {
		switch {
		case e.Kind == event.Intent:
			intents[e.ID]++
		case e.Kind == event.Exchange && e.Method == "GET":
			reads++
		case e.Kind == event.Exchange:
			exchanges[e.ID], closed[e.ID] = true, true
		case e.Kind == event.Missing && e.Code == string(CodeUnknown):
			closed[e.ID] = true
		case e.Kind == event.Missing:
			missing += e.Gap.Count
		}
	}
	if report.First > 1 {
		return // retention took a part; what is left has been verified
	}
	for i := range s.intents {
		if intents[i] != 1 || !closed[i] {
			t.Errorf("intent %s stands %d times, ended %t", i, intents[i], closed[i])
		}
	}
	if lost {
		return
	}
	for i := range s.sealed {
		if !exchanges[i] {
			t.Errorf("exchange %s is lost", i)
		}
	}
	if missing != s.dropped || reads+int(missing) != s.reads {
		t.Errorf("%d reads: %d are there, %d told as missing, %d were dropped", s.reads, reads, missing, s.dropped)
	}
}

// TestAnyDiskOperationMayFail lets each disk operation of a story fail, once
// or until the disk is repaired, before or after the process ends.
func TestAnyDiskOperationMayFail(t *testing.T) {
	t.Parallel()
	whole := &shaky{at: 1 << 30}
	tell(newStory(t, whole), true)
	if whole.count < 60 {
		t.Fatalf("the story has only %d operations", whole.count)
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for _, way := range []struct {
		name   string
		lasts  int
		err    error
		repair bool // before the process ends
	}{
		{"once, with an I/O error", 1, syscall.EIO, true},
		{"thrice, for want of room", 3, syscall.ENOSPC, true},
		{"until it is repaired", 1 << 30, syscall.ENOSPC, true},
		{"beyond the end of the process", 1 << 30, syscall.EIO, false},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			for k := 1; k <= whole.count; k += step {
				disk := &shaky{at: k, lasts: way.lasts, err: way.err}
				tell(newStory(t, disk), way.repair)
				if t.Failed() {
					t.Fatalf("operation %d of %d: %v", k, whole.count, disk.hit)
				}
			}
			t.Logf("%d operations", whole.count)
		})
	}
}

// tell runs a story: a process that acts, and one that comes after it.
func tell(s *story, repair bool) {
	s.open()
	s.act()
	lost := false
	if repair {
		s.disk.repair()
		s.settleAll()
		if err := s.close(); err != nil {
			s.t.Errorf("close: %v", err)
		}
	} else {
		lost = s.close() != nil
		s.disk.repair()
	}
	s.open()
	if err := s.close(); err != nil {
		s.t.Errorf("close again: %v", err)
	}
	s.check(lost)
}

func TestTheLastBytesMayBeTornAnywhere(t *testing.T) {
	t.Parallel()
	o := options(t, func(o *Options) { o.SignEvery = time.Hour })
	l := mustOpen(t, o)
	mustSeal(t, l, get(1), get(2))
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	l.mark() // these two are signed
	mustSeal(t, l, get(3), get(4))
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "copy")
	name := segmentName(o.Dir, 1)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	ends := frameEnds(t, b)
	step := 1
	if testing.Short() {
		step = 37
	}
	for cut := ends[1]; cut <= len(b); cut += step {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		copyLog(t, dir, o.Dir)
		if err := os.Truncate(segmentName(dir, 1), int64(cut)); err != nil {
			t.Fatal(err)
		}
		checkTorn(t, dir, b, cut)
	}
}

// frameEnds are the ends of the records of a segment.
func frameEnds(t *testing.T, b []byte) (ends []int) {
	t.Helper()
	records := newFrames(bytes.NewReader(b[headerSize:]), headerSize)
	for {
		if _, err := records.next(); err != nil {
			return ends
		}
		ends = append(ends, int(records.offset))
	}
}

// copyLog copies a folder with its secrets.
func copyLog(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{signFile, kekFile, tableFile} {
		if err := os.Chmod(filepath.Join(to, "secret", f), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// checkTorn opens a log whose segment was cut at a byte, once with a zeroed
// and once with a missing end, and looks for what must still be there.
func checkTorn(t *testing.T, dir string, whole []byte, cut int) {
	t.Helper()
	want := 0
	for _, end := range frameEnds(t, whole) {
		if end <= cut {
			want++
		}
	}
	torn := len(frameEnds(t, whole[:cut])) == want && frameEnds(t, whole[:cut])[want-1] != cut
	l, err := Open(Options{Dir: dir, Clock: &hand{now: start()}, Rand: rand.Reader, volume: &shaky{at: 1 << 30}})
	if err != nil {
		t.Fatalf("cut at %d: %v", cut, err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, dir, VerifyOptions{}); !r.OK() || r.Torn != 0 || r.Unsigned != 0 {
		t.Fatalf("cut at %d: %+v", cut, r)
	}
	events := all(t, Reader{Dir: dir}, Query{})
	told := len(events) == want+1 && events[want].Kind == event.Repaired && events[want].Code == string(CodeTorn)
	if len(events) < want || len(events) != want && !told || torn != told {
		t.Errorf("cut at %d: %d records, want %d; told of it: %t, want %t", cut, len(events), want, told, torn)
	}
	kept, err := os.ReadFile(cutName(dir, 1))
	if torn && (err != nil || len(kept) == 0 || !bytes.HasSuffix(whole[:cut], kept)) {
		t.Errorf("cut at %d: what was torn is not kept: %v", cut, err)
	}
}
