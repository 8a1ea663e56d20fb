package header

import (
	"slices"

	"github.com/sallyport/sallyport/risk"
)

// A sort is what the name of a field is to an index.
type sort uint8

// The sorts.
const (
	stranger sort = iota // none of its names
	twin                 // another spelling of one, and none itself
	known                // one of them
	lone                 // one of them that may come once
)

// longest is from which length on names share a place.
const longest = 48

// An index holds names by their length. Most fields of most requests are
// strangers, and are told by length and first letter alone.
type index struct {
	first [longest + 1]uint32 // by length: the first letters, see letter
	from  [longest + 2]uint16 // by length: where its names begin
	names []entry             // by length
}

type entry struct {
	name string
	sort sort
}

// place is where a name stands.
func (e entry) place() int { return min(len(e.name), longest) }

// newIndex holds names. Of one that comes twice the stricter sort counts.
func newIndex(names []entry) index {
	x := index{names: slices.DeleteFunc(slices.Clone(names), func(e entry) bool { return e.name == "" })}
	slices.SortStableFunc(x.names, func(a, b entry) int { return a.place() - b.place() })
	for _, e := range x.names {
		x.first[e.place()] |= letter(e.name[0])
		for n := e.place() + 1; n < len(x.from); n++ {
			x.from[n]++
		}
	}
	return x
}

// letter is a bit for what a name begins with: one for each letter, one for all
// digits, and one for all that twins take for the same.
func letter(c byte) uint32 {
	switch c = lower(c); {
	case c >= 'a' && c <= 'z':
		return 1 << (c - 'a')
	case c >= '0' && c <= '9':
		return 1 << 26
	}
	return 1 << 27
}

// look tells what name is, without regard to case.
func (x *index) look(name string) sort {
	n := min(len(name), longest)
	if n == 0 || x.first[n]&letter(name[0]) == 0 {
		return stranger
	}
	found := stranger
	for _, e := range x.names[x.from[n]:x.from[n+1]] {
		switch {
		case risk.EqualFold(e.name, name):
			found = max(found, e.sort)
		case found == stranger && twins(e.name, name):
			found = twin
		}
	}
	return found
}
