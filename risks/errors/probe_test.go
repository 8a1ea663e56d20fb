package errors

import (
	"context"
	stderrors "errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestOneParameterIsSpoiledAtATime(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Method: "GET", Path: "/users", Parameters: []*contract.Parameter{
		{Name: "limit", In: contract.InQuery}, {Name: "sort", In: contract.InQuery}, {Name: "a[b]", In: contract.InQuery}, {Name: "X-Trace", In: contract.InHeader},
	}}
	var got []string
	for _, p := range provocations(op, &risk.Attempt{Method: "GET", Path: "/users", Query: "limit=5&tag=x"}) {
		got = append(got, p.what+": "+p.attempt.Query)
	}
	want := []string{
		"a quote in the query parameter limit: tag=x&limit=%27",
		"a number out of range in the query parameter limit: tag=x&limit=99999999999999999999",
		"a quote in the query parameter sort: limit=5&tag=x&sort=%27",
		"a number out of range in the query parameter sort: limit=5&tag=x&sort=99999999999999999999",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAtMostEightParametersAreSpoiled(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Method: "GET", Path: "/users"}
	for _, c := range "abcdefghij" {
		op.Parameters = append(op.Parameters, &contract.Parameter{Name: string(c), In: contract.InQuery})
	}
	if got := provocations(op, &risk.Attempt{}); len(got) != 16 || !strings.HasSuffix(got[15].attempt.Query, "h=99999999999999999999") {
		t.Errorf("%d provocations", len(got))
	}
}

func TestTheLintSaysEachNameOnce(t *testing.T) {
	t.Parallel()
	reply := func(line int, names ...string) *contract.Reply {
		s := &contract.Schema{}
		for i, n := range names {
			s.Properties = append(s.Properties, contract.Property{Name: n, NameAt: source.Span{Line: line + i}})
		}
		return &contract.Reply{Code: 500, Media: []*contract.Media{{Schema: s}}}
	}
	var got []string
	lint(&contract.Contract{Operations: []*contract.Operation{
		{Replies: []*contract.Reply{reply(10, "callstack", "title")}},
		{Replies: []*contract.Reply{reply(20, "callstack", "sql"), reply(30, "callstack")}},
	}}, func(d source.Diagnostic) {
		got = append(got, d.Error())
		if d.Hint == "" {
			t.Error("no hint")
		}
	})
	if len(got) != 2 || !strings.Contains(got[0], `"callstack"`) || !strings.Contains(got[0], "in 3 schemas") || !strings.Contains(got[1], `"sql"`) ||
		strings.Contains(got[1], "schemas") || !slices.ContainsFunc(got[:1], func(s string) bool { return strings.Contains(s, "10") }) {
		t.Error(got)
	}
}

// calls is a target with reads "/0", "/1" and so on.
func calls(n int, send func(*risk.Attempt) (*risk.Seen, error), found *[]risk.Finding) *risk.Target {
	c := &contract.Contract{Operations: []*contract.Operation{{Method: "PUT", Path: "/write"}, {Method: "GET", Path: "/unknown"}}}
	for i := range n {
		key := fmt.Sprintf("GET /%d", i)
		c.Operations = append(c.Operations, &contract.Operation{
			Method: "GET", Path: fmt.Sprintf("/%d", i), Key: key, At: source.Span{Line: i + 1}, Parameters: []*contract.Parameter{{Name: "q", In: contract.InQuery}},
		})
	}
	return &risk.Target{
		Contract: c,
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path}, op.Path != "/unknown"
		},
		Send:   func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) { return send(a) },
		Report: func(f risk.Finding) { *found = append(*found, f) },
	}
}

func TestTheProbeProvokesSixtyOperations(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{59: 59, 60: 60, 61: 60} {
		paths := map[string]int{}
		var found []risk.Finding
		err := probe(t.Context(), calls(n, func(a *risk.Attempt) (*risk.Seen, error) {
			paths[a.Path]++
			return &risk.Seen{Status: 400, Body: []byte("no")}, nil
		}, &found))
		if err != nil || len(paths) != want || paths["/0"] != 3 || paths["/write"]+paths["/unknown"] != 0 || found != nil {
			t.Errorf("%d operations: %d called, %v %v", n, len(paths), found, err)
		}
	}
}

func TestTheProbeSaysWhatFailed(t *testing.T) {
	t.Parallel()
	reset := stderrors.New("reset")
	for at, want := range []string{"call GET /0: reset", "provoke GET /0: reset", "provoke GET /0 again: reset"} {
		n := 0
		var found []risk.Finding
		err := probe(t.Context(), calls(2, func(a *risk.Attempt) (*risk.Seen, error) {
			if n++; n == at+1 {
				return nil, reset
			}
			if a.Query == "" {
				return &risk.Seen{Status: 200}, nil
			}
			return &risk.Seen{Status: 500, Body: []byte(python)}, nil
		}, &found))
		if !stderrors.Is(err, reset) || err.Error() != want || n != at+1 || found != nil {
			t.Errorf("request %d fails: %v after %d, %v", at+1, err, n, found)
		}
	}
}

