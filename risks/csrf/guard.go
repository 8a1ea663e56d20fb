package csrf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// guard asks requests that bring a cookie where they come from.
type guard struct {
	cookies []string // credentials that browsers send by themselves
	headers []string // credentials that they do not
	origins []string
	denial  *risk.Denial
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	p, ok := s.Params.(Params)
	if s.Params != nil && !ok {
		return nil, fmt.Errorf("settings are a %T", s.Params)
	}
	for _, o := range p.Origins {
		if err := checkOrigin(o); err != nil {
			return nil, fmt.Errorf("origin %q: %w", o, err)
		}
	}
	if s.Scope != risk.OfOperation || !s.Op.Unsafe() {
		return nil, nil
	}
	g := &guard{cookies: append(cookiesOf(s.Op), p.Cookies...), origins: p.Origins}
	if len(g.cookies) == 0 {
		return nil, nil
	}
	each(s.Op, contract.InHeader, func(name string) { g.headers = append(g.headers, name) })
	if s.API != nil && s.API.KeyHeader != "" {
		g.headers = append(g.headers, s.API.KeyHeader)
	}
	g.denial = &risk.Denial{
		Code: CodeForeign, Status: 403, Title: "pages of other sites may not do this",
		Reason: "the request brings a cookie and does not show that it comes from a page of the API",
	}
	return risk.At(risk.Admit, g), nil
}

// checkOrigin takes an origin as browsers write it.
func checkOrigin(o string) error {
	scheme, host, _ := strings.Cut(o, "://")
	switch {
	case scheme != "https" && scheme != "http":
		return errors.New("write https://host or https://host:port")
	case host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, "/*@ ?#"):
		return errors.New("write the host in lower case, without path or wildcard")
	}
	return nil
}

// Check passes what no page of another site can have sent.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	if x.Caller().Kind == risk.KeyCaller || !g.brings(x.Request()) || g.shows(x.Request().Fields) || g.ours(x) {
		return nil
	}
	return g.denial
}

// brings tells whether a cookie that is a credential is there.
func (g *guard) brings(q *risk.Request) bool {
	for _, name := range g.cookies {
		if _, n := q.Cookie(name); n > 0 {
			return true
		}
	}
	return false
}

// shows tells whether a credential is there that a page has to add itself,
// which it may not do for another site without a preflight. Browsers add
// Authorization of the schemes that they ask for a password with.
func (g *guard) shows(f risk.Fields) bool {
	for _, name := range g.headers {
		if f.Get(name) != "" {
			return true
		}
	}
	scheme, token, _ := strings.Cut(f.Get("Authorization"), " ")
	return token != "" && (risk.EqualFold(scheme, "Bearer") || risk.EqualFold(scheme, "DPoP"))
}

// ours tells whether the browser says that a page of ours sent the request.
// Pages cannot set these fields. Silence is no: old browsers leave Origin out,
// and tools have no reason to use a cookie.
func (g *guard) ours(x *risk.Exchange) bool {
	q := x.Request()
	switch f := q.Fields; {
	case f.Count("Sec-Fetch-Site") > 1 || f.Count("Origin") > 1 || f.Count("Referer") > 1:
		return false
	case f.Get("Sec-Fetch-Site") == "same-origin", f.Get("Sec-Fetch-Site") == "none":
		return true
	case f.Has("Origin"):
		return g.allows(f.Get("Origin"), x)
	case f.Has("Sec-Fetch-Site"):
		return false
	default:
		return g.allows(origin(f.Get("Referer")), x)
	}
}

// allows tells whether an origin is listed or the API's own, on any port. Over
// TLS, the page must have come over TLS too.
func (g *guard) allows(from string, x *risk.Exchange) bool {
	if slices.Contains(g.origins, from) {
		return true
	}
	scheme, host, _ := strings.Cut(from, "://")
	if scheme != "https" && (scheme != "http" || x.Conn().Secure) {
		return false
	}
	var port string
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host, port, _ = strings.Cut(inner, "]")
	} else {
		host, port, _ = strings.Cut(host, ":")
	}
	return strings.Trim(port, ":0123456789") == "" && host != "" && host == x.Request().Host
}

// origin is the origin of a URL as browsers write it in Referer: there is
// always a path.
func origin(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return url[:min(len(url), len(scheme)+len("://")+len(host))]
}
