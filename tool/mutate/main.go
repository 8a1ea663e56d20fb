// Command mutate measures how well tests and worlds hold the risks: it changes
// guards, probes and lints in many small ways, and wants each change noticed.
//
//	mutate [-min 95] [-match REGEXP] [-cores 1] [RISK…]
//
// All mutants of a risk are compiled into one test binary, which lies in a
// temporary folder; nothing in the tree is changed. An environment variable,
// read once, chooses the mutant. Each runs against the tests of its risk, and
// if they do not notice, against the worlds of its risk, with a limit of time of
// the processor. What hangs is tried twice, the second time alone.
//
// Survivors are listed with their place. Those that change nothing that could
// be noticed stand with a reason in tool/mutate/equivalent.txt. The command
// exits with 1 where fewer than -min percent of the others are killed, where
// more than 3 percent are excused, or where an excuse is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"time"
)

// maxExcused is how many percent of all mutants may be called equivalent.
const maxExcused = 3

// errScore means that too much survives.
var errScore = errors.New("the tests do not hold the risks well enough")

type options struct {
	least float64
	match *regexp.Regexp
	cores int
	names []string
	list  bool
}

func main() {
	var o options
	flag.Float64Var(&o.least, "min", 95, "percent of mutants that must be killed")
	match := flag.String("match", "", "only mutants whose line of the list matches")
	flag.IntVar(&o.cores, "cores", 1, "processes at a time, each on one core")
	flag.BoolVar(&o.list, "list", false, "list the mutants and run none")
	flag.Parse()
	o.names = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if o.match, err = regexp.Compile(*match); err == nil {
		err = run(ctx, &o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, o *options) error {
	names := o.names
	if len(names) == 0 {
		entries, err := os.ReadDir("risks")
		if err != nil {
			return fmt.Errorf("list the risks (run this at the root of the tree): %w", err)
		}
		for _, e := range entries {
			if e.IsDir() {
				names = append(names, e.Name())
			}
		}
	}
	excused, err := readExcuses("tool/mutate/equivalent.txt")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what stays is in the system's temporary folder
	var all score
	for _, name := range names {
		s, err := judge(ctx, dir, name, o, excused)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all.add(s)
	}
	if o.list {
		return nil
	}
	fmt.Printf("all: %s\n", &all)
	return all.verdict(o, excused)
}

// judge makes, compiles and runs the mutants of one risk.
func judge(ctx context.Context, dir, name string, o *options, excused *excuses) (*score, error) {
	began := time.Now()
	p, err := load(name)
	if err != nil {
		return nil, err
	}
	mutants := p.find()
	chosen := slices.DeleteFunc(slices.Clone(mutants), func(m *mutant) bool { return !o.match.MatchString(m.String()) })
	if o.list {
		for _, m := range chosen {
			fmt.Println(m)
		}
		return &score{}, nil
	}
	if len(chosen) == 0 {
		return &score{}, nil
	}
	b, err := p.build(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := b.baseline(ctx); err != nil {
		return nil, err
	}
	s := &score{}
	for r := range b.each(ctx, chosen, o.cores) {
		if r.err != nil {
			return nil, r.err
		}
		s.take(r, excused)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.print()
	fmt.Printf("%s: %s in %.0f s\n", name, s, time.Since(began).Seconds())
	return s, nil
}
