package schema

import (
	"bytes"
	"hash/maphash"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/source"
)

// values is the list of an enum, or one const.
type values struct {
	null, yes, no bool
	strings       []string
	set           map[string]struct{} // of strings, where they are many
	numbers       []decimal
	compound      []source.Value
}

func newValues1(v source.Value) *values { return newValues([]source.Value{v}) }

func newValues(list []source.Value) *values {
	v := &values{}
	for _, x := range list {
		switch x.Kind {
		case source.Null:
			v.null = true
		case source.Bool:
			v.yes = v.yes || x.Text == "true"
			v.no = v.no || x.Text != "true"
		case source.Number:
			v.numbers = append(v.numbers, literal(x.Text))
		case source.String:
			v.strings = append(v.strings, x.Text)
		case source.Array, source.Object:
			v.compound = append(v.compound, x)
		case source.Absent:
		}
	}
	if len(v.strings) > linear {
		v.set = make(map[string]struct{}, len(v.strings))
		for _, s := range v.strings {
			v.set[s] = struct{}{}
		}
	}
	return v
}

// holds tells whether node i equals one of v, as JSON values do: 1.0 is 1.
func (v *values) holds(r *run, i int) bool {
	switch r.nodes[i].Kind {
	case jsonx.Null:
		return v.null
	case jsonx.True:
		return v.yes
	case jsonx.False:
		return v.no
	case jsonx.Number:
		var d decimal
		d, r.digits = parseDecimal(r.doc.Raw(i), r.digits)
		for k := range v.numbers {
			if d.equal(v.numbers[k]) {
				return true
			}
		}
		return false
	case jsonx.String:
		return v.holdsText(r.textOf(i))
	case jsonx.Array, jsonx.Object:
		for k := range v.compound {
			if r.same(i, &v.compound[k]) {
				return true
			}
		}
	}
	return false
}

func (v *values) holdsText(text []byte) bool {
	if v.set != nil {
		_, ok := v.set[string(text)]
		return ok
	}
	for _, s := range v.strings {
		if s == string(text) {
			return true
		}
	}
	return false
}

// same tells whether node i equals the literal v.
func (r *run) same(i int, v *source.Value) bool {
	if r.spend(1) {
		return false
	}
	n := &r.nodes[i]
	switch v.Kind {
	case source.Null:
		return n.Kind == jsonx.Null
	case source.Bool:
		return n.Kind == jsonx.True && v.Text == "true" || n.Kind == jsonx.False && v.Text != "true"
	case source.Number:
		if n.Kind != jsonx.Number {
			return false
		}
		var d decimal
		d, r.digits = parseDecimal(r.doc.Raw(i), r.digits)
		return d.equal(literal(v.Text))
	case source.String:
		return n.Kind == jsonx.String && string(r.textOf(i)) == v.Text
	case source.Array:
		if n.Kind != jsonx.Array || int(n.Count) != len(v.Items) {
			return false
		}
		c := i + 1
		for k := range v.Items {
			if !r.same(c, &v.Items[k]) {
				return false
			}
			c = int(r.nodes[c].After)
		}
		return true
	case source.Object:
		if n.Kind != jsonx.Object || int(n.Count) != len(v.Members) {
			return false
		}
		for k := range v.Members {
			c := r.doc.Member(i, v.Members[k].Name)
			if r.spend(int(n.Count)) || c < 0 || !r.same(c, &v.Members[k].Value) {
				return false
			}
		}
		return true
	case source.Absent:
	}
	return false
}

// equal tells whether nodes a and b are the same JSON value.
func (r *run) equal(a, b int) bool {
	if r.spend(1) {
		return false
	}
	x, y := &r.nodes[a], &r.nodes[b]
	if x.Kind != y.Kind || x.Count != y.Count {
		return false
	}
	switch x.Kind {
	case jsonx.Number:
		var d, e decimal
		d, r.digits = parseDecimal(r.doc.Raw(a), r.digits)
		e, r.digits2 = parseDecimal(r.doc.Raw(b), r.digits2)
		return d.equal(e)
	case jsonx.String:
		r.text2 = r.doc.AppendText(r.text2[:0], b)
		return bytes.Equal(r.textOf(a), r.text2)
	case jsonx.Array:
		for c, e := a+1, b+1; c < int(x.After); c, e = int(r.nodes[c].After), int(r.nodes[e].After) {
			if !r.equal(c, e) {
				return false
			}
		}
	case jsonx.Object:
		// The order may differ; mostly it does not.
		e := b + 1
		for c := a + 1; c < int(x.After); c = int(r.nodes[c].After) {
			if e >= int(y.After) || !bytes.Equal(r.keyOf(c), r.doc.Key(e)) {
				if r.spend(int(y.Count)) {
					return false
				}
				if e = r.doc.Member(b, string(r.keyOf(c))); e < 0 {
					return false
				}
			}
			if !r.equal(c, e) {
				return false
			}
			e = int(r.nodes[e].After)
		}
	case jsonx.Null, jsonx.True, jsonx.False:
	}
	return true
}

// hash is equal for equal values. Members are summed, since their order does
// not matter.
func (r *run) hash(i int) uint64 {
	r.spend(1)
	n := &r.nodes[i]
	h := uint64(n.Kind) * 0x9e3779b97f4a7c15
	switch n.Kind {
	case jsonx.Number:
		var d decimal
		d, r.digits = parseDecimal(r.doc.Raw(i), r.digits)
		h ^= maphash.Bytes(r.seed, d.digits) + uint64(d.exp)
	case jsonx.String:
		h ^= maphash.Bytes(r.seed, r.textOf(i))
	case jsonx.Array:
		for c := i + 1; c < int(n.After); c = int(r.nodes[c].After) {
			h = (h ^ r.hash(c)) * 0x100000001b3
		}
	case jsonx.Object:
		for c := i + 1; c < int(n.After); c = int(r.nodes[c].After) {
			h += (maphash.Bytes(r.seed, r.keyOf(c)) ^ r.hash(c)) * 0x9e3779b97f4a7c15
		}
	case jsonx.Null, jsonx.True, jsonx.False:
	}
	return h
}

// unique tells whether no two elements of array i are equal. The time is
// linear but for elements whose seeded hashes collide.
func (r *run) unique(i int) bool {
	n := &r.nodes[i]
	if n.Count <= linear {
		for a := i + 1; a < int(n.After); a = int(r.nodes[a].After) {
			for b := i + 1; b < a; b = int(r.nodes[b].After) {
				if r.equal(a, b) {
					return false
				}
			}
		}
		return true
	}
	seen := make(map[uint64]int, n.Count)
	for c := i + 1; c < int(n.After); c = int(r.nodes[c].After) {
		h := r.hash(c)
		first, hit := seen[h]
		if hit && r.equal(first, c) {
			return false
		}
		for hit { // another value with the same hash: probe on
			h++
			if first, hit = seen[h]; hit && r.equal(first, c) {
				return false
			}
		}
		seen[h] = c
	}
	return true
}
