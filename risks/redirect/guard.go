package redirect

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/risk"
)

// guard holds replies to the hosts of the API.
type guard struct {
	hosts  []string // lower case, besides the one that the client asked
	denial *risk.Denial
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope == risk.OfListener {
		return nil, nil
	}
	p, ok := s.Params.(Params)
	if s.Params != nil && !ok {
		return nil, fmt.Errorf("settings are a %T", s.Params)
	}
	g := &guard{denial: &risk.Denial{
		Code: CodeForeign, Status: 502, Title: "the reply of the service behind the gateway was withheld",
		Reason: "the reply redirects to a host that is not listed",
	}}
	for _, h := range p.Hosts {
		if h == "*" {
			return nil, nil
		}
		if host, lawful := authorityHost(h); !lawful || host != h || strings.ContainsAny(h, `/\?#*`) {
			return nil, fmt.Errorf("hosts holds %q: write a host in lower case, without scheme, port or path", h)
		}
		g.hosts = append(g.hosts, h)
	}
	if s.API != nil && s.API.Contract != nil {
		for _, server := range s.API.Contract.Servers {
			if u, err := url.Parse(server.URL); err == nil {
				g.hosts = append(g.hosts, strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")))
			}
		}
	}
	return risk.At(risk.Reply, g), nil
}

// Check refuses a redirect that leads away. Without its Location it would tell
// the client nothing, and its body holds the same link. Refresh only adds to
// a reply that stands by itself, so that the field alone is removed.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil {
		return nil
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		switch {
		case r.Status >= 300 && r.Status < 400 && risk.EqualFold(f.Name, "Location"):
			if !g.ours(f.Value, x.Request().Host) {
				return g.denial
			}
		case risk.EqualFold(f.Name, "Refresh"):
			if !g.ours(refreshes(f.Value), x.Request().Host) {
				x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: f.Name})
			}
		}
	}
	return nil
}

// ours tells whether an address leads to a host of the API.
func (g *guard) ours(address, own string) bool {
	host, lawful := hostOf(address)
	return lawful && (host == "" || host == own || slices.Contains(g.hosts, host))
}
