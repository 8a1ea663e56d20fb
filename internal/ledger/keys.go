package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/event"
)

// ErrErased is what a key table returns for a key that was destroyed, or that
// it never had; the two cannot be told apart, on purpose.
var ErrErased = errors.New("erased")

// Keys is the table of the subjects' keys. Implementations are safe for
// concurrent use. The ledger's own is KeyFile.
type Keys interface {
	// For returns the key of a subject and makes it on first use. A table that
	// is a Storer may store it later; for every other it is stored when For
	// returns.
	For(subject string) (*event.Key, error)
	// Peek returns the key of a subject, or ErrErased.
	Peek(subject string) (*event.Key, error)
	// Handle returns the key with a handle, or ErrErased.
	Handle(handle string) (*event.Key, error)
	// Destroy destroys the key of a subject for good, or returns ErrErased.
	Destroy(subject string) error
}

// A Storer is a key table whose For does not write. The ledger stores the keys
// before the first record that uses them, which is not where requests wait.
type Storer interface {
	// Store writes the keys that For made. After an error they still wait.
	Store() error
	// Waits tells whether the key with a handle is not stored yet.
	Waits(handle string) bool
}

// MaxSubjects bounds one key table. Beyond it subjects share the key of the
// day with the anonymous callers.
const MaxSubjects = 1 << 20

// errBound is what For wraps when the table is full.
var errBound = errors.New("the table of keys is full")

// maxCached bounds the keys that are ready for use in memory.
const maxCached = 8192

// KeyFile is the key table in a file, and a Storer. Each subject has a random key of 256
// bits, wrapped with AES-256-GCM under a key-encryption key; the file names
// subjects only by a keyed hash. Changing it needs the lock of the ledger's
// folder; any number of processes may read.
type KeyFile struct {
	rand io.Reader
	wrap cipher.AEAD

	bound   int  // of the subjects
	reader  bool // another process may change the file
	f       file
	name    string
	pending atomic.Int64 // keys that wait to be stored

	syncs sync.Mutex // held while the file is synced; taken before disk
	doubt bool       // the last sync failed: the fresh slots have to be written again

	disk    sync.Mutex // held while the file is written; taken before mu
	changes uint64     // how often the file was changed, so that readers notice

	mu       sync.RWMutex // never held while the file is read or written, but by readers' refresh
	index    []byte       // key of lookups
	lookups  map[[lookupSize]byte]slotOf
	handles  map[[handleSize]byte]int64
	free     []int64
	dying    map[[lookupSize]byte][]int64 // slots of keys whose destruction is not on the disk yet
	end      int64
	fresh    []int64               // slots that were written since the last good sync
	stale    bool                  // an earlier process may have left more of them
	waiting  map[int64][]byte      // slots that are to be written, by offset
	waits    map[string]bool       // their handles
	cached   map[string]*event.Key // by subject
	byHandle map[string]*event.Key
}

// A slotOf says which slot is a subject's.
type slotOf struct {
	at     int64
	handle [handleSize]byte
}

// OpenKeys opens the key table in a folder of secrets and makes it, and its
// key-encryption key, on first use with the randomness given.
func OpenKeys(secrets string, rand io.Reader) (*KeyFile, error) {
	return openKeys(vault{secrets, system{}, rand}, os.O_RDWR|os.O_CREATE)
}

// ReadKeys opens the key table of a ledger for reading: For makes no key and
// Destroy fails.
func ReadKeys(secrets string) (*KeyFile, error) {
	return openKeys(vault{secrets, system{}, noRand{}}, os.O_RDONLY)
}

// noRand is the randomness of those who may only read.
type noRand struct{}

func (noRand) Read([]byte) (int, error) {
	return 0, errors.New("the key table is open for reading only")
}

func openKeys(v vault, flag int) (*KeyFile, error) {
	kek, err := v.loadSecret(kekFile, "key-encryption-key", event.KeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("open the key table: %w", err)
	}
	wrap, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("open the key table: %w", err)
	}
	name := filepath.Join(v.dir, tableFile)
	f, err := v.volume.open(name, flag, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the key table: %w", err)
	}
	k := &KeyFile{rand: v.rand, wrap: wrap, f: f, name: name, bound: MaxSubjects, reader: flag == os.O_RDONLY}
	if err := k.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the key table %s: %w", name, err), f.Close())
	}
	return k, nil
}

// lookup is the name that a subject has in the file.
func (k *KeyFile) lookup(subject string) [lookupSize]byte {
	h := hmac.New(sha256.New, k.index)
	h.Write([]byte(subject))
	return [lookupSize]byte(h.Sum(nil))
}

