package cors

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// maxOperations bounds how many operations the probe calls; CORS is set up
// for a whole API or for parts of it, rarely for one operation.
const maxOperations = 10

// probe sends lawful requests from origins that nobody can have listed. An
// origin that stands nowhere else and comes back proves that the API reflects
// any; "credentials" beside it proves that the browser would send cookies.
// Open access without credentials is no finding: it gives a page nothing that
// the page could not fetch itself.
func probe(ctx context.Context, t *risk.Target) error {
	p := prober{t: t}
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" || p.called == maxOperations {
			continue
		}
		try, ok := t.Lawful(op)
		if !ok {
			continue
		}
		p.called++
		if err := p.operation(ctx, op, try); err != nil {
			return err
		}
	}
	return nil
}

type prober struct {
	t      *risk.Target
	called int
	done   [3]bool // reported: reflected, null, wildcard
}

// origins are the strangers to try. Those made of the API's own host find
// checks by prefix and suffix.
func (p *prober) origins() []string {
	canary := p.t.Canary()
	out := []string{"https://" + canary + ".example"}
	for _, s := range p.t.Contract.Servers {
		u, err := url.Parse(s.URL)
		if err == nil && u.Hostname() != "" {
			out = append(out, "https://"+u.Hostname()+"."+canary+".example", "https://"+canary+u.Hostname())
			break
		}
	}
	return append(out, "null")
}

func (p *prober) operation(ctx context.Context, op *contract.Operation, try *risk.Attempt) error {
	plain, err := p.t.Send(ctx, try)
	if err != nil {
		return fmt.Errorf("call %s: %w", op.Key, err)
	}
	if plain.Status < 200 || plain.Status > 299 {
		return nil // nothing to read here
	}
	for _, origin := range p.origins() {
		for _, method := range [...]string{op.Method, "OPTIONS"} {
			seen, err := p.from(ctx, op, try, origin, method)
			if err != nil {
				return err
			}
			if !seen.Fields.Has("Access-Control-Allow-Origin") || !strings.EqualFold(strings.Trim(seen.Fields.Get("Access-Control-Allow-Credentials"), " "), "true") {
				continue
			}
			p.judge(op, origin, method, seen)
		}
	}
	return nil
}

// from repeats the attempt as a page of this origin would make it.
func (p *prober) from(ctx context.Context, op *contract.Operation, try *risk.Attempt, origin, method string) (*risk.Seen, error) {
	a := *try
	a.Fields = append(append(risk.Fields{}, try.Fields...), risk.Field{Name: "Origin", Value: origin})
	if method != op.Method {
		a.As, a.Method, a.Body = "", method, nil // preflights carry no credential
		a.Fields = append(a.Fields, risk.Field{Name: "Access-Control-Request-Method", Value: op.Method})
	}
	seen, err := p.t.Send(ctx, &a)
	if err != nil {
		return nil, fmt.Errorf("call %s from %s: %w", op.Key, origin, err)
	}
	return seen, nil
}

// judge reports a reply that allows credentials.
func (p *prober) judge(op *contract.Operation, origin, method string, seen *risk.Seen) {
	value := strings.Trim(seen.Fields.Get("Access-Control-Allow-Origin"), " ")
	what := "a reply"
	if method != op.Method {
		what = "a preflight"
	}
	switch {
	case value == "*":
		// Browsers refuse this pair, so nobody is attacked yet.
		p.report(2, risk.Finding{Code: string(CodeWildcard), Proof: what + " allows every origin and credentials together"}, op)
	case value == "null" && origin == "null":
		p.report(1, risk.Finding{Code: string(CodeNull), Confirmed: true, Proof: what + " lets sandboxed pages of any site in, with credentials"}, op)
	case value == origin:
		p.report(0, risk.Finding{Code: string(CodeReflected), Confirmed: true, Proof: what + " lets an origin made up by the probe in, with credentials"}, op)
	}
}

// report takes each kind once.
func (p *prober) report(kind int, f risk.Finding, op *contract.Operation) {
	if p.done[kind] {
		return
	}
	p.done[kind] = true
	f.Operation, f.At = op.Key, op.At
	p.t.Report(f)
}
