package request

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// maxNamed is how many members one finding names.
const maxNamed = 5

// A linter keeps what was seen, so that each schema is reported once.
type linter struct {
	seen   map[*contract.Schema]bool
	parts  map[*contract.Schema]bool // of an allOf: closing one would refuse the members of the others
	report func(source.Diagnostic)
}

// lint reports each schema of request bodies once, with all that it leaves
// open. Schemas of parameters are not its business.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	l := linter{map[*contract.Schema]bool{}, map[*contract.Schema]bool{}, report}
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
}

func (l *linter) body(root *contract.Schema, op *contract.Operation) {
	if what := loose(root); what != "" && !l.seen[root] {
		l.report(finding(root, "the body of "+op.Method+" "+op.Path, []string{"it has " + what}))
	}
	contract.Walk(root, func(s *contract.Schema) bool {
		if l.seen[s] {
			return false
		}
		l.seen[s] = true
		for _, p := range s.AllOf {
			for ; p != nil && !l.parts[p]; p = p.Ref {
				l.parts[p] = true
			}
		}
		l.object(s, op)
		return true
	})
}

// object reports an object with members that are not bounded, or that says
// nothing of members it does not list.
func (l *linter) object(s *contract.Schema, op *contract.Operation) {
	if len(s.Properties) == 0 {
		return
	}
	var open []string
	for _, p := range s.Properties {
		if what := loose(p.Schema); what != "" && !p.Schema.ReadOnly {
			open = append(open, p.Name+" has "+what)
		}
	}
	if !l.parts[s] && s.AdditionalProperties == nil && (s.Rare == nil || s.Rare.UnevaluatedProperties == nil) {
		open = append(open, "other members are neither refused nor allowed")
	}
	if len(open) > 0 {
		l.report(finding(s, where(s, op), open))
	}
}

func where(s *contract.Schema, op *contract.Operation) string {
	if s.Name != "" {
		return fmt.Sprintf("the schema %q", s.Name)
	}
	return "a schema of " + op.Method + " " + op.Path
}

func finding(s *contract.Schema, name string, open []string) source.Diagnostic {
	text := strings.Join(open[:min(len(open), maxNamed)], ", ")
	if n := len(open) - maxNamed; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return source.Diagnostic{
		At: s.At, Severity: source.Info, Code: CodeLoose,
		Text: name + " leaves requests unbounded: " + text,
		Hint: "write maxLength, maxItems, minimum and maximum, and additionalProperties: false where no other member is meant",
	}
}

// loose says what bound a schema lacks, or "". A schema that is composed of
// others is left to them.
func loose(s *contract.Schema) string {
	s = resolve(s)
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
	p := s.Pattern
	return strings.HasPrefix(p, "^") && strings.HasSuffix(p, "$") && !strings.ContainsAny(p, "*+") && !strings.Contains(p, ",}")
}

func ranged(s *contract.Schema) bool {
	if s.Format == "int32" || s.Format == "int64" {
		return true
	}
	return (s.Minimum != "" || s.ExclusiveMinimum != "") && (s.Maximum != "" || s.ExclusiveMaximum != "")
}
