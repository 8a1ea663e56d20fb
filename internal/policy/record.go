package policy

import (
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/source"
)

// A record is a map with fixed keys that becomes a T.
type record[T any] struct {
	name    string // of its definition in the JSON Schema
	doc     string
	members []member[T]
	later   []string // keys of the design that this version does not have
	astray  []stray  // keys that have a meaning at another level only
	// finish checks the members against each other, once all were read
	// without an error.
	finish func(r *reader, v source.Value, t *T)
	// exclusive are groups of keys of which at most one may be there.
	exclusive [][2]string
	// together are keys that need each other.
	together [][2]string
}

// A stray is a key with the level that it belongs to.
type stray struct{ name, level string }

// strays says that names belong to one level.
func strays(level string, names ...string) []stray {
	out := make([]stray, len(names))
	for i, n := range names {
		out[i] = stray{n, level}
	}
	return out
}

// A member is one key of a record.
type member[T any] struct {
	name, doc string
	need      bool
	read      func(r *reader, m source.Member, into *T) bool
	write     func(*T) source.Value
	schema    func(*definitions) node
}

// given is a member that keeps its place.
func given[T, V any](name string, s shape[V], at func(*T) *Given[V], doc string) member[T] {
	return member[T]{name: name, doc: doc, schema: s.schema,
		read: func(r *reader, m source.Member, into *T) bool {
			v, ok := s.read(r, m.Value)
			*at(into) = Given[V]{v, m.Value.At, ok}
			return ok
		},
		write: func(t *T) source.Value {
			if !at(t).Set {
				return source.Value{}
			}
			return s.write(at(t).Value)
		}}
}

// part is a member whose value knows its places itself.
func part[T, V any](name string, s shape[V], at func(*T) *V, doc string) member[T] {
	return member[T]{name: name, doc: doc, schema: s.schema,
		read: func(r *reader, m source.Member, into *T) bool {
			v, ok := s.read(r, m.Value)
			*at(into) = v
			return ok
		},
		write: func(t *T) source.Value { return s.write(*at(t)) }}
}

// required marks m as one that must be there.
func (m member[T]) required() member[T] {
	m.need = true
	return m
}

func (o record[T]) shape() shape[T] {
	return shape[T]{read: o.read, write: o.write, schema: o.schema}
}

// names lists the keys in the order of the grammar.
func (o record[T]) names() []string {
	out := make([]string, len(o.members))
	for i, m := range o.members {
		out[i] = m.name
	}
	return out
}

func (o record[T]) read(r *reader, v source.Value) (t T, ok bool) {
	if !r.is(v, source.Object, "a map") {
		return t, false
	}
	ok = true
	excused := map[string]bool{}
	for _, m := range v.Members {
		i := slices.IndexFunc(o.members, func(known member[T]) bool { return known.name == m.Name })
		if i < 0 {
			excused[o.unknown(r, m)] = true
			ok = false
			continue
		}
		r.under(m.Name, func() { ok = o.members[i].read(r, m, &t) && ok })
	}
	ok = o.complete(r, v, excused) && ok
	ok = o.pairs(r, v) && ok
	if ok && o.finish != nil {
		before := r.failed
		o.finish(r, v, &t)
		ok = r.failed == before
	}
	return t, ok
}

// complete reports keys that must be there. One that was misspelled is
// excused: it has its message.
func (o record[T]) complete(r *reader, v source.Value, excused map[string]bool) bool {
	ok := true
	for _, m := range o.members {
		if !m.need || has(v, m.name) || excused[m.name] || len(excused) > 0 && len(o.members) == 1 {
			continue
		}
		r.fail(v.At, CodeMissingKey, fmt.Sprintf("%s needs the key %s", r.where(), m.name), m.doc)
		ok = false
	}
	return ok
}

// pairs checks keys against each other.
func (o record[T]) pairs(r *reader, v source.Value) bool {
	ok := true
	for _, p := range o.exclusive {
		if has(v, p[0]) && has(v, p[1]) {
			r.fail(v.At, CodeConflict, fmt.Sprintf("%s has both %s and %s", r.where(), p[0], p[1]), "keep one of the two")
			ok = false
		}
	}
	for _, p := range o.together {
		if has(v, p[0]) != has(v, p[1]) {
			r.fail(v.At, CodeMissingKey, fmt.Sprintf("%s needs %s and %s together", r.where(), p[0], p[1]), "")
			ok = false
		}
	}
	return ok
}

