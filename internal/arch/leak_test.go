package arch_test

import (
	"go/ast"
	"slices"
	"testing"
)

// leakless lists packages that start goroutines and need no test for leaks,
// with the reason.
var leakless = map[string]string{
	"tool/bench": "a program that runs others and ends; it has no tests",
	"tool/siege": "a program that runs others and ends; it has no tests",
}

// TestWhoStartsGoroutinesLooksForLeaks wants a TestMain with goleak in each
// package that starts a goroutine outside its tests.
func TestWhoStartsGoroutinesLooksForLeaks(t *testing.T) {
	t.Parallel()
	starts, looks := map[string]string{}, map[string]bool{}
	for _, f := range files(t) {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if !f.test && starts[f.pkg] == "" && startsGoroutine(n) {
				starts[f.pkg] = f.path
			}
			if f.test && findsLeaks(n) && slices.ContainsFunc(f.tree.Decls, isTestMain) {
				looks[f.pkg] = true
			}
			return true
		})
	}
	if len(starts) < 10 {
		t.Fatalf("only %d packages start goroutines: %v", len(starts), starts)
	}
	for pkg, where := range starts {
		if _, ok := leakless[pkg]; !ok && !looks[pkg] {
			t.Errorf("%s starts a goroutine: package %s needs a TestMain with goleak.VerifyTestMain", where, pkg)
		}
	}
	for pkg := range leakless {
		if starts[pkg] == "" || looks[pkg] {
			t.Errorf("%s is listed without a need", pkg)
		}
	}
}

// startsGoroutine tells whether n is a go statement, a call of a method Go, as
// errgroup.Group and sync.WaitGroup have, or of AfterFunc.
func startsGoroutine(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.CallExpr:
		s, ok := n.Fun.(*ast.SelectorExpr)
		return ok && (s.Sel.Name == "Go" && len(n.Args) == 1 || s.Sel.Name == "AfterFunc")
	}
	return false
}

// findsLeaks tells whether n calls goleak at the end of all tests.
func findsLeaks(n ast.Node) bool {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "goleak" && (s.Sel.Name == "VerifyTestMain" || s.Sel.Name == "Find")
}

// isTestMain tells whether d is TestMain.
func isTestMain(d ast.Decl) bool {
	f, ok := d.(*ast.FuncDecl)
	return ok && f.Recv == nil && f.Name.Name == "TestMain"
}
