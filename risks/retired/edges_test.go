package retired

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhatTheRefusalSays(t *testing.T) {
	t.Parallel()
	g := place(t, operation(true, "x-sunset", "2027-06-30"), Params{})[risk.Admit]
	want := &risk.Denial{
		Code: CodeGone, Status: 410, Title: "this operation has been retired", At: source.Span{File: "api.yaml", Line: 10}, Reason: "its sunset was 2027-06-30T00:00:00Z",
		Fields: []risk.Field{{Name: "Sunset", Value: "Wed, 30 Jun 2027 00:00:00 GMT"}},
	}
	if diff := cmp.Diff(want, g.Check(risk.NewExchange(&risk.Facts{Env: clock{now: at(t, "2030-01-01T00:00:00Z")}}, nil))); diff != "" {
		t.Error(diff)
	}
}

func TestHowEndsAreAnnounced(t *testing.T) {
	t.Parallel()
	g := place(t, operation(true, "x-sunset", "2027-06-30", "deprecated", "2026-01-01", "successor", "/v2"), Params{})[risk.Reply]
	edit := func(do risk.Do, name, value string) risk.Edit {
		return risk.Edit{Do: do, On: risk.OnReply, Stage: risk.Decide, Name: name, Value: value}
	}
	link := edit(risk.AddField, "Link", `</v2>; rel="successor-version"`)
	for name, c := range map[string]struct {
		sent risk.Fields
		want []risk.Edit
	}{
		"a silent API":    {nil, []risk.Edit{edit(risk.SetField, "Deprecation", "@1767225600"), edit(risk.SetField, "Sunset", "Wed, 30 Jun 2027 00:00:00 GMT"), link}},
		"what it says":    {risk.Fields{{Name: "Deprecation", Value: "@1"}, {Name: "SUNSET", Value: "x"}, {Name: "Link", Value: "</a>"}}, []risk.Edit{link}},
		"only the sunset": {risk.Fields{{Name: "Sunset", Value: "x"}}, []risk.Edit{edit(risk.SetField, "Deprecation", "@1767225600"), link}},
	} {
		x := risk.NewExchange(&risk.Facts{Env: clock{now: at(t, "2026-05-04T03:02:01Z")}, Response: &risk.Response{Fields: c.sent}}, nil)
		g.Check(x)
		if diff := cmp.Diff(c.want, x.Edits()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhichDatesAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1969-12-31": "", "1970-01-01": "1970-01-01T00:00:00Z", "1971-01-01": "1971-01-01T00:00:00Z", "2027-06-30": "2027-06-30T00:00:00Z", "2027-06-30T12:00:00+02:00": "2027-06-30T10:00:00Z",
		"1969-12-31T23:59:59Z": "", "": "", "2027-06-31": "", "2027-6-30": "", "2027": "", "30.06.2027": "", "2027-06-30T12:00:00": "", "0001-01-01": "",
	} {
		got, ok := day(text)
		if ok != (want != "") || ok && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v %v", text, got, ok)
		}
	}
}

