package header

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// single and others are what the guard of any API knows.
const (
	single = `Authorization Proxy-Authorization Content-Type Content-Length Content-Range Host Origin Referer Cookie Range If-Range If-Modified-Since
		If-Unmodified-Since Max-Forwards Date Idempotency-Key`
	others = `Transfer-Encoding Content-Encoding If-Match If-None-Match X-HTTP-Method-Override X-HTTP-Method X-Method-Override X-Original-URL X-Rewrite-URL
		X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-User X-Real-IP X-Client-IP True-Client-IP
		X-Client-Cert SSL-Client-Cert Remote-User X-Remote-User Sallyport-Assertion Sallyport-Decision`
)

func check(g risk.Guard, lines ...string) fault.Code {
	return code(g.Check(risk.NewExchange(&risk.Facts{Request: risk.Request{Fields: fieldsOf(lines...)}}, nil)))
}

func TestWhatRefusalsSay(t *testing.T) {
	t.Parallel()
	g := guardAt(t, &risk.Site{Scope: risk.OfAPI, API: &risk.API{}}).(*fields)
	want := []*risk.Denial{
		{Code: CodeDuplicate, Status: 400, Title: "a header field may come only once", Reason: "a field that has one value came more than once"},
		{Code: CodeUnderscore, Status: 400, Title: "a header field has a name that is read in two ways", Reason: "the name of a field is another spelling of one that decides"},
		{Code: CodeHop, Status: 400, Title: "Connection names a field that does not belong to the connection", Reason: "Connection names a field that decides, so that a proxy behind would drop it"},
	}
	if diff := cmp.Diff(want, []*risk.Denial{g.duplicate, g.underscore, g.hop}); diff != "" {
		t.Error(diff)
	}
}

func TestFieldsThatDecideForEveryAPI(t *testing.T) {
	t.Parallel()
	g := guardAt(t, &risk.Site{Scope: risk.OfAPI, API: &risk.API{}})
	for i, list := range [...]string{single, others} {
		want := [...]fault.Code{CodeDuplicate, ""}[i]
		for name := range strings.FieldsSeq(list) {
			if got := check(g, name+": a", "Accept: b", strings.ToLower(name)+": a"); got != want {
				t.Errorf("%s twice: %q", name, got)
			}
			if got := check(g, name+": a", name+": a"); got != want {
				t.Errorf("%s twice in a row: %q", name, got)
			}
			if got := check(g, "Connection: "+name); got != CodeHop {
				t.Errorf("%s in Connection: %q", name, got)
			}
			if got := check(g, strings.ReplaceAll(name, "-", "_")+": a"); strings.Contains(name, "-") && got != CodeUnderscore {
				t.Errorf("%s with underscores: %q", name, got)
			}
		}
	}
	for _, lines := range [][]string{
		{"Authorization: a"}, {"Accept: a", "Accept: b"}, {"Accept: a", "Authorization: b"}, {"Vary: Authorization"}, {"Access-Control-Request-Headers: authorization, x_forwarded_for"},
		{"Connection: close", "Connection: keep-alive"}, {"Connection: "}, {"Connection: ,"},
	} {
		if got := check(g, lines...); got != "" {
			t.Errorf("%q: %q", lines, got)
		}
	}
}

