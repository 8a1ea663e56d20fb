package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// A bad origin is an API that breaks in one way, when it is told to. Until then
// it answers as it should.
type badOrigin struct {
	listener net.Listener
	url      string
	broken   atomic.Bool
	how      func(net.Conn)
}

// A badness is a way to break.
type badness struct {
	name string
	tls  bool
	// how answers one request, whose head was read, and may keep the connection
	// as long as it likes: it is closed after it.
	how func(net.Conn)
}

// wellKind breaks nothing: what is measured beside it is what measuring adds.
const wellKind = "well"

const goodReply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"id\":7}"

func say(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

// endless repeats text until nobody listens.
func endless(first, text string) func(net.Conn) {
	return func(c net.Conn) {
		_, err := io.WriteString(c, first)
		for part := bytes.Repeat([]byte(text), 1+(32<<10)/len(text)); err == nil; {
			_, err = c.Write(part)
		}
	}
}

// drip sends first at once, and of rest a byte each 100 ms.
func drip(first, rest string) func(net.Conn) {
	return func(c net.Conn) {
		_, err := io.WriteString(c, first)
		for i := 0; i < len(rest) && err == nil; i++ {
			time.Sleep(100 * time.Millisecond)
			_, err = io.WriteString(c, rest[i:i+1])
		}
	}
}

func hang(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func badnesses() []badness {
	const jsonHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	reset := func(c net.Conn) {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
	}
	return []badness{
		{name: wellKind, how: say(goodReply)},
		{name: "slow", how: func(c net.Conn) { time.Sleep(20 * time.Second); say(goodReply)(c) }},
		{name: "hanging", how: hang},
		{name: "resetting", how: reset},
		{name: "garbage", how: say("\x16\x03\x01 SSH-2.0-garbage\r\n\r\n")},
		{name: "half-closed", how: func(c net.Conn) {
			if t, ok := c.(*net.TCPConn); ok {
				_ = t.CloseWrite()
			}
			hang(c)
		}},
		{name: "a byte at a time, head", how: drip("", goodReply)},
		{name: "a byte at a time, body", how: drip(jsonHead+"Content-Length: 4000\r\n\r\n", string(bytes.Repeat([]byte(" "), 4000)))},
		{name: "endless head", how: endless("HTTP/1.1 200 OK\r\n", "X-More: more\r\n")},
		{name: "endless line", how: endless("HTTP/1.1 200 OK\r\nX-More: ", "more")},
		{name: "endless interim replies", how: endless("", "HTTP/1.1 102 Processing\r\n\r\n")},
		{name: "endless body", how: endless(jsonHead+"\r\n", "[[[[ ")},
		{name: "endless chunks", how: endless(jsonHead+"Transfer-Encoding: chunked\r\n\r\n", "4\r\n    \r\n")},
		{name: "too short a body", how: say(jsonHead + "Content-Length: 90\r\n\r\n{\"id\":7}")},
		{name: "too long a body", how: say(goodReply + goodReply)},
		{name: "two lengths", how: say(jsonHead + "Content-Length: 8\r\nContent-Length: 9\r\n\r\n{\"id\":7}")},
		{name: "TLS that fails", tls: true, how: hang},
	}
}

func newBadOrigin(b badness) (*badOrigin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	o := &badOrigin{listener: l, url: "http://" + l.Addr().String(), how: b.how}
	if b.tls {
		o.url = "https://" + l.Addr().String()
	}
	go func() { // ends with close
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go o.serve(c, b) // ends with the connection
		}
	}()
	return o, nil
}

func (o *badOrigin) close() { _ = o.listener.Close() }

// serveBad is a bad origin as a process, which gives way to all others: an API
// that writes without end has processors of its own in life.
func serveBad(ctx context.Context, name string) error {
	i := slices.IndexFunc(badnesses(), func(b badness) bool { return b.name == name })
	if i < 0 {
		return broke("no way to break is called %q", name)
	}
	const least = 19
	_ = syscall.Setpriority(syscall.PRIO_PGRP, 0, least)
	_ = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(least)), 0) // where processes of a session count together
	o, err := newBadOrigin(badnesses()[i])
	if err != nil {
		return err
	}
	defer o.close()
	breaks := make(chan os.Signal, 1)
	signal.Notify(breaks, syscall.SIGUSR1)
	fmt.Println(o.url)
	select {
	case <-breaks:
		o.broken.Store(true)
		<-ctx.Done()
	case <-ctx.Done():
	}
	return nil
}

func (o *badOrigin) serve(c net.Conn, b badness) {
	defer c.Close()
	if b.tls { // it has no certificate, so that each handshake fails
		_ = tls.Server(c, &tls.Config{MinVersion: tls.VersionTLS12}).Handshake()
		return
	}
	for r := bufio.NewReader(c); ; {
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) <= 2 {
				break
			}
		}
		if o.broken.Load() {
			o.how(c)
			return
		}
		if _, err := io.WriteString(c, goodReply); err != nil {
			return
		}
	}
}
