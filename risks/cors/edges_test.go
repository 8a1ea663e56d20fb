package cors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhichFieldsGiveARight(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Access-Control-Allow-Origin": true, "ACCESS-CONTROL-X": true, "timing-allow-origin": true,
		"Access-Control-": false, "Access-Control": false, "X-Access-Control-Allow-Origin": false, "Content-Security-Policy": false, "Strict-Transport-Security": false, "": false,
	} {
		if got := grants(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	for value, want := range map[string]bool{"Origin": true, "Accept, origin": true, "Accept,\tOrigin ": true, "*": true, "Accept, *": true, "Accept": false, "X-Origin": false, "": false} {
		if got := lists(value, "Origin"); got != want {
			t.Errorf("Vary: %q: %v", value, got)
		}
	}
}

func TestVaryIsAddedOnceAndOnlyWhereTheOriginCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p    Params
		vary []string
		want int
	}{
		"a list":                            {Params{Origins: []string{app}}, nil, 1},
		"a list, said by the upstream":      {Params{Origins: []string{app}}, []string{"Origin", "Accept"}, 0},
		"a list, said last":                 {Params{Origins: []string{app}}, []string{"Accept", "Origin"}, 0},
		"a list, another field with Origin": {Params{Origins: []string{app}}, []string{"Accept"}, 1},
		"everybody":                         {Params{Origins: []string{"*"}}, nil, 0},
		"nobody":                            {Params{}, nil, 0},
	} {
		f := ask("GET", risk.Found, "Origin", "https://other.example")
		f.Response = &risk.Response{Status: 200}
		for _, v := range c.vary {
			f.Response.Fields = append(f.Response.Fields, risk.Field{Name: "Vary", Value: v})
		}
		x := risk.NewExchange(f, nil)
		g := guards(t, risk.OfOperation, c.p)[risk.Reply]
		if d := g.Check(x); d != nil {
			t.Fatal(d)
		}
		n := 0
		for _, e := range x.Edits() {
			if e.Name == "Vary" {
				n++
			}
		}
		if n != c.want {
			t.Errorf("%s: %d edits of Vary", name, n)
		}
		dressed := risk.NewExchange(ask("GET", risk.Found), nil)
		g.(*replies).Dress(dressed)
		want := 0
		if strings.HasPrefix(name, "a list") {
			want = 1
		}
		if got := dressed.Edits(); len(got) != want || want == 1 && (got[0].Name != "Vary" || got[0].Value != "Origin" || got[0].Do != risk.SetField) {
			t.Errorf("%s: a refusal is dressed with %+v", name, got)
		}
	}
	x := risk.NewExchange(ask("GET", risk.Found), nil)
	if d := guards(t, risk.OfOperation, Params{})[risk.Reply].Check(x); d != nil || len(x.Edits()) != 0 {
		t.Error("there is no reply to edit")
	}
}

