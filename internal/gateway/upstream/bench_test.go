package upstream

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// benchServer answers each request with 1 KB of JSON, as cheaply as can be, so
// that the client is what is measured.
func benchServer(b *testing.B) string {
	body := bytes.Repeat([]byte("x"), 1024)
	reply := append([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\nDate: Sun, 22 Nov 2026 07:00:00 GMT\r\nETag: \"33a64df5\"\r\nX-Request-Id: 8c1f6a\r\nCache-Control: no-store\r\n\r\n"), body...)
	return speaking(b, func(c net.Conn) {
		r := bufio.NewReaderSize(c, 16<<10)
		for {
			length := 0
			for {
				line, err := r.ReadSlice('\n')
				if err != nil {
					return
				}
				if bytes.HasPrefix(line, []byte("Content-Length: 2048")) {
					length = 2048
				}
				if len(line) == 2 {
					break
				}
			}
			if _, err := r.Discard(length); err != nil {
				return
			}
			if _, err := c.Write(reply); err != nil {
				return
			}
		}
	})
}

var benchFields = risk.Fields{
	{Name: "Accept", Value: "application/json"}, {Name: "Accept-Encoding", Value: "identity"}, {Name: "User-Agent", Value: "bench/1.0"},
	{Name: "Content-Type", Value: "application/json"}, {Name: "X-Forwarded-For", Value: "192.0.2.1"}, {Name: "X-Forwarded-Proto", Value: "https"},
	{Name: "X-Forwarded-Host", Value: "api.example"}, {Name: "Sallyport-Decision", Value: "01JD8V6Q3M01JD8V6Q3M01JD8V"},
}

// BenchmarkClient is this client beside a tuned http.Transport, for a GET and a
// POST of 2 KB, both answered with 1 KB.
func BenchmarkClient(b *testing.B) {
	for _, method := range []string{"GET", "POST"} {
		var whole []byte
		if method == "POST" {
			whole = make([]byte, 2048)
		}
		b.Run(method+"/ours", func(b *testing.B) {
			s, u := prepared(b, benchServer(b))
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			r := Request{Fields: benchFields}
			var p Response
			buf := make([]byte, 4096)
			b.ReportAllocs()
			defer processorTime(b)()
			for b.Loop() {
				r.Method, r.Target, r.Whole, r.Head, r.Idle = method, "/orders/42?a=b", whole, 30*time.Second, time.Minute
				if err := s.Send(ctx, u, &r, &p); err != nil {
					b.Fatal(err)
				}
				if n, _ := io.ReadFull(p.Body, buf[:p.Length]); n != 1024 {
					b.Fatal(n)
				}
				_ = p.Body.Close()
			}
		})
		b.Run(method+"/nethttp", func(b *testing.B) {
			to := benchServer(b)
			t := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256, WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10}
			defer t.CloseIdleConnections()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			buf := make([]byte, 4096)
			b.ReportAllocs()
			defer processorTime(b)()
			for b.Loop() {
				var body io.Reader
				if whole != nil {
					body = bytes.NewReader(whole)
				}
				r, err := http.NewRequestWithContext(ctx, method, to+"/orders/42?a=b", body)
				if err != nil {
					b.Fatal(err)
				}
				for _, f := range benchFields {
					r.Header[f.Name] = []string{f.Value}
				}
				resp, err := t.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				if n, _ := io.ReadFull(resp.Body, buf[:resp.ContentLength]); n != 1024 {
					b.Fatal(n)
				}
				_ = resp.Body.Close()
			}
		})
	}
}

// processorTime reports the processor time of an operation, server included,
// which other programs on the machine do not lengthen.
func processorTime(b *testing.B) func() {
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	return func() {
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
		spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
		b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
	}
}

// BenchmarkParse reads the head of a usual reply.
func BenchmarkParse(b *testing.B) {
	text := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\nDate: Sun, 22 Nov 2026 07:00:00 GMT\r\nETag: \"33a64df5\"\r\nX-Request-Id: 8c1f6a\r\nCache-Control: no-store\r\n\r\n"
	var fields risk.Fields
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if _, fields, err = parseHead(text, fields[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
