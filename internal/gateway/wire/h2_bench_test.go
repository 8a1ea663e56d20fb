package wire

//lint:file-ignore SA1019 it is what ours is measured against

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A burst is a client that sends whole requests on streams of one connection,
// a few at a time, and reads until all are answered. It makes nothing itself.
type burst struct {
	b     testing.TB
	c     *tls.Conn
	first []byte // the head that fills the table
	next  []byte // of which every field stands in it
	body  []byte
	id    uint32
	out   []byte
	in    []byte
	have  int
	owed  uint32
}

func newBurst(b testing.TB, address string, body []byte) *burst {
	b.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = nc.Close() })
	w := &burst{b: b, c: tls.Client(nc, &tls.Config{InsecureSkipVerify: true, ServerName: "example.com", NextProtos: []string{"h2"}}), id: 1, body: body} //nolint:gosec // the certificate is not what this is about
	if _, err := io.WriteString(w.c, http2.ClientPreface); err != nil {
		b.Fatal(err)
	}
	f := http2.NewFramer(w.c, nil)
	_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	_ = f.WriteSettingsAck()
	method := "GET"
	if body != nil {
		method = "POST"
	}
	p := &peer{}
	p.enc = hpack.NewEncoder(&p.head)
	fields := soundly(method, "user-agent", "Mozilla/5.0 (X11; Linux x86_64)", "accept", "application/json", "accept-encoding", "gzip, deflate, br", "x-api-key", "sp_live_0123456789abcdef")
	w.first = p.block(fields...)
	w.next = p.block(fields...)
	w.trip(1)
	w.first = w.next
	return w
}

// trip sends n requests at once and reads the replies.
func (w *burst) trip(n int) {
	w.out = w.out[:0]
	if w.owed > 1<<15 {
		w.out = appendWindow(w.out, 0, w.owed)
		w.owed = 0
	}
	for range n {
		h := frameHead{length: len(w.first), kind: frameHeaders, flags: flagEndHeaders, id: w.id}
		if w.body == nil {
			h.flags |= flagEndStream
		}
		w.out = append(appendFrameHead(w.out, h), w.first...)
		if w.body != nil {
			w.out = append(appendFrameHead(w.out, frameHead{length: len(w.body), kind: frameData, flags: flagEndStream, id: w.id}), w.body...)
		}
		w.id += 2
	}
	if w.in == nil {
		w.in = make([]byte, 64<<10)
	}
	if _, err := w.c.Write(w.out); err != nil {
		w.b.Fatal(err)
	}
	for n > 0 {
		m, err := w.c.Read(w.in[w.have:])
		if err != nil {
			w.b.Fatal(err)
		}
		w.have += m
		at := 0
		for w.have-at >= frameHeadBytes {
			h := readFrameHead(w.in[at:])
			if w.have-at < frameHeadBytes+h.length {
				break
			}
			switch {
			case h.kind == frameReset || h.kind == frameGoAway:
				w.b.Fatalf("%+v", h)
			case h.kind == frameData:
				w.owed += uint32(h.length)
				fallthrough
			case h.kind == frameHeaders:
				if h.has(flagEndStream) {
					n--
				}
			}
			at += frameHeadBytes + h.length
		}
		w.have = copy(w.in, w.in[at:w.have])
	}
}

// BenchmarkHTTP2 is our front beside the server of golang.org/x/net, with the
// same client in the same process.
func BenchmarkHTTP2(b *testing.B) {
	conf := certificate(b)
	two := make([]byte, 2048)
	for _, c := range []struct {
		name string
		body []byte
		many int
	}{{"GET", nil, 1}, {"GET, eight at a time", nil, 8}, {"POST 2 KB", two, 1}, {"POST 2 KB, eight at a time", two, 8}} {
		run := func(b *testing.B, address string) {
			w := newBurst(b, address, c.body)
			b.ReportAllocs()
			before := spent()
			for b.Loop() {
				w.trip(c.many)
			}
			b.ReportMetric(float64(spent()-before)/float64(b.N*c.many), "cpu-ns/request")
		}
		b.Run("wire/"+c.name, func(b *testing.B) {
			run(b, newFront(b, answerBench, func(c *Config) { c.TLS = conf }).address)
		})
		b.Run("x-net/"+c.name, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			s := &http2.Server{}
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header()["Content-Type"], w.Header()["Cache-Control"] = []string{"application/json"}, []string{"no-store"}
				_, _ = w.Write(reply)
			})
			done := make(chan struct{})
			go func() {
				defer close(done)
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				t := tls.Server(nc, conf)
				if t.Handshake() == nil {
					s.ServeConn(t, &http2.ServeConnOpts{Handler: h})
				}
				_ = t.Close()
			}()
			b.Cleanup(func() { _ = ln.Close(); <-done })
			run(b, ln.Addr().String())
		})
	}
}

// spent is the processor time of the process.
func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
