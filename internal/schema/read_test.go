package schema

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
// end would. A location is the URI of a document, "#" and a pointer.
type reader struct {
	places  map[string]place            // by location
	aliases map[string]string           // location by URI with an $id or $anchor
	done    map[string]*contract.Schema // by location
	anchors map[string][]string         // names with $dynamicAnchor by URI
	parts   map[string]*contract.Resource
	bare    bool   // without the keywords of validation
	skip    string // why the schema cannot be modelled
}

type place struct {
	value source.Value
	base  string
}

// testURI is the URI of documents that do not say theirs.
const testURI = "http://test/schema"

// mustSchema reads the schema of a test.
func mustSchema(t testing.TB, text string) *contract.Schema {
	t.Helper()
	r := newReader(parseValue(t, text))
	s := r.root()
	if r.skip != "" {
		t.Fatalf("%s: %s", text, r.skip)
	}
	return s
}

func newReader(root source.Value) *reader {
	r := &reader{places: map[string]place{}, aliases: map[string]string{}, done: map[string]*contract.Schema{},
		anchors: map[string][]string{}, parts: map[string]*contract.Resource{}}
	r.add(testURI, root)
	return r
}

// add enters a document.
func (r *reader) add(uri string, v source.Value) {
	r.aliases[uri] = uri + "#"
	r.index(v, uri+"#", uri)
}

func (r *reader) root() *contract.Schema { return r.schema(testURI + "#") }

// index finds values, ids and anchors.
func (r *reader) index(v source.Value, at, base string) {
	if id := v.Get("$id"); id.Kind == source.String {
		base = absolute(base, id.Text)
		r.aliases[strings.TrimSuffix(base, "#")] = at
	}
	if a := v.Get("$anchor"); a.Kind == source.String {
		r.aliases[base+"#"+a.Text] = at
	}
	if a := v.Get("$dynamicAnchor"); a.Kind == source.String {
		r.aliases[base+"#"+a.Text] = at
		r.anchors[base] = append(r.anchors[base], a.Text)
	}
	r.places[at] = place{v, base}
	for _, m := range v.Members {
		if m.Name != "enum" && m.Name != "const" || strings.HasSuffix(at, "/properties") {
			r.index(m.Value, at+"/"+escapePointer(m.Name), base)
		}
	}
	for i := range v.Items {
		r.index(v.Items[i], at+"/"+strconv.Itoa(i), base)
	}
}

// absolute resolves a reference.
func absolute(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		panic(err)
	}
	u, err := b.Parse(ref)
	if err != nil {
		panic(err)
	}
	return u.String()
}

func (r *reader) resolve(base, ref string) *contract.Schema {
	full := absolute(base, ref)
	uri, fragment, _ := strings.Cut(full, "#")
	at, ok := r.aliases[uri]
	if anchored, known := r.aliases[uri+"#"+fragment]; known && fragment != "" {
		at, fragment, ok = anchored, "", true
	}
	pointer, err := url.PathUnescape(fragment)
	if _, there := r.places[at+pointer]; err != nil || !ok || !there {
		r.skip = "$ref that the adapter cannot follow"
		return nil
	}
	return r.schema(at + pointer)
}

func (r *reader) schema(at string) *contract.Schema {
	if s := r.done[at]; s != nil {
		return s
	}
	p := r.places[at]
	s := contract.NewSchema()
	s.At, s.Pointer = p.value.At, at
	r.done[at] = s
	switch p.value.Kind {
	case source.Bool:
		s.Never = p.value.Text == "false"
	case source.Object:
		if part := r.resource(p.base); part != nil {
			rareOf(s).Resource = part
		}
		for _, m := range p.value.Members {
			r.keyword(s, m, keywordAt{p.base, at + "/" + escapePointer(m.Name)})
		}
	default:
		r.skip = "a schema that is neither object nor boolean"
	}
	return s
}

// resource is what a schema is a part of where that has dynamic anchors.
func (r *reader) resource(base string) *contract.Resource {
	names := r.anchors[base]
	if names == nil || r.parts[base] != nil {
		return r.parts[base]
	}
	out := &contract.Resource{}
	r.parts[base] = out
	for _, name := range names {
		out.Anchors = append(out.Anchors, contract.Anchor{Name: name, Schema: r.schema(r.aliases[base+"#"+name])})
	}
	return out
}

