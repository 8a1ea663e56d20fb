package headers

import (
	"context"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// maxOperations bounds how many operations the probe reads.
const maxOperations = 50

// probe reads lawful replies and audits their heads. It reports each lack
// once, at the first operation that shows it, and says how many do.
func probe(ctx context.Context, t *risk.Target) error {
	a := audit{found: map[source.Code]*lack{}}
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" || a.read == maxOperations {
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
		a.read++
		a.head(op, seen)
	}
	for _, code := range a.order {
		l := a.found[code]
		t.Report(risk.Finding{
			Operation: l.op.Key, At: l.op.At, Code: string(code), Confirmed: true,
			Proof: fmt.Sprintf("%s (%d of %d operations read)", l.proof, l.count, a.read),
		})
	}
	return nil
}

// A lack is one thing that is wrong, and where it was seen first.
type lack struct {
	op    *contract.Operation
	proof string
	count int
}

type audit struct {
	read  int
	found map[source.Code]*lack
	order []source.Code
}

func (a *audit) note(op *contract.Operation, code source.Code, proof string) {
	l := a.found[code]
	if l == nil {
		l = &lack{op: op, proof: proof}
		a.found[code] = l
		a.order = append(a.order, code)
	}
	l.count++
}

func (a *audit) head(op *contract.Operation, s *risk.Seen) {
	if len(s.Body) > 0 && !strings.EqualFold(strings.Trim(s.Fields.Get("X-Content-Type-Options"), " \t"), "nosniff") {
		a.note(op, CodeSniff, "a reply with a body lacks X-Content-Type-Options: nosniff")
	}
	if s.TLS != 0 && maxAge(s.Fields.Get("Strict-Transport-Security")) <= 0 {
		a.note(op, CodeHSTS, "a reply over TLS lacks Strict-Transport-Security")
	}
	media, _, _ := strings.Cut(s.Fields.Get("Content-Type"), ";")
	if html(strings.ToLower(strings.Trim(media, " \t"))) && !s.Fields.Has("X-Frame-Options") &&
		!strings.Contains(s.Fields.Get("Content-Security-Policy"), "frame-ancestors") {
		a.note(op, CodeFraming, "a page may be framed by any site")
	}
}
