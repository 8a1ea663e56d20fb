package fuzzloop

import (
	"bytes"
	"math/bits"
	"testing"
)

// FuzzNews holds the quick look at counters to a plain one.
func FuzzNews(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 255}, []byte{0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0})
	f.Add(bytes.Repeat([]byte{7, 0, 0}, 50), make([]byte, 150))
	Run(f, func(t *testing.T, counters, seen []byte) {
		n := min(len(counters), len(seen))
		counters, got, left := counters[:n], append([]byte{}, seen[:n]...), append([]byte{}, counters[:n]...)
		found := news(left, got)
		if bytes.ContainsFunc(left, func(r rune) bool { return r != 0 }) {
			t.Fatalf("%v are left", left)
		}
		fresh := false
		for k, c := range counters {
			want := seen[k]
			if c > 0 {
				want |= 1 << (bits.Len8(c) - 1)
			}
			if got[k] != want {
				t.Fatalf("counter %d of %d: seen %08b becomes %08b, not %08b", k, c, seen[k], got[k], want)
			}
			fresh = fresh || want != seen[k]
		}
		if found != fresh {
			t.Fatalf("%v with %v: %v", counters, seen, found)
		}
	})
}

func TestASeedIsTakenWithItsType(t *testing.T) {
	t.Parallel()
	l := loop{}
	if l.fits([]any{1}) {
		t.Error("an input of a target without arguments has one")
	}
	m := mutator{vals: []any{[]byte("abc"), "abc", 1}}
	for range 200 {
		m.cross([]any{[]byte("xyz"), "xyz", 2})
		a, ok := m.vals[0].([]byte)
		b, also := m.vals[1].(string)
		if _, number := m.vals[2].(int); !ok || !also || !number {
			t.Fatalf("the types have changed: %#v", m.vals)
		}
		if len(a) > maxInput || len(b) > maxInput {
			t.Fatalf("%d and %d bytes", len(a), len(b))
		}
	}
}
