package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// Bounds of a generated value.
const (
	maxLevel  = 8   // of nesting; below it only what is required is made
	maxPlaces = 150 // members and elements, before only what is required is made
	hardLevel = 40  // where the generator gives up
)

// A generator makes values that some schemas should accept. Its choices depend
// on the seed alone.
type generator struct {
	rnd    *rand.Rand
	side   side
	lean   bool // only what is required
	sample bool // take examples and defaults
	places int
	level  int
	spent  bool
}

func newGenerator(seed uint64, side side, attempt int) *generator {
	return &generator{
		rnd: rand.New(rand.NewPCG(seed, uint64(attempt))), side: side, lean: attempt%3 == 1, sample: attempt%4 == 0,
	}
}

// value makes one value.
func (g *generator) value(list []*contract.Schema) any {
	if g.level > hardLevel || g.places > 40*maxPlaces {
		g.spent = true
		return nil
	}
	g.level++
	defer func() { g.level-- }()
	f := gather(list, g.side, g.choose)
	if g.sample && len(f.examples) > 0 {
		return plain(f.examples[g.rnd.IntN(len(f.examples))])
	}
	if f.enum != nil {
		return g.member(f)
	}
	switch g.kind(f) {
	case contract.ObjectType:
		return g.object(f)
	case contract.ArrayType:
		return g.array(f)
	case contract.StringType:
		return g.text(f)
	case contract.IntegerType:
		return g.number(f, true)
	case contract.NumericType:
		return g.number(f, false)
	case contract.BooleanType:
		return g.rnd.IntN(2) == 0
	}
	return nil
}

// choose picks an alternative, the flattest one where the value is deep.
func (g *generator) choose(list []*contract.Schema) int {
	if g.level < maxLevel {
		return g.rnd.IntN(len(list))
	}
	at, best := 0, 1<<30
	for i, s := range list {
		if h := height(s, 6); h < best {
			at, best = i, h
		}
	}
	return at
}

// height is how deep the required part of a value is at least, up to a limit.
func height(s *contract.Schema, limit int) int {
	if s == nil || limit == 0 {
		return 0
	}
	h := height(s.Ref, limit-1)
	for _, c := range s.AllOf {
		h = max(h, height(c, limit-1))
	}
	for _, name := range s.Required {
		h = max(h, 1+height(s.Property(name), limit-1))
	}
	if s.MinItems > 0 {
		h = max(h, 1+height(s.Items, limit-1))
	}
	return h
}

