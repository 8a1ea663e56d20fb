package main

import (
	"math/big"
	"slices"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// facts are what several schemas say of one value that must keep them all.
type facts struct {
	types     contract.Types
	enum      []source.Value // nil: any value
	low, high *big.Rat
	lowOpen   bool
	highOpen  bool
	multiples []*big.Rat
	formats   []string
	minLength int
	maxLength int
	patterns  []string
	examples  []source.Value

	names    []string // of members, in order
	members  map[string][]*contract.Schema
	required map[string]bool
	extra    []*contract.Schema
	keys     []*contract.Schema // propertyNames
	closed   bool               // additionalProperties is false somewhere
	fewest   int
	most     int

	items    []*contract.Schema
	prefix   [][]*contract.Schema
	contains []*contract.Schema
	shortest int
	longest  int
	unique   bool

	never bool
	seen  map[*contract.Schema]bool
}

// gather collects what the list says. choose picks one of several
// alternatives.
func gather(list []*contract.Schema, side side, choose func([]*contract.Schema) int) *facts {
	f := &facts{
		types: contract.AnyType, maxLength: contract.Unset, most: contract.Unset, longest: contract.Unset,
		members: map[string][]*contract.Schema{}, required: map[string]bool{}, seen: map[*contract.Schema]bool{},
	}
	for _, s := range list {
		f.add(s, side, choose)
	}
	return f
}

func (f *facts) add(s *contract.Schema, side side, choose func([]*contract.Schema) int) {
	if s == nil || f.seen[s] {
		return
	}
	f.seen[s] = true
	f.never = f.never || s.Never
	f.plain(s)
	f.object(s, side)
	f.array(s)
	f.add(s.Ref, side, choose)
	for _, c := range s.AllOf {
		f.add(c, side, choose)
	}
	if r := s.Rare; r != nil && r.If != nil {
		f.add(r.Then, side, choose)
	}
	if f.discriminated(s, side, choose) {
		return
	}
	for _, alternatives := range [][]*contract.Schema{s.AnyOf, s.OneOf} {
		if len(alternatives) > 0 {
			f.add(alternatives[choose(alternatives)], side, choose)
		}
	}
}

// discriminated follows the discriminator of s: the member gets one of its
// values, and the schema that the value names applies.
func (f *facts) discriminated(s *contract.Schema, side side, choose func([]*contract.Schema) int) bool {
	d := s.Discriminator
	if d == nil || len(d.Mapping) == 0 {
		return false
	}
	closed := len(s.OneOf)+len(s.AnyOf) > 0
	var to []*contract.Schema
	for i := range d.Mapping {
		to = append(to, d.Mapping[i].Schema)
	}
	at := slices.IndexFunc(to, func(c *contract.Schema) bool { return f.seen[c] && c != s })
	if at < 0 {
		at = choose(to)
	}
	name := contract.NewSchema()
	name.Const = &source.Value{Kind: source.String, Text: d.Mapping[at].Value}
	f.member(d.Property, name)
	if closed {
		f.required[d.Property] = true
	}
	f.add(to[at], side, choose)
	return closed
}

// plain collects what is said of simple values.
func (f *facts) plain(s *contract.Schema) {
	if s.Types != 0 {
		t := s.Types
		if t&contract.NumericType != 0 {
			t |= contract.IntegerType
		}
		f.types &= t
	}
	if s.Const != nil {
		f.values([]source.Value{*s.Const})
	}
	if s.Enum != nil {
		f.values(s.Enum)
	}
	f.bound(s.Minimum, false, false)
	f.bound(s.ExclusiveMinimum, false, true)
	f.bound(s.Maximum, true, false)
	f.bound(s.ExclusiveMaximum, true, true)
	if m, ok := ratOf(string(s.MultipleOf)); ok && m.Sign() > 0 {
		f.multiples = append(f.multiples, m)
	}
	if s.Format != "" {
		f.formats = append(f.formats, s.Format)
	}
	f.minLength = max(f.minLength, s.MinLength)
	f.maxLength = least(f.maxLength, s.MaxLength)
	if s.Pattern != "" {
		f.patterns = append(f.patterns, s.Pattern)
	}
	f.examples = append(f.examples, s.Examples...)
	if s.Default != nil {
		f.examples = append(f.examples, *s.Default)
	}
}

// values narrows what the value may be.
func (f *facts) values(list []source.Value) {
	if f.enum == nil {
		f.enum = slices.Clone(list)
		return
	}
	f.enum = slices.DeleteFunc(f.enum, func(v source.Value) bool {
		return !slices.ContainsFunc(list, func(o source.Value) bool { return o.Kind == v.Kind && o.Text == v.Text })
	})
}

func (f *facts) bound(n contract.Number, high, open bool) {
	b, ok := ratOf(string(n))
	if !ok {
		return
	}
	at, isOpen := &f.low, &f.lowOpen
	sign := 1
	if high {
		at, isOpen, sign = &f.high, &f.highOpen, -1
	}
	if *at == nil || b.Cmp(*at)*sign > 0 || b.Cmp(*at) == 0 && open {
		*at, *isOpen = b, open
	}
}

func ratOf(text string) (*big.Rat, bool) {
	if text == "" || len(text) > 60 {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// least is the smaller of two limits, of which Unset is none.
func least(a, b int) int {
	if a == contract.Unset || b != contract.Unset && b < a {
		return b
	}
	return a
}

func (f *facts) member(name string, s *contract.Schema) {
	if f.members[name] == nil {
		f.names = append(f.names, name)
	}
	f.members[name] = append(f.members[name], s)
}

// object collects what is said of objects.
func (f *facts) object(s *contract.Schema, side side) {
	for i := range s.Properties {
		f.member(s.Properties[i].Name, s.Properties[i].Schema)
	}
	for _, name := range s.Required {
		if m := s.Property(name); m == nil || !hidden(m, side, 8) {
			f.required[name] = true
		}
	}
	if extra := s.AdditionalProperties; extra != nil {
		f.closed = f.closed || extra.Never
		f.extra = append(f.extra, extra)
	}
	if s.Rare != nil && s.Rare.PropertyNames != nil {
		f.keys = append(f.keys, s.Rare.PropertyNames)
	}
	f.fewest = max(f.fewest, s.MinProperties)
	f.most = least(f.most, s.MaxProperties)
}

// array collects what is said of arrays.
func (f *facts) array(s *contract.Schema) {
	if s.Items != nil {
		f.items = append(f.items, s.Items)
	}
	for i, p := range s.PrefixItems {
		for len(f.prefix) <= i {
			f.prefix = append(f.prefix, nil)
		}
		f.prefix[i] = append(f.prefix[i], p)
	}
	if s.Rare != nil && s.Rare.Contains != nil {
		f.contains = append(f.contains, s.Rare.Contains)
	}
	f.shortest = max(f.shortest, s.MinItems)
	f.longest = least(f.longest, s.MaxItems)
	f.unique = f.unique || s.UniqueItems
}

// hidden tells whether a member may be missing though it is required.
func hidden(s *contract.Schema, side side, depth int) bool {
	if s == nil || depth == 0 {
		return false
	}
	if side == ofRequest && s.ReadOnly || side == ofReply && s.WriteOnly || hidden(s.Ref, side, depth-1) {
		return true
	}
	return slices.ContainsFunc(s.AllOf, func(c *contract.Schema) bool { return hidden(c, side, depth-1) })
}
