package cors

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/risk"
)

// access is the list of origins, ready to be used.
type access struct {
	any     bool // every origin, without credentials
	origins []string
	creds   bool
	expose  string
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope == risk.OfListener {
		return nil, nil
	}
	p, ok := s.Params.(Params)
	if s.Params != nil && !ok {
		return nil, fmt.Errorf("settings are a %T", s.Params)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	a := access{origins: p.Origins, creds: p.Credentials, expose: strings.Join(p.Expose, ", ")}
	a.any = slices.Contains(p.Origins, "*")
	out := risk.At(risk.Reply, &replies{a})
	switch {
	case s.Scope == risk.OfAPI:
		out = append(out, risk.Placed{Phase: risk.Identify, Guard: newPreflights(a, &p, s.API)})
	case upgrades(s.Op):
		out = append(out, risk.Placed{Phase: risk.Identify, Guard: &sockets{a, refusal()}})
	}
	return out, nil
}

// allows tells whether the origin may call. Two Origin fields, "null" and
// anything that is not byte for byte in the list may not.
func (a *access) allows(f risk.Fields) (origin string, ok bool) {
	if f.Count("Origin") != 1 {
		return "", false
	}
	origin = f.Get("Origin")
	if a.any {
		return "*", true
	}
	return origin, slices.Contains(a.origins, origin)
}

// replies makes what replies say to browsers the policy's word, not the
// upstream's.
type replies struct{ access }

// Check removes the fields of the upstream and puts ours in their place. It
// always lets the exchange pass: the browser keeps the reply from the page.
func (g *replies) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil {
		return nil
	}
	varies := false
	for i := range r.Fields {
		f := &r.Fields[i]
		if grants(f.Name) {
			x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: f.Name})
		}
		varies = varies || risk.EqualFold(f.Name, "Vary") && lists(f.Value, "Origin")
	}
	if !g.any && !varies && len(g.origins) > 0 {
		// Also without an Origin: a cache must not give this reply to a page.
		x.Edit(risk.Edit{Do: risk.AddField, On: risk.OnReply, Stage: risk.Mask, Name: "Vary", Value: "Origin"})
	}
	g.grant(x)
	return nil
}

// Dress lets a page of a listed origin read our refusals too: without that, a
// browser tells it of a broken network where it should tell of a missing key.
func (g *replies) Dress(x *risk.Exchange) {
	if !g.any && len(g.origins) > 0 {
		put(x, "Vary", "Origin")
	}
	g.grant(x)
}

// grant lets the page that asks read the reply, where its origin is listed.
func (g *replies) grant(x *risk.Exchange) {
	origin, ok := g.allows(x.Request().Fields)
	if !ok {
		return
	}
	put(x, "Access-Control-Allow-Origin", origin)
	if g.creds {
		put(x, "Access-Control-Allow-Credentials", "true")
	}
	if g.expose != "" {
		put(x, "Access-Control-Expose-Headers", g.expose)
	}
}

// put sets a field after the upstream's were stripped.
func put(x *risk.Exchange, name, value string) {
	x.Edit(risk.Edit{Do: risk.SetField, On: risk.OnReply, Stage: risk.Mask, Name: name, Value: value})
}

// grants tells whether a field of a reply gives other origins a right.
func grants(name string) bool {
	const prefix = "access-control-"
	return len(name) > len(prefix) && risk.EqualFold(name[:len(prefix)], prefix) || risk.EqualFold(name, "Timing-Allow-Origin")
}

// lists tells whether a comma-separated value holds name or "*".
func lists(value, name string) bool {
	for part := range strings.SplitSeq(value, ",") {
		part = strings.Trim(part, " \t")
		if part == "*" || risk.EqualFold(part, name) {
			return true
		}
	}
	return false
}

// refusal is the denial for every origin that is not listed.
func refusal() *risk.Denial {
	return &risk.Denial{Code: CodeOrigin, Status: 403, Title: "pages of this origin may not call the API", Reason: "the origin is not listed"}
}
