package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Probe asks an address whether it is well. The zero Probe asks nothing.
type Probe struct {
	Path  string        // "" asks nothing
	Every time.Duration // 0: DefaultEvery
	Wait  time.Duration // for the whole answer; 0: DefaultWait
}

// What holds where the policy says nothing.
const (
	DefaultEvery = 10 * time.Second
	DefaultWait  = 2 * time.Second
)

const (
	failsToDown = 2        // checks in a row
	maxAnswer   = 64 << 10 // bytes of an answer that are read
)

var errUnwell = errors.New("upstream: the check was not answered with success")

// watch checks the address until ctx ends. It is well until two checks in a row
// failed, and well again after one that did not.
func (a *address) watch(ctx context.Context) {
	every := a.probe.Every
	if every <= 0 {
		every = DefaultEvery
	}
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for fails := 0; ; {
		if err := a.check(ctx); err == nil {
			fails = 0
		} else if ctx.Err() == nil {
			fails++
		}
		a.down.Store(fails >= failsToDown)
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// check asks once. 2xx and 3xx are success.
func (a *address) check(ctx context.Context) error {
	wait := a.probe.Wait
	if wait <= 0 {
		wait = DefaultWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r := Request{
		Method: "GET", Target: a.probe.Path, Operation: askOperation, Head: wait, Idle: wait, Till: time.Now().Add(wait),
		Fields: askFields(),
	}
	var p Response
	if err := a.send(ctx, a.lane(askOperation), &r, &p, pooled); err != nil {
		return fmt.Errorf("check %s: %w", a.host, err)
	}
	defer p.Body.Close() //nolint:errcheck // an answer that was read has nothing left to say
	if _, err := io.Copy(io.Discard, io.LimitReader(p.Body, maxAnswer)); err != nil {
		return fmt.Errorf("check %s: %w", a.host, err)
	}
	if p.Status < 200 || p.Status >= 400 {
		return fmt.Errorf("check %s: %w: %d", a.host, errUnwell, p.Status)
	}
	return nil
}
