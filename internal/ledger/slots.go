package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/sallyport/sallyport/event"
)

// The layout of the key table: a header, then slots of fixed size, so that a
// key is destroyed by overwriting its slot in place. Numbers are
// little-endian.
const (
	tableMagic  = "SALLYKEY"
	tableHeader = 24 // magic, u32 format, u32 version of the key-encryption key, u64 changes
	changesAt   = 16
	slotSize    = 128
	slotFree    = 0
	slotUsed    = 1
	slotIndex   = 2 // the key that looks subjects up; always the first slot
	lookupSize  = 16
	handleSize  = 8
	wrappedAt   = 1 + lookupSize + handleSize // state, lookup, handle, nonce, ciphertext and tag
	wrappedSize = event.NonceSize + event.KeySize + 16
)

// load reads the whole table, or begins it. A slot that a crash left half
// written was never used and becomes free.
func (k *KeyFile) load() error {
	k.lookups, k.handles, k.free = map[[lookupSize]byte]slotOf{}, map[[handleSize]byte]int64{}, nil
	k.cached, k.byHandle = map[string]*event.Key{}, map[string]*event.Key{}
	k.dying, k.stale = map[[lookupSize]byte][]int64{}, true
	k.waiting, k.waits = map[int64][]byte{}, map[string]bool{}
	b, err := io.ReadAll(io.NewSectionReader(k.f, 0, tableHeader+(MaxSubjects+2)*slotSize))
	if err != nil {
		return err
	}
	if len(b) < tableHeader+slotSize {
		return k.begin(len(b))
	}
	if string(b[:8]) != tableMagic || binary.LittleEndian.Uint32(b[8:]) != 1 || binary.LittleEndian.Uint32(b[12:]) != 1 {
		return errors.New("not a key table of format 1 under key-encryption key 1")
	}
	k.end, k.changes = tableHeader, binary.LittleEndian.Uint64(b[changesAt:])
	for b = b[tableHeader:]; len(b) >= slotSize; b = b[slotSize:] {
		if err := k.loadSlot(b[:slotSize], k.end); err != nil {
			return err
		}
		k.end += slotSize
	}
	return nil
}

func (k *KeyFile) loadSlot(s []byte, at int64) error {
	sound := crc32.Checksum(s[:slotSize-4], castagnoli()) == binary.LittleEndian.Uint32(s[slotSize-4:])
	switch {
	case at == tableHeader:
		if !sound || s[0] != slotIndex {
			return errors.New("the first slot was changed")
		}
		index, err := k.unwrap(s)
		if err != nil {
			return fmt.Errorf("%s does not open it: %w", kekFile, err)
		}
		k.index = index
	case sound && s[0] == slotUsed:
		k.lookups[[lookupSize]byte(s[1:])] = slotOf{at, [handleSize]byte(s[1+lookupSize:])}
		k.handles[[handleSize]byte(s[1+lookupSize:])] = at
	default:
		k.free = append(k.free, at)
	}
	return nil
}

// begin writes the header and the index slot of a new table.
func (k *KeyFile) begin(had int) error {
	if had > 0 { // a crash during the first begin leaves less than a slot
		if err := k.f.Truncate(0); err != nil {
			return err
		}
	}
	var secret [event.KeySize]byte
	if _, err := io.ReadFull(k.rand, secret[:]); err != nil {
		return err
	}
	b := append([]byte(tableMagic), 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	s, err := k.slot(slotIndex, [lookupSize]byte{}, secret[:])
	if err != nil {
		return err
	}
	if _, err := k.f.WriteAt(append(b, s...), 0); err != nil {
		return err
	}
	k.index, k.end = secret[:], tableHeader+slotSize
	return k.f.Sync()
}

// slot makes a slot with a fresh handle. Everything before the nonce is bound
// to the wrapped key.
func (k *KeyFile) slot(state byte, lookup [lookupSize]byte, secret []byte) ([]byte, error) {
	s := make([]byte, wrappedAt, slotSize)
	s[0] = state
	copy(s[1:], lookup[:])
	var random [handleSize + event.NonceSize]byte
	if _, err := io.ReadFull(k.rand, random[:]); err != nil {
		return nil, err
	}
	copy(s[1+lookupSize:], random[:handleSize])
	nonce := random[handleSize:]
	s = append(s, nonce...)
	s = k.wrap.Seal(s, nonce, secret, s[:wrappedAt])
	s = s[:slotSize]
	binary.LittleEndian.PutUint32(s[slotSize-4:], crc32.Checksum(s[:slotSize-4], castagnoli()))
	return s, nil
}

func (k *KeyFile) unwrap(s []byte) ([]byte, error) {
	return k.wrap.Open(nil, s[wrappedAt:wrappedAt+event.NonceSize], s[wrappedAt+event.NonceSize:wrappedAt+wrappedSize], s[:wrappedAt])
}

// changed counts a change of the file, after it was made; k.disk is held.
func (k *KeyFile) changed() error {
	k.changes++
	_, err := k.f.WriteAt(binary.LittleEndian.AppendUint64(nil, k.changes), changesAt)
	return err
}

// refresh loads the table again when another process has changed it.
func (k *KeyFile) refresh() error {
	if !k.reader {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var b [8]byte
	if _, err := k.f.ReadAt(b[:], changesAt); err != nil {
		return fmt.Errorf("read the key table: %w", err)
	}
	if binary.LittleEndian.Uint64(b[:]) == k.changes {
		return nil
	}
	if err := k.load(); err != nil {
		return fmt.Errorf("read the key table: %w", err)
	}
	return nil
}
