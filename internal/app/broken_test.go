package app

import (
	"bufio"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/source"
)

var update = flag.Bool("update", false, "rewrite the expected diagnostics")

// TestBrokenPoliciesWithTheirDocumentsAreRefusedWithTheseWords holds what only
// a policy and its documents together show. Nothing of them becomes a Plan.
// The comment of an archive may set flags and variables: "to: URL".
func TestBrokenPoliciesWithTheirDocumentsAreRefusedWithTheseWords(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		want := len(a.Files) - 1
		for _, f := range a.Files[:want] {
			name := filepath.Join(dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got := refused(t, dir, brokenOptions(dir, a.Comment))
		if *update {
			a.Files[want].Data = []byte(got)
			if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if d := cmp.Diff(string(a.Files[want].Data), got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", file, d)
		}
	}
}

// brokenOptions reads the lines "name: value" of the comment of an archive.
func brokenOptions(dir string, comment []byte) Options {
	opt := Options{Policy: filepath.Join(dir, "sallyport.yaml"), Clock: clock.System{}, Rand: strings.NewReader(strings.Repeat("x", 1<<12))}
	lines := bufio.NewScanner(strings.NewReader(string(comment)))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "to":
			opt.To = value
		case "policy":
			opt.Policy = ""
		case "openapi":
			opt.OpenAPI = filepath.Join(dir, value)
		case "environ":
			opt.Environ = append(opt.Environ, value)
		}
	}
	return opt
}

// refused tells all that is said about a configuration that must not become a
// Plan, as at a reload.
func refused(t *testing.T, dir string, opt Options) string {
	t.Helper()
	var notes, list source.List
	l, err := load(t.Context(), opt, nil)
	if err == nil {
		notes, err = l.list, runTests(t.Context(), opt, l)
	}
	if !errors.As(err, &list) {
		t.Errorf("%s: %v", opt.Policy, err)
		return ""
	}
	var b strings.Builder
	for _, d := range notes {
		b.WriteString(strings.ReplaceAll(d.String(), dir+"/", "") + "\n")
	}
	for _, d := range list {
		b.WriteString(strings.ReplaceAll(d.String(), dir+"/", "") + "\n")
	}
	return b.String()
}
