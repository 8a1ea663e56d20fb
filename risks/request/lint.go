package request

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/intake"
	"github.com/sallyport/sallyport/source"
)

// maxNamed is how many members one finding names.
const maxNamed = 5

// A linter gathers what schemas leave open under the named schema or the body
// that they are written in, so that each place is reported once.
type linter struct {
	seen   map[*contract.Schema]bool
	parts  map[*contract.Schema]bool // of an allOf: closing one would refuse the members of the others
	order  []*contract.Schema        // owners, as they are met
	names  map[*contract.Schema]string
	open   map[*contract.Schema][]string // by owner
	silent []*contract.Schema
	all    int // objects
}

// lint reports each schema of request bodies once, with all that it leaves
// unbounded, and once for the document the objects that do not speak of other
// members. Schemas of parameters are not its business.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	l := linter{
		seen: map[*contract.Schema]bool{}, parts: map[*contract.Schema]bool{}, names: map[*contract.Schema]string{},
		open: map[*contract.Schema][]string{},
	}
	for _, op := range c.Operations {
		if op.Body == nil {
			continue
		}
		for _, m := range op.Body.Media {
			if m.Schema != nil {
				l.body(m.Schema, op)
			}
		}
	}
	for _, owner := range l.order {
		if open := l.open[owner]; len(open) > 0 {
			report(finding(owner, l.names[owner], open))
		}
	}
	if len(l.silent) > 0 {
		report(source.Diagnostic{
			At: l.silent[0].At, Severity: source.Info, Code: CodeSilent,
			Text: fmt.Sprintf("%d of %d objects in request bodies say nothing about members that they do not list", len(l.silent), l.all),
			Hint: "write additionalProperties: false, or `undeclared: refuse` in the policy",
		})
	}
}

func (l *linter) body(root *contract.Schema, op *contract.Operation) {
	if what := loose(root); what != "" && !l.seen[root] {
		l.open[root] = append(l.open[root], "it has "+what)
	}
	l.schema(root, root, op)
}

// schema looks at s, which is written in owner, and at what is below it.
func (l *linter) schema(s, owner *contract.Schema, op *contract.Operation) {
	if l.seen[s] {
		return
	}
	l.seen[s] = true
	if s.Name != "" {
		owner = s
	}
	if l.names[owner] == "" {
		l.order = append(l.order, owner)
		l.names[owner] = "the body of " + op.Method + " " + op.Path
		if owner.Name != "" {
			l.names[owner] = fmt.Sprintf("the schema %q", owner.Name)
		}
	}
	for _, p := range s.AllOf {
		for ; p != nil && !l.parts[p]; p = p.Ref {
			l.parts[p] = true
		}
	}
	l.object(s, owner)
	for _, c := range s.Children() {
		l.schema(c, owner, op)
	}
}

// object notes what members of s are not bounded, and whether it is silent.
func (l *linter) object(s, owner *contract.Schema) {
	if len(s.Properties) == 0 {
		return
	}
	for _, p := range s.Properties {
		if what := loose(p.Schema); what != "" && !p.Schema.ReadOnly {
			l.open[owner] = append(l.open[owner], p.Name+" has "+what)
		}
	}
	if l.parts[s] {
		return
	}
	if l.all++; s.AdditionalProperties == nil && (s.Rare == nil || s.Rare.UnevaluatedProperties == nil) {
		l.silent = append(l.silent, s)
	}
}

func finding(s *contract.Schema, name string, open []string) source.Diagnostic {
	text := strings.Join(open[:min(len(open), maxNamed)], ", ")
	if n := len(open) - maxNamed; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return source.Diagnostic{
		At: s.At, Severity: source.Info, Code: CodeLoose, Text: name + " leaves requests unbounded: " + text,
		Hint: "write maxLength, maxItems, minimum and maximum",
	}
}

// loose says what bound a schema lacks, or "". A schema that is composed of
// others is left to them.
func loose(s *contract.Schema) string {
	s = intake.Resolve(s)
	if s.Enum != nil || s.Const != nil || s.AllOf != nil || s.AnyOf != nil || s.OneOf != nil {
		return ""
	}
	switch {
	case s.Types&contract.StringType != 0 && s.MaxLength == contract.Unset && !bounded(s):
		return "no maxLength"
	case s.Types&contract.ArrayType != 0 && s.MaxItems == contract.Unset:
		return "no maxItems"
	case s.Types&contract.IntegerType != 0 && s.Types&contract.NumericType == 0 && !ranged(s):
		return "no minimum and maximum"
	}
	return ""
}

// bounded tells whether the format or pattern of a string bounds its length.
func bounded(s *contract.Schema) bool {
	switch s.Format {
	case "date", "date-time", "time", "uuid", "ipv4", "ipv6", "duration", "binary":
		return true
	}
	return strings.HasPrefix(s.Pattern, "^") && strings.HasSuffix(s.Pattern, "$") && !endless(s.Pattern)
}

// endless tells whether a pattern repeats something without an end, or has
// alternatives at its top, of which only one would be anchored.
func endless(pattern string) bool {
	depth, class := 0, false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '*', c == '+', c == '|' && depth == 0:
			return true
		case strings.HasPrefix(pattern[i:], ",}"):
			return true
		}
	}
	return false
}

func ranged(s *contract.Schema) bool {
	if s.Format == "int32" || s.Format == "int64" {
		return true
	}
	return (s.Minimum != "" || s.ExclusiveMinimum != "") && (s.Maximum != "" || s.ExclusiveMaximum != "")
}
