package app

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// Bounds of a value that is made up: beyond them it is null or cut short, and
// the reply guard says so.
const (
	maxSampleDepth = 24
	maxSampleNodes = 10_000
	maxSampleItems = 100
	maxSampleText  = 4096 // bytes
)

// sampleOf returns the example of a schema, or the smallest value that it
// allows. Limits: patterns, `not`, conditions and uniqueItems are not obeyed.
func sampleOf(s *contract.Schema) (v source.Value, isExample bool) {
	m := sampler{nodes: maxSampleNodes}
	if len(s.Examples) == 0 && s.Ref != nil && len(s.Ref.Examples) > 0 {
		s = s.Ref
	}
	return m.value([]*contract.Schema{s}, 0), len(s.Examples) > 0
}

// A sampler makes one value.
type sampler struct{ nodes int }

// value makes a value that fits all schemas of list together.
func (m *sampler) value(list []*contract.Schema, depth int) source.Value {
	m.nodes--
	if m.nodes < 0 || depth > maxSampleDepth {
		return source.Value{Kind: source.Null}
	}
	parts := flat(list)
	for _, p := range parts {
		switch {
		case len(p.Examples) > 0:
			return p.Examples[0]
		case p.Const != nil:
			return *p.Const
		}
	}
	for _, p := range parts {
		switch {
		case len(p.Enum) > 0:
			return p.Enum[0]
		case p.Default != nil:
			return *p.Default
		}
	}
	switch kindOf(parts) {
	case contract.ObjectType:
		return m.object(parts, depth)
	case contract.ArrayType:
		return m.array(parts, depth)
	case contract.StringType:
		return source.Value{Kind: source.String, Text: sampleText(parts)}
	case contract.IntegerType:
		return source.Value{Kind: source.Number, Text: sampleNumber(parts, math.Ceil, 1)}
	case contract.NumericType:
		return source.Value{Kind: source.Number, Text: sampleNumber(parts, func(f float64) float64 { return f }, 0.5)}
	case contract.BooleanType:
		return source.Value{Kind: source.Bool, Text: "false"}
	}
	return source.Value{Kind: source.Null}
}

// flat lists the schemas that all hold for a value of list: the schemas, what
// they refer to, and one of each choice.
func flat(list []*contract.Schema) []*contract.Schema {
	var out []*contract.Schema
	for todo := slices.Clone(list); len(todo) > 0 && len(out) < 256; todo = todo[1:] {
		s := todo[0]
		if s == nil || slices.Contains(out, s) {
			continue
		}
		out = append(out, s)
		todo = append(append(todo, s.Ref), s.AllOf...)
		for _, choice := range [][]*contract.Schema{s.OneOf, s.AnyOf} {
			if len(choice) > 0 {
				todo = append(todo, choice[0])
			}
		}
	}
	return out
}

// kindOf chooses the type of a value.
func kindOf(parts []*contract.Schema) contract.Types {
	types := contract.AnyType
	shape := contract.Types(0)
	for _, p := range parts {
		if t := p.Types; t != 0 {
			if t&contract.NumericType != 0 {
				t |= contract.IntegerType
			}
			types &= t
		}
		switch {
		case len(p.Properties)+len(p.Required) > 0:
			shape = contract.ObjectType
		case shape == 0 && (p.Items != nil || p.MinItems > 0):
			shape = contract.ArrayType
		case shape == 0 && p.MinLength > 0:
			shape = contract.StringType
		case shape == 0 && p.Minimum != "":
			shape = contract.NumericType
		}
	}
	if shape&types != 0 {
		return shape
	}
	for _, t := range []contract.Types{contract.ObjectType, contract.ArrayType, contract.StringType, contract.NumericType, contract.IntegerType, contract.BooleanType} {
		if types&t != 0 {
			return t
		}
	}
	return contract.NullType
}