func TestWhatMayStandInALink(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"/v2": true, "/": true, "https://api.example/v2": true, "http://api.example": true, "/~a!%20": true,
		"": false, "v2/orders": false, "ftp://api.example": false, "javascript:x": false, "/a b": false, "/a\tb": false, "/a\x7fb": false, "/a\u00e9": false, "/a<": false, "/a>": false, `/a"`: false, `/a\b`: false,
	} {
		if reference(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestWhatTheContractSaysOfALife(t *testing.T) {
	t.Parallel()
	since := lifeOf(nil, operation(false, "deprecated", "2026-01-01"))
	if !since.deprecated || since.since.Year() != 2026 || !since.sunset.IsZero() || since.broken != nil {
		t.Errorf("a date since when alone: %+v", since)
	}
	root := &contract.Contract{Extensions: operation(false, "x-sunset", "2020-01-01", "successor", "/root").Extensions}
	own := lifeOf(root, operation(false, "x-sunset", "2030-01-01"))
	if own.sunset.Year() != 2030 || own.successor != "/root" {
		t.Errorf("the operation comes before the root: %+v", own)
	}
	bad := lifeOf(nil, operation(true, "x-sunset", "a", "deprecated", "b", "successor", "c"))
	if diff := cmp.Diff([]int{10, 12, 14}, []int{bad.broken[0].Line, bad.broken[1].Line, bad.broken[2].Line}); diff != "" || len(bad.broken) != 3 || bad.successor != "" || !bad.sunset.IsZero() {
		t.Errorf("%+v %s", bad, diff)
	}
}

func TestWhatTheLintSays(t *testing.T) {
	t.Parallel()
	root := operation(false, "x-sunset", "soon").Extensions
	good := operation(false, "x-sunset", "2030-01-01").Extensions
	marked := operation(false, "x-sunset", "2030-01-01")
	marked.At = source.Span{Line: 3}
	deprecated := operation(true)
	deprecated.At = source.Span{Line: 4}
	format := source.Diagnostic{
		At: source.Span{File: "api.yaml", Line: 10}, Severity: source.Warning, Code: CodeFormat, Text: "this is no date or URL that can be read, and counts as absent",
		Hint: "write dates as 2027-06-30, and a successor as /v2/orders or https://api.example.com/v2/orders",
	}
	for name, c := range map[string]struct {
		in   *contract.Contract
		want []source.Diagnostic
	}{
		"a broken root is told once":      {&contract.Contract{Extensions: root, Operations: []*contract.Operation{operation(false), operation(true)}}, []source.Diagnostic{format}},
		"an end at the root needs no tag": {&contract.Contract{Extensions: good, Operations: []*contract.Operation{operation(false)}}, nil},
		"an end that cannot be read":      {&contract.Contract{Operations: []*contract.Operation{operation(false, "x-sunset", "soon")}}, []source.Diagnostic{format}},
		"no tag": {&contract.Contract{Operations: []*contract.Operation{marked}}, []source.Diagnostic{{
			At: marked.At, Severity: source.Warning, Code: CodeNotMarked, Text: "GET /orders has an end, and is not marked as deprecated", Hint: "write deprecated: true, so that generated clients warn",
		}}},
		"no end": {&contract.Contract{Operations: []*contract.Operation{deprecated}}, []source.Diagnostic{{
			At: deprecated.At, Severity: source.Warning, Code: CodeNoSunset, Text: "GET /orders is deprecated, and nothing says when it ends", Hint: "write x-sunset: the date, from which the gateway answers 410",
		}}},
	} {
		var got []source.Diagnostic
		lint(c.in, func(d source.Diagnostic) { got = append(got, d) })
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhichSuccessIsTheDeclaredOne(t *testing.T) {
	t.Parallel()
	object := &contract.Schema{Properties: []contract.Property{{Name: "id"}, {Name: "note"}}}
	needs := &contract.Schema{Properties: object.Properties, Required: []string{"note", "id"}}
	chain := func(n int, s *contract.Schema) *contract.Schema {
		for range n {
			s = &contract.Schema{Ref: s}
		}
		return s
	}
	for name, c := range map[string]struct {
		media  string // "" for none
		schema *contract.Schema
		body   string
		want   bool
	}{
		"no media":                            {"", nil, "x", true},
		"no schema":                           {"application/json", nil, "", true},
		"a member":                            {"application/json", object, `{"x":1,"note":1}`, true},
		"the first member":                    {"application/json", object, `{"id":1}`, true},
		"no member that is declared":          {"application/json", object, `{"error":1}`, false},
		"all that is required":                {"application/json", needs, `{"id":1,"note":1}`, true},
		"a part of what is required":          {"application/json", needs, `{"note":1}`, false},
		"the other part":                      {"application/json", needs, `{"id":1}`, false},
		"no JSON where JSON is declared":      {"application/problem+json", object, "<html>", false},
		"text where text is declared":         {"text/plain", object, "a", true},
		"an empty text":                       {"text/plain", object, "", false},
		"a number":                            {"application/json", object, "7", false},
		"an object where nothing is declared": {"application/json", &contract.Schema{}, `{"a":1}`, true},
		"an object for a list":                {"application/json", &contract.Schema{Types: contract.ArrayType}, `{"a":1}`, false},
		"an object for items":                 {"application/json", &contract.Schema{Items: &contract.Schema{}}, `{"a":1}`, false},
		"a list":                              {"application/json", &contract.Schema{Types: contract.ArrayType}, `[1]`, true},
		"items":                               {"application/json", &contract.Schema{Items: &contract.Schema{}}, `[1]`, true},
		"a list in parts":                     {"application/json", &contract.Schema{AllOf: []*contract.Schema{{Types: contract.ArrayType}, {}}}, `[1]`, true},
		"a list for an object":                {"application/json", object, `[1]`, false},
		"a list for an object by type":        {"application/json", &contract.Schema{Types: contract.ObjectType}, `[1]`, false},
		"a text for a list":                   {"application/json", &contract.Schema{Types: contract.ArrayType}, `"a"`, false},
		"a part":                              {"application/json", &contract.Schema{AllOf: []*contract.Schema{needs}}, `{"id":1,"note":1}`, true},
		"a part that is missing":              {"application/json", &contract.Schema{AllOf: []*contract.Schema{needs}}, `{"id":1}`, false},
		"behind seven references":             {"application/json", chain(7, needs), `{"id":1}`, false},
		"behind eight, nobody looks":          {"application/json", chain(8, needs), `{"x":1}`, true},
	} {
		op, r := &contract.Operation{}, &contract.Reply{Code: 200}
		if c.media != "" {
			r.Media = []*contract.Media{{Type: c.media, Schema: c.schema}}
		}
		op.Replies = []*contract.Reply{r}
		if got := genuine(op, &risk.Seen{Status: 200, Body: []byte(c.body)}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if genuine(&contract.Operation{}, &risk.Seen{Status: 200, Body: []byte("x")}) {
		t.Error("no reply is declared")
	}
}

func TestWhatIsAsked(t *testing.T) {
	t.Parallel()
	op := func(method, path string, deprecated bool, members ...string) *contract.Operation {
		o := operation(deprecated, members...)
		o.Method, o.Path, o.Key, o.Replies = method, path, method+" "+path, []*contract.Reply{{Code: 200}, {Code: 299}, {Code: 300}, {Code: 199}}
		return o
	}
	type answers map[string]*risk.Seen
	say := func(status int, date string) *risk.Seen {
		return &risk.Seen{Status: status, Fields: risk.Fields{{Name: "Date", Value: date}}}
	}
	const after, before, day = "Wed, 30 Jun 2027 00:00:00 GMT", "Tue, 29 Jun 2027 23:59:59 GMT", "2027-06-30"
	const gone = "retired/gone GET /old was to end on 2027-06-30, and still gives its declared answer (200) on 2027-06-30"
	const silent = "retired/unannounced GET /old is deprecated, and its answer (200) has neither Deprecation nor Sunset"
	reset := errors.New("reset")
	for name, c := range map[string]struct {
		ops     []*contract.Operation
		answers answers // nothing: reset
		sent    string
		found   []string
		err     error
	}{
		"nothing to ask for":              {[]*contract.Operation{op("POST", "/old", true)}, nil, "", nil, nil},
		"one living read is enough":       {[]*contract.Operation{op("GET", "/a", false), op("GET", "/b", false), op("GET", "/c", false)}, answers{"/b": say(500, "")}, "/a /b", nil, nil},
		"old ones are asked all the same": {[]*contract.Operation{op("GET", "/a", false), op("GET", "/old", true)}, answers{"/a": say(500, ""), "/old": say(404, "")}, "/a /old", nil, nil},
		"nobody answers":                  {[]*contract.Operation{op("GET", "/a", false), op("GET", "/old", true)}, nil, "/a /old", nil, errNoAnswer},
		"the last day":                    {[]*contract.Operation{op("GET", "/old", true, "x-sunset", day)}, answers{"/old": say(200, before)}, "/old", []string{silent}, nil},
		"the day":                         {[]*contract.Operation{op("GET", "/old", true, "x-sunset", day)}, answers{"/old": say(200, after)}, "/old", []string{gone}, nil},
		"a date that cannot be read":      {[]*contract.Operation{op("GET", "/old", true, "x-sunset", day)}, answers{"/old": say(200, "2030")}, "/old", []string{silent}, nil},
		"without an end":                  {[]*contract.Operation{op("GET", "/old", true)}, answers{"/old": say(200, after)}, "/old", []string{silent}, nil},
		"a 299":                           {[]*contract.Operation{op("GET", "/old", true, "x-sunset", day)}, answers{"/old": say(299, after)}, "/old", []string{strings.Replace(gone, "200", "299", 1)}, nil},
		"a 300":                           {[]*contract.Operation{op("GET", "/old", true, "x-sunset", day)}, answers{"/old": say(300, after)}, "/old", nil, nil},
		"a 199":                           {[]*contract.Operation{op("GET", "/old", true, "x-sunset", day)}, answers{"/old": say(199, after)}, "/old", nil, nil},
		"one that is alive":               {[]*contract.Operation{op("GET", "/a", false)}, answers{"/a": say(200, after)}, "/a", nil, nil},
		"announced by one field":          {[]*contract.Operation{op("GET", "/old", true)}, answers{"/old": {Status: 200, Fields: risk.Fields{{Name: "deprecation", Value: "@1"}}}}, "/old", nil, nil},
		"no lawful request for one":       {[]*contract.Operation{op("GET", "/unknown", false), op("GET", "/unknown/old", true)}, answers{"/unknown/old": say(404, "")}, "/unknown/old", nil, nil},
	} {
		var sent, found []string
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: c.ops},
			Lawful: func(o *contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{Method: o.Method, Path: o.Path, Query: "lawful"}, !strings.HasPrefix(o.Path, "/unknown")
			},
			Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
				if lawful := a.Query == "lawful"; lawful == strings.HasPrefix(a.Path, "/unknown") || a.As != "" {
					t.Errorf("%s: sent %+v", name, a)
				}
				sent = append(sent, a.Path)
				if seen := c.answers[a.Path]; seen != nil {
					return seen, nil
				}
				return nil, reset
			},
			Report: func(f risk.Finding) {
				if found = append(found, f.Code+" "+f.Proof); !f.Confirmed || f.Operation != "GET /old" {
					t.Errorf("%+v", f)
				}
			},
		})
		if diff := cmp.Diff(c.found, found); diff != "" || strings.Join(sent, " ") != c.sent || !errors.Is(err, c.err) || c.err == nil && err != nil {
			t.Errorf("%s: %v, sent %q: %s", name, err, sent, diff)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	n := 0
	err := probe(ctx, &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{op("GET", "/a", true), op("GET", "/b", true)}},
		Lawful:   func(*contract.Operation) (*risk.Attempt, bool) { return &risk.Attempt{}, true },
		Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) {
			n++
			stop()
			return nil, reset
		},
	})
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%v after %d requests", err, n)
	}
}

