package wire

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"time"

	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/risk"
)

// A scripted connection gives bytes and takes the replies.
type scripted struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *scripted) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *scripted) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *scripted) Close() error                     { return nil }
func (s *scripted) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *scripted) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *scripted) SetDeadline(time.Time) error      { return nil }
func (s *scripted) SetReadDeadline(time.Time) error  { return nil }
func (s *scripted) SetWriteDeadline(time.Time) error { return nil }

// A taken is one request as the front understood it.
type taken struct {
	method, target, host, body string
	fields                     risk.Fields
	whole                      bool // the body came whole
}

// feed gives bytes to a connection of s until it ends.
func feed(s *Server, raw []byte, h func(*Exchange)) {
	c := newConn(s, &scripted{in: bytes.NewReader(raw)})
	s.conf.Handler = HandlerFunc(h)
	c.run()
}

// strictHead is the grammar of RFC 9112 sections 3 and 5 written as simply as
// possible.
var strictHead = regexp.MustCompile(`\A(?:\r\n)?([!#$%&'*+\-.^_\x60|~0-9A-Za-z]+) ([^\x00-\x20\x7f]+) HTTP/1\.[01]\r\n((?:[!#$%&'*+\-.^_\x60|~0-9A-Za-z]+:[\t\x20-\x7e]*\r\n)*)\r\n`)

// naive reads one request from the beginning of raw as the grammar has it, and
// returns what follows.
func naive(raw string) (taken, string, bool) {
	m := strictHead.FindStringSubmatch(raw)
	if m == nil {
		return taken{}, "", false
	}
	out := taken{method: m[1], target: m[2], whole: true}
	rest := raw[len(m[0]):]
	var length, coding []string
	for line := range strings.SplitSeq(strings.TrimSuffix(m[3], "\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		switch strings.ToLower(name) {
		case "content-length":
			length = append(length, value)
		case "transfer-encoding":
			coding = append(coding, strings.ToLower(value))
		case "host":
			out.host = value
		}
	}
	switch {
	case len(coding) > 0:
		if len(length) > 0 || len(coding) > 1 || coding[0] != "chunked" {
			return taken{}, "", false
		}
		var ok bool
		out.body, rest, ok = naiveChunks(rest)
		return out, rest, ok
	case len(length) > 0:
		n, ok := decimal(length[0])
		if !ok || len(length) > 1 || n > int64(len(rest)) {
			return taken{}, "", false
		}
		out.body, rest = rest[:n], rest[n:]
	}
	return out, rest, true
}

var (
	strictSize    = regexp.MustCompile(`\A([0-9A-Fa-f]{1,15})(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_\x60|~0-9A-Za-z]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_\x60|~0-9A-Za-z]+|"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*"))?)*\r\n`)
	strictTrailer = regexp.MustCompile(`\A(?:[!#$%&'*+\-.^_\x60|~0-9A-Za-z]+:[\t\x20-\x7e]*\r\n)*\r\n`)
)

func naiveChunks(raw string) (body, rest string, ok bool) {
	for {
		m := strictSize.FindStringSubmatch(raw)
		if m == nil {
			return "", "", false
		}
		raw = raw[len(m[0]):]
		n := 0
		for _, c := range []byte(m[1]) {
			v, _ := canon.Unhex(c)
			n = n<<4 | int(v)
		}
		if n == 0 {
			t := strictTrailer.FindString(raw)
			return body, strings.TrimPrefix(raw, t), t != ""
		}
		if n > len(raw)-2 || raw[n:n+2] != "\r\n" {
			return "", "", false
		}
		body += raw[:n]
		raw = raw[n+2:]
	}
}

// FuzzTheFrontAcceptsNothingThatOthersReadOtherwise feeds connections. Whatever
// the front takes, net/http and the naive grammar take too, in the same places
// and with the same meaning.
func FuzzTheFrontAcceptsNothingThatOthersReadOtherwise(f *testing.F) {
	for _, r := range refusals() {
		f.Add([]byte(r.raw[:min(len(r.raw), 2000)]))
	}
	for _, body := range []string{"5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n", "5;a=\"\\\"\"\r\nhello\r\n00\r\n\r\n"} {
		f.Add([]byte(post("Transfer-Encoding: chunked", body)))
	}
	f.Add([]byte(get("A: b", "a: c") + post("Content-Length: 3", "abc") + get("Connection: close")))
	f.Add([]byte("\r\nGET http://a/x?y HTTP/1.1\r\nHost: a\r\nX:\t y \r\n\r\n"))
	s := New(Config{Handler: HandlerFunc(func(*Exchange) {})})
	f.Cleanup(func() { _ = s.Close() })
	fuzzloop.Run(f, func(t *testing.T, raw []byte) {
		if len(raw) > 64<<10 {
			return
		}
		takes(t, s, raw)
	})
}

