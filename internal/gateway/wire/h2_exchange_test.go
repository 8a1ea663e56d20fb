package wire

//lint:file-ignore SA1019 it is another implementation to hold ours against

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/sallyport/sallyport/risk"
)

func TestFieldsStandInTheOrderOfTheWire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t, tell, Config{})
		want := "GET / HTTP/2.0 host=example.com length=0\nX-Zulu: 1\nX-Alpha: 2\nCookie: a=b; c=d; e=f\nX-Zulu: 3\nAccept: \n"
		for range 2 { // once by the table
			got := p.answer(p.ask(true, soundly("GET", "x-zulu", "1", "x-alpha", "2", "cookie", "a=b", "x-zulu", "3", "cookie", "c=d", "accept", "", "cookie", "e=f")...))
			if got != "200 "+want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

func TestRepliesOfHTTP2HaveTheirForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method string
		reply  func(x *Exchange)
		want   []string // frames
	}{
		"a small one":     {"GET", func(x *Exchange) { _ = x.Reply(200, nil, []byte("hello")) }, []string{"HEADERS 200 length=5", "DATA hello end"}},
		"an empty one":    {"GET", func(x *Exchange) { _ = x.Reply(200, nil, nil) }, []string{"HEADERS 200 length=0 end"}},
		"HEAD":            {"HEAD", func(x *Exchange) { _ = x.Reply(200, nil, []byte("hello")) }, []string{"HEADERS 200 length=5 end"}},
		"204":             {"GET", func(x *Exchange) { _ = x.Reply(204, nil, []byte("hello")) }, []string{"HEADERS 204 length= end"}},
		"304":             {"GET", func(x *Exchange) { _ = x.Reply(304, nil, nil) }, []string{"HEADERS 304 length= end"}},
		"of no length":    {"GET", func(x *Exchange) { _ = x.Begin(200, nil, -1); _, _ = x.Write([]byte("a")); _, _ = x.Write([]byte("b")) }, []string{"HEADERS 200 length=", "DATA a", "DATA b", "DATA  end"}},
		"of a length":     {"GET", func(x *Exchange) { _ = x.Begin(200, nil, 2); _, _ = x.Write([]byte("a")); _, _ = x.Write([]byte("b")) }, []string{"HEADERS 200 length=2", "DATA a", "DATA b end"}},
		"flushed":         {"GET", func(x *Exchange) { _ = x.Begin(200, nil, -1); _ = x.Flush() }, []string{"HEADERS 200 length=", "DATA  end"}},
		"flushed, whole":  {"GET", func(x *Exchange) { _ = x.Reply(200, nil, []byte("a")); _ = x.Flush() }, []string{"HEADERS 200 length=1", "DATA a", "DATA  end"}},
		"too short":       {"GET", func(x *Exchange) { _ = x.Begin(200, nil, 3); _, _ = x.Write([]byte("a")) }, []string{"HEADERS 200 length=3", "DATA a", "RST_STREAM INTERNAL_ERROR"}},
		"aborted":         {"GET", func(x *Exchange) { _ = x.Reply(200, nil, []byte("a")); x.Abort() }, []string{"RST_STREAM INTERNAL_ERROR"}},
		"aborted at last": {"GET", func(x *Exchange) { _ = x.Begin(200, nil, 1); _, _ = x.Write([]byte("a")); x.Abort() }, []string{"RST_STREAM INTERNAL_ERROR"}},
		"none":            {"GET", func(*Exchange) {}, []string{"RST_STREAM INTERNAL_ERROR"}},
		"a panic":         {"GET", func(*Exchange) { panic("ours") }, []string{"RST_STREAM INTERNAL_ERROR"}},
		"fields that are ours": {"GET", func(x *Exchange) {
			_ = x.Reply(200, risk.Fields{{Name: "Connection", Value: "close"}, {Name: "Content-Length", Value: "9"}, {Name: "X A", Value: "b"}, {Name: "X-A", Value: "b\r\nc"}, {Name: ":status", Value: "500"}}, nil)
		}, []string{"HEADERS 200 length=0 end"}},
		"an upgrade": {"GET", func(x *Exchange) {
			if _, err := x.Upgrade(risk.Fields{{Name: "Upgrade", Value: "x"}}); err == nil {
				panic("it was taken")
			}
			_ = x.Reply(200, nil, nil)
		}, []string{"HEADERS 200 length=0 end"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(t, c.reply, Config{})
				id := p.ask(true, soundly(c.method)...)
				for _, want := range c.want {
					g := p.of(id)
					got := g.what + " " + g.text
					switch g.what {
					case "HEADERS":
						length := ""
						for _, f := range g.all {
							if f.Name == "content-length" {
								length = f.Value
							}
							if f.Name == "connection" || strings.HasPrefix(f.Name, "x") {
								t.Errorf("%v", f)
							}
						}
						got += " length=" + length
					case "RST_STREAM":
						got += g.code.String()
					}
					if g.end {
						got += " end"
					}
					if got != want {
						t.Errorf("%q, want %q", got, want)
					}
				}
				p.ping()
			})
		})
	}
}

func TestALargeHeadGoesOutInParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("v", 3*maxFrame)
		p := newPeer(t, func(x *Exchange) { _ = x.Reply(200, risk.Fields{{Name: "X-A", Value: long}}, []byte("ok")) }, Config{})
		for range 2 { // the first one has the size of the table in front
			id := p.ask(true, soundly("GET")...)
			if g := p.of(id); g.all[len(g.all)-2].Value != long {
				t.Errorf("%v", g)
			}
			if g := p.of(id); g.text != "ok" || !g.end {
				t.Errorf("%v", g)
			}
		}
	})
}

func TestTheClientIsToldToGoOnWhenTheBodyIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t, func(x *Exchange) {
			if x.Target == "/" {
				tell(x)
				return
			}
			_ = x.Begin(200, nil, -1)
			_, _ = x.Write([]byte("first"))
			_, _ = io.Copy(io.Discard, x.Body)
		}, Config{})
		id := p.ask(false, soundly("POST", "expect", "100-continue", "content-length", "5")...)
		if g := p.of(id); g.text != "100" || g.end {
			t.Fatalf("%v", g)
		}
		p.must(p.f.WriteData(id, true, []byte("hello")))
		if got := p.answer(id); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, `body="hello"`) {
			t.Errorf("%q", got)
		}
		late := soundly("POST", "expect", "100-continue")
		late[7] = "/late"
		id = p.ask(false, late...)
		for _, want := range []string{"200", "first"} { // and no 100 behind it
			if g := p.of(id); g.text != want {
				t.Fatalf("%v, want %q", g, want)
			}
		}
		p.must(p.f.WriteData(id, true, nil))
		if g := p.of(id); g.what != "DATA" || !g.end {
			t.Errorf("%v", g)
		}
	})
}

func TestTrailersAreReadAndDropped(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("v", 4000)
	for name, c := range map[string]struct {
		trailers []string
		end      bool
		want     string
	}{
		"lawful":            {[]string{"x-t", "v"}, true, "200 POST / HTTP/2.0 host=example.com length=-1\nbody=\"hello\"\n"},
		"none":              {nil, true, "200 POST / HTTP/2.0 host=example.com length=-1\nbody=\"hello\"\n"},
		"too long":          {[]string{"x-t", long, "x-u", long, "x-v", long}, true, "400 framing/trailer"},
		"too many":          {slices.Repeat([]string{"x-t", "v"}, maxTrailers+1), true, "400 framing/trailer"},
		"a pseudo field":    {[]string{":path", "/b"}, true, " PROTOCOL_ERROR"},
		"a line feed":       {[]string{"x-t", "a\nb"}, true, " PROTOCOL_ERROR"},
		"capitals":          {[]string{"X-T", "a"}, true, " PROTOCOL_ERROR"},
		"a connection":      {[]string{"connection", "x"}, true, " PROTOCOL_ERROR"},
		"that end nothing":  {[]string{"x-t", "v"}, false, " PROTOCOL_ERROR"},
		"a content length":  {[]string{"content-length", "7"}, true, "200 POST / HTTP/2.0 host=example.com length=-1\nbody=\"hello\"\n"},
		"blanks around one": {[]string{"x-t", " v"}, true, " PROTOCOL_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(t, tell, Config{})
				id := p.ask(false, soundly("POST")...)
				p.must(p.f.WriteData(id, false, []byte("hello")))
				p.must(p.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(c.trailers...), EndHeaders: true, EndStream: c.end}))
				if got := p.answer(id); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
				synctest.Wait()
				if bad := !strings.HasPrefix(c.want, "200"); bad && len(p.codes()) == 0 && !strings.Contains(c.want, "framing/") {
					t.Error("nobody was told")
				}
				if got := p.answer(p.ask(true, soundly("GET")...)); !strings.HasPrefix(got, "200 ") {
					t.Errorf("the next one: %q", got)
				}
			})
		})
	}
}

func TestAClientThatLeavesIsNoticed(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(p *peer, id uint32){
		"by a reset":        func(p *peer, id uint32) { _ = p.f.WriteRSTStream(id, http2.ErrCodeCancel) },
		"by its end":        func(p *peer, _ uint32) { _ = p.c.Close() },
		"by a broken frame": func(p *peer, _ uint32) { _ = p.f.WriteRawFrame(http2.FrameSettings, 0, 1, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				causes := make(chan error, 3)
				p := newPeer(t, func(x *Exchange) {
					_, err := io.Copy(io.Discard, x.Body)
					causes <- err
					<-x.Context().Done()
					causes <- context.Cause(x.Context())
					_ = x.Begin(200, nil, -1)
					_, err = x.Write(make([]byte, 1<<20))
					causes <- err
				}, Config{})
				id := p.ask(false, soundly("POST")...)
				p.must(p.f.WriteData(id, false, []byte("hello")))
				p.ping()
				leave(p, id)
				if err := <-causes; faultOf(err) == nil {
					t.Errorf("the body: %v", err)
				}
				if err := <-causes; !errors.Is(err, ErrGone) {
					t.Errorf("the cause: %v", err)
				}
				if err := <-causes; err == nil {
					t.Error("the reply could be sent")
				}
			})
		})
	}
}

