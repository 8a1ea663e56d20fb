package urlsecrets

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// names are where APIs look for credentials in the query.
var names = [...]string{"access_token", "api_key", "apikey", "token", "auth_token"}

var errNoAnswer = errors.New("no operation answered its lawful caller")

// A prober attacks one target.
type prober struct {
	t    *risk.Target
	send func(*risk.Attempt) *risk.Seen // nil: no answer
}

// probe puts a false credential into the query of lawful reads. An API that
// answers "who are you?" has read it from there.
func probe(ctx context.Context, t *risk.Target) error {
	p := &prober{t: t, send: func(a *risk.Attempt) *risk.Seen {
		seen, err := t.Send(ctx, a)
		if err != nil {
			return nil
		}
		return seen
	}}
	answered := false
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" {
			continue
		}
		lawful, ok := t.Lawful(op)
		if !ok {
			continue
		}
		if got := p.send(lawful); got == nil || got.Status/100 != 2 {
			continue
		}
		answered = true
		p.operation(op, lawful)
		if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // the caller knows its context
		}
	}
	if !answered {
		return errNoAnswer
	}
	return nil
}

// operation compares the answers to a random parameter and to one that is
// called like a credential, with the same value.
func (p *prober) operation(op *contract.Operation, lawful *risk.Attempt) {
	random := with(lawful, p.t.Canary()+"="+p.t.Canary())
	control := p.send(random)
	if control == nil || control.Status/100 != 2 {
		return // unknown parameters are refused here
	}
	for _, name := range names {
		if op.Param(contract.InQuery, name) != nil || asks(op, name) {
			continue
		}
		got := p.send(with(lawful, name+"="+p.t.Canary()))
		if got == nil || got.Status != 401 && got.Status != 403 {
			continue // a refusal of the parameter itself is 400
		}
		if again := p.send(random); again == nil || again.Status != control.Status {
			return // something else has changed
		}
		p.t.Report(risk.Finding{
			Operation: op.Key, Confirmed: true, At: op.PathAt, Code: string(CodeQuery),
			Proof: fmt.Sprintf("%s %s answered its lawful caller with %d beside a random parameter, and with %d beside a false %q: it reads credentials from the URL",
				op.Method, op.Path, control.Status, got.Status, name),
		})
		return
	}
}

// with is a with one more pair in its query.
func with(a *risk.Attempt, pair string) *risk.Attempt {
	out := *a
	if out.Query != "" {
		pair = out.Query + "&" + pair
	}
	out.Query = pair
	return &out
}

// asks tells whether the contract itself wants a credential under name.
func asks(op *contract.Operation, name string) bool {
	return slices.ContainsFunc(queryKeys(op), func(s *contract.Scheme) bool { return s.Field == name })
}
