package help

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryCodeHasASectionAndEverySectionACode(t *testing.T) {
	t.Parallel()
	codes, err := constants(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if len(codes) < 50 {
		t.Fatalf("only %d codes found in the tree: does this test still see them?", len(codes))
	}
	for code, at := range codes {
		if _, ok := Code(code); !ok {
			group, _, _ := strings.Cut(code, "/")
			t.Errorf("%s: %s has no section: write \"## %s\" in pages/%s.md", at, code, code, group)
		}
	}
	for _, code := range Codes() {
		if _, ok := codes[code]; !ok {
			t.Errorf("the section %s explains a code that no constant has", code)
		}
	}
}

func TestPagesAreWellFormed(t *testing.T) {
	t.Parallel()
	for _, p := range Pages() {
		if p.Intro == "" {
			t.Errorf("%s.md says nothing below its title", p.Name)
		}
		seen := map[string]bool{}
		for _, s := range p.Sections {
			if group, _, _ := strings.Cut(s.Code, "/"); group != p.Name || seen[s.Code] || s.Text == "" {
				t.Errorf("%s.md: the section %s is empty, stands twice or belongs to another page", p.Name, s.Code)
			}
			seen[s.Code] = true
		}
	}
}

func TestAPageIsSplitIntoItsSections(t *testing.T) {
	t.Parallel()
	got := parse("key", "# key\n\nWhat is wrong.\n\n## no code\n\n## key/a\n\nOne.\n\nTwo.\n\n## key/b\nThree.")
	want := Page{Name: "key", Intro: "What is wrong.\n\n## no code\n", Sections: []Section{{"key/a", "One.\n\nTwo.\n"}, {"key/b", "Three.\n"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnUnknownNameIsNotFound(t *testing.T) {
	t.Parallel()
	if _, ok := Code("key/nonsense"); ok {
		t.Error("a code that does not exist has a section")
	}
	if _, ok := Topic("../help"); ok {
		t.Error("a topic that does not exist has a page")
	}
}

// constants finds the constants of type source.Code and fault.Code in the Go
// files below root, with the place of each.
func constants(root string) (map[string]token.Position, error) {
	found := map[string]token.Position{}
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "testdata" || len(name) > 1 && name != ".." && (name[0] == '.' || name[0] == '_')):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse %s: %w", path, err)
		}
		return inFile(f, files, found)
	})
	return found, err
}

// inFile adds the codes of one file.
func inFile(f *ast.File, files *token.FileSet, found map[string]token.Position) error {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v, ok := s.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for _, value := range v.Values {
				typed := isCode(f, v.Type)
				if call, ok := value.(*ast.CallExpr); ok && isCode(f, call.Fun) && len(call.Args) == 1 {
					typed, value = true, call.Args[0]
				}
				if !typed {
					continue
				}
				text, err := literal(value)
				if err != nil {
					return fmt.Errorf("%s: %w", files.Position(value.Pos()), err)
				}
				if other, ok := found[text]; ok {
					return fmt.Errorf("%s: the code %s is declared at %s as well", files.Position(value.Pos()), text, other)
				}
				found[text] = files.Position(value.Pos())
			}
		}
	}
	return nil
}

// isCode tells whether a type is source.Code or fault.Code.
func isCode(f *ast.File, t ast.Expr) bool {
	switch t := t.(type) {
	case *ast.SelectorExpr:
		x, ok := t.X.(*ast.Ident)
		return ok && (x.Name == "source" || x.Name == "fault") && t.Sel.Name == "Code"
	case *ast.Ident:
		return t.Name == "Code" && (f.Name.Name == "source" || f.Name.Name == "fault")
	}
	return false
}

// literal is the value of a string literal, or of several put together.
func literal(e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(e.Value)
	case *ast.BinaryExpr:
		a, errA := literal(e.X)
		b, errB := literal(e.Y)
		if e.Op == token.ADD && errA == nil && errB == nil {
			return a + b, nil
		}
	}
	return "", fmt.Errorf("write the code as a literal, so that it can be found")
}
