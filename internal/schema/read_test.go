package schema

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/source"
)

// parseValue reads a JSON literal of a test.
func parseValue(t testing.TB, text string) source.Value {
	t.Helper()
	var d jsonx.Doc
	if err := d.Parse([]byte(text)); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return valueOf(&d, 0)
}

func valueOf(d *jsonx.Doc, i int) source.Value {
	v := source.Value{At: source.Span{File: "test", Line: 1, Col: int(d.Node(i).Start) + 1}}
	switch d.Kind(i) {
	case jsonx.Null:
		v.Kind = source.Null
	case jsonx.True, jsonx.False:
		v.Kind, v.Text = source.Bool, string(d.Raw(i))
	case jsonx.Number:
		v.Kind, v.Text = source.Number, string(d.Raw(i))
	case jsonx.String:
		v.Kind, v.Text = source.String, string(d.Text(i))
	case jsonx.Array:
		v.Kind = source.Array
		for c := range d.Children(i) {
			v.Items = append(v.Items, valueOf(d, c))
		}
	case jsonx.Object:
		v.Kind = source.Object
		for c := range d.Children(i) {
			v.Members = append(v.Members, source.Member{Name: string(d.Key(c)), Value: valueOf(d, c)})
		}
	}
	return v
}

// reader turns the JSON text of a schema into a contract.Schema, as a front
// end would.
type reader struct {
	root    source.Value
	done    map[string]*contract.Schema // by pointer
	skip    string                      // why the schema cannot be modelled
	anchors map[string]string           // pointer by anchor or id
}

// mustSchema reads the schema of a test.
func mustSchema(t testing.TB, text string) *contract.Schema {
	t.Helper()
	r := newReader(parseValue(t, text))
	s := r.schema(r.root, "#")
	if r.skip != "" {
		t.Fatalf("%s: %s", text, r.skip)
	}
	return s
}

func newReader(root source.Value) *reader {
	r := &reader{root: root, done: map[string]*contract.Schema{}, anchors: map[string]string{}}
	r.index(root, "#")
	return r
}

// index finds anchors and ids.
func (r *reader) index(v source.Value, at string) {
	if a := v.Get("$anchor"); a.Kind == source.String {
		r.anchors["#"+a.Text] = at
	}
	if id := v.Get("$id"); id.Kind == source.String && at != "#" {
		r.skip = "$id below the root"
	}
	for _, m := range v.Members {
		r.index(m.Value, at+"/"+escapePointer(m.Name))
	}
	for i := range v.Items {
		r.index(v.Items[i], at+"/"+strconv.Itoa(i))
	}
}

func (r *reader) resolve(ref string) *contract.Schema {
	if id := r.root.Get("$id").Str(); id != "" && len(ref) >= len(id) && ref[:len(id)] == id {
		ref = ref[len(id):]
	}
	if ref == "" {
		ref = "#"
	}
	if at, ok := r.anchors[ref]; ok {
		ref = at
	}
	if s := r.done[ref]; s != nil {
		return s
	}
	if ref[0] != '#' {
		r.skip = "$ref to another document"
		return nil
	}
	v, ok := follow(r.root, ref[1:])
	if !ok {
		r.skip = "$ref that the adapter cannot follow"
		return nil
	}
	return r.schema(v, ref)
}

func (r *reader) schema(v source.Value, at string) *contract.Schema {
	if s := r.done[at]; s != nil {
		return s
	}
	s := contract.NewSchema()
	s.At, s.Pointer = v.At, at
	r.done[at] = s
	switch v.Kind {
	case source.Bool:
		s.Never = v.Text == "false"
	case source.Object:
		for _, m := range v.Members {
			r.keyword(s, m.Name, m.Value, at+"/"+escapePointer(m.Name))
		}
	default:
		r.skip = "a schema that is neither object nor boolean"
	}
	return s
}

func (r *reader) list(v source.Value, at string) []*contract.Schema {
	var out []*contract.Schema
	for i := range v.Items {
		out = append(out, r.schema(v.Items[i], at+"/"+strconv.Itoa(i)))
	}
	return out
}

func (r *reader) named(v source.Value, at string) []contract.Property {
	var out []contract.Property
	for _, m := range v.Members {
		out = append(out, contract.Property{Name: m.Name, Schema: r.schema(m.Value, at+"/"+escapePointer(m.Name))})
	}
	return out
}

func count(v source.Value) int {
	n, _ := strconv.ParseFloat(v.Text, 64)
	return int(n)
}

func texts(v source.Value) []string {
	out := []string{}
	for i := range v.Items {
		out = append(out, v.Items[i].Text)
	}
	return out
}

func rareOf(s *contract.Schema) *contract.Rare {
	if s.Rare == nil {
		s.Rare = contract.NewRare()
	}
	return s.Rare
}

