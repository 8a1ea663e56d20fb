package authn

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// Why a target could not be tested.
var (
	errNoCaller = errors.New("no caller to compare with")
	errNoAnswer = errors.New("no closed read-only operation answered its lawful caller")
)

// probe compares, for each read-only operation that should be closed, what a
// lawful caller and nobody get.
func probe(ctx context.Context, t *risk.Target) error {
	if len(t.Callers) == 0 {
		return errNoCaller
	}
	compared := 0
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" || op.Public() {
			continue
		}
		lawful, ok := t.Lawful(op)
		if !ok {
			continue
		}
		if compare(ctx, t, op, lawful) {
			compared++
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if compared == 0 {
		return errNoAnswer
	}
	return nil
}

// compare reports op if nobody gets the lawful answer. It tells whether there
// was an answer to compare with.
func compare(ctx context.Context, t *risk.Target, op *contract.Operation, lawful *risk.Attempt) bool {
	want := lawfulShape(ctx, t, lawful)
	if want == nil {
		return false
	}
	anonymous := nobody(op, lawful)
	got, err := t.Send(ctx, &anonymous)
	if err != nil {
		return false
	}
	if !want.matches(got) {
		return true
	}
	control := anonymous
	control.Path, control.Query = lawful.Path[:strings.LastIndexByte(lawful.Path, '/')+1]+t.Canary(), ""
	other, err := t.Send(ctx, &control)
	if err != nil {
		return false
	}
	if want.matches(other) {
		return true // a page that answers everything
	}
	t.Report(risk.Finding{
		Operation: op.Key, Confirmed: op.Secured, At: op.At, Code: string(CodeAnonymous),
		Proof: fmt.Sprintf("%s %s gave nobody the answer of its lawful caller, %d with the same structure and values, while a path that does not exist got %d",
			op.Method, op.Path, got.Status, other.Status),
	})
	return true
}

// nobody is a request without its caller and without credentials of its own:
// Authorization, Cookie, and what schemes of op name.
func nobody(op *contract.Operation, lawful *risk.Attempt) risk.Attempt {
	names := map[contract.In][]string{contract.InHeader: {"Authorization", "Cookie"}}
	for _, r := range op.Security {
		for _, p := range r.Parts {
			if p.Scheme != nil && p.Scheme.Kind == contract.APIKey {
				names[p.Scheme.In] = append(names[p.Scheme.In], p.Scheme.Field)
			}
		}
	}
	out := *lawful
	out.As = ""
	out.Fields = slices.DeleteFunc(slices.Clone(out.Fields), func(f risk.Field) bool {
		return slices.ContainsFunc(names[contract.InHeader], func(name string) bool { return risk.EqualFold(f.Name, name) })
	})
	pairs := slices.DeleteFunc(strings.Split(out.Query, "&"), func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		key, _ = url.QueryUnescape(key)
		return slices.Contains(names[contract.InQuery], key)
	})
	out.Query = strings.Join(pairs, "&")
	return out
}

// lawfulShape asks twice as the lawful caller. It is nil where that gave
// nothing that could be recognised.
func lawfulShape(ctx context.Context, t *risk.Target, lawful *risk.Attempt) *shape {
	var seen [2]*risk.Seen
	for i := range seen {
		s, err := t.Send(ctx, lawful)
		if err != nil || s.Status/100 != 2 {
			return nil
		}
		seen[i] = s
	}
	return newShape(seen[0], seen[1])
}
