package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// client2 is a client of HTTP/2 that trusts anybody.
func (f *front) client2(t *testing.T) *http.Client {
	tr := &http.Transport{ForceAttemptHTTP2: true, DisableCompression: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "example.com"}} //nolint:gosec // the certificate is not what this is about
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

func TestHTTP2StandsBehindTheSameExchange(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell, overTLS(t))
	c := f.client2(t)
	for method, want := range map[string]string{
		"GET":  "GET /x?y=1 HTTP/2.0 host=example.com length=0\nAccept: a\nUser-Agent: t\nX-A: b\n",
		"POST": "POST /x?y=1 HTTP/2.0 host=example.com length=5\nAccept: a\nContent-Length: 5\nUser-Agent: t\nX-A: b\nbody=\"hello\"\n",
		"HEAD": "",
	} {
		var body io.Reader
		if method == "POST" {
			body = strings.NewReader("hello")
		}
		r, _ := http.NewRequestWithContext(t.Context(), method, "https://"+f.address+"/x?y=1", body)
		r.Host = "example.com"
		r.Header = http.Header{"X-A": {"b"}, "User-Agent": {"t"}, "Accept": {"a"}}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		text = sorted(text) // net/http sends fields in any order
		if err != nil || resp.ProtoMajor != 2 || resp.StatusCode != 200 || string(text) != want {
			t.Errorf("%s: %s %d %q, %v", method, resp.Proto, resp.StatusCode, text, err)
		}
		if method == "HEAD" && resp.ContentLength <= 0 {
			t.Errorf("HEAD: length %d", resp.ContentLength)
		}
	}
}

// sorted sorts the lines between the first and the last one of a told head.
func sorted(text []byte) []byte {
	lines := strings.SplitAfter(string(text), "\n")
	if len(lines) > 2 {
		end := len(lines) - 1
		if strings.HasPrefix(lines[end-1], "body=") {
			end--
		}
		slices.Sort(lines[1:end])
	}
	return []byte(strings.Join(lines, ""))
}

func TestACutStreamIsReset(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(x *Exchange) {
		if x.Target == "/nothing" {
			return
		}
		_ = x.Begin(200, nil, -1)
		_, _ = io.WriteString(x, "hello")
		x.Abort()
	}, overTLS(t))
	for _, target := range []string{"/abort", "/nothing"} {
		resp, err := f.client2(t).Get("https://" + f.address + target)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s looks complete", target)
		}
	}
}

func TestShutdownLetsStreamsFinish(t *testing.T) {
	t.Parallel()
	began, finish := make(chan bool), make(chan bool)
	f := newFront(t, func(x *Exchange) {
		began <- true
		<-finish
		tell(x)
	}, overTLS(t))
	done, got := make(chan error, 1), make(chan error, 1)
	go func() {
		resp, err := f.client2(t).Get("https://" + f.address + "/")
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		got <- err
	}()
	<-began
	go func() { done <- f.Shutdown(context.Background()) }()
	finish <- true
	if err := <-got; err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A raw2 speaks HTTP/2 frame by frame.
type raw2 struct {
	t    *testing.T
	c    io.ReadWriteCloser
	f    *http2.Framer
	head bytes.Buffer
	enc  *hpack.Encoder
	next uint32
}

func (f *front) raw2(t *testing.T) *raw2 {
	t.Helper()
	c := f.dialTLS(t, "h2")
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	w := &raw2{t: t, c: c, f: http2.NewFramer(c, c), next: 1}
	w.enc = hpack.NewEncoder(&w.head)
	w.f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.f.AllowIllegalWrites = true
	if err := w.f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask begins a stream that is a whole request.
func (w *raw2) ask(fields ...string) uint32 {
	w.t.Helper()
	w.head.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = w.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	id := w.next
	w.next += 2
	_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: w.head.Bytes(), EndHeaders: true, EndStream: true})
	return id
}