func TestWhatTheProbeReports(t *testing.T) {
	t.Parallel()
	var found []risk.Finding
	err := probe(t.Context(), calls(1, func(a *risk.Attempt) (*risk.Seen, error) {
		if a.Query == "" {
			return &risk.Seen{Status: 200}, nil
		}
		return &risk.Seen{Status: 500, Body: []byte(python)}, nil
	}, &found))
	want := []risk.Finding{{
		Operation: "GET /0", At: source.Span{Line: 1}, Code: "errors/leak", Confirmed: true,
		Proof: "a quote in the query parameter q gets a reply with status 500 that shows the inside of the service; the lawful reply does not",
	}}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestWhatIsNewInAnAnswer(t *testing.T) {
	t.Parallel()
	calm := read(&risk.Seen{Body: []byte("TypeError: a")})
	for name, c := range map[string]struct {
		status      int
		media, body string
		want        bool
	}{
		"a leak": {400, "text/plain", python, true}, "a status that is no error": {399, "text/plain", python, false}, "what was there before": {500, "text/plain", "TypeError: a", false},
		"one hint": {500, "text/plain", "RangeError: a", false}, "another beside the one": {500, "text/plain", "TypeError: a, RangeError: b", true},
		"escapes in JSON": {500, " Application/Problem+JSON\t; a=b", `{"e":"\u0054raceback (most recent call last)"}`, true}, "escapes in text": {500, "text/plain", `\u0054raceback (most recent call last)`, false},
		"a page": {500, "text/html; x=json", `\u0054raceback (most recent call last)`, false},
	} {
		seen := &risk.Seen{Status: c.status, Body: []byte(c.body), Fields: risk.Fields{{Name: "Content-Type", Value: c.media}}}
		if got := news(seen, &calm); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	all := read(&risk.Seen{Body: []byte(python)})
	if news(&risk.Seen{Status: 500, Body: []byte(python)}, &all) {
		t.Error("the lawful answer says the same")
	}
}

func TestWhatProvokes(t *testing.T) {
	t.Parallel()
	body := &contract.Body{}
	list := func(op *contract.Operation, lawful *risk.Attempt) (out []string) {
		for _, p := range provocations(op, lawful) {
			text := p.what + ": " + p.attempt.Path
			if p.attempt.Query != "" {
				text += "?" + p.attempt.Query
			}
			if p.attempt.Body != nil {
				text += " " + string(p.attempt.Body)
			}
			out = append(out, text)
		}
		return out
	}
	long := strings.Repeat("9", 400)
	for name, c := range map[string]struct {
		op     *contract.Operation
		lawful *risk.Attempt
		want   []string
	}{
		"a write":                        {&contract.Operation{Method: "POST", Path: "/a/{id}", Body: body}, &risk.Attempt{Path: "/a/7", Body: []byte("{}")}, []string{`a body that ends early: /a/7 {"a":`}},
		"a write that sends nothing":     {&contract.Operation{Method: "POST", Path: "/a", Body: body}, &risk.Attempt{Path: "/a"}, nil},
		"a body that nobody declares":    {&contract.Operation{Method: "POST", Path: "/a"}, &risk.Attempt{Path: "/a", Body: []byte("{}")}, nil},
		"a fixed path":                   {&contract.Operation{Method: "GET", Path: "/a"}, &risk.Attempt{Path: "/a"}, nil},
		"a path of one segment":          {&contract.Operation{Method: "GET", Path: "/{id}"}, &risk.Attempt{Path: "/7"}, []string{"a quote in the path: /7%27", "a word in place of an id: /zzzz-none", "a long id: /" + long}},
		"a path of two":                  {&contract.Operation{Method: "GET", Path: "/a/{id}"}, &risk.Attempt{Path: "/a/7"}, []string{"a quote in the path: /a/7%27", "a word in place of an id: /a/zzzz-none", "a long id: /a/" + long}},
		"a path that is none":            {&contract.Operation{Method: "GET", Path: "{id}"}, &risk.Attempt{Path: "7"}, nil},
		"a read with a body":             {&contract.Operation{Method: "GET", Path: "/a", Body: body}, &risk.Attempt{Path: "/a", Body: []byte("{}")}, []string{`a body that ends early: /a {"a":`}},
		"a parameter":                    {&contract.Operation{Method: "GET", Path: "/a", Parameters: []*contract.Parameter{{Name: "q", In: contract.InQuery}}}, &risk.Attempt{Path: "/a", Query: "&q=1&&b"}, []string{"a quote in the query parameter q: /a?b&q=%27", "a number out of range in the query parameter q: /a?b&q=99999999999999999999"}},
		"a parameter without a name":     {&contract.Operation{Method: "GET", Path: "/a", Parameters: []*contract.Parameter{{In: contract.InQuery}}}, &risk.Attempt{Path: "/a"}, nil},
		"a parameter of another request": {&contract.Operation{Method: "GET", Path: "/a", Parameters: []*contract.Parameter{{Name: "q", In: contract.InCookie}}}, &risk.Attempt{Path: "/a"}, nil},
	} {
		if diff := cmp.Diff(c.want, list(c.op, c.lawful)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestNamesThatNeedNoEncoding(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a": true, "z": true, "A": true, "Z": true, "0": true, "9": true, "-": true, "_": true, ".": true, "page.size_AZ-09": true,
		"": false, "a b": false, "a[": false, "a`": false, "a{": false, "a@": false, "a/": false, "a:": false, "a\u00e9": false, "a,": false,
	} {
		if plainName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
