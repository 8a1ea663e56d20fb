package massassign

import (
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// guard judges the members of a body that the contract machine marked.
type guard struct {
	readOnly Way
	silent   risk.Silence

	denyReadOnly, denyOwned, denyUndeclared, denyUnjudged *risk.Denial
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	p, ok := s.Params.(Params)
	if s.Params != nil && !ok {
		return nil, fmt.Errorf("settings are a %T", s.Params)
	}
	if p.ReadOnly == "" {
		p.ReadOnly = Refuse
	}
	if !slices.Contains(p.ReadOnly.Values(), string(p.ReadOnly)) {
		return nil, fmt.Errorf("read_only: %q is none of %v", p.ReadOnly, p.ReadOnly.Values())
	}
	if s.Scope != risk.OfOperation || s.Op.Body == nil {
		return nil, nil
	}
	refuse := func(code fault.Code, title, reason string) *risk.Denial {
		return &risk.Denial{Code: code, Status: 400, Title: title, Reason: reason}
	}
	return risk.At(risk.Body, &guard{
		readOnly: p.ReadOnly, silent: s.Silent,
		denyUnjudged:   refuse(CodeUndeclared, "the body has more members than are judged", "the body has more that is wrong or undeclared than is listed"),
		denyReadOnly:   refuse(CodeReadOnly, "the body sets what only the server may set", "the body has a readOnly member"),
		denyOwned:      refuse(CodeServerOwned, "the body sets what only the server may set", "the body has an undeclared member that is the server's by its name"),
		denyUndeclared: refuse(CodeUndeclared, "the body has a member that the contract does not list", "the body has an undeclared member"),
	}), nil
}

// Check passes bodies without such members, and asks for the removal of those
// that the policy strips. What a schema refuses itself is the concern of the
// risk request.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	r := x.BodyReading()
	for i := range r.Marks {
		way, denial := g.judge(&r.Marks[i])
		m := &r.Marks[i]
		switch {
		case way == Allow:
		case way == Strip && m.End != 0:
			x.Edit(risk.Edit{Do: risk.CutMember, On: risk.OnRequest, Stage: risk.Strip, Start: m.Start, End: m.End, Pointer: m.Pointer})
		default:
			return denial // also where the body is no JSON, in which nothing can be cut
		}
	}
	if r.Overflow && (g.readOnly != Allow || g.silent != risk.LeaveSilent) {
		return g.denyUnjudged // there may be more than what is marked
	}
	return nil
}

// judge says what becomes of a marked member; Allow has no Denial.
func (g *guard) judge(m *risk.Mark) (Way, *risk.Denial) {
	switch m.Kind {
	case risk.ReadOnlyMember:
		return g.readOnly, g.denyReadOnly
	case risk.UndeclaredSilent:
		switch g.silent {
		case risk.RefuseSilent:
			return Refuse, g.denyUndeclared
		case risk.StripSilent:
			return Strip, g.denyUndeclared
		case risk.LeaveSilent:
		}
		if owned(last(m.Pointer)) {
			return g.readOnly, g.denyOwned
		}
	case risk.UndeclaredClosed, risk.UndeclaredOpen, risk.WriteOnlyMember, risk.SensitiveMember:
	}
	return Allow, nil
}