// TestStreamsGoBothWaysAtOnce echoes while it reads, in a goroutine of its own
// for each way.
func TestStreamsGoBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(x *Exchange) {
		x.Body.Grace = time.Minute // a busy machine is no slow client
		_ = x.Begin(200, nil, -1)
		_ = x.Flush()
		r, w := io.Pipe()
		done := make(chan struct{})
		go func() { defer close(done); _, err := io.Copy(w, x.Body); _ = w.CloseWithError(err) }()
		_, _ = io.Copy(x, r)
		<-done
	}, overTLS(t), func(c *Config) { c.Head = time.Minute })
	r, w := io.Pipe()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+f.address+"/", r)
	resp, err := f.client2(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for i := range 100 { // each line comes back before the next one is sent
		line := fmt.Sprintf("line %d %s\n", i, strings.Repeat("x", 1+i*37))
		if _, err := io.WriteString(w, line); err != nil {
			t.Fatal(err)
		}
		back := make([]byte, len(line))
		if _, err := io.ReadFull(resp.Body, back); err != nil || string(back) != line {
			t.Fatalf("%q, %v", back, err)
		}
	}
	_ = w.Close()
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestManyStreamsOfOneConnectionKeepApart has clients of Go send and fetch
// bodies of all sizes at once, and compares every byte.
func TestManyStreamsOfOneConnectionKeepApart(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(x *Exchange) {
		var body []byte
		if x.Body != nil {
			x.Body.Grace = time.Minute // a busy machine is no slow client
			var err error
			if body, err = io.ReadAll(x.Body); err != nil {
				x.Abort()
				return
			}
		}
		sum := sha256.Sum256(body)
		head := risk.Fields{{Name: "X-Sum", Value: fmt.Sprintf("%x", sum)}, {Name: "X-Target", Value: x.Target}}
		if len(body)%2 == 0 {
			_ = x.Reply(200, head, body)
			return
		}
		_ = x.Begin(200, head, -1)
		for part := range slices.Chunk(body, 7000) {
			_, _ = x.Write(part)
		}
	}, overTLS(t), func(c *Config) { c.Head = time.Minute })
	transport := &http2.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "example.com"}, StrictMaxConcurrentStreams: true} //nolint:gosec // the certificate is not what this is about
	defer transport.CloseIdleConnections()
	for name, c := range map[string]http.RoundTripper{"x/net": transport, "net/http": f.client2(t).Transport} {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			for i := range 60 {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(uint64(i), 7))
					for n := range 6 {
						body := make([]byte, r.IntN(1<<(4+r.IntN(15))))
						for k := range body {
							body[k] = byte(r.Uint32())
						}
						target := fmt.Sprintf("/%d/%d", i, n)
						req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+f.address+target, bytes.NewReader(body))
						if n%3 == 1 && len(body) > 0 { // or Go's client never ends the stream
							req.ContentLength = -1
							req.Trailer = http.Header{"X-T": {"v"}}
						}
						resp, err := c.RoundTrip(req)
						if err != nil {
							t.Errorf("%s of %d: %v", target, len(body), err)
							return
						}
						back, err := io.ReadAll(resp.Body)
						_ = resp.Body.Close()
						if err != nil || !bytes.Equal(back, body) || resp.Header.Get("X-Target") != target || resp.Header.Get("X-Sum") != fmt.Sprintf("%x", sha256.Sum256(body)) {
							t.Errorf("%s: %d bytes of %d, %v", target, len(back), len(body), err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// TestOneSlowStreamHoldsNoOther leaves a large reply unread, and asks for others.
func TestOneSlowStreamHoldsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t, func(x *Exchange) {
			if x.Method == "GET" {
				_ = x.Reply(200, nil, []byte("ok"))
				return
			}
			_ = x.Reply(200, nil, make([]byte, 1<<20))
		}, Config{}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
		slow := p.ask(true, soundly("DELETE")...)
		p.of(slow)
		p.of(slow)
		for range 20 {
			if got := p.answer(p.ask(true, soundly("GET")...)); got != "200 ok" {
				t.Fatalf("%q", got)
			}
		}
	})
}

// TestTheCrewGoesHome has many streams at once; their goroutines end when there
// is nothing to do.
func TestTheCrewGoesHome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan bool)
		p := newPeer(t, func(x *Exchange) { <-gate; _ = x.Reply(200, nil, nil) }, Config{})
		for range 50 {
			p.ask(true, soundly("GET")...)
		}
		close(gate)
		resting := func() int {
			synctest.Wait()
			p.s.crew.mu.Lock()
			defer p.s.crew.mu.Unlock()
			return len(p.s.crew.resting)
		}
		if n := resting(); n == 0 || n > 50 {
			t.Errorf("%d rest", n)
		}
		<-time.After(10 * time.Second)
		if n := resting(); n != 0 {
			t.Errorf("%d rest still", n)
		}
	})
}
