package main

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A walker finds the mutants of one file.
type walker struct {
	p    *pkg
	file *file
	fn   string
	// stack holds the nodes above the current one.
	stack []ast.Node
	// no holds nodes that are not changed: what must be constant, or is no
	// more than text for people who read our own errors.
	no map[ast.Node]bool
}

// find notes all mutants of the package.
func (p *pkg) find() []*mutant {
	var out []*mutant
	for _, f := range p.files {
		w := &walker{p: p, file: f, no: map[ast.Node]bool{}}
		for _, d := range f.tree.Decls {
			w.decl(d)
		}
		out = append(out, f.mutants...)
	}
	return out
}

// decl looks into functions and tables, not into constants, types and the
// value Risk, which the compiler and the law hold.
func (w *walker) decl(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Body != nil {
			w.fn = d.Name.Name
			w.block(d.Body.List, d.Type.Results == nil, false)
			w.walk(d.Body)
		}
	case *ast.GenDecl:
		if d.Tok != token.VAR {
			return
		}
		for _, s := range d.Specs {
			if v, ok := s.(*ast.ValueSpec); ok && v.Names[0].Name != "Risk" {
				w.fn = v.Names[0].Name
				w.walk(v)
			}
		}
	}
}

// walk visits n and what is below it.
func (w *walker) walk(n ast.Node) {
	base := len(w.stack)
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			w.stack = w.stack[:len(w.stack)-1]
			return true
		}
		if w.no[n] {
			return false
		}
		w.visit(n)
		w.stack = append(w.stack, n)
		return true
	})
	w.stack = w.stack[:base]
}

// parent is the node above the current one.
func (w *walker) parent() ast.Node {
	if len(w.stack) == 0 {
		return nil
	}
	return w.stack[len(w.stack)-1]
}

func (w *walker) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.GenDecl:
		if n.Tok == token.CONST {
			w.skip(n.Specs)
		}
	case *ast.ArrayType:
		if n.Len != nil {
			w.no[n.Len] = true
		}
	case *ast.CompositeLit:
		w.literal(n)
	case *ast.IfStmt:
		w.negate(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			w.negate(n.Cond)
		}
	case *ast.SwitchStmt:
		w.cases(n)
	case *ast.TypeSwitchStmt:
		for _, c := range n.Body.List {
			for _, t := range c.(*ast.CaseClause).List {
				w.no[t] = true
			}
		}
	case *ast.CallExpr:
		w.call(n)
	}
	if e, ok := n.(ast.Expr); ok {
		w.expr(e)
	}
}

func (w *walker) skip(specs []ast.Spec) {
	for _, s := range specs {
		w.no[s] = true
	}
}

// literal leaves the keys of arrays alone, which must be constant, and those
// of structs, which are names.
func (w *walker) literal(n *ast.CompositeLit) {
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if _, isMap := w.typeOf(n).Underlying().(*types.Map); !isMap {
				w.no[kv.Key] = true
			}
		}
	}
}

// call leaves the texts of plain errors and panics alone, which no promise is
// about, and empties formatted text as a whole.
func (w *walker) call(n *ast.CallExpr) {
	name := w.source(n.Fun)
	switch name {
	case "errors.New", "fmt.Errorf", "panic":
		w.no[n.Args[0]] = true
	case "fmt.Sprintf":
		w.no[n.Args[0]] = true
		w.add(n, change{kind: value, typ: "string"}, `""`)
	}
}

func (w *walker) typeOf(e ast.Expr) types.Type {
	if t := w.p.info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

// statements that may be removed are noted by their lists: what ends a list
// in the tail of a function that has results cannot go.
func (w *walker) block(list []ast.Stmt, void, followed bool) {
	for i, s := range list {
		after := followed || i+1 < len(list)
		if removable(s) {
			if r, ok := s.(*ast.ReturnStmt); !ok || after && (len(r.Results) > 0 || void) {
				w.add(s, change{kind: statement}, "")
			}
		}
		w.inner(s, void, after)
	}
}

// removable tells whether the compiler does not need s.
func removable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ExprStmt, *ast.IncDecStmt, *ast.ReturnStmt, *ast.BranchStmt:
		return true
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			return false
		}
		for _, l := range s.Lhs {
			if id, ok := l.(*ast.Ident); ok && id.Name == "_" {
				return false
			}
		}
		return true
	}
	return false
}

func (w *walker) inner(s ast.Stmt, void, after bool) {
	switch s := s.(type) {
	case *ast.BlockStmt:
		w.block(s.List, void, after)
	case *ast.IfStmt:
		w.block(s.Body.List, void, after)
		if s.Else != nil {
			w.inner(s.Else, void, after)
		}
	case *ast.ForStmt:
		w.block(s.Body.List, void, true)
	case *ast.RangeStmt:
		w.block(s.Body.List, void, true)
	case *ast.SwitchStmt:
		w.clauses(s.Body, void, after)
	case *ast.TypeSwitchStmt:
		w.clauses(s.Body, void, after)
	case *ast.LabeledStmt:
		w.inner(s.Stmt, void, after)
	}
	ast.Inspect(s, func(n ast.Node) bool {
		if l, ok := n.(*ast.FuncLit); ok && within(s, l) {
			w.block(l.Body.List, l.Type.Results == nil, false)
			return false
		}
		switch n.(type) {
		case *ast.BlockStmt, *ast.CaseClause:
			return false // its statements are visited on their own
		}
		return true
	})
}

// within tells whether l stands in s itself.
func within(s ast.Stmt, l *ast.FuncLit) bool { return s.Pos() <= l.Pos() && l.End() <= s.End() }

func (w *walker) clauses(b *ast.BlockStmt, void, after bool) {
	for _, c := range b.List {
		if c, ok := c.(*ast.CaseClause); ok {
			w.block(c.Body, void, after)
		}
	}
}
