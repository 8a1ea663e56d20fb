package redirect

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

func TestWhereABrowserGoes(t *testing.T) {
	t.Parallel()
	const nowhere = "!"
	for text, want := range map[string]string{
		"\t//a.example": "a.example", "\x01//a.example": "a.example", " \x1f https://a.example \x00": "a.example", "ht\ttps://a.example": "a.example",
		"orders": "", "": "", ":x": "", "a:b": nowhere, "https:a.example": "a.example", "https:": nowhere, "https://?a.example": nowhere, "https://#a": nowhere, "https://a?b/c": "a", "//a#b": "a", `//a\b`: "a",
		"javascript://own.example/%0aalert(1)": nowhere, "ftp://own.example/": nowhere, "/": "", `\`: "", "//": nowhere, "/a//b": "",
		"https://[::1]:8443/": "::1", "https://[::A]": "::a", "https://[]": "", "https://[::1": nowhere, "https://u@[::1]/": "::1",
		"https://a%62": nowhere, "https://a\x7f": nowhere, "https://a\x80": nowhere, "https://a b": nowhere, "https://a~b": "a~b", "https://a!b": "a!b", "https://A.Example.:443": "a.example",
		"https://a:b:c": "a", "https://a@b@c": "c", "https://@a": "a", "https://.": nowhere,
	} {
		host, lawful := hostOf(text)
		if !lawful {
			host = nowhere
		}
		if host != want {
			t.Errorf("%q leads to %q, want %q", text, host, want)
		}
	}
}

func TestWhatIsAScheme(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"a": true, "z": true, "A": true, "Z": true, "a0": true, "a9": true, "a+b": true, "a-b": true, "a.b": true, "view-source": true,
		"": false, "0a": false, "+a": false, "-a": false, ".a": false, "a/": false, "a:": false, "a,": false, "a@": false, "@": false, "[": false, "`": false, "{": false, "a_b": false, "a\u00e9": false, "a b": false,
	} {
		if scheme(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestWhereARefreshGoes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"5": "", "//a": "", ";url=//a": "//a", ",//a": "//a", "0; url=/b": "/b", "0;URL =\t/b": "/b", "0;url": "url", "0;ur": "ur", "0;u": "u", "0;": "", "0; ": "", "0;urls=x": "urls=x", "0;abc=//a": "abc=//a",
		"0;url=": "", `0;url="/b"c`: "/b", "0;'/b": "/b", `0;"`: "", "0;url='/a\"b'": `/a"b`, "0;/a;b": "/a;b",
	} {
		if got := refreshes(value); got != want {
			t.Errorf("%q leads to %q, want %q", value, got, want)
		}
	}
}

func TestWhatTheRefusalSays(t *testing.T) {
	t.Parallel()
	want := &risk.Denial{Code: CodeForeign, Status: 502, Title: "the reply of the service behind the gateway was withheld", Reason: "the reply redirects to a host that is not listed"}
	if diff := cmp.Diff(want, guardFor(t).Check(exchange(302, "Location", "//evil.example"))); diff != "" {
		t.Error(diff)
	}
	x := exchange(200, "refresh", "0;url=//evil.example")
	guardFor(t).Check(x)
	if diff := cmp.Diff([]risk.Edit{{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: "refresh"}}, x.Edits()); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyRedirectsAreHeld(t *testing.T) {
	t.Parallel()
	g := guardFor(t)
	for status, held := range map[int]bool{299: false, 300: true, 304: true, 399: true, 400: false, 500: false} {
		if d := g.Check(exchange(status, "Location", "//evil.example")); (d != nil) != held {
			t.Errorf("%d: %+v", status, d)
		}
	}
	if d := g.Check(exchange(302, "X-Location", "//evil.example")); d != nil {
		t.Errorf("another field: %+v", d)
	}
}

func TestWhichHostsAreOwn(t *testing.T) {
	t.Parallel()
	servers := func(urls ...string) *risk.API {
		c := &contract.Contract{}
		for _, u := range urls {
			c.Servers = append(c.Servers, contract.Server{URL: u})
		}
		return &risk.API{Contract: c}
	}
	for name, c := range map[string]struct {
		site risk.Site
		to   string
		ours bool
	}{
		"no settings, no API":   {risk.Site{}, "https://own.example/", true},
		"another host":          {risk.Site{}, "https://other.example/", false},
		"an API without a text": {risk.Site{API: &risk.API{}}, "https://other.example/", false},
		"a server":              {risk.Site{API: servers("https://other.example./")}, "https://other.example/", true},
		"one that is broken":    {risk.Site{API: servers("https://a b/", ":", "https://other.example")}, "https://other.example/", true},
		"one by its address":    {risk.Site{API: servers("https://[::1]:8443")}, "https://[::1]/", true},
		"only paths":            {risk.Site{API: servers("/v1", "")}, "//other.example", false},
		"a listed one":          {risk.Site{Params: Params{Hosts: []string{"a.example", "other.example"}}}, "//other.example", true},
	} {
		c.site.Scope = risk.OfAPI
		placed, err := newGuard(&c.site)
		if err != nil || len(placed) != 1 {
			t.Fatal(name, placed, err)
		}
		if d := placed[0].Guard.Check(exchange(302, "Location", c.to)); (d == nil) != c.ours {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestWhichParametersLead(t *testing.T) {
	t.Parallel()
	go302, quiet := []*contract.Reply{{Code: 404}, {Code: 302}}, []*contract.Reply{{Code: 200}}
	parameter := func(name string, in contract.In, s *contract.Schema) *contract.Parameter {
		return &contract.Parameter{Name: name, In: in, Schema: s}
	}
	in := &contract.Parameter{Name: "to", In: contract.InQuery, Content: &contract.Media{}}
	for name, c := range map[string]struct {
		replies []*contract.Reply
		p       *contract.Parameter
		want    bool
	}{
		"any text where it redirects":  {go302, parameter("a", contract.InQuery, nil), true},
		"text by its schema":           {go302, parameter("a", contract.InQuery, &contract.Schema{Types: contract.StringType}), true},
		"a number":                     {go302, parameter("to", contract.InQuery, &contract.Schema{Types: contract.IntegerType}), false},
		"in the path":                  {go302, parameter("to", contract.InPath, nil), false},
		"written in another way":       {go302, in, false},
		"any text where it stays":      {quiet, parameter("a", contract.InQuery, nil), false},
		"a name that says where to go": {quiet, parameter("to", contract.InQuery, nil), true},
	} {
		if got := leads(&contract.Operation{Replies: c.replies}, c.p); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, c := range []struct {
		r    contract.Reply
		want bool
	}{
		{contract.Reply{Code: 299}, false}, {contract.Reply{Code: 300}, true}, {contract.Reply{Code: 303}, true}, {contract.Reply{Code: 304}, false}, {contract.Reply{Code: 399}, true},
		{contract.Reply{Code: 400}, false}, {contract.Reply{Code: 3, Range: true}, true}, {contract.Reply{Code: 3}, false}, {contract.Reply{Code: 2, Range: true}, false},
	} {
		if got := redirects(&contract.Operation{Replies: []*contract.Reply{&c.r}}); got != c.want {
			t.Errorf("%+v: %v", c.r, got)
		}
	}
}

func TestNamesThatSayWhereToGo(t *testing.T) {
	t.Parallel()
	for name := range strings.FieldsSeq("next to goto go_to url redirect redirect_url redirect-uri redirectTo return return_to returnUrl return_uri continue dest destination target callback callback_url success-url cancelUrl backUrl forward RelayState") {
		if !tells(name) {
			t.Error(name)
		}
	}
	for name := range strings.FieldsSeq("nexts q returned id re.turn") {
		if tells(name) {
			t.Error(name)
		}
	}
}

func TestWhichSchemasBound(t *testing.T) {
	t.Parallel()
	chain := func(n int) *contract.Schema {
		s := &contract.Schema{Pattern: "^/"}
		for range n {
			s = &contract.Schema{Ref: s}
		}
		return s
	}
	for name, c := range map[string]struct {
		s    *contract.Schema
		want bool
	}{
		"none": {nil, false}, "any": {&contract.Schema{}, false}, "text": {&contract.Schema{Types: contract.StringType}, false}, "a pattern": {chain(0), true},
		"a list": {&contract.Schema{Enum: []source.Value{{Text: "/a"}}}, true}, "one value": {&contract.Schema{Const: &source.Value{Text: "/a"}}, true}, "an id": {&contract.Schema{Format: "uuid"}, true},
		"an address": {&contract.Schema{Format: "uri"}, false}, "a number": {&contract.Schema{Types: contract.NumericType}, true}, "a pattern at the end of seven": {chain(7), true}, "of eight": {chain(8), false},
	} {
		if got := bounded(c.s); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatTheLintSays(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Method: "GET", Path: "/go", Replies: []*contract.Reply{{Code: 302}}, Parameters: []*contract.Parameter{
		{Name: "to", In: contract.InPath}, {Name: "id", In: contract.InQuery}, {Name: "to", In: contract.InQuery, At: source.Span{Line: 7}},
	}}
	var got []source.Diagnostic
	lint(&contract.Contract{Operations: []*contract.Operation{op}}, func(d source.Diagnostic) { got = append(got, d) })
	want := []source.Diagnostic{{
		At: source.Span{Line: 7}, Severity: source.Warning, Code: CodeParameter, Text: `GET /go redirects, and the parameter "to" may hold any address`,
		Hint: "take paths of your own only: pattern: '^/([A-Za-z0-9_-][A-Za-z0-9/_-]*)?$', or an enum",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOneParameterOfAQueryIsReplaced(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"": "to=%2Fx", "a=1": "a=1&to=%2Fx", "to=1&a=2&to=3": "a=2&to=%2Fx", "%74o=1": "to=%2Fx", "&&a&to": "a&to=%2Fx", "%zz=1": "%zz=1&to=%2Fx", "toto=1": "toto=1&to=%2Fx",
	} {
		if got := with(query, "to", "/x"); got != want {
			t.Errorf("%q: %q", query, got)
		}
	}
	if got := with("", "a b", "/"); got != "a+b=%2F" {
		t.Errorf("%q", got)
	}
}

func TestWhatTheProbeFollows(t *testing.T) {
	t.Parallel()
	seen := func(status int, name, value string) *risk.Seen {
		return &risk.Seen{Status: status, Fields: risk.Fields{{Name: name, Value: value}}}
	}
	for status, want := range map[int]bool{200: false, 299: false, 300: true, 399: true, 400: false} {
		if got := follows(seen(status, "Location", "//made.example"), "made.example"); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
	if !follows(seen(200, "Refresh", "0;url=//made.example"), "made.example") || follows(seen(200, "Refresh", "0;url=//other.example"), "made.example") || follows(seen(302, "Location", "//other.example"), "made.example") {
		t.Error("a page that goes on by itself")
	}
}

// calls is a target whose operations take an address each in parameter "to".
func calls(operations, parameters int, send func(*risk.Attempt) (*risk.Seen, error), found *[]risk.Finding) *risk.Target {
	c := &contract.Contract{Operations: []*contract.Operation{{Method: "POST", Path: "/write", Parameters: []*contract.Parameter{{Name: "to", In: contract.InQuery}}}}}
	for i := range operations {
		op := &contract.Operation{Method: "GET", Path: fmt.Sprintf("/%d", i), Key: fmt.Sprintf("GET /%d", i), Replies: []*contract.Reply{{Code: 302}}}
		op.Parameters = append(op.Parameters, &contract.Parameter{Name: "id", In: contract.InPath})
		for k := range parameters {
			op.Parameters = append(op.Parameters, &contract.Parameter{Name: fmt.Sprintf("p%d", k), In: contract.InQuery, At: source.Span{Line: k + 1}})
		}
		c.Operations = append(c.Operations, op)
	}
	return &risk.Target{
		Contract: c, Canary: func() string { return "made" },
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{Method: op.Method, Path: op.Path, Query: "a=b"}, op.Path != "/0"
		},
		Send:   func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) { return send(a) },
		Report: func(f risk.Finding) { *found = append(*found, f) },
	}
}

func TestWhatTheProbeTries(t *testing.T) {
	t.Parallel()
	var found []risk.Finding
	var sent []string
	err := probe(t.Context(), calls(2, 2, func(a *risk.Attempt) (*risk.Seen, error) {
		sent = append(sent, a.Method+" "+a.Path+"?"+a.Query)
		if strings.HasSuffix(a.Query, "p1=%2F%2Fmade.example") {
			return &risk.Seen{Status: 302, Fields: risk.Fields{{Name: "Location", Value: "//made.example"}}}, nil
		}
		return &risk.Seen{Status: 302, Fields: risk.Fields{{Name: "Location", Value: "/"}}}, nil
	}, &found))
	want := []string{
		"GET /1?a=b&p0=https%3A%2F%2Fmade.example%2F", "GET /1?a=b&p0=%2F%2Fmade.example", "GET /1?a=b&p0=%2F%5Cmade.example", "GET /1?a=b&p0=https%3Amade.example",
		"GET /1?a=b&p1=https%3A%2F%2Fmade.example%2F", "GET /1?a=b&p1=%2F%2Fmade.example",
	}
	if diff := cmp.Diff(want, sent); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	wantFound := []risk.Finding{{
		Operation: "GET /1", At: source.Span{Line: 2}, Code: "redirect/foreign", Confirmed: true, Proof: `the parameter "p1" makes the reply (302) lead to a host made up by the probe`,
	}}
	if diff := cmp.Diff(wantFound, found); diff != "" {
		t.Error(diff)
	}
}

func TestTheProbeTriesFortyParameters(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{13: 39, 14: 40} { // three each; the first has no lawful request
		paths := map[string]bool{}
		var found []risk.Finding
		err := probe(t.Context(), calls(n+1, 3, func(a *risk.Attempt) (*risk.Seen, error) {
			name, _, _ := strings.Cut(strings.TrimPrefix(a.Query, "a=b&"), "=")
			paths[a.Path+" "+name] = true
			return &risk.Seen{Status: 404}, nil
		}, &found))
		if err != nil || len(paths) != want || found != nil {
			t.Errorf("%d operations: %d parameters, %v %v", n, len(paths), found, err)
		}
	}
}

func TestTheProbeSaysWhatFailed(t *testing.T) {
	t.Parallel()
	reset := errors.New("reset")
	n := 0
	var found []risk.Finding
	err := probe(t.Context(), calls(3, 1, func(*risk.Attempt) (*risk.Seen, error) {
		n++
		return nil, reset
	}, &found))
	if !errors.Is(err, reset) || n != 1 {
		t.Errorf("%v after %d requests", err, n)
	}
}
