package schema

import (
	"fmt"
	"strings"
)

// A dice makes decisions from bytes, one a decision, so that a fuzzer that
// changes a byte changes one decision. Where the bytes end, every decision is
// the first choice: choices are listed with the one that ends the text first.
type dice struct {
	bytes   []byte
	steps   int // decisions that may still be asked for
	formats []string
}

func roll(b []byte) *dice { return &dice{bytes: b, steps: 400, formats: diceFormats} }

// n is a number below the given one, at most 256.
func (d *dice) n(below int) int {
	if len(d.bytes) == 0 || d.steps == 0 {
		return 0
	}
	b := d.bytes[0]
	d.bytes = d.bytes[1:]
	d.steps--
	return int(b) % below
}

func (d *dice) of(list ...string) string { return list[d.n(len(list))] }

// some is a list of n to m parts.
func (d *dice) some(n, m int, part func(k int) string) string {
	var out []string
	for k := range n + d.n(m-n+1) {
		out = append(out, part(k))
	}
	return strings.Join(out, ",")
}

// names are distinct member names, quoted.
func (d *dice) names(n, m int) []string {
	start, stride := d.n(len(diceNames)), 1+d.n(3)
	var out []string
	for k := range n + d.n(m-n+1) {
		out = append(out, fmt.Sprintf("%q", diceNames[(start+k*stride)%len(diceNames)]))
	}
	return out
}

// The names and values that schemas and instances share, so that they meet.
// The count of the names is a prime.
var (
	diceNames   = []string{"a", "b", "c", "d", "é", "a/b~c", ""}
	diceNumbers = []string{
		"0", "1", "-1", "2", "3", "1.0", "2.5", "0.1", "1e2", "100", "-0", "0.30000000000000004", "4294967296", "9007199254740993",
		"9223372036854775808", "1e20", "100000000000000000000", "1E-7", "12e-1", "1e300",
	}
	diceTexts = []string{
		`""`, `"a"`, `"b"`, `"ab"`, `"aab"`, `"\u0061"`, `"é"`, `"\ud83d\ude00"`, `"10"`, `"A-1"`, `"2026-11-22"`, `"2026-02-29"`,
		`"2026-11-22T10:31:07Z"`, `"2016-12-31T23:59:60Z"`, `"23:20:50.52Z"`, `"P1Y2M"`, `"P1YT"`, `"someone@example.com"`, `"a@b@c"`,
		`"example.com"`, `"-a.example"`, `"127.0.0.1"`, `"256.1.1.1"`, `"::1"`, `"::1::"`, `"https://example.com/a?b#c"`, `"//x"`, `"a b"`,
		`"8c6f1a52-6f0e-4d0e-9d7a-3b1d2c4e5f60"`, `"8c6f1a52"`, `"/a/~0"`, `"/~"`, `"^a(b"`, `"^a.b$"`, `"\u00a0"`, `"a\nb"`,
	}
	diceFormats = []string{
		"date", "uuid", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "json-pointer", "regex",
		"password", "unheard-of",
	}
	// firmFormats are those on whose every text the oracle can be trusted.
	firmFormats  = []string{"date", "uuid", "ipv4", "json-pointer", "unheard-of"}
	dicePatterns = []string{`^a`, `b$`, `\d`, `^[ab]*$`, `^$`, `^[A-Z]-[0-9]+$`, `é`, `^.{2}$`, `^(a|b)+$`, `[^ ]`, `^\w+$`, `[^a]`}
)

// text is a random JSON value.
func (d *dice) value(depth int) string {
	kinds := 10
	if depth == 0 {
		kinds = 7
	}
	switch d.n(kinds) {
	case 0:
		return "null"
	case 1:
		return d.of("true", "false")
	case 2, 3:
		return diceNumbers[d.n(len(diceNumbers))]
	case 4, 5, 6:
		return diceTexts[d.n(len(diceTexts))]
	case 7:
		return "[" + d.some(0, 4, func(int) string { return d.value(depth - 1) }) + "]"
	}
	names := d.names(0, 4)
	var out []string
	for _, name := range names {
		out = append(out, name+":"+d.value(depth-1))
	}
	return "{" + strings.Join(out, ",") + "}"
}

// schema is a random schema with definitions, which may be recursive below
// members and elements. A monotone one has no keyword that the removal of a
// member that it does not evaluate could break.
func (d *dice) schema(monotone bool) string {
	g := diceSchema{dice: d, monotone: monotone}
	body := g.object(3, 0)
	if g.used == 0 {
		return "{" + body + "}"
	}
	var defs []string
	for k := 1; k <= diceDefs; k++ {
		defs = append(defs, fmt.Sprintf(`"d%d":{%s}`, k, g.object(2, k)))
	}
	return "{" + body + `,"$defs":{` + strings.Join(defs, ",") + "}}"
}

// diceDefs is how many definitions a schema may have.
const diceDefs = 3

