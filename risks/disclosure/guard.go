package disclosure

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// guard removes fields from replies. It never denies.
type guard struct {
	stays []string // fields that stay although they disclose
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope == risk.OfListener {
		return nil, nil
	}
	p, ok := s.Params.(Params)
	if s.Params != nil && !ok {
		return nil, fmt.Errorf("settings are a %T", s.Params)
	}
	for _, name := range p.Keep {
		if !discloses(name) {
			return nil, fmt.Errorf("keep names %q, which is left alone anyway", name)
		}
	}
	return risk.At(risk.Reply, &guard{stays: append(declared(s.Op), p.Keep...)}), nil
}

// declared lists the fields that the contract declares, which clients may count
// on; the lint speaks of those that disclose. Server and X-Powered-By serve no
// client.
func declared(op *contract.Operation) []string {
	if op == nil {
		return nil
	}
	var out []string
	for _, r := range op.Replies {
		for _, h := range r.Headers {
			if !strings.EqualFold(h.Name, "Server") && !strings.EqualFold(h.Name, "X-Powered-By") {
				out = append(out, h.Name)
			}
		}
	}
	return out
}

// Check asks for the removal of what discloses. It always lets the exchange
// pass.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil {
		return nil
	}
	for i := range r.Fields {
		if name := r.Fields[i].Name; discloses(name) && !g.stay(name) {
			x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: name})
		}
	}
	return nil
}

func (g *guard) stay(name string) bool {
	for _, s := range g.stays {
		if risk.EqualFold(s, name) {
			return true
		}
	}
	return false
}
