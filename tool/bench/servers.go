package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/risks"
)

// errStart means that a server did not answer in time.
var errStart = errors.New("it does not answer")

// A bench has the origin and the binaries.
type bench struct {
	dir    string
	self   string
	other  string // another build of sallyport, or ""
	cert   string // PEM of a certificate for localhost and its key
	origin *server
}

// A server is one process that is measured, or the origin.
type server struct {
	kind string
	url  string // scheme and authority
	key  string // that opens it, or ""
	cmd  *exec.Cmd
	out  bytes.Buffer
}

func newBench(ctx context.Context, other string) (*bench, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	b := &bench{dir: dir, other: other, cert: filepath.Join(dir, "cert.pem")}
	if b.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(dir, "sallyport"), "./cmd/sallyport")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build sallyport: %w\n%s", err, out)
	}
	if err := writeCert(b.cert); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	lines := fmt.Sprintf("listen 127.0.0.1:%d reuseport backlog=1024; location / { default_type application/json; return 200 '%s'; }", port, order(1000))
	b.origin, err = b.nginx(ctx, "1", "origin", lines, fmt.Sprintf("http://127.0.0.1:%d", port))
	return b, err
}

func (b *bench) close() {
	if b.origin != nil {
		b.origin.stop()
	}
	_ = os.RemoveAll(b.dir)
}

// start starts a server of a kind on processor 0.
func (b *bench) start(ctx context.Context, kind string, secure bool) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	scheme := "http"
	if secure {
		scheme = "https"
	}
	root := fmt.Sprintf("%s://localhost:%d", scheme, port)
	switch kind {
	case kindNginx:
		listen := "listen " + address + " backlog=1024;"
		if secure {
			listen = "listen " + address + " ssl http2 backlog=1024; ssl_protocols TLSv1.3; ssl_certificate " + b.cert + "; ssl_certificate_key " + b.cert + ";"
		}
		return b.nginx(ctx, "0", kind, listen+" location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ''; }", root)
	case kindGo:
		args := []string{"-serve", address, "-to", b.origin.url}
		if secure {
			args = append(args, "-cert", b.cert)
		}
		return b.process(ctx, "0", kind, root, b.self, args...)
	}
	return b.sallyport(ctx, kind, root)
}

// nginx starts one process with one server block.
func (b *bench) nginx(ctx context.Context, processor, name, block, root string) (*server, error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("nginx-%d", time.Now().UnixNano()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	upstream := ""
	if b.origin != nil {
		upstream = "upstream origin { server " + strings.TrimPrefix(b.origin.url, "http://") + "; keepalive 128; keepalive_requests 1000000; }"
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 4096; }
http {
	access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; client_body_buffer_size 64k;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	%[2]s
	server { %[3]s }
}
`, dir, upstream, block)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write a configuration: %w", err)
	}
	return b.process(ctx, processor, name, root, "nginx", "-p", dir, "-c", conf, "-e", filepath.Join(dir, "error.log"))
}

// document is the API of the origin, of the size that DESIGN's
// budgets speak of.
//
//go:embed orders.yaml
var document string

// ofContract are the risks that hold requests and replies to the contract.
func ofContract() []string {
	return []string{"undeclared", "request", "massassign", "reply", "excessdata"}
}

// sallyport starts the gateway: with every risk that can be off off, with those of
// the contract on, or with all of them on and a limit that is counted but never reached.
func (b *bench) sallyport(ctx context.Context, kind, root string) (*server, error) {
	dir, binary := filepath.Join(b.dir, fmt.Sprintf("sallyport-%d", time.Now().UnixNano())), filepath.Join(b.dir, "sallyport")
	kind, isOther := strings.CutSuffix(kind, other)
	name := kind
	if isOther {
		binary, name = b.other, name+other
	}
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nlisten: %s\n", root)
	if strings.HasPrefix(root, "https") {
		fmt.Fprintf(&text, "tls: { cert: %[1]s, key: %[1]s }\n", b.cert)
	}
	fmt.Fprintf(&text, "apis:\n  bench:\n    upstream: %s\n    openapi: openapi.yaml\n    risks:\n", b.origin.url)
	if kind == kindAll {
		text.WriteString("      consumption: { per_caller: 1000000/s burst 1000000, per_address: 1000000/s burst 1000000 }\n")
	} else {
		for _, r := range risks.All() {
			if kind == kindContract && slices.Contains(ofContract(), r.ID) {
				continue
			}
			if !r.Floor && r.Guard != nil {
				fmt.Fprintf(&text, "      %s: { mode: off, because: measured without }\n", r.ID)
			}
		}
	}
	err := errors.Join(os.Mkdir(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "sallyport.yaml"), []byte(text.String()), 0o600),
		os.WriteFile(filepath.Join(dir, "openapi.yaml"), []byte(document), 0o600))
	if err != nil {
		return nil, fmt.Errorf("write a policy: %w", err)
	}
	s, err := b.process(ctx, "0", name, root, binary,
		"run", "-c", filepath.Join(dir, "sallyport.yaml"), "--state", filepath.Join(dir, "state"), "--admin", "127.0.0.1:0", "--print-key")
	if err != nil {
		return nil, err
	}
	if _, after, ok := strings.Cut(s.out.String(), "KEY "); ok {
		s.key, _, _ = strings.Cut(strings.TrimSpace(after), " ")
	}
	return s, nil
}

// process starts a program and waits until it answers.
func (b *bench) process(ctx context.Context, processor, kind, root, name string, args ...string) (*server, error) {
	s := &server{kind: kind, url: root}
	s.cmd = exec.CommandContext(ctx, "taskset", append([]string{"-c", processor, name}, args...)...)
	s.cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "HOME="+b.dir)
	var mu sync.Mutex
	s.cmd.Stdout, s.cmd.Stderr = lockedWriter{&mu, &s.out}, lockedWriter{&mu, &s.out}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	u, err := url.Parse(root)
	if err != nil {
		return nil, fmt.Errorf("read a URL: %w", err)
	}
	for range 200 {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+u.Port(), time.Second)
		if err == nil {
			_ = c.Close()
			time.Sleep(200 * time.Millisecond) // let it print
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("%w: %s", errStart, s.out.String())
}

type lockedWriter struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p) //nolint:wrapcheck // never fails
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		_ = s.cmd.Process.Kill()
		<-done
	}
}

// reverseProxy is the peer in Go: httputil.ReverseProxy with connections kept,
// buffers pooled, and nothing logged.
func reverseProxy(address, to, cert string) error {
	u, err := url.Parse(to)
	if err != nil {
		return fmt.Errorf("read the origin: %w", err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport:  &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true, IdleConnTimeout: time.Hour},
		BufferPool: &buffers{pool: sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}},
	}
	srv := &http.Server{Addr: address, Handler: proxy, ReadHeaderTimeout: time.Minute}
	if cert == "" {
		return srv.ListenAndServe() //nolint:wrapcheck // said by main
	}
	srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS13}
	return srv.ListenAndServeTLS(cert, cert) //nolint:wrapcheck // said by main
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte  { return *b.pool.Get().(*[]byte) }
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// writeCert makes a certificate for localhost that lives a day.
func writeCert(name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	return os.WriteFile(name, text, 0o600) //nolint:wrapcheck // it names the file
}
