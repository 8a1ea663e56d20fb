package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// maxReply caps what the tests read of a reply, in bytes.
const maxReply = 32 << 20

// upstream stands before a server of others and counts what reaches it.
type upstream struct {
	url   string
	calls atomic.Int64
}

// count starts a counting proxy for a server.
func count(t *testing.T, server string) *upstream {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		u.calls.Add(1)
		r.SetURL(to)
	}}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	u.url = s.URL
	return u
}

// target is where requests are sent: the gateway, or the server itself.
type target struct {
	base    string
	header  string // that carries the key
	key     string // empty where there is no gateway
	client  *http.Client
	guarded bool
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// problem tells whether the reply is a denial of the gateway.
func (r reply) problem() bool {
	return strings.HasPrefix(r.header.Get("Content-Type"), "application/problem+json")
}

// do sends a request with the key and reads the whole reply.
func (g *target) do(req *http.Request) (reply, error) {
	if g.key != "" {
		req.Header.Set(g.header, g.key)
	}
	res, err := g.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	return reply{res.StatusCode, res.Header, body}, err
}

// guard starts the gateway in front of a server, or, where it is not built,
// is the server itself. SALLYPORT_BIN names another binary.
func guard(t *testing.T, server, document string) *target {
	t.Helper()
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	bin := os.Getenv("SALLYPORT_BIN")
	if bin == "" {
		bin = filepath.Join("..", "bin", "sallyport")
	}
	if _, err := os.Stat(bin); errors.Is(err, os.ErrNotExist) {
		t.Logf("%s is not built (make build): the server is driven without it", bin)
		return &target{base: server, header: "X-API-Key", client: client}
	}
	begin, listen := time.Now(), "https://127.0.0.1:"+freePort(t)
	out := run(t, exec.Command(bin, "run", "--to", server, "--openapi", document, "--listen", listen,
		"--admin", "127.0.0.1:"+freePort(t), "--state", t.TempDir(), "--print-key"))
	authority, key := regexp.MustCompile(`--cacert (\S+)`), regexp.MustCompile(`KEY\s+(sp_live_\w+)`)
	out.until(t, "print its address", func(text string) bool { return authority.MatchString(text) && reaches(listen) })
	t.Logf("the gateway answers after %.1f s", time.Since(begin).Seconds())
	pem, err := os.ReadFile(authority.FindStringSubmatch(out.text())[1])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("the authority's file holds no certificate")
	}
	client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	g := &target{base: listen, header: "X-API-Key", client: client, guarded: true}
	if found := key.FindStringSubmatch(out.text()); found != nil {
		g.key = found[1]
	}
	return g
}

// freePort is a port of loopback that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// reaches tells whether something accepts connections at a URL.
func reaches(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	c, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// process is a program that runs until the test ends.
type process struct {
	name string
	done chan struct{} // closed when it has ended

	mu  sync.Mutex
	out bytes.Buffer
}

// Write keeps what the program prints, up to 1 MiB.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out.Len() < 1<<20 {
		p.out.Write(b)
	}
	return len(b), nil
}

// text is what the program has printed.
func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// run starts a program in a process group of its own; the test's end stops it.
func run(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: filepath.Base(cmd.Path), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p, p
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	go func() { defer close(p.done); cmd.Wait() }()
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(10 * time.Second):
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-p.done
		}
		if t.Failed() {
			t.Logf("%s printed:\n%.4000s", p.name, p.text())
		}
	})
	return p
}

// until polls for two minutes at most.
func (p *process) until(t *testing.T, what string, met func(text string) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if met(p.text()) {
			return
		}
		select {
		case <-tick.C:
		case <-p.done:
			t.Fatalf("%s ended before it could %s:\n%.4000s", p.name, what, p.text())
		case <-ctx.Done():
			t.Fatalf("%s did not %s in time:\n%.4000s", p.name, what, p.text())
		}
	}
}

// need skips a test where a file is missing, and says how to get it.
func need(t *testing.T, file, how string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("not a short test")
	}
	if _, err := os.Stat(file); err != nil {
		t.Skipf("%s is missing: run %s", file, how)
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// sorted prints counts, the largest first.
func sorted(counts map[string]int) string {
	var b strings.Builder
	for len(counts) > 0 {
		best := ""
		for k, n := range counts {
			if best == "" || n > counts[best] || n == counts[best] && k < best {
				best = k
			}
		}
		fmt.Fprintf(&b, "\n  %5d  %s", counts[best], best)
		delete(counts, best)
	}
	return b.String()
}
