package csrf

import (
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func operation(method string) *contract.Operation {
	key := func(in contract.In, name string) contract.Requirement {
		return contract.Requirement{Parts: []contract.Required{{Scheme: &contract.Scheme{Kind: contract.APIKey, In: in, Field: name}}}}
	}
	return &contract.Operation{Method: method, Secured: true, Security: []contract.Requirement{key(contract.InCookie, "sid"), key(contract.InHeader, "X-Token")}}
}

func site(op *contract.Operation, p Params) *risk.Site {
	return &risk.Site{Scope: risk.OfOperation, Op: op, API: &risk.API{KeyHeader: "X-Api-Key"}, Params: p}
}

func guardFor(t testing.TB) risk.Guard {
	t.Helper()
	placed, err := newGuard(site(operation("POST"), Params{Cookies: []string{"other"}, Origins: []string{"https://app.example.com"}}))
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Admit {
		t.Fatalf("want one guard at admit: %v %v", placed, err)
	}
	return placed[0].Guard
}

func exchange(fields ...string) *risk.Exchange {
	f := &risk.Facts{Conn: risk.Conn{Secure: true}, Request: risk.Request{Method: "POST", Host: "api.example.com"}}
	for i := 0; i < len(fields); i += 2 {
		f.Request.Fields = append(f.Request.Fields, risk.Field{Name: fields[i], Value: fields[i+1]})
	}
	return risk.NewExchange(f, nil)
}

func TestOnlyPagesOfTheAPIMayUseTheCookie(t *testing.T) {
	t.Parallel()
	g := guardFor(t)
	for name, c := range map[string]struct {
		fields []string
		passes bool
	}{
		"no cookie":                          {[]string{"Origin", "https://evil.example"}, true},
		"another cookie":                     {[]string{"Cookie", "sidx=1; lang=en"}, true},
		"the same page":                      {[]string{"Cookie", "sid=1", "sec-fetch-site", "same-origin"}, true},
		"typed":                              {[]string{"Cookie", "a=b; sid=1", "Sec-Fetch-Site", "none"}, true},
		"the own origin":                     {[]string{"Cookie", "sid=1", "Origin", "https://api.example.com"}, true},
		"another port of it":                 {[]string{"Cookie", "sid=1", "Origin", "https://api.example.com:8443"}, true},
		"a listed origin":                    {[]string{"Cookie", "other=1", "Origin", "https://app.example.com", "Sec-Fetch-Site", "same-site"}, true},
		"a page of ours, by Referer":         {[]string{"Cookie", "sid=1", "Referer", "https://api.example.com/a?b=https://x"}, true},
		"a listed page, by Referer":          {[]string{"Cookie", "sid=1", "Referer", "https://app.example.com"}, true},
		"a bearer token":                     {[]string{"Cookie", "sid=1", "Authorization", "bearer abc", "Origin", "https://evil.example"}, true},
		"a key in a header":                  {[]string{"Cookie", "sid=1", "x-token", "abc"}, true},
		"a key of ours":                      {[]string{"Cookie", "sid=1", "X-Api-Key", "abc"}, true},
		"silence":                            {[]string{"Cookie", "sid=1"}, false},
		"an empty cookie":                    {[]string{"Cookie", "sid="}, false},
		"the cookie in a second field":       {[]string{"Cookie", "a=b", "Cookie", "sid=1"}, false},
		"another site":                       {[]string{"Cookie", "sid=1", "Sec-Fetch-Site", "cross-site"}, false},
		"a sibling":                          {[]string{"Cookie", "sid=1", "Sec-Fetch-Site", "same-site"}, false},
		"a foreign origin":                   {[]string{"Cookie", "sid=1", "Origin", "https://evil.example"}, false},
		"a sandbox":                          {[]string{"Cookie", "sid=1", "Origin", "null"}, false},
		"an origin with ours in front":       {[]string{"Cookie", "sid=1", "Origin", "https://api.example.com.evil.example"}, false},
		"an origin with ours behind":         {[]string{"Cookie", "sid=1", "Origin", "https://evilapi.example.com"}, false},
		"ours without TLS":                   {[]string{"Cookie", "sid=1", "Origin", "http://api.example.com"}, false},
		"a listed one without TLS":           {[]string{"Cookie", "sid=1", "Origin", "http://app.example.com"}, false},
		"two origins":                        {[]string{"Cookie", "sid=1", "Origin", "https://api.example.com", "Origin", "https://evil.example"}, false},
		"two words on the site":              {[]string{"Cookie", "sid=1", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, false},
		"ours as a user name":                {[]string{"Cookie", "sid=1", "Referer", "https://api.example.com@evil.example/"}, false},
		"ours in the path":                   {[]string{"Cookie", "sid=1", "Referer", "https://evil.example/https://api.example.com"}, false},
		"Referer does not help Origin":       {[]string{"Cookie", "sid=1", "Origin", "null", "Referer", "https://api.example.com/"}, false},
		"Referer does not help another site": {[]string{"Cookie", "sid=1", "Sec-Fetch-Site", "cross-site", "Referer", "https://api.example.com/"}, false},
		"a password of the browser":          {[]string{"Cookie", "sid=1", "Authorization", "Basic eDp5"}, false},
		"a scheme without a token":           {[]string{"Cookie", "sid=1", "Authorization", "Bearer "}, false},
		"an empty key":                       {[]string{"Cookie", "sid=1", "X-Token", ""}, false},
	} {
		if d := g.Check(exchange(c.fields...)); (d == nil) != c.passes || d != nil && (d.Code != CodeForeign || d.Status != 403) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	f := &risk.Facts{Caller: risk.Caller{Kind: risk.KeyCaller}, Request: risk.Request{Fields: risk.Fields{{Name: "Cookie", Value: "sid=1"}}}}
	if d := g.Check(risk.NewExchange(f, nil)); d != nil {
		t.Errorf("a caller with a key: %+v", d)
	}
}

func TestThereIsNoGuardWhereThereIsNothingToForge(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*risk.Site{
		"a read": site(operation("GET"), Params{}), "no cookies": site(&contract.Operation{Method: "POST"}, Params{}), "the API": {Scope: risk.OfAPI},
	} {
		if placed, err := newGuard(s); err != nil || len(placed) != 0 {
			t.Errorf("%s: %v %v", name, placed, err)
		}
	}
	for _, o := range []string{"app.example.com", "https://", "https://App.example.com", "https://a.example/", "https://*.example", "null"} {
		if _, err := newGuard(site(operation("POST"), Params{Origins: []string{o}})); err == nil {
			t.Errorf("%q: no error", o)
		}
	}
	if _, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: operation("POST"), Params: 1}); err == nil {
		t.Error("settings of another risk")
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	g, x := guardFor(t), exchange("Cookie", "a=b; sid=1", "Origin", "https://api.example.com")
	if n := testing.AllocsPerRun(100, func() {
		if g.Check(x) != nil {
			t.Fatal("it must pass")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheLintSpeaksOnceOfFormsWithCookies(t *testing.T) {
	t.Parallel()
	takes := func(method, media string, secured bool) *contract.Operation {
		op := operation(method)
		if !secured {
			op.Security = nil
		}
		op.Body = &contract.Body{Media: []*contract.Media{{Type: "application/json"}, {Type: media}}}
		return op
	}
	n := 0
	lint(&contract.Contract{Operations: []*contract.Operation{
		takes("POST", "application/xml", true), takes("POST", "text/plain", false), takes("GET", "text/plain", true),
		takes("PUT", "text/plain", true), takes("POST", "multipart/form-data", true),
	}}, func(d source.Diagnostic) {
		if n++; d.Code != CodeForm {
			t.Errorf("%+v", d)
		}
	})
	if n != 1 {
		t.Errorf("%d diagnostics", n)
	}
}
