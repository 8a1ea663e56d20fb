package errors

import (
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports the members of error replies that are made for inner details:
// each name once, where it stands first, with the number of schemas that have
// it.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	l := linter{seen: map[*contract.Schema]bool{}, at: map[string]int{}}
	for _, op := range c.Operations {
		for _, r := range op.Replies {
			if r.Success() || r.Code/100 == 3 || r.Range && r.Code < 4 {
				continue
			}
			for _, m := range r.Media {
				l.schema(m.Schema)
			}
		}
	}
	for _, m := range l.members {
		text := fmt.Sprintf("error replies have a member %q for the inside of the service", m.first.Name)
		if m.count > 1 {
			text += fmt.Sprintf(", in %d schemas", m.count)
		}
		report(source.Diagnostic{
			At: m.first.NameAt, Severity: source.Warning, Code: CodeDeclared, Text: text,
			Hint: "remove it; write such details to a log, with an id that the reply names",
		})
	}
}

// A linter collects members. A document that writes its schemas inline has the
// same one hundreds of times.
type linter struct {
	seen    map[*contract.Schema]bool
	members []member
	at      map[string]int // index into members by name
}

type member struct {
	first *contract.Property
	count int
}

func (l *linter) schema(s *contract.Schema) {
	if s == nil || l.seen[s] {
		return
	}
	l.seen[s] = true
	for i := range s.Properties {
		p := &s.Properties[i]
		if !made(p.Name) {
			continue
		}
		at, known := l.at[p.Name]
		if !known {
			at = len(l.members)
			l.at[p.Name] = at
			l.members = append(l.members, member{first: p})
		}
		l.members[at].count++
	}
	for _, child := range s.Children() {
		l.schema(child)
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
