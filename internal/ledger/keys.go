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

	"github.com/sallyport/sallyport/event"
)

// ErrErased is what a key table returns for a key that was destroyed, or that
// it never had; the two cannot be told apart, on purpose.
var ErrErased = errors.New("erased")

// Keys is the table of the subjects' keys. Implementations are safe for
// concurrent use. The ledger's own is KeyFile.
type Keys interface {
	// For returns the key of a subject and makes it on first use. When it
	// returns, the key is stored.
	For(subject string) (*event.Key, error)
	// Peek returns the key of a subject, or ErrErased.
	Peek(subject string) (*event.Key, error)
	// Handle returns the key with a handle, or ErrErased.
	Handle(handle string) (*event.Key, error)
	// Destroy destroys the key of a subject for good, or returns ErrErased.
	Destroy(subject string) error
}

// MaxSubjects bounds one key table. Beyond it subjects share the key of the
// day with the anonymous callers.
const MaxSubjects = 1 << 20

// errBound is what For wraps when the table is full.
var errBound = errors.New("the table of keys is full")

// maxCached bounds the keys that are ready for use in memory.
const maxCached = 8192

// KeyFile is the key table in a file. Each subject has a random key of 256
// bits, wrapped with AES-256-GCM under a key-encryption key; the file names
// subjects only by a keyed hash. Changing it needs the lock of the ledger's
// folder; any number of processes may read.
type KeyFile struct {
	rand io.Reader
	wrap cipher.AEAD

	bound    int  // of the subjects
	reader   bool // another process may change the file
	mu       sync.RWMutex
	f        file
	name     string
	changes  uint64                     // how often the file was changed, so that readers notice
	index    []byte                     // key of lookups
	lookups  map[[lookupSize]byte]int64 // to the offset of the slot
	handles  map[[handleSize]byte]int64
	free     []int64
	dying    map[[lookupSize]byte][]int64 // slots of keys whose destruction is not on the disk yet
	end      int64
	fresh    []int64               // slots that were written since the last good sync
	stale    bool                  // an earlier process may have left more of them
	doubt    bool                  // the last sync failed: the fresh ones have to be written again
	cached   map[string]*event.Key // by subject
	byHandle map[string]*event.Key
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

// For returns the key of a subject and makes it on first use.
func (k *KeyFile) For(subject string) (*event.Key, error) {
	k.mu.RLock()
	key := k.cached[subject]
	k.mu.RUnlock()
	if key != nil {
		return key, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	key, err := k.find(subject)
	if errors.Is(err, ErrErased) {
		return k.make(subject)
	}
	return key, err
}

// Peek returns the key of a subject, or ErrErased.
func (k *KeyFile) Peek(subject string) (*event.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.refresh(); err != nil {
		return nil, err
	}
	return k.find(subject)
}

// Handle returns the key with a handle, or ErrErased.
func (k *KeyFile) Handle(handle string) (*event.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.refresh(); err != nil {
		return nil, err
	}
	if key := k.byHandle[handle]; key != nil {
		return key, nil
	}
	b, err := hex.DecodeString(handle)
	if err != nil || len(b) != handleSize {
		return nil, ErrErased
	}
	at, ok := k.handles[[handleSize]byte(b)]
	if !ok {
		return nil, ErrErased
	}
	key, err := k.read(at)
	if err == nil {
		keep(k.byHandle, handle, key)
	}
	return key, err
}

// find returns the key of a subject; k.mu is held.
func (k *KeyFile) find(subject string) (*event.Key, error) {
	if key := k.cached[subject]; key != nil {
		return key, nil
	}
	at, ok := k.lookups[k.lookup(subject)]
	if !ok {
		return nil, ErrErased
	}
	key, err := k.read(at)
	if err == nil {
		keep(k.cached, subject, key)
	}
	return key, err
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

// read unwraps the key in one slot. A slot that was overwritten since it was
// loaded, by the process that may write, is an erased key.
func (k *KeyFile) read(at int64) (*event.Key, error) {
	s := make([]byte, slotSize)
	if _, err := k.f.ReadAt(s, at); err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
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

// make stores a fresh key; k.mu is held.
func (k *KeyFile) make(subject string) (*event.Key, error) {
	if len(k.lookups) >= k.bound {
		return nil, fmt.Errorf("make a key: %w, it holds %d", errBound, k.bound)
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
	at := k.end
	if len(k.free) > 0 {
		at = k.free[len(k.free)-1]
	}
	if _, err := k.f.WriteAt(s, at); err != nil {
		return nil, fmt.Errorf("store a key: %w", err)
	}
	handle := s[1+lookupSize : wrappedAt]
	key, err := event.NewKey(hex.EncodeToString(handle), secret[:])
	if err != nil {
		return nil, err
	}
	if err := k.changed(); err != nil {
		return nil, fmt.Errorf("store a key: %w", err) // the next key takes the slot
	}
	if at == k.end {
		k.end += slotSize
	} else {
		k.free = k.free[:len(k.free)-1]
	}
	k.fresh = append(k.fresh, at)
	k.lookups[lookup] = at
	k.handles[[handleSize]byte(handle)] = at
	keep(k.cached, subject, key)
	return key, nil
}

// Destroy overwrites the slot of a subject's key and waits until that is on
// the disk. From its call on nobody gets the key any more; after an error the
// disk may still have it, and another Destroy goes on with that. Copies of the
// file, such as backups, keep the key: they have to be destroyed as well.
func (k *KeyFile) Destroy(subject string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	lookup := k.lookup(subject)
	if at, ok := k.lookups[lookup]; ok {
		if err := k.forget(lookup, at); err != nil {
			return fmt.Errorf("destroy a key: %w", err)
		}
		delete(k.cached, subject)
	}
	slots := k.dying[lookup]
	if len(slots) == 0 {
		return ErrErased
	}
	for _, at := range slots {
		if _, err := k.f.WriteAt(make([]byte, slotSize), at); err != nil {
			return fmt.Errorf("destroy a key: %w", err)
		}
	}
	if err := errors.Join(k.changed(), k.f.Sync()); err != nil {
		return fmt.Errorf("destroy a key: %w", err)
	}
	delete(k.dying, lookup)
	k.free = append(k.free, slots...)
	return nil
}

// forget takes a key out of memory; its slot waits to be overwritten.
func (k *KeyFile) forget(lookup [lookupSize]byte, at int64) error {
	s := make([]byte, slotSize)
	if _, err := k.f.ReadAt(s, at); err != nil {
		return err
	}
	handle := [handleSize]byte(s[1+lookupSize : wrappedAt])
	delete(k.lookups, lookup)
	delete(k.handles, handle)
	delete(k.byHandle, hex.EncodeToString(handle[:]))
	k.dying[lookup] = append(k.dying[lookup], at)
	return nil
}

// Sync makes all keys durable. After a sync that failed the kernel may have
// dropped what it had not written, so the next one writes it again.
func (k *KeyFile) Sync() error {
	k.mu.Lock()
	slots, needed, doubt := k.fresh, k.stale || len(k.fresh) > 0, k.doubt
	k.fresh, k.stale = nil, false
	k.mu.Unlock()
	if !needed {
		return nil
	}
	var err error
	if doubt {
		err = k.rewrite(slots)
	}
	if err == nil {
		err = k.f.Sync() // not under the lock, under which requests ask for keys
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.doubt = err != nil; k.doubt {
		k.fresh, k.stale = append(k.fresh, slots...), true
		return fmt.Errorf("sync the key table: %w", err)
	}
	return nil
}

// rewrite writes slots once more.
func (k *KeyFile) rewrite(slots []int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := make([]byte, slotSize)
	for _, at := range slots {
		if _, err := k.f.ReadAt(s, at); err != nil {
			return err
		}
		if _, err := k.f.WriteAt(s, at); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the file. Keys that were given out stay usable.
func (k *KeyFile) Close() error { return k.f.Close() }
