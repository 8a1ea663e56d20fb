package schema

import (
	"slices"
	"sort"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/source"
)

// The functions of this file compare values exactly, by their text. They run
// only where digests are equal: once for each list that has the same value twice,
// and for objects and arrays that an enum or const lists.

// A comparer has the room that comparisons need.
type comparer struct{ a, b jsonx.Doc }

// forget drops all references to the message: what was read last is a text of
// its own then.
func (c *comparer) forget(idle []byte) {
	for _, d := range [2]*jsonx.Doc{&c.a, &c.b} {
		switch n := d.Len(); {
		case n > maxKept:
			*d = jsonx.Doc{}
		case n > 0:
			_ = d.Parse(idle)
		}
	}
}

// equals tells whether the value of a text, which is JSON, is a literal.
func (c *comparer) equals(text []byte, v *source.Value) bool {
	return c.a.Parse(text) == nil && equalsLiteral(&c.a, 0, v)
}

func equalsLiteral(d *jsonx.Doc, i int, v *source.Value) bool {
	switch d.Kind(i) {
	case jsonx.Null:
		return v.Kind == source.Null
	case jsonx.True, jsonx.False:
		return v.Kind == source.Bool && v.Text == string(d.Raw(i))
	case jsonx.Number:
		n, _ := parseDecimal(d.Raw(i), nil)
		return v.Kind == source.Number && n.equal(literal(v.Text))
	case jsonx.String:
		return v.Kind == source.String && v.Text == string(d.Text(i))
	case jsonx.Array:
		at := 0
		for c := range d.Children(i) {
			if v.Kind != source.Array || at == len(v.Items) || !equalsLiteral(d, c, &v.Items[at]) {
				return false
			}
			at++
		}
		return v.Kind == source.Array && at == len(v.Items)
	case jsonx.Object:
		count := 0
		for c := range d.Children(i) {
			if v.Kind != source.Object {
				return false
			}
			name := d.Key(c)
			at := slices.IndexFunc(v.Members, func(m source.Member) bool { return m.Name == string(name) })
			if at < 0 || !equalsLiteral(d, c, &v.Members[at].Value) {
				return false
			}
			count++
		}
		return v.Kind == source.Object && count == len(v.Members)
	}
	return false
}

// sameNode tells whether two nodes are one value.
func sameNode(x *jsonx.Doc, i int, y *jsonx.Doc, k int) bool {
	if x.Kind(i) != y.Kind(k) {
		return false
	}
	switch x.Kind(i) {
	case jsonx.Number:
		a, _ := parseDecimal(x.Raw(i), nil)
		b, _ := parseDecimal(y.Raw(k), nil)
		return a.equal(b)
	case jsonx.String:
		return string(x.Text(i)) == string(y.Text(k))
	case jsonx.Array, jsonx.Object:
		if x.Count(i) != y.Count(k) {
			return false
		}
		a, b := children(x, i), children(y, k)
		for n := range a {
			if a[n].name != b[n].name || !sameNode(x, a[n].at, y, b[n].at) {
				return false
			}
		}
	case jsonx.Null, jsonx.True, jsonx.False:
	}
	return true
}

type child struct {
	name string
	at   int
}

// children are those of a node, members in the order of their names.
func children(d *jsonx.Doc, i int) []child {
	var out []child
	object := d.Kind(i) == jsonx.Object
	for c := range d.Children(i) {
		x := child{at: c}
		if object {
			x.name = string(d.Key(c))
		}
		out = append(out, x)
	}
	if object {
		sort.Slice(out, func(a, b int) bool { return out[a].name < out[b].name })
	}
	return out
}

// repeats tells whether the value from at to end, in an array that starts at an
// offset, stands before it too. It takes time in proportion to what it reads.
func (c *comparer) repeats(src []byte, start, at, end int) bool {
	if c.b.Parse(src[at:end]) != nil {
		return true
	}
	for from := jsonx.Skip(src, start+1); from < at; {
		to := endOfValue(src, from)
		if c.a.Parse(src[from:to]) != nil || sameNode(&c.a, 0, &c.b, 0) {
			return true
		}
		from = jsonx.Skip(src, jsonx.Skip(src, to)+1) // behind the comma
	}
	return false
}

// endOfValue is the offset behind the value that starts here, which is known to
// be JSON.
func endOfValue(src []byte, at int) int {
	depth := 0
	for at < len(src) {
		switch src[at] {
		case '"':
			end, _, _ := jsonx.ScanString(src, at+1)
			at = end
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',', ':', ' ', '\n', '\r', '\t':
			at++
			continue
		default:
			for at+1 < len(src) && !delimits(src[at+1]) {
				at++
			}
		}
		if at++; depth == 0 {
			return at
		}
	}
	return len(src)
}

// delimits tells whether c ends a number or a word.
func delimits(c byte) bool {
	return c == ',' || c == ']' || c == '}' || blank(c)
}
