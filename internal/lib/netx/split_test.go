package netx

import (
	"io"
	"net"
	"testing"
	"time"
)

func TestSplitTellsTLSFromPlain(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewSplit(ln)
	for text, side := range map[string]net.Listener{"\x16\x03\x01": s.TLS(), "GET / HTTP/1.1": s.Plain(), "\x15": s.Plain()} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, text)
		_ = c.(*net.TCPConn).CloseWrite()
		got, err := side.Accept()
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(got)
		if err != nil || string(all) != text {
			t.Errorf("%q came as %q, %v", text, all, err)
		}
		_, _ = got.Close(), c.Close()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestASilentConnectionDoesNotHoldTheOthers(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewSplit(ln)
	silent, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "G")
	got, err := s.Plain().Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = got.Close()
	start := time.Now()
	_ = s.Close()
	if time.Since(start) > helloTime/2 {
		t.Error("Close waits for a silent connection")
	}
	if _, err := s.TLS().Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}