// diceSchema writes one schema. at is the definition that is being written: a
// reference in place leads to later ones only, since it would not end.
type diceSchema struct {
	*dice
	used     int
	monotone bool // no keyword that a missing member could break
}

// sub is a schema below another.
func (g *diceSchema) sub(depth, at int) string {
	if g.n(16) == 1 {
		return g.of("true", "{}", "false")
	}
	return "{" + g.object(depth, at) + "}"
}

// object is the inside of a schema: keywords, each at most once.
func (g *diceSchema) object(depth, at int) string {
	var out []string
	seen := map[string]bool{}
	for range 1 + g.n(4) {
		name, value := g.keyword(depth, at)
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		out = append(out, fmt.Sprintf("%q:%s", name, value))
	}
	return strings.Join(out, ",")
}

func (g *diceSchema) keyword(depth, at int) (name, value string) {
	if depth > 0 && g.n(2) == 1 {
		return g.applicator(depth-1, at)
	}
	flat := 1 // how deep constants are
	if g.monotone {
		flat = 0
	}
	number := func() string { return diceNumbers[g.n(len(diceNumbers))] }
	kind := g.n(13)
	if g.monotone && (kind == 9 || kind == 10 || kind == 12) {
		kind = 0
	}
	switch kind {
	case 0, 1, 2:
		return "type", g.of(`"object"`, `"array"`, `"string"`, `"integer"`, `"number"`, `"null"`, `"boolean"`, `["object","array"]`, `["string","null"]`, `["integer","string"]`)
	case 3:
		return "enum", "[" + g.some(1, 3, func(int) string { return g.value(flat) }) + "]"
	case 4:
		return "const", g.value(flat)
	case 5:
		return g.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), number()
	case 6:
		return "multipleOf", g.of("1", "2", "0.1", "0.5", "2.5", "3", "1e2", "0.01")
	case 7:
		word := g.of("minLength", "maxLength", "minItems", "maxItems", "maxProperties", "minProperties")
		if g.monotone && word == "minProperties" {
			return "", ""
		}
		return word, fmt.Sprint(g.n(4))
	case 8:
		return "pattern", fmt.Sprintf("%q", dicePatterns[g.n(len(dicePatterns))])
	case 9:
		return "required", "[" + strings.Join(g.names(1, 3), ",") + "]"
	case 10:
		return "uniqueItems", "true"
	case 11:
		return "format", fmt.Sprintf("%q", g.formats[g.n(len(g.formats))])
	}
	return "dependentRequired", "{" + strings.Join(g.names(1, 1), "") + ":[" + strings.Join(g.names(1, 2), ",") + "]}"
}

// applicators are the keywords that hold schemas.
var applicators = []string{
	"properties", "properties", "additionalProperties", "items", "prefixItems", "allOf", "anyOf", "oneOf", "not", "$ref",
	"if", "then", "else", "contains", "minContains", "maxContains", "propertyNames", "patternProperties", "dependentSchemas",
	"unevaluatedProperties", "unevaluatedItems",
}

func (g *diceSchema) applicator(depth, at int) (name, value string) {
	name = applicators[g.n(len(applicators))]
	if g.monotone {
		switch name {
		case "not", "oneOf", "if", "then", "else", "maxContains", "dependentSchemas":
			name = "anyOf"
		}
	}
	below := func() string {
		if g.n(6) == 1 {
			return g.ref(1)
		}
		return g.sub(depth, at)
	}
	switch name {
	case "properties", "dependentSchemas":
		part := below
		if name == "dependentSchemas" {
			part = func() string { return g.sub(depth, at) }
		}
		var out []string
		names := g.names(1, 4)
		for _, n := range names {
			out = append(out, n+":"+part())
		}
		value := "{" + strings.Join(out, ",") + "}"
		if g.monotone && name == "properties" && g.n(2) == 1 {
			value += `,"required":[` + names[0] + "]"
		}
		return name, value
	case "patternProperties":
		return name, fmt.Sprintf("{%q:%s}", dicePatterns[g.n(len(dicePatterns))], below())
	case "prefixItems":
		return name, "[" + g.some(1, 3, func(int) string { return below() }) + "]"
	case "allOf", "anyOf", "oneOf":
		return name, "[" + g.some(1, 3, func(int) string { return g.sub(depth, at) }) + "]"
	case "minContains", "maxContains":
		return name, fmt.Sprint(g.n(3))
	case "$ref":
		if at >= diceDefs {
			return "", ""
		}
		ref := g.ref(at + 1)
		return name, ref[len(`{"$ref":`) : len(ref)-1]
	case "additionalProperties", "items", "contains", "unevaluatedProperties", "unevaluatedItems":
		return name, below()
	}
	return name, g.sub(depth, at)
}

// ref is a reference to a definition that is not before the first one.
func (g *diceSchema) ref(first int) string {
	k := first + g.n(diceDefs-first+1)
	g.used = max(g.used, k)
	return fmt.Sprintf(`{"$ref":"#/$defs/d%d"}`, k)
}
