package identity_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// codesOf are the constants of type source.Code in a file.
func codesOf(t testing.TB, file string) map[string]bool {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	ast.Inspect(tree, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 && strings.HasPrefix(v.Names[0].Name, "Code") {
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				code, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				codes[code] = true
			}
		}
		return true
	})
	return codes
}

func TestEveryCodeHasAPageAndEveryPageACode(t *testing.T) {
	t.Parallel()
	for file, page := range map[string]string{"error.go": "../help/pages/key.md", "../store/store.go": "../help/pages/store.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		pages := map[string]bool{}
		for _, section := range strings.Split(string(text), "\n## ")[1:] {
			code, body, _ := strings.Cut(section, "\n")
			pages[code] = len(strings.TrimSpace(body)) > 40
		}
		if diff := cmp.Diff(codesOf(t, file), pages); diff != "" {
			t.Errorf("%s (-codes +pages):\n%s", page, diff)
		}
	}
}
