package consumption

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint says each thing once for the whole document, at the first place.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	if len(c.Operations) == 0 {
		return
	}
	lint429(c, report)
	lintPages(c, report)
	lintLists(c, report)
}

func lint429(c *contract.Contract, report func(source.Diagnostic)) {
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			if r.Code == 429 || r.Range && r.Code == 4 || r.Default() {
				return
			}
		}
	}
	report(source.Diagnostic{
		At: c.Operations[0].At, Severity: source.Info, Code: CodeNo429,
		Text: "no operation says that it may answer 429, so that clients are not made to wait and try again",
		Hint: `add a reply "429" with the header Retry-After to the operations, or a default one`,
	})
}

func lintPages(c *contract.Contract, report func(source.Diagnostic)) {
	var open []*contract.Parameter
	for _, op := range c.Operations {
		for _, p := range op.Parameters {
			same := func(q *contract.Parameter) bool { return q.At == p.At && q.Name == p.Name }
			if pageParam(p) && numeric(p.Schema) && !op.Unsafe() && !slices.ContainsFunc(open, same) {
				open = append(open, p)
			}
		}
	}
	if len(open) > 0 {
		report(source.Diagnostic{
			At: open[0].At, Severity: source.Warning, Code: CodeOpenPage,
			Text: fmt.Sprintf("page sizes without a maximum: %d, the first is %q; one request can ask for everything", len(open), open[0].Name),
			Hint: "write maximum: 100, or what a page may have at most",
		})
	}
}

// numeric tells whether a schema speaks of numbers, or of no type.
func numeric(s *contract.Schema) bool {
	for depth := 0; s != nil && depth < 8; depth, s = depth+1, s.Ref {
		if s.Types != 0 {
			return s.Types&(contract.IntegerType|contract.NumericType) != 0
		}
	}
	return true
}

// lintLists speaks of replies; lists in requests are the matter of the risk
// request.
func lintLists(c *contract.Contract, report func(source.Diagnostic)) {
	var first *contract.Schema
	seen := map[*contract.Schema]bool{}
	open := 0
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			for _, m := range r.Media {
				if !r.Success() || !strings.Contains(m.Type, "json") {
					continue
				}
				contract.Walk(m.Schema, func(s *contract.Schema) bool {
					if seen[s] {
						return false
					}
					seen[s] = true
					if s.Types&contract.ArrayType != 0 && s.Types != contract.AnyType && s.MaxItems == contract.Unset && s.Enum == nil {
						if open++; first == nil {
							first = s
						}
					}
					return true
				})
			}
		}
	}
	if first != nil {
		report(source.Diagnostic{
			At: first.At, Severity: source.Info, Code: CodeOpenList,
			Text: fmt.Sprintf("lists without maxItems in replies: %d; nothing says how much one answer can be", open),
			Hint: "write maxItems, the most that one page has",
		})
	}
}
