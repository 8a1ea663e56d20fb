package caching

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func guardFor(t testing.TB, s *risk.Site) risk.Guard {
	t.Helper()
	placed, err := newGuard(s)
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Reply {
		t.Fatalf("want one guard at reply: %v %v", placed, err)
	}
	return placed[0].Guard
}

// after are the fields of a reply, "Name: value", when the edits are applied.
func after(t testing.TB, g risk.Guard, f *risk.Facts) string {
	t.Helper()
	x := risk.NewExchange(f, nil)
	if d := g.Check(x); d != nil {
		t.Fatalf("caches are never a reason to refuse: %+v", d)
	}
	fields := append(risk.Fields{}, f.Response.Fields...)
	for stage := risk.DecryptIDs; stage <= risk.EncryptIDs; stage++ {
		for _, e := range x.Edits() {
			if e.Stage != stage {
				continue
			}
			if e.Do != risk.AddField {
				kept := risk.Fields{}
				for _, old := range fields {
					if !risk.EqualFold(old.Name, e.Name) {
						kept = append(kept, old)
					}
				}
				fields = kept
			}
			if e.Do != risk.RemoveField {
				fields = append(fields, risk.Field{Name: e.Name, Value: e.Value})
			}
		}
	}
	var out []string
	for _, field := range fields {
		out = append(out, field.Name+": "+field.Value)
	}
	return strings.Join(out, "\n")
}

func facts(fields ...string) *risk.Facts {
	f := &risk.Facts{Caller: risk.Caller{Kind: risk.KeyCaller}, Response: &risk.Response{Status: 200}}
	for i := 0; i < len(fields); i += 2 {
		f.Response.Fields = append(f.Response.Fields, risk.Field{Name: fields[i], Value: fields[i+1]})
	}
	return f
}

