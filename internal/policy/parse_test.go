package policy

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGoodPoliciesAreTaken(t *testing.T) {
	t.Parallel()
	for _, name := range goodFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			p, l := Load(Input{Name: name, Risks: fakes()})
			if err := l.Err(); err != nil || p == nil {
				t.Fatalf("refused: %v", err)
			}
			if p.Version.Value != Version || len(p.Listen) == 0 || p.Admin.Bind.Value == "" {
				t.Errorf("defaults are missing: %+v", p)
			}
		})
	}
}

func goodFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no good policies: %v", err)
	}
	return names
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
