package retired

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports ends that nobody can plan with.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	broken := map[source.Span]bool{}
	for _, op := range c.Operations {
		l := lifeOf(c, op)
		for _, at := range l.broken {
			if !broken[at] {
				broken[at] = true
				report(source.Diagnostic{
					At: at, Severity: source.Warning, Code: CodeFormat, Text: "this is no date or URL that can be read, and counts as absent",
					Hint: "write dates as 2027-06-30, and a successor as /v2/orders or https://api.example.com/v2/orders",
				})
			}
		}
		switch {
		case l.deprecated && l.sunset.IsZero() && len(l.broken) == 0:
			report(source.Diagnostic{
				At: op.At, Severity: source.Warning, Code: CodeNoSunset,
				Text: fmt.Sprintf("%s %s is deprecated, and nothing says when it ends", op.Method, op.Path),
				Hint: "write x-sunset: the date, from which the gateway answers 410",
			})
		case !op.Deprecated && op.Extensions.Get("x-sunset").Kind != source.Absent && !l.sunset.IsZero():
			report(source.Diagnostic{
				At: op.At, Severity: source.Warning, Code: CodeNotMarked,
				Text: fmt.Sprintf("%s %s has an end, and is not marked as deprecated", op.Method, op.Path),
				Hint: "write deprecated: true, so that generated clients warn",
			})
		}
	}
}
