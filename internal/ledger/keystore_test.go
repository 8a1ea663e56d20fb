package ledger

import (
	"bytes"
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

// A keyDisk is a volume on which writes to the key table wait or fail.
type keyDisk struct {
	system
	mu    sync.Mutex
	fail  error
	gate  chan struct{} // when not nil, writes wait until it is closed
	stuck chan struct{}
}

func (d *keyDisk) open(name string, flag int, mode fs.FileMode) (file, error) {
	f, err := d.system.open(name, flag, mode)
	if err == nil && strings.HasSuffix(name, tableFile) {
		f = &keyDiskFile{f, d}
	}
	return f, err
}

func (d *keyDisk) set(fail error, gate chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail, d.gate = fail, gate
}

type keyDiskFile struct {
	file
	disk *keyDisk
}

func (f *keyDiskFile) WriteAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	fail, gate := f.disk.fail, f.disk.gate
	f.disk.mu.Unlock()
	if gate != nil {
		poke(f.disk.stuck)
		<-gate
	}
	if fail != nil {
		return 0, fail
	}
	return f.file.WriteAt(b, at)
}

// as is an exchange of one subject.
func as(n int, subject string) *event.Event {
	e := post(n)
	e.Personal.Subject = subject
	return e
}

func TestNoRequestWaitsForTheKeyTable(t *testing.T) {
	t.Parallel()
	disk, gate := &keyDisk{stuck: make(chan struct{}, 1)}, make(chan struct{})
	o := options(t, func(o *Options) { o.volume, o.CommitEvery = disk, time.Hour })
	l := mustOpen(t, o)
	storeKey(t, l)
	disk.set(nil, gate)
	mustSeal(t, l, as(1, "bob"))
	done := make(chan error, 1)
	go func() { done <- l.Flush() }()
	<-disk.stuck // the key of bob is on its way to a disk that hangs
	mustSeal(t, l, as(2, "carol"), as(3, "bob"))
	if err := l.Intent(as(4, "alice")); err != nil { // her key is stored, and the ring has room
		t.Fatal(err)
	}
	close(gate)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, e := range all(t, l.Reader(), Query{}) {
		if e.Personal.Subject == "" || e.Personal.Subject == Erased {
			t.Errorf("a box does not open: %+v", e)
		}
	}
}

func TestAKeyThatCannotBeStoredHoldsItsRecordsBack(t *testing.T) {
	t.Parallel()
	disk := &keyDisk{}
	o := options(t, func(o *Options) { o.volume, o.CommitEvery = disk, time.Hour })
	l := mustOpen(t, o)
	disk.set(syscall.ENOSPC, nil)
	if err := l.Intent(as(1, "bob")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("an intent whose key cannot be stored gives %v", err)
	}
	mustSeal(t, l, as(2, "carol"))
	if err := l.Flush(); !errors.Is(err, syscall.ENOSPC) || l.Stats().Fault == nil {
		t.Errorf("a commit without its keys gives %v", err)
	}
	if n := len(all(t, Reader{Dir: o.Dir}, Query{})); n != 0 {
		t.Errorf("%d records stand in the log before their keys", n)
	}
	disk.set(nil, nil)
	if err := l.Intent(as(3, "bob")); err != nil {
		t.Fatal(err)
	}
	if n, f := len(all(t, l.Reader(), Query{Subject: "carol"})), l.Stats().Fault; n != 1 || f != nil {
		t.Errorf("%d records of carol after the repair, %v", n, f)
	}
}

func TestAKeyThatIsDestroyedWhileItWaitsIsNeverStored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k, err := OpenKeys(dir, options(t).Rand)
	if err != nil {
		t.Fatal(err)
	}
	key, err := k.For("bob")
	if err != nil || !k.Waits(key.Handle()) {
		t.Fatalf("the key does not wait: %v", err)
	}
	if err := k.Destroy("bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Handle(key.Handle()); !errors.Is(err, ErrErased) || k.Waits(key.Handle()) {
		t.Errorf("a destroyed key is there: %v", err)
	}
	carol, err := k.For("carol") // takes the slot
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := ReadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.Peek("bob"); !errors.Is(err, ErrErased) {
		t.Errorf("the key of bob: %v", err)
	}
	if got, err := again.Peek("carol"); err != nil || got.Handle() != carol.Handle() {
		t.Errorf("the key of carol: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, tableFile))
	if err != nil || len(b) != tableHeader+2*slotSize || bytes.Count(b, []byte{slotUsed}) == 0 {
		t.Errorf("the table has %d bytes, %v", len(b), err)
	}
}

func TestKeysThatWaitAreBoundedAndUsable(t *testing.T) {
	t.Parallel()
	k, err := OpenKeys(t.TempDir(), options(t).Rand)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var first *event.Key
	for n := range maxWaiting {
		key, err := k.For(fmt.Sprint(n))
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = key
		}
	}
	for n := range maxCached { // so that the cache loses those that wait
		k.mu.Lock()
		delete(k.cached, fmt.Sprint(n))
		k.mu.Unlock()
	}
	if _, err := k.For("one more"); !errors.Is(err, errWaiting) {
		t.Errorf("beyond the bound For gives %v", err)
	}
	if again, err := k.For("0"); err != nil || again.Handle() != first.Handle() || again.Pseudonym("x") != first.Pseudonym("x") {
		t.Errorf("a key that waits and is not in the cache: %v", err)
	}
	if err := k.Store(); err != nil {
		t.Fatal(err)
	}
	if _, err := k.For("one more"); err != nil {
		t.Error(err)
	}
}

func TestKeysAreMadeUsedAndDestroyedAtOnce(t *testing.T) {
	t.Parallel()
	k, err := OpenKeys(t.TempDir(), options(t).Rand)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for n := range 60 {
				subject := fmt.Sprint(n % 7)
				var err error
				switch w {
				case 0:
					err = k.Store()
				case 1:
					if err = k.Destroy(subject); errors.Is(err, ErrErased) {
						err = nil
					}
				case 2:
					err = k.Sync()
				default:
					var key *event.Key
					if key, err = k.For(subject); err == nil {
						if _, err = k.Handle(key.Handle()); errors.Is(err, ErrErased) {
							err = nil // meanwhile
						}
					} else if errors.Is(err, ErrErased) {
						err = nil
					}
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := k.Store(); err != nil {
		t.Fatal(err)
	}
	if len(k.waiting) != 0 || len(k.waits) != 0 || len(k.lookups) != len(k.handles) || k.pending.Load() != 0 {
		t.Errorf("%d wait, %d handles wait, %d subjects, %d handles", len(k.waiting), len(k.waits), len(k.lookups), len(k.handles))
	}
}
