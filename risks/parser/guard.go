package parser

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope != risk.OfOperation || s.Op.Body == nil && len(s.Op.Parameters) == 0 {
		return nil, nil
	}
	g := &inputs{
		duplicate: &risk.Denial{
			Code: CodeDuplicate, Status: 400, Title: "a parameter may come only once", Show: risk.ShowHead,
			Reason: "a parameter that has one value came more than once",
		},
		charset: &risk.Denial{
			Code: CodeCharset, Status: 400, Title: "the body must be UTF-8", Show: risk.ShowBody,
			Reason: "the body is in another character encoding, or says so",
		},
		number: &risk.Denial{
			Code: CodeNumber, Status: 400, Title: "a number is larger or finer than the contract allows for",
			Reason: "a number is not the same to parsers that use doubles",
		},
	}
	for _, p := range s.Op.Parameters {
		if narrow(p) {
			g.numbers = append(g.numbers, p)
		}
	}
	if s.Op.Body == nil {
		return risk.At(risk.Head, g), nil
	}
	b := &body{inputs: g}
	for _, m := range s.Op.Body.Media {
		b.wide = b.wide || wide(m.Schema)
	}
	return []risk.Placed{{Phase: risk.Head, Guard: g}, {Phase: risk.Body, Guard: b}}, nil
}

// inputs judges parameters.
type inputs struct {
	numbers                    []*contract.Parameter // of path and query
	duplicate, charset, number *risk.Denial
}

// Check takes over what the contract machine saw twice, and weighs numbers.
func (g *inputs) Check(x *risk.Exchange) *risk.Denial {
	list := x.HeadReading().Violations
	for i := range list {
		if list[i].Rule == "duplicate" {
			return g.duplicate
		}
	}
	for _, p := range g.numbers {
		if !g.holds(x.Request(), p) {
			return g.number
		}
	}
	return nil
}

func (g *inputs) holds(q *risk.Request, p *contract.Parameter) bool {
	if p.In == contract.InPath {
		for i := range q.Params {
			if q.Params[i].Name == p.Name && !held(q.Params[i].Text, false) {
				return false
			}
		}
		return true
	}
	for i := range q.Pairs {
		if q.Pairs[i].Name == p.Name && !held(q.Pairs[i].Value, false) {
			return false
		}
	}
	return true
}

// body judges bodies.
type body struct {
	*inputs
	wide bool // the schema speaks of numbers that doubles do not hold
}

// Check refuses encodings and numbers. What cannot be parsed at all is left to
// risk request.
func (g *body) Check(x *risk.Exchange) *risk.Denial {
	r := x.BodyReading()
	for i := range r.Violations {
		if r.Violations[i].Rule == "charset" {
			return g.charset
		}
	}
	if r.Has(risk.BadSyntax) || !isJSON(x.Request().Media) {
		return nil
	}
	if !numbersHeld(x.Body(), g.wide) {
		return g.number
	}
	return nil
}

func isJSON(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// narrow tells whether a parameter of path or query is a number that doubles
// should hold.
func narrow(p *contract.Parameter) bool {
	const numeric = contract.NumericType | contract.IntegerType | contract.NullType
	return (p.In == contract.InPath || p.In == contract.InQuery) && p.Schema != nil && p.Schema.Types != 0 &&
		p.Schema.Types&^numeric == 0 && !wide(p.Schema)
}

// wide tells whether a schema speaks of numbers that doubles do not hold, by a
// format or by a bound. No schema speaks of none.
func wide(s *contract.Schema) bool {
	found := false
	contract.Walk(s, func(s *contract.Schema) bool {
		found = found || wideFormat(s.Format) || beyond(s)
		return !found
	})
	return found
}

func wideFormat(f string) bool {
	return slices.Contains([]string{"int64", "uint64", "int128", "uint128", "bigint", "decimal", "decimal128", "big-decimal", "long"}, f)
}

// beyond tells whether a bound of s is itself a number that doubles do not
// hold.
func beyond(s *contract.Schema) bool {
	for _, n := range [...]contract.Number{s.Minimum, s.Maximum, s.ExclusiveMinimum, s.ExclusiveMaximum} {
		if !held(string(n), false) {
			return true
		}
	}
	return false
}
