package authn

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
	s := site(op(one(bearer())))
	s.Op.At, s.Op.Security[0].At = source.Span{Line: 3}, source.Span{Line: 4}
	d := newDenials(s, &guard{header: "X-Api-Key", ways: newWays(s.Op.Security)})
	challenge := []risk.Field{{Name: "WWW-Authenticate", Value: `Bearer realm="orders"`}}
	for name, c := range map[string]struct{ got, want *risk.Denial }{
		"twice":       {d.twice, &risk.Denial{Code: CodeMissing, Status: 401, Title: "exactly one credential is needed", Reason: "the credential is there more than once", Fields: challenge}},
		"undeclared":  {d.undeclared, &risk.Denial{Code: CodeMissing, Status: 401, Title: "a credential is needed", Reason: "no credential that the document declares, or a malformed one", Fields: challenge, At: source.Span{Line: 4}}},
		"broken":      {d.broken, &risk.Denial{Code: CodeUnavailable, Status: 503, Title: "credentials cannot be checked now", Reason: "the verifier failed", Fields: []risk.Field{{Name: "Retry-After", Value: "5"}}}},
		"unsupported": {d.unsupported, &risk.Denial{Code: CodeUnsupported, Status: 403, Title: "no credential can be accepted here", Reason: "the operation asks for a credential that this version cannot check, and is closed", At: source.Span{Line: 3}}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestASchemeOfAnyNameIsChallenged(t *testing.T) {
	t.Parallel()
	s := site(op(one(scheme(contract.Scheme{Kind: contract.HTTPAuth, HTTP: "Digest"})), one(apiKey(contract.InCookie, `a"b`)), one(bearer()), one(bearer())))
	got := challenges(s, &guard{ways: newWays(s.Op.Security)})
	want := []risk.Field{
		{Name: "WWW-Authenticate", Value: `digest realm="orders"`}, {Name: "WWW-Authenticate", Value: `ApiKey realm="orders", in="cookie", name="a\"b"`},
		{Name: "WWW-Authenticate", Value: `Bearer realm="orders"`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := quote("a\\b\" ~}\x7f\x1f\xc3\xa9"); got != `"a\\b\" ~}"` {
		t.Errorf("quoted %s", got)
	}
}

func TestWhichHeadersTheDocumentUsesItself(t *testing.T) {
	t.Parallel()
	other := func(s contract.Scheme) *contract.Operation { return op(one(&s)) }
	param := op()
	param.Parameters = []*contract.Parameter{{Name: "X-API-KEY", In: contract.InHeader}}
	for name, c := range map[string]struct {
		op   *contract.Operation
		want bool
	}{
		"its key":                       {other(contract.Scheme{Kind: contract.APIKey, In: contract.InHeader, Field: "x-api-key"}), true},
		"a parameter":                   {param, true},
		"another header":                {other(contract.Scheme{Kind: contract.APIKey, In: contract.InHeader, Field: "X-Token"}), false},
		"a query key of the same name":  {other(contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Field: "X-Api-Key"}), false},
		"another kind of the same name": {other(contract.Scheme{Kind: contract.OAuth2, In: contract.InHeader, Field: "X-Api-Key"}), false},
		"a scheme that is not there":    {op(one(nil)), false},
	} {
		if got := declares(c.op, "X-Api-Key"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheDocumentsSchemesWorkWithoutAHeaderForKeys(t *testing.T) {
	t.Parallel()
	s := site(op(one(bearer())))
	s.API.KeyHeader = ""
	if d := build(t, s).Check(exchange(with(risk.Field{Name: "Authorization", Value: "Bearer abc"}))); d != nil {
		t.Errorf("refused: %+v", d)
	}
}

func TestAlternativesThatCannotBeCheckedAreClosed(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*contract.Scheme{
		"mutual TLS": {Kind: contract.MutualTLS}, "an unknown kind": {Kind: 99}, "no scheme": nil,
		"a scheme that is no token": {Kind: contract.HTTPAuth, HTTP: "a b"}, "a scheme without a name": {Kind: contract.HTTPAuth},
	} {
		x := exchange(with(risk.Field{Name: "Authorization", Value: "Bearer abc"}))
		if d := build(t, site(op([]*contract.Scheme{bearer(), s}))).Check(x); code(d) != CodeUnsupported {
			t.Errorf("%s: %v", name, d)
		}
		if d := build(t, site(op([]*contract.Scheme{bearer(), s}, one(bearer())))).Check(x); d != nil {
			t.Errorf("%s beside a way that works: %v", name, d)
		}
	}
	for name, s := range map[string]*contract.Scheme{"OpenID": {Kind: contract.OpenIDConnect}, "OAuth": {Kind: contract.OAuth2}} {
		if d := build(t, site(op(one(s)))).Check(exchange(with(risk.Field{Name: "Authorization", Value: "Bearer abc"}))); d != nil {
			t.Errorf("%s: %v", name, d)
		}
	}
	if _, ok := (way{}).present(&risk.Request{}); ok {
		t.Error("no parts are present")
	}
}

func TestTheFormOfAuthorization(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Bearer abc": "abc", "bearer   abc": "abc", "\tBearer abc\t": "abc", "Bearer": "", "Bearer ": "", "Basic abc": "", "Bearer a$c": "", "Bearer a b": "",
		"Bearer a=": "a=", "Bearer =": "", "": "",
	} {
		if got := authorization(risk.Fields{{Name: "Authorization", Value: text}}, "bearer"); got != want {
			t.Errorf("%q gives %q", text, got)
		}
	}
	for text, want := range map[string]string{"Basic YTpi": "YTpi", "Basic YTp": "", "Basic Y$pi": "", "Basic Y-pi": "", "Basic Y+/=": "Y+/="} {
		if got := authorization(risk.Fields{{Name: "Authorization", Value: text}}, "basic"); got != want {
			t.Errorf("%q gives %q", text, got)
		}
	}
	two := risk.Fields{{Name: "Authorization", Value: "Bearer abc"}, {Name: "authorization", Value: "Bearer abc"}}
	if got := authorization(two, "bearer"); got != "" {
		t.Errorf("two fields give %q", got)
	}
}

func TestLettersOfNames(t *testing.T) {
	t.Parallel()
	for _, c := range "09azAZ!#$%&'*+-.^_`|~" {
		if !token(string(c)) {
			t.Errorf("%q is a token", c)
		}
	}
	for _, c := range "/:@[{ \"(),;<=>?\\]}\x7f\x1f" {
		if token(string(c)) {
			t.Errorf("%q is no token", c)
		}
	}
	if token("") || !token68("09azAZ-._~+/==") || token68("a!") || token68("a{") {
		t.Error("the form of credentials")
	}
}

func seen(body string) *risk.Seen { return say(200, body) }

func TestShapes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, second string
		same, others  []string // answers that match, and that do not; nil: there is no shape
	}{
		"plain text":          {"hello", "hello", []string{"hello"}, []string{"hello!", "", `{"a":1}`}},
		"text that changes":   {"hello 1", "hello 2", nil, nil},
		"nothing":             {" \n", " \n", nil, nil},
		"a letter":            {"a", "a", []string{"a"}, []string{"b"}},
		"a number":            {"7", "7", []string{"7"}, []string{"8"}},
		"an empty list":       {"[]", "[]", nil, nil},
		"only empty members":  {`{"a":{},"b":[],"c":null}`, `{"a":{},"b":[],"c":null}`, nil, nil},
		"an empty object":     {`{"a":{}}`, `{"a":{}}`, nil, nil},
		"an empty array":      {`{"a":[]}`, `{"a":[]}`, nil, nil},
		"null":                {`{"a":null}`, `{"a":null}`, nil, nil},
		"other names":         {`{"a":1}`, `{"b":1}`, nil, nil},
		"more names":          {`{"a":1}`, `{"a":1,"b":1}`, nil, nil},
		"a value that counts": {`{"a":1,"n":1}`, `{"a":1,"n":2}`, []string{`{"a":1,"n":9}`, `{"n":3,"a":1}`}, []string{`{"a":2,"n":1}`, `{"a":1}`, `{"a":1,"m":1}`, `text`, `{"a":1,"n":1,"o":1}`}},
		"empty members too": {
			`{"a":1,"b":{},"c":[]}`, `{"a":1,"b":{},"c":[]}`, []string{`{"a":1,"b":{},"c":[]}`},
			[]string{`{"a":1,"b":[],"c":{}}`, `{"a":1,"b":{"x":1},"c":[]}`, `{"a":1,"b":{},"c":[1]}`, `{"a":1,"c":[]}`, `{"a":1,"b":{}}`, `{"a":1,"b":[],"c":[]}`, `{"a":1,"b":{},"c":{}}`},
		},
	} {
		s := newShape(seen(c.first), seen(c.second))
		if s == nil != (c.same == nil) {
			t.Errorf("%s: shape %+v", name, s)
			continue
		}
		for _, body := range c.same {
			if !s.matches(seen(body)) {
				t.Errorf("%s: %s does not match", name, body)
			}
			if s.matches(say(203, body)) {
				t.Errorf("%s: another status matches", name)
			}
		}
		for _, body := range c.others {
			if s.matches(seen(body)) {
				t.Errorf("%s: %s matches", name, body)
			}
		}
	}
}

func TestLeavesAreBounded(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1999: 1999, 2000: 2000, 2001: 2000} {
		body := "[" + strings.TrimSuffix(strings.Repeat("1,", n), ",") + "]"
		if got := len(leaves([]byte(body))); got != want {
			t.Errorf("%d leaves of %d", got, n)
		}
	}
	want := map[string]string{"/a": "{}", "/b": "[]", "/c/0": "1"}
	if diff := cmp.Diff(want, leaves([]byte(`{"a":{},"b":[],"c":[1]}`))); diff != "" {
		t.Error(diff)
	}
}

func TestTheProbeMeetsTrouble(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for name, c := range map[string]struct {
		fails func(a *risk.Attempt) bool
		want  error
	}{
		"the lawful request fails": {func(a *risk.Attempt) bool { return a.As != "" }, errNoAnswer},
		"the anonymous one fails":  {func(a *risk.Attempt) bool { return a.As == "" && a.Path == "/orders" }, errNoAnswer},
		"the control fails":        {func(a *risk.Attempt) bool { return a.Path != "/orders" }, errNoAnswer},
		"nothing fails":            {func(*risk.Attempt) bool { return false }, nil},
	} {
		var got []risk.Finding
		err := probe(t.Context(), target(op(one(bearer())), &got, func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			if c.fails(a) {
				return nil, broken
			}
			if s := lawful(a, 1); s.Status != 200 {
				return s, nil
			}
			return say(299, `{"owner":"alice"}`), nil // an odd success is one
		}))
		if !errors.Is(err, c.want) || (len(got) == 1) != (c.want == nil) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

func TestTheProbeStopsWhenItIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var got []risk.Finding
	n := 0
	target := target(op(one(bearer())), &got, func(context.Context, *risk.Attempt) (*risk.Seen, error) {
		n++
		cancel()
		return nil, fmt.Errorf("send: %w", ctx.Err())
	})
	if err := probe(ctx, target); !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%v after %d requests", err, n)
	}
	none := target
	none.Lawful = func(*contract.Operation) (*risk.Attempt, bool) { return nil, false }
	if err := probe(t.Context(), none); !errors.Is(err, errNoAnswer) {
		t.Error(err)
	}
}

func TestLintOfOddDocuments(t *testing.T) {
	t.Parallel()
	lintOf := func(ops ...*contract.Operation) (texts []string) {
		c := &contract.Contract{Operations: ops}
		for _, o := range ops {
			for _, r := range o.Security {
				for _, p := range r.Parts {
					c.Schemes = append(c.Schemes, p.Scheme)
				}
			}
		}
		lint(c, func(d source.Diagnostic) { texts = append(texts, d.Text) })
		return texts
	}
	if got := lintOf(op(), &contract.Operation{Method: "GET", Path: "/a"}); got != nil {
		t.Errorf("only open operations: %q", got)
	}
	if got := lintOf(op(one(bearer())), &contract.Operation{Method: "GET", Path: "/a"}); len(got) != 1 || got[0] != "GET /a declares no security, while other operations do" {
		t.Errorf("one forgotten: %q", got)
	}
	for n, want := range map[int]string{2: "2 operations declare no security, while others do: GET /0, GET /1", 3: "3 operations declare no security, while others do: GET /0, GET /1, GET /2", 4: "4 operations declare no security, while others do: GET /0, GET /1, GET /2 and 1 more"} {
		ops := []*contract.Operation{op(one(bearer()))}
		for i := range n {
			ops = append(ops, &contract.Operation{Method: "GET", Path: fmt.Sprintf("/%d", i), At: source.Span{Line: i + 5}})
		}
		var at source.Span
		lint(&contract.Contract{Operations: ops}, func(d source.Diagnostic) { at = d.At })
		if got := lintOf(ops...); len(got) != 1 || got[0] != want || at.Line != 5 {
			t.Errorf("%d forgotten, at line %d: %q", n, at.Line, got)
		}
	}
	if got := lintOf(op(one(scheme(contract.Scheme{Kind: contract.OAuth2, HTTP: "basic"})))); got != nil {
		t.Errorf("a name that means nothing: %q", got)
	}
}

func TestNobodyHasNoCredentialOfHisOwn(t *testing.T) {
	t.Parallel()
	keys := []*contract.Scheme{
		nil, apiKey(contract.InHeader, "X-Token"), apiKey(contract.InQuery, "k[]"), apiKey(contract.InCookie, "sid"),
		{Kind: contract.HTTPAuth, In: contract.InHeader, Field: "X-Other"}, {Kind: contract.OAuth2, In: contract.InQuery, Field: "page"},
	}
	field := func(name string) risk.Field { return risk.Field{Name: name, Value: "v"} }
	lawful := &risk.Attempt{
		As: "alice", Method: "GET", Path: "/a", Query: "page=1&k[]=2&k%5B%5D=3&kk=4&k[]",
		Fields: risk.Fields{field("cookie"), field("X-Other"), field("x-token"), field("AUTHORIZATION"), field("Accept")},
	}
	want := risk.Attempt{Method: "GET", Path: "/a", Query: "page=1&kk=4", Fields: risk.Fields{field("X-Other"), field("Accept")}}
	if diff := cmp.Diff(want, nobody(op(keys), lawful)); diff != "" {
		t.Error(diff)
	}
	if lawful.As != "alice" || lawful.Fields[0].Name != "cookie" || len(lawful.Fields) != 5 {
		t.Errorf("the lawful request is changed: %+v", lawful)
	}
	bare := nobody(op(), &risk.Attempt{As: "alice", Query: "k[]=2"})
	if diff := cmp.Diff(risk.Attempt{Query: "k[]=2"}, bare); diff != "" {
		t.Error(diff)
	}
}
