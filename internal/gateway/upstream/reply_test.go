package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// replies are bytes of upstreams: what becomes of each is body, or a Reason or
// Kind.
var replies = []struct {
	name   string
	method string // "" is GET
	bytes  string
	body   string
	want   error // nil: the body comes whole
	kind   Kind  // where want is errAny
}{
	{"a length", "", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", nil, 0},
	{"no length at all", "", "HTTP/1.1 200 OK\r\n\r\nabc", "abc", nil, 0},
	{"an old version", "", "HTTP/1.0 200 OK\r\n\r\nabc", "abc", nil, 0},
	{"an old version that would stay", "", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", "abc", nil, 0},
	{"no reason and no space", "", "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", "abc", nil, 0},
	{"an empty reason", "", "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc", "abc", nil, 0},
	{"letters of Latin-1 in the reason", "", "HTTP/1.1 200 d\xe9j\xe0\r\nContent-Length: 3\r\n\r\nabc", "abc", nil, 0},
	{"chunks", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc", nil, 0},
	{"chunks in capitals", "", "HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", "0123456789", nil, 0},
	{"chunks with extensions", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a;b=c; d = \"e;\\\"\r\"\r\nabc\r\n0\r\n\r\n", "", BadChunk, 0},
	{"chunks with lawful extensions", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a;b=c ; d = \"e;\\\"\"\r\nabc\r\n0;x\r\n\r\n", "abc", nil, 0},
	{"chunks and trailers", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\n\r\n", "abc", nil, 0},
	{"leading zeros of a chunk", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0003\r\nabc\r\n000\r\n\r\n", "abc", nil, 0},
	{"a HEAD has no body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "", nil, 0},
	{"a HEAD of chunks has no body", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", nil, 0},
	{"204 has no body", "", "HTTP/1.1 204 No Content\r\n\r\n", "", nil, 0},
	{"204 with a length of zero", "", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "", nil, 0},
	{"304 has no body", "", "HTTP/1.1 304 Not Modified\r\nContent-Length: 30\r\n\r\n", "", nil, 0},
	{"an interim reply before", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", nil, 0},
	{"100 that nobody asked for", "", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", nil, 0},
	{"obs-text in a value", "", "HTTP/1.1 200 OK\r\nX: \xff\r\nContent-Length: 3\r\n\r\nabc", "abc", nil, 0},

	{"nothing", "", "", "", errAny, Broken},
	{"half a status line", "", "HTTP/1.", "", errAny, Broken},
	{"half a head", "", "HTTP/1.1 200 OK\r\nContent-Le", "", errAny, Broken},
	{"an interim reply only", "", "HTTP/1.1 100 Continue\r\n\r\n", "", errAny, Broken},
	{"a body that is cut", "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "abc", errAny, Broken},
	{"a chunk that is cut", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "abc", errAny, Broken},
	{"no last chunk", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "abc", errAny, Broken},
	{"no end after the last chunk", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "abc", errAny, Broken},

	{"garbage", "", "hello, world\r\n\r\n", "", BadStatusLine, 0},
	{"the greeting of another protocol", "", "220 mail ESMTP\r\n", "", BadStatusLine, 0},
	{"an alert of TLS", "", "\x15\x03\x01\x00\x02\x02\x46", "", BadStatusLine, 0},
	{"HTTP/2", "", "\x00\x00\x12\x04\x00\x00\x00\x00\x00", "", BadStatusLine, 0},
	{"ICY", "", "ICY 200 OK\r\n\r\n", "", BadStatusLine, 0},
	{"an empty line first", "", "\r\nHTTP/1.1 200 OK\r\n\r\n", "", BadStatusLine, 0},
	{"a version of two digits", "", "HTTP/1.10 200 OK\r\n\r\n", "", BadVersion, 0},
	{"a version to come", "", "HTTP/1.2 200 OK\r\n\r\n", "", BadVersion, 0},
	{"two spaces", "", "HTTP/1.1  200 OK\r\n\r\n", "", BadStatusLine, 0},
	{"a tab", "", "HTTP/1.1\t200 OK\r\n\r\n", "", BadVersion, 0},
	{"a status of two digits", "", "HTTP/1.1 20 OK\r\n\r\n", "", BadStatusLine, 0},
	{"a status of four digits", "", "HTTP/1.1 2000 OK\r\n\r\n", "", BadStatusLine, 0},
	{"a status with a sign", "", "HTTP/1.1 +20 OK\r\n\r\n", "", BadStatusLine, 0},
	{"status 099", "", "HTTP/1.1 099 X\r\n\r\n", "", BadStatus, 0},
	{"status 600", "", "HTTP/1.1 600 X\r\n\r\n", "", BadStatus, 0},
	{"NUL in the reason", "", "HTTP/1.1 200 a\x00b\r\n\r\n", "", BadStatusLine, 0},
	{"CR in the reason", "", "HTTP/1.1 200 a\rb\r\n\r\n", "", BadStatusLine, 0},
	{"LF alone", "", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "", BareLF, 0},
	{"LF alone after a field", "", "HTTP/1.1 200 OK\r\nContent-Length: 3\n\r\nabc", "", BareLF, 0},
	{"LF alone at the end", "", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\nabc", "", BareLF, 0},
	{"a folded field", "", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", "", FoldedField, 0},
	{"a first field that is folded", "", "HTTP/1.1 200 OK\r\n Content-Length: 3\r\n\r\nabc", "", FoldedField, 0},
	{"a space before the colon", "", "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc", "", BadFieldLine, 0},
	{"no colon", "", "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\nabc", "", BadFieldLine, 0},
	{"no name", "", "HTTP/1.1 200 OK\r\n: 3\r\n\r\nabc", "", BadFieldLine, 0},
	{"a name with a space", "", "HTTP/1.1 200 OK\r\nContent Length: 3\r\n\r\nabc", "", BadFieldLine, 0},
	{"a name with a letter that is not ASCII", "", "HTTP/1.1 200 OK\r\nContent-L\xe9ngth: 3\r\n\r\nabc", "", BadFieldLine, 0},
	{"CR within a value", "", "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 3\r\n\r\nabc", "", BadFieldValue, 0},
	{"NUL within a value", "", "HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\nabc", "", BadFieldValue, 0},
	{"two lengths", "", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "", BadLength, 0},
	{"one length twice", "", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "", BadLength, 0},
	{"a list of lengths", "", "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", "", BadLength, 0},
	{"a length with a sign", "", "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc", "", BadLength, 0},
	{"a negative length", "", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc", "", BadLength, 0},
	{"an empty length", "", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nabc", "", BadLength, 0},
	{"a length in hex", "", "HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nabc", "", BadLength, 0},
	{"a length beyond numbers", "", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc", "", BadLength, 0},
	{"length and chunks", "", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", TwoFramings, 0},
	{"chunks and length", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "", TwoFramings, 0},
	{"gzip, chunked", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "", BadCoding, 0},
	{"chunked twice", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", BadCoding, 0},
	{"identity", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nabc", "", BadCoding, 0},
	{"a coding with a vertical tab", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", "", BadFieldValue, 0},
	{"chunks of HTTP/1.0", "", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", UnaskedCoding, 0},
	{"chunks of a 204", "", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", UnaskedCoding, 0},
	{"another protocol unasked", "", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "", UnaskedSwitch, 0},
	{"interim replies without end", "", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), "", TooManyInterim, 0},
	{"201 fields", "", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 201) + "\r\n", "", TooManyFields, 0},
	{"a head of 80 KiB", "", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 80<<10) + "\r\n\r\n", "", HeadTooLarge, 0},
	{"a chunk without a size", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n", "", BadChunk, 0},
	{"a chunk of a size with a sign", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n", "", BadChunk, 0},
	{"a chunk of 0x3", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", "", BadChunk, 0},
	{"a chunk of a size with a space before", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n", "", BadChunk, 0},
	{"a chunk beyond numbers", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n", "", BadChunk, 0},
	{"a chunk that is longer than its size", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", "ab", ChunkLineTooLong, 0},
	{"a chunk whose line ends with LF alone", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", "", BadChunk, 0},
	{"a chunk that ends with LF alone", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", "abc", BadChunk, 0},
	{"an extension without a name", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;\r\nabc\r\n0\r\n\r\n", "", BadChunk, 0},
	{"an extension of 8 KiB", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;" + strings.Repeat("a", 8<<10) + "\r\nabc\r\n0\r\n\r\n", "", ChunkLineTooLong, 0},
	{"extensions without end", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("a", 2000)+"\r\na\r\n", 100), "aaaaaaaa", ChunkLineTooLong, 0},
	{"a trailer that is no field", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n", "", BadTrailer, 0},
	{"a trailer of 9 KiB", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 9) + "\r\n", "", BadTrailer, 0},
	{"a folded trailer", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n", "", BadTrailer, 0},
}

var errAny = errors.New("any")

// TestRepliesAreReadAsTheyMustBe sends each reply at once, and again one byte
// at a time.
func TestRepliesAreReadAsTheyMustBe(t *testing.T) {
	t.Parallel()
	for _, c := range replies {
		for how, send := range map[string]func(io.Writer, string){"whole": whole, "in bytes": inBytesOfOne} {
			if how == "in bytes" && len(c.bytes) > 4<<10 {
				continue
			}
			t.Run(c.name+", "+how, func(t *testing.T) {
				t.Parallel()
				s, u := prepared(t, speaking(t, func(conn net.Conn) {
					if hear(conn, 0) != "" {
						send(conn, c.bytes)
						_ = conn.(*net.TCPConn).CloseWrite()
						_, _ = io.Copy(io.Discard, conn)
					}
				}))
				r := get("/")
				if c.method != "" {
					r.Method = c.method
				}
				_, body, err := ask(t, s, u, r)
				if body != c.body && c.want == nil || !strings.HasPrefix(body, c.body) {
					t.Errorf("body %q, want %q", body, c.body)
				}
				var e *Error
				switch {
				case c.want == nil && err != nil:
					t.Errorf("refused: %v", err)
				case c.want == nil:
				case !errors.As(err, &e):
					t.Errorf("taken: %q, %v", body, err)
				case errors.Is(c.want, errAny):
					if e.Kind != c.kind {
						t.Errorf("%v is %v", err, e.Kind)
					}
				case !errors.Is(err, c.want) || e.Kind != Malformed:
					t.Errorf("refused for %v, want %v", err, c.want)
				}
			})
		}
	}
}

func whole(w io.Writer, s string) { _, _ = io.WriteString(w, s) }

func inBytesOfOne(w io.Writer, s string) {
	for i := range len(s) {
		if _, err := io.WriteString(w, s[i:i+1]); err != nil {
			return
		}
	}
}

// TestEveryExchangeEndsWithinItsBudget holds the times of the design against
// upstreams that do what they can to be waited for.
func TestEveryExchangeEndsWithinItsBudget(t *testing.T) {
	t.Parallel()
	forever := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	drip := func(piece string) func(net.Conn) {
		return func(c net.Conn) {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := io.WriteString(c, piece); err != nil {
					return
				}
			}
		}
	}
	flood := func(piece string) func(net.Conn) {
		return func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, strings.Repeat(piece, 1000)); err != nil {
					return
				}
			}
		}
	}
	for name, c := range map[string]struct {
		after string
		then  func(net.Conn)
		want  Kind
	}{
		"says nothing":                    {"", forever, Late},
		"stops within the status line":    {"HTTP/1.1 2", forever, Late},
		"stops within the head":           {"HTTP/1.1 200 OK\r\nX:", forever, Late},
		"stops within the body":           {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", forever, Late},
		"stops within a chunk":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", forever, Late},
		"stops before the last chunk":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", forever, Late},
		"never closes":                    {"HTTP/1.1 200 OK\r\n\r\nabc", forever, Late},
		"drips its head":                  {"HTTP/1.1 200 OK\r\nX: ", drip("y"), Late},
		"drips fields":                    {"HTTP/1.1 200 OK\r\n", drip("X: y\r\n"), Late},
		"drips interim replies":           {"HTTP/1.1 102 X\r\n\r\nHTTP/1.1 102 ", drip("X"), Late},
		"drips its body":                  {"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", drip("y"), Late},
		"drips chunks":                    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", drip("1\r\ny\r\n"), Late},
		"drips the size of a chunk":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", drip("0"), Late},
		"sends a head without end":        {"HTTP/1.1 200 OK\r\nX: ", flood("y"), Malformed},
		"sends fields without end":        {"HTTP/1.1 200 OK\r\n", flood("X: y\r\n"), Malformed},
		"sends interim replies for ever":  {"", flood("HTTP/1.1 102 X\r\n\r\n"), Malformed},
		"sends trailers without end":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", flood("X: y\r\n"), Malformed},
		"sends a chunk's line for ever":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", flood("y"), Malformed},
		"sends a body without end":        {"HTTP/1.1 200 OK\r\n\r\n", flood("y"), Late},
		"resets":                          {"", reset, Broken},
		"resets within the head":          {"HTTP/1.1 200", reset, Broken},
		"resets within the body":          {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", reset, Broken},
		"resets where only a close helps": {"HTTP/1.1 200 OK\r\n\r\nabc", reset, Broken},
	} {
		t.Run("an upstream that "+name, func(t *testing.T) {
			t.Parallel()
			s, u := prepared(t, speaking(t, func(conn net.Conn) {
				if hear(conn, 0) == "" {
					return
				}
				_, _ = io.WriteString(conn, c.after)
				c.then(conn)
			}))
			r := get("/")
			r.Head, r.Idle, r.Till = 400*time.Millisecond, 400*time.Millisecond, time.Now().Add(900*time.Millisecond)
			start := time.Now()
			_, _, err := ask(t, s, u, r)
			if kind, ok := KindOf(err); !ok || kind != c.want {
				t.Errorf("%v: %v", kind, err)
			}
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
}

// reset ends a connection without a word.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

func TestACallerThatLeavesEndsTheCall(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 2)
	s, u := prepared(t, speaking(t, func(c net.Conn) {
		switch h := hear(c, 0); {
		case strings.HasPrefix(h, "GET /body"):
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
		case h == "":
			return
		}
		_, _ = io.Copy(io.Discard, c)
		gone <- struct{}{}
	}))
	for _, path := range []string{"/head", "/body"} {
		ctx, cancel := context.WithCancel(t.Context())
		after := time.AfterFunc(50*time.Millisecond, cancel)
		defer after.Stop()
		var p Response
		start := time.Now()
		err := s.Send(ctx, u, get(path), &p)
		if err == nil {
			_, err = io.ReadAll(p.Body)
			_ = p.Body.Close()
		}
		if kind, _ := KindOf(err); kind != Gone || !errors.Is(err, context.Canceled) && path == "/head" {
			t.Errorf("%s: %v", path, err)
		}
		<-gone // the upstream sees it
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s: it took %v", path, d)
		}
	}
	if st := s.Standings(u); st[0].Pending != 0 || st[0].Idle != 0 || st[0].State != Closed {
		t.Errorf("%+v", st)
	}
}
