package parser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/risk"
)

// maxOperations bounds the requests of a probe: at most 10 for each, and as
// many to undo them.
const maxOperations = 8

var errNoAnswer = errors.New("the target did not answer")

// A prober attacks one target.
type prober struct {
	t              *risk.Target
	router         *match.Router
	answered, lost bool
	send           func(*risk.Attempt) *risk.Seen // nil: no answer
}

// probe says one thing twice, and numbers that doubles round. What it creates
// it deletes again where the contract declares how.
func probe(ctx context.Context, t *risk.Target) error {
	p := &prober{t: t}
	p.send = func(a *risk.Attempt) *risk.Seen {
		seen, err := t.Send(ctx, a)
		if err != nil {
			p.lost = true
			return nil
		}
		p.answered = true
		return seen
	}
	var routes []match.Route
	for i, op := range t.Contract.Operations {
		routes = append(routes, match.Route{Method: op.Method, Template: op.Path, Value: i})
	}
	p.router, _ = match.Build(routes)
	tried := 0
	for _, op := range t.Contract.Operations {
		lawful, ok := t.Lawful(op)
		if !ok || tried == maxOperations {
			continue
		}
		switch op.Method {
		case "GET":
			if lawful.Query == "" {
				continue
			}
			tried++
			p.query(op, lawful)
		case "POST":
			doc := jsonx.New(jsonx.Limits{})
			schema := bodySchema(op)
			if schema == nil || doc.Parse(lawful.Body) != nil || doc.Kind(0) != jsonx.Object {
				continue
			}
			tried++
			p.members(op, lawful, schema, doc)
			p.numbers(op, lawful, schema, doc)
		}
	}
	if p.lost && !p.answered {
		return errNoAnswer
	}
	return ctx.Err()
}

// query gives each declared parameter of the lawful query a second value that
// is refused alone. The lawful answer to both is the proof that one was taken
// and the other one not looked at.
func (p *prober) query(op *contract.Operation, lawful *risk.Attempt) {
	want := p.send(lawful)
	if want == nil || want.Status/100 != 2 || len(want.Body) == 0 || !same(want, p.send(lawful)) {
		return
	}
	pairs := strings.Split(lawful.Query, "&")
	for i, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		if d := op.Param(contract.InQuery, name); d == nil || d.Schema == nil || d.Schema.Allows(contract.ArrayType) || d.Schema.Allows(contract.ObjectType) {
			continue
		}
		with := func(text string) *risk.Seen {
			try := slices.Clone(pairs)
			try[i] = text
			return p.ask(lawful, strings.Join(try, "&"))
		}
		bad := name + "=" + p.t.Canary()
		alone := with(bad)
		if alone == nil || alone.Status/100 != 4 {
			continue
		}
		for _, both := range [...]string{pair + "&" + bad, bad + "&" + pair} {
			if !same(want, with(both)) {
				continue
			}
			p.report(op, string(CodeDuplicate), fmt.Sprintf(
				"GET %s took two values of the parameter %s and answered as to the lawful one, though the other one alone got %d", op.Path, name, alone.Status))
			return
		}
	}
}

// members gives a text member two values, of which one breaks the schema and is
// refused alone. The proof is a success that shows the broken one.
func (p *prober) members(op *contract.Operation, lawful *risk.Attempt, s *contract.Schema, doc *jsonx.Doc) {
	for c := range doc.Children(0) {
		name, node := string(doc.Key(c)), doc.Node(c)
		member := s.Property(name)
		if member == nil || doc.Kind(c) != jsonx.String {
			continue
		}
		bad := breach(resolve(member), p.t.Canary())
		if bad == "" {
			continue
		}
		src := doc.Source()
		before, good, after := string(src[:node.Start]), string(src[node.Start:node.End]), string(src[node.End:])
		again := "," + strconv.Quote(name) + ":"
		alone := p.create(op, lawful, before+strconv.Quote(bad)+after)
		if alone == nil || alone.Status/100 != 4 {
			continue
		}
		for _, both := range [...]string{good + again + strconv.Quote(bad), strconv.Quote(bad) + again + good} {
			got := p.create(op, lawful, before+both+after)
			if got == nil || got.Status/100 != 2 || !bytes.Contains(got.Body, []byte(bad)) {
				continue
			}
			p.report(op, string(CodeDuplicate), fmt.Sprintf(
				"POST %s took a body with the name %s twice and kept the value that breaks its schema, which alone got %d", op.Path, name, alone.Status))
			return
		}
	}
}

