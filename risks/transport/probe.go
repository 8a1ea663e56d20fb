package transport

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// tls11 is the crypto/tls number of TLS 1.1.
const tls11 = 0x0302

// errNoAnswer means that there was nothing to compare with.
var errNoAnswer = errors.New("no read-only operation answered a lawful request")

// probe sends a lawful request as it should be sent, then in the clear, then
// over TLS 1.1. Proof is the same success: a redirect, a refusal or the
// complaint of a TLS listener about plain bytes is none.
func probe(ctx context.Context, t *risk.Target) error {
	op, lawful, seen, err := reference(ctx, t)
	if err != nil {
		return err
	}
	what := ""
	if lawful.As != "" {
		what = ", credential and all"
	}
	plain := *lawful
	plain.Plain = true
	if got, err := t.Send(ctx, &plain); err == nil && got.TLS == 0 && same(got, seen) {
		t.Report(risk.Finding{
			Operation: op.Key, Confirmed: true, At: op.At, Code: string(CodePlain),
			Proof: fmt.Sprintf("%s %s was answered with %d over plain HTTP%s", op.Method, op.Path, got.Status, what),
		})
	}
	old := *lawful
	old.TLS = tls11
	if got, err := t.Send(ctx, &old); err == nil && got.TLS != 0 && got.TLS <= tls11 {
		t.Report(risk.Finding{
			Operation: op.Key, Confirmed: true, At: op.At, Code: string(CodeOldTLS),
			Proof: fmt.Sprintf("a handshake that offered TLS 1.1 at most succeeded, and %s %s was answered with %d", op.Method, op.Path, got.Status),
		})
	}
	return ctx.Err()
}

// reference finds a read-only operation that succeeds.
func reference(ctx context.Context, t *risk.Target) (*contract.Operation, *risk.Attempt, *risk.Seen, error) {
	err := errNoAnswer
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" {
			continue
		}
		lawful, ok := t.Lawful(op)
		if !ok {
			continue
		}
		seen, serr := t.Send(ctx, lawful)
		switch {
		case ctx.Err() != nil:
			return nil, nil, nil, ctx.Err()
		case serr != nil:
			err = fmt.Errorf("%w: %w", errNoAnswer, serr)
		case seen.Status/100 == 2:
			return op, lawful, seen, nil
		}
	}
	return nil, nil, nil, err
}

// same tells whether two answers are the same kind of success. Bodies may
// differ in what changes with time, so that only their kind is compared.
func same(a, b *risk.Seen) bool {
	return a.Status == b.Status && a.Fields.Get("Content-Type") == b.Fields.Get("Content-Type") &&
		(len(a.Body) == 0) == (len(b.Body) == 0)
}
