package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	neighbourRate = 500 // requests a second
	victimRate    = 100
	turnTime      = 1500 * time.Millisecond
	// settleTime is how long a turn waits at most for exchanges with the bad API
	// that are under way, so that they do not reach into the next.
	settleTime = 3 * time.Second
	resamples  = 500
	// maxStolen is the share of the processors' time that the host of a virtual
	// machine may have given to others for a turn to be compared.
	maxStolen = 0.02
)

// An arm is a gateway before two APIs: the neighbour, whose answers are timed,
// and the victim, which may break. Two arms that differ in nothing else take
// turns, and the difference of their neighbours is what the breaking does.
type arm struct {
	g                 *gateway
	pid               int // of the victim's origin
	broken            bool
	end               func()
	neighbour, victim *rawClient
	turns, victims    []*load
	flows             []*flow
}

// newArm starts an arm whose victim will break in the way that is called kind.
func newArm(ctx context.Context, bin string, well *origin, kind, policy string, limit time.Duration) (*arm, error) {
	url, pid, end, err := originProcess(ctx, "-bad", kind)
	if err != nil {
		return nil, err
	}
	g, err := newGatewayOf(ctx, bin, "apis:\n"+apiText("siege", "", well.url, "")+apiText("bad", "/bad", url, policy))
	if err != nil {
		end()
		return nil, err
	}
	a := &arm{g: g, pid: pid, end: end, neighbour: g.rawGet("/orders/7", g.key, limit), victim: g.rawGet("/bad/orders/7", g.key, limit)}
	for range 20 { // the gateway learns what is usual
		_, _ = a.victim.ask(ctx)
		_, _ = a.neighbour.ask(ctx)
	}
	return a, nil
}

// breaks has the victim break.
func (a *arm) breaks() error {
	a.broken = true
	if err := syscall.Kill(a.pid, syscall.SIGUSR1); err != nil {
		return fmt.Errorf("break the API: %w", err)
	}
	return nil
}

func (a *arm) close() {
	a.neighbour.close()
	a.victim.close()
	a.g.stop()
	a.end()
}

// turn lets the arm work for turnTime. The neighbour's answers are timed from
// when they are asked for: what is late in this process is not the gateway's.
func (a *arm) turn(ctx context.Context, victim func(context.Context) (int, error), settle bool) {
	seen := &load{}
	before, stolen := processors()
	asked := pour(ctx, neighbourRate, 0, func(ctx context.Context) (int, error) {
		began := time.Now()
		status, err := a.neighbour.ask(ctx)
		if ctx.Err() == nil {
			seen.count(status, err, time.Since(began))
		}
		return status, err
	})
	bad := pour(ctx, victimRate, 0, victim)
	wait(ctx, turnTime)
	bad.halt()
	asked.rest()
	after, more := processors()
	seen.stolen = (more - stolen) / max(1, after-before)
	a.turns, a.victims, a.flows = append(a.turns, seen), append(a.victims, &bad.load), append(a.flows, bad)
	if settle {
		bad.settle(settleTime)
	}
}

// processors is the time of all processors, and what of it was stolen, in ticks
// since the system began; 0 where nobody says.
func processors() (all, stolen float64) {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	for i, f := range strings.Fields(line) {
		n, _ := strconv.ParseFloat(f, 64) // "cpu" is 0
		if all += n; i == 8 {
			stolen = n
		}
	}
	return all, stolen
}

// rest waits for the victims that are under way: they have their budget.
func (a *arm) rest() {
	for _, f := range a.flows {
		f.rest()
	}
}

// sum adds loads that are over.
func sum(all []*load) *load {
	s := &load{}
	for _, l := range all {
		s.add(l)
	}
	return s
}

// A move is how a percentile of one arm stands to that of the other.
type move struct {
	rounds           int           // that count
	at, first        time.Duration // the usual one of the arm that is hit, and that of its first turn
	ratio, low, high float64       // low and high: 99 of 100 times it is between them
}

func (m move) String() string {
	return fmt.Sprintf("%8v x%.2f (%.2f to %.2f)", m.at.Round(time.Microsecond), m.ratio, m.low, m.high)
}

// compare compares percentile p of hit with that of calm: the median over the
// turns of each, so that what else the machine did in some of them decides
// nothing. Rounds of which the host took too much do not count. The range is that of a bootstrap over rounds.
func compare(calm, hit []*load, p float64) move {
	var a, b []time.Duration
	for i := range calm {
		if max(calm[i].stolen, hit[i].stolen) <= maxStolen {
			a, b = append(a, calm[i].percentile(p)), append(b, hit[i].percentile(p))
		}
	}
	n := len(a)
	if n == 0 {
		return move{}
	}
	pick := make([]int, n)
	for i := range pick {
		pick[i] = i
	}
	ratio := func() (time.Duration, float64) {
		var x, y []time.Duration
		for _, i := range pick {
			x, y = append(x, a[i]), append(y, b[i])
		}
		at := quantile(y, 0.5)
		return at, float64(at) / max(1, float64(quantile(x, 0.5)))
	}
	m := move{rounds: n, first: hit[0].percentile(p)}
	m.at, m.ratio = ratio()
	dice := rand.New(rand.NewPCG(1, 2)) // the same for the same answers
	all := make([]float64, resamples)
	for j := range all {
		for i := range pick {
			pick[i] = dice.IntN(n)
		}
		_, all[j] = ratio()
	}
	slices.Sort(all)
	m.low, m.high = all[resamples/200], all[resamples-1-resamples/200]
	return m
}

// quantile sorts times and returns the one at p, from 0 to 1; 0 of none.
func quantile(times []time.Duration, p float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[int(p*float64(len(times)-1))]
}
