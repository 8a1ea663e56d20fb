package methods

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/risk"
)

// trace looks for a field of the request in the answer to TRACE (RFC 9110
// section 9.3.8).
func (p *prober) trace(op *contract.Operation, lawful *risk.Attempt) {
	if p.find(lawful.Path, "TRACE") == match.Yes {
		return
	}
	canary := p.t.Canary()
	got := p.send(&risk.Attempt{
		As: p.caller, Method: "TRACE", Path: lawful.Path, Fields: risk.Fields{{Name: "X-Trace-Me", Value: canary}},
	})
	if !works(got) || !bytes.Contains(got.Body, []byte(canary)) {
		return
	}
	p.t.Report(risk.Finding{
		Operation: op.Key, Confirmed: true, At: op.PathAt, Code: string(CodeTrace),
		Proof: fmt.Sprintf("TRACE %s was answered with %d and gave a field of the request back", op.Path, got.Status),
	})
}

// override names an invented method in a field. A handler that says "no such
// method" to it, and something else without it, acts by the field. Nothing is
// changed: a read stays one, and a write has a body that nobody takes.
func (p *prober) override(op *contract.Operation, lawful *risk.Attempt) {
	try := risk.Attempt{As: lawful.As, Method: op.Method, Path: lawful.Path, Query: lawful.Query, Fields: lawful.Fields}
	switch op.Method {
	case "GET":
	case "POST":
		try.Body = []byte("{")
	default:
		return
	}
	calm := p.send(&try)
	if calm == nil || refused(calm) {
		return
	}
	for _, name := range overrides {
		if op.Param(contract.InHeader, name) != nil {
			continue
		}
		again := try
		again.Fields = append(slices.Clone(try.Fields), risk.Field{Name: name, Value: "X" + upper(p.t.Canary())})
		got := p.send(&again)
		if got == nil || got.Status != 405 && got.Status != 501 {
			continue
		}
		p.t.Report(risk.Finding{
			Operation: op.Key, Confirmed: true, At: op.PathAt, Code: string(CodeOverride),
			Proof: fmt.Sprintf("%s %s got %d, and %d once %s named an invented method: the API acts by the field", op.Method, op.Path, calm.Status, got.Status, name),
		})
		return
	}
}