// object has the members that are required, and as many more as are needed.
func (m *sampler) object(parts []*contract.Schema, depth int) source.Value {
	v := source.Value{Kind: source.Object}
	least := 0
	var names, more []string
	for _, p := range parts {
		least = max(least, p.MinProperties)
		names = append(names, p.Required...)
		for i := range p.Properties {
			more = append(more, p.Properties[i].Name)
		}
	}
	for i, name := range append(names, more...) {
		if i >= len(names) && len(v.Members) >= least {
			break
		}
		var schemas []*contract.Schema
		hidden := false
		for _, p := range parts {
			if s := p.Property(name); s != nil {
				schemas = append(schemas, s)
				hidden = hidden || s.WriteOnly || s.Ref != nil && s.Ref.WriteOnly
			}
		}
		if hidden || v.Get(name).Kind != source.Absent {
			continue
		}
		v.Members = append(v.Members, source.Member{Name: name, Value: m.value(schemas, depth+1)})
	}
	return v
}

// array has as many elements as are needed.
func (m *sampler) array(parts []*contract.Schema, depth int) source.Value {
	v := source.Value{Kind: source.Array}
	least := 0
	for _, p := range parts {
		least = max(least, p.MinItems)
	}
	for i := range min(least, maxSampleItems) {
		var schemas []*contract.Schema
		for _, p := range parts {
			if i < len(p.PrefixItems) {
				schemas = append(schemas, p.PrefixItems[i])
			} else if p.Items != nil {
				schemas = append(schemas, p.Items)
			}
		}
		v.Items = append(v.Items, m.value(schemas, depth+1))
	}
	return v
}

// sampleText is text of the format, or of the least length.
func sampleText(parts []*contract.Schema) string {
	least := 0
	for _, p := range parts {
		switch p.Format {
		case "date-time":
			return "2026-01-01T00:00:00Z"
		case "date":
			return "2026-01-01"
		case "time":
			return "00:00:00Z"
		case "duration":
			return "P1D"
		case "uuid":
			return "00000000-0000-4000-8000-000000000000"
		case "email", "idn-email":
			return "a@example.com"
		case "hostname", "idn-hostname":
			return "example.com"
		case "uri", "url", "iri":
			return "https://example.com/"
		case "uri-reference", "iri-reference", "json-pointer":
			return "/"
		case "ipv4":
			return "192.0.2.1"
		case "ipv6":
			return "2001:db8::1"
		case "byte":
			return strings.Repeat("AAAA", (min(max(p.MinLength, 0), maxSampleText)+3)/4)
		}
		least = max(least, p.MinLength)
	}
	return strings.Repeat("a", min(least, maxSampleText))
}

// sampleNumber is the number nearest to 0 from the least on. up rounds to what
// may be, step leads past a bound that is excluded.
func sampleNumber(parts []*contract.Schema, up func(float64) float64, step float64) string {
	low, high, of := math.Inf(-1), math.Inf(1), 0.0
	for _, p := range parts {
		if f, ok := number(p.Minimum); ok {
			low = max(low, up(f))
		}
		if f, ok := number(p.ExclusiveMinimum); ok {
			low = max(low, up(math.Nextafter(f, math.Inf(1))))
			if step != 1 {
				low = max(low, f+step)
			}
		}
		if f, ok := number(p.Maximum); ok {
			high = min(high, f)
		}
		if f, ok := number(p.ExclusiveMaximum); ok {
			high = min(high, f-step)
		}
		if f, ok := number(p.MultipleOf); ok {
			of = max(of, f)
		}
	}
	v := 0.0
	switch {
	case low > 0:
		v = low
		if of > 0 {
			v = math.Ceil(low/of) * of
		}
	case high < 0:
		v = -up(-high)
		if step == 1 {
			v = math.Floor(high)
		}
		if of > 0 {
			v = math.Floor(high/of) * of
		}
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// number reads a bound that a float64 holds.
func number(n contract.Number) (float64, bool) {
	if n == "" || len(n) > 32 {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(n), 64)
	return f, err == nil && math.Abs(f) < 1e15
}
