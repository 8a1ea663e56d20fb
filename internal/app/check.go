package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/internal/policy"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// Codes of the tests of a policy.
const (
	CodeTest      source.Code = "policy/test-failed"
	CodeUnchecked source.Code = "check/unchecked"
	CodeHeld      source.Code = "check/held"
)

// Checked is what `sallyport check` finds.
type Checked struct {
	Plan        string      // id of the Plan that would run
	APIs        []string    // one line about each API
	Diagnostics source.List // of policy and contracts: warnings and notes
	Design      source.List // of the design audit, by the lints of the risks
	Unchecked   source.List // parts of the contracts that nothing checks
	Tests       []TestResult
}

// A TestResult is one test of the policy.
type TestResult struct {
	Name   string
	At     source.Span
	Want   string
	Got    string
	Passed bool
}

// Failed counts the tests that failed.
func (c *Checked) Failed() int {
	n := 0
	for _, t := range c.Tests {
		if !t.Passed {
			n++
		}
	}
	return n
}

// Check reads policy and contracts, compiles them, runs the policy's tests and
// the design audit. It needs no state and calls nobody but for documents that
// are URLs. An error says why there is nothing to check.
func Check(ctx context.Context, opt Options) (*Checked, error) {
	l, err := load(ctx, opt, nil)
	if err != nil {
		return nil, err
	}
	out := &Checked{Plan: l.plan.ID, Diagnostics: l.list}
	for _, a := range l.plan.APIs {
		out.APIs = append(out.APIs, a.Name+": "+describe(a.Contract))
		for _, u := range a.Units {
			for _, part := range append(u.Request.Unchecked(), u.Reply.Unchecked()...) {
				out.Unchecked.Add(source.Diagnostic{At: part.At, Severity: source.Info, Code: CodeUnchecked, Text: u.Op.Key + ": " + part.What})
			}
			out.Diagnostics = append(out.Diagnostics, held(u)...)
		}
	}
	for _, r := range allRisks() {
		if r.Lint == nil {
			continue
		}
		for _, a := range l.plan.APIs {
			r.Lint(a.Contract, out.Design.Add)
		}
	}
	excerpt(out.Diagnostics, out.Design, out.Unchecked)
	out.Tests, err = testAll(ctx, opt, l)
	return out, err
}

// held lists the replies of an operation that are refused where they are larger
// than the buffer, since they cannot be checked while they pass.
func held(u *plan.Unit) source.List {
	var out source.List
	if !u.ReadsReply {
		return nil // nothing reads them
	}
	for _, h := range u.Reply.Held() {
		out.Add(source.Diagnostic{
			At: h.At, Severity: source.Info, Code: CodeHeld,
			Text: fmt.Sprintf("%s: a reply of %s over %d bytes is refused: %s", u.Op.Key, h.Media, u.Limits.MaxReply, h.Why),
			Hint: "raise max_reply where such replies may be larger",
		})
	}
	return out
}

// runTests refuses a policy with a failing test.
func runTests(ctx context.Context, opt Options, l *loaded) error {
	results, err := testAll(ctx, opt, l)
	if err != nil {
		return err
	}
	var list source.List
	for _, t := range results {
		if !t.Passed {
			list.Add(source.Diagnostic{At: t.At, Code: CodeTest, Text: fmt.Sprintf("the test %q wants %s, and got %s", t.Name, t.Want, t.Got), Hint: "sallyport check shows all of them"})
		}
	}
	if len(list) > 0 {
		return refusal(list)
	}
	return nil
}

func testAll(ctx context.Context, opt Options, l *loaded) ([]TestResult, error) {
	if len(l.policy.Tests) == 0 {
		return nil, nil
	}
	o, err := newOffline(opt, l.plan)
	if err != nil {
		return nil, err
	}
	var out []TestResult
	for i := range l.policy.Tests {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		out = append(out, o.test(ctx, &l.policy.Tests[i]))
	}
	return out, nil
}

