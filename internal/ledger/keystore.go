package ledger

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/event"
)

// maxWaiting bounds the keys that wait to be stored: those of the new subjects
// of one commit. Beyond it For fails, as it does for a disk that takes none.
const maxWaiting = 1 << 13

// errWaiting is what For wraps for a disk that takes no keys.
var errWaiting = errors.New("too many keys wait to be stored")

// Waits tells whether the key with a handle is not stored yet.
func (k *KeyFile) Waits(handle string) bool {
	if k.pending.Load() == 0 {
		return false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.waits[handle]
}

// Store writes the keys that For made, those that stand side by side with one
// call. After an error they still wait.
func (k *KeyFile) Store() error {
	if k.pending.Load() == 0 {
		return nil
	}
	k.disk.Lock()
	defer k.disk.Unlock()
	return k.store()
}

// store does so; k.disk is held.
func (k *KeyFile) store() error {
	k.mu.RLock()
	slots := maps.Clone(k.waiting)
	k.mu.RUnlock()
	if len(slots) == 0 {
		return nil
	}
	var run []byte
	from := int64(0)
	flush := func() error {
		if len(run) == 0 {
			return nil
		}
		_, err := k.f.WriteAt(run, from)
		run = run[:0]
		return err
	}
	for _, at := range slices.Sorted(maps.Keys(slots)) {
		if at != from+int64(len(run)) {
			if err := flush(); err != nil {
				return fmt.Errorf("store a key: %w", err)
			}
			from = at
		}
		run = append(run, slots[at]...)
	}
	if err := errors.Join(flush(), k.changed()); err != nil {
		return fmt.Errorf("store a key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for at, s := range slots {
		delete(k.waiting, at)
		delete(k.waits, hex.EncodeToString(s[1+lookupSize:wrappedAt]))
		k.fresh = append(k.fresh, at)
	}
	k.pending.Store(int64(len(k.waiting)))
	return nil
}

// Destroy overwrites the slot of a subject's key and waits until that is on
// the disk. Once it returns nobody gets the key any more, whatever it returns;
// after an error the disk may still have it, and another Destroy goes on with
// that. Copies of the file, such as backups, keep the key: they have to be
// destroyed as well.
func (k *KeyFile) Destroy(subject string) error {
	k.syncs.Lock()
	defer k.syncs.Unlock()
	lookup, slots, err := k.overwrite(subject)
	if err == nil && len(slots) == 0 {
		return ErrErased
	}
	if err == nil {
		err = k.f.Sync()
		k.doubt = k.doubt || err != nil // the kernel tells an error once, of whatever was written
	}
	if err != nil {
		return fmt.Errorf("destroy a key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.dying, lookup)
	k.free = append(k.free, slots...)
	return nil
}

// overwrite forgets a key and overwrites its slots.
func (k *KeyFile) overwrite(subject string) (lookup [lookupSize]byte, slots []int64, err error) {
	k.disk.Lock()
	defer k.disk.Unlock()
	if lookup, slots = k.forget(subject); len(slots) == 0 {
		return lookup, nil, nil
	}
	for _, at := range slots {
		if _, err := k.f.WriteAt(make([]byte, slotSize), at); err != nil {
			return lookup, slots, err
		}
	}
	return lookup, slots, k.changed()
}

// forget takes a key out of memory; its slots wait to be overwritten. k.disk is
// held, so a slot that waited does not come into the file meanwhile.
func (k *KeyFile) forget(subject string) (lookup [lookupSize]byte, slots []int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	lookup = k.lookup(subject)
	if of, ok := k.lookups[lookup]; ok {
		name := hex.EncodeToString(of.handle[:])
		delete(k.lookups, lookup)
		delete(k.handles, of.handle)
		delete(k.byHandle, name)
		delete(k.cached, subject)
		delete(k.waiting, of.at)
		delete(k.waits, name)
		k.pending.Store(int64(len(k.waiting)))
		k.dying[lookup] = append(k.dying[lookup], of.at)
	}
	return lookup, slices.Clone(k.dying[lookup])
}

// Sync stores what waits and makes all keys durable. After a sync that failed
// the kernel may have dropped what it had not written, so the next one writes
// it again.
func (k *KeyFile) Sync() error {
	k.syncs.Lock()
	defer k.syncs.Unlock()
	slots, needed, err := k.beforeSync()
	if err != nil || !needed {
		return err
	}
	if err = k.f.Sync(); err == nil {
		k.doubt = false
		return nil
	}
	k.notSynced(slots)
	return fmt.Errorf("sync the key table: %w", err)
}

// beforeSync writes what has to be in the file and returns the slots that the
// sync is for.
func (k *KeyFile) beforeSync() (slots []int64, needed bool, err error) {
	k.disk.Lock()
	defer k.disk.Unlock()
	if err := k.store(); err != nil {
		return nil, false, err
	}
	k.mu.Lock()
	slots, needed = k.fresh, k.stale || k.doubt || len(k.fresh) > 0
	k.fresh, k.stale = nil, false
	k.mu.Unlock()
	if !k.doubt {
		return slots, needed, nil
	}
	if err := k.rewrite(slots); err != nil {
		k.notSynced(slots)
		return nil, false, fmt.Errorf("sync the key table: %w", err)
	}
	return slots, needed, nil
}

// notSynced puts slots back for the next sync.
func (k *KeyFile) notSynced(slots []int64) {
	k.doubt = true
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fresh, k.stale = append(k.fresh, slots...), true
}

// rewrite writes slots once more.
func (k *KeyFile) rewrite(slots []int64) error {
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

// storeKeys stores the keys of records that are about to be written.
func (l *Ledger) storeKeys() error {
	if k, ok := l.keys.(Storer); ok {
		return k.Store()
	}
	return nil
}

// keyWaits tells whether the key of the box of e is not stored yet.
func (l *Ledger) keyWaits(e *event.Event) bool {
	k, ok := l.keys.(Storer)
	return ok && len(e.Box.Data) > 0 && k.Waits(e.Box.Key)
}
