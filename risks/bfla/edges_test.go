package bfla

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

func TestWhatTheRefusalSays(t *testing.T) {
	t.Parallel()
	at := func(line int) source.Span { return source.Span{File: "api.yaml", Line: line} }
	for _, c := range []struct {
		op     *contract.Operation
		line   int
		scopes string
	}{
		{operation([]string{"b", "a"}), 3, "a b"},
		{operation(nil, []string{"b", "a"}, []string{"Z"}), 7, "Z, or a b"},
		{operation([]string{"c"}, []string{"b"}, []string{"a"}), 3, "c, and also a, or b"},
	} {
		for i := range c.op.Security {
			c.op.Security[i].At = at(7 + i)
		}
		placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: c.op})
		if err != nil || len(placed) != 1 {
			t.Fatal(placed, err)
		}
		want := &risk.Denial{
			Code: CodeScope, Status: 403, Title: "the credential does not allow this operation", At: at(c.line),
			Reason: "the caller holds no key with the scopes that the operation asks for: " + c.scopes,
		}
		if diff := cmp.Diff(want, placed[0].Guard.Check(risk.NewExchange(&risk.Facts{Caller: risk.Caller{Kind: risk.KeyCaller}}, nil))); diff != "" {
			t.Error(diff)
		}
	}
	broken := operation(nil)
	broken.Extensions = contract.Extensions{{Name: "scopes", Value: source.Value{Kind: source.Null, At: at(9)}}}
	if _, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: broken}); err == nil || !strings.Contains(err.Error(), "api.yaml:9") || !strings.Contains(err.Error(), "GET /admin/orders") {
		t.Error(err)
	}
}

func TestDifferentWishesReadDifferently(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for i, op := range []*contract.Operation{
		operation([]string{"a"}, []string{"b"}), operation(nil, []string{"a"}, []string{"b"}), operation([]string{"a", "b"}), operation(nil, []string{"ab"}), operation([]string{"a"}, []string{"b"}, []string{"c"}),
	} {
		if other, twice := seen[asked(op)]; twice {
			t.Errorf("%d and %d both ask for %q", other, i, asked(op))
		}
		seen[asked(op)] = i
	}
	for _, same := range [][2]*contract.Operation{
		{operation([]string{"a", "b"}), operation([]string{"b", "a"})}, {operation(nil, []string{"a", "c"}, []string{"b"}), operation(nil, []string{"b"}, []string{"c", "a"})},
	} {
		if asked(same[0]) != asked(same[1]) {
			t.Errorf("%q is not %q", asked(same[0]), asked(same[1]))
		}
	}
	parts := operation(nil, []string{"a"})
	parts.Security[0].Parts = append(parts.Security[0].Parts, contract.Required{Scheme: &contract.Scheme{Kind: contract.OpenIDConnect}, Scopes: []string{"b"}})
	if got := asked(parts); got != "a b" {
		t.Errorf("two schemes at once ask for %q", got)
	}
	order := []string{"b", "a"}
	if asked(operation(nil, order)); order[0] != "b" {
		t.Error("the contract is changed")
	}
}

func TestScopesHoldNoBlanks(t *testing.T) {
	t.Parallel()
	for _, blank := range []string{" ", "\t", "\r", "\n"} {
		op := operation([]string{"a", "b" + blank + "c"}, []string{"d"})
		if got, at, err := ownScopes(op); got != nil || at.Line != 3 || !errors.Is(err, errScopes) || asked(op) != "" {
			t.Errorf("%q: %q %v %v", blank, got, at, err)
		}
	}
	if got, at, err := ownScopes(operation([]string{"a", "b"})); len(got) != 2 || at.Line != 3 || err != nil {
		t.Errorf("%q %v %v", got, at, err)
	}
}

// A meeting is one pair of answers.
type meeting struct {
	lawful, low int
	body, other string // what the lawful caller and the low one get
}

func (m meeting) send(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
	status, body := m.lawful, m.body
	if a.As == "bob" {
		status, body = m.low, m.other
	}
	if status == 0 {
		return nil, errors.New("reset")
	}
	return &risk.Seen{Status: status, Body: []byte(body)}, nil
}

