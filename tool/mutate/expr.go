package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
)

// expr notes the mutants of one expression.
func (w *walker) expr(e ast.Expr) {
	tv := w.p.info.Types[e]
	if tv.IsType() {
		w.no[e] = true
		return
	}
	if tv.Value != nil {
		if w.outermost() {
			w.constant(e, tv)
		}
		return
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		w.binary(e)
	case *ast.UnaryExpr:
		if e.Op == token.NOT && !w.isCondition(e) {
			w.bool(e, w.source(e.X))
		}
	}
}

// outermost tells whether the current expression is part of no larger
// constant.
func (w *walker) outermost() bool {
	p, ok := w.parent().(ast.Expr)
	return !ok || w.p.info.Types[p].Value == nil
}

// bool notes a mutant of a condition.
func (w *walker) bool(e ast.Expr, is string) { w.add(e, change{kind: condition}, is) }

// negate notes the negation of a condition.
func (w *walker) negate(e ast.Expr) {
	if w.p.info.Types[e].Value == nil {
		w.bool(e, "!("+w.source(e)+")")
	}
}

// isCondition tells whether the current expression is the whole condition of a
// statement, which is negated anyway.
func (w *walker) isCondition(e ast.Expr) bool {
	switch p := w.parent().(type) {
	case *ast.IfStmt:
		return p.Cond == e
	case *ast.ForStmt:
		return p.Cond == e
	}
	return false
}

// binary swaps operators and drops operands.
func (w *walker) binary(e *ast.BinaryExpr) {
	x, y := w.source(e.X), w.source(e.Y)
	swap := func(op string) { w.bool(e, x+" "+op+" "+y) }
	switch e.Op {
	case token.LAND, token.LOR:
		swap(map[token.Token]string{token.LAND: "||", token.LOR: "&&"}[e.Op])
		w.bool(e, x)
		w.bool(e, y)
	case token.EQL, token.NEQ:
		if !w.isCondition(e) {
			swap(map[token.Token]string{token.EQL: "!=", token.NEQ: "=="}[e.Op])
		}
	case token.LSS:
		swap("<=")
	case token.LEQ:
		swap("<")
	case token.GTR:
		swap(">=")
	case token.GEQ:
		swap(">")
	case token.ADD, token.SUB:
		if name, ok := w.numeric(e); ok && !calls(e) {
			op := map[token.Token]string{token.ADD: "-", token.SUB: "+"}[e.Op]
			w.add(e, change{kind: value, typ: name}, x+" "+op+" "+y)
		}
	}
	switch e.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		if !w.isCondition(e) {
			w.bool(e, "!("+w.source(e)+")")
		}
	}
}

// numeric tells whether e is a whole number, and the name of its type.
func (w *walker) numeric(e ast.Expr) (string, bool) {
	b, ok := w.typeOf(e).Underlying().(*types.Basic)
	if !ok || b.Info()&types.IsInteger == 0 {
		return "", false
	}
	return w.typeName(w.typeOf(e))
}

// calls tells whether e calls anything but len; such an expression cannot be
// evaluated twice.
func calls(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			id, ok := c.Fun.(*ast.Ident)
			found = found || !ok || id.Name != "len"
		}
		return !found
	})
	return found
}

// constant notes the mutants of a constant: numbers become their neighbours,
// texts are emptied, true becomes false.
func (w *walker) constant(e ast.Expr, tv types.TypeAndValue) {
	b, ok := tv.Type.Underlying().(*types.Basic)
	name, named := w.typeName(tv.Type)
	if !ok || !named {
		return
	}
	c := change{kind: value, typ: name}
	switch {
	case b.Info()&types.IsString != 0:
		if isLiteral(e) && constant.StringVal(tv.Value) != "" {
			w.add(e, c, `""`)
		}
	case b.Info()&types.IsBoolean != 0:
		w.bool(e, strconv.FormatBool(!constant.BoolVal(tv.Value)))
	case b.Info()&types.IsInteger != 0:
		w.number(e, tv, c)
	}
}

// number notes the neighbours of a whole number. Names of enumerations and
// letters are left alone: they say which, not how many.
func (w *walker) number(e ast.Expr, tv types.TypeAndValue, c change) {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.CHAR {
		return
	}
	if _, own := tv.Type.(*types.Named); own && !isLiteral(e) {
		return
	}
	n, exact := constant.Int64Val(tv.Value)
	if !exact {
		return
	}
	for _, v := range [...]int64{n + 1, n - 1} {
		if v >= 0 && fits(v, tv.Type) {
			w.add(e, c, strconv.FormatInt(v, 10))
		}
	}
}

// fits tells whether a number can be of a type.
func fits(v int64, t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && constant.Compare(constant.ToInt(constant.MakeInt64(v)), token.LEQ, constant.MakeUint64(limit(b.Kind())))
}

func limit(k types.BasicKind) uint64 {
	switch k {
	case types.Int8:
		return 1<<7 - 1
	case types.Uint8:
		return 1<<8 - 1
	case types.Int16:
		return 1<<15 - 1
	case types.Uint16:
		return 1<<16 - 1
	case types.Int32:
		return 1<<31 - 1
	case types.Uint32:
		return 1<<32 - 1
	default:
		return 1<<63 - 1
	}
}

func isLiteral(e ast.Expr) bool {
	_, ok := e.(*ast.BasicLit)
	return ok
}

// typeName is how the file may write a type.
func (w *walker) typeName(t types.Type) (string, bool) {
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		if b.Kind() == types.UntypedBool {
			return "bool", true
		}
		return "", false
	}
	named := true
	text := types.TypeString(t, func(p *types.Package) string {
		if p == w.p.types {
			return ""
		}
		name, ok := w.file.imports[p.Path()]
		named = named && ok
		return name
	})
	return text, named
}

// cases notes the mutants that drop one case of a switch. What does nothing
// and has no default to fall to is left alone.
func (w *walker) cases(s *ast.SwitchStmt) {
	list := s.Body.List
	hasDefault := false
	for _, c := range list {
		hasDefault = hasDefault || c.(*ast.CaseClause).List == nil
	}
	for _, c := range list {
		clause := c.(*ast.CaseClause)
		for _, e := range clause.List {
			if s.Tag == nil {
				if w.p.info.Types[e].Value == nil {
					w.bool(e, "false")
				}
				continue
			}
			w.no[e] = true
			if len(clause.Body) == 0 && !hasDefault {
				continue
			}
			w.dropCase(s, e)
		}
	}
}

// dropCase puts a value that the tag does not have in place of a case.
func (w *walker) dropCase(s *ast.SwitchStmt, e ast.Expr) {
	tv := w.p.info.Types[e]
	name, ok := w.typeName(w.typeOf(s.Tag))
	b, basic := w.typeOf(s.Tag).Underlying().(*types.Basic)
	if !ok || !basic || tv.Value == nil {
		return
	}
	switch {
	case b.Info()&types.IsString != 0:
		w.add(e, change{kind: value, typ: name}, `"\x00dropped"`)
	case b.Info()&types.IsInteger != 0:
		never := int64(119)
		if n, _ := constant.Int64Val(tv.Value); n == never {
			never--
		}
		w.add(e, change{kind: value, typ: name}, strconv.FormatInt(never, 10))
	}
}
