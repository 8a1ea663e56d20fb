package gateway

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/netx"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// intake turns what came into Facts and finds the unit. A fault means that the
// request has no single meaning.
func (e *exchange) intake() *fault.Fault {
	q := &e.facts.Request
	q.Method, q.Proto = e.in.Method, e.in.Proto
	e.takeFields()
	e.takeConn()
	if e.plan != nil {
		e.unit = e.plan.Listener
	}
	switch {
	case e.in.Refused != nil:
		e.evidence()
		return e.in.Refused
	case e.plan == nil:
		return fault.New(fault.Stopping, http.StatusServiceUnavailable, "no policy is in force")
	case !lawfulHost(e.in.Host):
		return badHead.Because(errHost)
	}
	q.Host = hostName(e.in.Host)
	if !e.g.serves(q.Host, e.plan) {
		return misdirected
	}
	if t := e.in.TLS; t != nil && t.ServerName != "" && !risk.EqualFold(t.ServerName, q.Host) {
		return misdirected // RFC 9110 section 7.4: the certificate was for another name
	}
	if f := e.takeTarget(); f != nil {
		return f
	}
	q.Media = mediaType(q.Fields)
	q.Length, q.Body = e.in.Length, e.in.Body != nil
	return e.takeRoute()
}

// evidence keeps the path of a request that the front refused, where it has
// one.
func (e *exchange) evidence() {
	path, _, _ := strings.Cut(e.in.Target, "?")
	if p, err := e.pathOptions().Path(path); err == nil {
		e.facts.Request.Path = p
	}
}

// Faults of the head, made once.
var (
	badHead     = fault.New(fault.BadHead, http.StatusBadRequest, "the request head is malformed")
	badPath     = fault.New(fault.BadPath, http.StatusBadRequest, "the path has no single meaning")
	badQuery    = fault.New(fault.BadQuery, http.StatusBadRequest, "the query has no single meaning")
	misdirected = fault.New(fault.Misdirected, http.StatusMisdirectedRequest, "this host is not served on this connection")
)

func (e *exchange) takeConn() {
	c, q := &e.facts.Conn, &e.facts.Request
	c.Peer, c.Loopback = e.in.Peer, e.in.Local || e.in.Peer.IsLoopback()
	var forwarded netx.Fields
	if len(e.g.conf.Trusted.Prefixes) > 0 {
		forwarded = netx.Fields{
			XForwardedFor: all(q.Fields, "X-Forwarded-For"), XForwardedProto: all(q.Fields, "X-Forwarded-Proto"), Forwarded: all(q.Fields, "Forwarded"),
		}
		if len(forwarded.XForwardedFor)+len(forwarded.XForwardedProto)+len(forwarded.Forwarded) > 0 {
			c.Loopback = false // a proxy on this machine speaks for somebody else
		}
	}
	if e.in.Stray { // it counts as neither secure nor local, whatever its address
		c.Loopback = false
	}
	c.Client = netx.ClientAddr(c.Peer, forwarded, e.g.conf.Trusted)
	switch {
	case !c.Client.IsValid():
	case c.Client == c.Peer && e.in.Named != "":
		e.client = e.in.Named
	default:
		e.client = c.Client.String()
	}
	if t := e.in.TLS; t != nil {
		c.TLSVersion, c.TLSSuite, c.Secure = t.Version, t.CipherSuite, true
		e.ev.TLS.Version = tls.VersionName(t.Version)
		e.ev.TLS.Suite = suiteName(t.CipherSuite)
	} else {
		c.Secure = netx.ForwardedProto(c.Peer, forwarded, e.g.conf.Trusted) == netx.TLS
	}
}

// suiteName is tls.CipherSuiteName, which makes its table anew each time, with
// the suites that we offer known beforehand.
func suiteName(id uint16) string {
	switch id {
	case tls.TLS_AES_128_GCM_SHA256:
		return "TLS_AES_128_GCM_SHA256"
	case tls.TLS_AES_256_GCM_SHA384:
		return "TLS_AES_256_GCM_SHA384"
	case tls.TLS_CHACHA20_POLY1305_SHA256:
		return "TLS_CHACHA20_POLY1305_SHA256"
	case tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:
		return "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
	case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:
		return "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
	}
	return tls.CipherSuiteName(id)
}

// all lists the values of a field.
func all(f risk.Fields, name string) (out []string) {
	for i := range f {
		if f[i].Name == name {
			out = append(out, f[i].Value)
		}
	}
	return out
}

// takeFields copies the fields in the order of the wire, without those that
// Connection takes away.
func (e *exchange) takeFields() {
	q := &e.facts.Request
	hop := hopFields(e.in.Fields)
	for _, f := range e.in.Fields {
		if len(hop) == 0 || !hop.names(f.Name) {
			q.Fields = append(q.Fields, f)
		}
	}
}

// takeTarget canonicalises path and query, once for everything that follows.
func (e *exchange) takeTarget() *fault.Fault {
	q := &e.facts.Request
	if e.in.Target == "*" {
		return badPath
	}
	path, query, _ := strings.Cut(e.in.Target, "?")
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
	if strings.IndexByte(host, ':') >= 0 {
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
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
