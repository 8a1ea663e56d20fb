package errors

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports the members of error replies that are made for inner details,
// each schema once.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	seen := map[*contract.Schema]bool{}
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			if r.Success() || r.Code/100 == 3 || r.Range && r.Code < 4 {
				continue
			}
			for _, m := range r.Media {
				lintSchema(m.Schema, seen, report)
			}
		}
	}
}

func lintSchema(s *contract.Schema, seen map[*contract.Schema]bool, report func(source.Diagnostic)) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	for _, p := range s.Properties {
		if made(p.Name) {
			report(source.Diagnostic{
				At: p.NameAt, Severity: source.Warning, Code: CodeDeclared,
				Text: fmt.Sprintf("error replies have a member %q for the inside of the service", p.Name),
				Hint: "remove it; write such details to a log, with an id that the reply names",
			})
		}
	}
	for _, child := range s.Children() {
		lintSchema(child, seen, report)
	}
}

// made tells whether a member of an error reply has no other use than to show
// the inside of the service.
func made(name string) bool {
	switch fold([]byte(name)) {
	case "stack", "stacktrace", "stacktraces", "traceback", "backtrace", "callstack", "trace", "exception", "innerexception", "exceptionclass", "exceptiontype",
		"debug", "debuginfo", "debugmessage", "sql", "sqlstate", "sqlquery", "sqlmessage", "sqlerror", "sourcefile", "filename", "linenumber":
		return true
	}
	return false
}