// For returns the key of a subject and makes it on first use. It writes
// nothing: a key that it makes waits for Store.
func (k *KeyFile) For(subject string) (*event.Key, error) {
	k.mu.RLock()
	key := k.cached[subject]
	k.mu.RUnlock()
	if key != nil {
		return key, nil
	}
	return k.find(subject, k.make)
}

// Peek returns the key of a subject, or ErrErased.
func (k *KeyFile) Peek(subject string) (*event.Key, error) {
	if err := k.refresh(); err != nil {
		return nil, err
	}
	return k.find(subject, func(string) (*event.Key, error) { return nil, ErrErased })
}

// Handle returns the key with a handle, or ErrErased.
func (k *KeyFile) Handle(handle string) (*event.Key, error) {
	if err := k.refresh(); err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(handle)
	if err != nil || len(b) != handleSize {
		return nil, ErrErased
	}
	k.mu.RLock()
	key, slot := k.byHandle[handle], []byte(nil)
	at, ok := k.handles[[handleSize]byte(b)]
	if ok {
		slot = k.waiting[at]
	}
	k.mu.RUnlock()
	switch {
	case key != nil:
		return key, nil
	case !ok:
		return nil, ErrErased
	}
	if key, err = k.read(slot, at); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.handles[[handleSize]byte(b)] != at {
		return nil, ErrErased // meanwhile
	}
	keep(k.byHandle, handle, key)
	return key, nil
}

// find returns the key of a subject, and what missing gives, under k.mu, where
// there is none.
func (k *KeyFile) find(subject string, missing func(string) (*event.Key, error)) (*event.Key, error) {
	for range 3 { // a key may be destroyed, and another made, while it is read
		k.mu.Lock()
		key, lookup := k.cached[subject], k.lookup(subject)
		of, ok := k.lookups[lookup]
		slot := k.waiting[of.at]
		if key == nil && !ok {
			key, err := missing(subject)
			k.mu.Unlock()
			return key, err
		}
		k.mu.Unlock()
		if key != nil {
			return key, nil
		}
		key, err := k.read(slot, of.at)
		if err != nil && !errors.Is(err, ErrErased) {
			return nil, err
		}
		k.mu.Lock()
		same := k.lookups[lookup] == of
		if same && err == nil {
			keep(k.cached, subject, key)
		}
		k.mu.Unlock()
		if same {
			return key, err
		}
	}
	return nil, ErrErased
}

// keep puts a key into a bounded cache, in place of any other when it is full.
func keep(cache map[string]*event.Key, name string, key *event.Key) {
	if len(cache) >= maxCached {
		for other := range cache {
			delete(cache, other)
			break
		}
	}
	cache[name] = key
}

// read unwraps the key in one slot, which still waits or is in the file. A slot
// that was overwritten since it was loaded, by the process that may write, is
// an erased key.
func (k *KeyFile) read(s []byte, at int64) (*event.Key, error) {
	if s == nil {
		s = make([]byte, slotSize)
		if _, err := k.f.ReadAt(s, at); err != nil {
			return nil, fmt.Errorf("read a key: %w", err)
		}
	}
	if s[0] != slotUsed {
		return nil, ErrErased
	}
	secret, err := k.unwrap(s)
	if err != nil {
		return nil, fmt.Errorf("unwrap a key: %w", err)
	}
	return event.NewKey(hex.EncodeToString(s[1+lookupSize:wrappedAt]), secret)
}

// make makes a fresh key, which waits to be stored; k.mu is held.
func (k *KeyFile) make(subject string) (*event.Key, error) {
	switch {
	case len(k.lookups) >= k.bound:
		return nil, fmt.Errorf("make a key: %w, it holds %d", errBound, k.bound)
	case len(k.waiting) >= maxWaiting:
		return nil, fmt.Errorf("make a key: %w", errWaiting)
	}
	var secret [event.KeySize]byte
	if _, err := io.ReadFull(k.rand, secret[:]); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	lookup := k.lookup(subject)
	s, err := k.slot(slotUsed, lookup, secret[:])
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	handle := s[1+lookupSize : wrappedAt]
	key, err := event.NewKey(hex.EncodeToString(handle), secret[:])
	if err != nil {
		return nil, err
	}
	at := k.end
	if n := len(k.free); n > 0 {
		at, k.free = k.free[n-1], k.free[:n-1]
	} else {
		k.end += slotSize
	}
	k.waiting[at], k.waits[key.Handle()] = s, true
	k.pending.Store(int64(len(k.waiting)))
	k.lookups[lookup] = slotOf{at, [handleSize]byte(handle)}
	k.handles[[handleSize]byte(handle)] = at
	keep(k.cached, subject, key)
	return key, nil
}

// Close stores what waits and closes the file. Keys that were given out stay
// usable.
func (k *KeyFile) Close() error { return errors.Join(k.Store(), k.f.Close()) }
