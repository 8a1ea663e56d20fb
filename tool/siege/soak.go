package main

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// soakClients send the load of the soak.
const soakClients = 16

// A sight is what the gateway holds at one moment.
type sight struct {
	at          time.Duration // since the load began
	goroutines  float64
	descriptors float64
	threads     float64
	resident    float64 // MiB
	live        float64 // MiB that the last collection of garbage found in use
	logged      float64 // MiB of the audit log
	requests    float64 // since the load began
}

// A grower is something that must not grow without bound.
type grower struct {
	name  string
	of    func(sight) float64
	slack float64 // that it may grow over the whole soak, beside a twentieth of its size
}

func growers() []grower {
	return []grower{
		{"goroutines", func(s sight) float64 { return s.goroutines }, 16},
		{"descriptors", func(s sight) float64 { return s.descriptors }, 16},
		{"threads", func(s sight) float64 { return s.threads }, 4},
		{"resident MiB", func(s sight) float64 { return s.resident }, 12},
		{"live heap MiB", func(s sight) float64 { return s.live }, 4},
	}
}

// look reads what the system and the metrics of the gateway say.
func (g *gateway) look(ctx context.Context) (sight, error) {
	s := sight{descriptors: float64(g.descriptors()), threads: float64(g.threads()), resident: float64(g.memory()) / (1 << 20)}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.admin()+"/metrics", http.NoBody)
	if err != nil {
		return s, fmt.Errorf("ask for metrics: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, fmt.Errorf("ask for metrics: %w", err)
	}
	defer resp.Body.Close()
	found := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil:
		case name == "go_goroutines":
			s.goroutines = n
			found++
		case name == "go_gc_heap_live_bytes":
			s.live = n / (1 << 20)
			found++
		}
	}
	if found < 2 {
		return s, broke("the metrics lack go_goroutines or go_gc_heap_live_bytes")
	}
	s.logged = float64(folderSize(g.path("state/log"))) / (1 << 20)
	return s, nil
}

// admin is the address of the admin plane.
func (g *gateway) admin() string {
	_, after, _ := strings.Cut(g.out.String(), "admin http://")
	if f := strings.Fields(after); len(f) > 0 {
		return f[0]
	}
	return ""
}

func folderSize(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error { // what goes away meanwhile counts nothing
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// soak keeps 70 % of the peak up and looks at what grows.
func soak(ctx context.Context, o *options) error {
	g, err := newGateway(ctx, o.bin)
	if err != nil {
		return err
	}
	defer g.stop()
	client, poster := g.rawGet("/orders/7", g.key, 30*time.Second), g.rawPost("/orders", `{"id":7,"note":"tea"}`, g.key, 30*time.Second)
	defer client.close()
	defer poster.close()
	var sent atomic.Int64
	one := func(ctx context.Context) (int, error) { // one of ten writes, which brings an intent
		if sent.Add(1)%10 == 0 {
			return poster.ask(ctx)
		}
		return client.ask(ctx)
	}
	probe := begin(ctx, soakClients, one)
	wait(ctx, time.Second)
	peak := probe.rate(ctx, 4*time.Second)
	probe.end()
	// Each client waits for its answer: where the machine is busy with other
	// things the load is less, and not a queue.
	pause := time.Duration(float64(time.Second) * soakClients / (0.7 * peak))
	f := begin(ctx, soakClients, func(ctx context.Context) (int, error) {
		began := time.Now()
		status, err := one(ctx)
		wait(ctx, pause-time.Since(began))
		return status, err
	})
	seen, err := watch(ctx, g, f, o.soak)
	f.end()
	if err != nil {
		return err
	}
	bad := f.bad.Load() + f.shed.Load()
	last := seen[len(seen)-1]
	each := (last.logged - seen[0].logged) * (1 << 20) / max(1, last.requests-seen[0].requests)
	rate := last.requests / last.at.Seconds()
	fmt.Printf("soak      %v at %.0f a second: %d good, %d failed, p99 %v; %.0f bytes of log each, %.1f GiB an hour at this rate\n",
		o.soak, rate, f.good.Load(), bad, f.percentile(0.99), each, each*rate*3600/(1<<30))
	broken := judge(seen)
	switch {
	case bad > 0:
		return broke("requests failed: %d shed, %s", f.shed.Load(), f.first)
	case broken != "":
		return broke("something grows: %s", broken)
	}
	return nil
}

// watch prints a line a minute, or twenty in a shorter soak.
func watch(ctx context.Context, g *gateway, f *load, long time.Duration) ([]sight, error) {
	every := min(time.Minute, long/20)
	began := time.Now()
	var seen []sight
	fmt.Println("soak           time    requests     a second  goroutines  descriptors  threads  resident MiB  live heap MiB     log MiB")
	for before := (sight{}); time.Since(began) < long && ctx.Err() == nil; before = seen[len(seen)-1] {
		wait(ctx, every)
		s, err := g.look(ctx)
		if err != nil {
			return nil, err
		}
		s.at, s.requests = time.Since(began), float64(f.all())
		seen = append(seen, s)
		fmt.Printf("soak     %10v %11.0f %12.0f %11.0f %12.0f %8.0f %13.1f %14.1f %11.1f\n", s.at.Round(time.Second), s.requests,
			(s.requests-before.requests)/(s.at-before.at).Seconds(), s.goroutines, s.descriptors, s.threads, s.resident, s.live, s.logged)
	}
	if len(seen) < 10 {
		return nil, broke("the soak was cut short")
	}
	return seen, nil
}

// judge says what grows, or "". The first quarter warms up: pools, caches and
// the heap take their size. Over the rest, a line is laid through the medians of
// three neighbours each, so that one odd moment decides nothing.
func judge(seen []sight) string {
	seen = seen[len(seen)/4:]
	long := seen[len(seen)-1].at - seen[0].at
	var all []string
	for _, g := range growers() {
		rise, middle := slope(seen, g.of)
		grown := rise * long.Seconds()
		fmt.Printf("soak      %-13s %+9.2f over %v, around %.1f\n", g.name, grown, long.Round(time.Second), middle)
		if grown > g.slack+middle/20 {
			all = append(all, fmt.Sprintf("%s by %.1f", g.name, grown))
		}
	}
	return strings.Join(all, ", ")
}

// slope is the line of least squares through what of gives: its rise a second,
// and its mean.
func slope(seen []sight, of func(sight) float64) (rise, mean float64) {
	var n, st, sv, stt, stv float64
	for i := 1; i+1 < len(seen); i++ {
		t, v := seen[i].at.Seconds(), middle(of(seen[i-1]), of(seen[i]), of(seen[i+1]))
		n, st, sv, stt, stv = n+1, st+t, sv+v, stt+t*t, stv+t*v
	}
	if d := n*stt - st*st; n > 1 && math.Abs(d) > 0 {
		rise = (n*stv - st*sv) / d
	}
	return rise, sv / max(1, n)
}

// middle is the median of three.
func middle(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }
