package disclosure

import (
	"context"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// maxOperations bounds how many operations the probe reads.
const maxOperations = 50

// probe reads lawful replies and looks at the names of their fields. It
// reports once, at the first operation, and says which fields there are.
func probe(ctx context.Context, t *risk.Target) error {
	var first *contract.Operation
	var names []string
	read, count := 0, 0
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" || read == maxOperations {
			continue
		}
		try, ok := t.Lawful(op)
		if !ok {
			continue
		}
		seen, err := t.Send(ctx, try)
		if err != nil {
			return fmt.Errorf("read %s: %w", op.Key, err)
		}
		if seen.Status < 200 || seen.Status > 299 {
			continue // an error page may come from something before the API
		}
		read++
		if found := fields(seen.Fields); len(found) > 0 {
			if count++; first == nil {
				first, names = op, found
			}
		}
	}
	if first == nil {
		return nil
	}
	t.Report(risk.Finding{
		Operation: first.Key, At: first.At, Code: string(CodeField), Confirmed: true,
		Proof: fmt.Sprintf("a reply carries %s (%d of %d operations read)", strings.Join(names, ", "), count, read),
	})
	return nil
}

// fields are the names of those that say something an attacker can use. A
// Server field without a number names no version, and Via is any proxy's.
func fields(f risk.Fields) (names []string) {
	for i := range f {
		name := f[i].Name
		if !discloses(name) || risk.EqualFold(name, "Via") || risk.EqualFold(name, "Server") && !strings.ContainsAny(f[i].Value, "0123456789") {
			continue
		}
		names = append(names, name)
	}
	return names
}
