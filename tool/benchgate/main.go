// Command benchgate compares the benchmarks that have a budget (DESIGN section
// 10) with a recorded base: allocations and times.
//
//	benchgate [-base FILE] [-write] [-timed] [-band 1.5] [-match REGEXP]
//
// Allocations decide: one more than the base in any benchmark, and the exit
// code is 1 (of many, a twentieth more). So does a benchmark of the base that is
// gone, or one that the base does not know.
//
// Times only warn, unless -timed is given. They are compared as ratios to a loop
// of fixed work that runs before and after the benchmarks of a package, so that
// the base is worth something on another machine; what is not slower than the
// band times the base is fine. Processor time is taken where a benchmark reports
// it, and else the time on the clock, of the best of ten short runs.
//
// -write records what was measured as the new base. Read the diff. Exit codes: 0
// fine, 1 worse, 2 usage, 3 a benchmark could not run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
)

// The exit codes.
const (
	exitFine   = 0
	exitWorse  = 1
	exitUsage  = 2
	exitBroken = 3
)

type options struct {
	base  string
	write bool
	timed bool
	band  float64
	match string
}

func main() {
	var o options
	flag.StringVar(&o.base, "base", "tool/benchgate/base.txt", "the recorded base")
	flag.BoolVar(&o.write, "write", false, "record what is measured as the new base")
	flag.BoolVar(&o.timed, "timed", false, "let times decide too")
	flag.Float64Var(&o.band, "band", 1.5, "how many times the base's time is still fine")
	flag.StringVar(&o.match, "match", "", "only the targets whose package or benchmarks match")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(exitUsage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code, err := run(ctx, &o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchgate:", err)
	}
	os.Exit(code)
}

var errPart = errors.New("a base is written whole: leave -match out")

// run measures, and compares or records. It returns the exit code.
func run(ctx context.Context, o *options, out io.Writer) (int, error) {
	match, err := regexp.Compile(o.match)
	switch {
	case err != nil:
		return exitUsage, fmt.Errorf("read -match: %w", err)
	case o.write && o.match != "":
		return exitUsage, errPart
	}
	old, err := readBase(o.base)
	if err != nil && !(o.write && errors.Is(err, os.ErrNotExist)) {
		return exitBroken, err
	}
	now := base{}
	for _, t := range targets() {
		if !match.MatchString(t.pkg + " " + t.bench) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", t.pkg, t.what)
		got, err := measure(ctx, &t)
		if err != nil {
			return exitBroken, fmt.Errorf("%s: %w", t.pkg, err)
		}
		for name, f := range got {
			now[name] = f
		}
	}
	if o.write {
		return exitFine, writeBase(o.base, now)
	}
	whole := func(name string) bool { // that -match leaves the benchmark in
		return o.match == "" || now.of(pkgOf(name))
	}
	return report(out, judge(old.only(whole), now, o.band), o.timed), nil
}

// measure runs the benchmarks of one target between two loops of fixed work.
func measure(ctx context.Context, t *target) (base, error) {
	before := calibrate()
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", t.bench, "-benchmem", "-benchtime", "20ms", "-count", "10", "./"+t.pkg) //nolint:gosec // ours
	// Without the garbage collector pools keep what they hold, so that counts of
	// allocations are the same each time.
	cmd.Env = append(os.Environ(), "GOGC=off", "GOMEMLIMIT=1GiB")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run benchmarks: %w\n%s", err, text)
	}
	unit := min(before, calibrate())
	got, err := parse(t.pkg, string(text))
	if err != nil {
		return nil, err
	}
	for name, f := range got {
		f.ratio /= unit
		got[name] = f
	}
	return got, nil
}