func TestAttemptsForWhatNobodyUses(t *testing.T) {
	t.Parallel()
	text := func(s string) *contract.Schema { return &contract.Schema{Enum: []source.Value{{Text: s}}} }
	parameter := func(in contract.In, name string, required bool, s *contract.Schema) *contract.Parameter {
		return &contract.Parameter{In: in, Name: name, Required: required, Schema: s}
	}
	for name, c := range map[string]struct {
		callers    []string
		parameters []*contract.Parameter
		want       *risk.Attempt
	}{
		"two in the path":       {[]string{"alice", "bob"}, []*contract.Parameter{parameter(contract.InPath, "a", true, text("x")), parameter(contract.InPath, "b", true, text("y"))}, &risk.Attempt{As: "alice", Method: "GET", Path: "/x/y"}},
		"one without a value":   {nil, []*contract.Parameter{parameter(contract.InPath, "a", true, text("x")), parameter(contract.InPath, "b", true, nil)}, nil},
		"a query that may lack": {nil, []*contract.Parameter{parameter(contract.InQuery, "q", false, nil)}, &risk.Attempt{Method: "GET", Path: "/{a}/{b}"}},
		"a query that may not":  {nil, []*contract.Parameter{parameter(contract.InQuery, "q", true, text("x"))}, nil},
	} {
		got, ok := attempt(&risk.Target{Callers: c.callers}, &contract.Operation{Method: "GET", Path: "/{a}/{b}", Parameters: c.parameters})
		if diff := cmp.Diff(c.want, got); diff != "" || ok != (c.want != nil) {
			t.Errorf("%s: %v %s", name, ok, diff)
		}
	}
}

func TestSamplesAreAllowed(t *testing.T) {
	t.Parallel()
	value := func(s string) source.Value { return source.Value{Text: s} }
	for want, s := range map[string]*contract.Schema{
		"b":  {Examples: []source.Value{value(""), value("a b"), value("b"), value("c")}},
		"e":  {Enum: []source.Value{value("a/b"), value("e")}, Default: &source.Value{Text: "d"}},
		"-3": {Types: contract.NumericType, Minimum: "-3"}, "1": {Types: contract.NumericType},
		"": {Types: contract.NumericType, Minimum: "1.5"},
	} {
		if got := sample(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, s := range []*contract.Schema{{}, {Types: contract.StringType}, {Types: contract.BooleanType, Minimum: "1"}} {
		if got := sample(s); got != "" {
			t.Errorf("%q of %+v", got, s)
		}
	}
}
