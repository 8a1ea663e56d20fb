package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/contract"
)

// A reading turns one schema of a document into plain JSON Schema 2020-12.
// What it does beyond copying keywords is what the dialects of OpenAPI and the
// documented leniency of the front end differ in from JSON Schema:
//
//   - before 3.1, keywords beside $ref are ignored, exclusiveMinimum and
//     exclusiveMaximum are booleans, and nullable adds null to the type and to
//     enum; beside allOf, anyOf, oneOf or not it makes "this, or null"
//   - a required member that is readOnly may be missing from requests, one that
//     is writeOnly from replies
//   - a discriminator decides: where its member names a schema, that one counts,
//     and not oneOf or anyOf; beside these, a name that is not known is refused
//   - format binary is no text: minLength, maxLength and pattern are not its
//   - a type that does not exist accepts nothing; counts and bounds that are no
//     numbers say nothing (the front end warns of both)
type reading struct {
	*oracle
	view
	err error
}

// schema converts the schema at a pointer. off are the discriminators that
// are followed already for the same value.
func (r *reading) schema(node any, at, off string) any {
	o, ok := node.(map[string]any)
	if !ok {
		switch node {
		case true, nil:
			return true
		}
		return false
	}
	out := map[string]any{}
	if ref, is := o["$ref"].(string); is {
		to, local := follow(ref)
		if !local {
			r.fail("$ref %s", ref)
			return false
		}
		out["$ref"] = r.url(view{to, r.side, off})
		if r.dialect != contract.OpenAPI31 {
			return out
		}
	}
	for name, v := range o {
		r.keyword(out, name, v, at+"/"+escape(name), off)
	}
	if types, bad := typesOf(o["type"]); bad {
		return false
	} else if types != nil {
		out["type"] = types
	}
	r.numbers(out, o)
	r.required(out, o)
	if o["format"] == "binary" || o["type"] == "file" {
		delete(out, "minLength")
		delete(out, "maxLength")
		delete(out, "pattern")
	}
	r.discriminator(out, o, at, off)
	if o["nullable"] == true || o["nullable"] == "true" {
		return nullable(out)
	}
	return out
}

func (r *reading) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{errForeign}, args...)...)
	}
}

// escape writes a name as a part of a pointer.
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// keyword converts the keywords that stand for themselves.
func (r *reading) keyword(out map[string]any, name string, v any, at, off string) {
	switch name {
	case "$dynamicRef", "$recursiveRef":
		r.fail("%s", name)
	case "allOf", "anyOf", "oneOf":
		if list := r.list(v, at, off); len(list) > 0 {
			out[name] = list
		}
	case "not", "if", "then", "else":
		if v != nil {
			out[name] = r.schema(v, at, off)
		}
	case "additionalProperties", "propertyNames", "contains", "unevaluatedProperties", "unevaluatedItems":
		if v != nil {
			out[name] = r.schema(v, at, "")
		}
	case "items":
		if _, tuple := v.([]any); tuple {
			out["prefixItems"] = r.list(v, at, "")
		} else if v != nil {
			out[name] = r.schema(v, at, "")
		}
	case "prefixItems":
		out[name] = r.list(v, at, "")
	case "properties", "patternProperties", "dependentSchemas":
		if m, ok := v.(map[string]any); ok {
			below := off
			if name != "dependentSchemas" {
				below = ""
			}
			out[name] = r.named(m, at, below)
		}
	case "enum":
		if list, ok := v.([]any); ok {
			out[name] = list
		}
	case "const":
		out[name] = v
	case "format", "pattern":
		if text, ok := v.(string); ok {
			out[name] = text
		}
	case "uniqueItems":
		if v == true || v == "true" {
			out[name] = true
		}
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains":
		if n, ok := number(v); ok && !strings.HasPrefix(n, "-") {
			out[name] = json.Number(n)
		}
	case "dependentRequired":
		out[name] = v
	}
}

