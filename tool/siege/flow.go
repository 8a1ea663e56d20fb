package main

import (
	"context"
	"sync/atomic"
	"time"
)

// maxUnderWay bounds the requests of a flow that wait for their answer. Those
// that are due beyond it are not sent, and counted.
const maxUnderWay = 2 << 10

// A flow sends by the clock, whether answers come or not: users of an API do not
// wait for each other. The time of an answer counts from when its request was
// due.
type flow struct {
	load
	halted atomic.Bool
	under  atomic.Int64 // that wait for their answer
	unsent atomic.Int64
	slow   atomic.Int64 // good answers that came later than useful
	useful time.Duration
}

// pour starts a flow of rate requests a second, until end. Good answers that
// take longer than useful are of no use to anybody; 0: all are.
func pour(ctx context.Context, rate float64, useful time.Duration, one func(context.Context) (int, error)) *flow {
	ctx, stop := context.WithCancel(ctx)
	f := &flow{useful: useful}
	f.stop = stop
	f.group.Go(func() { // ends when ctx does
		began := time.Now()
		for sent := 0; ctx.Err() == nil && !f.halted.Load(); {
			for due := 1 + int(time.Since(began).Seconds()*rate); sent < due; sent++ {
				at := began.Add(time.Duration(float64(sent) / rate * float64(time.Second)))
				if f.under.Load() >= maxUnderWay {
					f.unsent.Add(1)
					continue
				}
				f.under.Add(1)
				f.group.Go(func() { // ends with its answer, which has a limit of time
					defer f.under.Add(-1)
					status, err := one(ctx)
					if ctx.Err() == nil {
						f.note(status, err, time.Since(at))
					}
				})
			}
			wait(ctx, min(time.Millisecond, time.Duration(float64(time.Second)/rate)))
		}
	})
	return f
}

// halt lets nothing more begin.
func (f *flow) halt() { f.halted.Store(true) }

// settle is halt, and waits for the answers of what began, but not for longer.
func (f *flow) settle(longest time.Duration) {
	f.halt()
	for began := time.Now(); f.under.Load() > 0 && time.Since(began) < longest; {
		time.Sleep(5 * time.Millisecond)
	}
}

// rest is halt, and waits for the answers of what began.
func (f *flow) rest() {
	f.halt()
	f.group.Wait()
	f.stop()
}

func (f *flow) note(status int, err error, took time.Duration) {
	if f.useful > 0 && err == nil && status == 200 && took > f.useful {
		f.slow.Add(1)
		return
	}
	f.count(status, err, took)
}
