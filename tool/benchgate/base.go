package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A base holds figures by package and name of a benchmark, with a space between
// them.
type base map[string]figure

var errBase = errors.New("it is no base: write it anew with -write")

// header stands on top of a recorded base.
const header = `# What the benchmarks with a budget cost when somebody looked last: allocations of
# an operation, and its time as a multiple of a loop of fixed work. Written by
# make benchgate WRITE=1.
`

// readBase reads a recorded base.
func readBase(file string) (base, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the base: %w", err)
	}
	out, err := parseBase(string(text))
	if err != nil {
		return nil, fmt.Errorf("read the base %s: %w", file, err)
	}
	return out, nil
}

// parseBase reads lines of allocations, ratio, package and benchmark.
func parseBase(text string) (base, error) {
	out, n := base{}, 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 4 {
			return nil, fmt.Errorf("line %d: %w", n, errBase)
		}
		allocs, err1 := strconv.ParseInt(f[0], 10, 64)
		ratio, err2 := strconv.ParseFloat(f[1], 64)
		name := f[2] + " " + f[3]
		if _, twice := out[name]; err1 != nil || err2 != nil || allocs < 0 || !(ratio > 0) || twice {
			return nil, fmt.Errorf("line %d: %w", n, errBase)
		}
		out[name] = figure{allocs, ratio}
	}
	return out, nil
}

// text is b as it is recorded.
func (b base) text() string {
	var out strings.Builder
	out.WriteString(header)
	for _, name := range slices.Sorted(maps.Keys(b)) {
		f := b[name]
		fmt.Fprintf(&out, "%8d %12.4g  %s\n", f.allocs, f.ratio, name)
	}
	return out.String()
}

func writeBase(file string, b base) error {
	if err := os.WriteFile(file, []byte(b.text()), 0o644); err != nil { //nolint:gosec // it is in the tree
		return fmt.Errorf("write the base: %w", err)
	}
	return nil
}

// only is the part of b whose names keep says.
func (b base) only(keep func(name string) bool) base {
	out := maps.Clone(b)
	maps.DeleteFunc(out, func(name string, _ figure) bool { return !keep(name) })
	return out
}

// of tells whether b has a benchmark of the package.
func (b base) of(pkg string) bool {
	for name := range b {
		if pkgOf(name) == pkg {
			return true
		}
	}
	return false
}

func pkgOf(name string) string {
	pkg, _, _ := strings.Cut(name, " ")
	return pkg
}
