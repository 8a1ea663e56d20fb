package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgressIsReadFromTheLinesOfTheTestingPackage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int64{
		"fuzz: elapsed: 3s, execs: 10690 (3559/sec), new interesting: 2 (total: 34)":       10690,
		"fuzz: elapsed: 0s, gathering baseline coverage: 0/32 completed":                   0,
		"fuzz: elapsed: 1m3s, execs: 123456789 (0/sec), new interesting: 12 (total: 1234)": 123456789,
	} {
		if got, ok := progress(line); got != want || !ok {
			t.Errorf("%s: %d %v", line, got, ok)
		}
	}
	if _, ok := progress("--- FAIL: FuzzX (0.01s)"); ok {
		t.Error("a failure is taken for progress")
	}
}

func TestTotalsAddUpRunsAndTellTodaysCodeFromOlder(t *testing.T) {
	t.Parallel()
	log := entry{"2026-11-22T06:00:00Z", "a/b", "FuzzX", "old", 1_000_000, false}.String() +
		entry{"2026-11-22T07:00:00Z", "a/b", "FuzzX", "new", 1_500, true}.String() +
		entry{"2026-11-22T07:00:00Z", "a/b", "FuzzY", "new", 7, false}.String() +
		entry{"2026-11-22T07:00:00Z", "c", "FuzzZ", "new", 9, true}.String() +
		"2026-11-22T07:00:00Z\ta/b\tFu"
	got := totals(log, map[string]string{"a/b": "new"})
	want := []total{{"a/b", "FuzzX", 1_001_500, 1_500, false}, {"a/b", "FuzzY", 7, 7, true}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(total{})); diff != "" {
		t.Error(diff)
	}
	var b strings.Builder
	if err := table(&b, log, map[string]string{"a/b": "new"}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "1,001,500") || !strings.Contains(text, "FAILED the last time") {
		t.Error(text)
	}
}

func TestTargetsOfThisTreeAreFound(t *testing.T) {
	t.Parallel()
	found, err := targets("../..")
	if err != nil {
		t.Fatal(err)
	}
	if names := strings.Join(found["../../internal/lib/jsonx"], " "); !strings.Contains(names, "FuzzAcceptance") {
		t.Errorf("found %v", found)
	}
}
