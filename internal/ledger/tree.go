package ledger

import (
	"crypto/sha256"
	"math/bits"
)

// A hash is a SHA-256 value: of a leaf, a node or a head.
type hash [sha256.Size]byte

// A tree is the Merkle tree of RFC 6962, section 2.1, kept as the roots of its
// perfect subtrees from left to right, so that adding a leaf takes constant
// room. The zero tree is empty.
type tree struct {
	n     uint64
	roots [64]hash // bits.OnesCount64(n) of them are in use
	last  hash     // the leaf that was added last
}

// add puts a leaf, already hashed, at the right end.
func (t *tree) add(leaf hash) {
	t.last = leaf
	at := bits.OnesCount64(t.n)
	for n := t.n; n&1 == 1; n >>= 1 {
		at--
		leaf = node(&t.roots[at], &leaf)
	}
	t.roots[at] = leaf
	t.n++
}

// root is the hash over all leaves; that of an empty tree is SHA-256 of
// nothing.
func (t *tree) root() hash {
	at := bits.OnesCount64(t.n) - 1
	if at < 0 {
		return sha256.Sum256(nil)
	}
	r := t.roots[at]
	for at--; at >= 0; at-- {
		r = node(&t.roots[at], &r)
	}
	return r
}

// node is SHA-256(0x01 || left || right).
func node(left, right *hash) hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}
