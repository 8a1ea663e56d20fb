package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net/netip"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/gateway"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// steady is everything around a gateway that costs next to nothing: an upstream
// that has answered, a log that forgets, a keyring with one key.
type steady struct {
	fields risk.Fields
	text   []byte
	body   bytes.Reader
	last   event.Decision
	status int
	at     time.Time
}

// Now goes on by a second each time, so that no rate is spent.
func (s *steady) Now() time.Time {
	s.at = s.at.Add(time.Second)
	return s.at
}

func (*steady) Intent(*event.Event) error { return nil }

func (s *steady) Seal(e *event.Event) error {
	s.last, s.status = e.Decision, e.Status
	return nil
}

func (*steady) Verify(risk.Credential) (risk.Caller, risk.Verdict) {
	return risk.Caller{Kind: risk.KeyCaller, ID: "test", KeyID: "k_test"}, risk.Valid
}

func (*steady) Prepare(...*plan.Upstream) error { return nil }

func (s *steady) Send(_ context.Context, _ *plan.Upstream, r *upstream.Request, p *upstream.Response) error {
	s.body.Reset(s.text)
	p.Status, p.Length, p.Body = 200, int64(len(s.text)), s
	p.Fields = append(p.Fields[:0], s.fields...)
	if r.Method == "PUT" {
		p.Status, p.Length, p.Fields = 204, 0, p.Fields[:0]
	}
	return nil
}

func (s *steady) Read(p []byte) (int, error) { return s.body.Read(p) }
func (*steady) Close() error                 { return nil }

var _ io.ReadCloser = (*steady)(nil)

// BenchmarkExchange decides one exchange with every risk on, without network
// and disk: what intake, guards, contract, edits and record cost.
func BenchmarkExchange(b *testing.B) {
	dir := b.TempDir()
	doc := filepath.Join(dir, "tiny.yaml")
	if err := writePrivate(doc, []byte(tiny)); err != nil {
		b.Fatal(err)
	}
	s := &steady{at: time.Now(), text: []byte(`{"id":1}`), fields: risk.Fields{
		{Name: "Content-Type", Value: "application/json"}, {Name: "Content-Length", Value: "8"}, {Name: "Date", Value: "Sun, 22 Nov 2026 07:00:00 GMT"},
		{Name: "Server", Value: "weak/1.0"},
	}}
	opt := Options{To: "http://127.0.0.1:1", OpenAPI: doc, Listen: "https://127.0.0.1:8443", State: filepath.Join(dir, "state"), Clock: s, Rand: rand.Reader}
	l, err := load(context.Background(), opt, nil)
	if err != nil {
		b.Fatal(err)
	}
	gw, err := gateway.New(gateway.Config{
		Clock: s, IDs: event.NewIDs(s, rand.Reader), Recorder: s, Verifier: s, Upstreams: s, Pseudonym: func(string) string { return "p" }, Node: "bench",
	})
	if err == nil {
		err = gw.Apply(l.plan)
	}
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		method, target string
		body           []byte
	}{{"GET", "/things/1?q=abc", nil}, {"PUT", "/things/1", []byte(`{"name":"x"}`)}} {
		b.Run(c.method, func(b *testing.B) {
			x := wire.Exchange{
				Method: c.method, Target: c.target, Host: "localhost", Proto: "HTTP/1.1", Peer: netip.MustParseAddr("192.0.2.1"),
				TLS: &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256},
				Fields: risk.Fields{
					{Name: "Accept", Value: "application/json"}, {Name: "User-Agent", Value: "bench/1.0"}, {Name: "X-Api-Key", Value: offlineKey},
				},
			}
			if c.body != nil {
				x.Fields = append(x.Fields, risk.Field{Name: "Content-Type", Value: "application/json"})
			}
			b.ReportAllocs()
			defer processorTime(b)()
			for b.Loop() {
				in := x
				in.Apart(b.Context(), c.body)
				gw.Serve(&in)
				if s.last != event.Allow {
					b.Fatal(s.last, s.status)
				}
			}
		})
	}
}

// processorTime reports the processor time of an operation, which other
// programs on the machine do not lengthen.
func processorTime(b *testing.B) func() {
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	return func() {
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
		spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
		b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
	}
}
