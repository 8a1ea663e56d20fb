package ratelimit

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// Sizes of a Table.
const (
	// DefaultEntries is room for 65,536 counters that count something, in 1 MiB.
	// A counter whose burst is whole again needs no room.
	DefaultEntries = 1 << 16

	shards = 64 // each with a lock of its own
	ways   = 8  // places that one key may have
)

// A Table holds counters by key. It never grows: where all places of a key are
// taken, the counter that has used least is forgotten, so that a flood of
// invented keys costs those who stay within their rate nothing but a fresh
// burst. It is safe for concurrent use.
type Table struct {
	seed   maphash.Seed
	sets   uint64 // of each shard; a power of two
	shards [shards]shard
}

type shard struct {
	mu      sync.Mutex
	entries []entry          // sets of ways
	held    map[uint64]int32 // by key: requests under way, never 0
}

// An entry is a counter; tat 0 is none.
type entry struct {
	key uint64
	tat int64
}

// New returns a Table with room for at least so many counters; 0 means
// DefaultEntries. Keys are hashed with a seed of this Table, so that nobody
// outside can choose colliding ones.
func New(entries int) *Table {
	if entries <= 0 {
		entries = DefaultEntries
	}
	t := &Table{seed: maphash.MakeSeed(), sets: 1}
	for int(t.sets)*shards*ways < entries {
		t.sets *= 2
	}
	for i := range t.shards {
		t.shards[i].entries = make([]entry, t.sets*ways)
		t.shards[i].held = map[uint64]int32{}
	}
	return t
}

// Key is the key of who within scope.
func (t *Table) Key(scope, who string) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	_, _ = h.WriteString(scope) //nolint:errcheck // a hash never fails
	_ = h.WriteByte(0)          //nolint:errcheck // as above
	_, _ = h.WriteString(who)   //nolint:errcheck // as above
	return h.Sum64()
}

// AddrKey is the key of an address within scope. All of an IPv6 /64 is one,
// since that is what one subscriber has at least (RFC 6177).
func (t *Table) AddrKey(scope string, a netip.Addr) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	_, _ = h.WriteString(scope) //nolint:errcheck // a hash never fails
	_ = h.WriteByte(1)          //nolint:errcheck // as above
	a = a.Unmap()
	b := a.As16()
	if a.Is4() {
		_, _ = h.Write(b[12:]) //nolint:errcheck // as above
	} else {
		_, _ = h.Write(b[:8]) //nolint:errcheck // as above
	}
	return h.Sum64()
}

// Take counts one request of key against r.
func (t *Table) Take(key uint64, r Rate, now time.Time) Standing {
	s := &t.shards[key%shards]
	at := now.UnixNano()
	set := (key / shards & (t.sets - 1)) * ways
	s.mu.Lock()
	defer s.mu.Unlock()
	e := place(s.entries[set:set+ways], key)
	var st Standing
	e.tat, st = r.take(e.tat, at)
	return st
}

// place returns the counter of key. Where it has none it takes a place: one
// that is free, or that of the counter which is due first and so has used
// least.
func place(set []entry, key uint64) *entry {
	first := &set[0]
	for i := range set {
		e := &set[i]
		if e.key == key && e.tat != 0 {
			return e
		}
		if e.tat < first.tat {
			first = e
		}
	}
	*first = entry{key: key}
	return first
}

// Hold counts one request under way, unless most are already. Whoever got true
// must Release.
func (t *Table) Hold(key uint64, most int) bool {
	s := &t.shards[key%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.held[key]
	if int(n) >= most {
		return false
	}
	s.held[key] = n + 1
	return true
}

// Release takes back one Hold.
func (t *Table) Release(key uint64) {
	s := &t.shards[key%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.held[key]; n > 1 {
		s.held[key] = n - 1
	} else {
		delete(s.held, key)
	}
}

// Held is how many requests are under way.
func (t *Table) Held(key uint64) int {
	s := &t.shards[key%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.held[key])
}
