// Package intake proves that a running API takes, and keeps, a member of a
// body that it should refuse: a lawful body with one wrong member is sent, and
// the object is read again for the very value in that member. What the attack
// created is deleted and what it overwrote is written again, as far as the
// contract declares how.
package intake

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/risk"
)

// ErrNothing means that operations take JSON bodies, and none answered a
// lawful one with success.
var ErrNothing = errors.New("no operation with a JSON body answered a lawful request")

// A Breaker makes the mutants of one lawful body, which is an object, by the
// schema that it keeps.
type Breaker func(s *contract.Schema, lawful *jsonx.Doc) []Mutant

// A prober attacks one target.
type prober struct {
	t      *risk.Target
	router *match.Router
	send   func(*risk.Attempt) *risk.Seen // nil: no answer
}

// Probe sends the mutants of each operation that takes JSON and answers a
// lawful body with success, without which a refusal would say nothing. It
// returns ErrNothing where there is no such answer.
func Probe(ctx context.Context, t *risk.Target, mutants Breaker) error {
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
	p.router, _ = match.Build(routes) // what conflicts is not found
	tried, able := false, false
	for _, op := range t.Contract.Operations {
		if s := bodySchema(op); s != nil {
			able = true
			tried = p.operation(op, s, mutants) || tried
		}
	}
	if err := ctx.Err(); err != nil {
		return err //nolint:wrapcheck // the caller knows its context
	}
	if able && !tried {
		return ErrNothing
	}
	return nil
}

// operation attacks one operation, and tells whether a lawful request passed.
func (p *prober) operation(op *contract.Operation, s *contract.Schema, mutants Breaker) bool {
	lawful, ok := p.t.Lawful(op)
	if !ok || len(lawful.Body) == 0 {
		return false
	}
	control := p.send(lawful)
	if !success(control) {
		return false
	}
	p.undo(op, lawful, p.place(op, lawful, control))
	defer p.restore(op, lawful)
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(lawful.Body) != nil || doc.Kind(0) != jsonx.Object {
		return true
	}
	for _, m := range mutants(s, doc) {
		p.attack(op, lawful, &m)
	}
	return true
}

func success(s *risk.Seen) bool { return s != nil && s.Status/100 == 2 }

// attack sends one mutant. Proof is that the object holds the very value when
// it is read again; where it cannot be read again, the answer's word for it is
// probable.
func (p *prober) attack(op *contract.Operation, lawful *risk.Attempt, m *Mutant) {
	old := p.old(op, lawful, m.Name)
	try := *lawful
	try.Body = m.With(m.Value)
	got := p.send(&try)
	if !success(got) {
		return
	}
	place := p.place(op, lawful, got)
	defer p.undo(op, lawful, place)
	kept, how := m.In(got.Body), "its answer holds the value"
	confirmed := false
	if place != "" {
		if again := p.read(lawful, place); again != nil { // it has the last word
			kept = success(again) && m.In(again.Body)
			confirmed, how = kept, "the object holds the value when it is read again"
		}
	}
	if !kept {
		return
	}
	if old != "" {
		try.Body = m.With(old) // through the same hole
		p.send(&try)
	}
	p.t.Report(risk.Finding{
		Operation: op.Key, Confirmed: confirmed, At: m.At, Code: m.Code,
		Proof: fmt.Sprintf("%s %s took %s in %q with %d, and %s", op.Method, op.Path, m.What, m.Name, got.Status, how),
	})
}

func (p *prober) read(lawful *risk.Attempt, path string) *risk.Seen {
	return p.send(&risk.Attempt{As: lawful.As, Method: "GET", Path: path})
}

// old is the value that an attack on an object that is there will overwrite,
// or "".
func (p *prober) old(op *contract.Operation, lawful *risk.Attempt, name string) string {
	if !overwrites(op) || !p.has("GET", lawful.Path) {
		return ""
	}
	seen := p.read(lawful, lawful.Path)
	if !success(seen) {
		return ""
	}
	return member(seen.Body, name)
}

// overwrites tells whether op changes an object that is there.
func overwrites(op *contract.Operation) bool { return op.Method == "PUT" || op.Method == "PATCH" }

// place is where the object that was written can be read, or "": the path
// itself, or of what a POST created, the path that Location names or that of
// its id.
func (p *prober) place(op *contract.Operation, lawful *risk.Attempt, seen *risk.Seen) string {
	path := lawful.Path
	if op.Method == "POST" {
		path = created(lawful, seen)
	}
	if !p.has("GET", path) {
		return ""
	}
	return path
}

// created is the path of what a POST created, or "".
func created(lawful *risk.Attempt, seen *risk.Seen) string {
	if u, err := url.Parse(seen.Fields.Get("Location")); err == nil && u.Path != "" {
		return u.EscapedPath()
	}
	if id := idOf(seen.Body); id != "" {
		return strings.TrimSuffix(lawful.Path, "/") + "/" + url.PathEscape(id)
	}
	return ""
}

// has tells whether the contract declares the method for the path.
func (p *prober) has(method, path string) bool {
	c, err := canon.Path(path)
	if err != nil {
		return false
	}
	var m match.Match
	return p.router.Find(c.Decoded, method, &m) == match.Yes
}

// undo deletes what a POST created, where the contract declares how.
func (p *prober) undo(op *contract.Operation, lawful *risk.Attempt, place string) {
	if op.Method == "POST" && p.has("DELETE", place) {
		p.send(&risk.Attempt{As: lawful.As, Method: "DELETE", Path: place})
	}
}

// restore writes the lawful values again over what attacks have left.
func (p *prober) restore(op *contract.Operation, lawful *risk.Attempt) {
	if overwrites(op) {
		p.send(lawful)
	}
}