func (r *reading) list(v any, at, off string) []any {
	items, _ := v.([]any)
	out := make([]any, len(items))
	for i := range items {
		out[i] = r.schema(items[i], at+"/"+strconv.Itoa(i), off)
	}
	return out
}

func (r *reading) named(m map[string]any, at, off string) map[string]any {
	out := make(map[string]any, len(m))
	for name, v := range m {
		out[name] = r.schema(v, at+"/"+escape(name), off)
	}
	return out
}

// typesOf reads type; bad tells that it accepts nothing.
func typesOf(v any) (types []any, bad bool) {
	words, many := v.([]any)
	if !many && v != nil {
		words = []any{v}
	}
	for _, w := range words {
		switch w {
		case "null", "boolean", "object", "array", "number", "integer", "string":
			if !slices.Contains(types, w) {
				types = append(types, w)
			}
		case "file":
			types = append(types, "string")
		case nil:
			if many {
				types = append(types, "null")
			}
		default:
			bad = true
		}
	}
	return types, bad
}

// number reads a number, be it in quotes.
func number(v any) (string, bool) {
	switch x := v.(type) {
	case json.Number:
		return x.String(), true
	case string:
		if json.Valid([]byte(x)) && x != "" && strings.IndexByte("-0123456789", x[0]) >= 0 {
			return x, true
		}
	}
	return "", false
}

