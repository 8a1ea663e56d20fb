package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// reload lets the gateway take its policy anew again and again.
func reload(ctx context.Context, o *options) error {
	g, err := newGateway(ctx, o.bin)
	if err != nil {
		return err
	}
	defer g.stop()
	conn, lines, err := upgrade(g)
	if err != nil {
		return err
	}
	defer conn.Close()
	client := g.client(16)
	l := begin(ctx, 8, func(ctx context.Context) (int, error) { return g.get(ctx, client, g.key) })
	policy, err := os.ReadFile(g.path("sallyport.yaml"))
	if err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	reloaded := func() int { return strings.Count(g.out.String(), `"msg":"reloaded"`) }
	for i := range o.reloads {
		next := fmt.Appendf(policy[:len(policy):len(policy)], "# %d\n", i)
		if err := os.WriteFile(g.path("sallyport.yaml.new"), next, 0o600); err != nil {
			return fmt.Errorf("write the policy: %w", err)
		}
		if err := os.Rename(g.path("sallyport.yaml.new"), g.path("sallyport.yaml")); err != nil {
			return fmt.Errorf("change the policy: %w", err)
		}
		before := reloaded()
		_ = g.cmd.Process.Signal(syscall.SIGHUP)
		for n := 0; reloaded() == before && n < 2000 && ctx.Err() == nil; n++ {
			wait(ctx, 2*time.Millisecond)
		}
		if i%100 == 0 && !echoes(conn, lines, fmt.Sprintln("still", i)) {
			return broke("the upgraded connection ended after %d reloads", i)
		}
	}
	l.end()
	done := reloaded()
	fmt.Printf("reload    %d asked for, %d taken in; %d requests, %d failed, p99 %v\n", o.reloads, done, l.good.Load(), l.bad.Load()+l.shed.Load(), l.percentile(0.99))
	switch {
	case l.bad.Load()+l.shed.Load() > 0:
		return broke("requests failed: %s", l.first)
	case done < o.reloads:
		return broke("%d reloads of %d were not taken in", o.reloads-done, o.reloads)
	case !echoes(conn, lines, "at last\n"):
		return broke("the upgraded connection ended")
	}
	return nil
}

// upgrade opens a connection that echoes lines.
func upgrade(g *gateway) (net.Conn, *bufio.Reader, error) {
	conn, err := net.Dial("tcp", g.address)
	if err != nil {
		return nil, nil, fmt.Errorf("connect: %w", err)
	}
	fmt.Fprintf(conn, "GET /echo HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", g.address, g.key)
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, nil, broke("no upgrade: %v %v", resp, err)
	}
	return conn, r, nil
}

func echoes(conn net.Conn, r *bufio.Reader, line string) bool {
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write([]byte(line)); err != nil {
		return false
	}
	got, err := r.ReadString('\n')
	return err == nil && got == line
}
