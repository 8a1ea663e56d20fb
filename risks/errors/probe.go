package errors

import (
	"context"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// Bounds of the probe: the operations that are provoked, and the query
// parameters of one that are, two requests each.
const (
	maxOperations = 60
	maxParameters = 8
)

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
	for _, name := range parameters(op) {
		for _, v := range [...]struct{ what, text string }{{"a quote", "%27"}, {"a number out of range", "99999999999999999999"}} {
			a := *lawful
			a.Query = spoil(lawful.Query, name, v.text)
			out = append(out, provocation{v.what + " in the query parameter " + name, a})
		}
	}
	return out
}

// parameters names the query parameters to spoil.
func parameters(op *contract.Operation) []string {
	var out []string
	for _, p := range op.Parameters {
		if p.In == contract.InQuery && plainName(p.Name) && len(out) < maxParameters {
			out = append(out, p.Name)
		}
	}
	return out
}

// spoil gives one parameter of a query the value text. The others stay lawful:
// of two that are spoiled at once, the one that is refused hides the leak of
// the other.
func spoil(query, name, text string) string {
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		if key, _, _ := strings.Cut(pair, "="); pair != "" && key != name {
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(append(pairs, name+"="+text), "&")
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
