package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A figure is what is known of one benchmark.
type figure struct {
	allocs int64   // of an operation
	ratio  float64 // of its time to that of the loop of fixed work
}

var (
	errLine = errors.New("a line of a benchmark cannot be read")
	errNone = errors.New("no benchmark matches")
)

// processors is what go test puts behind a name: GOMAXPROCS.
var processors = regexp.MustCompile(`-[0-9]+$`)

// parse reads what go test prints. The ratio of a figure is its time in
// nanoseconds, still. Of several runs of a benchmark the best counts: other
// programs and the garbage collector only ever add.
func parse(pkg, text string) (base, error) {
	out := base{}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "Benchmark") {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 4 || len(f)%2 != 0 {
			return nil, fmt.Errorf("%w: %s", errLine, line)
		}
		got, err := figureOf(f[2:])
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, line)
		}
		name := pkg + " " + strings.TrimPrefix(processors.ReplaceAllString(f[0], ""), "Benchmark")
		if old, ok := out[name]; ok {
			got.allocs, got.ratio = min(got.allocs, old.allocs), min(got.ratio, old.ratio)
		}
		out[name] = got
	}
	if len(out) == 0 {
		return nil, errNone
	}
	return out, nil
}

// figureOf reads pairs of a value and its unit.
func figureOf(pairs []string) (figure, error) {
	clock, processor, allocs := -1.0, -1.0, -1.0
	for i := 0; i < len(pairs); i += 2 {
		v, err := strconv.ParseFloat(pairs[i], 64)
		if err != nil || v < 0 {
			return figure{}, errLine
		}
		switch pairs[i+1] {
		case "ns/op":
			clock = v
		case "cpu-ns/op":
			processor = v
		case "allocs/op":
			allocs = v
		}
	}
	if clock < 0 || allocs < 0 {
		return figure{}, errLine
	}
	if processor > 0 {
		clock = processor
	}
	return figure{allocs: int64(allocs), ratio: clock}, nil
}
