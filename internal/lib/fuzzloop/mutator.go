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

// next gives an input that is good until the call that follows. One in two is
// made of the newer half of the corpus.
func (m *mutator) next(corpus [][]any) []any {
	n := rand.IntN(len(corpus))
	if rand.IntN(2) == 0 {
		n = len(corpus) - 1 - rand.IntN((len(corpus)+1)/2)
	}
	m.vals = append(m.vals[:0], corpus[n]...)
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
