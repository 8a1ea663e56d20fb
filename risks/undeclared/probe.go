package undeclared

import (
	"context"
	"errors"
	"fmt"

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

// probe tries paths and media types that the contract does not declare.
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
	for _, op := range t.Contract.Operations {
		p.media(op)
	}
	return ctx.Err()
}

// works tells whether an answer is a success with content.
func works(s *risk.Seen) bool { return s != nil && s.Status/100 == 2 && len(s.Body) > 0 }

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
