package schema

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// More bounds of XML, so that a small body cannot become a large tree.
const (
	maxXMLElements = 1 << 16
	maxXMLSpaces   = 64 // namespaces that are declared
)

// xmlTree holds the elements of a document that xmlReader has accepted. It is
// reused.
type xmlTree struct {
	src    []byte
	nodes  []xmlNode
	spaces []xmlSpace // declared, in the order of the document
	active []int16    // of spaces, those in force
	open   []int32    // the open elements
}

// xmlNode is one element. Offsets count bytes of the document.
type xmlNode struct {
	name, nameEnd int32 // of the local name
	tagEnd        int32 // behind the start tag; attributes stand between
	end           int32 // of the content
	first, next   int32 // child and sibling; -1: none
	last          int32 // child, while the tree is built
	space         int16 // index of the namespace; -1: none
	text          bool  // there is text that is no white space
}

type xmlSpace struct {
	prefix, uri string
	by          int32 // the element that declares it
}

// parse reads a document that is known to be well-formed. It is false where a
// bound is passed or a prefix is not declared.
func (t *xmlTree) parse(src []byte) bool {
	*t = xmlTree{src: src, nodes: t.nodes[:0], spaces: t.spaces[:0], active: t.active[:0], open: t.open[:0]}
	var scope [maxXMLDepth + 1]int // how many spaces were in force before an element
	for at := 0; at < len(src); {
		next := bytes.IndexByte(src[at:], '<')
		if next < 0 {
			next = len(src) - at
		}
		t.note(src[at : at+next])
		if at += next; at == len(src) {
			break
		}
		rest := src[at:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			at += 4 + bytes.Index(rest[4:], []byte("-->")) + 3
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			n := bytes.Index(rest, []byte("]]>"))
			t.nodes[t.open[len(t.open)-1]].text = true
			at += n + 3
		case rest[1] == '?':
			at += bytes.Index(rest, []byte("?>")) + 2
		case rest[1] == '/':
			n := len(t.open) - 1
			t.nodes[t.open[n]].end = int32(at)
			t.open = t.open[:n]
			t.active = t.active[:scope[n]]
			at += bytes.IndexByte(rest, '>') + 1
		default:
			scope[len(t.open)] = len(t.active)
			var ok bool
			if at, ok = t.start(at); !ok {
				return false
			}
			if len(t.active) > scope[len(t.open)] && src[at-2] == '/' {
				t.active = t.active[:scope[len(t.open)]]
			}
		}
	}
	return true
}

// note remembers that the open element has text.
func (t *xmlTree) note(text []byte) {
	if n := len(t.open); n > 0 && len(bytes.TrimLeft(text, " \t\r\n")) > 0 {
		t.nodes[t.open[n-1]].text = true
	}
}

// start reads the start tag at an offset, and gives the offset behind it.
func (t *xmlTree) start(at int) (int, bool) {
	if len(t.nodes) == maxXMLElements {
		return 0, false
	}
	i := int32(len(t.nodes))
	n := xmlNode{name: int32(at + 1), first: -1, next: -1, last: -1}
	nameEnd := at + 1 + nameLength(t.src[at+1:])
	n.nameEnd = int32(nameEnd)
	end, ok := t.declare(nameEnd)
	if !ok {
		return 0, false
	}
	n.tagEnd, n.end = int32(end), int32(end)
	prefix, local := cutPrefix(string(t.src[n.name:n.nameEnd]))
	if n.space, ok = t.resolve(prefix); !ok || !t.bound(nameEnd) {
		return 0, false
	}
	n.name = n.nameEnd - int32(len(local))
	t.nodes = append(t.nodes, n)
	if k := len(t.open); k > 0 {
		parent := &t.nodes[t.open[k-1]]
		if parent.last < 0 {
			parent.first = i
		} else {
			t.nodes[parent.last].next = i
		}
		parent.last = i
	}
	if t.src[end-2] != '/' {
		t.open = append(t.open, i)
	}
	return end, true
}

// nameLength measures the name that s starts with.
func nameLength(s []byte) int {
	n := bytes.IndexAny(s, " \t\r\n/>=")
	if n < 0 {
		return len(s)
	}
	return n
}

// cutPrefix splits a QName.
func cutPrefix(name string) (prefix, local string) {
	if prefix, local, ok := strings.Cut(name, ":"); ok {
		return prefix, local
	}
	return "", name
}

// declare enters the namespaces that a start tag declares, and finds its end.
func (t *xmlTree) declare(at int) (int, bool) {
	for {
		a, next, ok := t.attribute(at)
		if !ok {
			return next, true
		}
		at = next
		prefix, local := cutPrefix(a.name)
		switch {
		case prefix == "xmlns":
		case prefix == "" && local == "xmlns":
			local = ""
		default:
			continue
		}
		if len(t.spaces) == maxXMLSpaces {
			return 0, false
		}
		t.active = append(t.active, int16(len(t.spaces)))
		t.spaces = append(t.spaces, xmlSpace{local, a.value(), int32(len(t.nodes))})
	}
}