// outcome is the status of a stream and what its body says; "" where it was
// reset or the connection ended.
func (w *raw2) outcome(id uint32) string {
	out := ""
	for {
		frame, err := w.f.ReadFrame()
		if err != nil {
			return ""
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == id {
				out = f.PseudoValue("status")
			}
			if f.StreamEnded() {
				return out
			}
		case *http2.DataFrame:
			out += " " + string(f.Data())
			if f.StreamEnded() {
				return out
			}
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return ""
		}
	}
}

func TestHeadsThatRFC9113ForbidsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell, overTLS(t))
	lawful := []string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/"}
	for name, c := range map[string]struct {
		fields []string
		want   string // "" for a reset
	}{
		"lawful":                    {lawful, "200 GET / HTTP/2.0 host=example.com length=0\n"},
		"the same host twice":       {append(slices.Clone(lawful), "host", "example.com"), "200 GET / HTTP/2.0 host=example.com length=0\n"},
		"another host":              {append(slices.Clone(lawful), "host", "other.example"), ""},
		"no authority":              {[]string{":method", "GET", ":scheme", "https", ":path", "/"}, "400 framing/host"},
		"a connection field":        {append(slices.Clone(lawful), "connection", "close"), "400"},
		"a transfer coding":         {append(slices.Clone(lawful), "transfer-encoding", "chunked"), "400"},
		"te: gzip":                  {append(slices.Clone(lawful), "te", "gzip"), "400"},
		"a name in capitals":        {append(slices.Clone(lawful), "X-A", "b"), ""},
		"a line feed in a value":    {append(slices.Clone(lawful), "x-a", "b\nc: d"), ""},
		"a space in a name":         {append(slices.Clone(lawful), "x a", "b"), ""},
		"a pseudo field behind":     {append(slices.Clone(lawful), "x-a", "b", ":path", "/b"), ""},
		"an unknown pseudo field":   {append(slices.Clone(lawful), ":x", "b"), ""},
		"no path":                   {[]string{":method", "GET", ":scheme", "https", ":authority", "example.com"}, ""},
		"a path without a slash":    {[]string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "x"}, ""},
		"a space in the path":       {[]string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/ x"}, "400 framing/target"},
		"a method that is no token": {[]string{":method", "GE T", ":scheme", "https", ":authority", "example.com", ":path", "/"}, "400 framing/request-line"},
		"CONNECT":                   {[]string{":method", "CONNECT", ":authority", "example.com:443"}, "501 framing/method"},
		"a length without a body":   {append(slices.Clone(lawful), "content-length", "5"), "400 framing/content-length"},
		"a blank before a value":    {append(slices.Clone(lawful), "x-a", " b"), "400 framing/h2-head"},
		"a tab behind a value":      {append(slices.Clone(lawful), "x-a", "b\t"), "400 framing/h2-head"},
		"another expectation":       {append(slices.Clone(lawful), "expect", "x"), "417 gateway/expectation"},
		"a long path":               {[]string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/" + strings.Repeat("a", 9000)}, "414 framing/target-too-long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := f.raw2(t)
			got := w.outcome(w.ask(c.fields...))
			if got != c.want && !(c.want == "400" && strings.HasPrefix(got, "400 ")) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestABodyEndsWithItsStream sends bodies that are as long as announced, and
// something behind them: the Handler must not take them for whole.
func TestABodyEndsWithItsStream(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(x *Exchange) {
		if x.Body == nil {
			_ = x.Reply(200, nil, []byte("nothing"))
			return
		}
		body, err := io.ReadAll(x.Body)
		if err != nil {
			_ = x.Reply(400, nil, []byte("broken"))
			return
		}
		_ = x.Reply(200, nil, body)
	}, overTLS(t))
	for name, c := range map[string]struct {
		length string
		then   func(w *raw2)
		want   string // what may not come back
	}{
		"more data":         {"5", func(w *raw2) { _ = w.f.WriteData(1, false, []byte("hello")); _ = w.f.WriteData(1, true, []byte("!")) }, "200 hello"},
		"another path":      {"5", func(w *raw2) { _ = w.f.WriteData(1, false, []byte("hello")); w.trail(":path", "/b") }, "200 hello"},
		"data of no length": {"0", func(w *raw2) { _ = w.f.WriteData(1, true, []byte("hello")) }, "200 nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := f.raw2(t)
			w.begin(c.length)
			c.then(w)
			if got := w.outcome(1); got == c.want {
				t.Errorf("it was taken for whole: %q", got)
			}
		})
	}
	for length, want := range map[string]string{"5": "200 hello", "0": "200 nothing"} {
		w := f.raw2(t)
		w.begin(length)
		if length == "5" {
			_ = w.f.WriteData(1, false, []byte("hello"))
		}
		_ = w.f.WriteData(1, true, nil)
		if got := w.outcome(1); got != want {
			t.Errorf("an empty frame ends it: %q, want %q", got, want)
		}
	}
}

