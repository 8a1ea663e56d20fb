package schema

import (
	"fmt"
	"strings"
	"testing"
)

func TestADiscriminatorDecidesWhereverItStands(t *testing.T) {
	t.Parallel()
	const pets = `"$defs":{"A":{"type":"object","properties":{"n":{"type":"integer"}}},"B":{"type":"object","properties":{"n":{"type":"string"}}}}`
	const mapping = `"discriminator":{"propertyName":"t","mapping":{"a":"#/$defs/A","b":"#/$defs/B"}}`
	for _, word := range []string{"oneOf", "anyOf"} {
		p := newPairing(t, fmt.Sprintf(`{%q:[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/B"}],%s,%s}`, word, mapping, pets), nil)
		for _, form := range []string{`{"t":%q,"x":%q,"n":%s}`, `{"x":%[2]q,"t":%[1]q,"n":%[3]s}`, `{"x":%[2]q,"n":%[3]s,"t":%[1]q}`} {
			for _, c := range []struct {
				tag, n string
				want   bool
			}{{"a", "1", true}, {"a", `"1"`, false}, {"b", `"1"`, true}, {"b", "1", false}, {"c", "1", false}, {"a", "null", false}} {
				for _, size := range []int{0, 700, 70_000} {
					body := fmt.Sprintf(form, c.tag, strings.Repeat("y", size), c.n)
					if dst := p.read(t, []byte(body)); (len(dst.Violations) == 0) != c.want {
						t.Errorf("%s: %.80s with %d bytes: %v", word, body, size, said(dst))
					}
				}
			}
		}
	}
}

// In hierarchies of real documents a parent names its child by a discriminator,
// and the child its parent by allOf, with a schema between that both share.
func TestAHierarchyIsNoLoop(t *testing.T) {
	t.Parallel()
	p := newPairing(t, `{"$ref":"#/$defs/Account","$defs":{
		"Base":{"type":"object","required":["t"],"properties":{"t":{"type":"string"}},
			"discriminator":{"propertyName":"t","mapping":{"account":"#/$defs/Account","user":"#/$defs/User"}}},
		"Account":{"allOf":[{"$ref":"#/$defs/Base"},{"type":"object","properties":{"id":{"type":"integer"},"by":{"$ref":"#/$defs/Account"}}}]},
		"User":{"allOf":[{"$ref":"#/$defs/Account"},{"type":"object","properties":{"nick":{"type":"string"}}}]}}}`, nil)
	for body, want := range map[string]bool{
		`{"t":"account","id":1}`:                                         true,
		`{"t":"user","id":1,"nick":"x"}`:                                 true,
		`{"id":1,"nick":"x","t":"user"}`:                                 true,
		`{"t":"user","by":{"nick":"y","t":"user","by":{"t":"account"}}}`: true,
		`{"t":"user","id":"x"}`:                                          false,
		`{"nick":1,"t":"user"}`:                                          false,
		`{"t":"account","by":{"t":"user","nick":1}}`:                     false,
		`{"id":1}`: false,
	} {
		if dst := p.read(t, []byte(body)); (len(dst.Violations) == 0) != want {
			t.Errorf("%s: %v", body, said(dst))
		}
	}
	loop := newPairing(t, `{"allOf":[{"$ref":"#/$defs/A"}],"$defs":{"A":{"allOf":[{"$ref":"#/$defs/A"}]}}}`, nil)
	if dst := loop.read(t, []byte(`{}`)); len(dst.Violations) != 1 || dst.Violations[0].Rule != "budget" {
		t.Errorf("a loop: %v", said(dst))
	}
}
