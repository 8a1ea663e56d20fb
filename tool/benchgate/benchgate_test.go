package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const printed = `goos: linux
pkg: github.com/sallyport/sallyport/internal/app
BenchmarkExchange/GET-2         	   40726	     11585 ns/op	      7272 cpu-ns/op	     305 B/op	       3 allocs/op
BenchmarkExchange/GET-2         	   40726	     10585 ns/op	      7372 cpu-ns/op	     305 B/op	       4 allocs/op
BenchmarkOrderOf2KB-16  	   16536	       101 ns/op	  18.94 MB/s	       5 B/op	       0 allocs/op
BenchmarkOrderOf2KB-16  	   16536	        99.5 ns/op	  18.94 MB/s	       5 B/op	       0 allocs/op
PASS
ok  	github.com/sallyport/sallyport/internal/app	3.2s
`

func TestTheBestOfSeveralRunsIsTaken(t *testing.T) {
	t.Parallel()
	got, err := parse("internal/app", printed)
	if err != nil {
		t.Fatal(err)
	}
	want := base{"internal/app Exchange/GET": {3, 7272}, "internal/app OrderOf2KB": {0, 99.5}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(figure{})); diff != "" {
		t.Error(diff)
	}
}

func TestOutputThatIsNoneOfBenchmarksIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                            errNone,
		"PASS\nok\n":                  errNone,
		"BenchmarkA\n":                errLine,
		"BenchmarkA-2 100 12 ns/op\n": errLine, // without -benchmem
		"BenchmarkA-2 100 12 ns/op 0 B/op 0 allocs/op extra\n":  errLine,
		"BenchmarkA-2 100 NaN% ns/op 0 B/op 0 allocs/op\n":      errLine,
		"BenchmarkA-2 100 -1 ns/op 0 B/op 0 allocs/op\n":        errLine,
		"BenchmarkA-2 100 0 B/op 0 allocs/op\n":                 errLine,
		"BenchmarkA --- FAIL: it is not as it should be at all": errLine,
	} {
		if _, err := parse("p", text); !errors.Is(err, want) {
			t.Errorf("%q gives %v, want %v", text, err, want)
		}
	}
}

func TestABaseIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	want := base{"internal/app Exchange/GET": {3, 7272}, "event Usual": {0, 0.25}, "internal/app Load200": {133040, 7134000}}
	file := filepath.Join(t.TempDir(), "base.txt")
	if err := writeBase(file, want); err != nil {
		t.Fatal(err)
	}
	got, err := readBase(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(figure{})); diff != "" {
		t.Error(diff)
	}
	if _, err := readBase(file + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestWhatIsNoBaseIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1 2 p", "1 2 p B more", "x 2 p B", "1 x p B", "-1 2 p B", "1 0 p B", "1 NaN p B", "1 2 p B\n1 2 p B"} {
		if _, err := parseBase("# heading\n\n" + text + "\n"); !errors.Is(err, errBase) {
			t.Errorf("%q gives %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(printed)
	f.Add("3 7272 internal/app Exchange/GET\n")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := parse("p", text); err == nil && len(got) == 0 {
			t.Error("nothing was read, and no error")
		}
		got, err := parseBase(text)
		if err != nil {
			return
		}
		again, err := parseBase(got.text())
		if err != nil || len(again) != len(got) {
			t.Errorf("%q is read, and what is written of it is not: %v", text, err)
		}
	})
}

func TestAllocationsDecideAndTimesOnlyWarn(t *testing.T) {
	t.Parallel()
	one := func(allocs int64, ratio float64) base { return base{"p B": {allocs, ratio}} }
	for name, c := range map[string]struct {
		old, now    base
		is          kind
		code, timed int
	}{
		"the same":                            {one(3, 10), one(3, 10), same, exitFine, exitFine},
		"a little slower":                     {one(3, 10), one(3, 14.9), same, exitFine, exitFine},
		"slower than the band":                {one(3, 10), one(3, 15.1), slower, exitFine, exitWorse},
		"faster":                              {one(3, 10), one(3, 1), same, exitFine, exitFine},
		"one allocation more":                 {one(3, 10), one(4, 1), more, exitWorse, exitWorse},
		"one where there was none":            {one(0, 10), one(1, 10), more, exitWorse, exitWorse},
		"one in nineteen":                     {one(19, 10), one(20, 10), more, exitWorse, exitWorse},
		"a twentieth of many":                 {one(1000, 10), one(1050, 10), same, exitFine, exitFine},
		"more than that":                      {one(1000, 10), one(1051, 10), more, exitWorse, exitWorse},
		"more allocations, and slower":        {one(1, 10), one(2, 99), more, exitWorse, exitWorse},
		"one allocation less":                 {one(3, 10), one(2, 10), better, exitFine, exitFine},
		"fewer allocations, but slower":       {one(3, 10), one(2, 99), slower, exitFine, exitWorse},
		"a benchmark that is gone":            {one(0, 10), base{}, gone, exitWorse, exitWorse},
		"a benchmark that the base has not":   {base{}, one(0, 10), unknown, exitWorse, exitWorse},
		"one that has another name by now":    {base{"p A": {0, 1}, "p B": {0, 1}}, one(0, 1), gone, exitWorse, exitWorse},
		"one of two that has more, and first": {base{"p A": {0, 1}, "p B": {0, 1}}, base{"p A": {1, 1}, "p B": {0, 1}}, more, exitWorse, exitWorse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := judge(c.old, c.now, 1.5)
			worst := slices.MaxFunc(got, func(a, b verdict) int { return int(a.is) - int(b.is) })
			if worst.is != c.is {
				t.Errorf("it is %s, want %s", worst.is, c.is)
			}
			var out bytes.Buffer
			if code := report(&out, got, false); code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, &out)
			}
			if code := report(&out, got, true); code != c.timed {
				t.Errorf("exit code %d with -timed, want %d", code, c.timed)
			}
			if !strings.Contains(out.String(), c.is.String()) {
				t.Errorf("it is not said:\n%s", &out)
			}
		})
	}
}

func TestThePartOfABaseThatIsAskedFor(t *testing.T) {
	t.Parallel()
	whole, now := base{"a X": {}, "a Y": {}, "b X": {}}, base{"a X": {}}
	part := whole.only(func(name string) bool { return now.of(pkgOf(name)) })
	if diff := cmp.Diff(base{"a X": {}, "a Y": {}}, part, cmp.AllowUnexported(figure{})); diff != "" {
		t.Error(diff)
	}
}

func TestTheRecordedBaseHasABenchmarkForEachTarget(t *testing.T) {
	t.Parallel()
	b, err := readBase("base.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range targets() {
		if !b.of(g.pkg) || g.what == "" {
			t.Errorf("nothing of %s", g.pkg)
		}
		if _, err := os.Stat(filepath.Join("..", "..", g.pkg)); err != nil {
			t.Error(err)
		}
	}
}

func TestWrongUseIsToldFromWorse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o    options
		code int
	}{
		{options{base: "base.txt", match: "("}, exitUsage},
		{options{base: "base.txt", match: "x", write: true}, exitUsage},
		{options{base: "nowhere.txt"}, exitBroken},
	} {
		var out bytes.Buffer
		if code, err := run(t.Context(), &c.o, &out); code != c.code || err == nil {
			t.Errorf("%+v ends with %d and %v", c.o, code, err)
		}
	}
}

func TestTheLoopOfFixedWorkTakesTime(t *testing.T) {
	t.Parallel()
	if d := calibrate(); !(d > 0) {
		t.Error(d)
	}
}
