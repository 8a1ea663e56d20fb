package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// maxIdle is the most that an idle connection may cost, in bytes.
const maxIdle = 20 << 10

// crowd opens n connections and says hello on each with write.
func crowd(ctx context.Context, g *gateway, n int, write func(net.Conn) error) (conns []net.Conn, err error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	for i := range n {
		// The gateway bounds the connections of one address.
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i/500))}
		c, err := d.DialContext(ctx, "tcp", g.address)
		if err == nil {
			conns = append(conns, c)
			err = write(c)
		}
		if err != nil {
			return conns, broke("connection %d: %v", i+1, err)
		}
	}
	return conns, nil
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// idle keeps connections open after one request each.
func idle(ctx context.Context, o *options) error {
	g, err := newGateway(ctx, o.bin)
	if err != nil {
		return err
	}
	defer g.stop()
	request := fmt.Sprintf("GET /orders/7 HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\n\r\n", g.address, g.key)
	ask := func(c net.Conn) error {
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Write([]byte(request)); err != nil {
			return fmt.Errorf("ask: %w", err)
		}
		resp, err := http.ReadResponse(bufio.NewReaderSize(c, 4096), nil)
		if err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return broke("status %d", resp.StatusCode)
		}
		_, err = drain(resp.Body)
		return err
	}
	few, err := crowd(ctx, g, 64, ask)
	defer func() { closeAll(few) }()
	if err != nil {
		return err
	}
	wait(ctx, 2*time.Second)
	before := g.memory()
	conns, err := crowd(ctx, g, o.idle, ask)
	defer func() { closeAll(conns) }()
	if err != nil {
		return err
	}
	wait(ctx, 8*time.Second) // the collector of garbage and the system take back
	each := (g.memory() - before) / int64(o.idle)
	fmt.Printf("idle      %d connections: %.1f KiB each, %d MiB in all, %d threads\n", o.idle, float64(each)/1024, g.memory()>>20, g.threads())
	if status, err := g.get(ctx, g.client(1), g.key); err != nil || status != http.StatusOK {
		return broke("beside them a good request gets %d: %v", status, err)
	}
	if each > maxIdle {
		return broke("an idle connection costs %d bytes, more than %d", each, maxIdle)
	}
	return nil
}

// slow keeps clients that never finish their head, and a good one beside.
func slow(ctx context.Context, o *options) error {
	g, err := newGateway(ctx, o.bin)
	if err != nil {
		return err
	}
	defer g.stop()
	conns, err := crowd(ctx, g, o.slow, func(c net.Conn) error {
		_, err := c.Write([]byte("GET /orders/7 HTTP/1.1\r\nX-"))
		return err //nolint:wrapcheck // said by crowd
	})
	defer func() { closeAll(conns) }()
	if err != nil {
		return err
	}
	client := g.client(1)
	l := begin(ctx, 1, func(ctx context.Context) (int, error) { return g.get(ctx, client, g.key) })
	for range 12 { // a byte of each in a second, while the heads time out
		for _, c := range conns {
			_, _ = c.Write([]byte("a"))
		}
		wait(ctx, time.Second)
	}
	l.end()
	ended := 0
	for _, c := range conns {
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if n, err := drain(c); n > 0 || err == nil {
			ended++
		}
	}
	fmt.Printf("slow      %d slow clients, %d ended by the gateway; the good one: %d answers, %d failed, p99 %v\n", o.slow, ended, l.good.Load(), l.bad.Load()+l.shed.Load(), l.percentile(0.99))
	switch {
	case l.bad.Load()+l.shed.Load() > 0 || l.good.Load() == 0:
		return broke("the good client is not served: %s", l.first)
	case ended < o.slow:
		return broke("%d of the slow clients were not ended", o.slow-ended)
	}
	return nil
}
