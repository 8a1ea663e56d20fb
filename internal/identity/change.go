package identity

import (
	"fmt"
	"sync"
)

// A ChangeKind says what became of a key.
type ChangeKind uint8

// The kinds of changes.
const (
	Created  ChangeKind = iota + 1
	Replaced            // by a successor, which is Created; it may work for a while still
	Withdrawn
)

// A Change is something that happened to a key while a Keyring followed its
// feed, be it by this process or by another.
type Change struct {
	Kind   ChangeKind
	Record Record // as it is now
}

// maxChanges bounds how many changes wait to be told.
const maxChanges = 10_000

// changes are those that nobody was told of yet.
type changes struct {
	mu      sync.Mutex
	waiting []Change
	lost    int
}

// add keeps changes until take, as far as there is room.
func (c *changes) add(list []Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(list), maxChanges-len(c.waiting))
	c.waiting = append(c.waiting, list[:n]...)
	c.lost += len(list) - n
}

// take returns what waits, and how many did not fit.
func (c *changes) take() ([]Change, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, lost := c.waiting, c.lost
	c.waiting, c.lost = nil, 0
	return list, lost
}

// differ appends what r changes about what was known of its key, nil where
// nothing was.
func differ(dst []Change, known *entry, r Record) []Change {
	if known == nil {
		dst = append(dst, Change{Created, r})
	}
	if r.RotatedTo != "" && (known == nil || known.rotated == 0) {
		dst = append(dst, Change{Replaced, r})
	}
	if !r.Revoked.IsZero() && (known == nil || !known.revoked) {
		dst = append(dst, Change{Withdrawn, r})
	}
	return dst
}

// tell calls Changed for what waits. Only follow calls it.
func (k *Keyring) tell() {
	list, lost := k.news.take()
	for _, c := range list {
		k.conf.Changed(c)
	}
	if lost > 0 && k.conf.Report != nil {
		k.conf.Report(fmt.Errorf("tell of changes of keys: %d were too many to be kept", lost))
	}
}
