package retired

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

var errNoAnswer = errors.New("the target answered no request")

// probe asks for what should have ended, and looks for announcements in the
// replies of what will. What time it is, the API says itself.
func probe(ctx context.Context, t *risk.Target) error {
	asked, answered := false, false
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" {
			continue
		}
		l := lifeOf(t.Contract, op)
		a, ok := t.Lawful(op)
		if !ok && l.deprecated {
			a, ok = attempt(t, op)
		}
		if !ok || !l.deprecated && answered {
			continue // one living operation is enough to see that the target answers
		}
		asked = true
		seen, err := t.Send(ctx, a)
		if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // the caller knows its context
		}
		if err != nil {
			continue
		}
		answered = true
		if l.deprecated && seen.Status/100 == 2 && genuine(op, seen) {
			judge(t, op, &l, seen)
		}
	}
	if asked && !answered {
		return errNoAnswer
	}
	return nil
}

func judge(t *risk.Target, op *contract.Operation, l *life, seen *risk.Seen) {
	report := func(code, proof string) {
		t.Report(risk.Finding{Operation: op.Key, Confirmed: true, At: op.At, Code: code, Proof: proof})
	}
	now, _ := time.Parse(httpTime, seen.Fields.Get("Date")) // without a date, long ago
	if !l.sunset.IsZero() && !now.Before(l.sunset) {
		report(string(CodeGone), fmt.Sprintf("%s %s was to end on %s, and still gives its declared answer (%d) on %s",
			op.Method, op.Path, l.sunset.Format(time.DateOnly), seen.Status, now.Format(time.DateOnly)))
		return
	}
	if !seen.Fields.Has("Deprecation") && !seen.Fields.Has("Sunset") {
		report(string(CodeSilent), fmt.Sprintf("%s %s is deprecated, and its answer (%d) has neither Deprecation nor Sunset", op.Method, op.Path, seen.Status))
	}
}

// genuine tells whether a success is the declared one, and not an error in its
// clothes: JSON with the members that the schema requires, or with one that it
// declares.
func genuine(op *contract.Operation, seen *risk.Seen) bool {
	r := op.ReplyFor(seen.Status)
	if r == nil || len(r.Media) == 0 || r.Media[0].Schema == nil {
		return r != nil
	}
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(seen.Body) != nil {
		return !strings.Contains(r.Media[0].Type, "json") && len(seen.Body) > 0
	}
	shape := newShape(r.Media[0].Schema)
	if doc.Kind(0) != jsonx.Object {
		return doc.Kind(0) == jsonx.Array && shape.list
	}
	has := map[string]bool{}
	for i := range doc.Children(0) {
		has[string(doc.Key(i))] = true
	}
	for _, name := range shape.required {
		if !has[name] {
			return false
		}
	}
	known := func(name string) bool { return has[name] }
	return slices.ContainsFunc(shape.names, known) || len(shape.names) == 0 && !shape.list
}

// A shape is what a schema says of the outermost value.
type shape struct {
	names, required []string
	list            bool
}

func newShape(s *contract.Schema) shape {
	var out shape
	for depth := 0; s != nil && depth < 8; depth, s = depth+1, s.Ref {
		for _, part := range append([]*contract.Schema{s}, s.AllOf...) {
			for i := range part.Properties {
				out.names = append(out.names, part.Properties[i].Name)
			}
			out.required = append(out.required, part.Required...)
			out.list = out.list || part.Types != 0 && part.Allows(contract.ArrayType) || part.Items != nil
		}
	}
	return out
}

// attempt makes a request for an operation that nobody uses any more, where
// its path parameters have values to choose from.
func attempt(t *risk.Target, op *contract.Operation) (*risk.Attempt, bool) {
	a := &risk.Attempt{Method: op.Method, Path: op.Path}
	if len(t.Callers) > 0 {
		a.As = t.Callers[0]
	}
	for _, p := range op.Parameters {
		switch {
		case p.In == contract.InPath:
			text := sample(p.Schema)
			if text == "" {
				return nil, false
			}
			a.Path = strings.ReplaceAll(a.Path, "{"+p.Name+"}", text)
		case p.Required:
			return nil, false
		}
	}
	return a, true
}

// sample is a value that a schema of a parameter allows, or "" where it is not
// plain which.
func sample(s *contract.Schema) string {
	if s == nil {
		return ""
	}
	var list []source.Value
	list = append(append(list, s.Examples...), s.Enum...)
	if s.Default != nil {
		list = append(list, *s.Default)
	}
	for _, v := range list {
		if v.Text != "" && plain(v.Text) {
			return v.Text
		}
	}
	if s.Types&(contract.IntegerType|contract.NumericType) == 0 || !plain(string(s.Minimum)) {
		return ""
	}
	return cmp.Or(string(s.Minimum), "1")
}

// plain tells whether s can stand in a path as it is.
func plain(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}
