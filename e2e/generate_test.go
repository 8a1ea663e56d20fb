package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// attempts is how many bodies the generator tries before it gives up.
const attempts = 12

// generator makes values for the schemas of a document. Its choices depend on
// the attempt alone: which branch of oneOf and anyOf, and whether members that
// may be left out are there.
type generator struct {
	doc     *document
	attempt int
}

// valid is a value that the oracle accepts: a proposal of the document, or a
// generated one.
func (d *document) valid(at string, schema object, proposals []any) (any, error) {
	for _, v := range proposals {
		if d.oracle.check(at, v) == nil && !d.setsReadOnly(schema, v) {
			return v, nil
		}
	}
	var last error
	for n := range attempts {
		v := (&generator{d, n}).value(schema, 0)
		if last = d.oracle.check(at, v); last == nil {
			return v, nil
		}
	}
	return nil, fmt.Errorf("no valid value: %w", last)
}

// setsReadOnly tells whether an object has a member that only the server may
// set.
func (d *document) setsReadOnly(schema object, v any) bool {
	schema, _ = d.follow(schema, "")
	o, _ := v.(object)
	props, _ := schema["properties"].(object)
	for name, member := range o {
		p, ok := props[name].(object)
		if !ok {
			continue
		}
		if p, _ = d.follow(p, ""); p["readOnly"] == true || d.setsReadOnly(p, member) {
			return true
		}
	}
	return false
}

// value makes a value for a schema.
func (g *generator) value(s object, depth int) any {
	s, _ = g.doc.follow(s, "")
	if depth > 12 {
		return nil
	}
	if v, ok := s["example"]; ok && g.attempt == 0 {
		return v
	}
	if enum, ok := s["enum"].([]any); ok && len(enum) > 0 {
		return enum[0]
	}
	if v, ok := s["default"]; ok && v != nil && g.attempt < 2 {
		return v
	}
	for _, word := range []string{"oneOf", "anyOf"} {
		branches, _ := s[word].([]any)
		if len(branches) == 0 {
			continue
		}
		branch := branches[g.attempt%len(branches)].(object)
		return g.value(g.join(s, branch, word), depth+1)
	}
	if parts, ok := s["allOf"].([]any); ok {
		whole := s
		for _, p := range parts {
			whole = g.join(whole, p.(object), "allOf")
		}
		return g.value(whole, depth+1)
	}
	return g.plain(s, depth)
}

// join is a schema with the members of another added, and without the word
// that held it.
func (g *generator) join(s, more object, without string) object {
	more, _ = g.doc.follow(more, "")
	out := maps.Clone(s)
	delete(out, without)
	for k, v := range more {
		switch old := out[k].(type) {
		case object:
			joined := maps.Clone(old)
			if add, ok := v.(object); ok {
				maps.Copy(joined, add)
			}
			out[k] = joined
		case []any:
			if add, ok := v.([]any); ok {
				out[k] = append(slices.Clone(old), add...)
			}
		default:
			out[k] = v
		}
	}
	return out
}

// plain makes a value for a schema without branches.
func (g *generator) plain(s object, depth int) any {
	kind, _ := s["type"].(string)
	if kind == "" && (s["properties"] != nil || s["required"] != nil) {
		kind = "object"
	}
	switch kind {
	case "object":
		return g.object(s, depth)
	case "array":
		items, _ := s["items"].(object)
		out := []any{}
		for range max(1, number(s["minItems"], 1)) {
			out = append(out, g.value(items, depth+1))
		}
		return out
	case "integer", "number":
		return json.Number(fmt.Sprint(min(max(number(s["minimum"], 1), 1), number(s["maximum"], 1<<20))))
	case "boolean":
		return g.attempt%2 == 0
	default:
		return g.text(s)
	}
}

// object makes an object: on even attempts with all members, on odd ones with
// those that are required.
func (g *generator) object(s object, depth int) any {
	props, _ := s["properties"].(object)
	out := object{}
	required, _ := s["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(props)) {
		member, _ := g.doc.follow(props[name].(object), "")
		if member["readOnly"] == true {
			continue
		}
		if slices.Contains(required, any(name)) || g.attempt%2 == 0 && depth < 4 || number(s["minProperties"], 0) > len(out) {
			out[name] = g.value(member, depth+1)
		}
	}
	open, _ := s["additionalProperties"].(object)
	for _, r := range required {
		if name := r.(string); out[name] == nil && props[name] == nil {
			out[name] = g.value(open, depth+1)
		}
	}
	if len(props) == 0 && len(open) > 0 {
		out["first"] = g.value(open, depth+1)
	}
	return out
}

// text makes a string.
func (g *generator) text(s object) any {
	switch s["format"] {
	case "date-time":
		return "2026-05-01T12:00:00Z"
	case "date":
		return "2026-05-01"
	case "uri", "url":
		return "https://example.com/a"
	case "email":
		return "someone@example.com"
	case "uuid":
		return "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
	case "ip", "ipv4":
		return "192.0.2.1"
	}
	v := "sample-a1"
	if p, ok := s["pattern"].(string); ok {
		if re, err := syntax.Parse(p, syntax.Perl); err == nil {
			v = shortest(re.Simplify())
		}
	}
	for n := number(s["minLength"], 0); utf8.RuneCountInString(v) < n; {
		v += "a"
	}
	if most := number(s["maxLength"], 1<<20); utf8.RuneCountInString(v) > most {
		v = string([]rune(v)[:most])
	}
	return v
}

// shortest is a text that a pattern matches.
func shortest(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		for _, want := range "a1A" {
			for i := 0; i+1 < len(re.Rune); i += 2 {
				if re.Rune[i] <= want && want <= re.Rune[i+1] {
					return string(want)
				}
			}
		}
		return string(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(shortest(re.Sub[0]), re.Min)
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(shortest(sub))
		}
		return b.String()
	case syntax.OpAlternate:
		return shortest(re.Sub[0])
	default:
		return ""
	}
}

// number is a whole number of a schema, or what stands for none.
func number(v any, none int) int {
	n, ok := v.(json.Number)
	if !ok {
		return none
	}
	f, err := n.Float64()
	if err != nil {
		return none
	}
	return int(f)
}
