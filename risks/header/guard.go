package header

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// newGuard guards what belongs to an API. Elsewhere nothing is served.
func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope == risk.OfListener {
		return nil, nil
	}
	g := &fields{
		single: append(once[:len(once):len(once)], credentials(s.API)...),
		duplicate: &risk.Denial{
			Code: CodeDuplicate, Status: 400, Title: "a header field may come only once",
			Reason: "a field that has one value came more than once",
		},
		underscore: &risk.Denial{
			Code: CodeUnderscore, Status: 400, Title: "a header field has a name that is read in two ways",
			Reason: "the name of a field is another spelling of one that decides",
		},
		hop: &risk.Denial{
			Code: CodeHop, Status: 400, Title: "Connection names a field that does not belong to the connection",
			Reason: "Connection names a field that decides, so that a proxy behind would drop it",
		},
	}
	g.known = append(g.single[:len(g.single):len(g.single)], decisive[:]...)
	if s.Op != nil {
		for _, p := range s.Op.Parameters {
			if p.In != contract.InHeader {
				continue
			}
			if scalar(p) {
				g.single = append(g.single, p.Name)
			}
			g.known = append(g.known, p.Name)
		}
	}
	return risk.At(risk.Connect, g), nil
}

// fields refuses heads whose fields have no single meaning.
type fields struct {
	single                     []string // may come once
	known                      []string // those, and what else decides
	duplicate, underscore, hop *risk.Denial
}

// Check looks at names and at Connection, never at what fields hold. It runs
// before credentials are looked for.
func (g *fields) Check(x *risk.Exchange) *risk.Denial {
	list := x.Request().Fields
	for i := range list {
		name := list[i].Name
		switch {
		case g.twin(name):
			return g.underscore
		case has(g.single, name) && list[:i].Has(name):
			return g.duplicate
		case risk.EqualFold(name, "Connection") && g.names(list[i].Value):
			return g.hop
		}
	}
	return nil
}

// twin tells whether a name is another spelling of a known one, and is none of
// them itself.
func (g *fields) twin(name string) bool {
	found := false
	for _, k := range g.known {
		if risk.EqualFold(k, name) {
			return false
		}
		found = found || twins(k, name)
	}
	return found
}

// names tells whether a value of Connection has a known field in its list.
func (g *fields) names(value string) bool {
	for rest, more := value, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ",")
		name = strings.Trim(name, " \t")
		if has(g.known, name) || g.twin(name) {
			return true
		}
	}
	return false
}
