package schema

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlternativesReportTheBranchMeant(t *testing.T) {
	t.Parallel()
	const pets = `{"oneOf":[{"$ref":"#/$defs/Cat"},{"$ref":"#/$defs/Dog"}],
		"$defs":{
			"Cat":{"type":"object","required":["type"],"properties":{"type":{"const":"cat"},"lives":{"type":"integer","maximum":9}}},
			"Dog":{"type":"object","required":["type","bark"],"properties":{"type":{"const":"dog"},"bark":{"type":"string"}},"additionalProperties":false}}`
	const tagged = pets + `,"discriminator":{"propertyName":"type","mapping":{"cat":"#/$defs/Cat","dog":"#/$defs/Dog"}}}`
	const family = `{"$ref":"#/$defs/Pet","$defs":{
		"Pet":{"type":"object","required":["type"],"properties":{"type":{"type":"string"}},
			"discriminator":{"propertyName":"type","mapping":{"Cat":"#/$defs/Cat","Pet":"#/$defs/Pet"}}},
		"Cat":{"allOf":[{"$ref":"#/$defs/Pet"},{"type":"object","properties":{"lives":{"type":"integer"}}}]}}}`
	for _, c := range []struct {
		name, schema, body string
		want, marks        []string
	}{
		{"the constant tells which one", pets + "}", `{"type":"cat","lives":10}`, []string{`value body "/lives" maximum`}, nil},
		{"the constant tells the second one", pets + "}", `{"type":"dog","bark":"x","lives":10}`,
			[]string{`value body "/lives" additionalProperties`}, []string{`closed /lives "lives":10`}},
		{"another type", pets + "}", `5`, []string{`value body "" type`}, nil},
		{"the discriminator decides", tagged, `{"type":"dog","bark":1}`, []string{`value body "/bark" type`}, nil},
		{"the discriminator knows no such name", tagged, `{"type":"cow"}`, []string{`value body "/type" discriminator`}, nil},
		{"without the discriminator each is tried", tagged, `{"bark":"x"}`,
			[]string{`value body "/type" required`}, nil},
		{"a child is found from its parent", family, `{"type":"Cat","lives":"x"}`, []string{`value body "/lives" type`}, nil},
		{"a child's members are declared", family, `{"type":"Cat","lives":1,"more":1}`, nil, []string{`silent /more "more":1`}},
		{"the parent itself", family, `{"type":"Pet","lives":1}`, nil, []string{`silent /lives "lives":1`}},
		{"a null or a value", `{"anyOf":[{"type":"null"},{"type":"string","maxLength":1}]}`, `"ab"`, []string{`value body "" maxLength`}, nil},
		{"two that match are one too many", `{"oneOf":[{"type":"integer"},{"minimum":1}]}`, `5`, []string{`value body "" oneOf`}, nil},
		{"what a failed branch evaluates counts for nothing",
			`{"anyOf":[{"properties":{"a":{"type":"integer"}},"required":["z"]},{"properties":{"b":{"type":"integer"}}}]}`, `{"a":1,"b":1}`, nil,
			[]string{`silent /a "a":1`}},
		{"all that match evaluate", `{"anyOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"b":{"type":"integer"}}}]}`, `{"a":1,"b":1}`, nil, nil},
		{"not evaluates nothing", `{"not":{"properties":{"a":{"type":"string"}},"required":["a"]}}`, `{"a":1}`, nil, []string{`silent /a "a":1`}},
		{"unevaluatedProperties closes", `{"allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":false}`, `{"a":1,"b":2}`,
			[]string{`value body "/b" unevaluatedProperties`}, []string{`closed /b "b":2`}},
		{"unevaluatedProperties opens", `{"allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":{"type":"integer"}}`, `{"a":1,"b":2}`, nil,
			[]string{`open /b "b":2`}},
		{"a schema that leads to itself ends", `{"$ref":"#"}`, `1`, []string{`value body "" budget`}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dst, _ := readBody(t, post(jsonMedia(mustSchema(t, c.schema))), "application/json", c.body)
			if diff := cmp.Diff(append([]string{}, c.want...), said(dst)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(append([]string{}, c.marks...), marked(dst, c.body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
