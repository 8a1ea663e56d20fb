package gateway

import (
	"net/url"
	"strings"
)

// public maps what a field of the reply says of places to the client's view,
// which is the one that guards judge.
func (e *exchange) public(name, value string) string {
	switch name {
	case "Location", "Content-Location":
		return e.publicURL(value)
	case "Link":
		return e.publicLinks(value)
	case "Set-Cookie":
		return e.publicCookie(value)
	}
	return value
}

// publicURL maps a URL of the upstream to the client's view: our prefix in
// place of the upstream's base, and no upstream host. What points elsewhere
// stays.
func (e *exchange) publicURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" {
		return raw
	}
	a := e.unit.API
	switch {
	case u.Host == "" && strings.HasPrefix(u.Path, "/"):
	case u.Host != "" && a.Upstream.Has(u.Host):
		u.Scheme, u.Host = "", ""
	default:
		return raw
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	rest, ok := strings.CutPrefix(path, a.Upstream.Base)
	if !ok || rest != "" && rest[0] != '/' {
		return raw
	}
	if rest = a.Prefix + rest; rest == "" || strings.HasPrefix(rest, "//") {
		rest = "/" + strings.TrimLeft(rest, "/")
	}
	if u.RawQuery != "" {
		rest += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		rest += "#" + u.EscapedFragment()
	}
	return rest
}

// publicLinks maps each target of a Link field (RFC 8288).
func (e *exchange) publicLinks(v string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(v, "<")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		target, after, ok := strings.Cut(rest, ">")
		if !ok {
			b.WriteString("<" + rest)
			return b.String()
		}
		b.WriteString("<" + e.publicURL(target) + ">")
		v = after
	}
}

// publicCookie maps the Path of a Set-Cookie field.
func (e *exchange) publicCookie(v string) string {
	a := e.unit.API
	if a.Prefix == a.Upstream.Base {
		return v
	}
	parts := strings.Split(v, ";")
	for i, p := range parts[1:] {
		name, value, ok := strings.Cut(strings.Trim(p, " \t"), "=")
		if !ok || !strings.EqualFold(name, "Path") {
			continue
		}
		rest, under := strings.CutPrefix(value, a.Upstream.Base)
		switch {
		case under && (rest == "" || rest[0] == '/'):
			parts[i+1] = " Path=" + orRoot(a.Prefix+strings.TrimSuffix(rest, "/"))
		case strings.HasPrefix(a.Upstream.Base, strings.TrimSuffix(value, "/")+"/"):
			// A parent of the base: all that we may name is our own root.
			parts[i+1] = " Path=" + orRoot(a.Prefix)
		}
	}
	return strings.Join(parts, ";")
}

func orRoot(p string) string {
	if p == "" {
		return "/"
	}
	return p
}
