// Command siege holds a running gateway to what it promises under stress. It
// starts the built binary before an origin of its own, on loopback.
//
//	siege [-run REGEXP] [-reloads 1000] [-kills 200] [-idle 10000] [-slow 5000] [-rounds 3] [-kind REGEXP] [-overload 30s] [-soak 0]
//
//	reload    reloads under load: no request fails, an upgraded connection lives on
//	kill      kill -9 under load: no intent of what reached the origin is lost,
//	          the log verifies, a revoked key stays revoked, and it serves again
//	kill-busy the same while something else writes and syncs on that disk
//	idle      idle connections: memory of each; they get their answer at the end
//	slow      clients that send a byte now and then: a good client is served
//	upstream  an API that is slow, hangs, resets, talks garbage and more, beside
//	          one that is well: each exchange ends in its time, the breaker opens
//	          within a second, and the p99 of the other API is that beside a third
//	          that is well too; judged with at least eight rounds
//	crowd     ten times the clients, which wait for their answers: as many are
//	          served as before, and the good one among them
//	overload  ten times the peak, by the clock: the good client is served, as many
//	          are as at the peak, and it recovers
//	soak      a steady load: goroutines, descriptors and memory stay flat
//
// What does not hold is printed, and the exit code is 1. Rates and times are
// printed, and decide only where the promise names one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// errBroken means that a promise was broken.
var errBroken = errors.New("a promise does not hold")

type options struct {
	bin                        string
	reloads, kills, idle, slow int
	rounds                     int
	kind                       *regexp.Regexp
	overload, soak             time.Duration
}

func main() {
	var o options
	match := flag.String("run", "", "only the sieges whose name matches")
	flag.StringVar(&o.bin, "bin", "bin/sallyport", "the gateway")
	flag.IntVar(&o.reloads, "reloads", 1000, "reloads")
	flag.IntVar(&o.kills, "kills", 200, "kills")
	flag.IntVar(&o.idle, "idle", 10000, "idle connections")
	flag.IntVar(&o.slow, "slow", 5000, "slow clients")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each kind of broken upstream")
	flag.DurationVar(&o.overload, "overload", 30*time.Second, "length of the overload")
	flag.DurationVar(&o.soak, "soak", 0, "length of the soak; 0: none")
	kind := flag.String("kind", "", "only the kinds of broken upstreams whose name matches")
	origin := flag.Bool("origin", false, "be an API behind a gateway, and print the address; the sieges use it")
	bad := flag.String("bad", "", "be an API that breaks in this way on SIGUSR1, and print the address; the sieges use it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := error(nil)
	switch {
	case *origin:
		err = serveOrigin(ctx)
	case *bad != "":
		err = serveBad(ctx, *bad)
	default:
		err = run(ctx, &o, *match, *kind)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "siege:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options, match, kind string) error {
	re, err := regexp.Compile(match)
	if err != nil {
		return fmt.Errorf("read -run: %w", err)
	}
	if o.kind, err = regexp.Compile(kind); err != nil {
		return fmt.Errorf("read -kind: %w", err)
	}
	raiseDescriptors()
	var broken error
	for _, s := range []struct {
		name string
		run  func(context.Context, *options) error
	}{
		{"reload", reload}, {"kill", kill}, {"kill-busy", killBusy}, {"idle", idle}, {"slow", slow},
		{"upstream", upstream}, {"crowd", crowded}, {"overload", overload}, {"soak", soak},
	} {
		if !re.MatchString(s.name) || s.name == "soak" && o.soak == 0 {
			continue
		}
		began := time.Now()
		err := s.run(ctx, o)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			fmt.Printf("%-9s BROKEN %v (%.1f s)\n", s.name, err, time.Since(began).Seconds())
			broken = errBroken
			continue
		}
		fmt.Printf("%-9s holds (%.1f s)\n", s.name, time.Since(began).Seconds())
	}
	return broken
}

// raiseDescriptors lets this process, and the gateway that it starts, open as
// many files as the system allows.
func raiseDescriptors() {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) == nil {
		l.Cur = l.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
	}
}

// broke makes an error of a promise.
func broke(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errBroken, fmt.Sprintf(format, args...))
}
