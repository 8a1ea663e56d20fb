package main

import (
	"strings"
	"testing"
)

func TestTallyCountsAndShowsWhatIsWorthReading(t *testing.T) {
	t.Parallel()
	const sound = `{"Action":"start","Package":"a"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"=== RUN TestOne\n"}
{"Action":"pass","Package":"a","Test":"TestOne/sub","Elapsed":0.1}
{"Action":"output","Package":"a","Test":"TestOne","Output":"--- PASS: TestOne\n"}
{"Action":"pass","Package":"a","Test":"TestOne","Elapsed":0.1}
{"Action":"output","Package":"a","Test":"TestTwo","Output":"    a_test.go:3: needs node\n"}
{"Action":"skip","Package":"a","Test":"TestTwo","Elapsed":0}
{"Action":"pass","Package":"a","Elapsed":0.2}
`
	const wrong = `{"Action":"start","Package":"b"}
{"Action":"output","Package":"b","Test":"TestBad","Output":"    b_test.go:7: got 1\n"}
{"Action":"fail","Package":"b","Test":"TestBad","Elapsed":0.1}
{"Action":"output","Package":"b","Test":"TestDead","Output":"panic: dead\n"}
{"Action":"fail","Package":"b","Elapsed":0.2}
`
	for _, c := range []struct {
		name, in, logs string
		well           bool
		has, hasNot    []string
	}{
		{
			"passing tests are counted, skipped ones explained", sound, "", true,
			[]string{"1 tests and 1 subtests passed, 0 failed, 1 skipped, in 1 packages", "a_test.go:3: needs node", "ok    a  200ms"},
			[]string{"=== RUN", "--- PASS"},
		},
		{"logs of a named package are shown", sound, "a", true, []string{"--- PASS: TestOne"}, []string{"=== RUN"}},
		{
			"a failure and a panic are shown", sound + wrong, "", false,
			[]string{"b_test.go:7: got 1", "panic: dead", "FAIL  b", "failed: b", "1 failed"}, nil,
		},
		{"a package that does not end has failed", sound + `{"Action":"start","Package":"c"}` + "\n", "", false, []string{"c (did not end)"}, nil},
		{"text of the go command is passed on", "go: no module\n", "", false, []string{"go: no module", "nothing was tested"}, nil},
		{"a package without tests is not counted", sound + `{"Action":"skip","Package":"d"}` + "\n", "", true, []string{"in 1 packages"}, []string{" d "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			tl := tally{out: &out, logs: c.logs, output: map[string][]string{}, open: map[string]bool{}}
			if err := tl.read(strings.NewReader(c.in)); err != nil {
				t.Fatal(err)
			}
			if got := tl.sum(); got != c.well {
				t.Errorf("sum() = %v", got)
			}
			for _, s := range c.has {
				if !strings.Contains(out.String(), s) {
					t.Errorf("%q is missing in:\n%s", s, out.String())
				}
			}
			for _, s := range c.hasNot {
				if strings.Contains(out.String(), s) {
					t.Errorf("%q stands in:\n%s", s, out.String())
				}
			}
		})
	}
}
