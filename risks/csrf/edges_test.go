package csrf

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// scheme is a requirement of one scheme.
func scheme(s *contract.Scheme) contract.Requirement {
	return contract.Requirement{Parts: []contract.Required{{Scheme: s}}}
}

func TestWhichCookiesAreCredentials(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Security: []contract.Requirement{
		scheme(nil), scheme(&contract.Scheme{Kind: contract.HTTPAuth, In: contract.InCookie, Field: "http"}),
		scheme(&contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Field: "query"}),
		{Parts: []contract.Required{
			{Scheme: &contract.Scheme{Kind: contract.APIKey, In: contract.InCookie, Field: "first"}},
			{Scheme: &contract.Scheme{Kind: contract.APIKey, In: contract.InHeader, Field: "X-Second"}},
		}},
		scheme(&contract.Scheme{Kind: contract.APIKey, In: contract.InCookie, Field: "third"}),
	}}
	if diff := cmp.Diff([]string{"first", "third"}, cookiesOf(op)); diff != "" {
		t.Error(diff)
	}
	for media, want := range map[string]bool{
		"application/x-www-form-urlencoded": true, "multipart/form-data": true, "text/plain": true,
		"application/json": false, "text/html": false, "": false,
	} {
		if got := simple(media); got != want {
			t.Errorf("%q: %v", media, got)
		}
	}
}

func TestWhatTheGuardLooksFor(t *testing.T) {
	t.Parallel()
	denial := &risk.Denial{
		Code: CodeForeign, Status: 403, Title: "pages of other sites may not do this",
		Reason: "the request brings a cookie and does not show that it comes from a page of the API",
	}
	origins := []string{"https://app.example.com", "http://localhost:5173"}
	for name, c := range map[string]struct {
		api  *risk.API
		want []string
	}{
		"no API": {nil, []string{"X-Token"}}, "no keys of ours": {&risk.API{}, []string{"X-Token"}}, "keys of ours": {&risk.API{KeyHeader: "X-Key"}, []string{"X-Token", "X-Key"}},
	} {
		s := site(operation("POST"), Params{Cookies: []string{"other"}, Origins: origins})
		s.API = c.api
		placed, err := newGuard(s)
		if err != nil || len(placed) != 1 {
			t.Fatalf("%s: %v %v", name, placed, err)
		}
		want := &guard{cookies: []string{"sid", "other"}, headers: c.want, origins: origins, denial: denial}
		if diff := cmp.Diff(want, placed[0].Guard, cmp.AllowUnexported(guard{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: operation("POST")}); err != nil || len(placed) != 1 {
		t.Errorf("without settings: %v %v", placed, err)
	}
	for _, o := range []string{"ftp://app.example.com", "https", "://app.example.com", "https://a b", "https://a?b", "https://a#b", "https://a@b"} {
		if _, err := newGuard(site(operation("GET"), Params{Origins: []string{o}})); err == nil {
			t.Errorf("%q: no error", o)
		}
	}
}

func TestCredentialsThatAPageHasToAdd(t *testing.T) {
	t.Parallel()
	g := guardFor(t).(*guard)
	for name, c := range map[string]struct {
		value string
		want  bool
	}{
		"a token": {"Bearer x", true}, "any case": {"bEARER x", true}, "bound to a key": {"DPoP x", true},
		"nothing": {"", false}, "a scheme alone": {"Bearer", false}, "a scheme and a blank": {"Bearer ", false}, "a bound one alone": {"DPoP", false},
		"a password": {"Basic x", false}, "another scheme": {"Negotiate x", false},
	} {
		if got := g.shows(risk.Fields{{Name: "Authorization", Value: c.value}}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOriginsOfTheAPI(t *testing.T) {
	t.Parallel()
	g := guardFor(t).(*guard)
	const tls, plain = true, false
	for _, c := range []struct {
		host, from string
		secure     bool
		want       bool
	}{
		{"api.example.com", "https://api.example.com", tls, true}, {"api.example.com", "https://api.example.com:8443", tls, true},
		{"api.example.com", "http://api.example.com", tls, false}, {"api.example.com", "http://api.example.com:80", plain, true},
		{"api.example.com", "https://api.example.com", plain, true}, {"api.example.com", "ftp://api.example.com", plain, false},
		{"api.example.com", "api.example.com", tls, false}, {"api.example.com", "https", tls, false}, {"https", "https", tls, false},
		{"api.example.com", "https://api.example.com:x@evil.example", tls, false}, {"api.example.com", "https://api.example.com:80a", tls, false},
		{"api.example.com", "https://[api.example.com]evil.example", tls, false},
		{"::1", "https://[::1]", tls, true}, {"::1", "https://[::1]:8443", tls, true}, {"::1", "https://[::2]", tls, false}, {"::1", "https://::1", tls, false},
		{"127.0.0.1", "https://127.0.0.1:1", tls, true}, {"", "https://", tls, false}, {"", "https://:1", tls, false}, {"", "", tls, false}, {"", "https://[]", tls, false},
		{"api.example.com", "https://app.example.com", tls, true},
	} {
		x := risk.NewExchange(&risk.Facts{Conn: risk.Conn{Secure: c.secure}, Request: risk.Request{Host: c.host}}, nil)
		if got := g.allows(c.from, x); got != c.want {
			t.Errorf("%q at %q, TLS %v: %v", c.from, c.host, c.secure, got)
		}
	}
	for url, want := range map[string]string{
		"https://a.example/b?c=https://d": "https://a.example", "https://a.example:8/": "https://a.example:8", "https://a.example": "https://a.example",
		"": "", "a/b": "a/b", "https:///b": "https://", "about:blank": "about:blank",
	} {
		if got := origin(url); got != want {
			t.Errorf("the origin of %q is %q", url, got)
		}
	}
	two := exchange("Cookie", "sid=1", "Referer", "https://api.example.com/", "Referer", "https://api.example.com/")
	if d := g.Check(two); d == nil {
		t.Error("two referers pass")
	}
}

func TestWhatTheLintSays(t *testing.T) {
	t.Parallel()
	takes := func(method string, cookie bool, media ...string) *contract.Operation {
		op := operation(method)
		if op.Path = "/" + method; !cookie {
			op.Security = nil
		}
		op.Body = &contract.Body{}
		for i, m := range media {
			op.Body.Media = append(op.Body.Media, &contract.Media{Type: m, At: source.Span{Line: 10*len(m) + i}})
		}
		return op
	}
	var got []source.Diagnostic
	report := func(d source.Diagnostic) { got = append(got, d) }
	lint(&contract.Contract{Operations: []*contract.Operation{
		takes("GET", true, "text/plain"), takes("POST", false, "text/plain"), operation("DELETE"),
		takes("PUT", true, "application/json", "text/plain", "multipart/form-data"), takes("PATCH", true, "multipart/form-data"),
	}}, report)
	want := []source.Diagnostic{{
		At: source.Span{Line: 101}, Severity: source.Warning, Code: CodeForm,
		Text: "PUT /PUT takes a cookie as credential and a body of type text/plain, which a page of any site can send (2 such operations)",
		Hint: "take application/json alone, or a credential in a header",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	lint(&contract.Contract{}, func(d source.Diagnostic) { t.Errorf("of nothing: %+v", d) })
}
