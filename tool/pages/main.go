// Command pages writes what follows from the values of the risks, below
// docs/risks: a page for each, the compliance matrix, the schema of policy
// files and the rules for SARIF. `go tool gen` runs it, after it has written
// the list of risks that this program is compiled with.
//
//	pages [-check]
//
// With -check it writes nothing, names what is stale, and exits with 1.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/sallyport/sallyport/risks"
)

// folder holds nothing but what this program writes.
const folder = "docs/risks"

// errStale means that files are not what this program would write.
var errStale = errors.New("run: go tool gen")

func main() {
	check := flag.Bool("check", false, "write nothing, name what is stale")
	flag.Parse()
	files, err := Files(risks.All())
	if err == nil {
		act := update
		if *check {
			act = compare
		}
		err = act(folder, files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

// compare names the files below dir that are stale.
func compare(dir string, files map[string][]byte) error {
	extra, err := surplus(dir, files)
	if err != nil {
		return err
	}
	stale := len(extra) > 0
	for _, name := range extra {
		fmt.Println(filepath.Join(dir, name) + " is stale: nothing writes it any more")
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		old, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("compare: %w", err)
		}
		if err != nil || !bytes.Equal(old, files[name]) {
			stale = true
			fmt.Println(filepath.Join(dir, name) + " is stale")
		}
	}
	if stale {
		return errStale
	}
	return nil
}

// update writes the files that are stale and removes those that nothing
// writes any more.
func update(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	extra, err := surplus(dir, files)
	if err != nil {
		return err
	}
	for _, name := range extra {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove a stale file: %w", err)
		}
		fmt.Println("removed " + filepath.Join(dir, name))
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(dir, name)
		old, err := os.ReadFile(file)
		if err == nil && bytes.Equal(old, files[name]) {
			continue
		}
		if err := os.WriteFile(file, files[name], 0o644); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		fmt.Println("wrote " + file)
	}
	return nil
}

// surplus lists the files in dir that are not among files.
func surplus(dir string, files map[string][]byte) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var out []string
	for _, e := range entries {
		if _, ok := files[e.Name()]; !ok {
			out = append(out, e.Name())
		}
	}
	return out, nil
}
