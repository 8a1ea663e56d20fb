package authn

import (
	"strings"
	"testing"

	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/risk"
)

// env judges keys by their text.
type env struct{}

func (env) Now() time.Time        { return time.Unix(0, 0) }
func (env) Limiter() risk.Limiter { return nil }

func (env) Pseudonym(text string) string { return "hash of " + text }
func (env) Verify(c risk.Credential) (risk.Caller, risk.Verdict) {
	if c.API != "orders" || c.Kind != risk.KeyCredential {
		return risk.Caller{}, risk.Broken
	}
	alice := risk.Caller{Kind: risk.KeyCaller, ID: "alice", KeyID: "k_1"}
	v, ok := map[string]risk.Verdict{
		"good": risk.Valid, "expired": risk.Expired, "revoked": risk.Revoked, "odd": risk.Malformed, "broken": risk.Broken, "none": risk.Unverified,
	}[c.Text.Reveal()]
	if !ok {
		return alice, risk.UnknownCredential // a caller beside a bad verdict must not count
	}
	return alice, v
}

func scheme(s contract.Scheme) *contract.Scheme { return &s }

func bearer() *contract.Scheme {
	return scheme(contract.Scheme{Name: "b", Kind: contract.HTTPAuth, HTTP: "bearer"})
}

func apiKey(in contract.In, name string) *contract.Scheme {
	return scheme(contract.Scheme{Name: "k", Kind: contract.APIKey, In: in, Field: name})
}

// op makes an operation whose alternatives have one list of schemes each.
func op(alternatives ...[]*contract.Scheme) *contract.Operation {
	o := &contract.Operation{Method: "GET", Path: "/orders", Secured: true}
	for _, a := range alternatives {
		var r contract.Requirement
		for _, s := range a {
			r.Parts = append(r.Parts, contract.Required{Scheme: s})
		}
		o.Security = append(o.Security, r)
	}
	return o
}

func one(s *contract.Scheme) []*contract.Scheme { return []*contract.Scheme{s} }

func site(o *contract.Operation) *risk.Site {
	return &risk.Site{Scope: risk.OfOperation, Op: o, API: &risk.API{Name: "orders", KeyHeader: "X-Api-Key", KeyPrefix: "sp_live_"}}
}

func build(t testing.TB, s *risk.Site) risk.Guard {
	t.Helper()
	placed, err := newGuard(s)
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Identify {
		t.Fatalf("placed %v, %v", placed, err)
	}
	return placed[0].Guard
}

func exchange(q risk.Request) *risk.Exchange {
	return risk.NewExchange(&risk.Facts{Request: q, Env: env{}}, nil)
}

func with(fields ...risk.Field) risk.Request { return risk.Request{Fields: fields} }

func code(d *risk.Denial) fault.Code {
	if d == nil {
		return ""
	}
	return d.Code
}

