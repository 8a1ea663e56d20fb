package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/gateway"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/internal/lib/clock"
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

// orders is the API that tool/bench measures, of the size that DESIGN's budgets
// speak of.
func orders(b *testing.B) string {
	b.Helper()
	doc, err := os.ReadFile("../../tool/bench/orders.yaml")
	if err != nil {
		b.Fatal(err)
	}
	return string(doc)
}

// order is a lawful order of n lines, of 87 bytes each.
func order(n int) string {
	line := `{"sku":"tea-0001","quantity":2,"note":"two pots of the green one, please","price":1250}`
	return `{"customer":"8f14e45f-ceea-467a-9575-2bd1cb0e8d01","lines":[` + strings.TrimSuffix(strings.Repeat(line+",", n), ",") + `]}`
}

// guard makes a gateway over document with every risk on, and s around it.
func (s *steady) guard(b *testing.B, document string) *gateway.Gateway {
	b.Helper()
	dir := b.TempDir()
	doc := filepath.Join(dir, "api.yaml")
	if err := writePrivate(doc, []byte(document)); err != nil {
		b.Fatal(err)
	}
	opt := Options{To: "http://127.0.0.1:1", OpenAPI: doc, Listen: "https://127.0.0.1:8443", State: filepath.Join(dir, "state"), Clock: s, Rand: rand.Reader}
	l, err := load(b.Context(), opt, nil)
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
	return gw
}

// BenchmarkExchange decides one exchange with every risk on, without network
// and disk: what intake, guards, contract, edits and record cost. Two
// allocations are of the request's body as it is made here.
func BenchmarkExchange(b *testing.B) {
	for name, c := range map[string]struct {
		document, method, target string
		body, reply              string
	}{
		"GET":      {tiny, "GET", "/things/1?q=abc", "", `{"id":1}`},
		"PUT":      {tiny, "PUT", "/things/1", `{"name":"x"}`, ""},
		"GET-1KB":  {orders(b), "GET", "/orders/7", "", order(10)},
		"POST-2KB": {orders(b), "POST", "/orders", order(22), order(10)},
	} {
		b.Run(name, func(b *testing.B) {
			s := &steady{at: time.Now(), text: []byte(c.reply), fields: risk.Fields{
				{Name: "Content-Type", Value: "application/json"}, {Name: "Content-Length", Value: strconv.Itoa(len(c.reply))},
				{Name: "Date", Value: "Sun, 22 Nov 2026 07:00:00 GMT"}, {Name: "Server", Value: "weak/1.0"},
			}}
			gw := s.guard(b, c.document)
			x := wire.Exchange{
				Method: c.method, Target: c.target, Host: "localhost", Proto: "HTTP/1.1", Peer: netip.MustParseAddr("192.0.2.1"), Named: "192.0.2.1",
				TLS: &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256},
				Fields: risk.Fields{
					{Name: "Accept", Value: "application/json"}, {Name: "User-Agent", Value: "bench/1.0"}, {Name: "X-Api-Key", Value: offlineKey},
				},
			}
			body := []byte(c.body)
			if c.body != "" {
				x.Fields = append(x.Fields, risk.Field{Name: "Content-Type", Value: "application/json"})
			}
			serve := func() {
				in := x
				in.Apart(b.Context(), body)
				gw.Serve(&in)
				if s.last != event.Allow {
					b.Fatal(s.last, s.status)
				}
			}
			serve() // programs are compiled when they are first needed
			b.ReportAllocs()
			defer processorTime(b)()
			for b.Loop() {
				serve()
			}
		})
	}
}

// BenchmarkLoad200 makes a plan of a document with 200 operations, which a
// start and a reload wait for.
func BenchmarkLoad200(b *testing.B) {
	head, schemas, _ := strings.Cut(orders(b), "components:")
	_, paths, _ := strings.Cut(head, "paths:\n")
	var doc strings.Builder
	doc.WriteString("openapi: 3.1.0\ninfo: {title: Many, version: \"1\"}\npaths:\n")
	for i := range 100 {
		doc.WriteString(strings.ReplaceAll(paths, "/orders", "/orders"+strconv.Itoa(i)))
	}
	doc.WriteString("components:" + schemas)
	dir := b.TempDir()
	opt := Options{
		To: "http://127.0.0.1:1", OpenAPI: filepath.Join(dir, "many.yaml"), Listen: "https://127.0.0.1:8443",
		State: filepath.Join(dir, "state"), Clock: clock.System{}, Rand: rand.Reader,
	}
	if err := writePrivate(opt.OpenAPI, []byte(doc.String())); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	defer processorTime(b)()
	for b.Loop() {
		l, err := load(b.Context(), opt, nil)
		if err != nil || len(l.plan.APIs[0].Units) != 200 {
			b.Fatal(err)
		}
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
