package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/fault"
)

// A refusal is a request that the front must not take, and why.
type refusal struct {
	name, raw string
	status    int
	code      fault.Code
}

// get is a lawful request with more lines in its head.
func get(lines ...string) string {
	return "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}

func post(lines string, body string) string {
	return "POST /p HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n\r\n" + body
}

func refusals() []refusal {
	const host = "\r\nHost: a\r\n\r\n"
	return []refusal{
		{"both lengths", post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400, CodeBoth},
		{"both lengths, the other way around", post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), 400, CodeBoth},
		{"two lengths that differ", post("Content-Length: 5\r\nContent-Length: 6", "hello"), 400, CodeLength},
		{"two equal lengths", post("Content-Length: 5\r\nContent-Length: 5", "hello"), 400, CodeLength},
		{"a list of lengths", post("Content-Length: 5, 5", "hello"), 400, CodeLength},
		{"a length with a sign", post("Content-Length: +5", "hello"), 400, CodeLength},
		{"a negative length", post("Content-Length: -5", "hello"), 400, CodeLength},
		{"a length in hexadecimal", post("Content-Length: 0x5", "hello"), 400, CodeLength},
		{"a length with a space", post("Content-Length: 5 5", "hello"), 400, CodeLength},
		{"no length", post("Content-Length:", "hello"), 400, CodeLength},
		{"a length that overflows", post("Content-Length: 18446744073709551621", "hello"), 400, CodeLength},
		{"a length in other digits", post("Content-Length: ５", "hello"), 400, CodeLength},
		{"a length with an underscore", post("Content-Length: 1_0", "hello"), 400, CodeLength},
		{"gzip, chunked", post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), 501, CodeCoding},
		{"chunked, gzip", post("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"), 400, CodeCoding},
		{"chunked twice", post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), 400, CodeCoding},
		{"chunked in two fields", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400, CodeCoding},
		{"identity", post("Transfer-Encoding: identity", ""), 400, CodeCoding},
		{"identity, chunked", post("Transfer-Encoding: identity, chunked", ""), 400, CodeCoding},
		{"xchunked", post("Transfer-Encoding: xchunked", "0\r\n\r\n"), 400, CodeCoding},
		{"chunked in quotes", post("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"), 400, CodeCoding},
		{"chunked with a comma", post("Transfer-Encoding: chunked,", "0\r\n\r\n"), 400, CodeCoding},
		{"chunked with a parameter", post("Transfer-Encoding: chunked;q=1", "0\r\n\r\n"), 400, CodeCoding},
		{"chunked with a vertical tab", post("Transfer-Encoding: \vchunked", "0\r\n\r\n"), 400, CodeControl},
		{"no coding", post("Transfer-Encoding:", "0\r\n\r\n"), 400, CodeCoding},
		{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, CodeCoding},
		{"a space before the colon", get("X-A : b"), 400, CodeColon},
		{"a tab before the colon", get("X-A\t: b"), 400, CodeColon},
		{"a space before the colon of Transfer-Encoding", post("Transfer-Encoding : chunked", "0\r\n\r\n"), 400, CodeColon},
		{"no colon", get("X-A"), 400, CodeColon},
		{"no name", get(": b"), 400, CodeName},
		{"a space in a name", get("X A: b"), 400, CodeName},
		{"NUL in a name", get("X\x00A: b"), 400, CodeName},
		{"a name in other letters", get("X-Ä: b"), 400, CodeName},
		{"brackets in a name", get("X[A]: b"), 400, CodeName},
		{"a folded line", get("X-A: b", " c"), 400, CodeFold},
		{"a line folded by a tab", get("X-A: b", "\tc"), 400, CodeFold},
		{"a first line that is folded", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, CodeFold},
		{"NUL in a value", get("X-A: b\x00c"), 400, CodeControl},
		{"a bell in a value", get("X-A: \a"), 400, CodeControl},
		{"DEL in a value", get("X-A: b\x7f"), 400, CodeControl},
		{"a bare CR in a value", get("X-A: b\rc"), 400, CodeLineEnd},
		{"a bare CR that hides a field", get("X-A: b\rTransfer-Encoding: chunked"), 400, CodeLineEnd},
		{"two CR at the end of a line", get("X-A: b\r"), 400, CodeLineEnd},
		{"a bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n", 400, CodeLineEnd},
		{"a bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, CodeLineEnd},
		{"bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", 400, CodeLineEnd},
		{"a bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, CodeLineEnd},
		{"a bare CR in the request line", "GET /\r HTTP/1.1" + host, 400, CodeLineEnd},
		{"CR alone between lines", "GET / HTTP/1.1\rHost: a\r\rx", 400, CodeLineEnd},
		{"no Host", "GET / HTTP/1.1\r\nX-A: b\r\n\r\n", 400, CodeHost},
		{"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, CodeHost},
		{"two Hosts", get("Host: b"), 400, CodeHost},
		{"two equal Hosts", get("Host: a"), 400, CodeHost},
		{"two Hosts in other letters", get("hOST: a"), 400, CodeHost},
		{"another host in the target", "GET http://b/ HTTP/1.1" + host, 400, CodeHost},
		{"another port in the target", "GET http://a:81/ HTTP/1.1" + host, 400, CodeHost},
		{"an absolute target without Host", "GET http://a/ HTTP/1.1\r\n\r\n", 400, CodeHost},
		{"a user in the target", "GET http://u@a/ HTTP/1.1" + host, 400, CodeTarget},
		{"another scheme", "GET ftp://a/ HTTP/1.1" + host, 400, CodeTarget},
		{"an asterisk with GET", "GET * HTTP/1.1" + host, 400, CodeTarget},
		{"a relative target", "GET a/b HTTP/1.1" + host, 400, CodeTarget},
		{"a control character in the target", "GET /a\x01 HTTP/1.1" + host, 400, CodeTarget},
		{"NUL in the target", "GET /a\x00 HTTP/1.1" + host, 400, CodeTarget},
		{"a tab in the target", "GET /a\tb HTTP/1.1" + host, 400, CodeTarget},
		{"CONNECT", "CONNECT a:80 HTTP/1.1" + host, 501, CodeMethod},
		{"a method without end", strings.Repeat("A", 100) + " / HTTP/1.1" + host, 501, CodeMethod},
		{"a method with a colon", "GE:T / HTTP/1.1" + host, 400, CodeLine},
		{"no method", " / HTTP/1.1" + host, 400, CodeLine},
		{"no target", "GET  HTTP/1.1" + host, 400, CodeLine},
		{"two spaces", "GET  / HTTP/1.1" + host, 400, CodeLine},
		{"a space in the target", "GET /a b HTTP/1.1" + host, 400, CodeLine},
		{"a space at the end", "GET / HTTP/1.1 " + host, 400, CodeLine},
		{"a tab for a space", "GET\t/ HTTP/1.1" + host, 400, CodeLine},
		{"HTTP/0.9", "GET /\r\n\r\n", 400, CodeLine},
		{"HTTP/2.0", "GET / HTTP/2.0" + host, 505, CodeVersion},
		{"HTTP/1.2", "GET / HTTP/1.2" + host, 505, CodeVersion},
		{"HTTP/0.9 with its number", "GET / HTTP/0.9" + host, 505, CodeVersion},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, CodeVersion},
		{"HTTP/1.10", "GET / HTTP/1.10" + host, 400, CodeLine},
		{"HTTP/01.1", "GET / HTTP/01.1" + host, 400, CodeLine},
		{"http/1.1", "GET / http/1.1" + host, 400, CodeLine},
		{"HTTPS/1.1", "GET / HTTPS/1.1" + host, 400, CodeLine},
		{"two empty lines first", "\r\n\r\n" + get(), 400, CodeLine},
		{"a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, CodeLine},
		{"a long target", "GET /" + strings.Repeat("a", 8<<10) + " HTTP/1.1" + host, 414, CodeLongURI},
		{"a target without end", "GET /" + strings.Repeat("a", 40<<10), 414, CodeLongURI},
		{"a large head", get("X-A: " + strings.Repeat("a", 33<<10)), 431, CodeBigHead},
		{"a line without end", "GET / HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("a", 60<<10), 431, CodeBigHead},
		{"many fields", get(strings.TrimSuffix(strings.Repeat("A: b\r\n", 100), "\r\n")), 431, CodeBigHead},
		{"another expectation", post("Content-Length: 1\r\nExpect: 200-ok", "x"), 417, fault.Expectation},
		{"two expectations", post("Content-Length: 1\r\nExpect: 100-continue\r\nExpect: x", "x"), 417, fault.Expectation},
		{"a head that is cut", "GET / HTTP/1.1\r\nHost: a\r\n", 400, CodeCutHead},
		{"a request line that is cut", "GET", 400, CodeCutHead},
	}
}

func TestTheFrontRefusesAndCloses(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell)
	for _, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			got := f.all(t, r.raw+"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
			if strings.HasPrefix(r.name, "a head that is cut") || strings.HasPrefix(r.name, "a request line that is cut") || strings.Contains(r.name, "without end") {
				got = f.all(t, r.raw)
			}
			if len(got) != 1 || got[0].status != r.status || got[0].body != string(r.code) || !got[0].close {
				t.Errorf("%q: %+v, want %d %s and the end", r.raw[:min(len(r.raw), 80)], got, r.status, r.code)
			}
		})
	}
}

