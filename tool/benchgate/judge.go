package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
)

// A verdict is what is to be said of one benchmark.
type verdict struct {
	name     string
	is       kind
	old, now figure
}

// A kind is what became of a benchmark. The worst comes last.
type kind uint8

const (
	same    kind = iota
	better       // fewer allocations: the base can be written anew
	slower       // beyond the band; decides only with -timed
	unknown      // the base does not have it
	gone         // only the base has it
	more         // allocations
)

// String says it.
func (k kind) String() string {
	switch k {
	case same:
		return "fine"
	case better:
		return "better"
	case slower:
		return "SLOWER"
	case unknown:
		return "NOT IN THE BASE"
	case gone:
		return "GONE"
	case more:
		return "MORE ALLOCATIONS"
	}
	return "?"
}

// judge compares what is with what was, by name.
func judge(old, now base, band float64) []verdict {
	names := maps.Clone(old)
	maps.Copy(names, now)
	var out []verdict
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, known := old[name]
		is, there := now[name]
		v := verdict{name: name, old: was, now: is}
		switch {
		case !known:
			v.is = unknown
		case !there:
			v.is = gone
		case is.allocs > allowed(was.allocs):
			v.is = more
		case is.ratio > was.ratio*band:
			v.is = slower
		case is.allocs < was.allocs-was.allocs/20:
			v.is = better
		}
		out = append(out, v)
	}
	return out
}

// allowed is how many allocations pass for n: where they are many, such as those
// of a map that grows, they are not the same each time.
func allowed(n int64) int64 { return n + n/20 }

// report prints the verdicts, the worst last, and returns the exit code.
func report(out io.Writer, all []verdict, timed bool) int {
	slices.SortStableFunc(all, func(a, b verdict) int { return cmp.Compare(a.is, b.is) })
	code, count := exitFine, map[kind]int{}
	for _, v := range all {
		fmt.Fprintf(out, "%-52s %7d allocs (%d)   %6.2f x its time   %s\n", v.name, v.now.allocs, v.old.allocs, over(v.now.ratio, v.old.ratio), v.is)
		count[v.is]++
		if v.is > slower || v.is == slower && timed {
			code = exitWorse
		}
	}
	fmt.Fprintf(out, "%d benchmarks, %d with more allocations, %d slower beyond the band, %d gone, %d not in the base\n",
		len(all), count[more], count[slower], count[gone], count[unknown])
	if count[unknown]+count[better] > 0 {
		fmt.Fprintln(out, "make benchgate WRITE=1 records what is now; read the diff")
	}
	return code
}

func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
