package path

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// maxTemplates bounds the comparison of templates, which is quadratic.
const maxTemplates = 2000

// lint reports pairs of templates for which it depends on the server which one
// a path goes to, each at the later one, once.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	var first []*contract.Operation // of each template
	seen := map[string]bool{}
	for _, op := range c.Operations {
		if !seen[op.Path] && len(first) < maxTemplates {
			first = append(first, op)
		}
		seen[op.Path] = true
	}
	parts := make([][]string, len(first))
	folded := map[string]*contract.Operation{}
	for i, op := range first {
		parts[i] = segments(op.Path)
		key := strings.ToLower(strings.TrimSuffix(strings.Join(parts[i], "/"), "/"))
		if twin := folded[key]; twin != nil {
			report(source.Diagnostic{
				At: op.PathAt, Severity: source.Warning, Code: CodeTwins,
				Text: fmt.Sprintf("%s and %s differ only in case, in a slash at the end or in names of parameters: many servers take them for one", op.Path, twin.Path),
				Hint: "declare one of them, and redirect clients of the other",
			})
			continue
		}
		folded[key] = op
		for j := range i {
			if !crossed(parts[j], parts[i]) {
				continue
			}
			report(source.Diagnostic{
				At: op.PathAt, Severity: source.Warning, Code: CodeOverlap,
				Text: fmt.Sprintf("%s and %s take the same paths, and neither is the narrower one: servers choose between them in different ways", op.Path, first[j].Path),
				Hint: "put the names before the parameters, so that one of the two has a name wherever they differ",
			})
			break
		}
	}
}

// crossed tells whether some paths fit both templates, each of which has a name
// where the other one has a parameter.
func crossed(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	left, right := false, false
	for i := range a {
		switch {
		case a[i] == b[i]:
		case a[i] == parameter:
			right = true
		case b[i] == parameter:
			left = true
		default:
			return false
		}
	}
	return left && right
}
