package schema

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
)

// maxPairs bounds the pairs of a form, query or cookie.
const maxPairs = 1024

// A tree gathers pairs that are members of one object, in the order of their
// first names. Names may have a path behind them: "[b][c]".
type tree struct {
	leaves []leaf
	first  map[string]int // index of the first leaf of a name
}

type leaf struct {
	name, path, value string
	json              bool // value is JSON, and known to be valid
	binary            bool // value is no text
	next              int  // the next leaf of the same name, -1: none
	last              int  // of the first leaf: the last one of its name
}

func (t *tree) reset() {
	clear(t.leaves)
	t.leaves = t.leaves[:0]
	clear(t.first)
}

func (t *tree) add(name, path, value string) { t.put(leaf{name: name, path: path, value: value}) }

func (t *tree) put(l leaf) {
	if t.first == nil {
		t.first = map[string]int{}
	}
	at := len(t.leaves)
	l.next, l.last = -1, at
	t.leaves = append(t.leaves, l)
	head, known := t.first[l.name]
	if !known {
		t.first[l.name] = at
		return
	}
	t.leaves[t.leaves[head].last].next = at
	t.leaves[head].last = at
}

// appendObject appends the tree as an object of the given shape. Where the
// pairs make no such object it returns the rule that they break.
func (t *tree) appendObject(dst []byte, h *shape, depth int) (out []byte, rule string) {
	dst = append(dst, '{')
	n := 0
	for i := range t.leaves {
		l := &t.leaves[i]
		if t.first[l.name] != i {
			continue
		}
		if n > 0 {
			dst = append(dst, ',')
		}
		n++
		dst = append(appendString(dst, l.name), ':')
		m := h.member(l.name)
		if m == nil {
			m = &shape{}
		}
		if dst, rule = t.appendMember(dst, i, m, depth); rule != "" {
			return dst, rule
		}
	}
	return append(dst, '}'), ""
}

// appendMember appends the value of the name whose first leaf is i.
func (t *tree) appendMember(dst []byte, i int, h *shape, depth int) (out []byte, rule string) {
	nested := false
	for k := i; k >= 0; k = t.leaves[k].next {
		nested = nested || t.leaves[k].path != "" && !listPath(t.leaves[k].path)
	}
	if nested {
		return t.appendNested(dst, i, h, depth)
	}
	l := &t.leaves[i]
	many := l.next >= 0 || l.path != ""
	switch {
	case h.types&contract.ArrayType != 0 && (many || h.is(contract.ArrayType)):
		dst = append(dst, '[')
		for k := i; k >= 0; k = t.leaves[k].next {
			if k != i {
				dst = append(dst, ',')
			}
			dst = appendLeaf(dst, &t.leaves[k], itemTypes(h))
		}
		return append(dst, ']'), ""
	case l.next >= 0:
		return dst, "duplicate"
	case l.path != "":
		return dst, "style"
	}
	return appendLeaf(dst, l, h.types), ""
}

// listPath tells whether a path says "one more element", or its number.
func listPath(path string) bool {
	inner := path[1 : len(path)-1]
	return digits(inner) == len(inner)
}

// appendNested appends a member that is an object itself.
func (t *tree) appendNested(dst []byte, i int, h *shape, depth int) (out []byte, rule string) {
	if depth == 0 {
		return dst, "depth"
	}
	var below tree
	for k := i; k >= 0; k = t.leaves[k].next {
		rest, ok := cutByte(t.leaves[k].path, '[')
		if !ok {
			return dst, "duplicate" // a value and an object at once
		}
		name, path, _ := strings.Cut(rest, "]")
		if name == "" {
			return dst, "style"
		}
		l := t.leaves[k]
		l.name, l.path = name, path
		below.put(l)
	}
	return below.appendObject(dst, h, depth-1)
}

func appendLeaf(dst []byte, l *leaf, types contract.Types) []byte {
	switch {
	case l.json:
		return append(dst, l.value...)
	case l.binary:
		return append(dst, `""`...)
	}
	return appendScalar(dst, l.value, types)
}
