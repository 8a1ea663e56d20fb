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
	openWithin = time.Second
	// maxMove is by how much the neighbour's p99 may be longer.
	maxMove = 1.1
	// judgedRounds are as many as say something of a p99.
	judgedRounds = 8
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
	fmt.Println("upstream  kind                      timeouts  exchanges   longest  breaker opens  neighbour: median, and p99, each beside the bad API, with its ratio to that beside a good one, p99 when it broke, rounds that count")
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
	longest atomic.Int64 // exchange, in nanoseconds
	opened  atomic.Int64 // when the first 503 came after the break, in nanoseconds
	since   time.Time    // the break
}

func upstreamKind(ctx context.Context, o *options, b badness, budget budgetOf) error {
	well, err := newOrigin()
	if err != nil {
		return err
	}
	defer well.close()
	limit := budget.most + 2*slackTime
	calm, err := newArm(ctx, o.bin, well, wellKind, budget.policy, limit)
	if err != nil {
		return err
	}
	defer calm.close()
	hit, err := newArm(ctx, o.bin, well, b.name, budget.policy, limit)
	if err != nil {
		return err
	}
	defer hit.close()
	r := &badRun{since: time.Now()}
	if err := hit.breaks(); err != nil {
		return err
	}
	for i := range o.rounds {
		both := []*arm{hit, calm}
		if i%2 > 0 {
			slices.Reverse(both)
		}
		for _, a := range both {
			a.turn(ctx, func(ctx context.Context) (int, error) { return r.victim(ctx, a) }, a == hit)
		}
	}
	calm.rest()
	hit.rest()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.judge(b, budget, calm, hit)
}

// victim asks the API that may be bad, and takes its time.
func (r *badRun) victim(ctx context.Context, a *arm) (int, error) {
	began := time.Now()
	status, err := a.victim.ask(ctx)
	if !a.broken {
		return status, err
	}
	took := int64(time.Since(began))
	for was := r.longest.Load(); took > was && !r.longest.CompareAndSwap(was, took); was = r.longest.Load() {
	}
	if err == nil && status == http.StatusServiceUnavailable {
		r.opened.CompareAndSwap(0, int64(time.Since(r.since)))
	}
	return status, err
}

func (r *badRun) judge(b badness, budget budgetOf, calm, hit *arm) error {
	longest, opened := time.Duration(r.longest.Load()), time.Duration(r.opened.Load())
	words := "not at all"
	if opened > 0 {
		words = opened.Round(time.Millisecond).String()
	}
	middle, tail := compare(calm.turns, hit.turns, 0.5), compare(calm.turns, hit.turns, 0.99)
	victims, alone, beside := sum(hit.victims), sum(calm.turns), sum(hit.turns)
	fmt.Printf("upstream  %-25s %-8s %10d %9v %14s  %s  %s %9v %4d\n", b.name, budget.name, victims.all(), longest.Round(time.Millisecond), words, middle, tail, tail.first.Round(time.Microsecond), tail.rounds)
	answered := slices.Contains([]string{wellKind, "too long a body", "a byte at a time, body"}, b.name)
	switch {
	case beside.bad.Load()+beside.shed.Load()+alone.bad.Load()+alone.shed.Load() > 0:
		return broke("%s: the neighbour is not served: %d shed beside it, %d beside a good one: %s%s", b.name, beside.shed.Load(), alone.shed.Load(), alone.first, beside.first)
	case longest > budget.most+slackTime:
		return broke("%s: an exchange took %v", b.name, longest)
	case strings.Contains(victims.first, "i/o timeout"):
		return broke("%s: an exchange did not end: %s", b.name, victims.first)
	case !answered && (opened == 0 || opened > openWithin+slackTime):
		return broke("%s: the breaker opened after %s", b.name, words)
	case tail.low > maxMove && tail.rounds >= judgedRounds:
		return broke("%s: the neighbour's p99 moves by %s", b.name, tail)
	}
	return nil
}
