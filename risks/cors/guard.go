package cors

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
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
	if s.Scope == risk.OfAPI {
		out = append(out, risk.Placed{Phase: risk.Identify, Guard: newPreflights(a, &p, s.API)})
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

// preflights answers what browsers ask before a call from another origin
// (Fetch standard, section 4.8), where the contract does not declare OPTIONS
// itself.
type preflights struct {
	access
	denial *risk.Denial
	fields []risk.Field // of every answer
}

func newPreflights(a access, p *Params, api *risk.API) *preflights {
	g := &preflights{access: a, denial: &risk.Denial{
		Code: CodeOrigin, Status: 403, Title: "pages of this origin may not call the API", Reason: "the origin of a preflight is not listed",
	}}
	age := p.MaxAge
	if age == 0 {
		age = defaultAge
	}
	g.fields = []risk.Field{
		{Name: "Access-Control-Allow-Headers", Value: strings.Join(requestFields(api), ", ")},
		{Name: "Access-Control-Max-Age", Value: strconv.FormatInt(int64(age/time.Second), 10)},
		{Name: "Vary", Value: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
	}
	if a.creds {
		g.fields = append(g.fields, risk.Field{Name: "Access-Control-Allow-Credentials", Value: "true"})
	}
	return g
}

// maxFields bounds what a preflight lists.
const maxFields = 100

// requestFields are the header fields that lawful requests of the API have:
// what operations declare, credentials and the media type.
func requestFields(api *risk.API) []string {
	names := []string{"Content-Type"}
	add := func(name string) {
		if canon.FieldName(name) == nil && len(names) < maxFields && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			names = append(names, name)
		}
	}
	if api == nil {
		return names
	}
	add(api.KeyHeader)
	if api.Contract == nil {
		return names
	}
	for _, s := range api.Contract.Schemes {
		switch {
		case s.Kind == contract.APIKey && s.In == contract.InHeader:
			add(s.Field)
		case s.Kind == contract.HTTPAuth, s.Kind == contract.OAuth2, s.Kind == contract.OpenIDConnect:
			add("Authorization")
		}
	}
	for _, op := range api.Contract.Operations {
		for _, p := range op.Parameters {
			if p.In == contract.InHeader {
				add(p.Name)
			}
		}
	}
	return names
}

// preflight tells whether x is one.
func preflight(x *risk.Exchange) bool {
	q := x.Request()
	route, _ := x.Route()
	return q.Method == "OPTIONS" && route == risk.NoMethod && q.Fields.Has("Origin") && q.Fields.Has("Access-Control-Request-Method")
}

// Check refuses a preflight from an origin that is not listed.
func (g *preflights) Check(x *risk.Exchange) *risk.Denial {
	if !preflight(x) {
		return nil
	}
	if _, ok := g.allows(x.Request().Fields); !ok {
		return g.denial
	}
	return nil
}

// Answer allows a preflight from a listed origin the methods of the path.
func (g *preflights) Answer(x *risk.Exchange) *risk.Answer {
	if !preflight(x) {
		return nil
	}
	origin, ok := g.allows(x.Request().Fields)
	if !ok {
		return nil
	}
	_, methods := x.Route()
	fields := make([]risk.Field, 0, len(g.fields)+2)
	fields = append(fields, risk.Field{Name: "Access-Control-Allow-Origin", Value: origin}, risk.Field{Name: "Access-Control-Allow-Methods", Value: methods})
	return &risk.Answer{Status: 204, Fields: append(fields, g.fields...), Reason: "preflight"}
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
	if len(g.origins) == 0 {
		return nil
	}
	if !g.any && !varies {
		// Also without an Origin: a cache must not give this reply to a page.
		x.Edit(risk.Edit{Do: risk.AddField, On: risk.OnReply, Stage: risk.Mask, Name: "Vary", Value: "Origin"})
	}
	origin, ok := g.allows(x.Request().Fields)
	if !ok {
		return nil
	}
	put(x, "Access-Control-Allow-Origin", origin)
	if g.creds {
		put(x, "Access-Control-Allow-Credentials", "true")
	}
	if g.expose != "" {
		put(x, "Access-Control-Expose-Headers", g.expose)
	}
	return nil
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
