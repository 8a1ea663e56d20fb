package jsonx

import (
	"bytes"
	"hash/maphash"
	"math/bits"
)

// row is how many member names are compared each with each; more are hashed.
const row = 8

// names finds duplicate member names. The hash has a random seed, so that
// nobody can choose names that collide; the time is linear in the names.
type names struct {
	seed  maphash.Seed
	slots []slot
	a, b  []byte // room for unescaped names
}

// slot is one place of the hash table; node 0, which is never a member, marks
// it free.
type slot struct {
	hash uint32
	node int32
}

// duplicate gives the offset of a member name of object i that came before,
// or -1.
func (n *names) duplicate(src []byte, nodes []Node, i int) int {
	if nodes[i].Count <= row {
		return n.pairwise(src, nodes, i)
	}
	size := 1 << bits.Len(uint(nodes[i].Count)*2)
	if cap(n.slots) < size {
		n.slots = make([]slot, size)
	}
	table := n.slots[:size]
	clear(table)
	mask := uint32(size - 1)
	for j := int32(i) + 1; j < nodes[i].After; j = nodes[j].After {
		key := n.key(&n.a, src, &nodes[j])
		h := uint32(maphash.Bytes(n.seed, key))
		s := h & mask
		for ; table[s].node != 0; s = (s + 1) & mask {
			if table[s].hash == h && bytes.Equal(key, n.key(&n.b, src, &nodes[table[s].node])) {
				return int(nodes[j].KeyStart) - 1
			}
		}
		table[s] = slot{h, j}
	}
	return -1
}

// pairwise is duplicate for few members.
func (n *names) pairwise(src []byte, nodes []Node, i int) int {
	after := nodes[i].After
	for j := nodes[i+1].After; j < after; j = nodes[j].After {
		b := &nodes[j]
		size := b.KeyEnd - b.KeyStart
		for k := int32(i) + 1; k < j; k = nodes[k].After {
			a := &nodes[k]
			if (a.flags|b.flags)&escapedKey == 0 {
				if a.KeyEnd-a.KeyStart != size || !bytes.Equal(src[a.KeyStart:a.KeyEnd], src[b.KeyStart:b.KeyEnd]) {
					continue
				}
			} else if !bytes.Equal(n.key(&n.a, src, a), n.key(&n.b, src, b)) {
				continue
			}
			return int(b.KeyStart) - 1
		}
	}
	return -1
}

// key is a member's name, unescaped into room where that is needed.
func (n *names) key(room *[]byte, src []byte, m *Node) []byte {
	raw := src[m.KeyStart:m.KeyEnd]
	if m.flags&escapedKey == 0 {
		return raw
	}
	*room = appendUnescaped((*room)[:0], raw)
	return *room
}
