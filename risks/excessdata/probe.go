package excessdata

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// Bounds of the probe.
const (
	maxOperations = 100
	maxDepth      = 32
	maxElements   = 100 // of one array
)

// probe reads lawful replies and compares them with the contract. It reports
// each member once: one that is write-only, one that its schema refuses, and a
// stored credential that no schema lists. Members that a silent schema does
// not list are no finding: the contract does not forbid them.
func probe(ctx context.Context, t *risk.Target) error {
	n := 0
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" || n == maxOperations {
			continue
		}
		try, ok := t.Lawful(op)
		if !ok {
			continue
		}
		n++
		seen, err := t.Send(ctx, try)
		if err != nil {
			return fmt.Errorf("read %s: %w", op.Key, err)
		}
		compare(t, op, seen)
	}
	return nil
}

// compare looks at one reply. An error body is not what the contract says of
// a success, so only successes count.
func compare(t *risk.Target, op *contract.Operation, s *risk.Seen) {
	if s.Status < 200 || s.Status > 299 {
		return
	}
	m := mediaOf(op.ReplyFor(s.Status), s.Fields.Get("Content-Type"))
	if m == nil {
		return
	}
	w := walker{op: op, report: t.Report, done: map[finding]bool{}}
	if w.doc.Parse(s.Body) == nil {
		w.value(0, m.Schema, 0)
	}
}

// mediaOf is the declared media type of a JSON reply, or nil.
func mediaOf(r *contract.Reply, contentType string) *contract.Media {
	if r == nil {
		return nil
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.Trim(media, " \t"))
	for _, m := range r.Media {
		if m.Type == media && isJSON(media) {
			return m
		}
	}
	return nil
}

type walker struct {
	op     *contract.Operation
	report func(risk.Finding)
	doc    jsonx.Doc
	done   map[finding]bool // that were reported
}

// A finding is what is said of members by one name.
type finding struct {
	code source.Code
	name string
}

func (w *walker) value(i int, s *contract.Schema, depth int) {
	if s == nil || depth > maxDepth {
		return
	}
	switch w.doc.Kind(i) {
	case jsonx.Object:
		for c := range w.doc.Children(i) {
			w.member(c, s, depth)
		}
	case jsonx.Array:
		n := 0
		for c := range w.doc.Children(i) {
			if n++; n > maxElements {
				return
			}
			w.value(c, items(s, 0), depth+1)
		}
	case jsonx.Null, jsonx.False, jsonx.True, jsonx.Number, jsonx.String:
	}
}

func (w *walker) member(c int, s *contract.Schema, depth int) {
	name := string(w.doc.Key(c))
	var l listing
	l.look(s, name, 0)
	switch {
	case len(l.as) > 0:
		if l.writeOnly() && w.doc.Kind(c) != jsonx.Null {
			w.find(CodeWriteOnly, c, l.as[0], "the reply holds the member %s, which the contract declares as write-only")
			return
		}
		w.value(c, l.as[0], depth+1)
	case l.vague:
	case l.closed:
		w.find(CodeUndeclared, c, s, "the reply holds the member %s, which its schema refuses")
	case !l.speaks && credential(name) && w.doc.Kind(c) == jsonx.String:
		w.find(CodeCredential, c, s, "the reply holds the member %s, a credential that the contract does not list")
	}
}

func (w *walker) find(code source.Code, c int, s *contract.Schema, proof string) {
	key := finding{code, string(w.doc.Key(c))}
	if w.done[key] {
		return
	}
	w.done[key] = true
	w.report(risk.Finding{Operation: w.op.Key, At: s.At, Code: string(code), Confirmed: true, Proof: fmt.Sprintf(proof, w.doc.Pointer(c))})
}

// A listing is what schemas say of one name.
type listing struct {
	as     []*contract.Schema // under which it is listed
	closed bool               // a schema that counts refuses what it does not list
	speaks bool               // a schema says what becomes of other members
	vague  bool               // alternatives or patterns: only the contract machine can tell
}

// look collects what s says of name. Schemas that all apply are followed;
// alternatives are not decided here.
func (l *listing) look(s *contract.Schema, name string, depth int) {
	if s == nil || depth > maxDepth {
		return
	}
	if p := s.Property(name); p != nil {
		l.as = append(l.as, p)
	}
	if len(s.PatternProperties) > 0 || len(s.AnyOf) > 0 || len(s.OneOf) > 0 || s.Rare != nil && (s.Rare.If != nil || len(s.Rare.DependentSchemas) > 0) {
		l.vague = true
	}
	for _, o := range others(s) {
		l.closed = l.closed || o.Never
		l.speaks = true
	}
	l.look(s.Ref, name, depth+1)
	for _, c := range s.AllOf {
		l.look(c, name, depth+1)
	}
}

// writeOnly tells whether every schema of the name says so.
func (l *listing) writeOnly() bool {
	return !slices.ContainsFunc(l.as, func(s *contract.Schema) bool { return !onlyWritten(s) })
}

// items is the schema of an array's elements, where there is one for all.
func items(s *contract.Schema, depth int) *contract.Schema {
	if s == nil || depth > maxDepth || len(s.PrefixItems) > 0 {
		return nil
	}
	if s.Items != nil {
		return s.Items
	}
	if found := items(s.Ref, depth+1); found != nil {
		return found
	}
	for _, c := range s.AllOf {
		if found := items(c, depth+1); found != nil {
			return found
		}
	}
	return nil
}