// bound tells whether the prefixes of the attributes behind an offset are
// declared.
func (t *xmlTree) bound(at int) bool {
	for {
		a, next, ok := t.attribute(at)
		if !ok {
			return true
		}
		at = next
		if prefix, _ := cutPrefix(a.name); prefix != "xmlns" {
			if _, ok := t.resolve(prefix); !ok {
				return false
			}
		}
	}
}

// resolve finds the namespace of a prefix; -1 where there is none. It is false
// where the prefix is not declared.
func (t *xmlTree) resolve(prefix string) (int16, bool) {
	for k := len(t.active) - 1; k >= 0; k-- {
		if s := t.active[k]; t.spaces[s].prefix == prefix {
			return s, true
		}
	}
	return -1, prefix == "" || prefix == "xml"
}

// xmlAttribute is one attribute as it stands in the document.
type xmlAttribute struct {
	name string
	raw  []byte
}

func (a *xmlAttribute) value() string { return unescapeXML(a.raw, true) }

// attribute reads the attribute that follows an offset within a start tag.
// Where none does, ok is false and next is behind the tag.
func (t *xmlTree) attribute(at int) (a xmlAttribute, next int, ok bool) {
	for blank(t.src[at]) {
		at++
	}
	switch {
	case t.src[at] == '>':
		return a, at + 1, false
	case t.src[at] == '/':
		return a, at + 2, false
	}
	n := nameLength(t.src[at:])
	a.name = string(t.src[at : at+n])
	for at += n; t.src[at] != '"' && t.src[at] != '\''; {
		at++
	}
	end := bytes.IndexByte(t.src[at+1:], t.src[at])
	a.raw = t.src[at+1 : at+1+end]
	return a, at + end + 2, true
}

// local is the local name of element i.
func (t *xmlTree) local(i int32) string {
	n := &t.nodes[i]
	return string(t.src[n.name:n.nameEnd])
}

// space is the namespace of element i, "" where it has none.
func (t *xmlTree) space(i int32) string {
	if s := t.nodes[i].space; s >= 0 {
		return t.spaces[s].uri
	}
	return ""
}

// spaceAt is the namespace of a prefix of an attribute of element i, "" where
// it has none.
func (t *xmlTree) spaceAt(i int32, prefix string) string {
	if prefix == "" {
		return ""
	}
	for k := len(t.spaces) - 1; k >= 0; k-- {
		s := &t.spaces[k]
		if s.prefix == prefix && s.by <= i && t.nodes[s.by].end >= t.nodes[i].name {
			return s.uri
		}
	}
	return ""
}

// textOf is the text of element i, without that of its children.
func (t *xmlTree) textOf(i int32) string {
	n := &t.nodes[i]
	var out []byte
	child := n.first
	for at := int(n.tagEnd); at < int(n.end); {
		rest := t.src[at:n.end]
		next := bytes.IndexByte(rest, '<')
		if next < 0 {
			next = len(rest)
		}
		out = append(out, unescapeXML(rest[:next], false)...)
		rest = rest[next:]
		at += next
		switch {
		case len(rest) == 0:
		case bytes.HasPrefix(rest, []byte("<!--")):
			at += 4 + bytes.Index(rest[4:], []byte("-->")) + 3
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			data, _, _ := bytes.Cut(rest[9:], []byte("]]>"))
			out = append(out, bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))...)
			at += 9 + len(data) + 3
		default:
			at = t.behind(child)
			child = t.nodes[child].next
		}
	}
	return string(out)
}

// behind is the offset behind element i.
func (t *xmlTree) behind(i int32) int {
	n := &t.nodes[i]
	if t.src[n.tagEnd-2] == '/' {
		return int(n.tagEnd)
	}
	return int(n.end) + bytes.IndexByte(t.src[n.end:], '>') + 1
}

// unescapeXML resolves the references of a text that is known to be
// well-formed, and normalises line ends and, in attributes, white space
// (sections 2.11 and 3.3.3 of the recommendation).
func unescapeXML(s []byte, attribute bool) string {
	if bytes.IndexByte(s, '&') < 0 && !bytes.ContainsAny(s, "\r\n\t") {
		return string(s)
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '&':
			end := bytes.IndexByte(s[i:], ';')
			out = appendReference(out, string(s[i+1:i+end]))
			i += end
			continue
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n':
			continue
		case c == '\r':
			c = '\n'
		}
		if attribute && (c == '\n' || c == '\t') {
			c = ' '
		}
		out = append(out, c)
	}
	return string(out)
}

// appendReference appends what &name; stands for.
func appendReference(dst []byte, name string) []byte {
	switch name {
	case "amp":
		return append(dst, '&')
	case "lt":
		return append(dst, '<')
	case "gt":
		return append(dst, '>')
	case "quot":
		return append(dst, '"')
	case "apos":
		return append(dst, '\'')
	}
	base, digits := rune(10), name[1:]
	if digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	var r rune
	for k := range len(digits) {
		r = r*base + rune(unhex(digits[k]))
	}
	return utf8.AppendRune(dst, r)
}
