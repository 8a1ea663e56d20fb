// Package jsonx reads JSON by RFC 8259, strictly, into a flat table of nodes
// over the caller's bytes. Nothing is decoded until somebody asks. It refuses
// what lets two parsers see two documents: duplicate member names, invalid
// UTF-8, lone surrogates, a byte order mark, anything behind the value.
// A recycled Doc parses without allocating.
package jsonx

import (
	"hash/maphash"
	"math"
)

// Bounds where Limits says nothing.
const (
	// DefaultDepth is how deep objects and arrays may nest: far above what
	// contracts declare, far below what exhausts recursive readers behind us.
	DefaultDepth = 64
	// DefaultNodes bounds the values of a document; a node takes 32 bytes.
	DefaultNodes = 1 << 20
	// maxBytes keeps offsets within 31 bits.
	maxBytes = math.MaxInt32
)

// Limits bound what Parse accepts; zero fields mean the defaults.
type Limits struct {
	// Depth counts nested objects and arrays: [] has 1, [[]] has 2.
	Depth int
	// Nodes counts values of every kind, the containers included.
	Nodes int
}

// Kind is the kind of a value.
type Kind uint8

// The kinds of RFC 8259 section 3. The zero Kind is none.
const (
	// Null is null.
	Null Kind = iota + 1
	// False is false.
	False
	// True is true.
	True
	// Number is a number of any size; Doc.Int64 and Doc.Number read it.
	Number
	// String is a string; Doc.Text reads it.
	String
	// Array is an array.
	Array
	// Object is an object.
	Object
)

// String is the kind's name in JSON Schema, where booleans are one.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case False, True:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case Object:
		return "object"
	}
	return "none"
}

// Node is one value. Offsets count bytes of the parsed text.
type Node struct {
	// Start and End bound the value with its quotes or brackets.
	Start, End int32
	// KeyStart and KeyEnd bound the member name without its quotes, still
	// escaped; both are 0 outside objects.
	KeyStart, KeyEnd int32
	// Parent is the index of the container, -1 for the root.
	Parent int32
	// After is the index behind this value and all within it. The next sibling
	// is there if After is less than the parent's After.
	After int32
	// Count is how many members or elements there are. The first one's index
	// is this node's plus one.
	Count int32
	Kind  Kind
	flags flags
}

type flags uint8

const (
	escapedText flags = 1 << iota // the string has a backslash
	escapedKey                    // the member name has one
)

// Doc is a parsed document. The zero Doc has the default limits and no nodes.
// Parse may be called again and again; between calls any number of goroutines
// may read. Indexes, and the slices that accessors return, are good until the
// next Parse and only while the caller leaves the parsed bytes as they are.
type Doc struct {
	limits Limits
	src    []byte
	nodes  []Node
	names  names
}

// New makes a Doc with these limits.
func New(limits Limits) *Doc { return &Doc{limits: limits} }

// Parse reads src, which the Doc refers to from then on. An error is always an
// *Error, and leaves the Doc without nodes.
func (d *Doc) Parse(src []byte) error {
	if d.names.seed == (maphash.Seed{}) {
		d.names.seed = maphash.MakeSeed()
	}
	p := parser{
		src: src, nodes: d.nodes[:0], names: &d.names,
		depth: d.limits.Depth, most: d.limits.Nodes,
	}
	if p.depth == 0 {
		p.depth = DefaultDepth
	}
	if p.most == 0 {
		p.most = DefaultNodes
	}
	err := p.run()
	d.src, d.nodes = src, p.nodes
	if err != nil {
		d.src, d.nodes = nil, p.nodes[:0]
		return err
	}
	return nil
}

// Len is the number of nodes; 0 where nothing was parsed.
func (d *Doc) Len() int { return len(d.nodes) }

// Nodes are all nodes in the order of the text, the root first: read only.
func (d *Doc) Nodes() []Node { return d.nodes }

// Node is the node with this index.
func (d *Doc) Node(i int) Node { return d.nodes[i] }

// Source is the parsed text.
func (d *Doc) Source() []byte { return d.src }

// Trim gives up room for more than this many nodes, and the nodes with it, so
// that one large document does not stay in a pool of Docs for ever.
func (d *Doc) Trim(nodes int) {
	if cap(d.nodes) > nodes {
		d.src, d.nodes = nil, nil
	}
	if cap(d.names.slots) > 4*nodes {
		d.names.slots = nil
	}
	const text = 64 << 10 // as long as names come, and more
	if cap(d.names.a)+cap(d.names.b) > text {
		d.names.a, d.names.b = nil, nil
	}
}