// has tells whether v has the key, be its value refused.
func has(v source.Value, name string) bool {
	return slices.ContainsFunc(v.Members, func(m source.Member) bool { return m.Name == name })
}

// unknown reports a key without a member, and returns the member that it
// looks like, or "".
func (o record[T]) unknown(r *reader, m source.Member) string {
	if slices.Contains(o.later, m.Name) {
		r.fail(m.NameAt, CodeNotYet, fmt.Sprintf("%s: this version does not have %s", r.where(), m.Name), "remove it: nothing would act on it")
		return ""
	}
	for _, s := range o.astray {
		if s.name == m.Name {
			r.fail(m.NameAt, CodeWrongLevel, fmt.Sprintf("%s cannot have %s", r.where(), m.Name), "it belongs to "+s.level)
			return ""
		}
	}
	r.fail(m.NameAt, CodeUnknownKey, fmt.Sprintf("%s has no key %s", r.where(), quote(m.Name)), keyHint(m.Name, o.names()))
	return source.Near(m.Name, o.names())
}

// keyHint says which key was meant, or which there are.
func keyHint(name string, names []string) string {
	if h := near(name, names); h != "" {
		return h
	}
	switch {
	case len(names) > 12:
		return "sallyport schema lists the keys"
	case len(names) == 1:
		return "the only key is " + names[0]
	}
	return "the keys are " + oneOf(names)
}

func (o record[T]) write(t T) source.Value {
	v := source.Value{Kind: source.Object}
	for _, m := range o.members {
		if inner := m.write(&t); inner.Kind != source.Absent {
			v.Members = append(v.Members, source.Member{Name: m.name, Value: inner})
		}
	}
	if len(v.Members) == 0 {
		return source.Value{}
	}
	return v
}

func (o record[T]) schema(d *definitions) node {
	return d.define(o.name, func() node {
		properties, required := node{}, []string{}
		for _, m := range o.members {
			properties[m.name] = m.schema(d).described(m.doc)
			if m.need {
				required = append(required, m.name)
			}
		}
		n := node{"type": "object", "additionalProperties": false, "properties": properties}
		if o.doc != "" {
			n["description"] = o.doc
		}
		if len(required) > 0 {
			slices.Sort(required)
			n["required"] = required
		}
		dependencies := node{}
		for _, p := range o.together {
			dependencies[p[0]], dependencies[p[1]] = []string{p[1]}, []string{p[0]}
		}
		if len(dependencies) > 0 {
			n["dependencies"] = dependencies
		}
		var refused []node
		for _, p := range o.exclusive {
			refused = append(refused, node{"not": node{"required": p[:]}})
		}
		if len(refused) > 0 {
			n["allOf"] = refused
		}
		return n
	})
}

// A table is a map whose keys are the user's own names, in the order of the
// text.
type table[T any] struct {
	key   pattern
	limit int // keys
	inner shape[T]
	// name gives the value its key; get takes it back.
	name func(*T, Text)
	get  func(T) string
	doc  string
}

func (o table[T]) shape() shape[[]T] {
	key := o.key.shape()
	return shape[[]T]{
		read: func(r *reader, v source.Value) ([]T, bool) {
			if !r.is(v, source.Object, "a map") {
				return nil, false
			}
			if len(v.Members) > o.limit {
				r.fail(v.At, CodeOutOfRange, fmt.Sprintf("%s has %d entries, over the limit of %d", r.where(), len(v.Members), o.limit), "")
				return nil, false
			}
			out, ok := make([]T, 0, len(v.Members)), true
			for _, m := range v.Members {
				r.under(m.Name, func() {
					_, good := key.read(r, source.Value{Kind: source.String, Text: m.Name, At: m.NameAt})
					t, read := o.inner.read(r, m.Value)
					o.name(&t, Text{m.Name, m.NameAt, true})
					out, ok = append(out, t), ok && good && read
				})
			}
			return out, ok
		},
		write: func(items []T) source.Value {
			v := source.Value{Kind: source.Object}
			for _, t := range items {
				inner := o.inner.write(t)
				if inner.Kind == source.Absent {
					inner.Kind = source.Object
				}
				v.Members = append(v.Members, source.Member{Name: o.get(t), Value: inner})
			}
			if len(items) == 0 {
				return source.Value{}
			}
			return v
		},
		schema: func(d *definitions) node {
			return node{"type": "object", "description": o.doc, "additionalProperties": false,
				"patternProperties": node{o.key.form: o.inner.schema(d)}}
		},
	}
}