// takes feeds raw to the front and holds what it takes to the two other
// readers.
func takes(t *testing.T, s *Server, raw []byte) {
	rest, other := low(string(raw)), bufio.NewReader(bytes.NewReader(raw))
	serve := func(x *Exchange) {
		if x.Refused != nil {
			_ = x.Reply(x.Refused.Status, nil, nil)
			return
		}
		got := taken{method: x.Method, target: x.Target, host: x.Host, fields: append(risk.Fields(nil), x.Fields...), whole: true}
		if x.Body != nil {
			body, err := io.ReadAll(io.LimitReader(x.Body, 1<<20))
			got.body = string(body)
			if got.whole = err == nil; err != nil && faultOf(err) == nil {
				t.Errorf("%q: a body fails with %v", raw, err)
			}
		}
		if got.whole {
			rest = sameNaive(t, &got, rest)
			other = sameStandard(t, &got, other)
			_ = x.Reply(200, nil, []byte("ok"))
		}
	}
	feed(s, raw, serve)
}

// low puts a sign that is in every field and in no token in place of bytes above
// ASCII, which regular expressions take for parts of runes.
func low(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 0x80 {
			b[i] = '('
		}
	}
	return string(b)
}

// sameNaive holds got to what the grammar has at the beginning of rest, and
// returns what follows.
func sameNaive(t *testing.T, got *taken, rest string) string {
	want, rest, ok := naive(rest)
	target, host := want.target, want.host
	if i := strings.Index(target, "://"); i >= 0 && target[0] != '/' {
		authority := target[i+3:]
		j := strings.IndexAny(authority, "/?")
		if j < 0 {
			j = len(authority)
		}
		host = authority[:j]
		if target = authority[j:]; !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
	}
	if !ok || got.method != want.method || low(got.target) != target || low(got.host) != host || low(got.body) != want.body {
		t.Errorf("the front took %+v, the grammar %+v (%v)", got, want, ok)
	}
	return rest
}

// sameStandard holds got to what net/http reads of r. It returns r, or nil where
// net/http does not take the target, and cannot be asked about what follows.
func sameStandard(t *testing.T, got *taken, r *bufio.Reader) *bufio.Reader {
	if r == nil {
		return nil
	}
	if b, _ := r.Peek(2); string(b) == "\r\n" {
		_, _ = r.Discard(2)
	}
	want, err := http.ReadRequest(r)
	if err != nil {
		// net/url is stricter about targets, which are judged after the front.
		if strings.Contains(err.Error(), "parse ") || strings.Contains(err.Error(), "invalid URI") {
			return nil
		}
		t.Fatalf("the front took %+v, net/http says %v", got, err)
	}
	body, err := io.ReadAll(want.Body)
	if err != nil && strings.Contains(err.Error(), "invalid byte in chunk length") && want.Method == got.method {
		return nil // it takes no space before the extension of a chunk, which the grammar has (RFC 9112 section 7.1.1)
	}
	if err != nil || string(body) != got.body || want.Method != got.method {
		t.Errorf("the front took %+v, net/http %+v %q, %v", got, want, body, err)
	}
	if want.Host != got.host && !(want.URL.Host != "" && strings.EqualFold(want.Host, got.host)) {
		t.Errorf("host %q, net/http %q", got.host, want.Host)
	}
	count := map[string]int{}
	for _, f := range got.fields {
		values := want.Header[f.Name]
		if f.Name == "Trailer" {
			continue // net/http takes it out
		}
		if i := count[f.Name]; i >= len(values) || values[i] != f.Value {
			t.Errorf("%s %d is %q, net/http has %q", f.Name, i, f.Value, values)
		}
		count[f.Name]++
	}
	for name, values := range want.Header {
		if count[name] != len(values) {
			t.Errorf("net/http has %d of %s, the front %d", len(values), name, count[name])
		}
	}
	return r
}
