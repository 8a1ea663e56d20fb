package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/taxon"
)

// Matrix is the page that says which risk answers which clause, and which
// clauses nothing answers yet.
func Matrix(all []risk.Risk) string {
	var b strings.Builder
	b.WriteString(note + `# Compliance matrix

What each standard asks for, and the risks whose faces answer it. A *guard* stops the attack while traffic flows, a
*probe* proves it against a running API, a *lint* sees it in the design. A risk that answers a clause does not make an
API comply with the whole of it: the last column of the first two tables, and the section Limits of each risk, say what
is left.

## Risks

| risk | says | guard | probe | lint |
|---|---|---|---|---|
`)
	for i := range all {
		r := &all[i]
		fmt.Fprintf(&b, "| %s | %s |", link(r), cell(r.Title))
		for _, f := range faces() {
			fmt.Fprintf(&b, " %s |", yes(f.of(r)))
		}
		b.WriteString("\n")
	}
	for _, s := range [...]taxon.Standard{taxon.OWASP2023, taxon.OWASP2019} {
		categories(&b, all, s)
	}
	for s := taxon.CWE; s <= taxon.RFC; s++ {
		clauses(&b, all, s)
	}
	return b.String()
}

// categories writes the table of a standard whose clauses are wide.
func categories(b *strings.Builder, all []risk.Risk, s taxon.Standard) {
	fmt.Fprintf(b, "\n## %s\n\n| category | risks | faces | not covered yet |\n|---|---|---|---|\n", s)
	for _, c := range of(s) {
		e, by := c.Entry(), answering(all, c)
		fmt.Fprintf(b, "| [%s](%s) %s | %s | %s | %s |\n", e.ID, e.Link, cell(e.Title), links(by), facesOf(by), missing(all, c, len(by)))
	}
}

// facesOf lists the faces that any of the risks has.
func facesOf(by []*risk.Risk) string {
	var out []string
	for _, f := range faces() {
		if slices.ContainsFunc(by, f.of) {
			out = append(out, f.name)
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// missing says what of a category nothing answers.
func missing(all []risk.Risk, c taxon.Clause, answers int) string {
	var out []string
	for _, g := range gaps() {
		closed := slices.ContainsFunc(all, func(r risk.Risk) bool { return slices.Contains(g.closedBy, r.ID) })
		if g.clause == c && !closed {
			out = append(out, g.what)
		}
	}
	text := strings.Join(out, "; ")
	if answers == 0 {
		return strings.TrimRight("**nothing answers this yet**: "+text, ": ")
	}
	return text
}

// clauses writes the table of a standard whose clauses are narrow.
func clauses(b *strings.Builder, all []risk.Risk, s taxon.Standard) {
	fmt.Fprintf(b, "\n## %s\n\n| clause | says | risks | faces |\n|---|---|---|---|\n", s)
	for _, c := range of(s) {
		e, by := c.Entry(), answering(all, c)
		answer := links(by)
		if len(by) == 0 {
			answer = "none yet"
		}
		fmt.Fprintf(b, "| [%s](%s) | %s | %s | %s |\n", e.ID, e.Link, cell(e.Title), answer, facesOf(by))
	}
}

// of lists the clauses of a standard.
func of(s taxon.Standard) []taxon.Clause {
	return slices.DeleteFunc(taxon.All(), func(c taxon.Clause) bool { return c.Entry().Standard != s })
}

func link(r *risk.Risk) string { return fmt.Sprintf("[%s](%s.md)", r.ID, r.ID) }

func links(by []*risk.Risk) string {
	var out []string
	for _, r := range by {
		out = append(out, link(r))
	}
	return strings.Join(out, ", ")
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
