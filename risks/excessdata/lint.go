package excessdata

import (
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports credentials in reply schemas, and, once, objects that are silent about other members.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	l := linter{report: report, seen: map[*contract.Schema]bool{}}
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			if !r.Success() {
				continue
			}
			for _, m := range r.Media {
				l.schema(m.Schema, false)
			}
		}
	}
	if l.first == nil {
		return
	}
	report(source.Diagnostic{
		At: l.first.At, Severity: source.Info, Code: CodeSilent,
		Text: fmt.Sprintf("%d of %d objects in replies say nothing about members that they do not list", l.silent, l.objects),
		Hint: "write additionalProperties: false, or `undeclared: strip` in the policy",
	})
}

type linter struct {
	report          func(source.Diagnostic)
	seen            map[*contract.Schema]bool
	objects, silent int
	first           *contract.Schema
}

// schema looks at s and below. covered tells that a schema around s in the
// same place speaks of members that are not listed.
func (l *linter) schema(s *contract.Schema, covered bool) {
	if s == nil || l.seen[s] {
		return
	}
	l.seen[s] = true
	covered = covered || speaks(s, 0)
	if len(s.Properties) > 0 {
		l.objects++
		if !covered {
			l.silent++
			if l.first == nil {
				l.first = s
			}
		}
	}
	for _, p := range s.Properties {
		if credential(p.Name) && !onlyWritten(p.Schema) && !scalarless(p.Schema) {
			l.report(source.Diagnostic{
				At: p.NameAt, Severity: source.Warning, Code: CodeCredential,
				Text: fmt.Sprintf("replies show the member %q", p.Name),
				Hint: "add writeOnly: true, or leave it out of the reply's schema",
			})
		}
	}
	beside := map[*contract.Schema]bool{s.Ref: true}
	for _, list := range [][]*contract.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, c := range list {
			beside[c] = true
		}
	}
	for _, c := range s.Children() {
		l.schema(c, covered && beside[c])
	}
}

// deepest bounds how many schemas in a row are asked what they say of others.
const deepest = 8

// speaks tells whether s, or what it is put together from, says what becomes
// of members that are not listed.
func speaks(s *contract.Schema, depth int) bool {
	if s == nil || depth > deepest {
		return false
	}
	in := func(c *contract.Schema) bool { return speaks(c, depth+1) }
	return len(others(s)) > 0 || in(s.Ref) || slices.ContainsFunc(s.AllOf, in)
}

// scalarless tells whether s can hold no text, by its type or by that of what
// it refers to: an object of settings may have the name of a credential.
func scalarless(s *contract.Schema) bool {
	for n := 0; s != nil && n <= maxRefs; n++ {
		if s.Types != 0 && s.Types&contract.StringType == 0 {
			return true
		}
		s = s.Ref
	}
	return false
}
