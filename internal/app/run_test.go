package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

// tiny is a document with one lawful operation of each kind.
const tiny = `openapi: 3.0.3
info: {title: Tiny, version: "1"}
paths:
  /things/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, minimum: 1}}
    get:
      operationId: getThing
      parameters:
        - {name: q, in: query, schema: {type: string, maxLength: 5}}
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: integer}, secret: {type: string, writeOnly: true}}}}}
    put:
      operationId: putThing
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, required: [name], additionalProperties: false, properties: {name: {type: string, maxLength: 10}}}}}
      responses:
        "204": {description: done}
`

// A safe buffer for logs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// A running gateway for a test.
type running struct {
	Running
	client *http.Client
	out    *output
	stop   func() error
	dir    string
	seen   *[]string
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// backend answers like the document says, with more than it says.
func backend(t *testing.T, seen *[]string) *httptest.Server {
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		*seen = append(*seen, r.Method+" "+r.URL.RequestURI()+" key="+r.Header.Get("X-Api-Key")+" "+string(body))
		mu.Unlock()
		if r.Method == "PUT" {
			w.WriteHeader(204)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Server", "weak/1.0")
		_, _ = io.WriteString(w, `{"id":1,"secret":"hush"}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func options(t *testing.T, dir string) (Options, *output) {
	t.Helper()
	out := &output{}
	return Options{
		State: filepath.Join(dir, "state"), Listen: "https://127.0.0.1:0", Admin: "127.0.0.1:0", PrintKey: true,
		Stdout: out, Stderr: out, Clock: clock.System{}, Rand: rand.Reader, Version: "test",
	}, out
}

// start runs a gateway until the test ends.
func start(t *testing.T, opt Options, out *output) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan Running, 1), make(chan error, 1)
	opt.Ready = func(r Running) { ready <- r }
	go func() { done <- Run(ctx, opt) }()
	r := &running{out: out, dir: opt.State}
	select {
	case r.Running = <-ready:
	case err := <-done:
		cancel()
		t.Fatalf("it did not start: %v\n%s", err, out)
	case <-time.After(20 * time.Second):
		cancel()
		t.Fatal("it hangs")
	}
	once := sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			return context.DeadlineExceeded
		}
	})
	r.stop = once
	t.Cleanup(func() {
		if err := once(); err != nil {
			t.Errorf("stop: %v\n%s", err, out)
		}
	})
	pem, err := os.ReadFile(r.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	r.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableCompression: true}, Timeout: time.Minute}
	t.Cleanup(r.client.CloseIdleConnections)
	return r
}

func (r *running) do(t *testing.T, method, path, body, key string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.Gateway[0]+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-Api-Key", key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(out), resp.Header
}

func TestOneCommandGuardsAnAPI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var seen []string
	up := backend(t, &seen)
	opt, out := options(t, dir)
	opt.To, opt.OpenAPI = up.URL, write(t, filepath.Join(dir, "tiny.yaml"), tiny)
	r := start(t, opt, out)
	if !strings.HasPrefix(r.Key, "sp_live_") {
		t.Fatalf("no key: %s", out)
	}
	for _, c := range []struct {
		name, method, path, body, key string
		want                          int
	}{
		{"lawful", "GET", "/things/1?q=ab", "", r.Key, 200},
		{"lawful write", "PUT", "/things/1", `{"name":"x"}`, r.Key, 204},
		{"no key", "GET", "/things/1", "", "", 401},
		{"wrong key", "GET", "/things/1", "", r.Key + "x", 401},
		{"unknown path", "GET", "/internal", "", r.Key, 404},
		{"unknown method", "DELETE", "/things/1", "", r.Key, 405},
		{"wrong type in path", "GET", "/things/x", "", r.Key, 400},
		{"too long query", "GET", "/things/1?q=abcdefgh", "", r.Key, 400},
		{"undeclared query", "GET", "/things/1?debug=1", "", r.Key, 400},
		{"undeclared member", "PUT", "/things/1", `{"name":"x","role":"admin"}`, r.Key, 400},
		{"duplicate member", "PUT", "/things/1", `{"name":"x","name":"y"}`, r.Key, 400},
	} {
		if status, body, _ := r.do(t, c.method, c.path, c.body, c.key); status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, status, c.want, body)
		}
	}
	_, body, h := r.do(t, "GET", "/things/1", "", r.Key)
	if body != `{"id":1}` || h.Get("Server") != "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") == "" {
		t.Errorf("reply %s %v", body, h)
	}
	plain, err := http.NewRequestWithContext(t.Context(), "GET", strings.Replace(r.Gateway[0], "https://", "http://", 1)+"/things/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	plain.Header.Set("X-Api-Key", r.Key)
	if resp, err := http.DefaultTransport.RoundTrip(plain); err != nil {
		t.Error(err)
	} else {
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 403 || !strings.Contains(string(text), "transport/plain") {
			t.Errorf("plain HTTP on the TLS port: %d %s", resp.StatusCode, text)
		}
	}
	if len(seen) != 3 || strings.Contains(strings.Join(seen, " "), "sp_live") {
		t.Errorf("the upstream saw %q", seen)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestAForeignHostIsMisdirected(t *testing.T) {
	t.Parallel()
	r, _, _ := guarded(t, "")
	for host, want := range map[string]int{"evil.example": 421, "localhost": 200, "LOCALHOST:1": 200, "127.0.0.1": 200, "127.0.0.1.evil.example": 421} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", r.Gateway[0]+"/things/1", nil)
		req.Host = host
		req.Header.Set("X-Api-Key", r.Key)
		resp, err := r.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestHTTP2IsServedByTheSameGuards(t *testing.T) {
	t.Parallel()
	r, _, _ := guarded(t, "")
	r.client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	for path, want := range map[string]int{"/things/1": 200, "/things/x": 400, "/none": 404} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", r.Gateway[0]+path, nil)
		req.Header.Set("X-Api-Key", r.Key)
		resp, err := r.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want || resp.Proto != "HTTP/2.0" || resp.TLS.Version != tls.VersionTLS13 {
			t.Errorf("%s: %d over %s", path, resp.StatusCode, resp.Proto)
		}
	}
}
