package methods

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhatRefusalsSay(t *testing.T) {
	t.Parallel()
	got := []*risk.Denial{
		build(t, &risk.Site{Scope: risk.OfAPI, API: &risk.API{}}, risk.Admit).(*routes).method,
		build(t, &risk.Site{Scope: risk.OfOperation, Op: order()}, risk.Head).(*fields).override,
	}
	want := []*risk.Denial{
		{Code: CodeMethod, Status: 405, Title: "this method is not allowed here", Allow: true, Reason: "the contract declares the path without this method"},
		{Code: CodeOverride, Status: 400, Title: "the method cannot be overridden", Reason: "a field names another method"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheLintSays(t *testing.T) {
	t.Parallel()
	at := func(line int) source.Span { return source.Span{File: "a", Line: line} }
	op := &contract.Operation{Method: "POST", Key: "POST /a"}
	var want []string
	for i, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		op.Parameters = append(op.Parameters, &contract.Parameter{In: contract.InHeader, Name: name, At: at(i + 1)})
		want = append(want, fmt.Sprintf(
			"%d warning methods/override-field: POST /a takes its method from the field %s, so that one operation is judged and another runs; remove the parameter, and declare the method as an operation of its own", i+1, name))
	}
	want = append(want, "9 warning methods/trace: TRACE /a is declared: it gives requests back with the credentials in them; remove the operation, and switch TRACE off in the server")
	var got []string
	lint(&contract.Contract{Operations: []*contract.Operation{op, {Method: "TRACE", Key: "TRACE /a", At: at(9)}}}, func(d source.Diagnostic) {
		got = append(got, fmt.Sprintf("%d %s %s: %s; %s", d.At.Line, d.Severity, d.Code, d.Text, d.Hint))
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A script is a target that answers by method and path, and by fields.
type script struct {
	ops     []*contract.Operation
	lawful  map[string]string // path by template; "": none
	callers []string
	answers map[string]*risk.Seen // by "METHOD /path", or "METHOD /path Field"; others are 404; nil: none
	sent    []string
	found   []string
}

func (s *script) probe(t *testing.T) error {
	t.Helper()
	return probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: s.ops}, Canary: func() string { return "canary" }, Callers: s.callers,
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			path, there := s.lawful[op.Path]
			if !there {
				path = op.Path
			}
			return &risk.Attempt{As: "alice", Method: op.Method, Path: path, Query: "a=b", Fields: risk.Fields{{Name: "X-Tenant", Value: "t"}}}, path != ""
		},
		Report: func(f risk.Finding) {
			if !f.Confirmed {
				t.Errorf("unproved: %+v", f)
			}
			s.found = append(s.found, fmt.Sprintf("%s at %s %d: %s", f.Code, f.Operation, f.At.Line, f.Proof))
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			what := a.Method + " " + a.Path
			for _, f := range a.Fields {
				if f.Name != "X-Tenant" && f.Name != "Content-Type" {
					what += " " + f.Name
				}
			}
			s.sent = append(s.sent, strings.Join(strings.Fields(a.As+" "+what+" "+a.Query+" "+a.Fields.Get("X-Tenant")+" "+a.Fields.Get("Content-Type")+" "+string(a.Body)), " "))
			seen, there := s.answers[what]
			if !there {
				seen = say(404, "canary")
			}
			if seen == nil {
				return say(200, "canary"), errors.New("reset")
			}
			return seen, nil
		},
	})
}

// operation declares "METHOD /path" on a line.
func operation(line int, key string) *contract.Operation {
	method, path, _ := strings.Cut(key, " ")
	op := &contract.Operation{Method: method, Path: path, Key: key}
	op.PathAt.Line = line
	return op
}

func TestWhatTheProbeSends(t *testing.T) {
	t.Parallel()
	own := operation(4, "POST /b")
	own.Parameters = []*contract.Parameter{{Name: "x-http-method", In: contract.InHeader}}
	s := &script{
		callers: []string{"carol", "alice"}, lawful: map[string]string{"/unknown": "", "/dots": "/dots/%2e%2e"},
		ops: []*contract.Operation{operation(1, "GET /unknown"), operation(2, "POST /a"), operation(3, "GET /a"), own, operation(5, "DELETE /b"), operation(6, "TRACE /c"), operation(7, "PUT /c"), operation(8, "GET /dots")},
		answers: map[string]*risk.Seen{
			"GET /a": say(200, "a"), "POST /a": say(400, "no"), "POST /b": say(500, ""),
		},
	}
	if err := s.probe(t); err != nil {
		t.Error(err)
	}
	want := []string{
		"carol GET /canary",
		"alice GET /a a=b t", "alice GET /a X-Http-Method-Override a=b t", "alice GET /a X-Http-Method a=b t", "alice GET /a X-Method-Override a=b t",
		"carol TRACE /a X-Trace-Me", "carol XCANARY /a", "carol PUT /a application/json {", "carol PATCH /a application/json {",
		"alice GET /dots/%2e%2e a=b t", "carol XCANARY /dots/%2e%2e",
		"alice POST /a a=b t {", "alice POST /a X-Http-Method-Override a=b t {", "alice POST /a X-Http-Method a=b t {", "alice POST /a X-Method-Override a=b t {",
		"alice POST /b a=b t {", "alice POST /b X-Http-Method-Override a=b t {", "alice POST /b X-Method-Override a=b t {",
		"carol TRACE /b X-Trace-Me", "carol XCANARY /b", "carol GET /b", "carol PUT /b application/json {", "carol PATCH /b application/json {",
		"carol XCANARY /c", "carol GET /c", "carol POST /c application/json {", "carol PATCH /c application/json {",
	}
	if diff := cmp.Diff(want, s.sent) + cmp.Diff([]string(nil), s.found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestACallerIsNotNeeded(t *testing.T) {
	t.Parallel()
	for callers, want := range map[string]string{"": "GET /canary", "carol": "carol GET /canary"} {
		s := &script{callers: strings.Fields(callers)}
		if err := s.probe(t); err != nil || len(s.sent) != 1 || s.sent[0] != want {
			t.Errorf("%v, sent %q", err, s.sent)
		}
	}
	s := &script{ops: []*contract.Operation{operation(1, "GET /a")}, answers: map[string]*risk.Seen{"GET /canary": nil}}
	if err := s.probe(t); !errors.Is(err, errNoAnswer) || len(s.sent) != 1 {
		t.Errorf("%v, sent %q", err, s.sent)
	}
}

func TestWhatTheProbeReports(t *testing.T) {
	t.Parallel()
	const trace = "methods/trace at GET /a 1: TRACE /a was answered with %d and gave a field of the request back"
	const undeclared = "methods/undeclared at GET /a 1: PUT /a, which the contract does not declare, was answered with %d, an invented method with %d"
	const any = "methods/undeclared at GET /a 1: an invented method on /a got the answer of GET"
	const override = "methods/override at GET /a 1: GET /a got %d, and %d once X-Http-Method named an invented method: the API acts by the field"
	type answers map[string]*risk.Seen
	ok := say(200, "a")
	for name, c := range map[string]struct {
		ops string
		answers
		want string
	}{
		"TRACE":                             {"GET /a", answers{"TRACE /a X-Trace-Me": say(299, "X-Trace-Me: canary")}, fmt.Sprintf(trace, 299)},
		"TRACE that is no success":          {"GET /a", answers{"TRACE /a X-Trace-Me": say(300, "canary")}, ""},
		"TRACE that is less than a success": {"GET /a", answers{"TRACE /a X-Trace-Me": say(199, "canary")}, ""},
		"TRACE that gives nothing back":     {"GET /a", answers{"TRACE /a X-Trace-Me": ok}, ""},
		"TRACE that is lost":                {"GET /a", answers{"TRACE /a X-Trace-Me": nil}, ""},

		"a method":                             {"GET /a", answers{"PUT /a": say(204, "")}, fmt.Sprintf(undeclared, 204, 404)},
		"a method with an odd success":         {"GET /a", answers{"PUT /a": say(299, ""), "XCANARY /a": say(501, "")}, fmt.Sprintf(undeclared, 299, 501)},
		"a method that is no success":          {"GET /a", answers{"PUT /a": say(300, ""), "XCANARY /a": say(405, "")}, ""},
		"a method that is less than a success": {"GET /a", answers{"PUT /a": say(199, ""), "XCANARY /a": say(405, "")}, ""},
		"a method that is lost":                {"GET /a", answers{"PUT /a": nil}, ""},
		"a method like any other":              {"GET /a", answers{"PUT /a": ok, "XCANARY /a": say(500, "")}, ""},
		"a method where others are forbidden":  {"GET /a", answers{"PUT /a": ok, "XCANARY /a": say(403, "")}, ""},
		"a method where others are lost":       {"GET /a", answers{"PUT /a": ok, "XCANARY /a": nil}, ""},

		"any method":                          {"GET /a", answers{"XCANARY /a": ok, "GET /a": ok}, any},
		"any method, with GET declared last":  {"POST /a,GET /a", answers{"XCANARY /a": ok, "GET /a": ok}, any},
		"any method, and no GET":              {"POST /a", answers{"XCANARY /a": ok, "POST /a": ok}, ""},
		"any method, with an odd success":     {"GET /a", answers{"XCANARY /a": say(299, "a"), "GET /a": say(299, "a")}, any},
		"any method gets something else":      {"GET /a", answers{"XCANARY /a": say(200, "b"), "GET /a": ok}, ""},
		"any method gets another status":      {"GET /a", answers{"XCANARY /a": say(201, "a"), "GET /a": ok}, ""},
		"any method gets nothing":             {"GET /a", answers{"XCANARY /a": say(200, ""), "GET /a": say(200, "")}, ""},
		"any method gets an error as GET":     {"GET /a", answers{"XCANARY /a": say(500, "a"), "GET /a": say(500, "a")}, ""},
		"any method works and GET does not":   {"GET /a", answers{"XCANARY /a": ok, "GET /a": say(500, "a")}, ""},
		"any method works and GET is lost":    {"GET /a", answers{"XCANARY /a": ok, "GET /a": nil}, ""},
		"any method gets less than a success": {"GET /a", answers{"XCANARY /a": say(199, "a"), "GET /a": say(199, "a")}, ""},

		"a field":                         {"GET /a", answers{"GET /a": ok, "GET /a X-Http-Method": say(405, "")}, fmt.Sprintf(override, 200, 405)},
		"a field that is not implemented": {"GET /a", answers{"GET /a": say(400, ""), "GET /a X-Http-Method": say(501, "")}, fmt.Sprintf(override, 400, 501)},
		"two fields, told once":           {"GET /a", answers{"GET /a": ok, "GET /a X-Http-Method": say(405, ""), "GET /a X-Method-Override": say(405, "")}, fmt.Sprintf(override, 200, 405)},
		"a field of a write": {"GET /a,POST /a", answers{"POST /a": say(400, ""), "POST /a X-Method-Override": say(405, "")},
			"methods/override at POST /a 2: POST /a got 400, and 405 once X-Method-Override named an invented method: the API acts by the field"},
		"a field that is not found":            {"GET /a", answers{"GET /a": ok, "GET /a X-Http-Method": say(404, "")}, ""},
		"a field that breaks the server":       {"GET /a", answers{"GET /a": ok, "GET /a X-Http-Method": say(500, "")}, ""},
		"a field that is a bad gateway":        {"GET /a", answers{"GET /a": ok, "GET /a X-Http-Method": say(502, "")}, ""},
		"a field that is lost":                 {"GET /a", answers{"GET /a": ok, "GET /a X-Http-Method": nil}, ""},
		"a field where nothing is":             {"GET /a", answers{"GET /a": say(404, ""), "GET /a X-Http-Method": say(405, "")}, ""},
		"a field where no method is allowed":   {"GET /a", answers{"GET /a": say(405, ""), "GET /a X-Http-Method": say(405, "")}, ""},
		"a field where nothing is implemented": {"GET /a", answers{"GET /a": say(501, ""), "GET /a X-Http-Method": say(405, "")}, ""},
		"a field where nothing answers":        {"GET /a", answers{"GET /a": nil, "GET /a X-Http-Method": say(405, "")}, ""},
	} {
		s := &script{answers: c.answers}
		for i, key := range strings.Split(c.ops, ",") {
			s.ops = append(s.ops, operation(i+1, key))
		}
		want := c.want
		if strings.HasPrefix(c.ops, "POST /a,") {
			want = strings.Replace(want, "GET /a 1", "GET /a 2", 1)
		}
		if err := s.probe(t); err != nil || strings.Join(s.found, "\n") != want {
			t.Errorf("%s: %v\nwant %s\ngot  %s", name, err, want, s.found)
		}
	}
}

func TestMethodsAreWrittenInCapitals(t *testing.T) {
	t.Parallel()
	if got := upper("`az{-AZ09é"); got != "`AZ{-AZ09é" {
		t.Error(got)
	}
}