// numbers converts the bounds of numbers.
func (r *reading) numbers(out, o map[string]any) {
	for _, pair := range [][2]string{{"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}} {
		bound, ok := number(o[pair[0]])
		if exclusive, is := number(o[pair[1]]); is {
			out[pair[1]] = json.Number(exclusive)
		} else if o[pair[1]] == true && ok {
			out[pair[1]] = json.Number(bound)
			continue
		}
		if ok {
			out[pair[0]] = json.Number(bound)
		}
	}
	if n, ok := number(o["multipleOf"]); ok {
		if f, known := rational(json.Number(n)); known && f.Sign() > 0 {
			out["multipleOf"] = json.Number(n)
		}
	}
}

// required converts required, without the members that the side hides.
func (r *reading) required(out, o map[string]any) {
	list, _ := o["required"].([]any)
	members, _ := o["properties"].(map[string]any)
	var names []any
	for _, v := range list {
		name, ok := v.(string)
		if !ok || slices.Contains(names, v) || r.hides(members[name], 8) {
			continue
		}
		names = append(names, v)
	}
	if len(names) > 0 {
		out["required"] = names
	}
}

// hides tells whether a member is readOnly in requests or writeOnly in
// replies, by itself or by what always applies with it.
func (r *reading) hides(node any, depth int) bool {
	o, ok := node.(map[string]any)
	if !ok || depth == 0 {
		return false
	}
	ref, refers := o["$ref"].(string)
	if refers {
		if to, local := follow(ref); local {
			if target, there := r.at(to); there && r.hides(target, depth-1) {
				return true
			}
		}
		if r.dialect != contract.OpenAPI31 {
			return false
		}
	}
	word := "readOnly"
	if r.side == ofReply {
		word = "writeOnly"
	}
	if o[word] == true || o[word] == "true" {
		return true
	}
	parts, _ := o["allOf"].([]any)
	for _, p := range parts {
		if r.hides(p, depth-1) {
			return true
		}
	}
	return false
}

// nullable is the schema, or null.
func nullable(s map[string]any) any {
	for _, word := range []string{"allOf", "anyOf", "oneOf", "not", "$ref"} {
		if _, ok := s[word]; ok {
			return map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
		}
	}
	if types, ok := s["type"].([]any); ok && !slices.Contains(types, any("null")) {
		s["type"] = append(slices.Clone(types), "null")
	}
	if list, ok := s["enum"].([]any); ok && !slices.Contains(list, nil) {
		s["enum"] = append(slices.Clone(list), nil)
	}
	return s
}

// discriminator spells one out as if and then.
func (r *reading) discriminator(out, o map[string]any, at, off string) {
	d, ok := o["discriminator"].(map[string]any)
	name, named := d["propertyName"].(string)
	if !ok || !named || name == "" {
		return
	}
	to := r.mapping(o, d, at)
	if len(to) == 0 {
		return
	}
	oneOf, closed := out["oneOf"]
	anyOf, open := out["anyOf"]
	closed = closed || open
	if strings.Contains(off, at+"\n") {
		if closed {
			delete(out, "oneOf")
			delete(out, "anyOf")
		}
		return
	}
	off += at + "\n"
	var known []any
	for _, value := range slices.Sorted(maps.Keys(to)) {
		branch := map[string]any{"properties": map[string]any{name: map[string]any{"const": value}}}
		if to[value] != at {
			branch["$ref"] = r.url(view{to[value], r.side, off})
		}
		known = append(known, branch)
	}
	given := map[string]any{"type": "object", "required": []any{name}, "properties": map[string]any{name: map[string]any{"type": "string"}}}
	rest := map[string]any{}
	if closed {
		if oneOf != nil {
			rest["oneOf"] = oneOf
		}
		if anyOf != nil {
			rest["anyOf"] = anyOf
		}
		delete(out, "oneOf")
		delete(out, "anyOf")
	} else {
		var values []any
		for _, value := range slices.Sorted(maps.Keys(to)) {
			values = append(values, value)
		}
		given["properties"] = map[string]any{name: map[string]any{"enum": values}}
	}
	parts, _ := out["allOf"].([]any)
	out["allOf"] = append(slices.Clone(parts), map[string]any{"if": given, "then": map[string]any{"anyOf": known}, "else": rest})
}

// mapping lists the schemas that the values of a discriminator name: those
// that are written, the names of the alternatives, and the names of the
// components that extend this one by allOf.
func (r *reading) mapping(o, d map[string]any, at string) map[string]string {
	out := map[string]string{}
	written, _ := d["mapping"].(map[string]any)
	for value, v := range written {
		text, _ := v.(string)
		to := "#/components/schemas/" + escape(text)
		if _, ok := r.at(to); !ok || text == "" {
			if to, ok = follow(text); !ok {
				r.fail("mapping to %q", text)
				continue
			}
		}
		out[value] = to
	}
	imply := func(pointer string) {
		name, ok := strings.CutPrefix(pointer, "#/components/schemas/")
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		if _, there := out[name]; ok && !there {
			out[name] = pointer
		}
	}
	alternatives := 0
	for _, word := range []string{"oneOf", "anyOf"} {
		list, _ := o[word].([]any)
		alternatives += len(list)
		for _, v := range list {
			if s, ok := v.(map[string]any); ok {
				ref, _ := s["$ref"].(string)
				if to, local := follow(ref); local {
					imply(to)
				}
			}
		}
	}
	if alternatives == 0 {
		imply(at)
		for _, child := range r.children[at] {
			imply(child)
		}
	}
	return out
}

// extensions finds which components extend which by allOf, near and far.
func (o *oracle) extensions() {
	o.children = map[string][]string{}
	schemas, _ := o.at("#/components/schemas")
	named, _ := schemas.(map[string]any)
	for _, name := range sortedKeys(named) {
		child := "#/components/schemas/" + escape(name)
		seen := map[string]bool{child: true}
		var up func(node any)
		up = func(node any) {
			s, _ := node.(map[string]any)
			parts, _ := s["allOf"].([]any)
			for _, p := range parts {
				part, _ := p.(map[string]any)
				ref, _ := part["$ref"].(string)
				to, local := follow(ref)
				if !local || seen[to] {
					up(part)
					continue
				}
				seen[to] = true
				o.children[to] = append(o.children[to], child)
				target, _ := o.at(to)
				up(target)
			}
		}
		up(named[name])
	}
}
