package framing

import (
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A tape is what went over one connection between the gateway and a back end.
type tape struct {
	mu       sync.Mutex
	up, down []byte
	left     bool // the gateway ended its side
	dropped  bool // we closed it while it was idle
	ended    bool // no more comes from the back end
	in, out  net.Conn
}

// A tee stands between the gateway and a back end, and keeps every byte.
type tee struct {
	address string
	ln      net.Listener
	behind  string // "127.0.0.1:80", or the path of a socket
	work    sync.WaitGroup
	slow    time.Duration // replies wait up to this long
	moved   atomic.Int64  // bytes to the back end since it was set to 0

	mu    sync.Mutex
	tapes []*tape
	fail  []error
}

// newTee starts one. Replies wait up to slow.
func newTee(t *testing.T, behind string, slow time.Duration) *tee {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &tee{address: ln.Addr().String(), ln: ln, behind: behind, slow: slow}
	e.work.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			e.join(c)
		}
	})
	t.Cleanup(e.close)
	return e
}

// join connects one connection of the gateway with the back end.
func (e *tee) join(in net.Conn) {
	network := "tcp"
	if strings.HasPrefix(e.behind, "/") {
		network = "unix"
	}
	out, err := net.Dial(network, e.behind)
	p := &tape{in: in, out: out}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.fail = append(e.fail, err)
		_ = in.Close()
		return
	}
	e.tapes = append(e.tapes, p)
	e.work.Go(func() { p.carry(out, in, &p.up, &e.moved); p.mark(&p.left); halfClose(out) })
	e.work.Go(func() {
		p.carry(late{in, e.slow}, out, &p.down, new(atomic.Int64))
		p.mark(&p.ended)
		_ = in.Close()
		_ = out.Close()
	})
}

// A late writer waits before it writes.
type late struct {
	io.Writer
	most time.Duration
}

func (w late) Write(b []byte) (int, error) {
	if w.most > 0 {
		t := time.NewTimer(rand.N(w.most))
		<-t.C
	}
	return w.Writer.Write(b)
}

func halfClose(c net.Conn) {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite()
	}
}

func (p *tape) mark(what *bool) {
	p.mu.Lock()
	*what = true
	p.mu.Unlock()
}

// carry moves bytes and keeps them before anybody sees them.
func (p *tape) carry(to io.Writer, from io.Reader, keep *[]byte, count *atomic.Int64) {
	buf := make([]byte, 16<<10)
	deaf := false
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		*keep = append(*keep, buf[:n]...)
		p.mu.Unlock()
		count.Add(int64(n))
		if n > 0 && !deaf {
			_, oops := to.Write(buf[:n])
			deaf = oops != nil // go on reading: it counts what was said
		}
		if err != nil {
			return
		}
	}
}

// drop closes the connections that are open, which are idle: the gateway has to
// open another one.
func (e *tee) drop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := len(e.tapes) - 1; i >= 0 && i >= len(e.tapes)-8; i-- {
		p := e.tapes[i]
		p.mu.Lock()
		if !p.dropped && !p.left && !p.ended {
			p.dropped = true
			_ = p.in.Close()
			halfClose(p.out)
		}
		p.mu.Unlock()
	}
}

// close ends everything and waits.
func (e *tee) close() {
	_ = e.ln.Close()
	e.mu.Lock()
	for _, p := range e.tapes {
		_ = p.in.Close()
		_ = p.out.Close()
	}
	e.mu.Unlock()
	e.work.Wait()
}
