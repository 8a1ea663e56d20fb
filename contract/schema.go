package contract

import "github.com/sallyport/sallyport/source"

// Types is a set of JSON types.
type Types uint8

// The members of Types. Integer is a number without a fraction; a set that
// holds Numeric holds integers too.
const (
	NullType Types = 1 << iota
	BooleanType
	ObjectType
	ArrayType
	NumericType
	IntegerType
	StringType
)

// AnyType is every type; the front ends write 0 where a schema does not speak
// of types.
const AnyType = NullType | BooleanType | ObjectType | ArrayType | NumericType | IntegerType | StringType

// A Number is a decimal literal of a document, kept as text so that nothing is
// rounded. The empty Number means that the keyword is absent.
type Number string

// Unset stands for an absent count, such as MaxLength.
const Unset = -1

// A Schema is one JSON Schema in the terms of draft 2020-12; front ends
// translate the older dialects. References are pointers, so the graph may have
// cycles. Keywords that are absent are nil, "" or Unset.
type Schema struct {
	ID      int    // index in Contract.Schemas
	Name    string // of a named component, "Order"; "" of an inline schema
	Pointer string // where it stands: "#/components/schemas/Order"
	At      source.Span

	Never  bool    // the schema false, which accepts nothing
	Types  Types   // 0: any
	Ref    *Schema // $ref beside other keywords; both apply
	Format string

	Enum  []source.Value // nil: absent
	Const *source.Value

	Minimum, Maximum, ExclusiveMinimum, ExclusiveMaximum, MultipleOf Number

	MinLength, MaxLength int    // in characters; Unset: absent
	Pattern              string // ECMA-262

	Properties           []Property
	PatternProperties    []PatternProperty
	AdditionalProperties *Schema // nil: the schema is silent about undeclared names
	Required             []string
	MinProperties        int
	MaxProperties        int

	Items       *Schema // of the elements after PrefixItems
	PrefixItems []*Schema
	MinItems    int
	MaxItems    int
	UniqueItems bool

	AllOf, AnyOf, OneOf []*Schema
	Not                 *Schema
	Discriminator       *Discriminator

	ReadOnly, WriteOnly, Deprecated bool

	Rare       *Rare // nil: none of the keywords that few documents use
	Default    *source.Value
	Examples   []source.Value // example and examples
	XML        *XML
	Extensions Extensions

	Title       string
	Description string // at most 4 KiB, for lints
}

// Rare holds the keywords that few documents use, so that a Schema stays
// small.
type Rare struct {
	If, Then, Else        *Schema
	PropertyNames         *Schema
	DependentRequired     []Dependency
	DependentSchemas      []Property
	Contains              *Schema
	MinContains           int // Unset: 1 where Contains is set
	MaxContains           int
	UnevaluatedProperties *Schema
	UnevaluatedItems      *Schema
	DynamicRef            *DynamicRef
	Resource              *Resource // that s is a part of, where it carries dynamic anchors
	ContentEncoding       string
	ContentMediaType      string
	ContentSchema         *Schema
}

// A DynamicRef is a $dynamicRef that leads to a $dynamicAnchor (JSON Schema
// 2020-12 section 8.2.3.2): what applies is the schema that carries the anchor
// in the outermost resource on the way to it.
type DynamicRef struct {
	Anchor string
	Schema *Schema // what it leads to where nothing is around
}

// A Resource is a schema with an $id of its own, or a document, that carries
// dynamic anchors.
type Resource struct {
	Anchors []Anchor
}

// An Anchor is a schema with a $dynamicAnchor.
type Anchor struct {
	Name   string
	Schema *Schema
}

// A Property is one declared name.
type Property struct {
	Name   string
	NameAt source.Span
	Schema *Schema
}

// A PatternProperty is a schema for every name that matches an ECMA-262
// pattern.
type PatternProperty struct {
	Pattern string
	Schema  *Schema
}

// A Dependency lists the names that must be there once Name is.
type Dependency struct {
	Name     string
	Required []string
}

// A Discriminator names the member that says which alternative is meant.
type Discriminator struct {
	Property string
	Mapping  []Mapped // explicit and, for named components, implicit names
	At       source.Span
}

// Mapped is one value of a discriminator.
type Mapped struct {
	Value  string
	Schema *Schema
}

// XML is the OpenAPI xml object.
type XML struct {
	Name, Namespace, Prefix string
	Attribute, Wrapped      bool
}

// NewSchema returns a Schema without any keyword, the schema that accepts
// everything.
func NewSchema() *Schema {
	return &Schema{
		MinLength: Unset, MaxLength: Unset, MinProperties: Unset, MaxProperties: Unset, MinItems: Unset, MaxItems: Unset,
	}
}

// NewRare returns a Rare without any keyword.
func NewRare() *Rare { return &Rare{MinContains: Unset, MaxContains: Unset} }

// Property returns the schema that s itself declares for name, or nil.
func (s *Schema) Property(name string) *Schema {
	for i := range s.Properties {
		if s.Properties[i].Name == name {
			return s.Properties[i].Schema
		}
	}
	return nil
}

// Allows tells whether the type set of s holds every type in t. A schema that
// does not speak of types allows all.
func (s *Schema) Allows(t Types) bool {
	return s.Types == 0 || s.Types&t == t || s.Types&NumericType != 0 && (s.Types|IntegerType)&t == t
}