func TestWhatAHeaderSays(t *testing.T) {
	t.Parallel()
	value := func(text string) *source.Value { return &source.Value{Text: text} }
	chain := func(n int) *contract.Schema {
		s := &contract.Schema{Const: value("*")}
		for range n {
			s = &contract.Schema{Ref: s}
		}
		return s
	}
	for name, c := range map[string]struct {
		s    *contract.Schema
		want bool
	}{
		"a constant": {&contract.Schema{Const: value("*")}, true}, "a default": {&contract.Schema{Default: value("*")}, true},
		"an enum": {&contract.Schema{Enum: []source.Value{*value("a"), *value("*")}}, true}, "an example": {&contract.Schema{Examples: []source.Value{*value("*")}}, true},
		"something else": {&contract.Schema{Const: value("a")}, false}, "nothing": {nil, false}, "silence": {&contract.Schema{}, false},
		"seven references": {chain(7), true}, "eight references": {chain(8), false},
	} {
		if got := says(&contract.Parameter{Schema: c.s}, "*"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLintNeedsTheOriginAndTheCredential(t *testing.T) {
	t.Parallel()
	h := func(name, text string) *contract.Parameter {
		return &contract.Parameter{Name: name, Schema: &contract.Schema{Const: &source.Value{Text: text}}}
	}
	for name, c := range map[string]struct {
		headers []*contract.Parameter
		want    int
	}{
		"null and credentials":          {[]*contract.Parameter{h("Access-Control-Allow-Origin", "null"), h("Access-Control-Allow-Credentials", "true")}, 1},
		"credentials that are false":    {[]*contract.Parameter{h("Access-Control-Allow-Origin", "*"), h("Access-Control-Allow-Credentials", "false")}, 0},
		"another header that says true": {[]*contract.Parameter{h("Access-Control-Allow-Origin", "*"), h("X-Cached", "true")}, 0},
		"another header that says *":    {[]*contract.Parameter{h("Allow", "*"), h("Access-Control-Allow-Credentials", "true")}, 0},
		"one origin":                    {[]*contract.Parameter{h("Access-Control-Allow-Origin", app), h("Access-Control-Allow-Credentials", "true")}, 0},
	} {
		n := 0
		for _, op := range []*contract.Operation{{}, {Secured: true}} { // open by silence, and open by word
			lint(&contract.Contract{Operations: []*contract.Operation{{Secured: op.Secured, Replies: []*contract.Reply{{Headers: c.headers}}}}}, func(source.Diagnostic) { n++ })
		}
		if n != 2*c.want {
			t.Errorf("%s: %d diagnostics", name, n)
		}
	}
}

func TestWhatPreflightsListAndForHowLong(t *testing.T) {
	t.Parallel()
	field := func(p Params, name string) string {
		return risk.Fields(newPreflights(access{}, &p, nil).fields).Get(name)
	}
	if a, b := field(Params{}, "Access-Control-Max-Age"), field(Params{MaxAge: 1}, "Access-Control-Max-Age"); a != "600" || b != "0" {
		t.Errorf("ages %s and %s", a, b)
	}
	if got := requestFields(&risk.API{KeyHeader: "X-Api-Key"}); len(got) != 2 {
		t.Errorf("without a contract: %q", got)
	}
	for name, c := range map[string]struct {
		s    contract.Scheme
		want string
	}{
		"a key": {contract.Scheme{Kind: contract.APIKey, In: contract.InHeader, Field: "X-K"}, "X-K"}, "a key in the query": {contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Field: "k"}, ""},
		"a token": {contract.Scheme{Kind: contract.HTTPAuth}, "Authorization"}, "OAuth": {contract.Scheme{Kind: contract.OAuth2}, "Authorization"},
		"OpenID": {contract.Scheme{Kind: contract.OpenIDConnect}, "Authorization"}, "mutual TLS": {contract.Scheme{Kind: contract.MutualTLS, In: contract.InHeader, Field: "X-K"}, ""},
	} {
		got := strings.Join(requestFields(&risk.API{Contract: &contract.Contract{Schemes: []*contract.Scheme{&c.s}}})[1:], " ")
		if got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	op := &contract.Operation{}
	for i := range 150 {
		op.Parameters = append(op.Parameters, &contract.Parameter{Name: fmt.Sprintf("X-%d", i), In: contract.InHeader})
	}
	if got := requestFields(&risk.API{Contract: &contract.Contract{Operations: []*contract.Operation{op}}}); len(got) != 100 {
		t.Errorf("%d fields", len(got))
	}
}

func TestOriginsAtTheEdges(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{
		"https://az09-_.example": "", "http://a": "", "https://a:65535": "", "https://a:80": "", "http://a:443": "", "https://[2001:db8::1]": "", "https://[::1]:8443": "",
		"http": "write https://host", "https": "write https://host", "ftp://a": "write https://host", "https://": "the host is missing", "https://:1": "the host is missing",
		"https://a:65536": "is no port", "https://a:0": "is no port", "https://a:x": "is no port", "https://a:": "is no port", "https://a:080": "is no port",
		"https://a:443": "default port", "http://a:80": "default port",
		"https://A": "lower case", "https://Z": "lower case", "https://a/": "no path", "https://*.a": "patterns are not possible", "https://\u00e9": "ASCII form", "https://\x80": "ASCII form",
		"https://a@b": "cannot stand", "https://a[b": "cannot stand", "https://a\x7f": "cannot stand",
		"https://[::1": "IPv6", "https://[::1x]": "IPv6", "https://[1.2.3.4]": "IPv6", "https://[0:0::1]": "IPv6", "https://[fe80::1%25a]": "IPv6",
	} {
		err := checkOrigin(origin)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", origin, err)
		}
	}
	for age, fine := range map[time.Duration]bool{24 * time.Hour: true, 24*time.Hour + 1: false, -1: false, 0: true} {
		p := Params{Origins: []string{app}, MaxAge: age}
		if err := p.check(); (err == nil) != fine {
			t.Errorf("max_age %s: %v", age, err)
		}
	}
}

func TestWhichOriginIsOurOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		origin, host string
		secure, want bool
	}{
		{"https://a.example", "a.example", true, true}, {"https://a.example:443", "a.example", true, true}, {"https://a.example:8443", "a.example:8443", true, true},
		{"http://a.example", "a.example", false, true}, {"http://a.example:80", "a.example", false, true},
		{"http://a.example", "a.example", true, false}, {"https://a.example", "a.example", false, false}, {"a.example", "a.example", false, false}, {"a.example", "a.example", true, false},
		{"https://", "", true, false}, {"", "", true, false}, {"https://b.example", "a.example", true, false},
	} {
		f := ask("GET", risk.Found)
		f.Request.Host, f.Conn.Secure = c.host, c.secure
		if got := own(c.origin, risk.NewExchange(f, nil)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// calls makes a Target of reads whose answers are said by send.
func calls(send func(*risk.Attempt) (*risk.Seen, error), found *[]risk.Finding, ops ...*contract.Operation) *risk.Target {
	return &risk.Target{
		Contract: &contract.Contract{Operations: ops, Servers: []contract.Server{{URL: ":"}, {URL: "/v1"}, {URL: "https://api.example"}, {URL: "https://second.example"}}},
		Send:     func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) { return send(a) },
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path}, op.Path != "/unknown"
		},
		Report: func(f risk.Finding) { *found = append(*found, f) },
		Canary: func() string { return "canary" },
	}
}