func TestOnlyHeaderFieldsOfAnOperationCount(t *testing.T) {
	t.Parallel()
	s := site()
	s.Op.Parameters = append(s.Op.Parameters, &contract.Parameter{Name: "Sort-By", In: contract.InQuery, Schema: schemaOf(contract.StringType)}, parameter("x-flat", contract.StringType))
	g := guardAt(t, s)
	for name, c := range map[string]struct {
		lines []string
		want  fault.Code
	}{
		"twice like a parameter of the query":         {[]string{"Sort-By: a", "Sort-By: b"}, ""},
		"another spelling of one":                     {[]string{"Sort_By: a"}, ""},
		"in Connection like one":                      {[]string{"Connection: Sort-By"}, ""},
		"two spellings that are both declared, first": {[]string{"x_flat: a"}, ""},
		"two spellings that are both declared, last":  {[]string{"x-flat: a"}, ""},
		"both of them":                                {[]string{"x-flat: a", "x_flat: a"}, ""},
		"a third spelling":                            {[]string{"x.flat: a"}, CodeUnderscore},
		"a key in a query":                            {[]string{"key: a", "key: b"}, ""},
	} {
		if got := check(g, c.lines...); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func schemaOf(types contract.Types) *contract.Schema {
	s := contract.NewSchema()
	s.Types = types
	return s
}

func TestWhichNamesAreTwins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"X-Tenant", "X_Tenant", true}, {"x_TENANT", "X.tenant", true}, {"-a", "_a", true}, {"a-", "a_", true}, {"A-Z", "a_z", true}, {"a-Z", "A_z", true},
		{"X-Tenant", "x-tenant", false}, {"X-Tenant", "XaTenant", false}, {"XaTenant", "X-Tenant", false}, {"X-Tenant", "X-Tena-t", false}, {"X_Tena-t", "X-Tenant", false},
		{"a-b", "a_bc", false}, {"a-0", "a_-", false}, {"a-9", "a_-", false}, {"a-z", "a_-", false}, {"a-a", "a_-", false}, {"a-A", "a_-", false}, {"a-Z", "a_-", false}, {"", "", false},
	} {
		if got := twins(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
	for r := range rune(0x250) {
		want := r < 0x80 && (r == '-' || strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", r))
		if odd(r) == want {
			t.Errorf("%q is odd: %v", r, !want)
		}
	}
}

func TestWhichFieldsHoldKeys(t *testing.T) {
	t.Parallel()
	scheme := func(kind contract.SchemeKind, in contract.In) *contract.Scheme {
		return &contract.Scheme{Kind: kind, In: in, Field: fmt.Sprintf("X-%s-%s", kind, in)}
	}
	c := &contract.Contract{Schemes: []*contract.Scheme{
		scheme(contract.APIKey, contract.InQuery), scheme(contract.APIKey, contract.InHeader), scheme(contract.APIKey, contract.InCookie), scheme(contract.HTTPAuth, contract.InHeader), scheme(contract.OAuth2, contract.InQuery),
	}}
	for name, k := range map[string]struct {
		api  *risk.API
		want []string
	}{
		"no API": {nil, nil}, "no document": {&risk.API{KeyHeader: "X-Key"}, []string{"X-Key"}}, "no keys": {&risk.API{Contract: &contract.Contract{}}, nil},
		"keys of the document": {&risk.API{Contract: c}, []string{"X-apiKey-header"}}, "both": {&risk.API{KeyHeader: "X-Key", Contract: c}, []string{"X-Key", "X-apiKey-header"}},
	} {
		if diff := cmp.Diff(k.want, credentials(k.api)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhichFieldsHaveOneValue(t *testing.T) {
	t.Parallel()
	for types, want := range map[contract.Types]bool{
		contract.StringType: true, contract.NullType: true, contract.IntegerType | contract.NullType: true, 0: false, contract.ArrayType: false, contract.ObjectType: false,
		contract.StringType | contract.ArrayType: false, contract.StringType | contract.ObjectType: false, contract.AnyType: false,
	} {
		if got := scalar(&contract.Parameter{Schema: schemaOf(types)}); got != want {
			t.Errorf("types %d: %v", types, got)
		}
	}
	if scalar(&contract.Parameter{}) {
		t.Error("silence has one value")
	}
}

func TestWhatTheLintSays(t *testing.T) {
	t.Parallel()
	const reservedNames = `Connection Host Content-Length Transfer-Encoding TE Trailer Upgrade Keep-Alive Proxy-Connection Proxy-Authorization Expect Forwarded X-Forwarded-For
		X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-User X-Real-IP X-Client-IP True-Client-IP X-Original-URL X-Rewrite-URL
		X-Client-Cert SSL-Client-Cert Remote-User X-Remote-User`
	at := func(name string, line int) *contract.Parameter {
		p := parameter(name, contract.StringType)
		p.At = source.Span{}
		if line > 0 {
			p.At = source.Span{File: "a", Line: line}
		}
		return p
	}
	op, want := &contract.Operation{}, []string(nil)
	for name := range strings.FieldsSeq(reservedNames) {
		op.Parameters = append(op.Parameters, at(name, 0))
		want = append(want, "0 warning header/reserved: the field "+name+" belongs to the connection or is written by proxies: what a client says in it does not arrive; remove it from the document, or let clients use a field of the API's own")
	}
	name := func(line int, name, hint string) {
		want = append(want, fmt.Sprintf("%d warning header/name: the name of the field %s is dropped by some proxies and is that of another field to some servers; write %s", line, name, hint))
	}
	op.Parameters = append(op.Parameters, at("X_A.b c", 1), at("Second_At_The_Place", 1), at("X-Fűl\x7f", 2), at("az-AZ-09", 3))
	name(1, "X_A.b c", "X-A-b-c")
	name(2, "X-Fűl\x7f", "X-F-l-")
	name(4, "api_key", "api-key")
	var got []string
	lint(&contract.Contract{Operations: []*contract.Operation{op}, Schemes: []*contract.Scheme{
		{Kind: contract.APIKey, In: contract.InHeader, Field: "api_key", At: source.Span{File: "a", Line: 4}}, {Kind: contract.APIKey, In: contract.InCookie, Field: "api_cookie"}, {Kind: contract.HTTPAuth, In: contract.InHeader, Field: "x_y"},
	}}, func(d source.Diagnostic) {
		got = append(got, fmt.Sprintf("%d %s %s: %s; %s", d.At.Line, d.Severity, d.Code, d.Text, d.Hint))
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
