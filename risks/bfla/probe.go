package bfla

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// Why a target could not be tested.
var (
	errOneCaller = errors.New("a second caller is needed to compare with")
	errNoAnswer  = errors.New("no read-only operation that asks for a scope answered its lawful caller")
)

// An outcome is what a low caller got from one operation.
type outcome struct {
	op      *contract.Operation
	wish    wish
	allowed bool
	status  int
}

// A wish is what is asked of a low caller.
type wish struct{ low, scopes string }

// probe sends the lawful reads that ask for scopes as other callers. A target
// does not say which scopes a caller has, so the API is held to itself: where
// it refuses a caller on one operation, it must refuse him on every other with
// the same scopes. An API that refuses nobody anywhere is probably not asking.
func probe(ctx context.Context, t *risk.Target) error {
	if len(t.Callers) < 2 {
		return errOneCaller
	}
	var got []outcome
	wishes := false
	for _, low := range t.Callers {
		for _, op := range t.Contract.Operations {
			scopes := asked(op)
			if op.Method != "GET" || scopes == "" {
				continue
			}
			wishes = true
			lawful, ok := t.Lawful(op)
			if !ok || lawful.As == low || names(op, lawful) {
				continue
			}
			o, ok := compare(ctx, t, lawful, low)
			if ctx.Err() != nil {
				return ctx.Err() //nolint:wrapcheck // the caller knows its context
			}
			if o.op, o.wish = op, (wish{low, scopes}); ok {
				got = append(got, o)
			}
		}
	}
	if wishes && len(got) == 0 {
		return errNoAnswer
	}
	judge(t, got)
	return nil
}

// judge reports what low callers should not have got.
func judge(t *risk.Target, got []outcome) {
	refused := map[wish]*outcome{}
	for i := range got {
		if !got[i].allowed {
			refused[got[i].wish] = &got[i]
		}
	}
	for i := range got {
		o := &got[i]
		other := refused[o.wish]
		if !o.allowed || other == nil && len(refused) > 0 {
			continue
		}
		f := risk.Finding{Operation: o.op.Key, Confirmed: other != nil, At: o.op.At, Code: string(CodeScope)}
		f.Proof = fmt.Sprintf("%s got the answer of %s %s (%d) that its lawful caller gets", o.wish.low, o.op.Method, o.op.Path, o.status)
		if other != nil {
			f.Proof += fmt.Sprintf(", and %d from %s %s, which asks for the same scopes (%s)", other.status, other.op.Method, other.op.Path, o.wish.scopes)
		} else {
			f.Proof += fmt.Sprintf("; no operation that asks for scopes (%s) refuses any caller", o.wish.scopes)
		}
		t.Report(f)
	}
}

// names tells whether a request names its caller by itself, so that nobody
// else can send it.
func names(op *contract.Operation, a *risk.Attempt) bool {
	for _, r := range op.Security {
		for _, p := range r.Parts {
			if p.Scheme != nil && p.Scheme.Kind == contract.APIKey && a.Fields.Has(p.Scheme.Field) {
				return true
			}
		}
	}
	return a.Fields.Has("Authorization") || a.Fields.Has("Cookie")
}

// compare asks as the lawful caller and as low. It tells whether the answers
// could be compared.
func compare(ctx context.Context, t *risk.Target, lawful *risk.Attempt, low string) (outcome, bool) {
	want, err := t.Send(ctx, lawful)
	if err != nil || want.Status/100 != 2 {
		return outcome{}, false
	}
	try := *lawful
	try.As = low
	got, err := t.Send(ctx, &try)
	if err != nil {
		return outcome{}, false
	}
	switch {
	case got.Status/100 == 3, got.Status == 401, got.Status == 403, got.Status == 404: // a redirect leads to a login
	case got.Status/100 != 2:
		return outcome{}, false
	case same(want.Body, got.Body):
		return outcome{status: got.Status, allowed: true}, true
	case bare(got.Body):
		return outcome{}, false // an empty list says nothing
	}
	return outcome{status: got.Status}, true // refused, or a success with another structure: an error, or a login page
}

// bare tells whether an answer has nothing in it.
func bare(body []byte) bool {
	b := bytes.TrimSpace(body)
	return len(b) == 0 || bytes.Equal(b, []byte("[]")) || bytes.Equal(b, []byte("{}"))
}

// same tells whether two answers have the same members: for JSON by name, with
// all elements of a list as one, else byte by byte.
func same(a, b []byte) bool {
	x, y := outline(a), outline(b)
	if x == nil {
		return !bare(a) && bytes.Equal(a, b)
	}
	if len(x) != len(y) || len(x) < 2 {
		return false
	}
	for name := range x {
		if !y[name] {
			return false
		}
	}
	return true
}

// maxNodes bounds how much of an answer is compared.
const maxNodes = 2000

// outline is the set of pointers in an answer, with indices erased; nil for
// what is no JSON object or array.
func outline(body []byte) map[string]bool {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(body) != nil || doc.Kind(0) != jsonx.Object && doc.Kind(0) != jsonx.Array {
		return nil
	}
	out := map[string]bool{}
	for i := range min(doc.Len(), maxNodes) {
		parts := strings.Split(doc.Pointer(i), "/")
		for j, p := range parts {
			if p != "" && strings.Trim(p, "0123456789") == "" {
				parts[j] = "0"
			}
		}
		out[strings.Join(parts, "/")] = true
	}
	return out
}
