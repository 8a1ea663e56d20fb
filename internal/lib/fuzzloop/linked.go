//go:build fuzzloop

package fuzzloop

import (
	_ "testing" // it brings internal/fuzz
	"unsafe"
)

// linked tells whether the counters and the mutator can be had.
const linked = true

//go:linkname counters internal/fuzz._counters
//go:linkname ecounters internal/fuzz._ecounters
var counters, ecounters [0]byte

//go:linkname marshal internal/fuzz.marshalCorpusFile
func marshal(vals ...any) []byte

//go:linkname unmarshal internal/fuzz.unmarshalCorpusFile
func unmarshal(text []byte) ([]any, error)

//go:linkname makeMutator internal/fuzz.newMutator
func makeMutator() unsafe.Pointer

//go:linkname mutate internal/fuzz.(*mutator).mutate
func mutate(m unsafe.Pointer, vals []any, maxBytes int)

// coverage is the counter of each edge, of 8 bits. The linker gives both ends.
func coverage() []byte {
	from := unsafe.Pointer(&counters)
	return unsafe.Slice((*byte)(from), uintptr(unsafe.Pointer(&ecounters))-uintptr(from))
}
