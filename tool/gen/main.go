// Command gen writes everything that follows from the risks: the list
// risks/all.go from the folders, then, by tool/pages, the pages of docs/risks.
//
//	go tool gen          write what is stale
//	go tool gen -check   name what is stale, and exit with 1
//
// It does not import the risks, so that it works where the list names a folder
// that is gone, or lacks a new one.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// list is the generated list of risks, below the root of the module.
const list = "risks/all.go"

// errStale means that files are not what gen would write.
var errStale = errors.New("run: go tool gen")

func main() {
	check := flag.Bool("check", false, "write nothing, name what is stale")
	flag.Parse()
	if flag.NArg() != 0 {
		fmt.Fprintln(os.Stderr, "usage: gen [-check]")
		os.Exit(2)
	}
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	names, err := Folders(filepath.Join(root, "risks"))
	if err != nil {
		return err
	}
	text, err := List(names)
	if err != nil {
		return err
	}
	file := filepath.Join(root, filepath.FromSlash(list))
	old, err := os.ReadFile(file)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("read the list: %w", err)
	case string(old) == string(text):
	case check:
		fmt.Println(list + " is stale")
		return errStale
	default:
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("write the list: %w", err)
		}
		fmt.Println("wrote " + list)
	}
	return pages(root, check)
}

// pages runs the other half as a program of its own, which is compiled with
// the list that was just written.
func pages(root string, check bool) error {
	args := []string{"run", "./tool/pages"}
	if check {
		args = append(args, "-check")
	}
	c := exec.Command("go", args...)
	c.Dir, c.Stdout, c.Stderr = root, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("write the pages: %w", err)
	}
	return nil
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
