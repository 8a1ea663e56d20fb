package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// oracle says by a JSON Schema validator of others what a document allows.
// OpenAPI 3.0 schemas are read as draft 4, which they extend: `nullable` is
// written out, formats are asserted.
type oracle struct {
	compiler *jsonschema.Compiler
	known    map[string]*jsonschema.Schema
}

const oracleURL = "mem:///document.json"

// newOracle prepares a document; schemas are compiled when they are asked for.
func newOracle(t *testing.T, root object) *oracle {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.AssertFormat()
	if err := c.AddResource(oracleURL, spellNull(root)); err != nil {
		t.Fatalf("add the document to the oracle: %v", err)
	}
	return &oracle{c, map[string]*jsonschema.Schema{}}
}

// spellNull is v with `nullable: true` written as a type and, where there is
// an enumeration, as a value. It copies what it changes.
func spellNull(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = spellNull(v[i])
		}
		return out
	case object:
		out := make(object, len(v))
		for k, x := range v {
			out[k] = spellNull(x)
		}
		kind, typed := v["type"].(string)
		if v["nullable"] == true && typed {
			out["type"] = []any{kind, "null"}
			if enum, ok := v["enum"].([]any); ok && !slices.Contains(enum, nil) {
				out["enum"] = append(slices.Clone(enum), nil)
			}
		}
		return out
	default:
		return v
	}
}

// check is nil where v is valid by the schema at the place.
func (o *oracle) check(at string, v any) error {
	s, ok := o.known[at]
	if !ok {
		var err error
		if s, err = o.compiler.Compile(oracleURL + fragment(at)); err != nil {
			return fmt.Errorf("compile %s: %w", at, err)
		}
		o.known[at] = s
	}
	return s.Validate(v)
}

// fragment writes a JSON pointer as part of a URL.
func fragment(at string) string {
	var b bytes.Buffer
	for _, c := range []byte(at) {
		switch c {
		case '{', '}', ' ', '%', '"', '<', '>', '^', '`', '|':
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// checkText is nil where a parameter that is written as text is valid under
// one of the readings that the text allows.
func (o *oracle) checkText(at, text string) error {
	err := o.check(at, text)
	if err == nil {
		return nil
	}
	if _, bad := strconv.ParseFloat(text, 64); bad == nil && o.check(at, json.Number(text)) == nil {
		return nil
	}
	if b, bad := strconv.ParseBool(text); bad == nil && o.check(at, b) == nil {
		return nil
	}
	if o.check(at, []any{text}) == nil {
		return nil
	}
	return err
}
