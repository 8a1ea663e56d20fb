package openapi

import (
	"net/url"
	"sort"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// A resource is a file, or a schema with an $id of its own: what anchors and
// pointers within it count from (JSON Schema 2020-12 section 8.2.1).
type resource struct {
	spot
	parent  *resource
	uri     *url.URL // of its $id; of a local file empty
	anchors map[string]spot
	dynamic []dynamicAnchor
	model   *contract.Resource // nil until a dynamic reference asks for it
}

// A dynamicAnchor is a schema with a $dynamicAnchor.
type dynamicAnchor struct {
	name string
	at   spot
}

func (r *resource) end() uint32 { return r.i + r.cell().size }

// count is how many schemas of r carry a dynamic anchor.
func (r *resource) count(name string) (n int) {
	if r == nil {
		return 0
	}
	for i := range r.dynamic {
		if r.dynamic[i].name == name {
			n++
		}
	}
	return n
}

// resources are those of one file, in the order of the text. It is nil for a
// file without identifiers and anchors.
type resources struct {
	list    []*resource
	byURI   map[string]*resource // the first one wins
	anchors map[string]spot      // of the whole file, the same
}

// resources finds those of a file, once.
func (b *builder) resources(f *file) *resources {
	if f.indexed {
		return f.resources
	}
	f.indexed = true
	if !strings.Contains(f.data, "$id") && !strings.Contains(f.data, "$anchor") && !strings.Contains(f.data, "$dynamicAnchor") {
		return nil
	}
	f.resources = &resources{byURI: map[string]*resource{}, anchors: map[string]spot{}}
	base := &url.URL{}
	if f.remote {
		if u, err := url.Parse(f.key); err == nil {
			base = u
		}
	}
	top := &resource{spot: spot{node{f, 0}, "#"}, uri: base, anchors: map[string]spot{}}
	x := indexer{to: f.resources, nested: b.dialect == contract.OpenAPI31}
	x.to.list = append(x.to.list, top)
	x.walk(top.spot, top, schemaOf)
	return f.resources
}

// holder says what the members of an object are.
type holder uint8

const (
	schemaOf holder = iota // keywords
	namesOf                // names of schemas, which are no keywords
)

// An indexer finds the resources of one file.
type indexer struct {
	to     *resources
	nested bool // an $id opens a resource
}

func (x *indexer) walk(s spot, in *resource, h holder) {
	for i, v := range s.items {
		x.walk(s.item(i, v), in, schemaOf)
	}
	if !s.is(source.Object) {
		return
	}
	if h == schemaOf {
		in = x.enter(s, in)
	}
	for k, v := range s.members {
		next := schemaOf
		if h == schemaOf {
			switch k.text() {
			case "enum", "const", "default", "example", "examples":
				continue // values, whatever they look like
			case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "schemas":
				next = namesOf
			}
		}
		x.walk(s.under(k.text(), v), in, next)
	}
}

// enter reads identifier and anchors of what may be a schema.
func (x *indexer) enter(s spot, in *resource) *resource {
	id := strings.TrimSuffix(s.get("$id").str(), "#")
	switch {
	case id == "":
	case id[0] == '#': // what draft 4 has for anchors
		x.anchor(in, id[1:], s)
	case x.nested:
		r := &resource{spot: s, parent: in, anchors: map[string]spot{}}
		if u, err := in.uri.Parse(id); err == nil {
			r.uri = u
		} else {
			r.uri = &url.URL{Opaque: id}
		}
		in = r
		x.to.list = append(x.to.list, r)
		for _, name := range []string{r.uri.String(), id} {
			if x.to.byURI[name] == nil {
				x.to.byURI[name] = r
			}
		}
	}
	if name := s.get("$anchor").str(); name != "" {
		x.anchor(in, name, s)
	}
	if name := s.get("$dynamicAnchor").str(); name != "" {
		x.anchor(in, name, s)
		in.dynamic = append(in.dynamic, dynamicAnchor{name, s})
	}
	return in
}

func (x *indexer) anchor(in *resource, name string, s spot) {
	if _, ok := in.anchors[name]; !ok {
		in.anchors[name] = s
	}
	if _, ok := x.to.anchors[name]; !ok {
		x.to.anchors[name] = s
	}
}

// resourceOf is the innermost resource that holds n, nil in a file without
// any.
func (b *builder) resourceOf(n node) *resource {
	all := b.resources(n.f)
	if all == nil {
		return nil
	}
	at := sort.Search(len(all.list), func(i int) bool { return all.list[i].i > n.i }) - 1
	r := all.list[at]
	for r.end() <= n.i {
		r = r.parent
	}
	return r
}

// leaves tells whether a reference leads out of a resource whose dynamic anchors
// count on the way.
func (b *builder) leaves(from, to node) bool {
	r := b.resourceOf(from)
	return r != nil && len(r.dynamic) > 0 && b.resourceOf(to) != r
}

// A dynamicUse is a $dynamicRef that leads to a $dynamicAnchor.
type dynamicUse struct {
	s    *contract.Schema
	name string
	to   spot
}

// scopes gives dynamic references their meaning once all schemas are known: the
// same as $ref where one schema only carries the anchor. It tells whether it
// has asked for more schemas.
func (b *builder) scopes() bool {
	before := len(b.queue)
	for _, use := range b.dynamics {
		to := b.schema(use.to)
		if b.carriers(use.name) > 1 {
			rareOf(use.s).DynamicRef = &contract.DynamicRef{Anchor: use.name, Schema: to}
			b.scoped = true
		} else {
			b.apply(use.s, to)
		}
	}
	b.dynamics = nil
	if b.scoped {
		for _, f := range b.order {
			b.markResources(f)
		}
	}
	return len(b.queue) > before
}

// apply adds a schema that applies as $ref does.
func (b *builder) apply(s, to *contract.Schema) {
	if s.Ref == nil {
		s.Ref = to
	} else {
		s.AllOf = append(s.AllOf, to)
	}
}

// carriers counts the resources with a dynamic anchor.
func (b *builder) carriers(name string) (n int) {
	for _, f := range b.order {
		if all := b.resources(f); all != nil {
			for _, r := range all.list {
				if r.count(name) > 0 {
					n++
				}
			}
		}
	}
	return n
}

// markResources tells the schemas of a file which resource they are a part of.
func (b *builder) markResources(f *file) {
	all := b.resources(f)
	if all == nil {
		return
	}
	for i, s := range f.schemas {
		if s == nil || s.Rare != nil && s.Rare.Resource != nil {
			continue
		}
		if r := b.resourceOf(node{f, uint32(i)}); len(r.dynamic) > 0 {
			rareOf(s).Resource = b.modelOf(r)
		}
	}
}

func (b *builder) modelOf(r *resource) *contract.Resource {
	if r.model == nil {
		r.model = &contract.Resource{}
		for _, a := range r.dynamic {
			r.model.Anchors = append(r.model.Anchors, contract.Anchor{Name: a.name, Schema: b.schema(a.at)})
		}
	}
	return r.model
}

func rareOf(s *contract.Schema) *contract.Rare {
	if s.Rare == nil {
		s.Rare = contract.NewRare()
	}
	return s.Rare
}
