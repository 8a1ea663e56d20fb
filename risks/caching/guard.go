package caching

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// guard makes replies to known callers theirs alone. It never denies.
type guard struct{ open bool } // a cookie is no sign of a caller here

// shared keeps what the upstream says, and has caches tell callers apart.
type shared struct{ vary []string }

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope == risk.OfListener {
		return nil, nil
	}
	p, ok := s.Params.(Params)
	if s.Params != nil && !ok {
		return nil, fmt.Errorf("settings are a %T", s.Params)
	}
	if p.Shared {
		return risk.At(risk.Reply, &shared{vary: credentials(s)}), nil
	}
	return risk.At(risk.Reply, &guard{open: s.Public != "" || s.Op != nil && s.Op.Public()}), nil
}

// credentials are the request fields in which callers of a site may differ.
func credentials(s *risk.Site) []string {
	var out []string
	add := func(name string) {
		for _, n := range out {
			if risk.EqualFold(n, name) {
				return
			}
		}
		out = append(out, name)
	}
	if s.API != nil && s.API.KeyHeader != "" {
		add(s.API.KeyHeader)
	}
	if s.Op == nil {
		return out
	}
	for _, r := range s.Op.Security {
		for _, p := range r.Parts {
			switch k := p.Scheme; {
			case k == nil:
			case k.Kind == contract.APIKey && k.In == contract.InHeader:
				add(k.Field)
			case k.Kind == contract.APIKey && k.In == contract.InCookie:
				add("Cookie")
			case k.Kind != contract.APIKey:
				add("Authorization")
			}
		}
	}
	return out
}

// Check puts no-store in the place of what lets a cache share the reply.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil || !g.personal(x, r) {
		return nil
	}
	says, aimed := of(r.Fields)
	if aimed {
		for i := range r.Fields {
			if targeted(r.Fields[i].Name) {
				x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: r.Fields[i].Name})
			}
		}
	}
	if says.personal() {
		return nil
	}
	if says.said {
		x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: "Cache-Control"})
	}
	x.Edit(risk.Edit{Do: risk.SetField, On: risk.OnReply, Stage: risk.Mask, Name: "Cache-Control", Value: "no-store"})
	return nil
}

// personal tells whether the reply may be meant for one caller alone. One that
// sets a cookie is: kept by a cache, it would give everybody that cookie.
func (g *guard) personal(x *risk.Exchange, r *risk.Response) bool {
	f := x.Request().Fields
	return x.Caller().Kind != risk.Anonymous || f.Has("Authorization") || !g.open && f.Has("Cookie") || r.Fields.Has("Set-Cookie")
}

// Check adds to Vary what is missing in it. Without that, a cache would give
// the reply to those who show no credential at all.
func (g *shared) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil {
		return nil
	}
	says, aimed := of(r.Fields)
	if says.personal() || !says.said && !aimed && !r.Fields.Has("Expires") {
		return nil
	}
	for _, name := range g.vary {
		if !varies(r.Fields, name) {
			x.Edit(risk.Edit{Do: risk.AddField, On: risk.OnReply, Stage: risk.Mask, Name: "Vary", Value: name})
		}
	}
	return nil
}

// varies tells whether a Vary field lists name or "*".
func varies(f risk.Fields, name string) bool {
	for i := range f {
		if !risk.EqualFold(f[i].Name, "Vary") {
			continue
		}
		for part := range strings.SplitSeq(f[i].Value, ",") {
			if part = strings.Trim(part, " \t"); part == "*" || risk.EqualFold(part, name) {
				return true
			}
		}
	}
	return false
}
