package gateway

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/netx"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// intake turns what net/http read into Facts and finds the unit. A fault means
// that the request has no single meaning.
func (e *exchange) intake() *fault.Fault {
	e.takeConn()
	if e.plan == nil {
		return fault.New(fault.Stopping, http.StatusServiceUnavailable, "no policy is in force")
	}
	e.unit = e.plan.Listener
	q := &e.facts.Request
	q.Method, q.Proto = e.r.Method, e.r.Proto
	if err := canon.FieldName(q.Method); err != nil {
		return badHead.Because(err)
	}
	if !lawfulHost(e.r.Host) {
		return badHead.Because(errHost)
	}
	q.Host = hostName(e.r.Host)
	if !e.g.serves(q.Host, e.plan) {
		return misdirected
	}
	if t := e.r.TLS; t != nil && t.ServerName != "" && !risk.EqualFold(t.ServerName, q.Host) {
		return misdirected // RFC 9110 section 7.4: the certificate was for another name
	}
	if f := e.takeFields(); f != nil {
		return f
	}
	if f := e.takeTarget(); f != nil {
		return f
	}
	q.Media = mediaType(q.Fields)
	q.Length = e.r.ContentLength
	q.Body = e.r.ContentLength != 0
	return e.takeRoute()
}

// Faults of the head, made once.
var (
	badHead     = fault.New(fault.BadHead, http.StatusBadRequest, "the request head is malformed")
	badPath     = fault.New(fault.BadPath, http.StatusBadRequest, "the path has no single meaning")
	badQuery    = fault.New(fault.BadQuery, http.StatusBadRequest, "the query has no single meaning")
	misdirected = fault.New(fault.Misdirected, http.StatusMisdirectedRequest, "this host is not served on this connection")
	badWish     = fault.New(fault.Expectation, http.StatusExpectationFailed, "the expectation cannot be met")
)

func (e *exchange) takeConn() {
	c := &e.facts.Conn
	if addr, ok := e.r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && addr.Network() == "unix" {
		c.Loopback = true
	}
	if ap, err := netip.ParseAddrPort(e.r.RemoteAddr); err == nil {
		c.Peer = ap.Addr().Unmap().WithZone("")
		c.Loopback = c.Loopback || c.Peer.IsLoopback()
	}
	forwarded := netx.Fields{
		XForwardedFor:   e.r.Header["X-Forwarded-For"],
		XForwardedProto: e.r.Header["X-Forwarded-Proto"],
		Forwarded:       e.r.Header["Forwarded"],
	}
	if len(forwarded.XForwardedFor)+len(forwarded.XForwardedProto)+len(forwarded.Forwarded) > 0 && len(e.g.conf.Trusted.Prefixes) > 0 {
		c.Loopback = false // a proxy on this machine speaks for somebody else
	}
	if e.r.Context().Value(astray{}) != nil {
		c.Loopback = false
	}
	c.Client = netx.ClientAddr(c.Peer, forwarded, e.g.conf.Trusted)
	if t := e.r.TLS; t != nil {
		c.TLSVersion, c.TLSSuite, c.Secure = t.Version, t.CipherSuite, true
		e.ev.TLS.Version = tls.VersionName(t.Version)
		e.ev.TLS.Suite = tls.CipherSuiteName(t.CipherSuite)
	} else {
		c.Secure = netx.ForwardedProto(c.Peer, forwarded, e.g.conf.Trusted) == netx.TLS
	}
}

// takeFields copies the header in a fixed order, since net/http lost the one
// of the wire.
func (e *exchange) takeFields() *fault.Fault {
	q := &e.facts.Request
	for name, values := range e.r.Header {
		if err := canon.FieldName(name); err != nil {
			return badHead.Because(err)
		}
		for _, v := range values {
			if err := canon.FieldValue(v); err != nil {
				return badHead.Because(err)
			}
			q.Fields = append(q.Fields, risk.Field{Name: name, Value: v})
		}
	}
	if hop := hopFields(q.Fields); len(hop) > 0 {
		q.Fields = slices.DeleteFunc(q.Fields, func(f risk.Field) bool { return hop.names(f.Name) })
	}
	slices.SortStableFunc(q.Fields, func(a, b risk.Field) int { return strings.Compare(a.Name, b.Name) })
	if wish := q.Fields.Get("Expect"); wish != "" && !risk.EqualFold(wish, "100-continue") {
		return badWish
	}
	return nil
}

// takeTarget canonicalises path and query, once for everything that follows.
func (e *exchange) takeTarget() *fault.Fault {
	q := &e.facts.Request
	raw := e.r.RequestURI
	if raw == "*" || e.r.Method == http.MethodConnect {
		return badPath
	}
	if !strings.HasPrefix(raw, "/") { // absolute form (RFC 9112 section 3.2.2)
		_, rest, ok := strings.Cut(raw, "://")
		slash := strings.IndexAny(rest, "/?")
		switch {
		case !ok:
			return badPath
		case slash < 0:
			raw = "/"
		case rest[slash] == '?':
			raw = "/" + rest[slash:]
		default:
			raw = rest[slash:]
		}
	}
	path, query, _ := strings.Cut(raw, "?")
	options := e.pathOptions()
	p, err := options.Path(path)
	if err != nil {
		return badPath.Because(err)
	}
	parsed, err := options.Query(query, q.Pairs)
	if err != nil {
		return badQuery.Because(err)
	}
	q.Path, q.Query, q.Pairs = p, parsed.Text, parsed.Pairs
	return nil
}

// takeRoute finds the unit.
func (e *exchange) takeRoute() *fault.Fault {
	q := &e.facts.Request
	t := e.plan.Find(q.Host, q.Path, q.Method, &e.match)
	e.route, e.unit = t, t.Unit
	e.facts.Route, e.facts.Allowed = t.Route, t.Allow
	if a := t.Unit.API; a != nil {
		q.Path, e.facts.API = t.Path, &a.API
		e.ev.API = a.Name
	}
	if t.Route != risk.Found {
		return nil
	}
	e.facts.Op = t.Unit.Op
	for i := range e.match.Len() {
		s := e.match.Span(i)
		q.Params = append(q.Params, risk.PathParam{
			Name: e.match.Name(i), Text: e.match.Text(i), Raw: q.Path.Raw(int(s.Start), int(s.End)),
		})
	}
	return nil
}

var errHost = errors.New("the host is malformed")

// lawfulHost tells whether s can be a host of ours: a name or an address, and
// a port. It may be empty, as in HTTP/1.0.
func lawfulHost(s string) bool {
	name, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && s[len(s)-1] != ']' {
		name, port = s[:i], s[i+1:]
	}
	if len(port) > 5 || strings.Trim(port, "0123456789") != "" || len(s) > 261 || name == "" && s != "" {
		return false
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		a, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && a.Is6() && inner[len(inner)-1] == ']'
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return true
}

// serves tells whether clients may use this name. A request without one, as in
// HTTP/1.0, names nothing.
func (g *Gateway) serves(host string, p *plan.Plan) bool {
	if g.conf.Hosts == nil || host == "" || g.hosts[host] {
		return true
	}
	for _, a := range p.APIs {
		if a.Host == host {
			return true
		}
	}
	return false
}

// hostName is the host in lower case without its port.
func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// mediaType is the media type of a message in lower case without parameters.
// Two Content-Type fields have no single meaning: the type is then one that no
// contract declares.
func mediaType(f risk.Fields) string {
	if f.Count("Content-Type") > 1 {
		return "\x00"
	}
	v, _, _ := strings.Cut(f.Get("Content-Type"), ";")
	return strings.ToLower(strings.Trim(v, " \t"))
}
