package path

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// maxOperations bounds the requests of a probe: at most 16 for each.
const maxOperations = 12

// A spelling is a path that is no spelling of another one by RFC 3986, and
// that programs which decode or resolve after others take for dir + "/" + last.
type spelling struct{ name, format string }

// spellings have dir, last and a canary in that order.
var spellings = [...]spelling{
	{"encoded dots", "%[1]s/%[3]s/%%2e%%2e/%[2]s"},
	{"dots and an encoded slash", "%[1]s/%[3]s/..%%2f%[2]s"},
	{"dots with a parameter", "%[1]s/%[3]s/..;/%[2]s"},
	{"dots encoded twice", "%[1]s/%[3]s/%%252e%%252e/%[2]s"},
	{"dots in overlong UTF-8", "%[1]s/%[3]s/%%c0%%ae%%c0%%ae/%[2]s"},
	{"dots and a backslash", `%[1]s/%[3]s\..\%[2]s`},
	{"dots and an encoded backslash", "%[1]s/%[3]s%%5c..%%5c%[2]s"},
	{"a path parameter", "%[1]s/%[2]s;%[3]s"},
	{"an encoded NUL", "%[1]s/%[2]s%%00%[3]s"},
}

var errNoAnswer = errors.New("the target did not answer")

// A prober attacks one target.
type prober struct {
	t              *risk.Target
	answered, lost bool
	send           func(*risk.Attempt) *risk.Seen // nil: no answer
}

// probe reads what lawful callers may read, by other paths. It changes
// nothing.
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
	tried, normalised := 0, false
	for _, op := range t.Contract.Operations {
		lawful, ok := t.Lawful(op)
		if op.Method != "GET" || !ok || tried == maxOperations {
			continue
		}
		tried++
		want := p.steady(lawful)
		if want == nil {
			continue
		}
		p.alias(op, lawful, want)
		if !normalised {
			normalised = p.normalise(op, lawful, want)
		}
	}
	if p.lost && !p.answered {
		return errNoAnswer
	}
	return ctx.Err()
}

// steady is the answer to a lawful request, or nil where it is no success with
// content, changes from call to call, or is the same for a path that does not
// exist: nothing can be compared with it.
func (p *prober) steady(lawful *risk.Attempt) *risk.Seen {
	want := p.send(lawful)
	if want == nil || want.Status/100 != 2 || len(want.Body) == 0 || !same(want, p.send(lawful)) {
		return nil
	}
	dir, _ := split(lawful.Path)
	if same(want, p.at(lawful, dir+"/"+p.t.Canary())) {
		return nil
	}
	return want
}

// normalise tries the spellings, and reports all that work in one finding.
func (p *prober) normalise(op *contract.Operation, lawful *risk.Attempt, want *risk.Seen) bool {
	dir, last := split(lawful.Path)
	if last == "" {
		return false
	}
	var works []string
	for _, s := range spellings {
		if same(want, p.at(lawful, fmt.Sprintf(s.format, dir, last, p.t.Canary()))) {
			works = append(works, s.name)
		}
	}
	if len(works) == 0 {
		return false
	}
	p.t.Report(risk.Finding{
		Operation: op.Key, Confirmed: true, At: op.PathAt, Code: string(CodeNormalised),
		Proof: fmt.Sprintf("GET %s got the same answer by paths that name something else (%s), and another one by a random path beside it",
			op.Path, strings.Join(works, ", ")),
	})
	return true
}

// alias asks for an operation by a spelling that the contract sends to another
// one, which is wider.
func (p *prober) alias(op *contract.Operation, lawful *risk.Attempt, want *risk.Seen) {
	wide := wider(p.t.Contract, op)
	dir, last := split(lawful.Path)
	if wide == nil || last != op.Path[strings.LastIndexByte(op.Path, '/')+1:] {
		return
	}
	for _, s := range [...]spelling{{"in capitals", strings.ToUpper(last)}, {"with a dot behind", last + "."}, {"as a format", last + ".json"}} {
		if s.format == last || !same(want, p.at(lawful, dir+"/"+s.format)) {
			continue
		}
		p.t.Report(risk.Finding{
			Operation: op.Key, Confirmed: true, At: op.PathAt, Code: string(CodeAlias),
			Proof: fmt.Sprintf("GET %s, written %s, is a path of %s by the contract, and got the answer of %s; a random one did not", op.Path, s.name, wide.Path, op.Path),
		})
		return
	}
}

// wider is an operation of the same method whose last segment is a parameter
// where that of op is a name.
func wider(c *contract.Contract, op *contract.Operation) *contract.Operation {
	mine := segments(op.Path)
	for _, o := range c.Operations {
		theirs := segments(o.Path)
		if o.Method == op.Method && within(mine, theirs) && theirs[len(theirs)-1] == parameter {
			return o
		}
	}
	return nil
}

// at sends a lawful request to another path.
func (p *prober) at(lawful *risk.Attempt, path string) *risk.Seen {
	try := *lawful
	try.Path = path
	return p.send(&try)
}

func same(want, got *risk.Seen) bool {
	return got != nil && got.Status == want.Status && bytes.Equal(got.Body, want.Body)
}

// split cuts a path before its last slash.
func split(path string) (dir, last string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}
