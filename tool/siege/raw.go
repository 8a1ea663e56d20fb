package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A rawClient sends one request again and again over HTTP/1.1, for a fraction
// of what net/http costs, so that the load does not eat what it is to measure.
// Its connections come from several addresses of loopback: the gateway bounds
// those of each.
type rawClient struct {
	address string
	request []byte
	limit   time.Duration // for one answer

	mu   sync.Mutex
	idle []*rawConn
	made int
}

type rawConn struct {
	c    net.Conn
	r    *bufio.Reader
	used time.Time // the last time
}

const (
	maxRawIdle = 4096
	perAddress = 500
	// restTime is how long a connection may lie unused. The gateway ends one after
	// a minute, and who writes then has lost the request, not knowing whether it
	// was heard (RFC 9112 section 9.5).
	restTime = 30 * time.Second
)

var errReply = errors.New("not a reply that the siege reads")

// rawGet is a client that asks for path with the key.
func (g *gateway) rawGet(path, key string, limit time.Duration) *rawClient {
	return &rawClient{address: g.address, limit: limit, request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\n\r\n", path, g.address, key)}
}

// rawPost is a client that posts body to path with the key.
func (g *gateway) rawPost(path, body, key string, limit time.Duration) *rawClient {
	return &rawClient{address: g.address, limit: limit, request: fmt.Appendf(nil,
		"POST %s HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, g.address, key, len(body), body)}
}

// ask sends the request and returns the status.
func (c *rawClient) ask(ctx context.Context) (int, error) {
	conn, err := c.take(ctx)
	if err != nil {
		return 0, err
	}
	_ = conn.c.SetDeadline(time.Now().Add(c.limit))
	idle := time.Since(conn.used)
	status, last, err := conn.exchange(c.request)
	if err != nil || last {
		_ = conn.c.Close()
		if err != nil {
			err = fmt.Errorf("after %v without use: %w", idle.Round(time.Millisecond), err)
		}
		return status, err
	}
	c.keep(conn)
	return status, nil
}

func (c *rawClient) take(ctx context.Context) (*rawConn, error) {
	c.mu.Lock()
	for n := len(c.idle); n > 0; n = len(c.idle) {
		conn := c.idle[n-1]
		c.idle = c.idle[:n-1]
		if time.Since(conn.used) < restTime {
			c.mu.Unlock()
			return conn, nil
		}
		_ = conn.c.Close()
	}
	c.made++
	from := net.IPv4(127, 0, 1, byte(1+c.made/perAddress%250))
	c.mu.Unlock()
	d := net.Dialer{Timeout: c.limit, LocalAddr: &net.TCPAddr{IP: from}}
	nc, err := d.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &rawConn{c: nc, r: bufio.NewReaderSize(nc, 2048), used: time.Now()}, nil
}

func (c *rawClient) keep(conn *rawConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.used = time.Now(); len(c.idle) < maxRawIdle {
		c.idle = append(c.idle, conn)
		return
	}
	_ = conn.c.Close()
}

// close ends what is idle.
func (c *rawClient) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.idle {
		_ = conn.c.Close()
	}
	c.idle = nil
}

// exchange sends a request and reads the reply to its end.
func (c *rawConn) exchange(request []byte) (status int, last bool, err error) {
	if _, err := c.c.Write(request); err != nil {
		return 0, true, fmt.Errorf("ask: %w", err)
	}
	length, chunked := int64(0), false
	for first := true; ; first = false {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, true, fmt.Errorf("read the head: %w", err)
		}
		text := strings.TrimRight(string(line), "\r\n")
		name, value, _ := strings.Cut(text, ":")
		switch value = strings.TrimSpace(value); {
		case first && len(text) >= 12:
			status, err = strconv.Atoi(text[9:12])
		case strings.EqualFold(name, "Content-Length"):
			length, err = strconv.ParseInt(value, 10, 64)
		case strings.EqualFold(name, "Transfer-Encoding"):
			chunked = true
		case strings.EqualFold(name, "Connection") && strings.EqualFold(value, "close"):
			last = true
		}
		if err != nil {
			return 0, true, fmt.Errorf("%w: %s", errReply, text)
		}
		if text == "" {
			break
		}
	}
	if chunked {
		return status, last, c.chunks()
	}
	if _, err := io.CopyN(io.Discard, c.r, length); err != nil {
		return status, true, fmt.Errorf("read the body: %w", err)
	}
	return status, last, nil
}

// chunks reads a chunked body without trailers.
func (c *rawConn) chunks() error {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read a chunk: %w", err)
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 64)
		if err != nil {
			return fmt.Errorf("%w: chunk %q", errReply, line)
		}
		if _, err := io.CopyN(io.Discard, c.r, n+2); err != nil {
			return fmt.Errorf("read a chunk: %w", err)
		}
		if n == 0 {
			return nil
		}
	}
}
