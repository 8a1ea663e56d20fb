package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	// meterPause is how long the meter does nothing between two bursts of
	// meterBurst requests: most of them find the caches as warm as those of the
	// gateway do.
	meterPause = 80 * time.Millisecond
	meterBurst = 8
)

// A meter says how fast the processor of a gateway is at a time: virtual
// machines are not equally fast from second to second. It is another gateway on
// the same processor, which answers the same request once in a while, and what
// counts is the time that the processor works for it.
type meter struct {
	g    *gateway
	load *load
}

// newMeter starts a meter that asks for what one asks for.
func newMeter(ctx context.Context, g *gateway, one func(context.Context) (int, error)) *meter {
	n := 0
	return &meter{g: g, load: begin(ctx, 1, func(ctx context.Context) (int, error) {
		if n++; n%meterBurst == 0 {
			wait(ctx, meterPause)
		}
		return one(ctx)
	})}
}

// A span is what a gateway worked and answered since some moment.
type span struct {
	worked time.Duration
	good   int64
}

// each is the time of the processor for one good answer.
func (s span) each() time.Duration { return s.worked / time.Duration(max(1, s.good)) }

func (s span) minus(o span) span { return span{s.worked - o.worked, s.good - o.good} }

// soFar is what g worked, and answered to l.
func (g *gateway) soFar(l *load) span { return span{g.worked(), l.good.Load()} }

func (m *meter) soFar() span { return m.g.soFar(m.load) }

func (m *meter) close() {
	m.load.end()
	m.g.stop()
}

// worked is how long the processors worked for the gateway: that of its threads,
// in nanoseconds as the scheduler counts them.
func (g *gateway) worked() (all time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", g.cmd.Process.Pid))
	for _, name := range threads {
		text, _ := os.ReadFile(name)
		ran, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ran, 10, 64)
		all += time.Duration(n)
	}
	return all
}