func TestTheProbeCallsTenOperationsThatAnswer(t *testing.T) {
	t.Parallel()
	ops := []*contract.Operation{{Method: "POST", Path: "/made"}, {Method: "GET", Path: "/unknown"}}
	for i := range 12 {
		ops = append(ops, &contract.Operation{Method: "GET", Path: fmt.Sprintf("/%d", i)})
	}
	var got []risk.Finding
	paths, origins := map[string]int{}, map[string]bool{}
	err := probe(t.Context(), calls(func(a *risk.Attempt) (*risk.Seen, error) {
		paths[a.Path]++
		origins[a.Fields.Get("Origin")] = true
		return &risk.Seen{Status: 200}, nil
	}, &got, ops...))
	if err != nil || len(paths) != 10 || paths["/9"] != 9 || got != nil {
		t.Errorf("called %v: %v %v", paths, got, err)
	}
	want := map[string]bool{"": true, "https://canary.example": true, "https://api.example.canary.example": true, "https://canaryapi.example": true, "null": true}
	if diff := cmp.Diff(want, origins); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheProbeReports(t *testing.T) {
	t.Parallel()
	allow := func(origin, credentials string) *risk.Seen {
		return &risk.Seen{Status: 200, Fields: risk.Fields{{Name: "Access-Control-Allow-Origin", Value: origin}, {Name: "Access-Control-Allow-Credentials", Value: credentials}}}
	}
	for name, c := range map[string]struct {
		answer func(origin, method string) *risk.Seen
		want   []string
	}{
		"all kinds at once, with blanks": {func(o, m string) *risk.Seen {
			switch {
			case o == "null":
				return allow(" null ", " True ")
			case m == "OPTIONS":
				return allow("*", "true")
			}
			return allow(" "+o+" ", " true")
		}, []string{
			"cors/reflected! a reply lets an origin made up by the probe in, with credentials", "cors/wildcard a preflight allows every origin and credentials together",
			"cors/null! a reply lets sandboxed pages of any site in, with credentials",
		}},
		"null for everybody else": {func(o, _ string) *risk.Seen {
			if o == "null" {
				return &risk.Seen{Status: 200}
			}
			return allow("null", "true")
		}, nil},
		"credentials alone": {func(string, string) *risk.Seen {
			return &risk.Seen{Status: 200, Fields: risk.Fields{{Name: "Access-Control-Allow-Credentials", Value: "true"}}}
		}, nil},
		"an empty origin": {func(string, string) *risk.Seen { return allow("", "true") }, nil},
	} {
		var got []risk.Finding
		err := probe(t.Context(), calls(func(a *risk.Attempt) (*risk.Seen, error) { return c.answer(a.Fields.Get("Origin"), a.Method), nil }, &got, &contract.Operation{Method: "GET", Path: "/0"}))
		var texts []string
		for _, f := range got {
			mark := " "
			if f.Confirmed {
				mark = "! "
			}
			texts = append(texts, f.Code+mark+f.Proof)
		}
		if diff := cmp.Diff(c.want, texts); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestOnlySuccessIsProbedFurther(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{199: 1, 200: 9, 299: 9, 300: 1, 404: 1} {
		n := 0
		var got []risk.Finding
		err := probe(t.Context(), calls(func(*risk.Attempt) (*risk.Seen, error) {
			n++
			return &risk.Seen{Status: status}, nil
		}, &got, &contract.Operation{Method: "GET", Path: "/0"}))
		if err != nil || n != want {
			t.Errorf("status %d: %d requests, %v", status, n, err)
		}
	}
}

func TestTheProbeSaysWhatFailed(t *testing.T) {
	t.Parallel()
	reset := errors.New("reset")
	for _, at := range []int{1, 2, 3} {
		n := 0
		var got []risk.Finding
		err := probe(t.Context(), calls(func(*risk.Attempt) (*risk.Seen, error) {
			if n++; n == at {
				return nil, reset
			}
			return &risk.Seen{Status: 200}, nil
		}, &got, &contract.Operation{Method: "GET", Path: "/0"}, &contract.Operation{Method: "GET", Path: "/1"}))
		if !errors.Is(err, reset) || n != at {
			t.Errorf("request %d fails: %v after %d", at, err, n)
		}
	}
}

func TestWhichOperationsUpgrade(t *testing.T) {
	t.Parallel()
	if upgrades(nil) || upgrades(&contract.Operation{Replies: []*contract.Reply{{Code: 200}}}) || !upgrades(&contract.Operation{Replies: []*contract.Reply{{Code: 200}, {Code: 101}}}) {
		t.Error("101 is what upgrades")
	}
}

func TestWithoutSettingsNobodyIsLetIn(t *testing.T) {
	t.Parallel()
	placed, err := newGuard(&risk.Site{Scope: risk.OfAPI})
	if err != nil || len(placed) != 2 {
		t.Errorf("%v %v", placed, err)
	}
}
