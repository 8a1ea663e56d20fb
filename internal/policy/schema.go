package policy

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/sallyport/sallyport/risk"
)

// node is a piece of JSON Schema. Its keys are written sorted.
type node map[string]any

// described returns n with a description. A reference is wrapped, because
// draft-07 ignores what stands beside $ref (section 8.3).
func (n node) described(doc string) node {
	if doc == "" {
		return n
	}
	if _, ok := n["$ref"]; ok {
		return node{"allOf": []node{n}, "description": doc}
	}
	out := maps.Clone(n)
	out["description"] = doc
	return out
}

// definitions collects the named schemas.
type definitions struct{ nodes node }

// define returns a reference to the definition called name, which make builds
// the first time.
func (d *definitions) define(name string, build func() node) node {
	if name == "" {
		return build()
	}
	if _, ok := d.nodes[name]; !ok {
		d.nodes[name] = node{} // holds the place while build runs
		d.nodes[name] = build()
	}
	return node{"$ref": "#/definitions/" + name}
}

// Schema is the JSON Schema (draft-07) of the whole policy file with the
// settings of the given risks: indented, sorted, the same on each call. What
// it refuses, Parse refuses; Parse also checks what a schema cannot say, such
// as limits of durations and names of risks in tests.
//
// It panics where a risk has settings of a type that no policy can hold: the
// risks are part of the program.
func Schema(risks []risk.Risk) []byte {
	d := &definitions{nodes: node{}}
	root := maps.Clone(grammar(risks).schema(d))
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "Sallyport policy"
	root["definitions"] = d.nodes
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("policy: write the schema: %v", err))
	}
	return append(out, '\n')
}
