package policy

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sallyport/sallyport/source"
)

var update = flag.Bool("update", false, "rewrite the expected diagnostics")

// TestBadPoliciesAreRefusedWithTheseWords holds every message, with its place,
// caret and hint.
func TestBadPoliciesAreRefusedWithTheseWords(t *testing.T) {
	t.Parallel()
	for _, file := range badFiles(t) {
		archive := archived(t, file)
		for i, c := range archive.Files {
			name, ok := strings.CutSuffix(c.Name, ".yaml")
			if !ok {
				continue
			}
			p, l := Parse(Input{Name: "sallyport.yaml", Risks: fakes()}, c.Data)
			if p != nil || l.Err() == nil {
				t.Errorf("%s: %s: taken", file, name)
			}
			got := printed(l)
			if *update {
				archive.Files[i+1].Data = []byte(got)
				continue
			}
			if d := cmp.Diff(string(archive.Files[i+1].Data), got); d != "" {
				t.Errorf("%s: %s: (-want +got)\n%s", file, name, d)
			}
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func printed(l source.List) string {
	var b strings.Builder
	for _, d := range l {
		b.WriteString(d.String() + "\n")
	}
	return b.String()
}

func badFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad policies: %v", err)
	}
	return files
}

func archived(t testing.TB, file string) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
