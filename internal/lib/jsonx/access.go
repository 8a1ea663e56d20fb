package jsonx

import (
	"iter"
	"strconv"
	"strings"
)

// Kind is the kind of node i.
func (d *Doc) Kind(i int) Kind { return d.nodes[i].Kind }

// Raw is the text of node i, quotes and brackets included.
func (d *Doc) Raw(i int) []byte { return d.src[d.nodes[i].Start:d.nodes[i].End] }

// Text is the decoded text of string i, nil for other kinds. It is a part of
// the parsed bytes, or, where there are escapes, new.
func (d *Doc) Text(i int) []byte {
	n := &d.nodes[i]
	switch {
	case n.Kind != String:
		return nil
	case n.flags&escapedText == 0:
		return d.src[n.Start+1 : n.End-1]
	}
	return d.AppendText(nil, i)
}

// AppendText appends the decoded text of string i; nothing for other kinds.
func (d *Doc) AppendText(dst []byte, i int) []byte {
	n := &d.nodes[i]
	switch {
	case n.Kind != String:
		return dst
	case n.flags&escapedText == 0:
		return append(dst, d.src[n.Start+1:n.End-1]...)
	}
	return appendUnescaped(dst, d.src[n.Start+1:n.End-1])
}

// Key is the decoded name of member i, nil outside objects. It is a part of
// the parsed bytes, or, where there are escapes, new.
func (d *Doc) Key(i int) []byte {
	n := &d.nodes[i]
	if n.flags&escapedKey == 0 {
		return d.src[n.KeyStart:n.KeyEnd]
	}
	return d.AppendKey(nil, i)
}

// AppendKey appends the decoded name of member i; nothing outside objects.
func (d *Doc) AppendKey(dst []byte, i int) []byte {
	n := &d.nodes[i]
	raw := d.src[n.KeyStart:n.KeyEnd]
	if n.flags&escapedKey == 0 {
		return append(dst, raw...)
	}
	return appendUnescaped(dst, raw)
}

// Count is the number of members or elements of i; 0 for other kinds.
func (d *Doc) Count(i int) int { return int(d.nodes[i].Count) }

// First is the first member or element of i, -1 where there is none.
func (d *Doc) First(i int) int {
	if d.nodes[i].Count == 0 {
		return -1
	}
	return i + 1
}

// Next is the sibling behind i, -1 behind the last one and for the root.
func (d *Doc) Next(i int) int {
	n := &d.nodes[i]
	if n.Parent < 0 || n.After >= d.nodes[n.Parent].After {
		return -1
	}
	return int(n.After)
}

// Children yields the members or elements of i in order.
func (d *Doc) Children(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for c := d.First(i); c >= 0; c = d.Next(c) {
			if !yield(c) {
				return
			}
		}
	}
}

// Member finds the member of object i with exactly this name, -1 where there
// is none or i is no object. The time is linear in the members.
func (d *Doc) Member(i int, name string) int {
	if d.nodes[i].Kind != Object {
		return -1
	}
	for c := d.First(i); c >= 0; c = d.Next(c) {
		n := &d.nodes[c]
		raw := d.src[n.KeyStart:n.KeyEnd]
		if n.flags&escapedKey == 0 && string(raw) == name {
			return c
		}
		// An escape is never shorter than what it stands for.
		if n.flags&escapedKey != 0 && len(raw) > len(name) && string(appendUnescaped(nil, raw)) == name {
			return c
		}
	}
	return -1
}

// Pointer is the RFC 6901 JSON pointer of i; "" for the root.
func (d *Doc) Pointer(i int) string { return string(d.AppendPointer(nil, i)) }

// AppendPointer appends the RFC 6901 JSON pointer of i. An array on the way
// costs time linear in the elements before.
func (d *Doc) AppendPointer(dst []byte, i int) []byte {
	n := &d.nodes[i]
	if n.Parent < 0 {
		return dst
	}
	dst = append(d.AppendPointer(dst, int(n.Parent)), '/')
	if d.nodes[n.Parent].Kind == Array {
		at := int64(0)
		for c := int(n.Parent) + 1; c < i; c = int(d.nodes[c].After) {
			at++
		}
		return strconv.AppendInt(dst, at, 10)
	}
	for _, c := range d.Key(i) {
		switch c {
		case '~':
			dst = append(dst, "~0"...)
		case '/':
			dst = append(dst, "~1"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// Find follows an RFC 6901 JSON pointer from the root; -1 where it leads
// nowhere, is malformed, or nothing is parsed.
func (d *Doc) Find(pointer string) int {
	if len(d.nodes) == 0 || pointer != "" && pointer[0] != '/' {
		return -1
	}
	i := 0
	rest, more := strings.CutPrefix(pointer, "/")
	for more && i >= 0 {
		var token string
		token, rest, more = strings.Cut(rest, "/")
		switch d.nodes[i].Kind {
		case Object:
			i = d.member(i, token)
		case Array:
			i = d.element(i, token)
		default:
			return -1
		}
	}
	return i
}

// member finds the member that a token of a pointer names.
func (d *Doc) member(i int, token string) int {
	if !strings.Contains(token, "~") {
		return d.Member(i, token)
	}
	if strings.Count(token, "~") != strings.Count(token, "~0")+strings.Count(token, "~1") {
		return -1
	}
	return d.Member(i, strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~"))
}

// element finds the element that a token of a pointer names.
func (d *Doc) element(i int, token string) int {
	at, err := strconv.ParseUint(token, 10, 31)
	if err != nil || at >= uint64(d.nodes[i].Count) || token != strconv.FormatUint(at, 10) {
		return -1
	}
	c := i + 1
	for ; at > 0; at-- {
		c = int(d.nodes[c].After)
	}
	return c
}

// Number is the text of number i, nil for other kinds.
func (d *Doc) Number(i int) []byte {
	if d.nodes[i].Kind != Number {
		return nil
	}
	return d.Raw(i)
}

// Equal tells whether string i is exactly s, without allocating where there
// are no escapes.
func (d *Doc) Equal(i int, s string) bool {
	return d.nodes[i].Kind == String && string(d.Text(i)) == s
}
