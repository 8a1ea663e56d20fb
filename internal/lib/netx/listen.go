// Package netx knows addresses: what `listen` may say, how a listener is
// opened and bounded, and whom a forwarded request came from.
//
// Nothing here resolves a name: whether a host is loopback is decided from
// its text alone, so that a hosts file or a DNS answer cannot turn a public
// listener into a "local" one.
package netx

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/source"
)

// Codes of the diagnostics about `listen`, `admin.bind` and `trusted_proxies`.
const (
	CodeBadURL         source.Code = "listen/bad-url"
	CodeBadHost        source.Code = "listen/bad-host"
	CodePlainHTTP      source.Code = "listen/plain-http"
	CodePortInUse      source.Code = "listen/port-in-use"
	CodePrivilegedPort source.Code = "listen/privileged-port"
	CodeNoAddress      source.Code = "listen/no-address"
	CodeSocket         source.Code = "listen/socket"
	CodeTrustedProxy   source.Code = "listen/trusted-proxy"
)

// Scheme is how a hop is protected. The zero value is Plain, the one that is
// trusted least.
type Scheme uint8

// The schemes.
const (
	Plain Scheme = iota // http
	TLS                 // https
)

// String is "http" or "https".
func (s Scheme) String() string {
	switch s {
	case Plain:
		return "http"
	case TLS:
		return "https"
	}
	return "http"
}

// maxSocketPath bounds the path of a Unix socket, in bytes: the kernel takes
// 107, and the socket is made in a private folder beside it first.
const maxSocketPath = 88

// A Listen is one place where connections are taken in. It comes from
// ParseListen, ParseListenBehind or ParseBind only.
type Listen struct {
	Scheme Scheme
	Host   string // DNS name in lower case, or IP literal without brackets; "" means every address
	Port   uint16 // 0 lets the system choose
	Socket string // absolute path of a Unix socket; Host and Port are then empty

	// Proxied is set on plain listeners that other machines can reach: a
	// request is lawful there only when ForwardedProto says TLS.
	Proxied bool
}

// ParseListen reads the text of `listen`: https://host[:port],
// http://host[:port] with a loopback host, or unix:///path, which speaks plain
// HTTP. The ports default to 443 and 80. The error is a source.Diagnostic
// without a place.
func ParseListen(text string) (Listen, error) { return ParseListenBehind(text, Trusted{}) }

// ParseListenBehind is ParseListen for a gateway behind proxies: with at least
// one trusted prefix, http:// is taken on any host, and the result is Proxied.
func ParseListenBehind(text string, t Trusted) (Listen, error) {
	if !strings.Contains(text, "://") {
		return Listen{}, badURL(text, "write the whole URL, such as https://"+example(text))
	}
	u, err := url.Parse(text)
	if err != nil {
		return Listen{}, badURL(text, "write https://host:port")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") {
		return Listen{}, badURL(text, "a listener has no user, query or fragment; write https://host:port")
	}
	switch u.Scheme {
	case "unix":
		return parseSocket(text, u)
	case "https":
		return parseHostPort(u, TLS)
	case "http":
		l, err := parseHostPort(u, Plain)
		if err != nil || l.Loopback() {
			return l, err
		}
		if len(t.Prefixes) == 0 {
			return Listen{}, plainHTTP(text, l)
		}
		l.Proxied = true
		return l, nil
	}
	return Listen{}, badURL(text, fmt.Sprintf("the scheme %q is not known; use https, http (loopback only) or unix", u.Scheme))
}

// ParseBind reads the text of `admin.bind`, host:port, as a TLS listener.
func ParseBind(text string) (Listen, error) {
	if strings.Contains(text, "/") || text == "" {
		return Listen{}, badURL(text, "write host:port, such as 127.0.0.1:9443")
	}
	u := &url.URL{Scheme: "https", Host: text}
	if u.Port() == "" {
		return Listen{}, badURL(text, "name the port too, such as 127.0.0.1:9443")
	}
	return parseHostPort(u, TLS)
}

