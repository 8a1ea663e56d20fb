package main

import (
	"context"
	"fmt"
	"time"
)

// crowded measures the peak with a few clients that wait for their answers, then
// with ten times as many.
func crowded(ctx context.Context, o *options) error {
	g, err := newGateway(ctx, o.bin)
	if err != nil {
		return err
	}
	defer g.stop()
	const few, many = 32, 320
	client := g.client(few + many + 1)
	one := func(ctx context.Context) (int, error) { return g.get(ctx, client, g.key) }
	l := begin(ctx, few, one)
	wait(ctx, 2*time.Second)
	peak := l.rate(ctx, 5*time.Second)
	good := begin(ctx, 1, one)
	mob := begin(ctx, many-few, one)
	wait(ctx, time.Second)
	before := mob.good.Load() + l.good.Load()
	began := time.Now()
	wait(ctx, o.overload)
	under := float64(mob.good.Load()+l.good.Load()-before) / time.Since(began).Seconds()
	memory, descriptors := g.memory(), g.descriptors()
	mob.end()
	wait(ctx, time.Second)
	after := l.rate(ctx, 4*time.Second)
	good.end()
	l.end()
	bad := l.bad.Load() + mob.bad.Load() + good.bad.Load()
	fmt.Printf("crowd     peak %.0f a second with %d clients, %.0f with %d (%.0f %%), %.0f afterwards; the good client: %d answers, p99 %v; %d MiB, %d descriptors\n",
		peak, few, under, many, 100*under/peak, after, good.good.Load(), good.percentile(0.99), memory>>20, descriptors)
	switch {
	case bad > 0:
		return broke("%d requests failed: %s%s%s", bad, l.first, mob.first, good.first)
	case good.good.Load() == 0:
		return broke("the good client was not served")
	case under < 0.9*peak:
		return broke("goodput fell to %.0f %% of the peak", 100*under/peak)
	case after < 0.9*peak:
		return broke("within 5 s it recovered to %.0f %% only", 100*after/peak)
	}
	return nil
}
