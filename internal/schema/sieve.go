package schema

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// A sieve tells in one go whether a value keeps each of several programs, its
// roots, and whether any of them has something to say of it. All that applies to
// the value in place, by reference or as an alternative, is one node each, be it
// reached once or in sixty ways, and what the nodes want of one member is one
// sieve again: the work for a value is bounded by the schemas that say something
// of it, not by the ways that lead to them.
//
// A sieve only knows yes and no. Where it says no, or cannot tell, or something
// is to be marked, the machine reads the value itself.
type sieve struct {
	home  *Programs
	way   direction
	roots []*program // no aliases, each once
	plain *program   // the only root, of which a scalar needs no more than kind, number and text
	ready atomic.Pointer[sifts]
}

// sifts are what a sieve does with a value of each jsonx.Kind.
type sifts [jsonx.Object + 1]*sift

// Bounds of sieves.
const (
	maxNodes  = 64      // that apply to one value, since they are bits
	maxSeen   = 256     // names of one object
	maxSieves = 1 << 14 // of one contract
	maxSlots  = 4       // discriminators of one object
	maxTuple  = 64      // elements with schemas of their own
)

// A sift is a sieve for values of one kind. Sets of nodes are words of bits.
type sift struct {
	unfit  bool   // the machine has to read the value
	single bool   // one node and one root
	rising bool   // a node that fails lets others fail, and never pass
	fixed  uint64 // nodes that fail whatever the value is
	noise  uint64 // nodes that have a mark to make
	roots  []uint8
	checks []nodeCheck
	texts  map[string]uint64 // the nodes that list a text; nil: they are few
	listed uint64            // the nodes that list texts
	ops    []nodeOp          // those that a node is made of stand before it
	object *siftObject
	array  *siftArray
	cost   int // what one value costs beyond its text
}

// A nodeCheck holds a scalar to what one node says itself.
type nodeCheck struct {
	bit uint64
	p   *program
}

// A nodeOp decides one node by others.
type nodeOp struct {
	kind   opKind
	bit    uint64
	mask   uint64 // of allOp: needed; of tagOp: anyOf
	one    uint64 // of tagOp: oneOf
	a      uint64 // of ifOp: the condition; of notOp and dependOp: the node
	then   uint64 // of ifOp
	other  uint64 // of ifOp
	place  int    // of dependOp and needOp: of the name; of tagOp: the slot
	needs  [4]uint64
	to     []uint64 // of tagOp: the node that each value means; 0: itself
	closed bool     // of tagOp: other values are refused
}

type opKind uint8

const (
	allOp opKind = iota
	anyOp
	oneOp
	notOp
	ifOp
	dependOp
	needOp
	tagOp
	restOp
)

// A siftObject holds objects to what several nodes say of them.
type siftObject struct {
	list     []siftName
	by       map[string]int
	other    siftMember // of names that no node knows
	patterns []nodePatterns
	keys     []nodeKeys // propertyNames
	counts   []nodeCount
	needs    []nodeNeed
}

type siftName struct {
	named
	member siftMember
	tags   []siftTag
}

// A nodeKeys holds names to what one node says of them.
type nodeKeys struct {
	bit uint64
	by  *sieve
}

// A siftTag says that a member is what a discriminator looks at.
type siftTag struct {
	slot   int
	values map[string]int // 1 and more: of the values that are known
}

// A siftMember is what the nodes want of one member or element.
type siftMember struct {
	child    *sieve
	edges    []nodeEdge
	refuse   uint64 // nodes that refuse the name
	declared uint64 // nodes that know the member
	sure     bool   // some of these count in any case
	left     []leftOver
	plain    *program // of a scalar nothing else matters than that it surely keeps this one
}

// A leftOver is what a node with unevaluatedProperties or unevaluatedItems says
// of a member that no node that counts for it evaluates.
type leftOver struct {
	bit  uint64
	by   uint64 // nodes that would evaluate it
	root int    // which has to accept it; none: nothing does
}

// A nodeEdge says which nodes stand or fall with a root of the child.
type nodeEdge struct {
	root uint8
	mask uint64
}

// nodePatterns are those of one node, for names that it does not declare.
type nodePatterns struct {
	bit    uint64
	list   []rootPattern
	extra  int // the root of additionalProperties, none
	refuse bool
}

type rootPattern struct {
	re   *matcher // nil: every name
	root int
}

type nodeCount struct {
	bit      uint64
	min, max int
}

type nodeNeed struct {
	bit   uint64
	names [4]uint64
}

// A siftArray holds arrays to what several nodes say of them.
type siftArray struct {
	flat     bool // one node, for which all elements are alike
	prefix   []siftMember
	rest     siftMember
	counts   []nodeCount
	unique   uint64
	contains []nodeContains
}

type nodeContains struct {
	bit         uint64
	root        uint8 // of every element's child
	least, most int
}

// sieve returns the one of a direction and programs. p.mu is held.
func (p *Programs) sieve(d direction, roots []*program) *sieve {
	key := make([]byte, 1, 1+4*len(roots))
	key[0] = byte(d)
	for _, r := range roots {
		key = binary.LittleEndian.AppendUint32(key, uint32(r.id))
	}
	if s := p.sieves[string(key)]; s != nil {
		return s
	}
	s := &sieve{home: p, way: d, roots: slices.Clone(roots)}
	if len(roots) == 1 && roots[0].plain {
		s.plain = roots[0]
	}
	if len(p.sieves) >= maxSieves {
		s.ready.Store(unfitSifts())
		return s
	}
	p.sieves[string(key)] = s
	return s
}

func unfitSifts() *sifts {
	var out sifts
	for k := range out {
		out[k] = &sift{unfit: true}
	}
	return &out
}

// of returns what s does with values of a kind. Sieves are made when a value
// first needs them.
func (s *sieve) of(k jsonx.Kind) *sift {
	all := s.ready.Load()
	if all == nil {
		all = s.home.makeSifts(s)
	}
	return all[k]
}

func (p *Programs) makeSifts(s *sieve) *sifts {
	p.mu.Lock()
	defer p.mu.Unlock()
	if all := s.ready.Load(); all != nil {
		return all
	}
	all := &sifts{}
	for k := range all {
		all[k] = p.sift(s, jsonx.Kind(k))
	}
	s.ready.Store(all)
	return all
}

// sieveOf returns the sieve of one program.
func (p *program) sieveOf(d direction) *sieve {
	for p.alias != nil {
		p = p.alias
	}
	if s := p.alone[d].Load(); s != nil {
		return s
	}
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	s := p.home.sieve(d, []*program{p})
	p.alone[d].Store(s)
	return s
}
