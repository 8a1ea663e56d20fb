package main

import (
	"encoding/json"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
)

// A mutant is a value with one fault: one place of it was changed.
type mutant struct {
	kind  string
	value any
}

// mutants makes up to n mutants of v, chosen by the generator's dice. Most of
// them are faults by most schemas; the oracle says which are.
func mutants(rnd *rand.Rand, v any, n int) []mutant {
	count := len(places(&v))
	var out []mutant
	for range n {
		copied := clone(v)
		list := places(&copied)
		at := list[rnd.IntN(count)]
		kind, changed := at.spoil(rnd)
		if changed {
			out = append(out, mutant{kind, copied})
		}
	}
	return out
}

// A place is one value within another.
type place struct {
	get    func() any
	set    func(any)
	remove func() // nil where it is no member
	extend func(string, any)
}

// places lists v and all within it, in a fixed order.
func places(root *any) []place {
	var out []place
	var walk func(p place)
	walk = func(p place) {
		switch x := p.get().(type) {
		case map[string]any:
			p.extend = func(name string, v any) { x[name] = v }
			out = append(out, p)
			for _, name := range slices.Sorted(maps.Keys(x)) {
				walk(place{
					get: func() any { return x[name] }, set: func(v any) { x[name] = v }, remove: func() { delete(x, name) },
				})
			}
		case []any:
			out = append(out, p)
			for i := range x {
				walk(place{get: func() any { return x[i] }, set: func(v any) { x[i] = v }})
			}
		default:
			out = append(out, p)
		}
	}
	walk(place{get: func() any { return *root }, set: func(v any) { *root = v }})
	return out
}

// spoil changes the place in one way, and names the way.
func (p place) spoil(rnd *rand.Rand) (kind string, changed bool) {
	if p.remove != nil && rnd.IntN(4) == 0 {
		p.remove()
		return "member removed", true
	}
	if rnd.IntN(4) == 0 {
		return "type changed", p.retype(rnd)
	}
	switch x := p.get().(type) {
	case map[string]any:
		name := []string{"undeclared member", "", "ID"}[rnd.IntN(3)]
		if _, there := x[name]; there {
			return "", false
		}
		p.extend(name, "x")
		return "member added", true
	case []any:
		switch {
		case len(x) > 0 && rnd.IntN(2) == 0:
			p.set(append(slices.Clone(x), clone(x[len(x)-1])))
			return "element repeated", true
		case len(x) > 0:
			p.set([]any{})
			return "elements removed", true
		}
		p.set([]any{map[string]any{"undeclared": true}})
		return "element added", true
	case string:
		p.set(badText(x, rnd.IntN(6)))
		return "text changed", p.get() != any(x)
	case json.Number:
		p.set(badNumber(x, rnd.IntN(6)))
		return "number changed", p.get() != any(x)
	}
	return "type changed", p.retype(rnd)
}

// retype puts a value of another type.
func (p place) retype(rnd *rand.Rand) bool {
	list := []any{nil, true, json.Number("7"), json.Number("7.5"), "not this", []any{}, map[string]any{}}
	old := kindName(p.get())
	v := list[rnd.IntN(len(list))]
	if kindName(v) == old {
		return false
	}
	p.set(v)
	return true
}

func kindName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

func badText(s string, way int) string {
	switch way {
	case 0:
		return s + "\u0001 not this"
	case 1:
		return strings.Repeat(s+"x", 300)
	case 2:
		return ""
	case 3:
		if r := []rune(s); len(r) > 1 {
			return string(r[:1])
		}
		return s + s
	case 4:
		return strings.ToUpper(s) + "!"
	}
	return "\u00e9" + s
}

func badNumber(n json.Number, way int) json.Number {
	text := n.String()
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		return "0"
	}
	switch way {
	case 0:
		return json.Number(new(big.Rat).Add(v, big.NewRat(1, 2)).FloatString(3))
	case 1:
		return "-1000000000000000000000000"
	case 2:
		return "1e40"
	case 3:
		return "-1"
	case 4:
		return "0"
	}
	return json.Number(new(big.Rat).Add(v, big.NewRat(1, 1000)).FloatString(6))
}

// clone is a deep copy.
func clone(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, m := range x {
			out[k] = clone(m)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = clone(x[i])
		}
		return out
	}
	return v
}
