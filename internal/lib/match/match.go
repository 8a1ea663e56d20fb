// Package match finds the operation that a path and a method name, by the
// rules of OpenAPI 3.1 section 4.8.8: templates such as /a/{b}/c, {name}.json
// or {a}-{b}; concrete before templated at each segment, with full
// backtracking; case and a trailing slash count. Paths are matched decoded,
// as package canon gives them, where a slash is always a separator.
//
// The templates form a tree with one node per distinct template start, and a
// search enters each node at most once, since a node has one parent and one
// depth. Its time is bounded by the templates, never exponential in the path.
//
// Limits: templated segments that differ below one parent, such as {x}-a and
// {x}-b, are tried in a row; hundreds of them in one place cost microseconds.
package match

import (
	"slices"
	"strings"
)

// Route is one operation: a path template, a method, and the value that Find
// gives for it. The value is the caller's, such as an index.
type Route struct {
	Template string
	// Method is compared exactly; "GET" is not "get" (RFC 9110 section 9.1).
	Method string
	Value  int
}

// Reason is the stable short name of a Conflict.
type Reason string

// What can be wrong with a route.
const (
	// Same: two templates that differ at most in parameter names, one method.
	Same Reason = "same-template"
	// Relative: the template does not start with a slash.
	Relative Reason = "relative"
	// Braces: unbalanced, nested or empty braces.
	Braces Reason = "braces"
	// RepeatedName: one parameter name twice in a template.
	RepeatedName Reason = "repeated-name"
)

// Conflict says that Second is not in the router, and why. First is the route
// that took its place; for a malformed template it is Second itself.
type Conflict struct {
	Reason        Reason
	First, Second Route
}

// Found is the answer of Find.
type Found int

// The answers of Find.
const (
	// NoPath: no template fits the path.
	NoPath Found = iota
	// NoMethod: the path exists, but not with this method; Match.Allowed says
	// which there are.
	NoMethod
	// Yes: Match holds the operation.
	Yes
)

// node is what is reached after some segments.
type node struct {
	literals children
	patterns []*pattern // most concrete first
	leaf     *leaf
}

// leaf is a template's end: the path item.
type leaf struct {
	allowed []string // sorted
	ends    []end    // in the order of allowed
}

// end is one operation of a leaf.
type end struct {
	route Route
	names []string
}

// Router finds operations. It is immutable; any number of goroutines may use
// it. The zero Router knows no path.
type Router struct{ root node }

// Build makes a router of the routes, in any order: the same set gives the
// same router, but for which of two conflicting routes stays, which is the
// first. A route in a Conflict is left out, so a caller that cannot accept
// that must refuse the whole.
func Build(routes []Route) (*Router, []Conflict) {
	r := &Router{}
	var conflicts []Conflict
	for _, route := range routes {
		segs, names, reason := parse(route.Template)
		if reason != "" {
			conflicts = append(conflicts, Conflict{reason, route, route})
			continue
		}
		n := &r.root
		for _, s := range segs {
			n = n.child(s)
		}
		if n.leaf == nil {
			n.leaf = &leaf{}
		}
		if first, ok := n.leaf.add(end{route, names}); !ok {
			conflicts = append(conflicts, Conflict{Same, first, route})
		}
	}
	r.root.seal()
	return r, conflicts
}

// child finds or makes the node behind one more segment.
func (n *node) child(s segment) *node {
	if s.parts == nil {
		return n.literals.add(s.literal)
	}
	for _, p := range n.patterns {
		if p.erased == s.erased {
			return p.next
		}
	}
	p := newPattern(s)
	p.next = &node{}
	n.patterns = append(n.patterns, p)
	return p.next
}

// add puts an operation in its place, or says which one has it already.
func (l *leaf) add(e end) (Route, bool) {
	i, taken := slices.BinarySearch(l.allowed, e.route.Method)
	if taken {
		return l.ends[i].route, false
	}
	l.allowed = slices.Insert(l.allowed, i, e.route.Method)
	l.ends = slices.Insert(l.ends, i, e)
	return Route{}, true
}

// seal orders what Build collected and indexes it.
func (n *node) seal() {
	slices.SortFunc(n.patterns, compare)
	for _, p := range n.patterns {
		p.next.seal()
	}
	n.literals.seal()
	for i := range n.literals.list {
		n.literals.list[i].next.seal()
	}
}

// Find looks a decoded path up and fills m, which it resets first. It does not
// allocate unless a template has more than 16 parameters. The path item is
// chosen before the method, as OpenAPI says: where /users/me has no GET,
// "GET /users/me" is NoMethod even if /users/{id} has one.
func (r *Router) Find(path, method string, m *Match) Found {
	m.reset(path)
	if path == "" || path[0] != '/' || len(path) > maxPath {
		return NoPath
	}
	l := r.root.find(path, 1, m)
	if l == nil {
		m.n = 0
		return NoPath
	}
	m.Allowed = l.allowed
	for i := range l.ends {
		if e := &l.ends[i]; e.route.Method == method {
			m.Value, m.Template, m.names = e.route.Value, e.route.Template, e.names
			return Yes
		}
	}
	m.n = 0
	return NoMethod
}

// maxPath keeps spans within 32 bits.
const maxPath = 1<<31 - 1

// find searches the subtree for path[at:], which starts behind a slash.
func (n *node) find(path string, at int, m *Match) *leaf {
	stop, last := len(path), true
	if i := strings.IndexByte(path[at:], '/'); i >= 0 {
		stop, last = at+i, false
	}
	if next := n.literals.find(path[at:stop]); next != nil {
		if l := next.enter(path, stop, last, m); l != nil {
			return l
		}
	}
	depth := m.n
	for _, p := range n.patterns {
		if p.match(path, at, stop, m) {
			if l := p.next.enter(path, stop, last, m); l != nil {
				return l
			}
		}
		m.n = depth
	}
	return nil
}

// enter goes on behind path[:stop], or ends there.
func (n *node) enter(path string, stop int, last bool, m *Match) *leaf {
	if last {
		return n.leaf
	}
	return n.find(path, stop+1, m)
}
