package methods

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/risk"
)

var errNoAnswer = errors.New("the target did not answer")

// A prober attacks one target.
type prober struct {
	t      *risk.Target
	router *match.Router
	caller string                         // the first lawful one, or ""
	send   func(*risk.Attempt) *risk.Seen // nil: no answer
}

// probe tries methods that the contract does not declare, and fields that name
// them.
func probe(ctx context.Context, t *risk.Target) error {
	p := &prober{t: t, send: func(a *risk.Attempt) *risk.Seen {
		seen, err := t.Send(ctx, a)
		if err != nil {
			return nil
		}
		return seen
	}}
	if len(t.Callers) > 0 {
		p.caller = t.Callers[0]
	}
	if p.send(&risk.Attempt{As: p.caller, Method: "GET", Path: "/" + t.Canary()}) == nil {
		return errNoAnswer
	}
	var routes []match.Route
	for i, op := range t.Contract.Operations {
		routes = append(routes, match.Route{Method: op.Method, Template: op.Path, Value: i})
	}
	p.router, _ = match.Build(routes)
	done := map[string]bool{}
	for _, op := range readsFirst(t.Contract.Operations) {
		lawful, ok := t.Lawful(op)
		if !ok {
			continue
		}
		p.override(op, lawful)
		if !done[op.Path] {
			done[op.Path] = true
			p.trace(op, lawful)
			p.methods(op, lawful)
		}
	}
	return ctx.Err()
}

// readsFirst puts operations of GET before others: of a path that has one, it
// is what invented methods are compared with.
func readsFirst(ops []*contract.Operation) []*contract.Operation {
	var reads, others []*contract.Operation
	for _, op := range ops {
		if op.Method == "GET" {
			reads = append(reads, op)
		} else {
			others = append(others, op)
		}
	}
	return append(reads, others...)
}

// works tells whether an answer is a success with content.
func works(s *risk.Seen) bool { return s != nil && s.Status/100 == 2 && len(s.Body) > 0 }

// refused tells whether an answer says that there is no such thing.
func refused(s *risk.Seen) bool {
	return s != nil && (s.Status == 404 || s.Status == 405 || s.Status == 501)
}

// find routes as the gateway does. What has no single meaning counts as
// declared, since answers to it cannot be told apart.
func (p *prober) find(path, method string) match.Found {
	c, err := canon.Path(path)
	if err != nil {
		return match.Yes
	}
	var m match.Match
	return p.router.Find(c.Decoded, method, &m)
}

// methods tries methods that the contract does not name on the path of op.
func (p *prober) methods(op *contract.Operation, lawful *risk.Attempt) {
	attempt := risk.Attempt{As: p.caller, Path: lawful.Path, Method: "X" + upper(p.t.Canary())}
	control := p.send(&attempt)
	if !refused(control) {
		p.anyMethod(op, lawful, control)
		return
	}
	for _, m := range [...]string{"GET", "POST", "PUT", "PATCH"} {
		if p.find(lawful.Path, m) == match.Yes {
			continue
		}
		try := risk.Attempt{As: p.caller, Path: lawful.Path, Method: m}
		if m != "GET" {
			try.Fields = risk.Fields{{Name: "Content-Type", Value: "application/json"}}
			try.Body = []byte("{") // a handler may say 2xx to it, but stores nothing lawful
		}
		got := p.send(&try)
		if got == nil || got.Status/100 != 2 {
			continue
		}
		p.t.Report(risk.Finding{
			Operation: op.Key, Confirmed: true, At: op.PathAt, Code: string(CodeMethod),
			Proof: fmt.Sprintf("%s %s, which the contract does not declare, was answered with %d, an invented method with %d",
				m, op.Path, got.Status, control.Status),
		})
	}
}

// anyMethod reports a path whose handler does not look at the method: an
// invented one gets the answer of GET.
func (p *prober) anyMethod(op *contract.Operation, lawful *risk.Attempt, control *risk.Seen) {
	if op.Method != "GET" || !works(control) {
		return
	}
	want := p.send(lawful)
	if want == nil || want.Status != control.Status || !slices.Equal(want.Body, control.Body) {
		return
	}
	p.t.Report(risk.Finding{
		Operation: op.Key, Confirmed: true, At: op.PathAt, Code: string(CodeMethod),
		Proof: fmt.Sprintf("an invented method on %s got the answer of GET", op.Path),
	})
}

// upper makes letters capital, as methods are written.
func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
