package redirect

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func guardFor(t testing.TB, hosts ...string) risk.Guard {
	t.Helper()
	api := &risk.API{Contract: &contract.Contract{Servers: []contract.Server{{URL: "https://Api.Example.COM:8443/v1"}, {URL: "/v1"}}}}
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, API: api, Params: Params{Hosts: hosts}})
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Reply {
		t.Fatalf("want one guard at reply: %v %v", placed, err)
	}
	return placed[0].Guard
}

func exchange(status int, name, value string) *risk.Exchange {
	return risk.NewExchange(&risk.Facts{
		Request: risk.Request{Host: "own.example"}, Response: &risk.Response{Status: status, Fields: risk.Fields{{Name: name, Value: value}}},
	}, nil)
}

// addresses are what a browser makes of them: true leads to a host of ours.
func addresses() map[string]bool {
	return map[string]bool{
		"/orders": true, "orders?a=b:c": true, "": true, "?q=//evil.example": true, "#//evil.example": true, "./a//evil.example": true,
		"https://own.example": true, "HTTP://OWN.example:81/x?y=//evil": true, "https://own.example./": true, "//own.example/x": true,
		"https://api.example.com/v1": true, "https://login.example": true, "https:/own.example": true, "https://user:pw@own.example/": true,
		"/login?next=https://evil.example": true, "//own.example@own.example": true, "1a:b": true, "a/b:c": true,

		"https://evil.example": false, "//evil.example": false, `/\evil.example`: false, `\\evil.example`: false, `\/evil.example/`: false,
		"///evil.example": false, "https:evil.example": false, "https:\\evil.example": false, "http:///evil.example": false, "h\tttps://evil.example": false,
		"/\t/evil.example": false, "  //evil.example": false, "javascript:alert(1)": false, "data:text/html,x": false, "JaVaScRiPt:x": false, "myapp://login": false,
		"https://own.example@evil.example/": false, "https://own.example:pw@evil.example": false, `https://own.example\@evil.example`: true,
		"https://own.example.evil.example": false, "https://evilown.example": false, "https://evil.example/own.example": false, "https://evil.example?own.example": false,
		"https://evil.example#own.example": false, "https://own%2eexample": false, "https://own\u3002example": false, "https://": false, "//": false,
		"https://sub.own.example": false, "https://[::1]/": false, "https://[::1": false, "https://login.example.evil": false,
	}
}

func TestARedirectLeadsToOwnHostsOnly(t *testing.T) {
	t.Parallel()
	g := guardFor(t, "login.example")
	for address, ours := range addresses() {
		for _, status := range [...]int{301, 302, 303, 307, 308} {
			d := g.Check(exchange(status, "location", address))
			if (d == nil) != ours || d != nil && (d.Code != CodeForeign || d.Status != 502) {
				t.Errorf("%d %q: %+v", status, address, d)
			}
		}
		for _, status := range [...]int{200, 201} {
			if d := g.Check(exchange(status, "Location", address)); d != nil {
				t.Errorf("%d %q is no redirect: %+v", status, address, d)
			}
		}
	}
}

func TestARefreshThatLeadsAwayIsRemoved(t *testing.T) {
	t.Parallel()
	g := guardFor(t)
	for value, stays := range map[string]bool{
		"5": true, "5; url=/home": true, "0;URL='https://own.example/'": true, "": true, "5;": true, "5; url=": true,
		"0; url=https://evil.example": false, `0;url = "//evil.example"`: false, "0, https://evil.example": false, "3;'//evil.example": false, "0;url=javascript:x": false,
	} {
		x := exchange(200, "Refresh", value)
		if d := g.Check(x); d != nil {
			t.Errorf("%q: %+v", value, d)
		}
		if (len(x.Edits()) == 0) != stays || !stays && (x.Edits()[0].Do != risk.RemoveField || x.Edits()[0].Name != "Refresh") {
			t.Errorf("%q: %+v", value, x.Edits())
		}
	}
}

