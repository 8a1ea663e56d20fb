package cookies

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func guardFor(t testing.TB, p Params) risk.Guard {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, API: &risk.API{Secure: true}, Params: p})
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Reply {
		t.Fatalf("want one guard at reply: %v %v", placed, err)
	}
	return placed[0].Guard
}

func facts(cookies ...string) *risk.Facts {
	f := &risk.Facts{Conn: risk.Conn{Secure: true}, Response: &risk.Response{Status: 200}}
	for _, c := range cookies {
		f.Response.Fields = append(f.Response.Fields, risk.Field{Name: "Set-Cookie", Value: c})
	}
	return f
}

// after are the cookies of a reply when the edits are applied.
func after(t testing.TB, g risk.Guard, f *risk.Facts) []string {
	t.Helper()
	x := risk.NewExchange(f, nil)
	if d := g.Check(x); d != nil {
		t.Fatalf("cookies are never a reason to refuse: %+v", d)
	}
	var out []string
	for _, field := range f.Response.Fields {
		out = append(out, field.Value)
	}
	for stage := risk.DecryptIDs; stage <= risk.EncryptIDs; stage++ {
		for _, e := range x.Edits() {
			switch {
			case e.Stage != stage:
			case e.Do == risk.RemoveField:
				out = nil
			case e.Do == risk.AddField:
				out = append(out, e.Value)
			}
		}
	}
	return out
}

func TestCookiesLeaveWithWhatTheyLack(t *testing.T) {
	t.Parallel()
	g := guardFor(t, Params{Scripts: []string{"XSRF"}, CrossSite: []string{"frame"}, Domains: []string{"example.com"}})
	const all = "; Secure; HttpOnly; SameSite=Lax"
	for sent, want := range map[string]string{
		"a=1":                                    "a=1" + all,
		"a=1; Path=/x; Expires=Wed, 21 Oct 2026": "a=1; Path=/x; Expires=Wed, 21 Oct 2026" + all,
		"a=1; secure;HTTPONLY ; SameSite = strict":                 "a=1; secure;HTTPONLY ; SameSite = strict",
		"a=1; Secure; HttpOnly; SameSite=None":                     "a=1; Secure; HttpOnly; SameSite=Lax",
		"a=1; Secure; HttpOnly; SameSite=Lax; SameSite=None":       "a=1; Secure; HttpOnly; SameSite=Lax",
		"a=1; Secure; HttpOnly; SameSite=lax; SameSite=foo":        "a=1; Secure; HttpOnly; SameSite=Lax",
		"a=1; HttpOnly; Secure; SameSite":                          "a=1; HttpOnly; Secure; SameSite=Lax",
		"a=1; Domain=.evil.example" + all:                          "a=1" + all,
		"a=1; domain=.EXAMPLE.com" + all:                           "a=1; domain=.EXAMPLE.com" + all,
		"a=1; Domain=sub.example.com" + all:                        "a=1" + all,
		"XSRF=1; Secure; SameSite=Lax":                             "XSRF=1; Secure; SameSite=Lax",
		"xsrf=1; Secure; SameSite=Lax":                             "xsrf=1; Secure; SameSite=Lax; HttpOnly",
		"frame=1; Secure; HttpOnly; SameSite=None":                 "frame=1; Secure; HttpOnly; SameSite=None",
		"frame=1; HttpOnly; SameSite=None":                         "frame=1; HttpOnly; SameSite=None; Secure",
		"__Host-a=1; Path=/x; Domain=example.com" + all:            "__Host-a=1" + all[:0] + "; Secure; HttpOnly; SameSite=Lax; Path=/",
		"__HOST-a=1; Path=/" + all:                                 "__HOST-a=1; Path=/" + all,
		"__Host-a=1; Path=/; Path=/x" + all:                        "__Host-a=1; Secure; HttpOnly; SameSite=Lax; Path=/",
		`a="x; Secure`:                                             `a="x; Secure; HttpOnly; SameSite=Lax`,
		"a=b=c; Max-Age=0":                                         "a=b=c; Max-Age=0" + all,
		"a=1; ; Secure;; HttpOnly":                                 "a=1; Secure; HttpOnly; SameSite=Lax",
		"a=Secure; HttpOnly; SameSite=Lax":                         "a=Secure; HttpOnly; SameSite=Lax; Secure",
		"a=1; NotSecure; HttpOnly; SameSite=Lax":                   "a=1; NotSecure; HttpOnly; SameSite=Lax; Secure",
		"a=1; Secure=false; HttpOnly; SameSite=Lax":                "a=1; Secure=false; HttpOnly; SameSite=Lax", // the name alone counts
		"a=1; Partitioned; Secure; HttpOnly; SameSite=\u017ftrict": "a=1; Partitioned; Secure; HttpOnly; SameSite=Lax",
	} {
		if diff := cmp.Diff([]string{want}, after(t, g, facts(sent))); diff != "" {
			t.Errorf("%q: %s", sent, diff)
		}
	}
}

