package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// An entry is one run of a target.
type entry struct {
	began, folder, target string
	code                  string // fingerprint of what was run
	executions            int64
	passed                bool
}

// String is the entry's line in the counts.
func (e entry) String() string {
	verdict := "failed"
	if e.passed {
		verdict = "passed"
	}
	return strings.Join([]string{e.began, e.folder, e.target, e.code, strconv.FormatInt(e.executions, 10), verdict}, "\t") + "\n"
}

// parseEntry reads a line of the counts.
func parseEntry(line string) (entry, bool) {
	f := strings.Split(line, "\t")
	if len(f) != 6 {
		return entry{}, false
	}
	n, err := strconv.ParseInt(f[4], 10, 64)
	return entry{f[0], f[1], f[2], f[3], n, f[5] == "passed"}, err == nil
}

// total is what is known of one target.
type total struct {
	folder, target string
	all, now       int64 // executions ever, and of the code as it is
	failed         bool  // the last run
}

// totals adds up the counts; code has the fingerprints of today by folder, and
// says which folders are asked for. A line that cannot be read, such as one
// that a crash cut off, is passed over.
func totals(log string, code map[string]string) []total {
	by := map[string]*total{}
	for line := range strings.Lines(log) {
		e, ok := parseEntry(strings.TrimSuffix(line, "\n"))
		today, asked := code[e.folder]
		if !ok || !asked {
			continue
		}
		key := e.folder + " " + e.target
		if by[key] == nil {
			by[key] = &total{folder: e.folder, target: e.target}
		}
		t := by[key]
		t.all += e.executions
		t.failed = !e.passed
		if e.code == today {
			t.now += e.executions
		}
	}
	var out []total
	for _, key := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[key])
	}
	return out
}

// table prints the totals.
func table(w io.Writer, log string, code map[string]string) error {
	list := totals(log, code)
	wide := 0
	for _, t := range list {
		wide = max(wide, len(t.folder)+1+len(t.target))
	}
	_, err := fmt.Fprintf(w, "%-*s  %15s  %15s\n", wide, "executions", "ever", "of today's code")
	for _, t := range list {
		if err != nil {
			break
		}
		note := ""
		if t.failed {
			note = "  FAILED the last time"
		}
		_, err = fmt.Fprintf(w, "%-*s  %15s  %15s%s\n", wide, t.folder+" "+t.target, grouped(t.all), grouped(t.now), note)
	}
	if err != nil {
		return fmt.Errorf("print the totals: %w", err)
	}
	return nil
}

// grouped writes n with a comma before every three digits.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// digest is a hash of files, whatever the folder in which they lie.
func digest(files []string) (string, error) {
	slices.Sort(files)
	h := sha256.New()
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return "", fmt.Errorf("read the code: %w", err)
		}
		sum := sha256.Sum256(text)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}