// dynamicRef reads $dynamicRef, which is a $ref unless it leads to a dynamic
// anchor.
func (r *reader) dynamicRef(s *contract.Schema, base, ref string) {
	to := r.resolve(base, ref)
	uri, name, _ := strings.Cut(absolute(base, ref), "#")
	if to == nil {
		return
	}
	if !slices.Contains(r.anchors[uri], name) {
		s.AllOf = append(s.AllOf, to)
		return
	}
	rareOf(s).DynamicRef = &contract.DynamicRef{Anchor: name, Schema: to}
}

// keywordAt is where a keyword stands.
type keywordAt struct{ base, at string }

func (r *reader) list(v source.Value, at string) []*contract.Schema {
	var out []*contract.Schema
	for i := range v.Items {
		out = append(out, r.schema(at+"/"+strconv.Itoa(i)))
	}
	return out
}

func (r *reader) named(v source.Value, at string) []contract.Property {
	var out []contract.Property
	for _, m := range v.Members {
		out = append(out, contract.Property{Name: m.Name, Schema: r.schema(at + "/" + escapePointer(m.Name))})
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
func (r *reader) keyword(s *contract.Schema, m source.Member, k keywordAt) {
	name, v, at := m.Name, m.Value, k.at
	if r.bare && slices.Contains([]string{"type", "minimum", "maximum", "required", "enum", "const"}, name) {
		return
	}
	switch name {
	case "$dynamicRef":
		r.dynamicRef(s, k.base, v.Text)
	case "$schema", "$id", "$comment", "$anchor", "$dynamicAnchor", "$vocabulary", "$defs", "definitions", "title", "description", "default", "examples", "deprecated",
		"contentEncoding", "contentMediaType", "contentSchema":
	case "readOnly":
		s.ReadOnly = v.True()
	case "writeOnly":
		s.WriteOnly = v.True()
	case "x-sallyport-sensitive":
		s.Extensions = append(s.Extensions, source.Member{Name: "sensitive", Value: v})
	case "$ref":
		s.Ref = r.resolve(k.base, v.Text)
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
		s.AdditionalProperties = r.schema(at)
	case "required":
		s.Required = texts(v)
	case "minProperties":
		s.MinProperties = count(v)
	case "maxProperties":
		s.MaxProperties = count(v)
	case "items":
		s.Items = r.schema(at)
	case "prefixItems":
		s.PrefixItems = r.list(v, at)
	case "minItems":
		s.MinItems = count(v)
	case "maxItems":
		s.MaxItems = count(v)
	case "uniqueItems":
		s.UniqueItems = v.True()
	case "allOf":
		s.AllOf = append(s.AllOf, r.list(v, at)...)
	case "anyOf":
		s.AnyOf = r.list(v, at)
	case "oneOf":
		s.OneOf = r.list(v, at)
	case "not":
		s.Not = r.schema(at)
	case "discriminator":
		s.Discriminator = &contract.Discriminator{Property: v.Get("propertyName").Text}
		for _, m := range v.Get("mapping").Members {
			s.Discriminator.Mapping = append(s.Discriminator.Mapping, contract.Mapped{Value: m.Name, Schema: r.resolve(k.base, m.Value.Text)})
		}
	default:
		r.rareKeyword(s, m, at)
	}
}

func (r *reader) rareKeyword(s *contract.Schema, m source.Member, at string) {
	name, v := m.Name, m.Value
	switch name {
	case "if":
		rareOf(s).If = r.schema(at)
	case "then":
		rareOf(s).Then = r.schema(at)
	case "else":
		rareOf(s).Else = r.schema(at)
	case "propertyNames":
		rareOf(s).PropertyNames = r.schema(at)
	case "dependentRequired":
		for _, m := range v.Members {
			rareOf(s).DependentRequired = append(rareOf(s).DependentRequired, contract.Dependency{Name: m.Name, Required: texts(m.Value)})
		}
	case "dependentSchemas":
		rareOf(s).DependentSchemas = r.named(v, at)
	case "contains":
		rareOf(s).Contains = r.schema(at)
	case "minContains":
		rareOf(s).MinContains = count(v)
	case "maxContains":
		rareOf(s).MaxContains = count(v)
	case "unevaluatedProperties":
		rareOf(s).UnevaluatedProperties = r.schema(at)
	case "unevaluatedItems":
		rareOf(s).UnevaluatedItems = r.schema(at)
	case "dependencies", "$recursiveRef":
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