func TestOneCookieDoesNotHideAnother(t *testing.T) {
	t.Parallel()
	got := after(t, guardFor(t, Params{}), facts("good=1; Secure; HttpOnly; SameSite=Strict", "=__Host-a=1", "bad=2", "nameless", ""))
	want := []string{"good=1; Secure; HttpOnly; SameSite=Strict", "bad=2; Secure; HttpOnly; SameSite=Lax"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOverPlainHTTPSecureIsOnlyAddedWhereTheNamePromisesIt(t *testing.T) {
	t.Parallel()
	f := facts("a=1", "__Secure-b=2", "__Host-c=3")
	f.Conn.Secure = false
	want := []string{"a=1; HttpOnly; SameSite=Lax", "__Secure-b=2; Secure; HttpOnly; SameSite=Lax", "__Host-c=3; Path=/; Secure; HttpOnly; SameSite=Lax"}
	if diff := cmp.Diff(want, after(t, &guard{}, f)); diff != "" {
		t.Error(diff)
	}
}

func TestTheListenerSetsNoCookiesAndAReplyMayBeMissing(t *testing.T) {
	t.Parallel()
	if placed, err := newGuard(&risk.Site{Scope: risk.OfListener}); err != nil || len(placed) != 0 {
		t.Errorf("%v %v", placed, err)
	}
	if d := guardFor(t, Params{}).Check(risk.NewExchange(&risk.Facts{}, nil)); d != nil {
		t.Errorf("%+v", d)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]any{
		"a name with a blank": Params{Scripts: []string{"a b"}}, "no name": Params{CrossSite: []string{""}}, "a pair": Params{Scripts: []string{"a=1"}},
		"a top domain": Params{Domains: []string{"com"}}, "a dot in front": Params{Domains: []string{".example.com"}},
		"capitals": Params{Domains: []string{"Example.com"}}, "a wildcard": Params{Domains: []string{"*.example.com"}},
		"a port": Params{Domains: []string{"example.com:80"}}, "settings of another risk": struct{}{},
	} {
		if _, err := newGuard(&risk.Site{Scope: risk.OfOperation, Params: p}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	g := guardFor(t, Params{Scripts: []string{"x"}})
	x := risk.NewExchange(facts("a=1; Secure; HttpOnly; SameSite=Lax", "x=2; Secure; SameSite=Strict; Path=/"), make([]risk.Edit, 0, 4))
	if n := testing.AllocsPerRun(100, func() {
		if g.Check(x) != nil || len(x.Edits()) != 0 {
			t.Fatal("it must pass unchanged")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheProbeCallsOnlyReadsAndWhatDeclaresACookie(t *testing.T) {
	t.Parallel()
	declared := []*contract.Reply{{Code: 204, Headers: []*contract.Parameter{{Name: "set-cookie"}}}}
	failing := []*contract.Reply{{Code: 401, Headers: []*contract.Parameter{{Name: "Set-Cookie"}}}}
	var called, found []string
	target := &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{
			{Key: "GET /", Method: "GET"}, {Key: "POST /login", Method: "POST", Replies: declared}, {Key: "DELETE /all", Method: "DELETE", Replies: failing},
		}},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{Method: op.Method, Path: "/"}, true
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			called = append(called, a.Method)
			return &risk.Seen{Status: 200, Fields: facts("s=0123456789abcdef", `short="0123456789"`, "csrf=0123456789abcdef; Domain=a.example").Response.Fields}, nil
		},
		Report: func(f risk.Finding) { found = append(found, f.Code+" "+f.Operation) },
	}
	if err := probe(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GET", "POST"}, called); diff != "" {
		t.Error(diff)
	}
	slices.Sort(found)
	// Without TLS nothing can be asked of Secure.
	if diff := cmp.Diff([]string{"cookies/domain GET /", "cookies/script GET /"}, found); diff != "" {
		t.Error(diff)
	}
}

func TestTheLintReadsSchemesAndExamples(t *testing.T) {
	t.Parallel()
	example := func(text string) *contract.Operation {
		s := contract.NewSchema()
		s.Examples = []source.Value{{Text: text}}
		return &contract.Operation{Replies: []*contract.Reply{{Code: 200, Headers: []*contract.Parameter{{Name: "Set-Cookie", Schema: &contract.Schema{Ref: s}}, {Name: "Set-Cookie"}}}}}
	}
	for text, want := range map[string]string{
		"a=1": "cookies/example", "a=1; Secure; HttpOnly": "cookies/example", "a=1; Secure; HttpOnly; SameSite=None": "cookies/example",
		"a=1; Secure; HttpOnly; SameSite=Lax": "", "a=; Max-Age=0": "", "no cookie": "", "xsrf=1; Secure": "",
	} {
		var got []string
		lint(&contract.Contract{
			Operations: []*contract.Operation{example(text), example(text)},
			Schemes: []*contract.Scheme{
				{Kind: contract.APIKey, In: contract.InCookie, Field: "__secure-a"}, {Kind: contract.APIKey, In: contract.InHeader, Field: "a"},
			},
		}, func(d source.Diagnostic) { got = append(got, string(d.Code)) })
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %q", text, got, want)
		}
	}
}
