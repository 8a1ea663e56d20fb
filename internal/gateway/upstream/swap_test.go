package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// swapWith connects to a server that serve is, and returns our end.
func swapWith(t *testing.T, serve func(net.Conn)) *conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := ln.Accept(); err == nil {
			serve(c)
			_ = c.Close()
		}
	}()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = nc.Close(), ln.Close(), <-done })
	c := newConn(nc, netip.Addr{})
	if c.swap.run == nil {
		t.Fatal("the connection cannot swap")
	}
	return c
}

func TestARequestGoesOutWithTheReadOfItsReply(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"at once": 10, "in parts, where the kernel has no room": 8 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent, got := bytes.Repeat([]byte("0123456789"), size/10), make(chan []byte, 1)
			c := swapWith(t, func(s net.Conn) {
				buf := make([]byte, len(sent))
				n, _ := io.ReadFull(s, buf)
				got <- buf[:n]
				_, _ = io.WriteString(s, "reply")
			})
			if err := c.ask(sent, time.Minute); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			n, err := c.read(buf)
			if string(buf[:n]) != "reply" || err != nil || !bytes.Equal(<-got, sent) {
				t.Errorf("%q, %v", buf[:n], err)
			}
			if n, err := c.read(buf); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("behind the reply: %d, %v", n, err)
			}
		})
	}
}

func TestARequestGoesOutOnceThoughItsTimeWasOverBefore(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	c := swapWith(t, func(s net.Conn) {
		buf := make([]byte, 5)
		_, _ = io.ReadFull(s, buf)
		_, _ = io.WriteString(s, "reply")
		rest, _ := io.ReadAll(s)
		got <- append(buf, rest...)
	})
	if err := errors.Join(c.nc.SetReadDeadline(time.Unix(1, 0)), c.ask([]byte("hello"), time.Minute)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if n, err := c.read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d, %v", n, err)
	}
	_ = c.nc.SetReadDeadline(time.Time{})
	n, err := c.read(buf)
	if string(buf[:n]) != "reply" || err != nil {
		t.Errorf("%q, %v", buf[:n], err)
	}
	_ = c.nc.Close()
	if sent := string(<-got); sent != "hello" {
		t.Errorf("%q went out", sent)
	}
}

func TestAnEndIsSeenWithTheSwap(t *testing.T) {
	t.Parallel()
	for name, linger := range map[string]int{"by a reset": 0, "in order": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start, gone := make(chan struct{}), make(chan struct{})
			c := swapWith(t, func(s net.Conn) {
				<-start
				_ = s.(*net.TCPConn).SetLinger(linger)
				_ = s.Close()
				close(gone)
			})
			close(start)
			<-gone
			_ = c.nc.SetReadDeadline(time.Now().Add(time.Minute))
			for range 3 {
				_ = c.ask([]byte("hello"), time.Minute)
				if n, err := c.read(make([]byte, 10)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%d bytes, %v", n, err)
				}
			}
		})
	}
}

func TestAWaitForTheReplyOfASwapEndsWithItsContext(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	c := swapWith(t, func(s net.Conn) {
		_, _ = io.ReadFull(s, make([]byte, 5))
		<-hold
	})
	defer close(hold)
	ctx, cancel := context.WithCancel(t.Context())
	w := wait{ctx: ctx, start: time.Now()}
	_ = c.ask([]byte("hello"), time.Minute)
	cancel()
	if n, err := c.readBytes(&w, make([]byte, 10)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", n, err)
	}
}
