package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// A mutant is one small change.
type mutant struct {
	id      int
	at      token.Position
	fn      string // the function, or "" outside of functions
	was, is string // of the text
	nth     int    // among those with the same file, function, was and is; from 1
}

// key names a mutant without its line, so that excuses outlive edits.
func (m *mutant) key() string {
	key := fmt.Sprintf("%s %s: %s -> %s", m.at.Filename, m.fn, m.was, m.is)
	if m.nth > 1 {
		key += fmt.Sprintf(" #%d", m.nth)
	}
	return key
}

// String is the line of the list.
func (m *mutant) String() string {
	text := fmt.Sprintf("%s:%d %s: %s -> %s", m.at.Filename, m.at.Line, m.fn, m.was, m.is)
	if m.nth > 1 {
		text += fmt.Sprintf(" #%d", m.nth)
	}
	return text
}

// A change is what is put in place of one node.
type change struct {
	kind   kind
	typ    string // of values
	others []other
}

// An other is the text that stands there in one mutant.
type other struct {
	id   int
	text string
}

// A kind says how the text of a node is changed.
type kind uint8

const (
	condition kind = iota // a bool; only the chosen text is evaluated
	value                 // of another type; all texts are evaluated
	statement             // removed
)

// add notes a mutant: is stands in place of node. text is how the list names
// it; "" is the same.
func (w *walker) add(n ast.Node, c change, is string) {
	f := w.file
	here, ok := f.changes[n]
	if !ok {
		here = &change{kind: c.kind, typ: c.typ}
		f.changes[n] = here
	}
	m := &mutant{id: w.p.next, at: w.p.fset.Position(n.Pos()), fn: w.fn, was: brief(w.source(n)), is: brief(is)}
	w.p.next++
	w.p.seen[m.key()]++
	m.nth = w.p.seen[m.key()]
	here.others = append(here.others, other{m.id, is})
	f.mutants = append(f.mutants, m)
}

// brief is text on one line, at most 100 bytes long.
func brief(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return "nothing"
	}
	if len(text) > 100 {
		text = strings.ToValidUTF8(text[:80], "") + "…" + strings.ToValidUTF8(text[len(text)-17:], "")
	}
	return text
}

// source is the text of a node as it is written.
func (w *walker) source(n ast.Node) string {
	return string(w.file.text[w.offset(n.Pos()):w.offset(n.End())])
}

func (w *walker) offset(p token.Pos) int { return w.p.fset.Position(p).Offset }
