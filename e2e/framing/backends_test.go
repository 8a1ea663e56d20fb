package framing

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A backEnd starts a server until the test ends, and returns its address.
type backEnd struct {
	name  string
	start func(*testing.T) string
}

func backEnds() []backEnd {
	return []backEnd{{"Go", goEcho}, {"Node", nodeEcho}, {"nginx", nginxEcho}, {"HAProxy", haproxyEcho}, {"Python", pythonEcho}}
}

// goEcho says on X-Saw what it understood: its count, method, target, length
// and CRC of the body.
func goEcho(t *testing.T) string {
	t.Helper()
	var count atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Saw", fmt.Sprintf("%d %s %s %d %08x", count.Add(1), r.Method, r.RequestURI, len(body), crc32.ChecksumIEEE(body)))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func nodeEcho(t *testing.T) string {
	t.Helper()
	return script(t, program(t, "node"), "--max-old-space-size=128", "testdata/echo.js")
}

func pythonEcho(t *testing.T) string {
	t.Helper()
	return script(t, program(t, "python3"), "-u", "testdata/echo.py")
}

// program finds a program, or skips.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name
		if _, err := os.Stat(path); err != nil {
			t.Skipf("needs %s, to see what it makes of the bytes: run tool/setup as root", name)
		}
	}
	return path
}

// start starts a program of ours; the end of the test ends it.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-done
		}
	})
}

// script runs a program that prints its port.
func script(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout = w
	start(t, cmd)
	_ = w.Close()
	_ = out.SetReadDeadline(time.Now().Add(time.Minute))
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s says no port: %v", filepath.Base(name), err)
	}
	return "127.0.0.1:" + strings.TrimSpace(port)
}

func nginxEcho(t *testing.T) string {
	t.Helper()
	path := program(t, "nginx")
	conf, address := configured(t, "nginx.conf")
	start(t, exec.Command(path, "-p", filepath.Dir(conf), "-c", conf, "-e", filepath.Join(filepath.Dir(conf), "error.log")))
	await(t, address)
	return address
}

func haproxyEcho(t *testing.T) string {
	t.Helper()
	path := program(t, "haproxy")
	conf, address := configured(t, "haproxy.cfg")
	start(t, exec.Command(path, "-q", "-db", "-f", conf))
	await(t, address)
	return address
}

// configured writes a configuration with an origin of its own.
func configured(t *testing.T, name string) (file, address string) {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("DIR", dir, "ADDRESS", address, "ORIGIN", goEcho(t)).Replace(string(text))
	file = filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, address
}

// freeAddress is an address of loopback that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// errAway means that nothing listens.
var errAway = errors.New("nothing listens")

// await waits until something accepts connections.
func await(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errAway)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", address, context.Cause(ctx))
		}
	}
}
