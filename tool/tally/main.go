// Command tally reads what `go test -json` writes and prints what a person
// wants of it: a line for each package, the whole output of tests that failed,
// why tests were skipped, and the counts.
//
//	go test -json ./... | tally [-logs e2e]
//
// It exits with 1 where anything failed, and with 2 where the input ends
// before a package did.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	logs := flag.String("logs", "", "end of the import path of a package whose logs are shown although it passes")
	flag.Parse()
	t := tally{out: os.Stdout, logs: *logs, output: map[string][]string{}, open: map[string]bool{}}
	if err := t.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	if !t.sum() {
		os.Exit(1)
	}
}

// An event is one line of the input; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
}

// A tally counts results.
type tally struct {
	out    io.Writer
	logs   string
	output map[string][]string // by package and test, until it is decided
	open   map[string]bool     // packages that began and did not end

	packages, passed, subtests, failed, skipped int
	broken                                      []string // packages that failed
}

// read takes every event. Lines that are none are passed on: the go command
// prints some messages as text.
func (t *tally) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(t.out, line)
			} else {
				t.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the results: %w", err)
		}
	}
}

func (t *tally) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "start":
		t.open[e.Package] = true
	case "output":
		t.output[key] = append(t.output[key], e.Output)
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.endPackage(e, t.output[key])
		} else {
			t.endTest(e, t.output[key])
		}
		delete(t.output, key)
	}
}

// endTest counts one test and shows what is worth reading.
func (t *tally) endTest(e event, output []string) {
	shown := strings.HasSuffix(e.Package, t.logs) && t.logs != ""
	switch e.Action {
	case "pass":
		if strings.Contains(e.Test, "/") {
			t.subtests++
			shown = false
		} else {
			t.passed++
		}
	case "fail":
		t.failed++
		shown = true
	case "skip":
		t.skipped++
		shown = true
	}
	if !shown {
		return
	}
	t.show(output)
}

// show prints output without what the tally says in its own words.
func (t *tally) show(output []string) {
	for _, line := range output {
		if !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "FAIL") {
			fmt.Fprint(t.out, line)
		}
	}
}

// endPackage prints the line of a package. Output that belongs to no test that
// ended, such as a panic, is shown with it.
func (t *tally) endPackage(e event, output []string) {
	delete(t.open, e.Package)
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
	if e.Action == "fail" {
		t.broken = append(t.broken, e.Package)
		for _, key := range slices.Sorted(maps.Keys(t.output)) {
			if strings.HasPrefix(key, e.Package+" ") {
				t.show(t.output[key])
				delete(t.output, key)
			}
		}
		fmt.Fprintf(t.out, "FAIL  %s  %v\n", e.Package, took)
		return
	}
	if e.Action == "skip" { // it has no tests
		return
	}
	t.packages++
	note := ""
	if strings.Contains(strings.Join(output, ""), "(cached)") {
		note = "  (cached)"
	}
	fmt.Fprintf(t.out, "ok    %s  %v%s\n", e.Package, took, note)
}

// sum prints the counts and tells whether all is well.
func (t *tally) sum() bool {
	for _, p := range slices.Sorted(maps.Keys(t.open)) {
		t.broken = append(t.broken, p+" (did not end)")
	}
	fmt.Fprintf(t.out, "\n%d tests and %d subtests passed, %d failed, %d skipped, in %d packages\n", t.passed, t.subtests, t.failed, t.skipped, t.packages+len(t.broken))
	for _, p := range t.broken {
		fmt.Fprintln(t.out, "failed:", p)
	}
	if t.packages+len(t.broken) == 0 {
		fmt.Fprintln(t.out, "nothing was tested")
		return false
	}
	return t.failed == 0 && len(t.broken) == 0
}
