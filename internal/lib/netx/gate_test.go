package netx

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/source"
)

func mainTest(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, text string) net.Listener {
	t.Helper()
	l, err := ParseListen(text)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := l.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func code(err error) source.Code {
	var d source.Diagnostic
	if errors.As(err, &d) && d.Hint != "" {
		return d.Code
	}
	return ""
}

func TestAPortInUseIsNamed(t *testing.T) {
	t.Parallel()
	ln := open(t, "https://127.0.0.1:0")
	l, err := ParseListen("https://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if second, err := l.Open(t.Context()); code(err) != CodePortInUse {
		t.Errorf("got %v, %v", second, err)
	}
}

func TestAnAddressOfAnotherMachineIsNamed(t *testing.T) {
	t.Parallel()
	l, err := ParseListen("https://192.0.2.1:8443")
	if err != nil {
		t.Fatal(err)
	}
	if ln, err := l.Open(t.Context()); code(err) != CodeNoAddress {
		t.Errorf("got %v, %v", ln, err)
	}
}

func TestAPrivilegedPortIsNamed(t *testing.T) {
	t.Parallel()
	l := Listen{Scheme: TLS, Host: "127.0.0.1", Port: 443}
	if err := l.explain(os.NewSyscallError("bind", os.ErrPermission)); code(err) == CodePrivilegedPort {
		t.Error("only the kernel's own answer may be explained")
	}
	if err := l.explain(&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}); code(err) != CodePrivilegedPort {
		t.Errorf("got %v", err)
	}
}

func TestASocketIsPrivateAndGoesWithItsListener(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	ln := open(t, "unix://"+path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != socketMode || ln.Addr().String() != path {
		t.Fatalf("socket %v, %v at %s", info, err, ln.Addr())
	}
	l, _ := ParseListen("unix://" + path)
	if _, err := l.Open(t.Context()); code(err) != CodePortInUse {
		t.Errorf("a socket in use was taken over: %v", err)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestAStaleSocketIsReplacedAndAFileIsNot(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	old, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	old.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = old.Close()
	_ = open(t, "unix://"+path)

	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, _ := ParseListen("unix://" + file)
	if _, err := l.Open(t.Context()); code(err) != CodeSocket {
		t.Errorf("got %v", err)
	}
	if b, err := os.ReadFile(file); string(b) != "mine" {
		t.Errorf("the file is lost: %v", err)
	}
}

func TestASocketInAMissingFolderIsNamed(t *testing.T) {
	t.Parallel()
	l, _ := ParseListen("unix://" + filepath.Join(t.TempDir(), "no", "s"))
	if _, err := l.Open(t.Context()); code(err) != CodeSocket {
		t.Errorf("got %v", err)
	}
}

// dial connects and returns the client's end.
func dial(t *testing.T, g *Gate) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func accept(t *testing.T, g *Gate) net.Conn {
	t.Helper()
	c, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestATrustedProxyIsNoPeer(t *testing.T) {
	t.Parallel()
	g := NewGate(open(t, "http://127.0.0.1:0"), Limits{Total: 10, PerPeer: 1, Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	for range 3 {
		_ = dial(t, g)
		_ = accept(t, g)
	}
	if g.Open() != 3 {
		t.Errorf("%d are open", g.Open())
	}
}

func TestOnePeerCannotTakeAllConnections(t *testing.T) {
	t.Parallel()
	g := NewGate(open(t, "http://127.0.0.1:0"), Limits{Total: 10, PerPeer: 2})
	first, second := dial(t, g), dial(t, g)
	a, b := accept(t, g), accept(t, g)
	third := dial(t, g)
	accepted := make(chan net.Conn)
	go func() {
		c, _ := g.Accept()
		accepted <- c
	}()
	if _, err := third.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && err == nil {
		t.Errorf("the third connection lives: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	_ = a.Close() // twice must not count twice
	_ = dial(t, g)
	c := <-accepted
	if c == nil || g.Open() != 2 {
		t.Errorf("a free place is not given: %v, %d open", c, g.Open())
	}
	_ = c.Close()
	_ = b.Close()
	_, _ = first, second
}

func TestTheTotalHoldsNewcomersBack(t *testing.T) {
	t.Parallel()
	g := NewGate(open(t, "http://127.0.0.1:0"), Limits{Total: 1})
	_, _ = dial(t, g), dial(t, g)
	a := accept(t, g)
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := g.Accept()
		accepted <- c
	}()
	select {
	case <-accepted:
		t.Fatal("a second connection was taken")
	default:
	}
	_ = a.Close()
	if c := <-accepted; c == nil || g.Open() != 1 {
		t.Errorf("the place was not given on: %v, %d open", c, g.Open())
	} else {
		_ = c.Close()
	}
}

func TestDrainWaitsForOwnersThenCloses(t *testing.T) {
	t.Parallel()
	g := NewGate(open(t, "http://127.0.0.1:0"), Limits{})
	client := dial(t, g)
	conn := accept(t, g)
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan error)
	go func() { drained <- g.Drain(ctx) }()
	if _, err := g.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Drain: %v", err)
	}
	cancel()
	if err := <-drained; !errors.Is(err, context.Canceled) {
		t.Errorf("Drain had to cut a connection and said %v", err)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the connection was not cut")
	}
	_ = conn.Close()
	if err := g.Drain(t.Context()); err != nil || g.Open() != 0 {
		t.Errorf("a second Drain: %v, %d open", err, g.Open())
	}
}

func TestDrainEndsWhenTheLastOwnerCloses(t *testing.T) {
	t.Parallel()
	g := NewGate(open(t, "http://127.0.0.1:0"), Limits{})
	_ = dial(t, g)
	conn := accept(t, g)
	drained := make(chan error)
	go func() { drained <- g.Drain(t.Context()) }()
	_ = conn.Close()
	if err := <-drained; err != nil {
		t.Errorf("Drain: %v", err)
	}
}

func TestIPv6PeersCountByTheirNetwork(t *testing.T) {
	t.Parallel()
	a := peerPrefix(PeerAddr(&net.TCPAddr{IP: net.ParseIP("2001:db8::1")}))
	b := peerPrefix(PeerAddr(&net.TCPAddr{IP: net.ParseIP("2001:db8::2")}))
	if a != b || !a.IsValid() || peerPrefix(PeerAddr(nil)).IsValid() {
		t.Errorf("%s and %s are one customer", a, b)
	}
}