// TestSlowBytesAreRefusedTheSame sends heads byte by byte through the scan.
func TestAHeadIsRefusedTheSameHoweverItComes(t *testing.T) {
	t.Parallel()
	l := limits{head: defaultMaxHead, fields: defaultMaxFields, target: defaultMaxTarget}
	for _, r := range refusals() {
		if strings.Contains(r.name, "cut") || strings.HasPrefix(r.name, "two empty") {
			continue
		}
		whole, bytewise := judge(r.raw, len(r.raw), l), judge(r.raw, 1, l)
		if whole != bytewise || !strings.HasPrefix(whole, string(r.code)) {
			t.Errorf("%s: %q at once and %q byte by byte, want %s", r.name, whole, bytewise, r.code)
		}
	}
}

// judge reads a head that comes step by step.
func judge(raw string, step int, l limits) string {
	var s scan
	for n := step; ; n += step {
		n = min(n, len(raw))
		at, f := s.find([]byte(raw[:n]), l)
		if f != nil {
			return string(f.Code)
		}
		if at > 0 {
			x := &Exchange{}
			f := parse([]byte(raw[:at]), x, make([]span, l.fields), l)
			if f != nil {
				return string(f.Code)
			}
			return fmt.Sprintf("%+v", *x)
		}
		if n == len(raw) {
			return "more"
		}
	}
}