func TestWhatTwoAnswersSay(t *testing.T) {
	t.Parallel()
	const one, two, fault = `{"id":1,"name":"a"}`, `{"id":2,"name":"b"}`, `{"error":"no"}`
	type verdict struct {
		Compared, Allowed bool
		Status            int
	}
	refused := func(status int) verdict { return verdict{true, false, status} }
	allowed := func(status int) verdict { return verdict{true, true, status} }
	for name, c := range map[string]struct {
		m    meeting
		want verdict
	}{
		"the same members":            {meeting{200, 200, one, two}, allowed(200)},
		"the first success":           {meeting{200, 299, one, two}, allowed(299)},
		"the last success":            {meeting{299, 200, one, two}, allowed(200)},
		"the lawful one gets a 199":   {meeting{199, 200, one, two}, verdict{}},
		"the lawful one is sent away": {meeting{300, 200, one, two}, verdict{}},
		"the lawful one is refused":   {meeting{403, 200, one, two}, verdict{}},
		"the lawful one gets nothing": {meeting{0, 200, one, two}, verdict{}},
		"the low one gets nothing":    {meeting{200, 0, one, two}, verdict{}},
		"a 299 with an error":         {meeting{200, 299, one, fault}, refused(299)},
		"300":                         {meeting{200, 300, one, one}, refused(300)},
		"399":                         {meeting{200, 399, one, one}, refused(399)},
		"400":                         {meeting{200, 400, one, one}, verdict{}},
		"401":                         {meeting{200, 401, one, one}, refused(401)},
		"402":                         {meeting{200, 402, one, one}, verdict{}},
		"403":                         {meeting{200, 403, one, one}, refused(403)},
		"404":                         {meeting{200, 404, one, one}, refused(404)},
		"405":                         {meeting{200, 405, one, one}, verdict{}},
		"500":                         {meeting{200, 500, one, one}, verdict{}},
		"199":                         {meeting{200, 199, one, one}, verdict{}},
		"one member less":             {meeting{200, 200, one, `{"id":2}`}, refused(200)},
		"one member more":             {meeting{200, 200, one, `{"id":2,"name":"b","x":1}`}, refused(200)},
		"another member":              {meeting{200, 200, one, `{"id":2,"nome":"b"}`}, refused(200)},
		"a longer list":               {meeting{200, 200, `[1]`, `[1,2,3]`}, allowed(200)},
		"lists of lists":              {meeting{200, 200, `[[1]]`, `[[1],[2,3]]`}, allowed(200)},
		"a member without a name":     {meeting{200, 200, `[0]`, `{"":0}`}, refused(200)},
		"a member in another":         {meeting{200, 200, `{"a":0,"ab":0}`, `{"a":{"b":0}}`}, refused(200)},
		"names with numbers":          {meeting{200, 200, `{"a12":0}`, `{"a34":0}`}, refused(200)},
		"a list for an object":        {meeting{200, 200, `{"id":1}`, `[1]`}, refused(200)},
		"no list":                     {meeting{200, 200, `[1]`, ` [] `}, verdict{}},
		"no object":                   {meeting{200, 200, one, "{}\n"}, verdict{}},
		"no body":                     {meeting{200, 200, one, "\n"}, verdict{}},
		"nothing for both":            {meeting{200, 200, `{}`, `{}`}, verdict{}},
		"text for both":               {meeting{200, 200, "secret", "secret"}, allowed(200)},
		"blanks for both":             {meeting{200, 200, " ", " "}, verdict{}},
		"a number for both":           {meeting{200, 200, "7", "7"}, allowed(200)},
		"other text":                  {meeting{200, 200, "secret", "Secret"}, refused(200)},
		"a page for JSON":             {meeting{200, 200, one, "<html>"}, refused(200)},
		"JSON for a page":             {meeting{200, 200, "<html>", one}, refused(200)},
		"the same error":              {meeting{200, 200, fault, fault}, allowed(200)},
	} {
		lawful := &risk.Attempt{As: "alice", Path: "/orders"}
		o, ok := compare(t.Context(), &risk.Target{Send: c.m.send}, lawful, "bob")
		if diff := cmp.Diff(c.want, verdict{ok, o.allowed, o.status}); diff != "" || lawful.As != "alice" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOnlyTheBeginningOfLongAnswersIsCompared(t *testing.T) {
	t.Parallel()
	long := func(n int, last string) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"m%04d":0,`, i)
		}
		return []byte(`{` + b.String() + last + `}`)
	}
	for n, want := range map[int]bool{maxNodes - 2: false, maxNodes - 1: true} {
		if got := same(long(n, `"a":0`), long(n, `"b":0`)); got != want {
			t.Errorf("%d members: %v", n, got)
		}
	}
	if same([]byte(`{}`), []byte(`{}`)) || !same([]byte(`[0]`), []byte(`[1]`)) {
		t.Error("an object with nothing in it says nothing; a list with one number does")
	}
}

// report runs the probe against an API that answers low callers as answer
// says; lawful callers get a success.
func report(t *testing.T, callers []string, ops []*contract.Operation, answer func(as, path string) meeting) (found []risk.Finding, sent []string, err error) {
	t.Helper()
	err = probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: ops}, Callers: callers,
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: callers[0], Method: op.Method, Path: op.Path}, op.Path != "/unknown"
		},
		Send: func(ctx context.Context, a *risk.Attempt) (*risk.Seen, error) {
			sent = append(sent, a.As+" "+a.Method+" "+a.Path)
			m := answer(a.As, a.Path)
			return m.send(ctx, &risk.Attempt{As: map[bool]string{true: "bob"}[a.As != callers[0]]})
		},
		Report: func(f risk.Finding) { found = append(found, f) },
	})
	return found, sent, err
}

func at(path, method string, scopes ...string) *contract.Operation {
	op := operation(scopes)
	op.Path, op.Method, op.Key, op.At = path, method, method+" "+path, source.Span{Line: len(path)}
	return op
}

const full = `{"id":1}`

func TestWhatTheProbeReports(t *testing.T) {
	t.Parallel()
	ops := []*contract.Operation{
		at("/a", "GET", "x"), at("/open", "GET"), at("/bb", "GET", "x"), at("/c", "GET", "y"), at("/write", "POST", "x"), at("/unknown", "GET", "x"),
	}
	found, sent, err := report(t, []string{"alice", "bob", "carol"}, ops, func(as, path string) meeting {
		if as == "bob" && path == "/bb" {
			return meeting{200, 403, full, ""}
		}
		return meeting{200, 201, full, full}
	})
	want := []risk.Finding{{
		Operation: "GET /a", Confirmed: true, At: source.Span{Line: 2}, Code: "bfla/scope",
		Proof: "bob got the answer of GET /a (201) that its lawful caller gets, and 403 from GET /bb, which asks for the same scopes (x)",
	}}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Errorf("%v, sent %q: %s", err, sent, diff)
	}
	wantSent := []string{
		"alice GET /a", "bob GET /a", "alice GET /bb", "bob GET /bb", "alice GET /c", "bob GET /c",
		"alice GET /a", "carol GET /a", "alice GET /bb", "carol GET /bb", "alice GET /c", "carol GET /c",
	}
	if diff := cmp.Diff(wantSent, sent); diff != "" {
		t.Error(diff)
	}
	found, _, err = report(t, []string{"alice", "bob"}, ops[:1], func(string, string) meeting { return meeting{200, 200, full, full} })
	want = []risk.Finding{{
		Operation: "GET /a", At: source.Span{Line: 2}, Code: "bfla/scope",
		Proof: "bob got the answer of GET /a (200) that its lawful caller gets; no operation that asks for scopes (x) refuses any caller",
	}}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}

func TestWhenTheProbeCannotCompare(t *testing.T) {
	t.Parallel()
	lost := func(string, string) meeting { return meeting{} }
	for name, c := range map[string]struct {
		callers []string
		ops     []*contract.Operation
		want    error
	}{
		"nobody":                 {nil, nil, errOneCaller},
		"one caller":             {[]string{"alice"}, nil, errOneCaller},
		"two, and nothing to do": {[]string{"alice", "bob"}, []*contract.Operation{at("/open", "GET"), at("/write", "POST", "x")}, nil},
		"no answer":              {[]string{"alice", "bob"}, []*contract.Operation{at("/a", "GET", "x")}, errNoAnswer},
		"no lawful request":      {[]string{"alice", "bob"}, []*contract.Operation{at("/unknown", "GET", "x")}, errNoAnswer},
		"the same caller twice":  {[]string{"alice", "alice"}, []*contract.Operation{at("/a", "GET", "x")}, errNoAnswer},
	} {
		if found, _, err := report(t, c.callers, c.ops, lost); !errors.Is(err, c.want) || found != nil {
			t.Errorf("%s: %v %v", name, found, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	target := &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{at("/a", "GET", "x")}}, Callers: []string{"alice", "bob"},
		Lawful: func(*contract.Operation) (*risk.Attempt, bool) { return &risk.Attempt{As: "alice"}, true },
		Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) {
			stop()
			return &risk.Seen{Status: 200, Body: []byte(full)}, nil
		},
	}
	if err := probe(ctx, target); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRequestsThatNameTheirCaller(t *testing.T) {
	t.Parallel()
	op := operation(nil, []string{"a"})
	op.Security[0].Parts = []contract.Required{{}, {Scheme: &contract.Scheme{Kind: contract.OAuth2, Field: "Accept"}}, {Scheme: &contract.Scheme{Kind: contract.APIKey, In: contract.InHeader, Field: "X-Token"}, Scopes: []string{"a"}}}
	for name, want := range map[string]bool{"": false, "Accept": false, "x-token": true, "authorization": true, "Cookie": true} {
		if got := names(op, &risk.Attempt{Fields: risk.Fields{{Name: name}}}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	n := 0
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{op}}, Callers: []string{"alice", "bob"},
		Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Fields: risk.Fields{{Name: "Cookie", Value: "session=1"}}}, true
		},
		Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) {
			n++
			return nil, errors.New("reset")
		},
	})
	if !errors.Is(err, errNoAnswer) || n != 0 {
		t.Errorf("%v after %d requests", err, n)
	}
}
