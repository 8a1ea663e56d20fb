package fuzzloop

import (
	"math/rand/v2"
	"unsafe"
)

// A mutator makes new inputs of those that are there.
type mutator struct {
	m    unsafe.Pointer // of the testing package
	vals []any
	join []byte
}

func newMutator() *mutator { return &mutator{m: makeMutator()} }

// tries is how many inputs are looked at for the smallest, which is quick to
// execute.
const tries = 4

// next gives an input that is good until the call that follows. One in two is
// made of the newer half of the corpus.
func (m *mutator) next(corpus [][]any) []any {
	span := len(corpus)
	if rand.IntN(2) == 0 {
		span = (span + 1) / 2
	}
	best, least := 0, 0
	for k := range tries {
		n := len(corpus) - 1 - rand.IntN(span)
		if bytes := size(corpus[n]); k == 0 || bytes < least {
			best, least = n, bytes
		}
	}
	m.vals = append(m.vals[:0], corpus[best]...)
	if rand.IntN(8) == 0 {
		m.cross(corpus[rand.IntN(len(corpus))])
	}
	mutate(m.m, m.vals, len(m.vals)*(max(maxInput, size(m.vals))+200)) // changes one, in memory of its own
	return m.vals
}

// cross puts the end of one text of other behind the beginning of ours.
func (m *mutator) cross(other []any) {
	k := rand.IntN(len(other))
	switch o := other[k].(type) {
	case []byte:
		v := m.vals[k].([]byte) //nolint:errcheck // all inputs are alike
		m.join = append(append(m.join[:0], v[:rand.IntN(len(v)+1)]...), o[rand.IntN(len(o)+1):]...)
		m.vals[k] = m.join[:min(len(m.join), maxInput)]
	case string:
		v := m.vals[k].(string) //nolint:errcheck // all inputs are alike
		s := v[:rand.IntN(len(v)+1)] + o[rand.IntN(len(o)+1):]
		m.vals[k] = s[:min(len(s), maxInput)]
	default:
		m.vals[k] = o
	}
}
