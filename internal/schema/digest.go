package schema

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"github.com/sallyport/sallyport/source"
)

// A digest stands for a JSON value or a name: equal ones have the same, and
// others, for practical purposes, never do. It has 128 bits under secret seeds
// that differ in each process, so that nobody can look for two that collide;
// among a million values the chance that any two do is below 2^-88.
type digest struct{ a, b uint64 }

// seeds are what digests are made with.
type seeds struct {
	a, b  maphash.Seed
	saltA uint64 // for the places of tables
	saltB uint64
}

func newSeeds() *seeds {
	s := &seeds{a: maphash.MakeSeed(), b: maphash.MakeSeed()}
	s.saltA, s.saltB = maphash.String(s.a, "a"), maphash.String(s.b, "b")
	return s
}

func (s *seeds) of(text []byte) digest {
	return digest{maphash.Bytes(s.a, text), maphash.Bytes(s.b, text)}
}

// name is the digest of a name. That of a short one is its text and length, so
// that there is nothing to compute.
func (s *seeds) name(text []byte) digest {
	n := len(text)
	if n > 15 {
		d := s.of(text)
		d.b |= 0xff << 56
		return d
	}
	if cap(text) < 8 { // at the end of its room: the same digest must come out
		var room [8]byte
		text = room[:copy(room[:], text)]
	}
	d := digest{binary.LittleEndian.Uint64(text[:8]), uint64(n+1) << 56}
	if n < 8 {
		d.a &= 1<<(8*n) - 1
		return d
	}
	d.b |= binary.LittleEndian.Uint64(text[n-8:n]) >> (8 * (16 - n))
	return d
}

// Digests of values are mixed with a number for each kind, so that "1" is not 1.
const (
	nullSalt = iota + 1
	trueSalt
	falseSalt
	numberSalt
	stringSalt
	arraySalt
	objectSalt
)

const (
	oddA = 0x9e3779b97f4a7c15
	oddB = 0xc2b2ae3d27d4eb4f
)

// mixed is d stirred with n, in a way that cannot be undone by adding.
func (d digest) mixed(n uint64) digest {
	hi, lo := bits.Mul64(d.a^n^oddA, d.b|1)
	hi2, lo2 := bits.Mul64(d.b^bits.RotateLeft64(n, 32)^oddB, d.a|1)
	return digest{hi ^ lo ^ d.b, hi2 ^ lo2 ^ d.a}
}

// behind is the digest of a list with one element more.
func (d digest) behind(next digest) digest {
	return digest{d.a*oddA ^ next.a, bits.RotateLeft64(d.b, 23)*oddB ^ next.b}.mixed(arraySalt)
}

// beside is the digest of an object with one member more, in whatever order.
func (d digest) beside(name, value digest) digest {
	m := digest{name.a + value.a*oddB, name.b ^ bits.RotateLeft64(value.b, 17)}.mixed(value.a ^ name.b)
	return digest{d.a + m.a, d.b + m.b}
}

// number is the digest of an exact number, whatever its form.
func (s *seeds) number(d decimal) digest {
	n := uint64(d.exp) << 1
	if d.negative {
		n++
	}
	return s.of(d.digits).mixed(n).mixed(numberSalt)
}

// literal is the digest of a value of the contract.
func (s *seeds) literal(v *source.Value) digest {
	switch v.Kind {
	case source.Bool:
		if v.Text == "true" {
			return digest{}.mixed(trueSalt)
		}
		return digest{}.mixed(falseSalt)
	case source.Number:
		return s.number(literal(v.Text))
	case source.String:
		return s.of([]byte(v.Text)).mixed(stringSalt)
	case source.Array:
		var d digest
		for i := range v.Items {
			d = d.behind(s.literal(&v.Items[i]))
		}
		return d.mixed(arraySalt)
	case source.Object:
		var d digest
		for i := range v.Members {
			d = d.beside(s.of([]byte(v.Members[i].Name)), s.literal(&v.Members[i].Value))
		}
		return d.mixed(objectSalt)
	case source.Absent, source.Null:
	}
	return digest{}.mixed(nullSalt)
}

// A digests is a set. The zero digests is empty.
type digests struct {
	slots []digest // a power of two; the zero digest marks a free one
	count int
	used  bool
	spare *[]digest // room of a large set that is empty again

	saltA, saltB uint64 // so that nobody can choose names that share a place
}

// add enters d and tells whether it was there.
func (t *digests) add(d digest) bool {
	if d == (digest{}) {
		d.b = 1
	}
	if 4*(t.count+1) > 3*len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	hi, lo := bits.Mul64(d.a^t.saltA, d.b^t.saltB)
	for i := (hi ^ lo) & mask; ; i = (i + 1) & mask {
		switch t.slots[i] {
		case d:
			return true
		case digest{}:
			t.slots[i] = d
			t.count++
			return false
		}
	}
}

func (t *digests) grow() {
	old := t.slots
	n := max(64, 2*len(old))
	if t.spare != nil && n > maxKept && len(*t.spare) >= n {
		t.slots, *t.spare = *t.spare, nil
		clear(t.slots)
	} else {
		t.slots = make([]digest, n)
	}
	t.count = 0
	for _, d := range old {
		if d != (digest{}) {
			t.add(d)
		}
	}
}

// empty makes t empty, and gives up the room for more than most.
func (t *digests) empty(most int) {
	t.count = 0
	if len(t.slots) > most {
		if t.spare != nil && len(*t.spare) < len(t.slots) {
			*t.spare = t.slots
		}
		t.slots = nil
		return
	}
	clear(t.slots)
}
