package massassign

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/risk"
)

var errNothing = errors.New("no operation with a JSON body answered a lawful request")

// A prober attacks one target.
type prober struct {
	t      *risk.Target
	router *match.Router
	send   func(*risk.Attempt) *risk.Seen // nil: no answer
}

// probe sends lawful bodies with one more member, which only the server should
// set, and looks for the very value in that member afterwards.
func probe(ctx context.Context, t *risk.Target) error {
	p := &prober{t: t, send: func(a *risk.Attempt) *risk.Seen {
		seen, err := t.Send(ctx, a)
		if err != nil {
			return nil
		}
		return seen
	}}
	var routes []match.Route
	for i, op := range t.Contract.Operations {
		routes = append(routes, match.Route{Method: op.Method, Template: op.Path, Value: i})
	}
	p.router, _ = match.Build(routes)
	tried, able := 0, 0
	for _, op := range t.Contract.Operations {
		s := bodySchema(op)
		if s == nil {
			continue
		}
		able++
		if p.operation(op, s) {
			tried++
		}
	}
	if ctx.Err() == nil && able > 0 && tried == 0 {
		return errNothing
	}
	return ctx.Err()
}

// bodySchema is the schema of op's JSON body, or nil.
func bodySchema(op *contract.Operation) *contract.Schema {
	if op.Body == nil {
		return nil
	}
	for _, m := range op.Body.Media {
		if m.Type == "application/json" && m.Schema != nil {
			return resolve(m.Schema)
		}
	}
	return nil
}

// operation attacks one operation. It tells whether a lawful request passed,
// without which a refusal says nothing.
func (p *prober) operation(op *contract.Operation, s *contract.Schema) bool {
	lawful, ok := p.t.Lawful(op)
	if !ok || len(lawful.Body) == 0 {
		return false
	}
	control := p.send(lawful)
	defer p.restore(op, lawful)
	if control == nil || control.Status/100 != 2 {
		return false
	}
	p.undo(op, p.place(op, lawful, control))
	for _, m := range mutants(s, lawful.Body, p.t.Canary) {
		p.attack(op, lawful, &m)
	}
	return true
}

// attack sends one mutant. Proof is that the object holds the very value when
// it is read again; where it cannot be read again, the answer's word for it is
// probable.
func (p *prober) attack(op *contract.Operation, lawful *risk.Attempt, m *mutant) {
	old := p.old(op, lawful, m.name)
	try := *lawful
	try.Body = m.with(m.value)
	got := p.send(&try)
	if got == nil || got.Status/100 != 2 {
		return
	}
	place := p.place(op, lawful, got)
	defer p.undo(op, place)
	echoed, kept := holds(got.Body, m.name, m.value), false
	if place != "" {
		again := p.send(&risk.Attempt{As: lawful.As, Method: "GET", Path: place})
		kept = again != nil && again.Status/100 == 2 && holds(again.Body, m.name, m.value)
		echoed = echoed && again == nil // what was read again has the last word
	}
	if !kept && !echoed {
		return
	}
	if old != "" {
		try.Body = m.with(old) // through the same hole
		p.send(&try)
	}
	how := "its answer holds the value"
	if kept {
		how = "the object holds the value when it is read again"
	}
	p.t.Report(risk.Finding{
		Operation: op.Key, Confirmed: kept, At: m.at, Code: string(m.code),
		Proof: fmt.Sprintf("%s %s took %s in %q with %d, and %s", op.Method, op.Path, m.what, m.name, got.Status, how),
	})
}

// old is the value that an attack on an object that is there will overwrite,
// or "".
func (p *prober) old(op *contract.Operation, lawful *risk.Attempt, name string) string {
	if op.Method != "PUT" && op.Method != "PATCH" || !p.has("GET", lawful.Path) {
		return ""
	}
	seen := p.send(&risk.Attempt{As: lawful.As, Method: "GET", Path: lawful.Path})
	if seen == nil || seen.Status/100 != 2 {
		return ""
	}
	return member(seen.Body, name)
}

// place is where the object that was written can be read, or "".
func (p *prober) place(op *contract.Operation, lawful *risk.Attempt, seen *risk.Seen) string {
	path := lawful.Path
	if op.Method == "POST" {
		path = ""
		if u, err := url.Parse(seen.Fields.Get("Location")); err == nil && u.Path != "" {
			path = u.EscapedPath()
		} else if id := idOf(seen.Body); id != "" {
			path = strings.TrimSuffix(lawful.Path, "/") + "/" + url.PathEscape(id)
		}
	}
	if path == "" || !p.has("GET", path) {
		return ""
	}
	return path
}

func (p *prober) has(method, path string) bool {
	c, err := canon.Path(path)
	if err != nil {
		return false
	}
	var m match.Match
	return p.router.Find(c.Decoded, method, &m) == match.Yes
}

// undo deletes what a POST created, where the contract declares how.
func (p *prober) undo(op *contract.Operation, place string) {
	if op.Method == "POST" && place != "" && p.has("DELETE", place) {
		p.send(&risk.Attempt{As: p.first(), Method: "DELETE", Path: place})
	}
}

// restore writes the lawful values again over what attacks have left.
func (p *prober) restore(op *contract.Operation, lawful *risk.Attempt) {
	if op.Method == "PUT" || op.Method == "PATCH" {
		p.send(lawful)
	}
}

func (p *prober) first() string {
	if len(p.t.Callers) == 0 {
		return ""
	}
	return p.t.Callers[0]
}
