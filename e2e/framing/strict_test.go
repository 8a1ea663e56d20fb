package framing

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// A message is a request or reply as the strict reader sees it.
type message struct {
	method, target, version string
	status                  int
	fields                  [][2]string // names in lower case
	body                    []byte
	chunked                 bool
	length                  int64 // as announced; -1: not at all
	trailers                int
	either                  bool  // the RFC lets it be refused or read
	never                   error // why it must not be forwarded, though it is clear where it ends
}

// get is the only value of a field, "" where there is none.
func (m *message) get(name string) (value string) {
	for _, f := range m.fields {
		if f[0] == name {
			value = f[1]
		}
	}
	return value
}

func (m *message) count(name string) (n int) {
	for _, f := range m.fields {
		if f[0] == name {
			n++
		}
	}
	return n
}

// errCut means that a message has not ended where the bytes do.
var errCut = errors.New("the message has not ended")

// malformed says what is wrong with a message.
func malformed(format string, args ...any) error { return fmt.Errorf(format, args...) }

// A reader reads messages by the grammar of RFC 9112 and nothing beyond it. It
// shares no code with the gateway: it is the judge.
type reader struct {
	b      []byte
	at     int
	client bool // a client sent it: empty lines before a request are none of it (RFC 9112 section 2.2)
}

func (r *reader) rest() []byte { return r.b[r.at:] }

// line reads up to CRLF; a bare CR or LF, and NUL, are malformed.
func (r *reader) line() (string, error) {
	for i, c := range r.rest() {
		switch {
		case c == 0:
			return "", malformed("NUL in a line")
		case c == '\n' && (i == 0 || r.rest()[i-1] != '\r'):
			return "", malformed("a bare LF")
		case c == '\n':
			s := string(r.rest()[:i-1])
			r.at += i + 1
			return s, nil
		case i > 0 && r.rest()[i-1] == '\r':
			return "", malformed("a bare CR")
		}
	}
	return "", errCut
}

const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func isToken(s string) bool { return s != "" && strings.Trim(s, tokens) == "" }

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// number reads digits of a base that fit 62 bits.
func number(s string, base int64) (n int64, ok bool) {
	for _, c := range strings.ToLower(s) {
		d := int64(strings.IndexRune("0123456789abcdef", c))
		if d < 0 || d >= base || n > 1<<62/base-base {
			return 0, false
		}
		n = n*base + d
	}
	return n, s != ""
}

// request reads one request.
func (r *reader) request() (*message, error) {
	line, err := r.line()
	for err == nil && line == "" && r.client {
		line, err = r.line()
	}
	if err != nil {
		return nil, err
	}
	m := &message{length: -1}
	parts := strings.Split(line, " ")
	if len(parts) != 3 {
		return nil, malformed("the request line %q", line)
	}
	m.method, m.target, m.version = parts[0], parts[1], parts[2]
	switch {
	case !isToken(m.method):
		return nil, malformed("the method %q", m.method)
	case m.version != "HTTP/1.1" && m.version != "HTTP/1.0":
		return nil, malformed("the version %q", m.version)
	case m.method == "CONNECT":
		return nil, malformed("CONNECT")
	}
	if err := r.head(m); err != nil {
		return nil, err
	}
	m.never = m.checkTarget()
	return m, r.body(m)
}

// checkTarget holds the target to the method and to Host (RFC 9112 section 3.2).
func (m *message) checkTarget() error {
	host := m.get("host")
	switch n := m.count("host"); {
	case n > 1, n == 0 && m.version != "HTTP/1.0":
		return malformed("%d Host fields", n)
	case n == 1 && !isHost(host):
		return malformed("the Host %q", host)
	}
	for _, c := range []byte(m.target) {
		if c <= ' ' || c == 0x7f || c == '#' {
			return malformed("the target %q", m.target)
		}
	}
	if m.target == "*" && m.method == "OPTIONS" || strings.HasPrefix(m.target, "/") {
		return nil
	}
	scheme, rest, ok := strings.Cut(m.target, "://")
	authority, _, _ := strings.Cut(rest, "/")
	authority, _, _ = strings.Cut(authority, "?")
	if scheme = strings.ToLower(scheme); !ok || scheme != "http" && scheme != "https" || !isHost(authority) {
		return malformed("the target %q", m.target)
	}
	if !strings.EqualFold(authority, host) && m.count("host") > 0 {
		return malformed("the target %q with the Host %q", m.target, host)
	}
	return nil
}

// path is the target without scheme and authority.
func (m *message) path() string {
	if _, rest, ok := strings.Cut(m.target, "://"); ok && !strings.HasPrefix(m.target, "/") {
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			return "/" + strings.TrimPrefix(rest[i:], "/")
		}
		return "/"
	}
	return m.target
}

// isHost tells whether s is a name or an address, and perhaps a port.
func isHost(s string) bool {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		if port := s[i+1:]; port != "" && (!isDigits(port) || len(port) > 5) {
			return false
		}
		s = s[:i]
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		a, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && a.Is6()
	}
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") == ""
}

// head reads field lines to the empty one.
func (r *reader) head(m *message) error {
	for {
		line, err := r.line()
		switch {
		case err != nil:
			return err
		case line == "":
			return nil
		}
		f, err := field(line)
		if err != nil {
			return err
		}
		m.fields = append(m.fields, f)
	}
}

