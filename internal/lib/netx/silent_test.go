package netx

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestSilentTakesNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	raw, err := near.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	silent := func() (is bool) {
		var one [1]byte
		if err := raw.Control(func(fd uintptr) { is = Silent(fd, one[:]) }); err != nil {
			t.Fatal(err)
		}
		return is
	}
	until := func(what string, want bool) {
		t.Helper()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for began := time.Now(); silent() != want; <-tick.C {
			if time.Since(began) > 10*time.Second {
				t.Fatalf("%s: silent is %v", what, !want)
			}
		}
	}
	until("nothing came", true)
	if _, err := io.WriteString(far, "ab"); err != nil {
		t.Fatal(err)
	}
	until("two bytes came", false)
	var b [2]byte
	if n, err := io.ReadFull(near, b[:]); err != nil || string(b[:]) != "ab" {
		t.Fatalf("%d %v %q", n, err, b)
	}
	until("they were read", true)
	_ = far.Close()
	until("it ended", false)
}
