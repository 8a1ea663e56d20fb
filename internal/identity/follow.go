package identity

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// use is what was seen of a key since the start. Verify writes it, the
// goroutine that reports uses reads it.
type use struct {
	last  atomic.Int64 // Unix milliseconds, to the second; 0: never
	flags atomic.Uint32

	told      int64 // last as stored; owned by the reporting goroutine
	toldFlags Flags
}

// seen notes a use. It writes once a second, so that cores which verify the
// same key do not fight over its cache line.
func (u *use) seen(now int64) {
	if last := u.last.Load(); now >= last+1000 {
		u.last.Store(now)
	}
}

// Run follows the feed until ctx ends, then stores what it still knows about
// uses and returns nil. Call it once, and close the store after it. It owns two goroutines, so that a slow
// write never delays a revocation; both have ended when it returns.
func (k *Keyring) Run(ctx context.Context) error {
	var group errgroup.Group
	group.Go(func() error {
		k.follow(ctx)
		return nil
	})
	group.Go(func() error {
		k.reportUses(ctx)
		return nil
	})
	return group.Wait()
}

// Unknown keys cause a look at once when none of them did for rareWake, and
// else when there was no look of any kind for minWake. So a flood of them costs
// the store five looks a second, or one more than the polls do.
const (
	minWake  = 200 * time.Millisecond
	rareWake = time.Second
)

// follow looks for changes until ctx ends: once a Poll, and at once when an
// unknown key was shown. A look of the second kind puts off the next poll.
func (k *Keyring) follow(ctx context.Context) {
	tick := time.NewTicker(k.conf.Poll)
	defer tick.Stop()
	defer k.tell()
	var looked, woken time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
			if time.Since(looked) < minWake && time.Since(woken) < rareWake {
				continue
			}
			woken = time.Now()
			tick.Reset(k.conf.Poll)
		case <-tick.C:
		}
		looked = time.Now()
		look, cancel := context.WithTimeout(ctx, k.conf.Timeout)
		err := k.Refresh(look)
		cancel()
		if ctx.Err() == nil {
			k.note(err)
		}
		k.tell()
	}
}

// note keeps the state of the feed for Status and reports when it turns.
// Only follow calls it.
func (k *Keyring) note(err error) {
	known := k.fault.Load()
	switch {
	case err == nil && known == nil:
		return
	case err == nil:
		k.fault.Store(nil)
	case known != nil:
		k.fault.Store(&fault{err: err, since: known.since})
		return
	default:
		k.fault.Store(&fault{err: err, since: k.clock.Now()})
	}
	if k.conf.Report != nil {
		k.conf.Report(err)
	}
}

// lastWords is the time that the uses of the last minute get at the end.
const lastWords = 2 * time.Second

// reportUses stores uses once a Flush, and once more at the end.
func (k *Keyring) reportUses(ctx context.Context) {
	tick := time.NewTicker(k.conf.Flush)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
			defer cancel()
			k.reportTo(k.flush(end))
			return
		case <-tick.C:
			k.reportTo(k.flush(ctx))
		}
	}
}

func (k *Keyring) reportTo(err error) {
	if err != nil && k.conf.Report != nil {
		k.conf.Report(err)
	}
}
