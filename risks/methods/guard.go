package methods

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	switch s.Scope {
	case risk.OfAPI:
		return risk.At(risk.Admit, &routes{&risk.Denial{
			Code: CodeMethod, Status: 405, Title: "this method is not allowed here", Allow: true,
			Reason: "the contract declares the path without this method",
		}}), nil
	case risk.OfOperation:
		return risk.At(risk.Head, newFields(s.Op)), nil
	case risk.OfListener:
	}
	return nil, nil
}

// routes refuses methods that no operation of a path stands for. Paths are the
// concern of the risk undeclared.
type routes struct{ method *risk.Denial }

// Check says 405 where the path is declared.
func (g *routes) Check(x *risk.Exchange) *risk.Denial {
	if route, _ := x.Route(); route == risk.NoMethod {
		return g.method
	}
	return nil
}

// fields refuses the fields by which frameworks let a client name another
// method than the one that was routed and judged.
type fields struct {
	names    []string // that the operation does not declare itself
	override *risk.Denial
}

// overrides are the fields that frameworks take a method from.
var overrides = [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}

func newFields(op *contract.Operation) *fields {
	g := &fields{override: &risk.Denial{
		Code: CodeOverride, Status: 400, Title: "the method cannot be overridden", Reason: "a field names another method",
	}}
	for _, name := range overrides {
		if op.Param(contract.InHeader, name) == nil {
			g.names = append(g.names, name)
		}
	}
	return g
}

// Check passes requests without such a field.
func (g *fields) Check(x *risk.Exchange) *risk.Denial {
	for _, name := range g.names {
		if x.Request().Fields.Has(name) {
			return g.override
		}
	}
	return nil
}
