package schema

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

func TestCutRemovesMembersWithTheRightCommas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		pointers   []string
		want       string
	}{
		{"the first", `{"a":1, "b":2}`, []string{"/a"}, `{ "b":2}`},
		{"the last", `{"a":1, "b":2 }`, []string{"/b"}, `{"a":1 }`},
		{"the middle", `{"a":1,"b":2,"c":3}`, []string{"/b"}, `{"a":1,"c":3}`},
		{"all", `{"a":1,"b":2}`, []string{"/b", "/a"}, `{}`},
		{"the first two", `[1,2,3]`, []string{"/0", "/1"}, `[3]`},
		{"the last two", `[1,2,3]`, []string{"/1", "/2"}, `[1]`},
		{"first and last", `[1,2,3]`, []string{"/0", "/2"}, `[2]`},
		{"one within another", `{"a":{"b":1},"c":2}`, []string{"/a/b", "/a"}, `{"c":2}`},
		{"in two levels", `{"a":{"b":1,"x":2},"c":2}`, []string{"/a/b", "/c"}, `{"a":{"x":2}}`},
		{"ends that meet", `[{"a":1},{"b":2}]`, []string{"/0/a", "/1/b"}, `[{},{}]`},
		{"nothing", `{"a":1}`, nil, `{"a":1}`},
		{"the whole", `{"a":1}`, []string{""}, `null`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var d jsonx.Doc
			if err := d.Parse([]byte(c.body)); err != nil {
				t.Fatal(err)
			}
			var spans []Span
			for _, p := range c.pointers {
				spans = append(spans, spanOf(&d, d.Find(p)))
			}
			if got := string(Cut(nil, []byte(c.body), spans)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestReplacePutsValuesInPlace(t *testing.T) {
	t.Parallel()
	body := `{"a":"secret","b":[1,"x"]}`
	got := string(Replace([]byte("> "), []byte(body), []Replacement{
		{Span{18, 25}, []byte(`"***"`)}, {Span{21, 24}, []byte(`"inner"`)}, {Span{5, 13}, []byte(`null`)},
	}))
	if want := `> {"a":null,"b":"***"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func spanOf(d *jsonx.Doc, i int) Span {
	n := d.Node(i)
	if n.Parent >= 0 && d.Kind(int(n.Parent)) == jsonx.Object {
		return Span{int(n.KeyStart) - 1, int(n.End)}
	}
	return Span{int(n.Start), int(n.End)}
}

// pruned is the slow oracle of Cut: the value without some nodes, written anew.
func pruned(d *jsonx.Doc, i int, gone map[int]bool) []byte {
	n := d.Node(i)
	if n.Kind != jsonx.Object && n.Kind != jsonx.Array {
		return d.Raw(i)
	}
	var parts [][]byte
	for c := range d.Children(i) {
		if gone[c] {
			continue
		}
		part := pruned(d, c, gone)
		if n.Kind == jsonx.Object {
			m := d.Node(c)
			part = append(append([]byte{}, d.Source()[m.KeyStart-1:m.KeyEnd+1]...), append([]byte(":"), part...)...)
		}
		parts = append(parts, part)
	}
	out := bytes.Join(parts, []byte(","))
	if n.Kind == jsonx.Object {
		return append(append([]byte("{"), out...), '}')
	}
	return append(append([]byte("["), out...), ']')
}

func TestCutAgreesWithWritingAnew(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		body := spaced(rnd, anyJSON(rnd, 4))
		var d, e jsonx.Doc
		if err := d.Parse(body); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		gone := map[int]bool{}
		var spans []Span
		for i := 1; i < d.Len(); i++ {
			if rnd.IntN(4) == 0 {
				gone[i] = true
				spans = append(spans, spanOf(&d, i))
			}
		}
		rnd.Shuffle(len(spans), func(a, b int) { spans[a], spans[b] = spans[b], spans[a] })
		want := pruned(&d, 0, gone)
		got := Cut(nil, body, spans)
		if err := e.Parse(got); err != nil {
			t.Fatalf("%s without %v is %s: %v", body, spans, got, err)
		}
		if diff := cmp.Diff(string(want), string(pruned(&e, 0, nil))); diff != "" {
			t.Fatalf("%s without %v: %s", body, spans, diff)
		}
		if again := Cut(nil, got, nil); !bytes.Equal(again, got) {
			t.Fatalf("cutting nothing changes %s to %s", got, again)
		}
	}
}

// anyJSON writes a random value.
func anyJSON(rnd *rand.Rand, depth int) []byte {
	n := rnd.IntN(9)
	if depth == 0 {
		n = rnd.IntN(6)
	}
	switch n {
	case 0:
		return []byte("null")
	case 1:
		return []byte("true")
	case 2:
		return []byte([]string{"0", "1", "-1", "1.0", "2.5", "1e2", "10", "3", "100000000000000000000", "0.1"}[rnd.IntN(10)])
	case 3, 4, 5:
		return []byte([]string{`""`, `"a"`, `"ab"`, `"\u0061"`, `"é"`, `"2026-11-22"`, `"a,\"b"`, `"10"`}[rnd.IntN(8)])
	case 6:
		out := []byte("[")
		for k := range rnd.IntN(4) {
			if k > 0 {
				out = append(out, ',')
			}
			out = append(out, anyJSON(rnd, depth-1)...)
		}
		return append(out, ']')
	}
	out := []byte("{")
	for k, name := range rnd.Perm(5)[:rnd.IntN(5)] {
		if k > 0 {
			out = append(out, ',')
		}
		out = append(out, '"', "abcde"[name], '"', ':')
		out = append(out, anyJSON(rnd, depth-1)...)
	}
	return append(out, '}')
}

// spaced adds white space where JSON allows it.
func spaced(rnd *rand.Rand, text []byte) []byte {
	var out []byte
	quoted := false
	for i, c := range text {
		if c == '"' && (i == 0 || text[i-1] != '\\') {
			quoted = !quoted
		}
		out = append(out, c)
		if !quoted && bytes.IndexByte([]byte("{}[],:"), c) >= 0 && rnd.IntN(3) == 0 {
			out = append(out, " \n\t"[rnd.IntN(3)])
		}
	}
	return out
}
