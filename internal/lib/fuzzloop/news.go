package fuzzloop

import (
	"encoding/binary"
	"math/bits"
)

// news adds what counters say to seen, and tells whether any of it is new: a
// counter that never moved, or one that reached another power of two. It sets
// the counters to zero.
func news(counters, seen []byte) bool {
	found := false
	k := 0
	for ; k+64 <= len(counters); k += 64 {
		line := counters[k : k+64 : k+64]
		if word(line, 0)|word(line, 8)|word(line, 16)|word(line, 24)|word(line, 32)|word(line, 40)|word(line, 48)|word(line, 56) != 0 {
			found = note(line, seen[k:k+64]) || found
		}
	}
	return note(counters[k:], seen[k:]) || found
}

func word(b []byte, at int) uint64 { return binary.NativeEndian.Uint64(b[at:]) }

func note(counters, seen []byte) bool {
	fresh := false
	for k, n := range counters {
		if n == 0 {
			continue
		}
		bit := byte(1) << (bits.Len8(n) - 1)
		fresh = fresh || seen[k]&bit == 0
		seen[k] |= bit
		counters[k] = 0
	}
	return fresh
}