// keyword reads one keyword; the switch is long because JSON Schema is.
func (r *reader) keyword(s *contract.Schema, name string, v source.Value, at string) {
	switch name {
	case "$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "title", "description", "default", "examples", "deprecated",
		"contentEncoding", "contentMediaType", "contentSchema":
	case "readOnly":
		s.ReadOnly = v.True()
	case "writeOnly":
		s.WriteOnly = v.True()
	case "x-sallyport-sensitive":
		s.Extensions = append(s.Extensions, source.Member{Name: "sensitive", Value: v})
	case "$ref":
		s.Ref = r.resolve(v.Text)
	case "type":
		s.Types = typesOf(v)
	case "format":
		s.Format = v.Text
	case "enum":
		s.Enum = append([]source.Value{}, v.Items...)
	case "const":
		s.Const = &v
	case "minimum":
		s.Minimum = contract.Number(v.Text)
	case "maximum":
		s.Maximum = contract.Number(v.Text)
	case "exclusiveMinimum":
		s.ExclusiveMinimum = contract.Number(v.Text)
	case "exclusiveMaximum":
		s.ExclusiveMaximum = contract.Number(v.Text)
	case "multipleOf":
		s.MultipleOf = contract.Number(v.Text)
	case "minLength":
		s.MinLength = count(v)
	case "maxLength":
		s.MaxLength = count(v)
	case "pattern":
		s.Pattern = v.Text
	case "properties":
		s.Properties = r.named(v, at)
	case "patternProperties":
		for _, p := range r.named(v, at) {
			s.PatternProperties = append(s.PatternProperties, contract.PatternProperty{Pattern: p.Name, Schema: p.Schema})
		}
	case "additionalProperties":
		s.AdditionalProperties = r.schema(v, at)
	case "required":
		s.Required = texts(v)
	case "minProperties":
		s.MinProperties = count(v)
	case "maxProperties":
		s.MaxProperties = count(v)
	case "items":
		s.Items = r.schema(v, at)
	case "prefixItems":
		s.PrefixItems = r.list(v, at)
	case "minItems":
		s.MinItems = count(v)
	case "maxItems":
		s.MaxItems = count(v)
	case "uniqueItems":
		s.UniqueItems = v.True()
	case "allOf":
		s.AllOf = r.list(v, at)
	case "anyOf":
		s.AnyOf = r.list(v, at)
	case "oneOf":
		s.OneOf = r.list(v, at)
	case "not":
		s.Not = r.schema(v, at)
	case "discriminator":
		s.Discriminator = &contract.Discriminator{Property: v.Get("propertyName").Text}
		for _, m := range v.Get("mapping").Members {
			s.Discriminator.Mapping = append(s.Discriminator.Mapping, contract.Mapped{Value: m.Name, Schema: r.resolve(m.Value.Text)})
		}
	default:
		r.rareKeyword(s, name, v, at)
	}
}

func (r *reader) rareKeyword(s *contract.Schema, name string, v source.Value, at string) {
	switch name {
	case "if":
		rareOf(s).If = r.schema(v, at)
	case "then":
		rareOf(s).Then = r.schema(v, at)
	case "else":
		rareOf(s).Else = r.schema(v, at)
	case "propertyNames":
		rareOf(s).PropertyNames = r.schema(v, at)
	case "dependentRequired":
		for _, m := range v.Members {
			rareOf(s).DependentRequired = append(rareOf(s).DependentRequired, contract.Dependency{Name: m.Name, Required: texts(m.Value)})
		}
	case "dependentSchemas":
		rareOf(s).DependentSchemas = r.named(v, at)
	case "contains":
		rareOf(s).Contains = r.schema(v, at)
	case "minContains":
		rareOf(s).MinContains = count(v)
	case "maxContains":
		rareOf(s).MaxContains = count(v)
	case "unevaluatedProperties":
		rareOf(s).UnevaluatedProperties = r.schema(v, at)
	case "unevaluatedItems":
		rareOf(s).UnevaluatedItems = r.schema(v, at)
	case "$dynamicRef", "$dynamicAnchor", "$vocabulary", "dependencies", "$recursiveRef":
		r.skip = name
	default:
		// Unknown keywords are notes; what they hold may still be referred to.
	}
}

func typesOf(v source.Value) contract.Types {
	words := []source.Value{v}
	if v.Kind == source.Array {
		words = v.Items
	}
	var t contract.Types
	for _, w := range words {
		switch w.Text {
		case "null":
			t |= contract.NullType
		case "boolean":
			t |= contract.BooleanType
		case "object":
			t |= contract.ObjectType
		case "array":
			t |= contract.ArrayType
		case "number":
			t |= contract.NumericType
		case "integer":
			t |= contract.IntegerType
		case "string":
			t |= contract.StringType
		default:
			panic(fmt.Sprintf("type %q", w.Text))
		}
	}
	return t
}
