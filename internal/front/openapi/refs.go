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
		next, p := b.resolve(ref, ref.text())
		if p != nil {
			b.warn(ref, *p)
			return spot{}, false
		}
		s = next
	}
	b.warn(start.get("$ref"), say(CodeRefCycle, "let one of them hold the value itself", "the reference leads in a circle"))
	return spot{}, false
}

// A target names one reference of one file, as it reads within a resource.
type target struct {
	f   *file
	in  *resource
	ref string
}

// resolved is what a target leads to.
type resolved struct {
	spot
	p *problem
}

// resolve finds what ref, standing at a node, names.
func (b *builder) resolve(at node, ref string) (spot, *problem) {
	t := target{at.f, b.resourceOf(at), ref}
	if r, ok := b.refs[t]; ok {
		return r.spot, r.p
	}
	b.refs[t] = resolved{p: &problem{CodeRefCycle, "let one of them hold the value itself", "the reference leads in a circle"}}
	s, p := b.lookup(t)
	b.refs[t] = resolved{s, p}
	return s, p
}

func (b *builder) lookup(t target) (spot, *problem) {
	path, fragment, _ := strings.Cut(t.ref, "#")
	from := t.in
	if path != "" {
		if from = b.identified(t, path); from == nil {
			w := b.open(t.f, path)
			if w.p != nil {
				if w.p.code == CodeRead && !strings.ContainsAny(path, "./") {
					w.p.hint = `to name a schema of this document, write "#/components/schemas/` + clip(path) + `"`
				}
				return spot{}, w.p
			}
			t.f = w.f
		}
	}
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		p := say(CodeRef, "write %25 for a percent sign", "the pointer of the reference is malformed")
		return spot{}, &p
	}
	if fragment != "" && fragment[0] != '/' {
		return b.anchored(t.f, from, fragment)
	}
	if from != nil && from.parent != nil {
		s, p := b.point(from.spot, fragment)
		if p == nil || path != "" {
			return s, p
		}
		// Many who write $id count pointers from the document all the same.
	}
	return b.point(spot{node{t.f, 0}, "#"}, fragment)
}

// anchored finds an anchor of a resource; of the file, where that has none.
func (b *builder) anchored(f *file, in *resource, name string) (spot, *problem) {
	if in != nil {
		if s, ok := in.anchors[name]; ok {
			return s, nil
		}
	}
	if all := b.resources(f); all != nil {
		if s, ok := all.anchors[name]; ok {
			return s, nil
		}
	}
	p := say(CodeRef, "a pointer starts with #/", "no schema has the anchor %q", clip(name))
	return spot{}, &p
}

// point follows a JSON pointer (RFC 6901) from s. Where it leads through a
// reference object that does not hold the next name, the reference is followed.
func (b *builder) point(s spot, pointer string) (spot, *problem) {
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
		next, p := b.resolve(ref, ref.text())
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

// identified finds the resource that a reference names, by its URI or as it is
// written; nil where it names a file.
func (b *builder) identified(t target, path string) *resource {
	all := b.resources(t.f)
	if all == nil || b.dialect != contract.OpenAPI31 {
		return nil
	}
	if u, err := t.in.uri.Parse(path); err == nil {
		if r := all.byURI[u.String()]; r != nil {
			return r
		}
	}
	return all.byURI[path]
}
