package upstream

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// uploading is a request with a body that streams.
func uploading(body io.Reader, length int64) *Request {
	r := get("/up")
	r.Method, r.Body, r.Length, r.Stop = "POST", body, length, func() {}
	return r
}

func TestABodyThatIsBrokenFromTheStartReachesNobody(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	s, u := prepared(t, speaking(t, func(c net.Conn) {
		if n, _ := c.Read(make([]byte, 1)); n > 0 {
			heard.Add(1)
		}
	}))
	_, _, err := ask(t, s, u, uploading(failing{}, -1))
	var e *Error
	if !errors.As(err, &e) || e.Kind != BodyFailed || e.Asked || !errors.Is(err, errTest) {
		t.Errorf("%v", err)
	}
	if heard.Load() != 0 {
		t.Error("something was sent")
	}
	if s.Standings(u)[0].State != Closed {
		t.Error("the upstream is blamed")
	}
}

func TestABodyThatBreaksOffIsNeverWhole(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{-1, 1 << 20} {
		whole := make(chan bool, 1)
		s, u := prepared(t, serving(t, func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			whole <- err == nil
		}))
		_, _, err := ask(t, s, u, uploading(io.MultiReader(strings.NewReader(strings.Repeat("x", 40<<10)), failing{}), length))
		if !errors.Is(err, errTest) {
			t.Errorf("%v", err)
		}
		if <-whole {
			t.Error("half a body looks whole")
		}
	}
}

// TestABodyWhoseErrorComesWithItsLastBytesIsNeverWhole reads as the front does
// where a chunk does not end as its size says: bytes and error come at once.
func TestABodyWhoseErrorComesWithItsLastBytesIsNeverWhole(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{-1, 1 << 20, 11, 18} { // the last two are what comes with the error
		for _, whole := range []int{1, 2} { // reads that are sound before it
			parts := strings.Repeat("x", 7*whole)
			if length == 11 && whole == 2 || length == 18 && whole == 1 {
				continue
			}
			heard := make(chan error, 1)
			s, u := prepared(t, serving(t, func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				heard <- err
			}))
			_, _, err := ask(t, s, u, uploading(&brokenLate{text: parts}, length))
			if !errors.Is(err, errTest) {
				t.Errorf("%d: %v", length, err)
			}
			if err := <-heard; err == nil {
				t.Errorf("%d: half a body looks whole", length)
			}
		}
	}
}

// A brokenLate gives seven bytes at a time, and an error with the last ones.
type brokenLate struct{ text string }

func (b *brokenLate) Read(p []byte) (int, error) {
	if b.text == "" {
		return copy(p, "last"), errTest
	}
	n := copy(p, b.text[:7])
	b.text = b.text[7:]
	return n, nil
}

func TestABodyOfAnotherLengthIsRefused(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{4, 6} {
		s, u := prepared(t, speaking(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }))
		_, _, err := ask(t, s, u, uploading(strings.NewReader("12345"), length))
		if kind, _ := KindOf(err); kind != BodyFailed || !errors.Is(err, errShort) {
			t.Errorf("%d: %v", length, err)
		}
	}
}

// TestAnEarlyReplyComesWhileTheBodyGoes answers before the body has come, and
// reads no more of it, or closes, or resets.
func TestAnEarlyReplyComesWhileTheBodyGoes(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(net.Conn){
		"and waits": func(c net.Conn) {
			b := make([]byte, 1)
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			for {
				if _, err := c.Read(b); err != nil {
					return
				}
			}
		},
		"and closes":      func(net.Conn) {},
		"and half-closes": func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite(); _, _ = io.Copy(io.Discard, c) },
	} {
		for _, size := range []int{directBytes + 1, 16 << 20} {
			s, u := prepared(t, speaking(t, func(c net.Conn) {
				hear(c, 0)
				_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
				then(c)
			}))
			stop := make(chan struct{})
			streams := uploading(io.MultiReader(io.LimitReader(endless{}, 64<<10), blocking(stop)), -1)
			streams.Stop = func() { close(stop) }
			held := get("/up")
			held.Method, held.Whole = "POST", make([]byte, size)
			for _, r := range []*Request{streams, held} {
				if p, body, err := ask(t, s, u, r); err != nil || p.Status != 413 || body != "big" {
					t.Errorf("%s, %d bytes: %d %q %v", name, len(r.Whole), p.Status, body, err)
				}
			}
		}
	}
}

// TestBothWaysStreamAtOnce sends each piece of a body once the piece before it
// has come back.
func TestBothWaysStreamAtOnce(t *testing.T) {
	t.Parallel()
	s, u := prepared(t, serving(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		b := make([]byte, 1)
		for {
			if _, err := r.Body.Read(b); err != nil {
				return
			}
			_, _ = w.Write(b)
			_ = rc.Flush()
		}
	}))
	in, out := io.Pipe()
	r := uploading(in, -1)
	var p Response
	go func() { _, _ = out.Write([]byte("0")) }()
	if err := s.Send(t.Context(), u, r, &p); err != nil {
		t.Fatal(err)
	}
	defer p.Body.Close()
	b := make([]byte, 1)
	for i := range 10 {
		if _, err := io.ReadFull(p.Body, b); err != nil || b[0] != '0'+byte(i) {
			t.Fatalf("%d: %q %v", i, b, err)
		}
		if i == 9 {
			_ = out.Close()
			break
		}
		go func() { _, _ = out.Write([]byte{'1' + byte(i)}) }()
	}
	if _, err := p.Body.Read(b); err != io.EOF {
		t.Errorf("after the body: %v", err)
	}
	_ = p.Body.Close()
	if st := s.Standings(u)[0]; st.Idle != 1 {
		t.Errorf("the connection is lost: %+v", st)
	}
}