// numbers sends a whole number that doubles do not hold. The proof is a success
// that shows its neighbour.
func (p *prober) numbers(op *contract.Operation, lawful *risk.Attempt, s *contract.Schema, doc *jsonx.Doc) {
	const odd, even = "9007199254740993", "9007199254740992"
	for c := range doc.Children(0) {
		member := s.Property(string(doc.Key(c)))
		if member == nil || doc.Kind(c) != jsonx.Number || wide(member) {
			continue
		}
		src, node := doc.Source(), doc.Node(c)
		got := p.create(op, lawful, string(src[:node.Start])+odd+string(src[node.End:]))
		if got == nil || got.Status/100 != 2 || !bytes.Contains(got.Body, []byte(even)) || bytes.Contains(got.Body, []byte(odd)) {
			continue
		}
		p.report(op, string(CodeNumber), fmt.Sprintf("POST %s took %s as %s and gave %s back", op.Path, doc.Key(c), odd, even))
		return
	}
}

func (p *prober) report(op *contract.Operation, code, proof string) {
	p.t.Report(risk.Finding{Operation: op.Key, Confirmed: true, At: op.At, Code: code, Proof: proof})
}

// ask is the answer to the lawful request with another query.
func (p *prober) ask(lawful *risk.Attempt, query string) *risk.Seen {
	try := *lawful
	try.Query = query
	return p.send(&try)
}

// create is the answer to the lawful request with another body. What was
// created is deleted where Location and the contract say how.
func (p *prober) create(op *contract.Operation, lawful *risk.Attempt, body string) *risk.Seen {
	try := *lawful
	try.Body = []byte(body)
	seen := p.send(&try)
	if seen == nil || seen.Status/100 != 2 {
		return seen
	}
	u, err := url.Parse(seen.Fields.Get("Location"))
	if err != nil {
		return seen
	}
	var m match.Match
	if c, err := canon.Path(u.EscapedPath()); err == nil && p.router.Find(c.Decoded, "DELETE", &m) == match.Yes && op.Path != u.Path {
		p.send(&risk.Attempt{As: lawful.As, Method: "DELETE", Path: c.Text})
	}
	return seen
}

// bodySchema is the schema of a JSON body, or nil.
func bodySchema(op *contract.Operation) *contract.Schema {
	if op.Body == nil {
		return nil
	}
	for _, m := range op.Body.Media {
		if m.Type == "application/json" && m.Schema != nil {
			return resolve(m.Schema)
		}
	}
	return nil
}

// resolve follows references that stand alone, a bounded number of them.
func resolve(s *contract.Schema) *contract.Schema {
	for range 16 {
		if s.Ref == nil {
			break
		}
		s = s.Ref
	}
	return s
}

// maxLong bounds a text that is sent to be too long, in bytes.
const maxLong = 4 << 10

// breach is a text that s refuses, or "".
func breach(s *contract.Schema, canary string) string {
	if !s.Allows(contract.StringType) {
		return ""
	}
	switch {
	case s.Enum != nil:
		return canary
	case s.MaxLength != contract.Unset && s.MaxLength < maxLong:
		return strings.Repeat(canary, s.MaxLength/len(canary)+1)
	}
	return ""
}

func same(want, got *risk.Seen) bool {
	return got != nil && got.Status == want.Status && bytes.Equal(got.Body, want.Body)
}