func TestTheSecondOfTwoLocationsCountsToo(t *testing.T) {
	t.Parallel()
	x := risk.NewExchange(&risk.Facts{Response: &risk.Response{Status: 302, Fields: risk.Fields{{Name: "Location", Value: "/"}, {Name: "Location", Value: "//evil.example"}}}}, nil)
	if d := guardFor(t).Check(x); d == nil {
		t.Error("it passed")
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, h := range []string{"https://a.example", "A.example", "a.example:80", "", "a.example/x", "*.example", "a b"} {
		if _, err := newGuard(&risk.Site{Scope: risk.OfOperation, Params: Params{Hosts: []string{h}}}); err == nil {
			t.Errorf("%q: no error", h)
		}
	}
	if _, err := newGuard(&risk.Site{Scope: risk.OfAPI, Params: 1}); err == nil {
		t.Error("settings of another risk")
	}
	for _, s := range []risk.Site{{Scope: risk.OfListener}, {Scope: risk.OfOperation, Params: Params{Hosts: []string{"*"}}}} {
		if placed, err := newGuard(&s); err != nil || len(placed) != 0 {
			t.Errorf("%+v: %v %v", s, placed, err)
		}
	}
	if d := guardFor(t).Check(risk.NewExchange(&risk.Facts{}, nil)); d != nil {
		t.Errorf("no reply yet: %+v", d)
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	g := guardFor(t)
	x := exchange(302, "Location", "https://own.example/a")
	if n := testing.AllocsPerRun(100, func() {
		if g.Check(x) != nil {
			t.Fatal("it must pass")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheProbeJudgesByWhereTheBrowserGoes(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{
		Key: "GET /go", Method: "GET", Replies: []*contract.Reply{{Code: 302}},
		Parameters: []*contract.Parameter{{Name: "n", In: contract.InQuery, Schema: &contract.Schema{Types: contract.IntegerType}}, {Name: "to", In: contract.InQuery}},
	}
	for name, c := range map[string]struct {
		status int
		answer func(address string) string
		want   int
	}{
		"anywhere":                       {302, func(a string) string { return a }, 1},
		"only what looks like a path":    {302, func(a string) string { return "/" + strings.TrimLeft(a, "/") }, 1},
		"its own login page":             {302, func(a string) string { return "/login?next=" + a }, 0},
		"below its own address":          {302, func(a string) string { return "https://own.example/" + a }, 0},
		"a 200 that names the address":   {200, func(a string) string { return a }, 0},
		"a fixed host that is elsewhere": {302, func(string) string { return "https://login.other.example/" }, 0},
	} {
		var found []risk.Finding
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{op, {Method: "POST"}}},
			Canary:   func() string { return "abcdefghijklmnop" },
			Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{Method: "GET", Path: "/go", Query: "n=1&to=%2F"}, true
			},
			Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
				address := strings.TrimPrefix(a.Query, "n=1&to=")
				address = strings.NewReplacer("%3A", ":", "%2F", "/", "%5C", `\`).Replace(address)
				return &risk.Seen{Status: c.status, Fields: risk.Fields{{Name: "Location", Value: c.answer(address)}}}, nil
			},
			Report: func(f risk.Finding) { found = append(found, f) },
		})
		if err != nil || len(found) != c.want {
			t.Errorf("%s: %v %+v", name, err, found)
		}
	}
}

func TestTheLintIsSilentWhereTheValueIsBounded(t *testing.T) {
	t.Parallel()
	parameter := func(name string, s *contract.Schema) *contract.Parameter {
		return &contract.Parameter{Name: name, In: contract.InQuery, Schema: s}
	}
	pattern := &contract.Schema{Pattern: "^/"}
	op := &contract.Operation{Method: "GET", Path: "/go", Replies: []*contract.Reply{{Code: 3, Range: true}}, Parameters: []*contract.Parameter{
		parameter("next", pattern), parameter("return_to", &contract.Schema{Ref: pattern}), parameter("to", &contract.Schema{Types: contract.IntegerType}),
		parameter("name", nil), parameter("Redirect-URI", &contract.Schema{Format: "uri"}), parameter("url", nil),
	}}
	quiet := &contract.Operation{Replies: []*contract.Reply{{Code: 304}, {Code: 200}}, Parameters: op.Parameters}
	n := 0
	lint(&contract.Contract{Operations: []*contract.Operation{op, quiet}}, func(d source.Diagnostic) {
		if n++; d.Code != CodeParameter {
			t.Errorf("%+v", d)
		}
	})
	if diff := cmp.Diff(2, n); diff != "" {
		t.Error(diff)
	}
}
