package arch_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestManyBrokenTextsAreHeld counts the golden cases of broken policies and
// documents, and the codes in them.
func TestManyBrokenTextsAreHeld(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`(?m): (?:error|warning|info) ([a-z]+/[a-z0-9-]+): `)
	cases, codes := 0, map[string]bool{}
	for _, pattern := range []string{"policy/testdata/bad/*.txtar", "app/testdata/broken/*.txtar", "front/openapi/testdata/broken/*.txtar"} {
		files, err := filepath.Glob(filepath.Join("..", pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cases += bytes.Count(text, []byte("want --\n"))
			for _, m := range code.FindAllSubmatch(text, -1) {
				codes[string(m[1])] = true
			}
		}
	}
	t.Logf("%d broken policies and documents, %d codes", cases, len(codes))
	if cases < 150 || len(codes) < 60 {
		t.Errorf("%d cases and %d codes, want at least 150 and 60", cases, len(codes))
	}
}
