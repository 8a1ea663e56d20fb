package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// slowRoot is the definition of RFC 6962, section 2.1, word for word.
func slowRoot(leaves []hash) hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	l, r := slowRoot(leaves[:k]), slowRoot(leaves[k:])
	return node(&l, &r)
}

func TestTheTreeIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	var tr tree
	var leaves []hash
	for i := range 300 {
		if tr.root() != slowRoot(leaves) {
			t.Fatalf("the root over %d leaves differs", i)
		}
		leaves = append(leaves, sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
		tr.add(leaves[i])
	}
}

func TestTheTreeHasTheKnownRoots(t *testing.T) {
	t.Parallel()
	// The vectors of the reference implementation, google/certificate-transparency.
	var tr tree
	for i, v := range []struct{ data, root string }{
		{"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
		{"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
		{"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
		{"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
		{"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
		{"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
		{"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
		{"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
	} {
		data, err := hex.DecodeString(v.data)
		if err != nil {
			t.Fatal(err)
		}
		tr.add(sha256.Sum256(append([]byte{0}, data...)))
		if root := tr.root(); hex.EncodeToString(root[:]) != v.root {
			t.Errorf("the root over %d leaves is %x", i+1, root)
		}
	}
}
