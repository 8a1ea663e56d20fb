package match

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// naive is the oracle: it tries every template by backtracking, one character
// at a time, and picks the most concrete one segment by segment.
type naive []Route

// answer is what both matchers give, in a form to compare.
type answer struct {
	Found   Found
	Value   int
	Params  []string // name=text
	Allowed []string
}

func (routes naive) find(path, method string) answer {
	var fits []Route
	for _, r := range routes {
		if _, ok := fit(r.Template, path); ok {
			fits = append(fits, r)
		}
	}
	if len(fits) == 0 {
		return answer{}
	}
	best := slices.MinFunc(fits, func(a, b Route) int { return precedence(a.Template, b.Template) })
	a := answer{Found: NoMethod}
	for _, r := range fits {
		if Erase(r.Template) != Erase(best.Template) {
			continue
		}
		a.Allowed = append(a.Allowed, r.Method)
		if r.Method == method {
			params, _ := fit(r.Template, path)
			a.Found, a.Value, a.Params = Yes, r.Value, params
		}
	}
	slices.Sort(a.Allowed)
	return a
}

// fit matches a template; parameters are as short as possible, the first ones
// first, none is empty and none holds a slash.
func fit(template, path string) ([]string, bool) {
	if template == "" || path == "" {
		return nil, template == path
	}
	if template[0] != '{' {
		if template[0] != path[0] {
			return nil, false
		}
		return fit(template[1:], path[1:])
	}
	name, rest, _ := strings.Cut(template[1:], "}")
	for end := 0; end < len(path) && path[end] != '/'; {
		_, size := utf8.DecodeRuneInString(path[end:])
		end += size
		if params, ok := fit(rest, path[end:]); ok {
			return append([]string{name + "=" + path[:end]}, params...), true
		}
	}
	return nil, false
}

// precedence compares two templates that fit one path.
func precedence(a, b string) int {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(x), len(y)) {
		if c := concrete(x[i], y[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

// concrete compares two segments by the rule that compare documents.
func concrete(a, b string) int {
	ea, eb := Erase(a), Erase(b)
	if ea == eb {
		return 0
	}
	ca, cb := strings.Contains(ea, "{}"), strings.Contains(eb, "{}")
	if ca != cb {
		if ca {
			return 1
		}
		return -1
	}
	prefix := func(s string) int { return strings.Index(s, "{}") }
	return cmp.Or(
		cmp.Compare(len(strings.ReplaceAll(eb, "{}", "")), len(strings.ReplaceAll(ea, "{}", ""))),
		cmp.Compare(prefix(eb), prefix(ea)),
		cmp.Compare(strings.Count(ea, "{}"), strings.Count(eb, "{}")),
		strings.Compare(strings.ReplaceAll(ea, "{}", hole), strings.ReplaceAll(eb, "{}", hole)),
	)
}

// ask gives the router's answer in the same form.
func ask(r *Router, path, method string) answer {
	var m Match
	a := answer{Found: r.Find(path, method, &m)}
	if a.Found == NoPath {
		return a
	}
	a.Allowed = slices.Clone(m.Allowed)
	if a.Found == Yes {
		a.Value = m.Value
		for i := range m.Len() {
			a.Params = append(a.Params, m.Name(i)+"="+m.Text(i))
		}
	}
	return a
}
