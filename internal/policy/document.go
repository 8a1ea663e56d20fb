package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// A Document is what the x-sallyport-* members of an API's document say in the
// terms of the policy: x-sallyport-max-body is max_body.
type Document struct {
	Settings               // of the root: what the API starts from
	Operations []Operation // only those that say something, in the order of the document
}

// FromContract reads the x-sallyport-* members at the root and the operations
// of c. Members at the root take the keys of an API, those of an operation the
// keys of an operation; those of a path item hold for its operations. Those
// that ofContract names are no settings.
func FromContract(c *contract.Contract, risks []risk.Risk) (Document, source.List) {
	r := &reader{risks: risks}
	d := document(r, c)
	return d, r.sorted()
}

func document(r *reader, c *contract.Contract) (d Document) {
	levels := settings(r.risks)
	r.under("document", func() {
		d.Settings, _ = extensions(levels.api, strays("an operation", "public")).read(r, extended(c.Extensions, c.At))
	})
	operation := extensions(levels.operation, nil)
	for _, op := range c.Operations {
		v := extended(op.Extensions, op.At)
		if len(v.Members) == 0 {
			continue
		}
		r.under(op.Key, func() {
			if s, ok := operation.read(r, v); ok {
				d.Operations = append(d.Operations, Operation{Selector: Text{op.ID, op.At, true}, Key: op.Key, Settings: s})
			}
		})
	}
	return d
}

// extensions is the grammar of x-sallyport-* members.
func extensions(members []member[Settings], astray []stray) record[Settings] {
	return record[Settings]{members: members, astray: astray,
		later: []string{"authorize", "limits", "fields", "resource", "auth"}}
}

// extended is e as a map with the keys of the policy. Where a name stands at
// an operation and its path item, the first one wins, the operation's.
func extended(e contract.Extensions, at source.Span) source.Value {
	v := source.Value{At: at, Kind: source.Object}
	for _, m := range e {
		name := strings.ReplaceAll(m.Name, "-", "_")
		switch {
		case strings.HasPrefix(m.Name, "x-"), ofContract(name), has(v, name):
			continue
		}
		v.Members = append(v.Members, source.Member{Name: name, NameAt: m.NameAt, Value: m.Value})
	}
	return v
}

// ofContract tells whether the member belongs to the contract itself, and is
// left to those who read it there: what a schema marks, the scopes that an
// operation asks for, since when it is deprecated and what succeeds it, and
// that it changes the protocol.
func ofContract(name string) bool {
	switch name {
	case "sensitive", "content", "scopes", "deprecated", "successor", "websocket":
		return true
	}
	return false
}

// WithContract returns a policy in which the API called api knows its
// contract: what the document says of itself is taken in, and each selector of
// an operation is tied to the operation that it means. An unknown api leaves p
// as it is.
func (p *Policy) WithContract(api string, c *contract.Contract, risks []risk.Risk) (*Policy, source.List) {
	i := slices.IndexFunc(p.APIs, func(a *API) bool { return a.Name.Value == api })
	if i < 0 {
		return p, nil
	}
	r := &reader{risks: risks, text: p.text}
	a := *p.APIs[i]
	a.Document = document(r, c)
	a.Operations = tie(r, &a, c)
	if r.failed > 0 {
		return nil, r.sorted()
	}
	out := *p
	out.APIs = slices.Clone(p.APIs)
	out.APIs[i] = &a
	return &out, r.sorted()
}

// tie finds the operation of c that each selector means. A template is
// compared without the names of its parameters.
func tie(r *reader, a *API, c *contract.Contract) []Operation {
	known, words := map[string]*contract.Operation{}, []string{}
	for _, op := range c.Operations {
		for _, word := range []string{op.ID, op.Key} {
			known[word] = op
		}
		words = append(words, op.ID, op.Method+" "+op.Path)
	}
	out, first := slices.Clone(a.Operations), map[string]Operation{}
	for i := range out {
		s := out[i].Selector
		op := known[s.Value]
		if op == nil || strings.Contains(s.Value, " ") {
			op = known[match.Erase(s.Value)]
		}
		if op == nil {
			hint := "write METHOD /template as in the document, or the operationId"
			if !r.errors.Full() { // each search reads all words
				hint = cmp.Or(near(s.Value, words), hint)
			}
			r.fail(s.At, CodeUnknownOperation, fmt.Sprintf("apis.%s: the document has no operation %s", a.Name.Value, quote(s.Value)), hint)
			continue
		}
		if other, ok := first[op.Key]; ok {
			r.fail(s.At, CodeSameOperation,
				fmt.Sprintf("apis.%s: %s is the operation %s of line %d", a.Name.Value, quote(s.Value), quote(other.Selector.Value), other.Selector.At.Line), "write all of its settings in one place")
			continue
		}
		out[i].Key = op.Key
		first[op.Key] = out[i]
	}
	return out
}
