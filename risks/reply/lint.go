package reply

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports reads whose success has no schema.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			if !r.Success() {
				continue
			}
			if at, bare := bare(op, r); bare {
				report(source.Diagnostic{
					At: at, Severity: source.Warning, Code: CodeNoSchema,
					Text: fmt.Sprintf("the reply of %s has no schema, so that anything may be in it", op.Key),
					Hint: "add content with a schema that lists the members",
				})
			}
		}
	}
}

// bare tells whether a success that answers a read lacks a schema, and where.
func bare(op *contract.Operation, r *contract.Reply) (source.Span, bool) {
	if op.Method != "GET" {
		return source.Span{}, false
	}
	switch r.Code {
	case 202, 204, 205, 206:
		return source.Span{}, false
	}
	for _, m := range r.Media {
		if m.Schema == nil && (strings.HasSuffix(m.Type, "json") || m.Type == "*/*") {
			return m.At, true
		}
	}
	return r.At, len(r.Media) == 0
}
