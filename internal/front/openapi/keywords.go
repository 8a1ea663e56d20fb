package openapi

import (
	"math"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// keywords reads one schema object, and holds what the older dialects spread
// over several keywords until finish puts it together.
type keywords struct {
	b  *builder
	s  *contract.Schema
	at spot

	nullable     bool
	exclusiveMin node // boolean forms
	exclusiveMax node
	tuple        bool
	additional   spot // additionalItems
	dynamic      node
}

func (k *keywords) rare() *contract.Rare {
	if k.s.Rare == nil {
		k.s.Rare = contract.NewRare()
	}
	return k.s.Rare
}

// sub is the schema under a keyword; a null counts as absent.
func (k *keywords) sub(name string, v node) *contract.Schema {
	if v.is(source.Null) {
		k.b.warn(v, say(CodeEmpty, "write a schema, or remove the keyword", "%s is empty and is ignored", name))
		return nil
	}
	return k.b.schema(k.at.under(name, v))
}

// applicator reads the keywords that hold schemas for the value itself or for
// the elements of an array.
func (k *keywords) applicator(name string, v node) bool {
	s := k.s
	switch name {
	case "allOf":
		s.AllOf = k.b.list(k.at.under(name, v))
	case "anyOf":
		s.AnyOf = k.b.list(k.at.under(name, v))
	case "oneOf":
		s.OneOf = k.b.list(k.at.under(name, v))
	case "not":
		s.Not = k.sub(name, v)
	case "if":
		k.rare().If = k.sub(name, v)
	case "then":
		k.rare().Then = k.sub(name, v)
	case "else":
		k.rare().Else = k.sub(name, v)
	case "$ref":
		k.ref(v)
	case "$dynamicRef", "$recursiveRef":
		k.dynamic = v
	case "items":
		k.items(v)
	case "prefixItems":
		s.PrefixItems = k.b.list(k.at.under(name, v))
	case "contains":
		k.rare().Contains = k.sub(name, v)
	case "unevaluatedItems":
		k.rare().UnevaluatedItems = k.sub(name, v)
	case "contentSchema":
		k.rare().ContentSchema = k.sub(name, v)
	default:
		return false
	}
	return true
}

// ref reads a $ref with siblings, both of which apply.
func (k *keywords) ref(v node) {
	if !v.is(source.String) {
		k.b.wrongType(v, "$ref", source.String)
		k.s.Never = true
		return
	}
	at, p := k.b.resolve(v, v.text())
	if p != nil {
		p := *p
		p.text += "; this schema accepts nothing"
		k.b.warn(v, p)
		k.s.Never = true
		return
	}
	k.s.Ref = k.b.schema(at)
}

// items reads one schema, or the tuple form of older drafts.
func (k *keywords) items(v node) {
	if v.is(source.Array) {
		k.tuple = true
		k.s.PrefixItems = k.b.list(k.at.under("items", v))
		return
	}
	k.s.Items = k.sub("items", v)
}

// object reads the keywords about members.
func (k *keywords) object(name string, v node) bool {
	s := k.s
	at := k.at.under(name, v)
	switch name {
	case "properties":
		s.Properties = k.b.named(at)
	case "patternProperties":
		for _, p := range k.b.named(at) {
			k.b.pattern(v, p.Name)
			s.PatternProperties = append(s.PatternProperties, contract.PatternProperty{Pattern: p.Name, Schema: p.Schema})
		}
	case "additionalProperties":
		s.AdditionalProperties = k.sub(name, v)
	case "unevaluatedProperties":
		k.rare().UnevaluatedProperties = k.sub(name, v)
	case "propertyNames":
		k.rare().PropertyNames = k.sub(name, v)
	case "required":
		k.required(v)
	case "minProperties":
		s.MinProperties = k.count(name, v)
	case "maxProperties":
		s.MaxProperties = k.count(name, v)
	case "dependentRequired", "dependencies", "dependentSchemas":
		k.dependencies(name, v)
	default:
		return false
	}
	return true
}

// required reads the list of names. The boolean form of draft 3 belongs to the
// parent, which does not know it any more.
func (k *keywords) required(v node) {
	if v.is(source.Bool) {
		if v.isTrue() {
			k.b.warn(v, say(CodeKeyword, "write required: [name, …] in the object that holds it", "required: true in a schema is not enforced"))
		}
		return
	}
	k.s.Required = k.b.texts(v, "required")
}

func (k *keywords) dependencies(name string, v node) {
	for key, d := range k.b.want(v, name, source.Object).members {
		field := k.b.keep(key.text())
		if d.is(source.Array) {
			k.rare().DependentRequired = append(k.rare().DependentRequired, contract.Dependency{Name: field, Required: k.b.texts(d, name)})
			continue
		}
		k.rare().DependentSchemas = append(k.rare().DependentSchemas, contract.Property{
			Name: field, NameAt: key.span(), Schema: k.b.schema(k.at.under(name, v).under(field, d)),
		})
	}
}

// scalar reads the keywords about types, numbers, texts and counts: one switch
// over the names, long because they are many.
func (k *keywords) scalar(name string, v node) bool {
	s := k.s
	switch name {
	case "type":
		k.types(v)
	case "format":
		s.Format = k.b.keep(k.text(name, v))
	case "enum":
		k.enum(v)
	case "const":
		c := k.b.value(v)
		s.Const = &c
	case "minimum":
		s.Minimum = k.number(name, v)
	case "maximum":
		s.Maximum = k.number(name, v)
	case "exclusiveMinimum":
		if v.is(source.Bool) {
			k.exclusiveMin = v
		} else {
			s.ExclusiveMinimum = k.number(name, v)
		}
	case "exclusiveMaximum":
		if v.is(source.Bool) {
			k.exclusiveMax = v
		} else {
			s.ExclusiveMaximum = k.number(name, v)
		}
	case "multipleOf":
		if s.MultipleOf = k.number(name, v); s.MultipleOf != "" && !positive(string(s.MultipleOf)) {
			k.b.warn(v, say(CodeKeyword, "write a number above 0", "multipleOf must be above 0 and is not enforced"))
			s.MultipleOf = ""
		}
	case "minLength":
		s.MinLength = k.count(name, v)
	case "maxLength":
		s.MaxLength = k.count(name, v)
	case "pattern":
		if s.Pattern = k.b.keep(k.text(name, v)); s.Pattern != "" {
			k.b.pattern(v, s.Pattern)
		}
	case "minItems":
		s.MinItems = k.count(name, v)
	case "maxItems":
		s.MaxItems = k.count(name, v)
	case "uniqueItems":
		s.UniqueItems = k.truth(name, v)
	case "minContains":
		k.rare().MinContains = k.count(name, v)
	case "maxContains":
		k.rare().MaxContains = k.count(name, v)
	default:
		return false
	}
	return true
}

// annotation reads the keywords that describe.
func (k *keywords) annotation(name string, v node) bool {
	s := k.s
	switch name {
	case "title":
		s.Title = k.b.keep(prose(v))
	case "description":
		s.Description = k.b.keep(prose(v))
	case "readOnly":
		s.ReadOnly = k.truth(name, v)
	case "writeOnly":
		s.WriteOnly = k.truth(name, v)
	case "deprecated":
		s.Deprecated = k.truth(name, v)
	case "default":
		d := k.b.value(v)
		s.Default = &d
	case "example":
		s.Examples = append(s.Examples, k.b.value(v))
	case "examples":
		for _, e := range v.items {
			s.Examples = append(s.Examples, k.b.value(e))
		}
	case "discriminator":
		k.discriminator(v)
	case "xml":
		s.XML = &contract.XML{
			Name: k.b.keep(v.get("name").str()), Namespace: k.b.keep(v.get("namespace").str()), Prefix: k.b.keep(v.get("prefix").str()),
			Attribute: v.get("attribute").isTrue(), Wrapped: v.get("wrapped").isTrue(),
		}
	case "contentEncoding":
		k.rare().ContentEncoding = k.b.keep(v.str())
	case "contentMediaType":
		k.rare().ContentMediaType = k.b.keep(v.str())
	default:
		return false
	}
	return true
}

// older reads keywords of the older dialects.
func (k *keywords) older(name string, v node) bool {
	switch name {
	case "nullable":
		k.nullable = k.truth(name, v)
	case "additionalItems":
		k.additional = k.at.under(name, v)
	default:
		return false
	}
	return true
}

// types reads a type or an array of types.
func (k *keywords) types(v node) {
	if v.is(source.Array) {
		for _, t := range v.items {
			k.oneType(t)
		}
		if k.s.Types == 0 && v.count() > 0 {
			k.s.Never = true
		}
		return
	}
	if !v.is(source.Null) {
		k.oneType(v)
		return
	}
	k.b.warn(v, say(CodeEmpty, `write type: "null" for the null type`, "type is empty and is ignored"))
}

var typeWords = map[string]contract.Types{
	"null": contract.NullType, "boolean": contract.BooleanType, "object": contract.ObjectType, "array": contract.ArrayType,
	"number": contract.NumericType, "integer": contract.IntegerType, "string": contract.StringType,
}

func (k *keywords) oneType(v node) {
	word := v.text()
	t, ok := typeWords[word]
	switch {
	case v.is(source.Null):
		k.s.Types |= contract.NullType
	case ok:
		k.s.Types |= t
	case !v.is(source.String):
		k.b.wrongType(v, "type", source.String)
		k.s.Never = true
	case word == "file":
		k.s.Types, k.s.Format = k.s.Types|contract.StringType, "binary"
	default:
		k.b.warn(v, say(CodeKeyword, typeHint(word), "the type %q does not exist; this schema accepts nothing", clip(word)))
		k.s.Never = true
	}
}

func typeHint(word string) string {
	words := []string{"null", "boolean", "object", "array", "number", "integer", "string"}
	if near := source.Near(word, words); near != "" {
		return "did you mean " + near + "?"
	}
	return "the types are " + strings.Join(words, ", ")
}

func (k *keywords) enum(v node) {
	if !k.b.want(v, "enum", source.Array).ok() {
		return
	}
	k.s.Enum = make([]source.Value, 0, v.count())
	for _, e := range v.items {
		k.s.Enum = append(k.s.Enum, k.b.value(e))
	}
	if len(k.s.Enum) == 0 {
		k.b.warn(v, say(CodeKeyword, "list the values, or remove the keyword", "an empty enum accepts nothing"))
	}
}

func (k *keywords) text(name string, v node) string {
	return k.b.want(v, name, source.String).text()
}

func (k *keywords) truth(name string, v node) bool {
	if v.is(source.String) && (strings.EqualFold(v.text(), "true") || strings.EqualFold(v.text(), "false")) {
		k.b.warn(v, say(CodeKeyword, "remove the quotes", "%s must be a boolean; the text is read as one", name))
		return strings.EqualFold(v.text(), "true")
	}
	return k.b.want(v, name, source.Bool).isTrue()
}

// number reads a number; one in quotes counts as it.
func (k *keywords) number(name string, v node) contract.Number {
	if v.is(source.String) && v.text() != "" && numberLength(v.text()) == len(v.text()) {
		k.b.warn(v, say(CodeKeyword, "remove the quotes", "%s must be a number; the text is read as one", name))
		return contract.Number(k.b.keep(v.text()))
	}
	return contract.Number(k.b.keep(k.b.want(v, name, source.Number).text()))
}

// count reads a number of characters, elements or members.
func (k *keywords) count(name string, v node) int {
	n := string(k.number(name, v))
	if n == "" {
		return contract.Unset
	}
	f, err := strconv.ParseFloat(n, 64)
	switch {
	case err != nil && f == 0, f < 0, f != math.Trunc(f):
		k.b.warn(v, say(CodeKeyword, "write a whole number of 0 or more", "%s must be a whole number of 0 or more, and is not enforced", name))
		return contract.Unset
	case f > math.MaxInt32:
		return math.MaxInt32
	}
	return int(f)
}

// positive tells whether a JSON number is above 0.
func positive(n string) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(n), "e")
	return !strings.HasPrefix(n, "-") && strings.ContainsAny(mantissa, "123456789")
}