// test runs one test of the policy.
func (o *offline) test(ctx context.Context, t *policy.Test) TestResult {
	c := call{fields: http.Header{}, host: "localhost"}
	c.method, c.target = t.Request()
	for _, a := range o.plan.APIs {
		if a.Host != "" {
			c.host = a.Host
		}
	}
	for _, h := range t.Headers {
		c.fields.Add(h.Name.Value, h.Value.Value)
		if risk.EqualFold(h.Name.Value, "Host") {
			c.host = h.Value.Value
		}
	}
	if t.Body.Set {
		text, isText := bodyOf(t.Body.Value)
		c.body = text
		if c.fields.Get("Content-Type") == "" && !isText {
			c.fields.Set("Content-Type", "application/json")
		}
	}
	switch t.As.Kind {
	case policy.Anonymous:
	case policy.WithKey:
		c.who = &risk.Caller{Kind: risk.KeyCaller, ID: "test", KeyID: "k_test"}
	case policy.Subject:
		c.who = &risk.Caller{Kind: risk.KeyCaller, ID: t.As.Sub.Value, KeyID: "k_test", Scopes: values(t.As.Scopes)}
	}
	e := o.run(ctx, c, func() *http.Response { return answerOf(&t.Upstream) })
	r := TestResult{Name: t.Name.Value, At: t.At, Want: t.Expect.Value.String(), Got: outcome(&e)}
	if r.Name == "" {
		r.Name = t.Do.Value
	}
	want := t.Expect.Value
	if want.Allow {
		r.Passed = e.Decision == event.Allow || e.Decision == event.Answer
	} else {
		r.Passed = e.Decision == event.Deny && e.Risk == want.Risk && (want.Status == 0 || want.Status == e.Status)
	}
	return r
}

// outcome is how an exchange ended, in the words of `expect`.
func outcome(e *event.Event) string {
	switch e.Decision {
	case event.Allow, event.Answer:
		return "allow"
	case event.Deny:
		if e.Risk == "" {
			return "deny by the floor, " + e.Code
		}
		return "deny " + e.Risk + " " + strconv.Itoa(e.Status)
	case event.Failed, event.Shed, event.Undecided:
	}
	return e.Decision.String() + " " + e.Code
}

// bodyOf is the body that a test means: text as it is, all else as JSON.
func bodyOf(v source.Value) (body []byte, isText bool) {
	if v.Kind == source.String {
		return []byte(v.Text), true
	}
	return appendJSON(nil, v), false
}

func appendJSON(dst []byte, v source.Value) []byte {
	switch v.Kind {
	case source.Absent, source.Null:
		return append(dst, "null"...)
	case source.Bool, source.Number:
		return append(dst, v.Text...)
	case source.String:
		return appendJSONText(dst, v.Text)
	case source.Array:
		dst = append(dst, '[')
		for i := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, v.Items[i])
		}
		return append(dst, ']')
	case source.Object:
		dst = append(dst, '{')
		for i := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendJSONText(dst, v.Members[i].Name), ':')
			dst = appendJSON(dst, v.Members[i].Value)
		}
		return append(dst, '}')
	}
	return dst
}

func appendJSONText(dst []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...) // a string always has a JSON form
	}
	return append(dst, text...)
}

// answerOf is the reply that the upstream of a test gives.
func answerOf(a *policy.Answer) *http.Response {
	r := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if a.Status.Set {
		r.StatusCode = int(a.Status.Value)
	}
	for _, h := range a.Headers {
		r.Header.Add(h.Name.Value, h.Value.Value)
	}
	var body []byte
	if a.Body.Set {
		var isText bool
		if body, isText = bodyOf(a.Body.Value); !isText && r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return r
}

// Diagnostics are those that err holds, if it is the user's to mend.
func Diagnostics(err error) source.List {
	var list source.List
	if errors.As(err, &list) {
		return list
	}
	var d source.Diagnostic
	if errors.As(err, &d) {
		return source.List{d}
	}
	return nil
}