func TestTheBodyWaitsForThe100(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		body   string // that the upstream gets
		status int
	}{
		"it asks":        {"HTTP/1.1 100 Continue\r\n\r\n", "hello", 200},
		"it refuses":     {"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", "", 417},
		"it says no":     {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "", 401},
		"it is too old":  {"", "hello", 200},
		"it hints first": {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", "hello", 200},
	} {
		for _, streams := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := make(chan string, 1)
				s, u := prepared(t, speaking(t, func(conn net.Conn) {
					if !strings.Contains(hear(conn, 0), "Expect: 100-continue\r\n") {
						return
					}
					_, _ = io.WriteString(conn, c.answer)
					b := make([]byte, 5)
					n, _ := io.ReadFull(conn, b)
					got <- string(b[:n])
					if n > 0 {
						_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					}
				}))
				r := uploading(strings.NewReader("hello"), 5)
				if !streams {
					r.Body, r.Whole = nil, []byte("hello")
				}
				r.Expect = true
				p, _, err := ask(t, s, u, r)
				if err != nil || p.Status != c.status {
					t.Fatalf("%d %v", p.Status, err)
				}
				if body := <-got; body != c.body {
					t.Errorf("the upstream got %q", body)
				}
				if c.body == "" && s.Standings(u)[0].Idle != 0 {
					t.Error("a connection on which a body is missing is used again")
				}
			})
		}
	}
}

func TestARequestWithTwoMeaningsIsNotSent(t *testing.T) {
	t.Parallel()
	s, u := prepared(t, speaking(t, func(c net.Conn) {
		if hear(c, 0) != "" {
			t.Error("it was sent")
		}
	}))
	for name, change := range map[string]func(*Request){
		"a value with a line":    func(r *Request) { r.Fields[0].Value = "a\r\nX: b" },
		"a value with LF":        func(r *Request) { r.Fields[0].Value = "a\nX: b" },
		"a value with CR":        func(r *Request) { r.Fields[0].Value = "a\rb" },
		"a value with NUL":       func(r *Request) { r.Fields[0].Value = "a\x00b" },
		"a name with a line":     func(r *Request) { r.Fields[0].Name = "a\r\nb" },
		"a name with a colon":    func(r *Request) { r.Fields[0].Name = "a: b" },
		"no name":                func(r *Request) { r.Fields[0].Name = "" },
		"a target with a space":  func(r *Request) { r.Target = "/a HTTP/1.1" },
		"a target with a line":   func(r *Request) { r.Target = "/a\r\nX:" },
		"no target":              func(r *Request) { r.Target = "" },
		"a method with a space":  func(r *Request) { r.Method = "GET /b" },
		"a method with a line":   func(r *Request) { r.Method = "GET\r\n" },
		"no method":              func(r *Request) { r.Method = "" },
		"a host with a line":     func(r *Request) { r.Host = "a\r\nX: b" },
		"a protocol with a line": func(r *Request) { r.Upgrade = "a\r\nX: b" },
	} {
		r := get("/")
		change(r)
		if _, _, err := ask(t, s, u, r); !errors.Is(err, errHead) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATunnelCarriesBothWays(t *testing.T) {
	t.Parallel()
	s, u := prepared(t, speaking(t, func(c net.Conn) {
		if h := hear(c, 0); !strings.Contains(h, "Connection: Upgrade\r\nUpgrade: echo\r\n") {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello")
		_, _ = io.Copy(c, c)
	}))
	r := get("/")
	r.Upgrade = "echo"
	var p Response
	if err := s.Send(t.Context(), u, r, &p); err != nil || p.Status != 101 || p.Tunnel == nil {
		t.Fatal(p.Status, err)
	}
	b := make([]byte, 10)
	if _, err := io.ReadFull(p.Tunnel, b[:5]); err != nil || string(b[:5]) != "hello" {
		t.Fatalf("%q %v", b, err)
	}
	quiet := time.NewTimer(2 * tick) // no deadline of before may end it
	<-quiet.C
	_, _ = p.Tunnel.Write([]byte("there"))
	if _, err := io.ReadFull(p.Tunnel, b[:5]); err != nil || string(b[:5]) != "there" {
		t.Fatalf("%q %v", b, err)
	}
	ended := make(chan error)
	go func() { _, err := p.Tunnel.Read(b); ended <- err }()
	_ = p.Tunnel.Close()
	if err := <-ended; err == nil {
		t.Error("a read goes on after the end")
	}
	if st := s.Standings(u)[0]; st.Pending != 0 || st.Idle != 0 {
		t.Errorf("%+v", st)
	}
}