func field(line string) (f [2]string, err error) {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !isToken(name) {
		return f, malformed("the field line %q", line)
	}
	value = strings.Trim(value, " \t")
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return f, malformed("a control character in %q", line)
		}
	}
	return [2]string{strings.ToLower(name), value}, nil
}

// body reads the body of a request (RFC 9112 section 6.3).
func (r *reader) body(m *message) error {
	lengths, codings := m.count("content-length"), m.count("transfer-encoding")
	switch {
	case lengths > 0 && codings > 0:
		return malformed("Content-Length and Transfer-Encoding")
	case lengths > 1, codings > 1:
		return malformed("a doubled length")
	case codings == 1:
		if m.version != "HTTP/1.1" || !strings.EqualFold(m.get("transfer-encoding"), "chunked") {
			return malformed("Transfer-Encoding %q in %s", m.get("transfer-encoding"), m.version)
		}
		m.chunked = true
		return r.chunks(m)
	case lengths == 1:
		n, ok := number(m.get("content-length"), 10)
		if !ok {
			return malformed("Content-Length %q", m.get("content-length"))
		}
		m.length = n
		if n > int64(len(r.rest())) {
			m.body = r.rest()
			return errCut
		}
		m.body = r.rest()[:n]
		r.at += int(n)
	}
	return nil
}

// chunks reads a chunked body (RFC 9112 section 7.1).
func (r *reader) chunks(m *message) error {
	for {
		line, err := r.line()
		if err != nil {
			// What was cut off may be wrong already.
			size, _, _ := bytes.Cut(bytes.TrimRight(r.rest(), "\r"), []byte(";"))
			if text := strings.TrimRight(string(size), " \t"); errors.Is(err, errCut) && text != "" && !isHex(text) {
				return malformed("the chunk line %q", r.rest())
			}
			return err
		}
		size, extension := line, ""
		if i := strings.IndexAny(line, "; \t"); i >= 0 {
			size, extension = line[:i], line[i:]
		}
		n, ok := number(size, 16)
		if !ok || !isExtension(extension) {
			return malformed("the chunk line %q", line)
		}
		if n == 0 {
			break
		}
		have := int64(len(r.rest()))
		m.body = append(m.body, r.rest()[:min(n, have)]...)
		if have > n && r.rest()[n] != '\r' || have > n+1 && r.rest()[n+1] != '\n' {
			return malformed("a chunk that does not end in CRLF")
		}
		if have < n+2 {
			return errCut
		}
		r.at += int(n) + 2
	}
	before := len(m.fields)
	err := r.head(m)
	m.trailers = len(m.fields) - before
	m.fields = m.fields[:before]
	return err
}

func isHex(s string) bool { _, ok := number(s, 16); return ok }

// isExtension reads *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted ) ] ).
func isExtension(s string) bool {
	for s != "" {
		s = strings.TrimLeft(s, " \t")
		rest, ok := strings.CutPrefix(s, ";")
		if !ok {
			return false
		}
		rest = strings.TrimLeft(rest, " \t")
		after := strings.TrimLeft(rest, tokens)
		if len(after) == len(rest) {
			return false
		}
		s = after
		value, ok := strings.CutPrefix(strings.TrimLeft(after, " \t"), "=")
		if !ok {
			continue
		}
		value = strings.TrimLeft(value, " \t")
		if quoted, ok := strings.CutPrefix(value, `"`); ok {
			if s, ok = afterQuote(quoted); !ok {
				return false
			}
			continue
		}
		if s = strings.TrimLeft(value, tokens); len(s) == len(value) {
			return false
		}
	}
	return true
}

// afterQuote skips to behind the closing quote.
func afterQuote(s string) (string, bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[i+1:], true
		case c == '\\':
			i++
		case c < ' ' && c != '\t' || c == 0x7f:
			return "", false
		}
	}
	return "", false
}

// reply reads one reply to a request with method. ended tells that no more
// bytes will come.
func (r *reader) reply(method string, ended bool) (*message, error) {
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	m := &message{length: -1}
	version, rest, _ := strings.Cut(line, " ")
	code, _, spaced := strings.Cut(rest, " ")
	n, ok := number(code, 10)
	if version != "HTTP/1.1" && version != "HTTP/1.0" || !spaced || !ok || len(code) != 3 || n < 100 {
		return nil, malformed("the status line %q", line)
	}
	m.version, m.status = version, int(n)
	if err := r.head(m); err != nil {
		return nil, err
	}
	lengths, codings := m.count("content-length"), m.count("transfer-encoding")
	switch {
	case m.status < 200 || m.status == 204:
		if lengths+codings > 0 {
			return nil, malformed("a length with the status %d", m.status)
		}
		return m, nil
	case method == "HEAD" || m.status == 304:
		if lengths > 1 || codings > 1 {
			return nil, malformed("a doubled length")
		}
		return m, nil
	case lengths+codings == 0:
		if !ended {
			return nil, errCut
		}
		m.body = r.rest()
		r.at = len(r.b)
		return m, nil
	}
	return m, r.body(m)
}

// fromClient tells who sent requests: a client, or the gateway.
type fromClient bool

// requests reads all requests that b begins with. The error is that of the
// first one that is malformed or cut; nil where b ends with a request.
func requests(b []byte, client fromClient) (list []*message, partial *message, err error) {
	r := &reader{b: b, client: bool(client)}
	for len(r.rest()) > 0 {
		m, err := r.request()
		if err != nil {
			return list, m, err
		}
		list = append(list, m)
	}
	return list, nil, nil
}
