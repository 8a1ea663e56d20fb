package schema

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// oracle compiles a schema with another implementation.
func oracle(t testing.TB, text string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("http://test/schema", doc); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	s, err := c.Compile("http://test/schema")
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func oracleAccepts(t testing.TB, s *jsonschema.Schema, body []byte) bool {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return s.Validate(v) == nil
}

// verdict runs the machine over a whole text; false where it is no JSON.
func (r *run) verdict(t testing.TB, p *program, text []byte) bool {
	t.Helper()
	r.machine.whole(text, p, r.direction)
	return r.machine.reason == ""
}

// anySchema writes a random schema over the values that anyJSON writes.
func anySchema(rnd *rand.Rand, depth int) string {
	if rnd.IntN(20) == 0 {
		return []string{"true", "false", "{}"}[rnd.IntN(3)]
	}
	var out []string
	seen := map[string]bool{}
	for range 1 + rnd.IntN(3) {
		name, value := anyKeyword(rnd, depth)
		if !seen[name] {
			seen[name] = true
			out = append(out, fmt.Sprintf("%q:%s", name, value))
		}
	}
	return "{" + strings.Join(out, ",") + "}"
}

func anyKeyword(rnd *rand.Rand, depth int) (name, value string) {
	small := func() string { return fmt.Sprint(rnd.IntN(4)) }
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	names := func() string {
		var list []string
		for _, k := range rnd.Perm(5)[:1+rnd.IntN(2)] {
			list = append(list, fmt.Sprintf("%q", "abcde"[k:k+1]))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	if depth > 0 && rnd.IntN(2) == 0 {
		return anyApplicator(rnd, depth-1)
	}
	switch rnd.IntN(14) {
	case 0, 1, 2:
		return "type", pick(`"null"`, `"boolean"`, `"integer"`, `"number"`, `"string"`, `"array"`, `"object"`, `["object","array"]`, `["string","null"]`)
	case 3:
		return "enum", "[" + string(anyJSON(rnd, 2)) + ",1,\"a\"]"
	case 4:
		return "const", string(anyJSON(rnd, 2))
	case 5:
		return pick("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), pick("0", "1", "2.5", "-1", "1e2", "1e20")
	case 6:
		return "multipleOf", pick("1", "2", "0.1", "0.5", "2.5", "3")
	case 7:
		return pick("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), small()
	case 8:
		return "pattern", pick(`"^a"`, `"b$"`, `"\\d"`, `"^[ab]*$"`, `"^$"`)
	case 9:
		return "required", names()
	case 10:
		return "uniqueItems", "true"
	case 11:
		return "format", pick(`"date"`, `"uuid"`, `"email"`)
	case 12:
		return "dependentRequired", fmt.Sprintf(`{"a":%s}`, names())
	}
	return "required", names()
}

func anyApplicator(rnd *rand.Rand, depth int) (name, value string) {
	one := func() string { return anySchema(rnd, depth) }
	some := func() string {
		var list []string
		for range 1 + rnd.IntN(3) {
			list = append(list, one())
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	named := func() string {
		var list []string
		for _, k := range rnd.Perm(5)[:1+rnd.IntN(3)] {
			list = append(list, fmt.Sprintf("%q:%s", "abcde"[k:k+1], one()))
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	list := []string{"properties", "properties", "additionalProperties", "items", "prefixItems", "allOf", "anyOf", "oneOf", "not",
		"if", "then", "else", "contains", "minContains", "maxContains", "propertyNames", "patternProperties", "dependentSchemas",
		"unevaluatedProperties", "unevaluatedItems"}
	name = list[rnd.IntN(len(list))]
	switch name {
	case "properties", "dependentSchemas":
		return name, named()
	case "patternProperties":
		return name, fmt.Sprintf(`{"^[ab]":%s}`, one())
	case "prefixItems", "allOf", "anyOf", "oneOf":
		return name, some()
	case "minContains", "maxContains":
		return name, fmt.Sprint(rnd.IntN(3))
	}
	return name, one()
}

// agree compares the verdicts of both on one pair.
func agree(t testing.TB, schema string, s *jsonschema.Schema, p *program, body []byte) {
	t.Helper()
	r := newRun()
	if !r.verdict(t, p, body) {
		t.Fatalf("%s: no JSON", body)
	}
	got, want := r.machine.ok(), oracleAccepts(t, s, body)
	if got != want {
		t.Fatalf("schema %s\nvalue %s\ngot %v, the oracle says %v", schema, body, got, want)
	}
	if got != (len(r.machine.final) == 0) {
		t.Fatalf("schema %s\nvalue %s\nverdict %v with violations %v", schema, body, got, r.machine.final)
	}
}

func TestVerdictsAgreeWithTheOracle(t *testing.T) {
	t.Parallel()
	schemas := 3000
	if testing.Short() {
		schemas = 300
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	accepted, total := 0, 0
	for range schemas {
		text := anySchema(rnd, 3)
		s, p := oracle(t, text), NewPrograms().compile(mustSchema(t, text))
		for range 30 {
			body := anyJSON(rnd, 3)
			agree(t, text, s, p, body)
			total++
			if oracleAccepts(t, s, body) {
				accepted++
			}
		}
	}
	t.Logf("%d schemas, %d values, %d accepted", schemas, total, accepted)
	if accepted < total/10 || accepted > total*9/10 {
		t.Errorf("%d of %d accepted: the test is one-sided", accepted, total)
	}
}

func FuzzVerdictsAgreeWithTheOracle(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, []byte(`{"a":[1,"x",null],"b":{}}`))
	}
	fuzzloop.Run(f, func(t *testing.T, seed uint64, body []byte) {
		if !newRun().verdict(t, nil, body) || len(body) > 4096 {
			return // not JSON
		}
		if _, err := jsonschema.UnmarshalJSON(bytes.NewReader(body)); err != nil {
			return // not JSON to the oracle
		}
		text := anySchema(rand.New(rand.NewPCG(seed, 0)), 3)
		agree(t, text, oracle(t, text), NewPrograms().compile(mustSchema(t, text)), body)
	})
}
