package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	neighbourRate = 200 // requests a second
	badRate       = 100
	badWindow     = 1500 * time.Millisecond // of each half of a round
	openWithin    = time.Second
	// slackTime is what a busy machine may add to a budget before it counts as
	// broken.
	slackTime = 3 * time.Second
)

// A budgetOf is what the policy of the bad API says, and how long an exchange
// may take under it.
type budgetOf struct {
	name, policy string
	most         time.Duration
}

// upstream breaks an API in every way, before a gateway that guards another one
// too.
func upstream(ctx context.Context, o *options) error {
	var broken []error
	fmt.Println("upstream  kind                      timeouts  exchanges   longest  breaker opens  neighbour median      p99")
	for _, b := range badnesses() {
		if !o.kind.MatchString(b.name) {
			continue
		}
		broken = append(broken, upstreamKind(ctx, o, b, budgetOf{"1s", "    timeouts: { upstream: 1s, total: 2s }\n", 2 * time.Second}))
	}
	for _, b := range badnesses() {
		if !o.kind.MatchString(b.name) {
			continue
		}
		if b.name == "slow" || b.name == "hanging" || b.name == "half-closed" {
			broken = append(broken, upstreamKind(ctx, o, b, budgetOf{"default", "", 30 * time.Second}))
		}
	}
	return errors.Join(broken...)
}

// A badRun is one kind of badness under siege.
type badRun struct {
	bad        *load
	longest    atomic.Int64 // exchange, in nanoseconds
	opened     atomic.Int64 // when the first 503 came after the break, in nanoseconds
	since      time.Time    // the break
	alone, hit *load        // the neighbour's answers
}

func upstreamKind(ctx context.Context, o *options, b badness, budget budgetOf) error {
	well, err := newOrigin()
	if err != nil {
		return err
	}
	defer well.close()
	bad, err := newBadOrigin(b)
	if err != nil {
		return err
	}
	defer bad.close()
	g, err := newGatewayOf(ctx, o.bin, "apis:\n"+apiText("siege", "", well.url, "")+apiText("bad", "/bad", bad.url, budget.policy))
	if err != nil {
		return err
	}
	defer g.stop()
	r := &badRun{bad: &load{}, alone: &load{}, hit: &load{}}
	r.rounds(ctx, g, bad, o.rounds, budget.most+2*slackTime)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.judge(b, budget)
}

// rounds measures the neighbour alone, and beside the bad one, in turns.
func (r *badRun) rounds(ctx context.Context, g *gateway, bad *badOrigin, n int, limit time.Duration) {
	neighbour, victim := g.rawGet("/orders/7", g.key, limit), g.rawGet("/bad/orders/7", g.key, limit)
	defer neighbour.close()
	defer victim.close()
	for range 20 { // the gateway learns what is usual
		_, _ = victim.ask(ctx)
	}
	var all []*flow
	for i := range n {
		quiet := pour(ctx, neighbourRate, 0, neighbour.ask)
		wait(ctx, badWindow)
		quiet.rest()
		if i == 0 {
			r.since = time.Now()
			bad.broken.Store(true)
		}
		loud := pour(ctx, neighbourRate, 0, neighbour.ask)
		all = append(all, pour(ctx, badRate, 0, func(ctx context.Context) (int, error) { return r.victim(ctx, victim) }))
		wait(ctx, badWindow)
		loud.rest()
		r.alone.add(&quiet.load)
		r.hit.add(&loud.load)
		all[i].halt()
	}
	for _, f := range all { // those that wait have their budget
		f.rest()
		r.bad.add(&f.load)
	}
}

// victim asks the bad API, and takes its time.
func (r *badRun) victim(ctx context.Context, c *rawClient) (int, error) {
	began := time.Now()
	status, err := c.ask(ctx)
	took := int64(time.Since(began))
	for was := r.longest.Load(); took > was && !r.longest.CompareAndSwap(was, took); was = r.longest.Load() {
	}
	if err == nil && status == http.StatusServiceUnavailable {
		r.opened.CompareAndSwap(0, int64(time.Since(r.since)))
	}
	return status, err
}

func (r *badRun) judge(b badness, budget budgetOf) error {
	longest, opened := time.Duration(r.longest.Load()), time.Duration(r.opened.Load())
	words := "not at all"
	if opened > 0 {
		words = opened.Round(time.Millisecond).String()
	}
	exchanges := r.bad.good.Load() + r.bad.shed.Load() + r.bad.bad.Load()
	fmt.Printf("upstream  %-25s %-8s %10d %9v %14s %9v x%.2f %9v x%.2f\n", b.name, budget.name, exchanges, longest.Round(time.Millisecond), words,
		r.hit.percentile(0.5).Round(time.Microsecond), ratio(r.hit, r.alone, 0.5), r.hit.percentile(0.99).Round(time.Microsecond), ratio(r.hit, r.alone, 0.99))
	answered := slices.Contains([]string{"too long a body", "a byte at a time, body", "endless body", "endless chunks"}, b.name)
	switch {
	case r.hit.bad.Load()+r.hit.shed.Load()+r.alone.bad.Load()+r.alone.shed.Load() > 0:
		return broke("%s: the neighbour is not served: %s%s", b.name, r.alone.first, r.hit.first)
	case longest > budget.most+slackTime:
		return broke("%s: an exchange took %v", b.name, longest)
	case strings.Contains(r.bad.first, "i/o timeout"):
		return broke("%s: an exchange did not end: %s", b.name, r.bad.first)
	case !answered && (opened == 0 || opened > openWithin+slackTime):
		return broke("%s: the breaker opened after %s", b.name, words)
	}
	return nil
}

// ratio compares a percentile of two loads.
func ratio(a, b *load, p float64) float64 {
	return float64(a.percentile(p)) / max(1, float64(b.percentile(p)))
}
