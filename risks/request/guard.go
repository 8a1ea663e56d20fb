package request

import (
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// A settled guard is what one operation's guards share.
type settled struct {
	strict bool // what cannot be checked is refused

	denyParameter, denySyntax, denyBody, denyComplex, denyUnchecked *risk.Denial
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope != risk.OfOperation || s.Op.Body == nil && len(s.Op.Parameters) == 0 {
		return nil, nil
	}
	p, _ := s.Params.(Params) // nil is the zero value
	g := &settled{strict: p.Strict}
	g.denials()
	if s.Op.Body == nil {
		return risk.At(risk.Head, (*head)(g)), nil
	}
	return []risk.Placed{{Phase: risk.Head, Guard: (*head)(g)}, {Phase: risk.Body, Guard: (*body)(g)}}, nil
}

func (g *settled) denials() {
	refuse := func(code fault.Code, show risk.Shown, title, reason string) *risk.Denial {
		return &risk.Denial{Code: code, Status: 400, Title: title, Reason: reason, Show: show}
	}
	g.denyParameter = refuse(CodeParameter, risk.ShowHead, "a parameter breaks the contract", "a parameter breaks its schema")
	g.denySyntax = refuse(CodeSyntax, risk.ShowBody, "the body is malformed", "the body cannot be parsed as its media type")
	g.denyBody = refuse(CodeBody, risk.ShowBody, "the body breaks the contract", "the body breaks its schema")
	g.denyComplex = refuse(CodeComplex, risk.ShowBody, "the body is too complex", "the body has more parts than are judged")
	g.denyUnchecked = refuse(CodeUnchecked, risk.ShowNothing, "the body cannot be checked", "nothing checks this media type, and the policy is strict")
}

// head judges parameters, and what is known of the body before it is read.
type head settled

// Check passes requests whose head keeps the contract.
func (g *head) Check(x *risk.Exchange) *risk.Denial {
	r := x.HeadReading()
	if r.Overflow || r.Has(risk.BadValue) || r.Has(risk.BadSyntax) {
		return g.denyParameter
	}
	if g.strict && r.Has(risk.Unchecked) {
		return g.denyUnchecked
	}
	// A body that has to be there and is not, and one that will stream.
	b := x.BodyReading()
	if b.Has(risk.BadValue) {
		return g.denyBody
	}
	if g.strict && (b.Unchecked || b.Has(risk.Unchecked)) {
		return g.denyUnchecked
	}
	return nil
}

// body judges the body.
type body settled

// Check passes bodies that keep the contract. What is most basically wrong is
// said first.
func (g *body) Check(x *risk.Exchange) *risk.Denial {
	r := x.BodyReading()
	for i := range r.Violations {
		switch r.Violations[i].Class {
		case risk.BadSyntax:
			return g.denySyntax
		case risk.Unchecked:
			if g.strict {
				return g.denyUnchecked
			}
		case risk.WrongMedia:
			if r.Violations[i].Pointer != "" { // of a part of a form; the type of the whole is undeclared's
				return g.denyBody
			}
		case risk.BadValue, risk.Undeclared, risk.UndeclaredStatus:
			return g.denyBody
		}
	}
	if r.Overflow {
		return g.denyComplex
	}
	for i := range r.Marks {
		if r.Marks[i].Kind == risk.UndeclaredClosed { // members that a schema is silent about are massassign's
			return g.denyBody
		}
	}
	if g.strict && r.Unchecked {
		return g.denyUnchecked
	}
	return nil
}
