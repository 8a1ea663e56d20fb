package consumption

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

const (
	burst   = 60      // requests, one after the other: more would harm what is being tested
	huge    = 1000003 // elements; a number that stands nowhere by itself
	tooMany = 1000    // elements in one answer that show that there is no cap
)

var errNoAnswer = errors.New("no read-only operation answered its lawful caller")

// A prober attacks one target.
type prober struct {
	t    *risk.Target
	send func(*risk.Attempt) *risk.Seen // nil: no answer
}

// probe asks for huge pages, and for one page many times.
func probe(ctx context.Context, t *risk.Target) error {
	p := &prober{t: t, send: func(a *risk.Attempt) *risk.Seen {
		seen, err := t.Send(ctx, a)
		if err != nil {
			return nil
		}
		return seen
	}}
	var first *contract.Operation
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" {
			continue
		}
		lawful, ok := t.Lawful(op)
		if !ok {
			continue
		}
		seen := p.send(lawful)
		if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // the caller knows its context
		}
		if seen == nil || seen.Status/100 != 2 {
			continue
		}
		if first == nil {
			first = op
		}
		p.pages(op, lawful)
	}
	if first == nil {
		return errNoAnswer
	}
	return p.flood(ctx, first)
}

// pages asks for a page of an absurd size. Proof is that the answer says that
// it took the number, or holds more than anybody can want.
func (p *prober) pages(op *contract.Operation, lawful *risk.Attempt) {
	for _, param := range op.Parameters {
		if !pageParam(param) {
			continue
		}
		small, got := p.send(sized(lawful, param.Name, 1)), p.send(sized(lawful, param.Name, huge))
		if small == nil || got == nil || small.Status/100 != 2 || got.Status/100 != 2 {
			continue
		}
		a, b := weigh(small.Body), weigh(got.Body)
		proof := ""
		switch {
		case b.says && !a.says:
			proof = "and its answer says that it took the number"
		case b.most > tooMany && b.most > a.most:
			proof = fmt.Sprintf("and got %d elements at once, and %d when it asked for 1", b.most, a.most)
		default:
			continue
		}
		p.t.Report(risk.Finding{
			Operation: op.Key, Confirmed: true, At: param.At, Code: string(CodePage),
			Proof: fmt.Sprintf("%s %s was asked for %s=%d, %s", op.Method, op.Path, param.Name, huge, proof),
		})
		return
	}
}

// sized is a with one parameter of its query set to n.
func sized(a *risk.Attempt, name string, n int) *risk.Attempt {
	out := *a
	var parts []string
	for part := range strings.SplitSeq(a.Query, "&") {
		if key, _, _ := strings.Cut(part, "="); part != "" && key != name {
			parts = append(parts, part)
		}
	}
	out.Query = strings.Join(append(parts, escaped(name)+"="+strconv.Itoa(n)), "&")
	return &out
}

// escaped is a parameter's name as it stands in a query.
func escaped(name string) string {
	return strings.NewReplacer("[", "%5B", "]", "%5D").Replace(name)
}

// A weight is how much an answer holds.
type weight struct {
	says bool // the huge number stands in it, as a number
	most int  // elements of the longest list
}

func weigh(body []byte) weight {
	var w weight
	doc := jsonx.New(jsonx.Limits{})
	_ = doc.Parse(body) //nolint:errcheck // what is no JSON has no nodes
	for i := range doc.Len() {
		switch doc.Kind(i) {
		case jsonx.Array:
			w.most = max(w.most, doc.Count(i))
		case jsonx.Number:
			w.says = w.says || string(doc.Raw(i)) == strconv.Itoa(huge)
		default:
		}
	}
	return w
}

// flood sends one lawful read many times. Where no answer refuses, and none
// speaks of a limit, there is probably none: what comes after is not tried.
func (p *prober) flood(ctx context.Context, op *contract.Operation) error {
	lawful, _ := p.t.Lawful(op)
	for range burst {
		got := p.send(lawful)
		if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // the caller knows its context
		}
		if got == nil || got.Status/100 != 2 || slices.ContainsFunc(got.Fields, ofLimit) {
			return nil
		}
	}
	p.t.Report(risk.Finding{
		Operation: op.Key, At: op.At, Code: string(CodeNoLimit),
		Proof: fmt.Sprintf("%s %s answered %d requests in a row; none got 429, and no answer has a field such as RateLimit", op.Method, op.Path, burst),
	})
	return nil
}

// ofLimit tells whether a field speaks of a limit of rate.
func ofLimit(f risk.Field) bool {
	name := strings.ToLower(f.Name)
	return strings.HasPrefix(name, "ratelimit") || strings.HasPrefix(name, "x-ratelimit") || strings.HasPrefix(name, "x-rate-limit") || name == "retry-after"
}
