package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// kill crashes the gateway under load and starts it again.
func kill(ctx context.Context, o *options) error { return crash(ctx, o, "kill") }

// killBusy does so while something else writes and syncs on the same disk.
func killBusy(ctx context.Context, o *options) error {
	dir, err := os.MkdirTemp("", "siege")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- disturb(ctx, filepath.Join(dir, "noise")) }() // ends with ctx
	err = crash(ctx, o, "kill-busy")
	stop()
	return errors.Join(err, <-done)
}

// disturb keeps the disk busy: it writes a file, syncs it, and begins anew.
func disturb(ctx context.Context, name string) error {
	const parts, part = 400, 1 << 20
	b := make([]byte, part)
	for ctx.Err() == nil {
		f, err := os.Create(name)
		if err != nil {
			return fmt.Errorf("keep the disk busy: %w", err)
		}
		for n := 0; n < parts && err == nil && ctx.Err() == nil; n++ {
			_, err = f.Write(b)
		}
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("keep the disk busy: %w", err)
		}
	}
	return nil
}

// crash is one siege of kills.
func crash(ctx context.Context, o *options, name string) error {
	g, err := newGateway(ctx, o.bin)
	if err != nil {
		return err
	}
	defer g.stop()
	revoked, err := revokedKey(ctx, g)
	if err != nil {
		return err
	}
	var number atomic.Int64
	var starts []time.Duration
	for i := range o.kills {
		client := g.client(8)
		l := begin(ctx, 8, func(ctx context.Context) (int, error) {
			return g.send(ctx, client, http.MethodPost, "/orders", g.key, fmt.Sprintf(`{"id":%d,"note":"tea"}`, number.Add(1)))
		})
		wait(ctx, time.Duration(20+rand.IntN(200))*time.Millisecond) //nolint:gosec // any moment will do
		g.kill()
		l.end()
		client.CloseIdleConnections()
		began := time.Now()
		if err := g.start(ctx); err != nil {
			return fmt.Errorf("after kill %d: %w", i+1, err)
		}
		if status, err := g.get(ctx, g.client(1), g.key); err != nil || status != http.StatusOK {
			return broke("after kill %d a good request gets %d: %v", i+1, status, err)
		}
		starts = append(starts, time.Since(began))
		if status, err := g.get(ctx, g.client(1), revoked); err != nil || status != http.StatusUnauthorized {
			return broke("after kill %d a revoked key gets %d: %v", i+1, status, err)
		}
	}
	wait(ctx, 300*time.Millisecond) // the last group commit
	intents, err := intentsOf(ctx, g)
	if err != nil {
		return err
	}
	verified, err := g.run(ctx, "log", "verify")
	slices.Sort(starts)
	fmt.Printf("%-9s %d kills; %d orders reached the origin, %d intents; serves again after %v (median), %v (worst); %s\n",
		name, o.kills, g.to.orders(), intents, starts[len(starts)/2].Round(time.Millisecond), starts[len(starts)-1].Round(time.Millisecond), firstLine(verified))
	switch {
	case err != nil:
		return broke("the log does not verify: %v", err)
	case intents < g.to.orders():
		return broke("%d intents are lost", g.to.orders()-intents)
	case starts[len(starts)-1] > time.Second:
		return broke("it took %v to serve again", starts[len(starts)-1])
	}
	return nil
}

// revokedKey makes a key and revokes it.
func revokedKey(ctx context.Context, g *gateway) (string, error) {
	out, err := g.run(ctx, "key", "create", "--name", "to be revoked", "--owner", "siege", "-o", "json")
	if err != nil {
		return "", err
	}
	var made map[string]any
	if err := json.Unmarshal([]byte(firstLine(out)), &made); err != nil {
		return "", fmt.Errorf("read the key: %w: %s", err, out)
	}
	key, _ := made["key"].(string)
	if key == "" {
		return "", broke("no key in %s", out)
	}
	_, err = g.run(ctx, "key", "revoke", key, "--reason", "siege")
	return key, err
}

// intentsOf counts the records of intents in the log.
func intentsOf(ctx context.Context, g *gateway) (int, error) {
	out, err := g.run(ctx, "log", "search", "--kind", "intent", "-o", "json")
	if err != nil {
		return 0, err
	}
	n := 0
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "{") {
			n++
		}
	}
	return n, nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