// begin opens stream 1 with a body of a length.
func (w *raw2) begin(length string) {
	w.head.Reset()
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", "example.com"}, {":path", "/"}, {"content-length", length}} {
		_ = w.enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: w.head.Bytes(), EndHeaders: true})
}

// trail ends stream 1 with a trailer field.
func (w *raw2) trail(name, value string) {
	w.head.Reset()
	_ = w.enc.WriteField(hpack.HeaderField{Name: name, Value: value})
	_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: w.head.Bytes(), EndHeaders: true, EndStream: true})
}

func TestStreamsThatAreResetAreToldToo(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell, overTLS(t))
	w := f.raw2(t)
	for range 20 {
		if got := w.outcome(w.ask(":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/", "X-A", "b")); got != "" {
			t.Fatalf("%q", got)
		}
	}
	if got := w.outcome(w.ask(":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/")); !strings.HasPrefix(got, "200 ") {
		t.Errorf("a lawful stream beside them: %q", got)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.refused) != maxTold || f.refused[0] != string(CodePseudo) {
		t.Errorf("told: %v", f.refused)
	}
}

func TestFloodsOfFramesAreCutOff(t *testing.T) {
	t.Parallel()
	lawful := []string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/"}
	for name, flood := range map[string]func(w *raw2) error{
		"resets": func(w *raw2) error {
			return w.f.WriteRSTStream(w.ask(lawful...), http2.ErrCodeCancel)
		},
		"settings":   func(w *raw2) error { return w.f.WriteSettings() },
		"pings":      func(w *raw2) error { return w.f.WritePing(false, [8]byte{}) },
		"priorities": func(w *raw2) error { return w.f.WritePriority(1, http2.PriorityParam{Weight: 1}) },
		"windows":    func(w *raw2) error { return w.f.WriteWindowUpdate(0, 1) },
		"empty data": func(w *raw2) error {
			if w.next == 1 {
				w.head.Reset()
				for i := 0; i < len(lawful); i += 2 {
					_ = w.enc.WriteField(hpack.HeaderField{Name: lawful[i], Value: lawful[i+1]})
				}
				w.next += 2
				return w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: w.head.Bytes(), EndHeaders: true})
			}
			return w.f.WriteData(1, false, nil)
		},
		"continuations": func(w *raw2) error {
			if w.next == 1 {
				w.next += 2
				return w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: nil})
			}
			return w.f.WriteContinuation(1, false, []byte{0x00, 0x01, 'a', 0x01, 'b'})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, tell, overTLS(t))
			w := f.raw2(t)
			go func() { _, _ = io.Copy(io.Discard, w.c) }()
			for start := time.Now(); flood(w) == nil; {
				if time.Since(start) > patience {
					t.Fatal("it goes on")
				}
			}
			_ = f.Shutdown(t.Context())
			f.mu.Lock()
			defer f.mu.Unlock()
			if !slices.Contains(f.refused, string(CodeFlood)) && !slices.Contains(f.refused, string(CodeFrames)) {
				t.Errorf("refused: %v", f.refused)
			}
		})
	}
}
