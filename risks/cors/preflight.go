package cors

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
)

// preflights answers what browsers ask before a call from another origin
// (Fetch standard, section 4.8), where the contract does not declare OPTIONS
// itself.
type preflights struct {
	access
	denial *risk.Denial
	fields []risk.Field // of every answer
}

func newPreflights(a access, p *Params, api *risk.API) *preflights {
	g := &preflights{access: a, denial: refusal()}
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
