package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// errStart means that the gateway did not come up.
var errStart = errors.New("the gateway does not answer")

// A gateway is the binary under siege, with its own folder.
type gateway struct {
	bin, dir string
	address  string // host:port, plain HTTP on loopback
	key      string
	cmd      *exec.Cmd
	out      *output
	ended    chan struct{}
	to       *origin // behind it; nil where somebody else looks after that
}

// output keeps what a process prints, up to 1 MiB.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len() < 1<<20 {
		o.buf.Write(p)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// newGateway starts an origin and a gateway in front of it. stop ends both. The
// limits for one caller are off: all load comes from one.
func newGateway(ctx context.Context, bin string) (*gateway, error) {
	to, err := newOrigin()
	if err != nil {
		return nil, err
	}
	g, err := newGatewayOf(ctx, bin, "apis:\n"+apiText("siege", "", to.url, ""))
	if err != nil {
		to.close()
		return nil, err
	}
	g.to = to
	return g, nil
}

// apiText is the policy of one API. Settings are lines of it.
func apiText(name, at, upstream, settings string) string {
	text := fmt.Sprintf("  %s:\n    upstream: %s\n    openapi: openapi.yaml\n    risks: { consumption: { per_caller: \"off\", per_address: \"off\", concurrent: 100000 } }\n", name, upstream)
	if at != "" {
		text += "    at: " + at + "\n"
	}
	return text + settings
}

// newGatewayOf starts a gateway with a policy, whose first lines it writes.
func newGatewayOf(ctx context.Context, bin, rest string) (*gateway, error) {
	dir, err := os.MkdirTemp("", "siege")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	bin, err = filepath.Abs(bin)
	if err != nil {
		return nil, fmt.Errorf("find the gateway: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	g := &gateway{bin: bin, dir: dir, address: l.Addr().String()}
	_ = l.Close()
	policy := fmt.Sprintf("version: 1\nlisten: http://%s\n%s", g.address, rest)
	err = errors.Join(
		os.WriteFile(g.path("sallyport.yaml"), []byte(policy), 0o600),
		os.WriteFile(g.path("openapi.yaml"), []byte(document), 0o600))
	if err != nil {
		return nil, fmt.Errorf("write a policy: %w", err)
	}
	if err := g.start(ctx); err != nil {
		return nil, err
	}
	_, after, _ := strings.Cut(g.out.String(), "KEY ")
	g.key, _, _ = strings.Cut(strings.TrimSpace(after), " ")
	return g, nil
}

func (g *gateway) path(name string) string { return filepath.Join(g.dir, name) }

// start starts the process and waits until it has printed that it serves.
func (g *gateway) start(ctx context.Context) error {
	g.out = &output{}
	g.cmd = exec.CommandContext(ctx, g.bin, "run", "-c", g.path("sallyport.yaml"), "--state", g.path("state"), "--admin", "127.0.0.1:0", "--print-key")
	g.cmd.Stdout, g.cmd.Stderr = g.out, g.out
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.cmd.Start(); err != nil {
		return fmt.Errorf("start the gateway: %w", err)
	}
	g.ended = make(chan struct{})
	go func() { _ = g.cmd.Wait(); close(g.ended) }() // ends with the process
	for range 2000 {
		c, err := net.DialTimeout("tcp", g.address, time.Second)
		if err == nil {
			_ = c.Close()
			if out := g.out.String(); strings.Contains(out, "Try:") || g.key != "" && strings.Contains(out, "gateway http") {
				return nil
			}
		}
		select {
		case <-g.ended:
			return fmt.Errorf("%w:\n%s", errStart, g.out)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return fmt.Errorf("%w in 10 s:\n%s", errStart, g.out)
}

// kill ends the process as a crash would.
func (g *gateway) kill() {
	_ = g.cmd.Process.Kill()
	<-g.ended
}

// stop ends it in peace and removes its folder.
func (g *gateway) stop() {
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.ended:
	case <-time.After(20 * time.Second):
		g.kill()
	}
	_ = os.RemoveAll(g.dir)
	if g.to != nil {
		g.to.close()
	}
}

// run runs another command of the binary on the same state.
func (g *gateway) run(ctx context.Context, args ...string) (string, error) {
	args = append(args, "--state", g.path("state"))
	cmd := exec.CommandContext(ctx, g.bin, args...)
	cmd.Dir = g.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("sallyport %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// client returns a client that keeps n connections.
func (g *gateway) client(n int) *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: n, MaxIdleConns: n, DisableCompression: true}}
}

// get asks for one order and returns the status.
func (g *gateway) get(ctx context.Context, c *http.Client, key string) (int, error) {
	return g.send(ctx, c, http.MethodGet, "/orders/7", key, "")
}

func (g *gateway) send(ctx context.Context, c *http.Client, method, path, key, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+g.address+path, strings.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("X-API-Key", key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	_, err = drain(resp.Body)
	return resp.StatusCode, err
}

// memory is the resident set in bytes.
func (g *gateway) memory() int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.cmd.Process.Pid))
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	f := strings.Fields(after)
	if len(f) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(f[0], 10, 64)
	return kib << 10
}

// descriptors is how many files the process holds.
func (g *gateway) descriptors() int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.cmd.Process.Pid))
	return len(list)
}

// threads is how many threads of the system it has.
func (g *gateway) threads() int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", g.cmd.Process.Pid))
	return len(list)
}
