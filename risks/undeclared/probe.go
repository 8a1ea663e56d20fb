package undeclared

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

// words are paths that are often left behind, each under a name that many
// frameworks give it.
var words = [...]string{
	"/actuator/env", "/actuator/health", "/internal/debug", "/debug", "/debug/vars", "/debug/pprof/", "/metrics", "/admin",
	"/console", "/swagger.json", "/openapi.json", "/v3/api-docs", "/swagger-ui/index.html", "/graphql", "/server-status", "/.env",
	"/.git/HEAD", "/v0/", "/v1/", "/v2/", "/test", "/phpinfo.php",
}

var errNoAnswer = errors.New("the target did not answer")

// A prober attacks one target.
type prober struct {
	t      *risk.Target
	router *match.Router
	caller string                         // the first lawful one, or ""
	send   func(*risk.Attempt) *risk.Seen // nil: no answer
}

// probe tries paths, methods and media types that the contract does not
// declare.
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
	var routes []match.Route
	for i, op := range t.Contract.Operations {
		routes = append(routes, match.Route{Method: op.Method, Template: op.Path, Value: i})
	}
	p.router, _ = match.Build(routes)
	if err := p.paths(); err != nil {
		return err
	}
	done := map[string]bool{}
	for _, op := range t.Contract.Operations {
		if !done[op.Path] {
			done[op.Path] = p.methods(op)
		}
		p.media(op)
	}
	return ctx.Err()
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

// paths tries the words. Where a random path succeeds too, an answer says
// nothing about a path.
func (p *prober) paths() error {
	control := p.send(&risk.Attempt{As: p.caller, Method: "GET", Path: "/" + p.t.Canary()})
	if control == nil {
		return errNoAnswer
	}
	if control.Status/100 == 2 {
		return nil
	}
	for _, w := range words {
		if p.find(w, "GET") != match.NoPath {
			continue
		}
		got := p.send(&risk.Attempt{As: p.caller, Method: "GET", Path: w})
		if !works(got) {
			continue
		}
		p.t.Report(risk.Finding{
			Confirmed: true, At: p.t.Contract.At, Code: string(CodePath),
			Proof: fmt.Sprintf("GET %s, which the contract does not declare, was answered with %d and %d bytes, a random path with %d",
				w, got.Status, len(got.Body), control.Status),
		})
	}
	return nil
}

// methods tries methods that the contract does not name on the path of op. It
// tells whether it could.
func (p *prober) methods(op *contract.Operation) bool {
	lawful, ok := p.t.Lawful(op)
	if !ok {
		return false
	}
	p.trace(op, lawful)
	p.override(op, lawful)
	attempt := risk.Attempt{As: p.caller, Path: lawful.Path, Method: "X" + upper(p.t.Canary())}
	control := p.send(&attempt)
	if !refused(control) {
		p.anyMethod(op, lawful, control)
		return true
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
	return true
}

// anyMethod reports a path whose handler does not look at the method: an
// invented one gets the answer of GET.
func (p *prober) anyMethod(op *contract.Operation, lawful *risk.Attempt, control *risk.Seen) {
	if op.Method != "GET" || !works(control) {
		return
	}
	want := p.send(lawful)
	if !works(want) || want.Status != control.Status || !slices.Equal(want.Body, control.Body) {
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
