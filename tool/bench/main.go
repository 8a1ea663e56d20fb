// Command bench measures what a request costs in the gateway, beside two peers
// in the same run: nginx, and Go's httputil.ReverseProxy with a tuned
// transport.
//
//	bench [-rounds 5] [-for 3s] [-case REGEXP] [-kind REGEXP] [-against BINARY]
//
// Each server runs alone on processor 0, on one thread of Go or one worker;
// the origin (nginx) and the generator (wrk, h2load) share processor 1. What
// counts is the processor time of the server's own process, user and system,
// by requests answered: waiting costs nothing. Rounds are interleaved, so that
// a machine that changes its pace does so for all; medians are printed, and
// their ratio to nginx.
//
// -against names another build of sallyport, which is measured beside this one.
// That is how the worth of a change is known: the machine's pace is the same
// for both.
//
// Before a case is measured, each of its servers answers one request as it
// should, and those that guard refuse what is bad.
//
// It needs wrk, h2load, nginx and taskset, and two processors.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"time"
)

// errMissing means that a program is not there.
var errMissing = errors.New("needed, and not installed")

type options struct {
	rounds  int
	each    time.Duration
	match   *regexp.Regexp // cases
	kinds   *regexp.Regexp // servers
	against string         // another build of sallyport, or ""
}

func main() {
	var o options
	serve := flag.String("serve", "", "be the reverse proxy at this address (the tool calls itself)")
	to := flag.String("to", "", "URL of the origin for -serve")
	cert := flag.String("cert", "", "PEM file with certificate and key for -serve")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds; the median counts")
	flag.DurationVar(&o.each, "for", 3*time.Second, "length of a measurement")
	match := flag.String("case", "", "only the cases whose name matches")
	kinds := flag.String("kind", "", "only the servers whose kind matches")
	flag.StringVar(&o.against, "against", "", "another build of sallyport to measure beside this one")
	flag.Parse()
	if *serve != "" {
		fail(reverseProxy(*serve, *to, *cert))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if o.match, err = regexp.Compile(*match); err == nil {
		o.kinds, err = regexp.Compile(*kinds)
	}
	if err == nil {
		err = run(ctx, &o)
	}
	stop()
	fail(err)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	for _, name := range []string{"wrk", "h2load", "nginx", "taskset"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%s: %w: apt-get install wrk nghttp2-client nginx-light util-linux", name, errMissing)
		}
	}
	b, err := newBench(ctx, o.against)
	if err != nil {
		return err
	}
	defer b.close()
	for _, c := range cases() {
		if !o.match.MatchString(c.name) {
			continue
		}
		c.kinds = o.choose(c.kinds)
		if err := b.measure(ctx, &c, o); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// choose are the kinds that are asked for, each of ours followed by that of the
// other build.
func (o *options) choose(kinds []string) []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k)
		if o.against != "" && strings.HasPrefix(k, "sallyport") {
			out = append(out, k+other)
		}
	}
	return slices.DeleteFunc(out, func(k string) bool { return !o.kinds.MatchString(k) })
}

// other marks the kinds of the build that -against names.
const other = ", other"

// A sample is one measurement.
type sample struct {
	cpu  float64 // µs a request
	rate float64 // requests a second
}

// measure runs one case on its servers, in turn, and prints the medians.
func (b *bench) measure(ctx context.Context, c *benchCase, o *options) error {
	var servers []*server
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	for _, kind := range c.kinds {
		s, err := b.start(ctx, kind, c.tls)
		if err != nil {
			return fmt.Errorf("start %s: %w", kind, err)
		}
		servers = append(servers, s)
		if err := b.prove(ctx, s, c); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if _, err := b.load(ctx, s, c, time.Second); err != nil { // warm
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	if len(servers) == 0 {
		return fmt.Errorf("%w: no server of this kind", errMissing)
	}
	samples := make([][]sample, len(servers))
	for range o.rounds {
		for i, s := range servers {
			got, err := b.load(ctx, s, c, o.each)
			if err != nil {
				return fmt.Errorf("%s: %w", s.kind, err)
			}
			samples[i] = append(samples[i], got)
		}
	}
	fmt.Printf("%s\n", c.name)
	base := median(samples[0], func(s sample) float64 { return s.cpu })
	for i, s := range servers {
		cpu := median(samples[i], func(s sample) float64 { return s.cpu })
		rate := median(samples[i], func(s sample) float64 { return s.rate })
		fmt.Printf("  %-22s %7.1f µs of CPU a request   %5.2f x %s   %7.0f requests/s   peak %4.0f MiB\n", s.kind, cpu, cpu/base, servers[0].kind, rate, s.peak())
	}
	return nil
}

func median(all []sample, of func(sample) float64) float64 {
	var list []float64
	for _, s := range all {
		list = append(list, of(s))
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// A benchCase is one kind of request, on several servers, of which the first
// is the measure of the others.
type benchCase struct {
	name  string
	kinds []string
	post  bool
	tls   bool
	h2    bool
}

// The kinds of servers.
const (
	kindNginx    = "nginx"
	kindGo       = "httputil.ReverseProxy"
	kindPlain    = "sallyport, plain"
	kindContract = "sallyport, contract"
	kindAll      = "sallyport, everything"
)

func cases() []benchCase {
	kinds := []string{kindNginx, kindGo, kindPlain, kindContract, kindAll}
	return []benchCase{
		{name: "GET, 1 KB reply, HTTP/1.1", kinds: kinds},
		{name: "POST, 2 KB body, HTTP/1.1", kinds: kinds, post: true},
		{name: "GET, 1 KB reply, HTTP/1.1 over TLS 1.3", kinds: kinds, tls: true},
		{name: "POST, 2 KB body, HTTP/1.1 over TLS 1.3", kinds: kinds, tls: true, post: true},
		{name: "GET, 1 KB reply, HTTP/2 over TLS 1.3", kinds: kinds, tls: true, h2: true},
	}
}

// order is a lawful body of about size bytes.
func order(size int) string {
	line := `{"sku":"tea-0001","quantity":2,"note":"two pots of the green one, please","price":1250}`
	n := max(1, (size-60)/(len(line)+1))
	return `{"customer":"8f14e45f-ceea-467a-9575-2bd1cb0e8d01","lines":[` + strings.TrimSuffix(strings.Repeat(line+",", n), ",") + `]}`
}
