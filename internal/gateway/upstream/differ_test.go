package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// A script is a connection whose other end says what it has to say once it was
// asked, and closes.
type script struct {
	r     *bytes.Reader
	asked chan struct{}
	once  sync.Once
	wrote bytes.Buffer
	wait  bool // for the end of a head
	piece int  // bytes for one Read; 0: all
}

func scripted(text []byte, wait bool) *script {
	return &script{r: bytes.NewReader(text), asked: make(chan struct{}), wait: wait}
}

func (s *script) Read(p []byte) (int, error) {
	if s.wait {
		<-s.asked
	}
	if s.piece > 0 && len(p) > s.piece {
		p = p[:s.piece]
	}
	return s.r.Read(p)
}

func (s *script) Write(p []byte) (int, error) {
	if s.wait {
		s.wrote.Write(p)
		if bytes.Contains(s.wrote.Bytes(), []byte("\r\n\r\n")) {
			s.once.Do(func() { close(s.asked) })
		}
	}
	return len(p), nil
}

func (s *script) Close() error                   { s.once.Do(func() { close(s.asked) }); return nil }
func (*script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*script) SetDeadline(time.Time) error      { return nil }
func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }

// A result is what a client makes of a reply.
type result struct {
	status int
	length int64
	fields []string // sorted lines, without those of framing
	body   string
	err    error
}

// desk is an address without a network.
func desk() *address {
	return &address{set: &Set{seed: maphash.MakeSeed()}, host: "api.example", silence: time.Minute, freed: make(chan struct{}, 1), most: 1}
}

// ours is what this package makes of text.
func ours(a *address, method string, text []byte, piece int) (out result) {
	s := scripted(text, false)
	s.piece = piece
	a.pending.Add(1)
	x := &call{end: a, c: newConn(s, netip.Addr{}), b: a.set.buffers.get(), vigil: vigil{end: a, lane: a.lane("")}}
	x.w.ctx, x.w.start = context.Background(), time.Now()
	var p Response
	if out.err = x.run(&Request{Method: method, Target: "/", Head: time.Minute, Idle: time.Minute}, &p); out.err != nil {
		return out
	}
	body, err := io.ReadAll(p.Body)
	_ = p.Body.Close()
	out = result{status: p.Status, length: p.Length, body: string(body), err: err}
	for _, f := range p.Fields {
		out.fields = append(out.fields, f.Name+": "+f.Value)
	}
	out.fields = unframed(out.fields)
	a.idle = nil
	return out
}

func unframed(lines []string) []string {
	lines = slices.DeleteFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "Content-Length: ") || strings.HasPrefix(l, "Transfer-Encoding: ") || strings.HasPrefix(l, "Trailer: ") ||
			strings.HasPrefix(l, "Connection: ") // net/http keeps it where it does not say close
	})
	slices.Sort(lines)
	return lines
}

func linesOf(h http.Header) (out []string) {
	for name, values := range h {
		for _, v := range values {
			out = append(out, name+": "+v)
		}
	}
	return unframed(out)
}

