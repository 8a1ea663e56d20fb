package framing

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	quiet    = 2 * time.Second  // after which a client that still waits ends its side
	patience = 15 * time.Second // in which everything has to end
)

// A talk is one connection of a client, whose incoming bytes are kept.
type talk struct {
	c    net.Conn
	done chan struct{}

	mu    sync.Mutex
	more  *sync.Cond
	in    []byte
	err   error
	ended bool
}

// dialer opens connections to a gate.
type dialer struct {
	g        *gate
	sessions tls.ClientSessionCache
}

func (d *dialer) dial(secure bool) (net.Conn, error) {
	if !secure {
		return net.Dial("tcp", d.g.plain)
	}
	return d.tls("http/1.1")
}

func (d *dialer) tls(protocol string) (*tls.Conn, error) {
	c, err := tls.Dial("tcp", d.g.secure, &tls.Config{InsecureSkipVerify: true, ServerName: host, NextProtos: []string{protocol}, ClientSessionCache: d.sessions})
	if err == nil && c.ConnectionState().NegotiatedProtocol != protocol {
		err = fmt.Errorf("%s was not agreed", protocol)
	}
	return c, err
}

func (d *dialer) talk(secure bool) (*talk, error) {
	c, err := d.dial(secure)
	if err != nil {
		return nil, err
	}
	t := &talk{c: c, done: make(chan struct{})}
	t.more = sync.NewCond(&t.mu)
	_ = c.SetDeadline(time.Now().Add(patience))
	go t.listen()
	return t, nil
}

// listen reads until the connection ends.
func (t *talk) listen() {
	defer close(t.done)
	buf := make([]byte, 4<<10)
	for {
		n, err := t.c.Read(buf)
		t.mu.Lock()
		t.in = append(t.in, buf[:n]...)
		t.err, t.ended = err, err != nil
		t.more.Broadcast()
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// until waits for text, or the end.
func (t *talk) until(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.ended && !bytes.Contains(t.in, []byte(text)) {
		t.more.Wait()
	}
}

// An outcome is what came back.
type outcome struct {
	raw   []byte
	slow  bool // the gateway waited for more than the case has
	hung  bool
	reset bool
}

// finish waits for the end.
func (t *talk) finish(half bool) (out outcome) {
	defer t.c.Close()
	if half {
		halfClose(t.c)
	} else {
		timer := time.NewTimer(quiet)
		defer timer.Stop()
		select {
		case <-t.done:
		case <-timer.C:
			out.slow = true
			halfClose(t.c)
		}
	}
	<-t.done
	out.raw = t.in
	out.hung = errors.Is(t.err, os.ErrDeadlineExceeded)
	out.reset = !out.hung && !errors.Is(t.err, io.EOF)
	return out
}

// leave ends the connection at once.
func (t *talk) leave() {
	c := t.c
	if s, ok := c.(*tls.Conn); ok {
		c = s.NetConn()
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
	<-t.done
}

// send sends a case. pause is called between the pieces of a message.
func (d *dialer) send(p *probe, id int, cut bool, pause func()) (outcome, error) {
	t, err := d.talk(p.secure)
	if err != nil {
		return outcome{}, err
	}
	for i, s := range p.steps {
		text := strings.ReplaceAll(s.send, mark, fmt.Sprintf("%06d", id))
		switch {
		case p.split > 0 && i == 0:
			_, _ = io.WriteString(t.c, text[:p.split])
			pause()
			_, _ = io.WriteString(t.c, text[p.split:])
		case p.bytewise:
			for k := range len(text) {
				if _, err := io.WriteString(t.c, text[k:k+1]); err != nil {
					break
				}
			}
		default:
			_, _ = io.WriteString(t.c, text)
		}
		if s.await > 0 {
			t.until(fmt.Sprintf("HTTP/1.1 %d ", s.await))
		}
	}
	if p.abort {
		pause()
		t.leave()
		return outcome{}, nil
	}
	return t.finish(p.half || cut), nil
}

// A canary is a client that keeps its connection and does nothing wrong.
type canary struct {
	d     *dialer
	c     net.Conn
	buf   []byte
	place [4 << 10]byte
}

// ask sends one request and returns the reply to it.
func (y *canary) ask(path string) (*message, error) {
	if y.c == nil {
		c, err := y.d.dial(false)
		if err != nil {
			return nil, err
		}
		y.c, y.buf = c, nil
	}
	_ = y.c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(y.c, "GET "+path+" HTTP/1.1\r\n"+hostLine+"\r\n"); err != nil {
		return nil, err
	}
	for {
		r := &reader{b: y.buf}
		m, err := r.reply("GET", false)
		if err == nil {
			y.buf = y.buf[r.at:]
			if len(y.buf) > 0 {
				return nil, malformed("%d bytes behind the reply to a canary", len(y.buf))
			}
			if m.get("connection") == "close" {
				_ = y.c.Close()
				y.c = nil
			}
			return m, nil
		}
		if !errors.Is(err, errCut) {
			return nil, err
		}
		n, err := y.c.Read(y.place[:])
		if n == 0 && err != nil {
			return nil, err
		}
		y.buf = append(y.buf, y.place[:n]...)
	}
}

func (y *canary) close() {
	if y.c != nil {
		_ = y.c.Close()
	}
}
