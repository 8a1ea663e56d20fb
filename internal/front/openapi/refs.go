package openapi

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// maxHops bounds a chain of references that lead to references.
const maxHops = 64

// A spot is a place in the document: a value, and its JSON pointer.
type spot struct {
	node
	pointer string // "#/components/schemas/Order"
}

// maxPointer bounds a pointer, in bytes: what does not fit is left out.
const maxPointer = 1024

func (s spot) child(name string) spot { return s.under(name, s.get(name)) }

// under is the spot of a member that was found by iteration.
func (s spot) under(name string, value node) spot {
	if len(s.pointer)+len(name) > maxPointer {
		return spot{value, s.pointer}
	}
	return spot{value, s.pointer + "/" + escapePointer(name)}
}

func (s spot) item(i int, value node) spot {
	return s.under(strconv.Itoa(i), value)
}

func escapePointer(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

var unescapePointer = strings.NewReplacer("~1", "/", "~0", "~")

// refOf returns the text of $ref in n, and whether n is a reference.
func refOf(n node) (node, bool) {
	r := n.get("$ref")
	return r, r.is(source.String)
}

// follow resolves n while it is a reference object. It returns ok false after
// it reported a reference that leads nowhere or in a circle.
func (b *builder) follow(s spot) (spot, bool) {
	start := s
	for range maxHops {
		ref, is := refOf(s.node)
		if !is {
			return s, true
		}
		next, p := b.resolve(s.f, ref.text())
		if p != nil {
			b.warn(ref, *p)
			return spot{}, false
		}
		s = next
	}
	b.warn(start.get("$ref"), say(CodeRefCycle, "let one of them hold the value itself", "the reference leads in a circle"))
	return spot{}, false
}

// A target names one reference of one file.
type target struct {
	f   *file
	ref string
}

// resolved is what a target leads to.
type resolved struct {
	spot
	p *problem
}

// resolve finds what ref, standing in f, names.
func (b *builder) resolve(f *file, ref string) (spot, *problem) {
	t := target{f, ref}
	if r, ok := b.refs[t]; ok {
		return r.spot, r.p
	}
	b.refs[t] = resolved{p: &problem{CodeRefCycle, "let one of them hold the value itself", "the reference leads in a circle"}}
	s, p := b.lookup(f, ref)
	b.refs[t] = resolved{s, p}
	return s, p
}

func (b *builder) lookup(f *file, ref string) (spot, *problem) {
	if s, ok := b.identified(f, ref); ok {
		return s, nil
	}
	path, fragment, _ := strings.Cut(ref, "#")
	if path != "" {
		w := b.open(f, path)
		if w.p != nil {
			if w.p.code == CodeRead && !strings.ContainsAny(path, "./") {
				w.p.hint = `to name a schema of this document, write "#/components/schemas/` + clip(path) + `"`
			}
			return spot{}, w.p
		}
		f = w.f
	}
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		p := say(CodeRef, "write %25 for a percent sign", "the pointer of the reference is malformed")
		return spot{}, &p
	}
	if fragment != "" && fragment[0] != '/' {
		if n, ok := b.anchors(f)["#"+fragment]; ok {
			return spot{n, "#" + fragment}, nil
		}
		p := say(CodeRef, "a pointer starts with #/", "no schema has the anchor %q", clip(fragment))
		return spot{}, &p
	}
	return b.point(f, fragment)
}

// point follows a JSON pointer (RFC 6901). Where it leads through a reference
// object that does not hold the next name, the reference is followed.
func (b *builder) point(f *file, pointer string) (spot, *problem) {
	s := spot{node{f, 0}, "#"}
	if pointer == "" {
		return s, nil
	}
	for _, token := range strings.Split(pointer[1:], "/") {
		name := unescapePointer.Replace(token)
		next, ok := b.step(s, name)
		if !ok {
			p := say(CodeRef, b.missing(name, s.node), "nothing stands at %q: %q is missing", clip("#"+pointer), clip(name))
			return spot{}, &p
		}
		s = next
	}
	return s, nil
}

func (b *builder) step(s spot, name string) (spot, bool) {
	for range maxHops {
		if s.is(source.Array) {
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 {
				return spot{}, false
			}
			s = s.item(i, s.at(i))
			return s, s.ok()
		}
		if next := s.child(name); next.ok() {
			return next, true
		}
		ref, is := refOf(s.node)
		if !is {
			return spot{}, false
		}
		next, p := b.resolve(s.f, ref.text())
		if p != nil {
			return spot{}, false
		}
		s = next
	}
	return spot{}, false
}

// missing is the hint for a name that does not exist in n. It looks for near
// names only as often as diagnostics are shown.
func (b *builder) missing(name string, n node) string {
	const most = 10000 // names to compare with
	var names []string
	if b.hints++; b.hints <= source.MaxList {
		names = n.keys()
	}
	if near := source.Near(name, names[:min(len(names), most)]); near != "" {
		return "did you mean " + strconv.Quote(clip(near)) + "?"
	}
	return "add it, or mend the reference"
}

// identified finds a reference among the $id of the file's schemas (JSON
// Schema 2020-12 section 8.2.1), as written or absolute.
func (b *builder) identified(f *file, ref string) (spot, bool) {
	if ref == "" || ref[0] == '#' || b.dialect != contract.OpenAPI31 {
		return spot{}, false
	}
	path, fragment, _ := strings.Cut(ref, "#")
	n, ok := b.anchors(f)[path]
	if !ok {
		return spot{}, false
	}
	s := spot{n, "#"}
	if fragment == "" {
		return s, true
	}
	if fragment[0] != '/' {
		return spot{}, false
	}
	for _, token := range strings.Split(fragment[1:], "/") {
		if s, ok = b.step(s, unescapePointer.Replace(token)); !ok {
			return spot{}, false
		}
	}
	return s, true
}

// anchors lists the schemas of f that have an $id (under its text), or an
// $anchor or $dynamicAnchor (under "#" and its text); the first one wins.
func (b *builder) anchors(f *file) map[string]node {
	if f.anchors != nil {
		return f.anchors
	}
	f.anchors, f.dynamic = map[string]node{}, map[string]int{}
	if !strings.Contains(f.data, "$id") && !strings.Contains(f.data, "$anchor") && !strings.Contains(f.data, "$dynamicAnchor") {
		return f.anchors
	}
	keep := func(name string, n node) {
		if _, ok := f.anchors[name]; !ok && name != "#" && name != "" {
			f.anchors[name] = n
		}
	}
	for i := range f.cells {
		n := node{f, uint32(i)}
		if f.cells[i].kind != source.Object {
			continue
		}
		for k, v := range n.members {
			switch k.text() {
			case "$id":
				keep(v.str(), n)
			case "$anchor":
				keep("#"+v.str(), n)
			case "$dynamicAnchor":
				keep("#"+v.str(), n)
				f.dynamic["#"+v.str()]++
			}
		}
	}
	return f.anchors
}