// theirs is what http.Transport makes of text.
func theirs(method string, text []byte) (out result) {
	t := &http.Transport{DisableCompression: true, DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return scripted(text, true), nil }}
	defer t.CloseIdleConnections()
	r, _ := http.NewRequest(method, "http://api.example/", nil)
	resp, err := t.RoundTrip(r)
	if err != nil {
		return result{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return result{status: resp.StatusCode, length: resp.ContentLength, fields: linesOf(resp.Header), body: string(body), err: err}
}

// checkResults compares what the two made of text. Ours must be the same, or a
// refusal that names its reason.
func checkResults(t *testing.T, method string, text []byte, got, want result) {
	t.Helper()
	if got.err != nil {
		var e *Error
		if !errors.As(got.err, &e) || e.Kind != Malformed && e.Kind != Broken {
			t.Errorf("%s %q: refused without a reason: %v", method, text, got.err)
		}
		return
	}
	if want.err != nil {
		t.Errorf("%s %q: taken, where net/http says %v", method, text, want.err)
		return
	}
	if got.status != want.status || got.length != want.length || got.body != want.body || !slices.Equal(got.fields, want.fields) {
		t.Errorf("%s %q:\nours   %+v\ntheirs %+v\n%s", method, text, got, want, cmp.Diff(want.fields, got.fields))
	}
}

// parts of replies: the first of each list is the usual one.
var (
	startLines = []string{"HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 201 Created", "HTTP/1.1 404 Not Found", "HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified",
		"HTTP/1.0 200 OK", "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 500 \xe9", "HTTP/1.1 206 Partial", "HTTP/1.1 99 X", "HTTP/1.1 1000 X", "HTTP/2.0 200 OK", "http/1.1 200 OK",
		"HTTP/1.1  200 OK", "HTTP/1.1 200\tOK", "HTTP/01.1 200 OK", "HTTP/1.1 600 X", " HTTP/1.1 200 OK", "HTTP/1.1 -20 OK"}
	framings = []string{"Content-Length: 5", "Content-Length: 5", "Transfer-Encoding: chunked", "", "Content-Length: 0", "content-length: 5", "CONTENT-LENGTH:5", "Content-Length: 5 ",
		"Content-Length: 05", "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5, 5", "Content-Length: +5", "Content-Length: 5x",
		"Content-Length:", "Content-Length : 5", "Transfer-Encoding: Chunked", "transfer-encoding:chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5",
		"Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: identity",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: x", "Transfer-Encoding: ", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked;q=1",
		"Content-Length: 99", "Content-Length: -1", "Content-Length: 9223372036854775808", "Transfer-Encoding: chun\r\n ked", "Content-\rLength: 5"}
	others = []string{"", "", "Connection: close", "Connection: keep-alive", "X: y", "x: \t y \t", "X: ", "X:y\r\nX:z", "Set-Cookie: a=b\r\nSet-Cookie: c=d", "X: a\r\n b", "X: a\x00b", "X: \xff",
		"X y: z", ": z", "X", "X\x80: y", "X: a\rb", "Connection: X, close\r\nX: y", "Trailer: Y", "X: \x7f", "ETag: \"x\"", "Content-Type: application/json", "\tX: y", "X: y\r\n\tz", "(X): y", "X:\x0by"}
	chunked = []string{"5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n", "5 ; a = \"b\" ;c\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nY: z\r\n\r\n",
		"05\r\nhello\r\n00\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
		"5\r\r\nhello\r\n0\r\n\r\n", "5;\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n", "5\r\nhel", "\r\n5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n\r\n0\r\n\r\n", "ffffffffffffffff\r\nhello", "10000000000000005\r\nhello\r\n0\r\n\r\n",
		"5\r\nhello\r\n0\r\nY z\r\n\r\n", "5\r\nhello\r\n0\r\n Y: z\r\n\r\n", "5;a=\"\r\nhello\r\n0\r\n\r\n", "g\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "5\x00\r\nhello\r\n0\r\n\r\n"}
	plainBodies = []string{"hello", "hello", "hel", "", "hello, world", "hello\r\n\r\n"}
	interim     = []string{"", "", "", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "HTTP/1.1 102 X\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 199 X\r\nX\r\n\r\n", "\r\n"}
)

// generated is one reply. Mostly one part of it is odd.
func generated(r *rand.Rand) []byte {
	pick := func(list []string) string {
		if r.IntN(3) > 0 {
			return list[0]
		}
		return list[r.IntN(len(list))]
	}
	framing := pick(framings)
	if r.IntN(3) == 0 {
		framing = "Transfer-Encoding: chunked"
	}
	text := pick(interim) + pick(startLines) + "\r\n"
	for _, part := range []string{pick(others), framing, pick(others)} {
		if part != "" {
			text += part + "\r\n"
		}
	}
	text += "\r\n"
	if strings.Contains(strings.ToLower(framing), "chunked") {
		text += pick(chunked)
	} else {
		text += pick(plainBodies)
	}
	out := []byte(text)
	switch r.IntN(12) {
	case 0: // another byte
		out[r.IntN(len(out))] = byte(r.IntN(256))
	case 1: // one less
		i := r.IntN(len(out))
		out = slices.Delete(out, i, i+1)
	case 2: // one more
		out = slices.Insert(out, r.IntN(len(out)), "\r\n \t:;,0\x00"[r.IntN(9)])
	case 3: // cut
		out = out[:r.IntN(len(out))]
	}
	return out
}

// TestTheSameAsNetHTTPOrRefused compares this client with http.Transport over
// generated replies.
func TestTheSameAsNetHTTPOrRefused(t *testing.T) {
	t.Parallel()
	cases := 20000
	if testing.Short() {
		cases = 4000
	}
	r := rand.New(rand.NewPCG(2026, 11))
	a := desk()
	taken, reasons := 0, map[string]int{}
	for range cases {
		text, method := generated(r), "GET"
		if r.IntN(8) == 0 {
			method = "HEAD"
		}
		got := ours(a, method, text, []int{0, 0, 1, 7}[r.IntN(4)])
		want := theirs(method, text)
		checkResults(t, method, text, got, want)
		if got.err == nil {
			taken++
			continue
		}
		var reason Reason
		if !errors.As(got.err, &reason) {
			reason = "cut"
		}
		if want.err == nil {
			reason += " (net/http takes it)"
		}
		reasons[string(reason)]++
		if t.Failed() {
			return
		}
	}
	if taken < cases/4 || taken == cases {
		t.Errorf("%d of %d taken", taken, cases)
	}
	t.Logf("%d cases, %d taken like net/http, the rest refused: %s", cases, taken, strings.Join(slices.Sorted(func(yield func(string) bool) {
		for k, n := range reasons {
			if !yield(fmt.Sprintf("\n%s: %d", k, n)) {
				return
			}
		}
	}), ""))
}

// FuzzReply holds the parser to http.ReadResponse: what it takes, that takes
// too, and means the same. It must not matter in which pieces a reply comes.
func FuzzReply(f *testing.F) {
	for _, c := range replies {
		f.Add([]byte(c.bytes), c.method == "HEAD")
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		f.Add(generated(r), false)
	}
	a, b := desk(), bufio.NewReaderSize(nil, 64<<10) // what net/http takes of trailers depends on the size
	fuzzloop.Run(f, func(t *testing.T, text []byte, isHead bool) {
		if len(text) > 4<<10 {
			return
		}
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		got := ours(a, method, text, 0)
		if pieces := ours(a, method, text, 1+len(text)%13); (got.err == nil) != (pieces.err == nil) || got.body != pieces.body {
			t.Fatalf("%q: %+v whole, %+v in pieces", text, got, pieces)
		}
		if n := a.pending.Load(); n != 0 {
			t.Fatalf("%d under way", n)
		}
		if got.err != nil {
			checkResults(t, method, text, got, result{})
			return
		}
		checkResults(t, method, text, got, read(b, method, text))
	})
}

// read is what http.ReadResponse makes of text.
func read(b *bufio.Reader, method string, text []byte) result {
	b.Reset(bytes.NewReader(text))
	for {
		resp, err := http.ReadResponse(b, &http.Request{Method: method})
		if err != nil {
			return result{err: err}
		}
		if resp.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		return result{status: resp.StatusCode, length: resp.ContentLength, fields: linesOf(resp.Header), body: string(body), err: err}
	}
}
