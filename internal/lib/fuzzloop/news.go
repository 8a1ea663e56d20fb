package fuzzloop

import (
	"encoding/binary"
	"math/bits"
)

// news adds what counters say to seen, and tells whether any of it is new: a
// counter that never moved, or one that reached another power of two.
func news(counters, seen []byte) bool {
	found := false
	k := 0
	for ; k+8 <= len(counters); k += 8 {
		if binary.NativeEndian.Uint64(counters[k:]) == 0 {
			continue
		}
		for n := k; n < k+8; n++ {
			found = note(counters[n], &seen[n]) || found
		}
	}
	for ; k < len(counters); k++ {
		found = note(counters[k], &seen[k]) || found
	}
	return found
}

func note(count byte, seen *byte) bool {
	if count == 0 {
		return false
	}
	bit := byte(1) << (bits.Len8(count) - 1)
	fresh := *seen&bit == 0
	*seen |= bit
	return fresh
}
