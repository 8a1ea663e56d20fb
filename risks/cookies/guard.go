package cookies

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/risk"
)

// guard rewrites what the upstream sets. It never denies.
type guard struct {
	Params
	tls bool // clients come over TLS
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
	return risk.At(risk.Reply, &guard{Params: p, tls: s.API != nil && s.API.Secure}), nil
}

// check refuses settings that no cookie can have.
func (p *Params) check() error {
	for _, name := range slices.Concat(p.Scripts, p.CrossSite) {
		if name == "" || strings.ContainsAny(name, "=; \t") {
			return fmt.Errorf("%q is no name of a cookie", name)
		}
	}
	for _, d := range p.Domains {
		switch {
		case !strings.Contains(strings.Trim(d, "."), "."):
			return fmt.Errorf("domains holds %q, which is no domain of yours: write one like example.com", d)
		case strings.HasPrefix(d, "."):
			return fmt.Errorf("domains holds %q: write it without the dot in front", d)
		case d != strings.ToLower(d) || strings.ContainsAny(d, "/:*; \t"):
			return errors.New("domains are written in lower case, without scheme, port or wildcard")
		}
	}
	return nil
}

// Check puts mended cookies in the place of all, where one needs it.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil {
		return nil
	}
	overTLS := g.tls || x.Conn().Secure
	broken := false
	for i := range r.Fields {
		if risk.EqualFold(r.Fields[i].Name, "Set-Cookie") {
			c := read(r.Fields[i].Value)
			broken = broken || c.name == "" || g.lacks(&c, overTLS) != (lack{})
		}
	}
	if !broken {
		return nil
	}
	x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: "Set-Cookie"})
	for i := range r.Fields {
		if !risk.EqualFold(r.Fields[i].Name, "Set-Cookie") {
			continue
		}
		c := read(r.Fields[i].Value)
		if c.name == "" {
			continue // it could pass for any other: "=__Host-session=…" has been read as __Host-session
		}
		value := g.mend(r.Fields[i].Value, &c, overTLS)
		x.Edit(risk.Edit{Do: risk.AddField, On: risk.OnReply, Stage: risk.Mask, Name: "Set-Cookie", Value: value})
	}
	return nil
}

// A lack is what has to change in a cookie.
type lack struct{ secure, httpOnly, sameSite, domain, path bool }

func (g *guard) lacks(c *cookie, overTLS bool) (l lack) {
	host := prefixed(c.name, hostPrefix)
	promised := host || prefixed(c.name, securePrefix)
	l.secure = (overTLS || promised) && c.traits&secure == 0
	l.httpOnly = c.traits&httpOnly == 0 && !slices.Contains(g.Scripts, c.name)
	if slices.Contains(g.CrossSite, c.name) {
		l.sameSite = c.traits&(sameSite|anySite) == 0
	} else {
		l.sameSite = c.traits&sameSite == 0
	}
	l.domain = c.traits&domain != 0 && (host || !g.listed(c.domain))
	l.path = host && c.traits&root == 0
	return l
}

// listed tells whether cookies may be set for the domain.
func (g *guard) listed(domain string) bool {
	for _, d := range g.Domains {
		if risk.EqualFold(d, domain) {
			return true
		}
	}
	return false
}

// mend writes the cookie without what it must not have and with what it lacks.
func (g *guard) mend(field string, c *cookie, overTLS bool) string {
	l := g.lacks(c, overTLS)
	var b strings.Builder
	pair, rest, _ := strings.Cut(field, ";")
	b.WriteString(strings.Trim(pair, " \t"))
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, ";")
		name, _ := attribute(part)
		if name == "" || l.sameSite && risk.EqualFold(name, "SameSite") || l.domain && risk.EqualFold(name, "Domain") ||
			l.path && risk.EqualFold(name, "Path") {
			continue
		}
		b.WriteString("; " + strings.Trim(part, " \t"))
	}
	if l.path {
		b.WriteString("; Path=/")
	}
	if l.secure {
		b.WriteString("; Secure")
	}
	if l.httpOnly {
		b.WriteString("; HttpOnly")
	}
	if l.sameSite {
		b.WriteString("; SameSite=Lax")
	}
	return b.String()
}
