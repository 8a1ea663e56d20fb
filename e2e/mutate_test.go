package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// mutant is a request that the document does not allow, in one way.
type mutant struct {
	kind string
	request
}

// The kinds of mutants. The first four break a schema, the others ask for what
// is not declared.
const (
	wrongLeaf       = "wrong type of a leaf of the body"
	lostMember      = "required member removed"
	wrongParam      = "wrong value of a parameter"
	lostParam       = "required parameter removed"
	strangeQuery    = "undeclared query parameter"
	strangeMethod   = "undeclared method"
	strangePath     = "undeclared path"
	strangeMedia    = "undeclared media type"
	mutantsEach     = 3
	mostSchemaKinds = 2
)

// mutants are three changed copies of a lawful request, of different kinds,
// each of which the oracle refuses. Which kinds is chosen by hash.
func (d *document) mutants(r request) []mutant {
	schema := some(d.wrongLeaf(r), d.lostMember(r), d.wrongParam(r), d.lostParam(r))
	surface := some(d.strangeQuery(r), d.strangeMethod(r), d.strangePath(r), otherMedia(r))
	rotate(schema, r.op.pick("schema", max(1, len(schema))))
	rotate(surface, r.op.pick("surface", max(1, len(surface))))
	out := schema[:min(len(schema), mostSchemaKinds)]
	return append(out[:len(out):len(out)], surface[:min(len(surface), mutantsEach-len(out))]...)
}

// some are the mutants that there are.
func some(all ...*mutant) []mutant {
	var out []mutant
	for _, m := range all {
		if m != nil {
			out = append(out, *m)
		}
	}
	return out
}

// rotate moves the first n to the end.
func rotate(list []mutant, n int) {
	copy(list, append(slices.Clone(list[n:]), list[:n]...))
}

// wrongLeaf changes the type of one leaf.
func (d *document) wrongLeaf(r request) *mutant {
	return d.changed(r, wrongLeaf, func(at holder) bool {
		for _, v := range []any{object{"not": "this"}, []any{json.Number("7")}, json.Number("7.5"), "not this", true} {
			at.set(v)
			if d.oracle.check(r.media.at, *at.root) != nil {
				return true
			}
		}
		return false
	})
}

// lostMember removes one member.
func (d *document) lostMember(r request) *mutant {
	return d.changed(r, lostMember, func(at holder) bool {
		if at.remove == nil {
			return false
		}
		at.remove()
		return d.oracle.check(r.media.at, *at.root) != nil
	})
}

// holder is a place in a body that can be changed.
type holder struct {
	root   *any
	set    func(any)
	remove func() // nil where the place is not a member
}

// changed tries a change at each place of the body, beginning at one chosen by
// hash, until the change says that the body is invalid.
func (d *document) changed(r request, kind string, change func(holder) bool) *mutant {
	if r.media.name != "application/json" {
		return nil
	}
	count := len(places(clone(r.value)))
	for i := range count {
		root := clone(r.value)
		at := places(root)[(i+r.op.pick(kind, count))%count]
		at.root = &root
		if !change(at) {
			continue
		}
		if m, err := r.with(root); err == nil {
			return &mutant{kind, m}
		}
	}
	return nil
}

// places lists the members and items below v, in a fixed order.
func places(v any) []holder {
	var out []holder
	switch v := v.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, holder{set: func(x any) { v[name] = x }, remove: func() { delete(v, name) }})
			out = append(out, places(v[name])...)
		}
	case []any:
		for i := range v {
			out = append(out, holder{set: func(x any) { v[i] = x }})
			out = append(out, places(v[i])...)
		}
	}
	return out
}

// clone is a deep copy.
func clone(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			out[k] = clone(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = clone(v[i])
		}
		return out
	default:
		return v
	}
}

// wrongParam gives a parameter a value that no reading of the text makes valid.
func (d *document) wrongParam(r request) *mutant {
	for i := range r.op.params {
		p := r.op.params[(i+r.op.pick(wrongParam, len(r.op.params)))%len(r.op.params)]
		for _, text := range []string{"not-a-number", "-0.5", strings.Repeat("long", 2000)} {
			if d.oracle.checkText(p.at, text) == nil {
				continue
			}
			m := r
			switch p.in {
			case "path":
				m.path = replaceSegment(r, p.name, text)
			case "query":
				m.query = maps.Clone(r.query)
				m.query.Set(p.name, text)
			}
			// The changed path must still be this operation's and no other's.
			if found := d.declares(m.path); len(found) > 0 && allOf(found, r.op.path) && m.String() != r.String() {
				return &mutant{wrongParam, m}
			}
		}
	}
	return nil
}

// allOf tells whether all operations are on this path.
func allOf(ops []operation, path string) bool {
	return !slices.ContainsFunc(ops, func(o operation) bool { return o.path != path })
}

// replaceSegment is the path with another value for a parameter that fills a
// whole segment.
func replaceSegment(r request, name, text string) string {
	template, path := strings.Split(r.op.path, "/"), strings.Split(r.path, "/")
	for i := range template {
		if template[i] == "{"+name+"}" {
			path[i] = url.PathEscape(text)
		}
	}
	return strings.Join(path, "/")
}

// lostParam removes a required query parameter.
func (d *document) lostParam(r request) *mutant {
	for _, p := range r.op.params {
		if p.in != "query" || !p.required {
			continue
		}
		m := r
		m.query = maps.Clone(r.query)
		m.query.Del(p.name)
		return &mutant{lostParam, m}
	}
	return nil
}

// strangeQuery adds a query parameter.
func (d *document) strangeQuery(r request) *mutant {
	m := r
	m.query = maps.Clone(r.query)
	m.query.Set("x-undeclared", "1")
	return &mutant{strangeQuery, m}
}

// strangeMethod uses a method that no path that matches declares.
func (d *document) strangeMethod(r request) *mutant {
	found := d.declares(r.path)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodPost} {
		if slices.ContainsFunc(found, func(o operation) bool { return o.method == method }) {
			continue
		}
		m := r
		m.method = method
		return &mutant{strangeMethod, m}
	}
	return nil
}

// strangePath goes on below the path, or begins above it, where nothing is.
func (d *document) strangePath(r request) *mutant {
	const part = "/undeclared-part"
	for _, path := range []string{strings.TrimSuffix(r.path, "/") + part, part + r.path, part + part + r.path} {
		if len(d.declares(path)) == 0 {
			m := r
			m.path = path
			return &mutant{strangePath, m}
		}
	}
	return nil
}

// otherMedia sends the same bytes under a media type that is not declared.
func otherMedia(r request) *mutant {
	if r.body == nil {
		return nil
	}
	m := r
	m.media.name = "application/x-undeclared"
	return &mutant{strangeMedia, m}
}
