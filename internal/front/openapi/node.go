package openapi

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// A cell is one value, or one member name, of a file. The cells of a file
// stand in the order of the text, an object's members as name, value, name,
// value, so that a subtree is a run of cells: 16 bytes a value instead of a
// tree of pointers.
type cell struct {
	off  uint32 // of its first byte in the text
	size uint32 // cells of the subtree, itself included
	n    uint32 // raw length of a text, index in file.texts, 1 for true, or number of children
	kind source.Kind
	form form
}

// form says where the text of a cell is.
type form uint8

const (
	raw     form = iota // in file.data as it stands
	escaped             // in file.data, with JSON escapes
	aside               // in file.texts
)

// A file is one parsed file.
type file struct {
	name    string // as the user knows it: path or URL
	key     string // resolved path or URL, unique
	remote  bool
	order   int // of loading
	data    string
	texts   []string // scalars that do not stand in data as they are
	cells   []cell
	starts  []uint32 // offsets of the lines
	index   map[uint32]map[string]uint32
	schemas []*contract.Schema // by cell; nil until the first schema
	lists   map[uint32][]uint32

	indexed   bool
	resources *resources // once indexed
}

// A node is one value in a file. The zero node stands for an absent value.
type node struct {
	f *file
	i uint32
}

func (n node) cell() *cell { return &n.f.cells[n.i] }

func (n node) ok() bool { return n.f != nil }

func (n node) kind() source.Kind {
	if n.f == nil {
		return source.Absent
	}
	return n.cell().kind
}

func (n node) is(k source.Kind) bool { return n.kind() == k }

func (n node) offset() int { return int(n.cell().off) }

// count is the number of items or members.
func (n node) count() int {
	if k := n.kind(); k == source.Array || k == source.Object {
		return int(n.cell().n)
	}
	return 0
}

// text is the text of a String or member name, or the literal of a Number or
// Bool. It may share the memory of the file: clone what outlives it.
func (n node) text() string {
	if n.f == nil {
		return ""
	}
	c := n.cell()
	switch {
	case c.kind == source.Bool && c.n == 1:
		return "true"
	case c.kind == source.Bool:
		return "false"
	case c.kind != source.String && c.kind != source.Number:
		return ""
	case c.form == aside:
		return n.f.texts[c.n]
	case c.kind == source.Number:
		return n.f.data[c.off : c.off+c.n]
	}
	body := n.f.data[c.off+1 : c.off+1+c.n]
	if c.form == escaped {
		return unescape(body)
	}
	return body
}

// str is the text of a String and "" of anything else.
func (n node) str() string {
	if n.is(source.String) {
		return n.text()
	}
	return ""
}

func (n node) isTrue() bool { return n.is(source.Bool) && n.cell().n == 1 }

// members yields name and value of each member of an object.
func (n node) members(yield func(name, value node) bool) {
	if !n.is(source.Object) {
		return
	}
	end := n.i + n.cell().size
	for i := n.i + 1; i < end; {
		value := node{n.f, i + 1}
		if !yield(node{n.f, i}, value) {
			return
		}
		i = value.i + value.cell().size
	}
}

// items yields index and value of each element of an array.
func (n node) items(yield func(index int, item node) bool) {
	if !n.is(source.Array) {
		return
	}
	end := n.i + n.cell().size
	for i, at := n.i+1, 0; i < end; at++ {
		item := node{n.f, i}
		if !yield(at, item) {
			return
		}
		i += item.cell().size
	}
}

// indexed is the number of members from which an object gets an index.
const indexed = 24

// get returns the member called name, or the zero node.
func (n node) get(name string) node {
	if !n.is(source.Object) {
		return node{}
	}
	if n.cell().n >= indexed {
		if i, ok := n.names()[name]; ok {
			return node{n.f, i}
		}
		return node{}
	}
	for k, v := range n.members {
		if k.text() == name {
			return v
		}
	}
	return node{}
}

// names returns the index of an object, made once.
func (n node) names() map[string]uint32 {
	if m, ok := n.f.index[n.i]; ok {
		return m
	}
	m := make(map[string]uint32, n.cell().n)
	for k, v := range n.members {
		m[k.text()] = v.i
	}
	if n.f.index == nil {
		n.f.index = map[uint32]map[string]uint32{}
	}
	n.f.index[n.i] = m
	return m
}

// at returns the item with that index, or the zero node.
func (n node) at(index int) node {
	if !n.is(source.Array) || index < 0 || index >= n.count() {
		return node{}
	}
	list, ok := n.f.lists[n.i]
	if !ok {
		list = make([]uint32, 0, n.count())
		for _, item := range n.items {
			list = append(list, item.i)
		}
		if n.f.lists == nil {
			n.f.lists = map[uint32][]uint32{}
		}
		n.f.lists[n.i] = list
	}
	return node{n.f, list[index]}
}

// keys lists the member names.
func (n node) keys() []string {
	out := make([]string, 0, n.count())
	for k := range n.members {
		out = append(out, k.text())
	}
	return out
}

// span is the place of n.
func (n node) span() source.Span {
	if n.f == nil {
		return source.Span{}
	}
	line, col := n.f.place(n.offset())
	return source.Span{File: n.f.name, Line: line, Col: col}
}

// place turns an offset into line and column, both 1-based.
func (f *file) place(offset int) (line, col int) {
	f.split()
	i := sort.Search(len(f.starts), func(i int) bool { return int(f.starts[i]) > offset })
	return i, offset - int(f.starts[i-1]) + 1
}

// line returns the text of a 1-based line without its end.
func (f *file) line(number int) string {
	f.split()
	if number < 1 || number > len(f.starts) {
		return ""
	}
	rest := f.data[f.starts[number-1]:]
	if number < len(f.starts) {
		rest = rest[:f.starts[number]-f.starts[number-1]]
	}
	return strings.TrimRight(rest, "\r\n")
}

// split finds the lines, once.
func (f *file) split() {
	if f.starts != nil {
		return
	}
	f.starts = append(make([]uint32, 0, strings.Count(f.data, "\n")+1), 0)
	for at := 0; ; {
		i := strings.IndexByte(f.data[at:], '\n')
		if i < 0 {
			return
		}
		at += i + 1
		f.starts = append(f.starts, uint32(at))
	}
}

// duplicate returns the name cells of the second of two equal names in the
// object at i, and whether there is one.
func (f *file) duplicate(i uint32) (first, second node, found bool) {
	object := node{f, i}
	n := object.count()
	if n < 2 {
		return node{}, node{}, false
	}
	names := make([]node, 0, 16)
	if n > 16 {
		seen := make(map[string]node, n)
		for k := range object.members {
			if before, ok := seen[k.text()]; ok {
				return before, k, true
			}
			seen[k.text()] = k
		}
		return node{}, node{}, false
	}
	for k := range object.members {
		t := k.text()
		at := slices.IndexFunc(names, func(o node) bool { return o.text() == t })
		if at >= 0 {
			return names[at], k, true
		}
		names = append(names, k)
	}
	return node{}, node{}, false
}

// validText returns s with each byte that is not UTF-8 replaced by "?", so that
// offsets stay, and the offset of the first one or -1.
func validText(s string) (string, int) {
	if utf8.ValidString(s) {
		return s, -1
	}
	b, first := []byte(s), -1
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			b[i] = '?'
			if first < 0 {
				first = i
			}
		}
		i += size
	}
	return string(b), first
}