func TestAPrivateReplyIsKeptByNoSharedCache(t *testing.T) {
	t.Parallel()
	g := guardFor(t, &risk.Site{Scope: risk.OfOperation, Op: &contract.Operation{}})
	for sent, want := range map[string]string{
		"no-store": "no-store", "NO-STORE, max-age=5": "NO-STORE, max-age=5", "private": "private", "Private , max-age=60": "Private , max-age=60",
		"no-cache": "no-cache", "max-age=0, no-cache, no-store, must-revalidate": "max-age=0, no-cache, no-store, must-revalidate",
		"public": "no-store", "max-age=60": "no-store", "s-maxage=60, private": "no-store", "private, public": "no-store", "": "no-store",
		`private="Set-Cookie", max-age=60`: "no-store", `no-cache="x"`: "no-store", "x-no-store": "no-store", "no-storee": "no-store", "immutable": "no-store",
		"public, no-store": "public, no-store", "no\u2010store": "no-store",
	} {
		if diff := cmp.Diff("Cache-Control: "+want, after(t, g, facts("Cache-Control", sent))); diff != "" {
			t.Errorf("%q: %s", sent, diff)
		}
	}
	for name, c := range map[string][]string{
		"silence":                  nil,
		"an end in time":           {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"},
		"two fields that disagree": {"cache-control", "private", "Cache-Control", "s-maxage=9"},
	} {
		if got := after(t, g, facts(c...)); !strings.HasSuffix(got, "Cache-Control: no-store") || strings.Count(got, "ontrol") != 1 {
			t.Errorf("%s: %q", name, got)
		}
	}
	got := after(t, g, facts("CDN-Cache-Control", "max-age=60", "Cloudflare-CDN-Cache-Control", "max-age=1", "Surrogate-Control", "max-age=1", "X-Accel-Expires", "9", "Cache-Control", "private", "Age", "0"))
	if diff := cmp.Diff("Cache-Control: private\nAge: 0", got); diff != "" {
		t.Error(diff)
	}
}

func TestWhoAskedDecidesWhatIsPrivate(t *testing.T) {
	t.Parallel()
	closed := guardFor(t, &risk.Site{Scope: risk.OfOperation, Op: &contract.Operation{}})
	open := guardFor(t, &risk.Site{Scope: risk.OfOperation, Op: &contract.Operation{Secured: true}})
	listed := guardFor(t, &risk.Site{Scope: risk.OfOperation, Public: "the price list", Op: &contract.Operation{}})
	api := guardFor(t, &risk.Site{Scope: risk.OfAPI})
	for name, c := range map[string]struct {
		g       risk.Guard
		field   string
		setting bool
		private bool
	}{
		"nobody":                        {g: closed},
		"a token":                       {g: closed, field: "authorization", private: true},
		"a cookie":                      {g: closed, field: "Cookie", private: true},
		"a cookie on a public one":      {g: open, field: "Cookie"},
		"a cookie on a listed one":      {g: listed, field: "Cookie"},
		"a token on a public one":       {g: open, field: "Authorization", private: true},
		"a cookie is set for everybody": {g: open, setting: true, private: true},
		"no operation":                  {g: api, field: "Authorization", private: true},
	} {
		f := facts("Cache-Control", "public")
		f.Caller = risk.Caller{}
		if c.field != "" {
			f.Request.Fields = risk.Fields{{Name: c.field, Value: "x=y"}}
		}
		if c.setting {
			f.Response.Fields = append(f.Response.Fields, risk.Field{Name: "Set-Cookie", Value: "a=b"})
		}
		if got := strings.Contains(after(t, c.g, f), "no-store"); got != c.private {
			t.Errorf("%s: private is %v", name, got)
		}
	}
}

func TestSharedRepliesVaryByCredential(t *testing.T) {
	t.Parallel()
	key := func(k contract.SchemeKind, in contract.In, field string) contract.Requirement {
		return contract.Requirement{Parts: []contract.Required{{Scheme: &contract.Scheme{Kind: k, In: in, Field: field}}, {}}}
	}
	g := guardFor(t, &risk.Site{
		Scope: risk.OfOperation, Params: Params{Shared: true}, API: &risk.API{KeyHeader: "X-Api-Key"},
		Op: &contract.Operation{Security: []contract.Requirement{
			key(contract.HTTPAuth, 0, ""), key(contract.OAuth2, 0, ""), key(contract.APIKey, contract.InHeader, "x-api-key"), key(contract.APIKey, contract.InCookie, "sid"),
		}},
	})
	for sent, want := range map[string]string{
		"Cache-Control: public":                    "Cache-Control: public\nVary: X-Api-Key\nVary: Authorization\nVary: Cookie",
		"Cache-Control: private":                   "Cache-Control: private",
		"X-Other: 1":                               "X-Other: 1",
		"Expires: Thu, 01 Jan 2099":                "Expires: Thu, 01 Jan 2099\nVary: X-Api-Key\nVary: Authorization\nVary: Cookie",
		"Surrogate-Control: max-age=1":             "Surrogate-Control: max-age=1\nVary: X-Api-Key\nVary: Authorization\nVary: Cookie",
		"Vary: *\nCache-Control: public":           "Vary: *\nCache-Control: public",
		"Vary: cookie, x-API-key\nEdge-Control: a": "Vary: cookie, x-API-key\nEdge-Control: a\nVary: Authorization",
	} {
		var fields []string
		for line := range strings.SplitSeq(sent, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			fields = append(fields, name, value)
		}
		if diff := cmp.Diff(want, after(t, g, facts(fields...))); diff != "" {
			t.Errorf("%q: %s", sent, diff)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	if _, err := newGuard(&risk.Site{Scope: risk.OfOperation, Params: 1}); err == nil {
		t.Error("settings of another risk")
	}
	if placed, err := newGuard(&risk.Site{Scope: risk.OfListener}); err != nil || len(placed) != 0 {
		t.Errorf("the listener answers nobody: %v %v", placed, err)
	}
	for _, p := range []Params{{}, {Shared: true}} {
		if d := guardFor(t, &risk.Site{Scope: risk.OfAPI, Params: p}).Check(risk.NewExchange(&risk.Facts{}, nil)); d != nil {
			t.Errorf("no reply yet: %+v", d)
		}
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	g := guardFor(t, &risk.Site{Scope: risk.OfAPI})
	f := facts("Cache-Control", "max-age=60", "CDN-Cache-Control", "max-age=60")
	x := risk.NewExchange(f, make([]risk.Edit, 0, 8))
	if n := testing.AllocsPerRun(100, func() {
		x.Reset(f)
		g.Check(x)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheLintSpeaksOfSharedRepliesThatNeedACredential(t *testing.T) {
	t.Parallel()
	op := func(text string, secured bool) *contract.Operation {
		s := contract.NewSchema()
		s.Examples = []source.Value{{Text: text}}
		return &contract.Operation{Secured: secured, Security: []contract.Requirement{{Parts: []contract.Required{{}}}}, Replies: []*contract.Reply{
			{Code: 200, Headers: []*contract.Parameter{{Name: "cache-control", Schema: &contract.Schema{Ref: s}}, {Name: "Cache-Control"}}},
		}}
	}
	for text, want := range map[string]int{"public": 1, "s-maxage=5": 1, "max-age=5": 0, "private": 0, "public, no-store": 0} {
		n := 0
		lint(&contract.Contract{Operations: []*contract.Operation{op(text, true), op(text, false)}}, func(d source.Diagnostic) {
			if n++; d.Code != CodePublic {
				t.Errorf("%+v", d)
			}
		})
		if n != want {
			t.Errorf("%q: %d diagnostics, want %d", text, n, want)
		}
	}
}
