package main

import (
	"fmt"
	"go/ast"
	"strings"
)

// chooser is compiled into the package of a risk. It is the only place that
// reads the environment.
const chooser = `package %s

import (
	"os"
	"strconv"
)

var mutantActive = func() int {
	n, _ := strconv.Atoi(os.Getenv("SALLYPORT_MUTANT"))
	return n
}()

func chosenMutant(n int) bool { return mutantActive == n }

func chosenText[T any](n int, is, was T) T {
	if mutantActive == n {
		return is
	}
	return was
}
`

// render is the text of a file with all its mutants in it.
func (p *pkg) render(f *file) string {
	r := &renderer{p: p, f: f}
	r.node(f.tree)
	r.copy(len(f.text))
	return r.out.String()
}

// A renderer copies text and puts changes around the nodes that have them.
type renderer struct {
	p   *pkg
	f   *file
	at  int // offset of what is not copied yet
	out strings.Builder
}

func (r *renderer) copy(to int) {
	r.out.Write(r.f.text[r.at:to])
	r.at = to
}

// node copies a node; those below it may be changed too, in the text that
// stands when no mutant of this one is chosen.
func (r *renderer) node(n ast.Node) {
	ast.Inspect(n, func(m ast.Node) bool {
		if m == nil || m == n {
			return true
		}
		if c, ok := r.f.changes[m]; ok {
			r.copy(r.p.fset.Position(m.Pos()).Offset)
			r.changed(m, c)
			return false
		}
		return true
	})
}

// changed writes a node with its changes. A mutant's own text holds no other
// mutants: only one is chosen at a time.
func (r *renderer) changed(n ast.Node, c *change) {
	end := r.p.fset.Position(n.End()).Offset
	inside := func() {
		r.node(n)
		r.copy(end)
	}
	switch c.kind {
	case condition:
		r.out.WriteByte('(')
		for _, o := range c.others {
			fmt.Fprintf(&r.out, "chosenMutant(%d) && (%s) || ", o.id, o.text)
		}
		for _, o := range c.others {
			fmt.Fprintf(&r.out, "!chosenMutant(%d) && ", o.id)
		}
		r.out.WriteByte('(')
		inside()
		r.out.WriteString("))")
	case value:
		for _, o := range c.others {
			fmt.Fprintf(&r.out, "chosenText[%s](%d, %s, ", c.typ, o.id, o.text)
		}
		inside()
		r.out.WriteString(strings.Repeat(")", len(c.others)))
	case statement:
		fmt.Fprintf(&r.out, "if !chosenMutant(%d) { ", c.others[0].id)
		inside()
		r.out.WriteString(" }")
	}
}