func TestTheFrontTakesWhatIsLawful(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell)
	for name, c := range map[string]struct{ raw, want string }{
		"the least":              {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1 host=a length=0\n"},
		"an empty line first":    {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1 host=a length=0\n"},
		"the order of the wire":  {get("zz: 1", "a-B-c: 2", "ZZ: 3"), "GET / HTTP/1.1 host=a length=0\nZz: 1\nA-B-C: 2\nZz: 3\n"},
		"white space at ends":    {get("X-A: \t b \t c\t "), "GET / HTTP/1.1 host=a length=0\nX-A: b \t c\n"},
		"no value":               {get("X-A:", "X-B: "), "GET / HTTP/1.1 host=a length=0\nX-A: \nX-B: \n"},
		"bytes above ASCII":      {get("X-A: \xff\xc3\xa9"), "GET / HTTP/1.1 host=a length=0\nX-A: \xff\xc3\xa9\n"},
		"every sign of a token":  {get("!#$%&'*+-.^_`|~09azAZ: x"), "GET / HTTP/1.1 host=a length=0\n!#$%&'*+-.^_`|~09azaz: x\n"},
		"another method":         {"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", "PROPFIND / HTTP/1.1 host=a length=0\n"},
		"OPTIONS of all":         {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1 host=a length=0\n"},
		"the absolute form":      {"GET http://A:80/x?y HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET /x?y HTTP/1.1 host=A:80 length=0\n"},
		"an absolute root":       {"GET https://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1 host=a length=0\n"},
		"HTTP/1.0":               {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0 host= length=0\n"},
		"a body":                 {post("Content-Length: 5", "hello"), "POST /p HTTP/1.1 host=a length=5\nContent-Length: 5\nbody=\"hello\"\n"},
		"no bytes":               {post("Content-Length: 0", ""), "POST /p HTTP/1.1 host=a length=0\nContent-Length: 0\n"},
		"chunks":                 {post("transfer-encoding: CHUNKED", "3\r\nhel\r\n02\r\nlo\r\n0\r\n\r\n"), "POST /p HTTP/1.1 host=a length=-1\nbody=\"hello\"\n"},
		"extensions, dropped":    {post("Transfer-Encoding: chunked", "5;a=b;c=\"d;\\\"\" ; e\r\nhello\r\n0;x\r\n\r\n"), "POST /p HTTP/1.1 host=a length=-1\nbody=\"hello\"\n"},
		"trailers, never merged": {post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nX-Evil: 1\r\nContent-Length: 3\r\n\r\n"), "POST /p HTTP/1.1 host=a length=-1\nbody=\"hello\"\n"},
		"a hundred fields":       {get(strings.TrimSuffix(strings.Repeat("A: b\r\n", 99), "\r\n")), "GET / HTTP/1.1 host=a length=0\n" + strings.Repeat("A: b\n", 99)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := f.all(t, c.raw)
			if len(got) != 1 || got[0].status != 200 || got[0].body != c.want {
				t.Errorf("%q: %+v, want %q", c.raw, got, c.want)
			}
		})
	}
}