func parseSocket(text string, u *url.URL) (Listen, error) {
	p := u.Path
	switch {
	case u.Host != "" || !path.IsAbs(p):
		return Listen{}, badURL(text, "write an absolute path with three slashes: unix:///run/sallyport/api.sock")
	case path.Clean(p) != p || strings.ContainsFunc(p, isControl):
		return Listen{}, badURL(text, "write the path without . or .. parts, control characters or a final slash")
	case len(p) > maxSocketPath:
		return Listen{}, badURL(text, fmt.Sprintf("the path of a socket has at most %d bytes", maxSocketPath))
	}
	return Listen{Scheme: Plain, Socket: p}, nil
}

func parseHostPort(u *url.URL, s Scheme) (Listen, error) {
	if u.Path != "" && u.Path != "/" {
		return Listen{}, badURL(u.String(), "a listener has no path; the prefix of an API is its `at`")
	}
	host, ok := checkHost(u.Hostname(), strings.HasPrefix(u.Host, "["))
	if !ok {
		return Listen{}, source.Diagnostic{Code: CodeBadHost,
			Text: fmt.Sprintf("%q is neither a DNS name nor an IP address", u.Hostname()),
			Hint: "write a name such as api.example.com (internationalised names in their xn-- form), 127.0.0.1, [::1], or nothing before the colon for every address"}
	}
	port, ok := parsePort(u, s)
	if !ok {
		return Listen{}, badURL(u.String(), "a port is a number from 0 to 65535")
	}
	return Listen{Scheme: s, Host: host, Port: port}, nil
}

func parsePort(u *url.URL, s Scheme) (uint16, bool) {
	text := u.Port()
	if text == "" {
		if strings.HasSuffix(u.Host, ":") {
			return 0, false
		}
		if s == TLS {
			return 443, true
		}
		return 80, true
	}
	return port(text)
}

// port reads one to five digits; strconv alone would take a sign.
func port(text string) (uint16, bool) {
	if text == "" || len(text) > 5 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil
}

// String is the URL of l, with the port even where it is the default one.
func (l Listen) String() string {
	if l.Socket != "" {
		return "unix://" + l.Socket
	}
	return l.Scheme.String() + "://" + net.JoinHostPort(l.Host, strconv.Itoa(int(l.Port)))
}

// Address is what is bound: the IP literal, 127.0.0.1 for localhost, and every
// address for a DNS name, which names the certificate and not the interface.
func (l Listen) Address() string {
	if l.Socket != "" {
		return l.Socket
	}
	host := l.Host
	if _, err := netip.ParseAddr(host); err != nil {
		host = ""
	}
	if l.Host == "localhost" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(int(l.Port)))
}

// Loopback tells whether only this machine can connect: the host is
// localhost or a loopback literal, or l is a Unix socket.
func (l Listen) Loopback() bool { return l.Socket != "" || LoopbackHost(l.Host) }

// Names are the DNS names and IP literals that a certificate for l must have.
// Loopback and "every address" give localhost, 127.0.0.1 and ::1; a socket
// gives none.
func (l Listen) Names() []string {
	if l.Socket != "" {
		return nil
	}
	addr, err := netip.ParseAddr(l.Host)
	if l.Host != "" && !LoopbackHost(l.Host) && (err != nil || !addr.IsUnspecified()) {
		return []string{l.Host}
	}
	names := []string{"localhost", "127.0.0.1", "::1"}
	if err == nil && addr.IsLoopback() && l.Host != "127.0.0.1" && l.Host != "::1" {
		names = append(names, l.Host)
	}
	return names
}

// LoopbackHost tells whether host is "localhost" or a loopback IP literal. It
// never resolves: a name that happens to point to 127.0.0.1 is not loopback.
func LoopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func badURL(text, hint string) source.Diagnostic {
	return source.Diagnostic{Code: CodeBadURL, Text: fmt.Sprintf("%q is not a place to listen on", text), Hint: hint}
}

func plainHTTP(text string, l Listen) source.Diagnostic {
	l.Scheme = TLS
	return source.Diagnostic{Code: CodePlainHTTP,
		Text: fmt.Sprintf("%q would take keys and tokens over plain HTTP", text),
		Hint: fmt.Sprintf("write %s, use a loopback host or a Unix socket, or list the proxies that end TLS in trusted_proxies", l)}
}

// example guesses the URL that a user meant by text without a scheme.
func example(text string) string {
	if _, _, err := net.SplitHostPort(text); err == nil || (text != "" && !strings.ContainsAny(text, "/ ")) {
		return text
	}
	return "127.0.0.1:8443"
}
