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
		names: newIndex(names(s)),
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
	return risk.At(risk.Connect, g), nil
}

// names are those that decide on s.
func names(s *risk.Site) []entry {
	var out []entry
	add := func(as sort, names ...string) {
		for _, name := range names {
			out = append(out, entry{name, as})
		}
	}
	add(lone, once[:]...)
	add(lone, credentials(s.API)...)
	add(known, decisive[:]...)
	if s.Op == nil {
		return out
	}
	for _, p := range s.Op.Parameters {
		switch {
		case p.In != contract.InHeader:
		case scalar(p):
			add(lone, p.Name)
		default:
			add(known, p.Name)
		}
	}
	return out
}

// fields refuses heads whose fields have no single meaning.
type fields struct {
	names                      index // of what decides
	duplicate, underscore, hop *risk.Denial
}

// Check looks at names and at Connection, never at what fields hold. It runs
// before credentials are looked for.
func (g *fields) Check(x *risk.Exchange) *risk.Denial {
	list := x.Request().Fields
	for i := range list {
		name := list[i].Name
		switch sort := g.names.look(name); {
		case sort == twin:
			return g.underscore
		case sort == lone && list[:i].Has(name):
			return g.duplicate
		case risk.EqualFold(name, "Connection") && g.lists(list[i].Value):
			return g.hop
		}
	}
	return nil
}

// lists tells whether a value of Connection has a known field in its list.
func (g *fields) lists(value string) bool {
	for rest, more := value, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ",")
		if g.names.look(strings.Trim(name, " \t")) != stranger {
			return true
		}
	}
	return false
}