// member picks one of the listed values that is of a lawful type.
func (g *generator) member(f *facts) any {
	var list []source.Value
	for _, v := range f.enum {
		if typeOf(v.Kind)&f.types != 0 {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		g.spent = true
		return nil
	}
	return plain(list[g.rnd.IntN(len(list))])
}

func typeOf(k source.Kind) contract.Types {
	switch k {
	case source.Null:
		return contract.NullType
	case source.Bool:
		return contract.BooleanType
	case source.Number:
		return contract.NumericType | contract.IntegerType
	case source.String:
		return contract.StringType
	case source.Array:
		return contract.ArrayType
	case source.Object:
		return contract.ObjectType
	case source.Absent:
	}
	return 0
}

// kind picks a type: mostly what the keywords speak of.
func (g *generator) kind(f *facts) contract.Types {
	if f.never || f.types == 0 {
		g.spent = true
		return contract.NullType
	}
	t := f.types
	if t == contract.AnyType {
		switch {
		case len(f.members)+len(f.required) > 0 || f.extra != nil || f.fewest > 0:
			return contract.ObjectType
		case f.items != nil || f.prefix != nil || f.contains != nil || f.shortest > 0:
			return contract.ArrayType
		case f.low != nil || f.high != nil || f.multiples != nil:
			return contract.NumericType
		case f.formats != nil || f.patterns != nil || f.minLength > 0:
			return contract.StringType
		}
		if g.level > maxLevel {
			return contract.StringType
		}
	}
	var list []contract.Types
	for _, k := range []contract.Types{
		contract.ObjectType, contract.ArrayType, contract.StringType, contract.NumericType, contract.IntegerType, contract.BooleanType, contract.NullType,
	} {
		if t&k != 0 {
			list = append(list, k)
		}
	}
	if len(list) > 1 && list[len(list)-1] == contract.NullType && g.rnd.IntN(6) > 0 {
		list = list[:len(list)-1]
	}
	return list[g.rnd.IntN(len(list))]
}

// full tells whether members are made that nobody requires.
func (g *generator) full() bool { return !g.lean && g.level <= maxLevel && g.places < maxPlaces }

// object makes an object.
func (g *generator) object(f *facts) any {
	out := map[string]any{}
	put := func(name string, list []*contract.Schema) {
		if _, there := out[name]; !there && (f.most < 0 || len(out) < f.most || f.required[name]) {
			g.places++
			out[name] = g.value(list)
		}
	}
	for name := range f.required {
		if f.members[name] == nil {
			f.names = append(f.names, name)
		}
	}
	slices.Sort(f.names)
	for _, name := range f.names {
		list := append(slices.Clone(f.members[name]), f.others(name)...)
		switch {
		case f.required[name]:
			put(name, list)
		case !g.full() || g.rnd.IntN(4) == 0:
		case slices.ContainsFunc(list, func(s *contract.Schema) bool { return hidden(s, g.side, 8) || s != nil && s.Never }):
			// what the other side alone may set is left out
		default:
			put(name, list)
		}
	}
	for k := 0; len(out) < f.fewest || k == 0 && g.full() && len(f.members) == 0 && len(f.extra) > 0 && !f.closed; k++ {
		if k > f.fewest+20 {
			g.spent = true
			break
		}
		put(g.name(f, k), f.extra)
	}
	return out
}

// others are the schemas of additional members, for a name that no schema
// lists.
func (f *facts) others(name string) []*contract.Schema {
	if f.members[name] != nil {
		return nil
	}
	return f.extra
}

// name makes the name of a member that the contract leaves open.
func (g *generator) name(f *facts, k int) string {
	if k < len(f.names) && f.fewest > 0 {
		return f.names[k]
	}
	if len(f.keys) > 0 {
		if s, ok := g.value(f.keys).(string); ok {
			return s
		}
	}
	return fmt.Sprintf("name%d", k)
}

// array makes an array.
func (g *generator) array(f *facts) any {
	n := f.shortest
	if g.full() && n == 0 && (f.longest < 0 || f.longest > 0) {
		n = 1 + g.rnd.IntN(2)
		n = least(n, f.longest)
	}
	if len(f.contains) > 0 {
		n = max(n, len(f.prefix)+1)
	}
	if n > 2000 {
		g.spent = true
		return []any{}
	}
	out := make([]any, 0, n)
	for k := range n {
		list := f.items
		if k < len(f.prefix) {
			list = f.prefix[k]
		}
		if k == n-1 && len(f.contains) > 0 {
			list = append(slices.Clone(list), f.contains...)
		}
		g.places++
		v := g.value(list)
		for try := 0; f.unique && try < 8 && holds(out, v); try++ {
			v = g.value(list)
		}
		if f.unique && holds(out, v) {
			if len(out) >= f.shortest {
				break
			}
			g.spent = true
		}
		out = append(out, v)
	}
	return out
}

func holds(list []any, v any) bool {
	text := string(encode(v))
	return slices.ContainsFunc(list, func(o any) bool { return string(encode(o)) == text })
}

// number makes a number within the bounds.
func (g *generator) number(f *facts, whole bool) any {
	step := big.NewRat(1, 1)
	for _, m := range f.multiples {
		step = m
	}
	if whole && len(f.multiples) > 0 {
		// a whole number that is a multiple of a/b is one of a
		step = new(big.Rat).SetInt(step.Num())
	}
	low, high := f.low, f.high
	for _, word := range f.formats {
		if word == "int32" {
			low, high = tighter(low, big.NewRat(-1<<31, 1), 1), tighter(high, big.NewRat(1<<31-1, 1), -1)
			whole = true
		}
		whole = whole || word == "int64"
	}
	k := new(big.Rat).SetInt64(int64(g.rnd.IntN(100)))
	if whole || len(f.multiples) > 0 || g.rnd.IntN(2) == 0 {
		k.SetInt(k.Num())
	} else {
		k.Add(k, big.NewRat(1, 4))
	}
	v := new(big.Rat).Mul(k, step)
	switch {
	case low != nil && v.Cmp(low) < 0 || low != nil && f.lowOpen && v.Cmp(low) == 0:
		v = ceil(low, step, f.lowOpen, whole || len(f.multiples) > 0, high)
	case high != nil && v.Cmp(high) > 0 || high != nil && f.highOpen && v.Cmp(high) == 0:
		if low != nil {
			v = ceil(low, step, f.lowOpen, whole || len(f.multiples) > 0, high)
		} else {
			v = new(big.Rat).Neg(ceil(new(big.Rat).Neg(high), step, f.highOpen, whole || len(f.multiples) > 0, nil))
		}
	}
	return json.Number(decimalText(v))
}

func tighter(a, b *big.Rat, sign int) *big.Rat {
	if a == nil || b.Cmp(a)*sign > 0 {
		return b
	}
	return a
}

// ceil is the first multiple of step at or behind low; where any number will
// do, low itself or what is between it and high.
func ceil(low, step *big.Rat, open, stepped bool, high *big.Rat) *big.Rat {
	if !stepped {
		switch {
		case !open:
			return low
		case high != nil:
			return new(big.Rat).Mul(new(big.Rat).Add(low, high), big.NewRat(1, 2))
		}
		return new(big.Rat).Add(low, big.NewRat(1, 4))
	}
	q := new(big.Rat).Quo(low, step)
	n := new(big.Int).Div(q.Num(), q.Denom())
	v := new(big.Rat).Mul(new(big.Rat).SetInt(n), step)
	for v.Cmp(low) < 0 || open && v.Cmp(low) == 0 {
		v.Add(v, step)
	}
	return v
}

// decimalText writes a number; one that is no decimal is rounded.
func decimalText(v *big.Rat) string {
	if v.IsInt() {
		return v.Num().String()
	}
	return strings.TrimRight(v.FloatString(12), "0")
}

// plain is a literal of the document as a value.
func plain(v source.Value) any {
	switch v.Kind {
	case source.Absent, source.Null:
		return nil
	case source.Bool:
		return v.Text == "true"
	case source.Number:
		return json.Number(v.Text)
	case source.String:
		return v.Text
	case source.Array:
		out := make([]any, len(v.Items))
		for i := range v.Items {
			out[i] = plain(v.Items[i])
		}
		return out
	case source.Object:
		out := map[string]any{}
		for _, m := range v.Members {
			out[m.Name] = plain(m.Value)
		}
		return out
	}
	return nil
}

// encode writes a value as JSON.
func encode(v any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
