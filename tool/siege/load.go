package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// drain reads a body to its end.
func drain(r io.Reader) (int64, error) { return io.Copy(io.Discard, io.LimitReader(r, 1<<20)) }

// A load is a number of clients that each send one request after the other.
type load struct {
	good, shed, bad atomic.Int64 // 200; 429 and 503; anything else
	mu              sync.Mutex
	first           string // the first that was bad
	times           []time.Duration
	stolen          float64 // share of the processors' time, where somebody looked
	stop            context.CancelFunc
	group           sync.WaitGroup
}

// maxTimes bounds how many times of answers are kept: the last ones.
const maxTimes = 1 << 20

// begin starts n clients.
func begin(ctx context.Context, n int, one func(context.Context) (int, error)) *load {
	ctx, stop := context.WithCancel(ctx)
	l := &load{stop: stop}
	for range n {
		l.group.Go(func() { // ends when ctx does
			for ctx.Err() == nil {
				began := time.Now()
				status, err := one(ctx)
				if ctx.Err() != nil {
					return
				}
				l.count(status, err, time.Since(began))
			}
		})
	}
	return l
}

func (l *load) count(status int, err error, took time.Duration) {
	switch {
	case err == nil && status == http.StatusOK:
		l.good.Add(1)
		l.mu.Lock()
		if len(l.times) < maxTimes {
			l.times = append(l.times, took)
		} else {
			l.times[l.good.Load()%maxTimes] = took
		}
		l.mu.Unlock()
	case err == nil && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests):
		l.shed.Add(1)
	default:
		l.bad.Add(1)
		l.mu.Lock()
		if l.first == "" {
			l.first = fmt.Sprint(status, " ", err)
		}
		l.mu.Unlock()
	}
}

// add adds what another load counted, which is over.
func (l *load) add(other *load) {
	l.good.Add(other.good.Load())
	l.shed.Add(other.shed.Load())
	l.bad.Add(other.bad.Load())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times = append(l.times, other.times...)
	if l.first == "" {
		l.first = other.first
	}
}

// end stops the clients and waits for them.
func (l *load) end() {
	l.stop()
	l.group.Wait()
}

// percentile of the times of good answers.
func (l *load) percentile(p float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return quantile(slices.Clone(l.times), p)
}

// all is how many answers, and failures, there were.
func (l *load) all() int64 { return l.good.Load() + l.shed.Load() + l.bad.Load() }

// rate measures good answers a second over d.
func (l *load) rate(ctx context.Context, d time.Duration) float64 {
	before, began := l.good.Load(), time.Now()
	wait(ctx, d)
	return float64(l.good.Load()-before) / time.Since(began).Seconds()
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
