package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/sallyport/sallyport"

// A pkg is the package of one risk, with its types.
type pkg struct {
	name  string
	dir   string // "risks/NAME"
	fset  *token.FileSet
	files []*file
	info  *types.Info
	types *types.Package
	// next is the id of the next mutant; 0 is none.
	next int
	// seen counts the mutants with one key, so that each gets its own.
	seen map[string]int
}

// A file is one source of it, with what is changed there.
type file struct {
	path    string
	text    []byte
	tree    *ast.File
	imports map[string]string // path to name
	changes map[ast.Node]*change
	mutants []*mutant
}

// load reads and checks the package of a risk, without its tests.
func load(name string) (*pkg, error) {
	p := &pkg{name: name, dir: "risks/" + name, fset: token.NewFileSet(), next: 1, seen: map[string]int{}}
	paths, err := filepath.Glob(p.dir + "/*.go")
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("find the sources: %w", errors.Join(err, os.ErrNotExist))
	}
	var trees []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f := &file{path: path, imports: map[string]string{}, changes: map[ast.Node]*change{}}
		if f.text, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("read a source: %w", err)
		}
		if f.tree, err = parser.ParseFile(p.fset, path, f.text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return nil, fmt.Errorf("parse: %w", err)
		}
		p.files, trees = append(p.files, f), append(trees, f.tree)
	}
	lookup, err := exports("./" + p.dir)
	if err != nil {
		return nil, err
	}
	p.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{}}
	conf := types.Config{Importer: importer.ForCompiler(p.fset, "gc", lookup)}
	if p.types, err = conf.Check(module+"/"+p.dir, p.fset, trees, p.info); err != nil {
		return nil, fmt.Errorf("check the types: %w", err)
	}
	for _, f := range p.files {
		for _, spec := range f.tree.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if spec.Name != nil {
				f.imports[path] = spec.Name.Name
				continue
			}
			at := slices.IndexFunc(p.types.Imports(), func(i *types.Package) bool { return i.Path() == path })
			if at >= 0 {
				f.imports[path] = p.types.Imports()[at].Name()
			}
		}
	}
	return p, nil
}

// exports asks the go command for the compiled imports of a package.
func exports(pattern string) (func(string) (io.ReadCloser, error), error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", pattern).Output()
	if err != nil {
		return nil, fmt.Errorf("compile the imports: %w", err)
	}
	where := map[string]string{}
	for line := range bytes.Lines(out) {
		path, file, _ := strings.Cut(strings.TrimSpace(string(line)), "\t")
		where[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(where[path]) }, nil
}
