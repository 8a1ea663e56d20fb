package gateway

import (
	"context"
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// Where more comes than the processors can serve, each exchange takes its turn
// among all others at every step, until answers come after their clients have
// left and nothing is served at all. So what waits for a processor is measured,
// as the runtime counts it, and where half of all waits stay long the gateway
// refuses a share of the requests once their heads are read, which
// costs a fraction of what serving does. The share follows the wait and its
// change (RFC 8033 section 4.2).
//
// A crowd whose every member waits for its answer is no overload as long as all
// are served in useful time: refusing would only make them ask again. An exchange
// waits three times or more, so that the target is a fraction of a second.
const (
	brakeTime   = 25 * time.Millisecond  // between two looks
	brakeTarget = 175 * time.Millisecond // that half of all waits may take
	brakeAlpha  = 0.4                    // a second, for a wait that is too long
	brakeBeta   = 2.0                    // a second, for one that grows
	brakeMost   = 0.98                   // some always pass, to see
	brakeFade   = 0.92                   // of the share stays, at each look, while waits are short
	// brakeFew are the exchanges under way for each processor below which nothing
	// is refused: they cannot fill it for long.
	brakeFew = 256
	// brakeBurst are the looks in a row that a wait may be too long: a pause of
	// the machine is no overload.
	brakeBurst = 3
	wholeShare = 1 << 16
	// parkTime is how long a refusal waits, and maxParked how many do: to refuse
	// costs a tenth of serving, so that those who ask again at once, or whose
	// connections are full, would leave nothing for the rest.
	parkTime  = 1500 * time.Millisecond
	maxParked = 4096
)

// A brake decides which requests are refused while the processors are
// overloaded. The zero brake, with a wait, refuses none.
type brake struct {
	wait func() time.Duration // that half of all waits for a processor took since the last call
	few  int64

	under  atomic.Int64 // exchanges under way, without those that are parked
	parked atomic.Int64
	share  atomic.Uint32 // that is refused, in parts of wholeShare
	sum    atomic.Uint32 // of the shares of all requests: where it passes a whole, one is refused
	next   atomic.Int64  // when to look, in Unix nanoseconds

	mu   sync.Mutex // of who looks
	last time.Duration
	part float64 // share
	long int     // looks in a row with too long a wait
	seen time.Time
}

// start makes the brake look at this process.
func (b *brake) start() {
	w := &waits{sample: []metrics.Sample{{Name: "/sched/latencies:seconds"}}}
	b.wait, b.few = w.half, int64(brakeFew*runtime.GOMAXPROCS(0))
}

// enter counts an exchange in, and tells whether it may go on. leave counts it
// out, whatever the answer is.
func (b *brake) enter(now time.Time) bool {
	under := b.under.Add(1)
	if under <= b.few && b.share.Load() == 0 {
		return true
	}
	if now.UnixNano() >= b.next.Load() && b.mu.TryLock() {
		b.look(now)
		b.mu.Unlock()
	}
	share := b.share.Load()
	if share == 0 || under <= b.few {
		return true
	}
	sum := b.sum.Add(share)
	return sum/wholeShare == (sum-share)/wholeShare
}

func (b *brake) leave() { b.under.Add(-1) }

// park holds an exchange that is to be refused for parkTime, or until its client
// left, where there is room.
func (b *brake) park(ctx context.Context) {
	if b.parked.Add(1) <= maxParked {
		t := time.NewTimer(parkTime)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	b.parked.Add(-1)
}

// look takes the share anew. b.mu is held.
func (b *brake) look(now time.Time) {
	wait := b.wait()
	if now.Sub(b.seen) > time.Second { // of another load
		b.part, b.last, b.long = 0, 0, 0
	} else {
		if b.long++; wait < brakeTarget {
			b.long = 0
		}
		if b.part > 0 || b.long >= brakeBurst {
			b.part = follow(b.part, wait, b.last)
		}
		b.last = wait
	}
	b.seen = now
	b.next.Store(now.Add(brakeTime).UnixNano())
	b.share.Store(uint32(b.part * wholeShare))
}

// follow is the share that comes after part.
func follow(part float64, wait, last time.Duration) float64 {
	if wait < brakeTarget/2 {
		if part *= brakeFade; part < 0.005 {
			return 0
		}
		return part
	}
	change := brakeAlpha*(wait-brakeTarget).Seconds() + brakeBeta*(wait-last).Seconds()
	if part < 0.1 { // a small share is changed by small steps
		change /= 4
	}
	return max(0, min(brakeMost, part+change))
}

// waits reads how long goroutines waited for a processor.
type waits struct {
	sample []metrics.Sample
	before []uint64
}

// half is the time that half of the waits since the last call did not exceed.
func (w *waits) half() time.Duration {
	metrics.Read(w.sample)
	if w.sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := w.sample[0].Value.Float64Histogram()
	if len(w.before) != len(h.Counts) {
		w.before = append([]uint64(nil), h.Counts...)
		return 0
	}
	var all uint64
	for i, n := range h.Counts {
		all += n - w.before[i]
	}
	var below uint64
	at := 0.0
	for i, n := range h.Counts {
		if below += n - w.before[i]; 2*below >= all {
			at = h.Buckets[i] // the lower end of the bucket
			break
		}
	}
	copy(w.before, h.Counts)
	if math.IsInf(at, 0) || at < 0 || all == 0 {
		return 0
	}
	return time.Duration(at * float64(time.Second))
}
