package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
)

// parameter tries a parameter, or a header of a reply, by texts of its values.
// What the style cannot write is passed over.
func (t *trial) parameter(op *contract.Operation, p *contract.Parameter, side side) {
	s := p.Schema
	if p.Content != nil {
		s = p.Content.Schema
	}
	if s == nil || p.In == contract.InHeader && ignoredHeader(p.Name) {
		return
	}
	seed, ok := t.sample.takes(t.name, fmt.Sprint(op.Key, p.In, p.Name, s.Pointer, side))
	if !ok || t.late() {
		return
	}
	at := view{s.Pointer, side, ""}
	if _, err := t.oracle.compile(at); err != nil {
		t.count.uncompiledParameters++
		return
	}
	ours := newParameterSubject(t.programs, p, side)
	rnd := rand.New(rand.NewPCG(seed, 2))
	for n, made := 0, 0; n < attempts && made == 0; n++ {
		v := newGenerator(seed, side, n).value([]*contract.Schema{s})
		w, ok := write(p, v)
		if !ok || t.oracle.check(at, v) != nil {
			continue
		}
		made++
		if w.object {
			t.count.composite++
		}
		t.compareText(&t.count.texts, at, ours, w, "parameter")
		for _, m := range mutants(rnd, v, faults) {
			if w, ok := write(p, m.value); ok && !(w.spread && m.kind == "member added") {
				t.compareText(&t.count.spoiled, at, ours, w, "parameter, "+m.kind)
			}
		}
	}
}

func ignoredHeader(name string) bool {
	for _, n := range []string{"Accept", "Content-Type", "Authorization", "Cookie"} {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// A wire is a parameter as it is sent, with the values that its text may be
// read as.
type wire struct {
	text     string // shown in reports
	pairs    []canon.Pair
	path     risk.PathParam
	field    risk.Field
	readings []any
	object   bool
	spread   bool // it is an object, and a name that it does not know is another parameter's
}

// write serialises a value in the parameter's style; false where the style
// cannot say it, or says something else too.
func write(p *contract.Parameter, v any) (wire, bool) {
	if p.Content != nil {
		return writeContent(p, v)
	}
	if o, ok := v.(map[string]any); ok {
		return writeObject(p, o)
	}
	if p.Schema.Types == contract.ObjectType {
		return wire{}, false // anything else reads as one, or not at all
	}
	separator := ","
	switch p.Style {
	case contract.SpaceDelimited:
		separator = " "
	case contract.PipeDelimited:
		separator = "|"
	case contract.TSV:
		separator = "\t"
	case contract.Simple, contract.Form:
	case contract.Label, contract.Matrix:
	case contract.DeepObject:
		return wire{}, false
	}
	list, many := v.([]any)
	if !many {
		list = []any{v}
	}
	var texts []string
	for _, x := range list {
		text, ok := scalarText(x)
		if !ok || many && (text == "" || strings.ContainsAny(text, ",|\t %;=")) || !sendable(p, text) {
			return wire{}, false
		}
		texts = append(texts, text)
	}
	spread := many && p.Explode && (p.In == contract.InQuery || p.In == contract.InCookie)
	if len(texts) == 0 || p.In == contract.InCookie && spread {
		return wire{}, false
	}
	if p.Style == contract.Label || p.Style == contract.Matrix {
		return writePrefixed(p, texts, many)
	}
	w := single(p, strings.Join(texts, separator), readings(texts, many))
	if spread {
		w.pairs = w.pairs[:0]
		for _, text := range texts {
			w.pairs = append(w.pairs, pair(p.Name, text))
		}
	}
	return w, true
}

// sendable tells whether the text can stand where the parameter does: a header
// has no control characters, a cookie no semicolon, a path is not empty.
func sendable(p *contract.Parameter, text string) bool {
	switch p.In {
	case contract.InHeader, contract.InCookie:
		return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f || r == ';' }) && strings.TrimSpace(text) == text
	case contract.InPath:
		return text != ""
	case contract.InQuery, contract.InBody:
	}
	return true
}

// scalarText writes a simple value as a text.
func scalarText(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case json.Number:
		return x.String(), true
	case bool:
		return fmt.Sprint(x), true
	}
	return "", false
}

// readings are the values that texts may stand for: each a string or, where
// it looks like one, a number, a boolean or null; of several, all strings or
// all not.
func readings(texts []string, many bool) []any {
	asText, asValue := []any{}, []any{}
	for _, text := range texts {
		asText = append(asText, text)
		asValue = append(asValue, scalar(text))
	}
	if many {
		return []any{asText, asValue}
	}
	// A list of one element looks like the element.
	return []any{asText[0], asValue[0], asText, asValue}
}

// compareText holds our verdict on a text to the oracle's on its readings.
func (t *trial) compareText(n *score, at view, ours *parameterSubject, w wire, kind string) {
	var theirs error
	for _, v := range w.readings {
		if theirs = t.oracle.check(at, v); theirs == nil {
			break
		}
	}
	said := ours.check(w)
	if theirs == nil && n == &t.count.spoiled {
		n = &t.count.texts
	}
	n.total++
	if (said == "") == (theirs == nil) {
		n.agreed++
		return
	}
	class := kind + ": we refuse it by " + said
	if said == "" {
		class = kind + ": we accept it, the oracle refuses by " + reason(theirs)
	}
	t.count.disagree(class, difference{t.name, at.pointer, w.text, theirs})
}

// A parameterSubject is our side of one parameter.
type parameterSubject struct {
	request *schema.Request
	reply   *schema.Reply
	query   bool
}

func newParameterSubject(p *schema.Programs, of *contract.Parameter, side side) *parameterSubject {
	op := &contract.Operation{Method: "GET", Path: "/x"}
	if side == ofReply {
		op.Replies = []*contract.Reply{{Code: 200, Headers: []*contract.Parameter{of}}}
		r, _ := schema.CompileReply(op, schema.Options{Programs: p})
		return &parameterSubject{reply: r}
	}
	op.Parameters = []*contract.Parameter{of}
	r, _ := schema.CompileRequest(op, schema.Options{Programs: p})
	return &parameterSubject{request: r, query: of.In == contract.InQuery}
}

// check is "" where the text is lawful, else the rules that it breaks.
func (s *parameterSubject) check(w wire) string {
	var dst risk.Reading
	if s.request != nil {
		view := schema.HeadView{Path: []risk.PathParam{w.path}, Fields: risk.Fields{w.field}}
		if s.query {
			view.Query = w.pairs
		}
		s.request.Head(&dst, &view)
	} else {
		s.reply.Head(&dst, &schema.ReplyView{Method: "GET", Status: 200, Fields: risk.Fields{w.field}})
	}
	return rules(&dst)
}
