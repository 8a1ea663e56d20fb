package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the root of the module.
const root = "../.."

func TestNamesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ name, title, want string }{
		"a capital letter":         {"BOLA", "A title", "no name for a risk"},
		"a hyphen":                 {"mass-assign", "A title", "no name for a risk"},
		"one letter":               {"a", "A title", "no name for a risk"},
		"a digit in front":         {"2fa", "A title", "no name for a risk"},
		"a way out of the folder":  {"../demo", "A title", "no name for a risk"},
		"nothing":                  {"", "A title", "no name for a risk"},
		"more than twenty letters": {"aaaaaaaaaaaaaaaaaaaaa", "A title", "no name for a risk"},
		"a keyword":                {"range", "A title", "means something else"},
		"a word of the go command": {"testdata", "A title", "means something else"},
		"a bad name of a package":  {"common", "A title", "means something else"},
		"a risk that is there":     {"cors", "A title", "risks/cors exists"},
		"the page of something":    {"gateway", "A title", "internal/help/pages/gateway.md exists"},
		"a title with a full stop": {"fresh", "A title.", "no title"},
		"a title with a quote":     {"fresh", `A "title"`, "no title"},
		"a title of two lines":     {"fresh", "A\ntitle", "no title"},
		"a title that is too long": {"fresh", strings.Repeat("a", 61), "no title"},
	} {
		if err := check(root, c.name, c.title); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := check(root, "fresh", "A title"); err != nil {
		t.Error(err)
	}
}

func TestNoFileIsWrittenOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b")
	if err := write(path, "first"); err != nil {
		t.Fatal(err)
	}
	if err := write(path, "second"); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "first" {
		t.Errorf("%q %v", text, err)
	}
}

// TestANewRiskEditsNothingByHand makes a risk in a copy of the tree.
func TestANewRiskEditsNothingByHand(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles a copy of the tree: needs up to a minute")
	}
	tree := t.TempDir()
	if err := copyTree(tree); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), "go", args...)
		c.Dir = tree
		c.Env = append(os.Environ(), "GOFLAGS=-trimpath -mod=readonly") // the same compiled packages each time
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := command("tool", "gen"); err != nil { // whatever was stale before
		t.Fatalf("%v\n%s", err, out)
	}
	before := sums(t, tree)
	if out, err := command("tool", "newrisk", "freshrisk", "A risk that is not there yet"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := command("tool", "newrisk", "freshrisk"); err == nil || !strings.Contains(out, "risks/freshrisk exists") {
		t.Errorf("a second one: %v\n%s", err, out)
	}
	var made []string
	for path, sum := range sums(t, tree) {
		old, was := before[path]
		switch {
		case !was:
			made = append(made, path)
		case old != sum && path != "risks/all.go" && !strings.HasPrefix(path, "docs/risks/"):
			t.Errorf("%s was edited", path)
		}
	}
	slices.Sort(made)
	want := []string{
		"docs/risks/freshrisk.md", "internal/help/pages/freshrisk.md", "risks/freshrisk/doc.md", "risks/freshrisk/freshrisk.go",
		"risks/freshrisk/freshrisk_test.go", "risks/freshrisk/guard.go", "risks/freshrisk/lint.go", "risks/freshrisk/probe.go", "risks/freshrisk/testdata/world.txt",
	}
	if !slices.Equal(made, want) {
		t.Errorf("made %q", made)
	}
	for _, args := range [][]string{{"build", "./..."}, {"vet", "./risks/...", "./internal/risktest"}, {"test", "./risks/freshrisk"}, {"tool", "gen", "-check"}} {
		if out, err := command(args...); err != nil {
			t.Errorf("go %v: %v\n%s", args, err, out)
		}
	}
	out, err := command("test", "./risks", "./internal/risktest", "-run", "TestEveryRiskIsWhole|TestEveryCodeHasAPage|TestTheLaw/freshrisk")
	if err == nil {
		t.Error("the law lets a risk pass that is not filled in")
	}
	for _, said := range []string{
		`freshrisk: the doc does not say "What goes wrong"`, "freshrisk: no phases or no clauses", "the page of freshrisk/refused says nothing",
		"the probe of freshrisk is not written yet", "the lint says [] of the flawed design, want [freshrisk/design]", "no record names the risk",
	} {
		if !strings.Contains(out, said) {
			t.Errorf("nobody says %q:\n%s", said, out)
		}
	}
}

// copyTree copies what the module is built of.
func copyTree(to string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || rel == "." {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); strings.HasPrefix(name, ".") || name == "node_modules" || rel == "bin" || rel == "dist" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o644)
	})
}

// sums is the hash of every file of a tree.
func sums(t *testing.T, tree string) map[string][sha256.Size]byte {
	t.Helper()
	out := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(tree, path)
		out[filepath.ToSlash(rel)] = sha256.Sum256(bytes.TrimSpace(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
