// Command newrisk begins a risk: it makes the folder risks/NAME with a file for
// each face, a World and the page of its codes, and then runs gen.
//
//	go tool newrisk NAME ["Title in a few words"]
//
// What it makes compiles, and the law fails until it is filled in. No file that
// exists is edited; only generated ones change.
package main

import (
	"embed"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed template
var templates embed.FS

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 || strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, `usage: go tool newrisk NAME ["Title in a few words"]`)
		os.Exit(2)
	}
	title := ""
	if len(os.Args) == 3 {
		title = os.Args[2]
	}
	if err := run(os.Args[1], title); err != nil {
		fmt.Fprintln(os.Stderr, "newrisk:", err)
		os.Exit(1)
	}
}

func run(name, title string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	if title == "" {
		title = strings.ToUpper(name[:1]) + name[1:]
	}
	if err := check(root, name, title); err != nil {
		return err
	}
	files, err := Files(name, title)
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err := write(filepath.Join(root, filepath.FromSlash(path)), files[path]); err != nil {
			return err
		}
		fmt.Println("made " + path)
	}
	c := exec.Command("go", "tool", "gen")
	c.Dir, c.Stdout, c.Stderr = root, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("run go tool gen: %w", err)
	}
	fmt.Printf("now fill in risks/%[1]s; what is missing says: make law RISK=%[1]s\n", name)
	return nil
}

// write makes a file, and never writes over one.
func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("make a file: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	return nil
}

// maxTitle is the longest title of a risk, in bytes.
const maxTitle = 60

// shape is what a name looks like: it is the name of a package, of a folder,
// and public for ever.
var shape = regexp.MustCompile(`^[a-z][a-z0-9]{1,19}$`)

// taken are names that the go command or the list of risks needs, and words
// that are no names of packages.
func taken() []string {
	return []string{"all", "main", "test", "testdata", "internal", "vendor", "risk", "risks", "util", "utils", "common", "base", "helper", "helpers", "manager", "model", "models", "types", "core"}
}

// check refuses names that cannot be, or are there already.
func check(root, name, title string) error {
	switch {
	case !shape.MatchString(name):
		return fmt.Errorf("%q is no name for a risk: write 2 to 20 small letters and digits, such as massassign", name)
	case token.IsKeyword(name) || slices.Contains(taken(), name):
		return fmt.Errorf("%q cannot be the name of a risk: it means something else", name)
	case title != strings.TrimSpace(title) || title == "" || len(title) > maxTitle || strings.HasSuffix(title, ".") || strings.ContainsAny(title, "\n\"\\`"):
		return fmt.Errorf("%q is no title: write at most %d letters on one line, without quotes and full stop", title, maxTitle)
	}
	for _, path := range [...]string{"risks/" + name, "internal/help/pages/" + name + ".md"} {
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(path))); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists: choose another name", path)
		}
	}
	return nil
}

// Files are the files of a new risk, by their paths below the root of the
// module.
func Files(name, title string) (map[string]string, error) {
	out := map[string]string{}
	fill := strings.NewReplacer("NAME", name, "TITLE", title)
	err := fs.WalkDir(templates, "template", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := templates.ReadFile(path)
		if err != nil {
			return err
		}
		to := "risks/" + name + "/" + strings.TrimPrefix(path, "template/")
		if path == "template/page.md" {
			to = "internal/help/pages/" + name + ".md"
		}
		out[strings.TrimSuffix(fill.Replace(to), ".tmpl")] = fill.Replace(string(text))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the templates: %w", err)
	}
	return out, nil
}

// moduleRoot is the nearest folder above that holds a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("find the module: no go.mod here or above")
		}
		dir = up
	}
}
