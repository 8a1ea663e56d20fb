// Command corpus loads every API document below a folder and says how many
// load, why the others do not, and what that costs. Then it makes values and
// single faults for every schema, and holds the machine's verdicts to those of
// another implementation.
//
//	corpus [-limit 60s] [-least 98] [-phase load|values|both] [-every N] [-seed N] [-match REGEXP] [-show N] FOLDER
//
// It exits with 1 where a document makes the reader panic or pass its time
// limit, where fewer documents load than asked for, or where the two agree on
// less than 99.9 percent of what must be accepted or refused.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/source"
)

func main() {
	limit := flag.Duration("limit", time.Minute, "time for one document")
	least := flag.Float64("least", 98, "percent of documents that must load")
	phase := flag.String("phase", "both", "load, values or both")
	every := flag.Uint64("every", 1, "try one schema of so many, chosen by hash")
	seed := flag.Uint64("seed", 1, "changes the choice, and the values")
	match := flag.String("match", "", "regular expression of the documents")
	show := flag.Int("show", 2, "examples of each class of disagreements")
	flag.Parse()
	only, err := regexp.Compile(*match)
	if flag.NArg() != 1 || err != nil {
		fmt.Fprintln(os.Stderr, "usage: corpus [-limit 60s] [-least 98] [-phase load|values|both] [-every N] [-seed N] [-match REGEXP] [-show N] FOLDER")
		os.Exit(2)
	}
	paths, err := documents(flag.Arg(0))
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("no .json, .yaml or .yml file lies below %s", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(2)
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return !only.MatchString(p) })
	sound := true
	if *phase != "values" {
		outcomes := make([]outcome, 0, len(paths))
		for _, p := range paths {
			outcomes = append(outcomes, load(p, *limit))
		}
		sound = summary(os.Stdout, outcomes, *least)
	}
	if *phase != "load" {
		start := time.Now()
		n, err := tryAll(context.Background(), os.Stderr, paths, sample{*every, *seed})
		if err != nil {
			fmt.Fprintln(os.Stderr, "corpus:", err)
			os.Exit(3)
		}
		sound = n.print(os.Stdout, *show) && sound
		fmt.Printf("values took %v\n", time.Since(start).Round(time.Second))
	}
	if !sound {
		os.Exit(1)
	}
}

// documents lists the files that may be API documents, sorted; package
// metadata is left out.
func documents(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch strings.ToLower(filepath.Ext(p)) {
		case ".json", ".yaml", ".yml":
			if d.Type().IsRegular() && d.Name() != "package.json" {
				out = append(out, p)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	return out, nil
}

// An outcome is what loading one document did.
type outcome struct {
	path       string
	took       time.Duration
	allocated  uint64 // bytes, all told
	operations int
	class      string // code of the first Error, "panic" or "hang"; "" where it loaded
	detail     string
	warnings   map[source.Code]int
}

// load loads one document on its own goroutine, which a hang leaves behind.
func load(path string, limit time.Duration) outcome {
	runtime.GC()
	before, start := allocated(), time.Now()
	done := make(chan outcome, 1)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	go func() { done <- guarded(ctx, path) }()
	var o outcome
	select {
	case o = <-done:
	case <-time.After(limit + limit/10):
		o = outcome{class: "hang"}
	}
	o.path, o.took, o.allocated = path, time.Since(start), allocated()-before
	return o
}

func guarded(ctx context.Context, path string) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{class: "panic", detail: fmt.Sprint(p)}
		}
	}()
	c, list := openapi.Load(ctx, path, openapi.Options{})
	return judged(c, list)
}

func judged(c *contract.Contract, list source.List) outcome {
	o := outcome{warnings: map[source.Code]int{}}
	for _, d := range list {
		if d.Severity == source.Error && o.class == "" {
			o.class, o.detail = string(d.Code), d.Error()
		}
		if d.Severity == source.Warning {
			o.warnings[d.Code]++
		}
	}
	if c != nil {
		o.operations = len(c.Operations)
	} else if o.class == "" {
		o.class = "no contract and no error"
	}
	return o
}

// allocated is the number of bytes that the process ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// summary prints the figures and tells whether they are good enough.
func summary(w io.Writer, all []outcome, least float64) bool {
	classes, warned := map[string][]outcome{}, map[string]int{}
	loaded, operations, sound := 0, 0, true
	for _, o := range all {
		if o.class == "" {
			loaded++
			operations += o.operations
		} else {
			classes[o.class] = append(classes[o.class], o)
			sound = sound && o.class != "panic" && o.class != "hang"
		}
		for c := range o.warnings {
			warned[string(c)]++
		}
	}
	percent := 100 * float64(loaded) / float64(len(all))
	fmt.Fprintf(w, "%d of %d documents load (%.2f %%), %d operations\n", loaded, len(all), percent, operations)
	byName := func(m map[string]int) {
		for _, k := range slices.SortedFunc(mapKeys(m), func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b)) }) {
			fmt.Fprintf(w, "  %6d  %s\n", m[k], k)
		}
	}
	counts := map[string]int{}
	for k, v := range classes {
		counts[k] = len(v)
	}
	fmt.Fprintln(w, "refused, by class:")
	byName(counts)
	for _, k := range slices.Sorted(mapKeys(classes)) {
		for _, o := range classes[k][:min(len(classes[k]), 3)] {
			fmt.Fprintf(w, "          %s %s\n", o.path, o.detail)
		}
	}
	fmt.Fprintln(w, "documents with a warning, by code:")
	byName(warned)
	costs(w, all)
	return sound && percent >= least
}

// mapKeys yields the keys of m.
func mapKeys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func costs(w io.Writer, all []outcome) {
	byTime := slices.SortedFunc(slices.Values(all), func(a, b outcome) int { return cmp.Compare(a.took, b.took) })
	bySize := slices.SortedFunc(slices.Values(all), func(a, b outcome) int { return cmp.Compare(a.allocated, b.allocated) })
	at := func(p int) int { return (len(all) - 1) * p / 100 }
	const mib = 1 << 20
	fmt.Fprintf(w, "time: median %v, 99th percentile %v\n", byTime[at(50)].took.Round(10*time.Microsecond), byTime[at(99)].took.Round(10*time.Microsecond))
	fmt.Fprintf(w, "memory allocated: median %.2f MiB, 99th percentile %.2f MiB\n", float64(bySize[at(50)].allocated)/mib, float64(bySize[at(99)].allocated)/mib)
	fmt.Fprintln(w, "slowest:")
	for _, o := range slices.Backward(byTime[max(0, len(byTime)-5):]) {
		fmt.Fprintf(w, "  %10v %8.1f MiB  %s\n", o.took.Round(10*time.Microsecond), float64(o.allocated)/mib, o.path)
	}
}
