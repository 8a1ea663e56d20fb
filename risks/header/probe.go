package header

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// maxOperations bounds the requests of a probe: at most 20 for each.
const maxOperations = 8

var errNoAnswer = errors.New("the target did not answer")

// A prober attacks one target.
type prober struct {
	t              *risk.Target
	found          map[string]bool // code and field, each reported once
	answered, lost bool
	send           func(*risk.Attempt) *risk.Seen // nil: no answer
}

// probe says things twice, in other spellings, and in Connection. It only
// reads.
func probe(ctx context.Context, t *risk.Target) error {
	p := &prober{t: t, found: map[string]bool{}}
	p.send = func(a *risk.Attempt) *risk.Seen {
		seen, err := t.Send(ctx, a)
		if err != nil {
			p.lost = true
			return nil
		}
		p.answered = true
		return seen
	}
	tried := 0
	for _, op := range t.Contract.Operations {
		lawful, ok := t.Lawful(op)
		if op.Method != "GET" || !ok || tried == maxOperations {
			continue
		}
		tried++
		want := p.send(lawful)
		if want == nil || want.Status/100 != 2 || len(want.Body) == 0 || !same(want, p.send(lawful)) {
			continue // nothing can be compared with it
		}
		o := &operation{prober: p, op: op, lawful: lawful, want: want}
		o.credentials()
		o.parameters()
	}
	if p.lost && !p.answered {
		return errNoAnswer
	}
	return ctx.Err()
}

func (p *prober) report(op *contract.Operation, code, name, proof string) {
	if p.found[code+name] {
		return
	}
	p.found[code+name] = true
	p.t.Report(risk.Finding{Operation: op.Key, Confirmed: true, At: op.At, Code: code, Proof: proof})
}

// An operation is one whose lawful answer is steady.
type operation struct {
	*prober
	op     *contract.Operation
	lawful *risk.Attempt
	want   *risk.Seen
}

// with is the answer to the lawful request with more fields before its own.
func (o *operation) with(more ...risk.Field) *risk.Seen {
	try := *o.lawful
	try.Fields = append(slices.Clone(more), o.lawful.Fields...)
	return o.send(&try)
}

// without is the answer to the lawful request without a field of it, with
// another one in its place unless that is empty.
func (o *operation) without(name string, instead risk.Field) *risk.Seen {
	try := *o.lawful
	try.Fields = slices.DeleteFunc(slices.Clone(o.lawful.Fields), func(f risk.Field) bool { return risk.EqualFold(f.Name, name) })
	if instead.Name != "" {
		try.Fields = append(try.Fields, instead)
	}
	return o.send(&try)
}

// credentials tries the field that holds the caller's. An invented credential
// alone must be refused, as none is, else the field decides nothing here.
func (o *operation) credentials() {
	anonymous := *o.lawful
	anonymous.As = ""
	nobody := o.send(&anonymous)
	name := place(o.op)
	if name == "" || !denied(nobody) {
		return
	}
	garbage := risk.Field{Name: name, Value: value(name, o.t.Canary())}
	alone := anonymous
	alone.Fields = append(slices.Clone(o.lawful.Fields), garbage)
	refusal := o.send(&alone)
	if !denied(refusal) {
		return
	}
	if same(o.want, o.with(garbage)) {
		o.report(o.op, string(CodeDuplicate), name, fmt.Sprintf(
			"GET %s took two %s fields, an invented one before the caller's: the answer was that of the caller, while the invented one alone got %d", o.op.Path, name, refusal.Status))
	}
	if twin, ok := spelled(name); ok {
		o.twin(name, risk.Field{Name: twin, Value: garbage.Value}, refusal)
	}
	if same(nobody, o.with(risk.Field{Name: "Connection", Value: name})) {
		o.report(o.op, string(CodeHop), name, fmt.Sprintf("GET %s as its caller, with Connection: %s, got the %d of nobody: the field can be taken away", o.op.Path, name, nobody.Status))
	}
}

// place is the one field that holds the credential of a caller by the contract.
// It is "" where there may be several: an API that reads another one than that
// which was doubled takes no two.
func place(op *contract.Operation) string {
	out := ""
	for _, r := range op.Security {
		for _, part := range r.Parts {
			name := ""
			switch s := part.Scheme; s.Kind {
			case contract.HTTPAuth, contract.OAuth2, contract.OpenIDConnect:
				name = "Authorization"
			case contract.APIKey:
				if s.In == contract.InHeader {
					name = s.Field
				}
			case contract.MutualTLS:
			}
			if name == "" || out != "" && !risk.EqualFold(out, name) {
				return ""
			}
			out = name
		}
	}
	return out
}

// parameters tries the header fields that the operation declares and the
// lawful request has.
func (o *operation) parameters() {
	for _, p := range o.op.Parameters {
		if p.In != contract.InHeader || !o.lawful.Fields.Has(p.Name) {
			continue
		}
		canary := o.t.Canary()
		other := o.without(p.Name, risk.Field{Name: p.Name, Value: canary})
		if scalar(p) && other != nil && !same(o.want, other) {
			o.twice(p.Name, canary, other)
		}
		if twin, ok := spelled(p.Name); ok {
			o.twin(p.Name, risk.Field{Name: twin, Value: canary}, other)
		}
		absent := o.without(p.Name, risk.Field{})
		if absent != nil && absent.Status/100 == 2 && !same(o.want, absent) && same(absent, o.with(risk.Field{Name: "Connection", Value: p.Name})) {
			o.report(o.op, string(CodeHop), p.Name, fmt.Sprintf("GET %s with Connection: %s got the answer without %s: the field can be taken away", o.op.Path, p.Name, p.Name))
		}
	}
}

// twice sends a parameter with the lawful and another value.
func (o *operation) twice(name, canary string, other *risk.Seen) {
	got := o.with(risk.Field{Name: name, Value: canary})
	taken := same(other, got) && other.Status/100 == 2 // a refusal may be that of any two
	if !same(o.want, got) && !taken {
		return
	}
	o.report(o.op, string(CodeDuplicate), name, fmt.Sprintf("GET %s took two %s fields with two values, and answered %d as to one of them", o.op.Path, name, got.Status))
}

// twin adds a field in another spelling. Where the API takes it for the real
// one, the answer is that to the real one with the same value; a field with an
// underscore that means nothing is the control.
func (o *operation) twin(name string, f risk.Field, other *risk.Seen) {
	if other == nil || same(o.want, other) || other.Status == 400 || other.Status/100 == 5 {
		return
	}
	if got := o.with(f); !same(other, got) {
		return
	}
	if control := o.with(risk.Field{Name: "X_" + o.t.Canary(), Value: f.Value}); !same(o.want, control) {
		return
	}
	o.report(o.op, string(CodeUnderscore), name, fmt.Sprintf(
		"GET %s with a field %s beside its %s got %d, as with that value in %s; a field X_… that means nothing changed nothing", o.op.Path, f.Name, name, other.Status, name))
}

// spelled is a name with underscores for hyphens.
func spelled(name string) (string, bool) {
	out := strings.ReplaceAll(name, "-", "_")
	return out, out != name
}

// value is an invented credential.
func value(name, canary string) string {
	if name == "Authorization" {
		return "Bearer " + canary
	}
	return canary
}

func denied(s *risk.Seen) bool { return s != nil && (s.Status == 401 || s.Status == 403) }

func same(want, got *risk.Seen) bool {
	return got != nil && got.Status == want.Status && bytes.Equal(got.Body, want.Body)
}
