package errors

import (
	"context"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// maxOperations bounds the operations that are provoked, at most seven
// requests each.
const maxOperations = 60

// probe provokes errors and looks for the inside of the service in the
// answers. A mark counts only if the lawful answer of the same operation does
// not hold it, and if it comes again when the provocation is repeated.
// Operations that change state are provoked only by a POST body that cannot be
// parsed: a sound service does nothing with it.
func probe(ctx context.Context, t *risk.Target) error {
	n := 0
	for _, op := range t.Contract.Operations {
		if n == maxOperations {
			return nil
		}
		if op.Unsafe() && op.Method != "POST" {
			continue
		}
		lawful, ok := t.Lawful(op)
		if !ok {
			continue
		}
		n++
		if err := provoke(ctx, t, op, lawful); err != nil {
			return err
		}
	}
	return nil
}

func provoke(ctx context.Context, t *risk.Target, op *contract.Operation, lawful *risk.Attempt) error {
	var calm tally
	if !op.Unsafe() {
		seen, err := t.Send(ctx, lawful)
		if err != nil {
			return fmt.Errorf("call %s: %w", op.Key, err)
		}
		calm = read(seen)
	}
	for _, p := range provocations(op, lawful) {
		seen, err := t.Send(ctx, &p.attempt)
		if err != nil {
			return fmt.Errorf("provoke %s: %w", op.Key, err)
		}
		if !news(seen, &calm) {
			continue
		}
		again, err := t.Send(ctx, &p.attempt)
		if err != nil {
			return fmt.Errorf("provoke %s again: %w", op.Key, err)
		}
		t.Report(risk.Finding{
			Operation: op.Key, At: op.At, Code: string(CodeLeak), Confirmed: news(again, &calm),
			Proof: fmt.Sprintf("%s gets a reply with status %d that shows the inside of the service; the lawful reply does not", p.what, seen.Status),
		})
		return nil
	}
	return nil
}

// read counts the marks of an answer.
func read(s *risk.Seen) (t tally) {
	media, _, _ := strings.Cut(s.Fields.Get("Content-Type"), ";")
	if isJSON(strings.ToLower(strings.Trim(media, " \t"))) {
		t.escaped(s.Body)
	} else {
		t.plain(s.Body)
	}
	return t
}

// news tells whether an error answer leaks by marks that the calm one lacks.
func news(s *risk.Seen, calm *tally) bool {
	if s.Status < 400 {
		return false
	}
	t := read(s)
	if !t.leaks() {
		return false
	}
	for i := range t.seen {
		if t.seen[i]&^calm.seen[i] != 0 {
			return true
		}
	}
	return false
}

type provocation struct {
	what    string
	attempt risk.Attempt
}

// provocations are requests that a careless service stumbles over. None holds
// a text that is a mark, so that an echo is no leak.
func provocations(op *contract.Operation, lawful *risk.Attempt) []provocation {
	var out []provocation
	if body := op.Body; body != nil && lawful.Body != nil {
		a := *lawful
		a.Body = []byte(`{"a":`)
		out = append(out, provocation{"a body that ends early", a})
	}
	if op.Unsafe() {
		return out
	}
	if at := strings.LastIndexByte(lawful.Path, '/'); at >= 0 && strings.HasSuffix(op.Path, "}") {
		for _, v := range [...]struct{ what, text string }{
			{"a quote in the path", lawful.Path[at+1:] + "%27"}, {"a word in place of an id", "zzzz-none"}, {"a long id", strings.Repeat("9", 400)},
		} {
			a := *lawful
			a.Path = lawful.Path[:at+1] + v.text
			out = append(out, provocation{v.what, a})
		}
	}
	for _, v := range [...]struct{ what, text string }{{"a quote in the query", "%27"}, {"a number out of range in the query", "99999999999999999999"}} {
		if q, ok := spoil(op, lawful.Query, v.text); ok {
			a := *lawful
			a.Query = q
			out = append(out, provocation{v.what, a})
		}
	}
	return out
}

// spoil gives every declared query parameter the value text.
func spoil(op *contract.Operation, query, text string) (string, bool) {
	var pairs []string
	for _, p := range op.Parameters {
		if p.In == contract.InQuery && plainName(p.Name) {
			pairs = append(pairs, p.Name+"="+text)
		}
	}
	if len(pairs) == 0 {
		return query, false
	}
	return strings.Join(pairs, "&"), true
}

// plainName tells whether a name needs no encoding in a query.
func plainName(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return name != ""
}
