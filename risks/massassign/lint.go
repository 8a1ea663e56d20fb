package massassign

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/intake"
	"github.com/sallyport/sallyport/source"
)

// lint reports each schema of request bodies once, with the members that are
// the server's by name and that clients may write. An operation whose body
// holds nothing else, or whose path names the member, is there to set it.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	seen := map[*contract.Schema]bool{}
	for _, op := range c.Operations {
		if op.Body == nil {
			continue
		}
		for _, m := range op.Body.Media {
			contract.Walk(m.Schema, func(s *contract.Schema) bool {
				first := !seen[s]
				seen[s] = true
				if names, at := writable(s, op); first && len(names) > 0 {
					report(source.Diagnostic{
						At: at, Severity: source.Warning, Code: CodeWritable,
						Text: fmt.Sprintf("clients may write %s, which mostly only the server sets", strings.Join(names, ", ")),
						Hint: "add readOnly: true, or leave it out of the schema of requests",
					})
				}
				return first
			})
		}
	}
}

// writable lists the members of s that only a server should set, and where the
// first stands. The state of an object is the server's when it is created.
func writable(s *contract.Schema, op *contract.Operation) (names []string, at source.Span) {
	if len(s.Properties) < 2 {
		return nil, at
	}
	for _, p := range s.Properties {
		if intake.ReadOnly(p.Schema) || !kept(p.Name) && (p.Name != "status" || op.Method != "POST") {
			continue
		}
		if strings.HasSuffix(op.Path, "/"+p.Name) {
			continue
		}
		if names = append(names, fmt.Sprintf("%q", p.Name)); len(names) == 1 {
			at = p.NameAt
		}
	}
	return names, at
}