func TestAKeyIsNeededWhereTheDocumentIsSilent(t *testing.T) {
	t.Parallel()
	key := func(v string) risk.Field { return risk.Field{Name: "X-API-KEY", Value: v} }
	for _, c := range []struct {
		name   string
		in     risk.Request
		want   fault.Code
		status int
		reason string
	}{
		{"a good key passes", with(key("good")), "", 0, ""},
		{"no key", with(), CodeMissing, 401, "no key"},
		{"an empty key", with(key("")), CodeMissing, 401, "no key"},
		{"two keys, one good", with(key("good"), key("bad")), CodeMissing, 401, "more than once"},
		{"the same good key twice", with(key("good"), key("good")), CodeMissing, 401, "more than once"},
		{"two keys in one field", with(key("good, good")), CodeInvalid, 401, "unknown"},
		{"an unknown key", with(key("bad")), CodeInvalid, 401, "unknown"},
		{"an expired key", with(key("expired")), CodeInvalid, 401, "expired"},
		{"a revoked key", with(key("revoked")), CodeInvalid, 401, "revoked"},
		{"a malformed key", with(key("odd")), CodeInvalid, 401, "malformed"},
		{"a verifier that failed", with(key("broken")), CodeUnavailable, 503, "verifier"},
		{"a verifier that says nothing", with(key("none")), CodeUnavailable, 503, "verifier"},
		{"the key as a bearer token", with(risk.Field{Name: "Authorization", Value: "Bearer good"}), CodeMissing, 401, "no key"},
		{"the key in the query", risk.Request{Pairs: []canon.Pair{{Name: "X-Api-Key", Value: "good"}}}, CodeMissing, 401, "no key"},
		{"the key in a cookie", with(risk.Field{Name: "Cookie", Value: "X-Api-Key=good"}), CodeMissing, 401, "no key"},
		{"a name that only looks the same", with(risk.Field{Name: "X-Api-\u212aey", Value: "good"}), CodeMissing, 401, "no key"},
	} {
		x := exchange(c.in)
		d := build(t, site(&contract.Operation{})).Check(x)
		if code(d) != c.want {
			t.Errorf("%s: got %q", c.name, code(d))
			continue
		}
		if d == nil {
			want := []risk.Edit{{Do: risk.RemoveField, On: risk.OnRequest, Stage: risk.Decide, Name: "X-Api-Key"}}
			if diff := cmp.Diff(want, x.Edits()); diff != "" || x.Caller().KeyID != "k_1" {
				t.Errorf("%s: caller %+v, edits %s", c.name, x.Caller(), diff)
			}
			continue
		}
		challenge := risk.Fields(d.Fields).Get("WWW-Authenticate")
		if d.Status != c.status || !strings.Contains(d.Reason, c.reason) || x.Caller().Kind != risk.Anonymous {
			t.Errorf("%s: %d %q, caller %v", c.name, d.Status, d.Reason, x.Caller().Kind)
		}
		if d.Status == 401 && challenge != `ApiKey realm="orders", in="header", name="X-Api-Key"` {
			t.Errorf("%s: challenge %q", c.name, challenge)
		}
		if c.want == CodeInvalid && d.Title != "the credential is not valid" {
			t.Errorf("%s: the client learns %q", c.name, d.Title)
		}
	}
}

func TestDeclaredCredentialsMustBeThereWhole(t *testing.T) {
	t.Parallel()
	basic := scheme(contract.Scheme{Kind: contract.HTTPAuth, HTTP: "basic"})
	digest := scheme(contract.Scheme{Kind: contract.HTTPAuth, HTTP: "digest"})
	oauth, mtls := scheme(contract.Scheme{Kind: contract.OAuth2}), scheme(contract.Scheme{Kind: contract.MutualTLS})
	auth := func(v string) risk.Field { return risk.Field{Name: "authorization", Value: v} }
	field := func(name, v string) risk.Field { return risk.Field{Name: name, Value: v} }
	pair := func(name, v string) risk.Request { return risk.Request{Pairs: []canon.Pair{{Name: name, Value: v}}} }
	for _, c := range []struct {
		name string
		op   *contract.Operation
		in   risk.Request
		want string // the caller's id; "" is a refusal
	}{
		{"bearer", op(one(bearer())), with(auth("Bearer abc.def-_~+/==")), "hash of abc.def-_~+/=="},
		{"bearer in another case", op(one(bearer())), with(auth("bEARER abc")), "hash of abc"},
		{"OAuth is a bearer token", op(one(oauth)), with(auth("Bearer abc")), "hash of abc"},
		{"bearer without a token", op(one(bearer())), with(auth("Bearer ")), ""},
		{"bearer alone", op(one(bearer())), with(auth("Bearer")), ""},
		{"bearer with two tokens", op(one(bearer())), with(auth("Bearer a b")), ""},
		{"bearer with a comma", op(one(bearer())), with(auth("Bearer a,b")), ""},
		{"bearer of padding", op(one(bearer())), with(auth("Bearer ===")), ""},
		{"padding inside", op(one(bearer())), with(auth("Bearer a=b")), ""},
		{"another scheme", op(one(bearer())), with(auth("Basic abcd")), ""},
		{"two fields", op(one(bearer())), with(auth("Bearer a"), auth("Bearer a")), ""},
		{"nothing", op(one(bearer())), with(), ""},
		{"basic", op(one(basic)), with(auth("Basic YTpi")), "hash of YTpi"},
		{"basic of a wrong length", op(one(basic)), with(auth("Basic YTp")), ""},
		{"basic in the URL alphabet", op(one(basic)), with(auth("Basic YT-_")), ""},
		{"digest", op(one(digest)), with(auth(`Digest username="a"`)), `hash of username="a"`},
		{"a key in a header", op(one(apiKey(contract.InHeader, "X-Token"))), with(field("x-token", "t")), "hash of t"},
		{"an empty key", op(one(apiKey(contract.InHeader, "X-Token"))), with(field("x-token", " ")), ""},
		{"a key twice", op(one(apiKey(contract.InHeader, "X-Token"))), with(field("x-token", "t"), field("X-Token", "u")), ""},
		{"a key in the query", op(one(apiKey(contract.InQuery, "token"))), pair("token", "t"), "hash of t"},
		{"query names have a case", op(one(apiKey(contract.InQuery, "token"))), pair("Token", "t"), ""},
		{"a key in the query twice", op(one(apiKey(contract.InQuery, "k"))), risk.Request{Pairs: []canon.Pair{{Name: "k", Value: "a"}, {Name: "k", Value: "b"}}}, ""},
		{"a key in a cookie", op(one(apiKey(contract.InCookie, "sid"))), with(field("Cookie", "a=b; sid=s")), "hash of s"},
		{"a cookie twice", op(one(apiKey(contract.InCookie, "sid"))), with(field("Cookie", "sid=s; sid=t")), ""},
		{"the second alternative", op(one(bearer()), one(apiKey(contract.InHeader, "X-Token"))), with(field("x-token", "t")), "hash of t"},
		{"a second Authorization beside a good key", op(one(bearer()), one(apiKey(contract.InHeader, "X-Token"))), with(field("x-token", "t"), auth("Bearer a"), auth("Bearer b")), ""},
		{"both parts", op([]*contract.Scheme{apiKey(contract.InHeader, "X-Token"), bearer()}), with(field("x-token", "t"), auth("Bearer a")), "hash of a"},
		{"one part of two", op([]*contract.Scheme{apiKey(contract.InHeader, "X-Token"), bearer()}), with(field("x-token", "t")), ""},
		{"the alternative beside a client certificate", op(one(mtls), one(bearer())), with(auth("Bearer a")), "hash of a"},
	} {
		x := exchange(c.in)
		d := build(t, site(c.op)).Check(x)
		switch {
		case c.want == "" && (code(d) != CodeMissing || len(d.Fields) == 0 || x.Caller().Kind != risk.Anonymous):
			t.Errorf("%s: got %+v, caller %+v", c.name, d, x.Caller())
		case c.want != "" && (d != nil || x.Caller().ID != c.want || x.Caller().Kind != risk.ProvisionalCaller):
			t.Errorf("%s: got %+v, caller %+v", c.name, d, x.Caller())
		case len(x.Edits()) > 0:
			t.Errorf("%s: a credential of the document must pass untouched: %v", c.name, x.Edits())
		}
	}
}

func TestChallengesNameEveryScheme(t *testing.T) {
	t.Parallel()
	basic := scheme(contract.Scheme{Kind: contract.HTTPAuth, HTTP: "basic"})
	s := site(op(one(bearer()), one(basic), one(bearer()), one(apiKey(contract.InQuery, "k"))))
	s.API.Name, s.API.KeysToo = "a\"b\n", true
	d := build(t, s).Check(exchange(with()))
	var got []string
	for _, f := range d.Fields {
		got = append(got, f.Value)
	}
	want := []string{
		`ApiKey realm="a\"b", in="header", name="X-Api-Key"`, `Bearer realm="a\"b"`, `Basic realm="a\"b", charset="UTF-8"`,
		`ApiKey realm="a\"b", in="query", name="k"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeysTooAsksForBoth(t *testing.T) {
	t.Parallel()
	s := site(op(one(bearer())))
	s.API.KeysToo = true
	key, auth := risk.Field{Name: "X-Api-Key", Value: "good"}, risk.Field{Name: "Authorization", Value: "Bearer a"}
	for _, c := range []struct {
		name   string
		in     risk.Request
		passes bool
	}{{"both", with(key, auth), true}, {"the key alone", with(key), false}, {"the token alone", with(auth), false}} {
		x := exchange(c.in)
		if d := build(t, s).Check(x); (d == nil) != c.passes {
			t.Errorf("%s: got %+v", c.name, d)
		}
		if c.passes && (x.Caller().Kind != risk.KeyCaller || len(x.Edits()) != 1) {
			t.Errorf("%s: the key's owner must stay the caller: %+v, %v", c.name, x.Caller(), x.Edits())
		}
	}
}

func TestWhatCannotBeAcceptedIsClosed(t *testing.T) {
	t.Parallel()
	bare := site(&contract.Operation{})
	bare.API.KeyHeader = ""
	for name, s := range map[string]*risk.Site{
		"a client certificate alone":   site(op(one(scheme(contract.Scheme{Kind: contract.MutualTLS})))),
		"an unknown kind of scheme":    site(op(one(&contract.Scheme{}))),
		"a scheme that is no token":    site(op(one(scheme(contract.Scheme{Kind: contract.HTTPAuth, HTTP: "a b"})))),
		"neither keys nor declaration": bare,
	} {
		d := build(t, s).Check(exchange(with(risk.Field{Name: "X-Api-Key", Value: "good"})))
		if code(d) != CodeUnsupported || d.Status != 403 {
			t.Errorf("%s: got %+v", name, d)
		}
	}
}

func TestPublicOperationsDenyNobodyAndKeepKeysFromTheUpstream(t *testing.T) {
	t.Parallel()
	reason := site(&contract.Operation{})
	reason.Public = "the price list"
	for name, s := range map[string]*risk.Site{"by the document": site(op()), "by the policy": reason} {
		for value, caller := range map[string]risk.CallerKind{"good": risk.KeyCaller, "bad": risk.Anonymous, "broken": risk.Anonymous} {
			x := exchange(with(risk.Field{Name: "X-Api-Key", Value: value}))
			if d := build(t, s).Check(x); d != nil || len(x.Edits()) != 1 || x.Caller().Kind != caller {
				t.Errorf("%s, %s: %+v, edits %v, caller %v", name, value, d, x.Edits(), x.Caller().Kind)
			}
		}
		x := exchange(with())
		if d := build(t, s).Check(x); d != nil || len(x.Edits()) != 0 {
			t.Errorf("%s: nobody gets %+v, %v", name, d, x.Edits())
		}
	}
}

func TestNoGuardWhereThereIsNothingToDo(t *testing.T) {
	t.Parallel()
	bare := site(op())
	bare.API.KeyHeader = ""
	own := site(&contract.Operation{Secured: true, Parameters: []*contract.Parameter{{In: contract.InHeader, Name: "x-api-key"}}})
	for name, s := range map[string]*risk.Site{
		"the listener": {Scope: risk.OfListener}, "no operation": {Scope: risk.OfAPI, API: &risk.API{}},
		"public without keys": bare, "public, and the header is the document's": own,
	} {
		if placed, err := newGuard(s); err != nil || len(placed) != 0 {
			t.Errorf("%s: %v, %v", name, placed, err)
		}
	}
}

func TestAHeaderThatTheDocumentUsesGoesUpstream(t *testing.T) {
	t.Parallel()
	x := exchange(with(risk.Field{Name: "X-Api-Key", Value: "theirs"}))
	if d := build(t, site(op(one(apiKey(contract.InHeader, "x-api-key"))))).Check(x); d != nil || len(x.Edits()) != 0 {
		t.Errorf("got %+v, %v", d, x.Edits())
	}
}

func TestPassingAllocatesNothingOfItsOwn(t *testing.T) {
	f := &risk.Facts{Request: with(risk.Field{Name: "X-Api-Key", Value: "good"}), Env: still{}}
	x := risk.NewExchange(f, make([]risk.Edit, 0, 4))
	for _, s := range []*risk.Site{site(&contract.Operation{}), site(op(one(apiKey(contract.InHeader, "x-api-key"))))} {
		g := build(t, s)
		if n := testing.AllocsPerRun(100, func() { x.Reset(f); g.Check(x) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// still is an Env that allocates nothing.
type still struct{}

func (still) Now() time.Time        { return time.Time{} }
func (still) Limiter() risk.Limiter { return nil }

func (still) Pseudonym(string) string { return "p" }
func (still) Verify(risk.Credential) (risk.Caller, risk.Verdict) {
	return risk.Caller{Kind: risk.KeyCaller}, risk.Valid
}

func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"Bearer abc.def-_~+/==", "bEARER  x", "Bearer a,b", "Basic YTpi", "Bearer", "Bearer \x00", "Bearer a b", "Basic YTp"} {
		f.Add(s)
	}
	fuzzloop.Run(f, func(t *testing.T, value string) {
		for _, scheme := range []string{"bearer", "basic"} {
			got := authorization(risk.Fields{{Name: "Authorization", Value: value}}, scheme)
			if got == "" {
				continue
			}
			if strings.ContainsAny(got, " \t,;\"\r\n\x00") || !strings.HasSuffix(strings.Trim(value, " \t"), got) || !strings.EqualFold(strings.Fields(value)[0], scheme) {
				t.Errorf("%q gives %q as %s", value, got, scheme)
			}
		}
	})
}
