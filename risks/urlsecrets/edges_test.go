package urlsecrets

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhichNamesAreSecret(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields(`apikey x-api-key api.token api_secret token access_token auth_token id_token refresh_token bearer_token bearer JWT
		AUTHORIZATION auth credential credentials password passwd pwd passphrase secret secret_key client_secret private_key
		session session_id session_token sessid JSESSIONID PHPSESSID authoriZAtion
		[password] a[password] a[b][password] a[password password[] password[0] password[17][] a[password][] [password][0] ---------t.o.k.e.n_________`) {
		if !secretName(name) {
			t.Errorf("%q is not seen", name)
		}
	}
	for _, name := range strings.Fields(`tokens mytoken page_token password2 password[confirm] password[a] a[] [] [0] ][ password] to@ken to[ken to~ken pwd! csrf_token state code key`) {
		if secretName(name) {
			t.Errorf("%q is taken for one", name)
		}
	}
	// Longer names than the buffer end the search, whatever they begin with.
	for name, want := range map[string]bool{strings.Repeat("-", 99) + "token": true, strings.Repeat("a", 24): false, strings.Repeat("a", 99): false} {
		if got := secretName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestWhichTextHoldsAKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sp_1234": "sp_1234", "sp_123": "", "sp_": "", "see sp_12 sp_3456.": "sp_3456", "sp_sp_1": "sp_sp_1", "sp_a.sp_abcd/x": "sp_abcd",
		"x=sp_azAZ09_-!sp_": "sp_azAZ09_-", "sp_abc{": "", "sp_abc:": "", "sp_abc[": "", "sp_abc@": "", "sp_abc`": "", "sp_abc/": "", "": "", "abcdef": "",
	} {
		got, ok := holdsKey(text, "sp_")
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %v", text, got, ok)
		}
	}
	if got, ok := holdsKey("abcdefgh", ""); got != "" || ok {
		t.Errorf("without a prefix: %q %v", got, ok)
	}
}

func TestWhichTextIsAToken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		jwt: true, "Bearer " + jwt: true, " " + jwt + " ": true, "eyJ.eyJ.": true, "eyJ09_-.eyJazAZ.sig": true,
		"eyJ.eyJ": false, "eyJ": false, "": false, "eyJ.abc.sig": false, "abc.eyJ.sig": false, "abc.def.ghi": false, "eyJ.eyJ.a.b": false,
		"eyJ .eyJ.a": false, "eyJ.eyJ .a": false, "eyJ.eyJ. a": false, "eyJ.eyJ.a:": false, "eyJ{.eyJ.a": false, "bearer " + jwt: false,
	} {
		if got := isJWT(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// verdicts says the same of every key.
type verdicts struct {
	risk.Env
	says risk.Verdict
}

func (v verdicts) Verify(risk.Credential) (risk.Caller, risk.Verdict) { return risk.Caller{}, v.says }

func TestKeysThatOnceWereGoodAreFlaggedWhereverTheyStand(t *testing.T) {
	t.Parallel()
	g := build(t)
	for says, want := range map[risk.Verdict]string{
		risk.Valid: FlagKey, risk.Expired: FlagKey, risk.Revoked: FlagKey, risk.Unverified: "", risk.Malformed: "", risk.UnknownCredential: "", risk.Broken: "",
	} {
		for _, c := range []struct{ path, query string }{{"/orders", "q=sp_live_alice"}, {"/orders", "sp_live_alice=q"}, {"/orders/sp_live_alice", ""}} {
			x, f := exchange(t, c.path, c.query)
			f.Env = verdicts{says: says}
			if d := g.Check(x); d == nil || strings.Join(x.Flags(), " ") != want {
				t.Errorf("verdict %d, %v: %v, flags %q", says, c, d, x.Flags())
			}
		}
	}
}

func TestWhatRefusalsSay(t *testing.T) {
	t.Parallel()
	g := build(t).(*guard)
	const title = "credentials are not taken from the URL"
	query := &risk.Denial{Code: CodeQuery, Status: 400, Title: title, Reason: "the query has a parameter that is called or looks like a credential, and is not declared"}
	path := &risk.Denial{Code: CodePath, Status: 400, Title: title, Reason: "the path holds a key"}
	if diff := cmp.Diff([]*risk.Denial{query, path}, []*risk.Denial{g.query, g.path}); diff != "" {
		t.Error(diff)
	}
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: &contract.Operation{}})
	if err != nil || len(placed) != 1 {
		t.Fatal(placed, err)
	}
	for query, want := range map[string]*risk.Denial{"q=sp_live_alice": nil, "token[]=1": query} {
		x, _ := exchange(t, "/orders", query)
		if diff := cmp.Diff(want, placed[0].Guard.Check(x)); diff != "" {
			t.Errorf("without an API, %s: %s", query, diff)
		}
	}
}

func TestWhatIsDeclared(t *testing.T) {
	t.Parallel()
	scheme := func(s *contract.Scheme) []contract.Requirement {
		return []contract.Requirement{{}, {Parts: []contract.Required{{Scheme: s}}}}
	}
	in := func(p contract.In, name string) []*contract.Parameter {
		return []*contract.Parameter{{Name: name, In: p}}
	}
	for name, c := range map[string]struct {
		op   contract.Operation
		want bool
	}{
		"nothing": {contract.Operation{}, false}, "an unknown scheme": {contract.Operation{Security: scheme(nil)}, false},
		"a key in the query":             {contract.Operation{Security: scheme(&contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Field: "token"})}, true},
		"a key in a cookie":              {contract.Operation{Security: scheme(&contract.Scheme{Kind: contract.APIKey, In: contract.InCookie, Field: "token"})}, false},
		"no key":                         {contract.Operation{Security: scheme(&contract.Scheme{Kind: contract.OAuth2, In: contract.InQuery, Field: "token"})}, false},
		"a parameter of the query":       {contract.Operation{Parameters: in(contract.InQuery, "token")}, true},
		"a parameter of the path":        {contract.Operation{Parameters: in(contract.InPath, "token")}, false},
		"another":                        {contract.Operation{Parameters: in(contract.InQuery, "q")}, false},
		"one with brackets":              {contract.Operation{Parameters: in(contract.InQuery, "token[]")}, false},
		"a key that is another's member": {contract.Operation{Security: scheme(&contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Field: "a"})}, false},
	} {
		placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: &c.op})
		if err != nil {
			t.Fatal(err)
		}
		x := risk.NewExchange(&risk.Facts{Request: risk.Request{Pairs: []canon.Pair{{Name: "token", Value: "1"}}}}, nil)
		if got := placed[0].Guard.Check(x) == nil; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	listed := &guard{declared: []string{"token[]", "user"}}
	for name, want := range map[string]bool{"token[]": true, "user[token]": true, "user": true, "token": false, "users[token]": false} {
		if got := listed.declares(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatTheLintReports(t *testing.T) {
	t.Parallel()
	key := func(line int, s contract.Scheme) []contract.Requirement {
		s.At = source.Span{Line: line}
		return []contract.Requirement{{Parts: []contract.Required{{}, {Scheme: &s}}}}
	}
	password := contract.NewSchema()
	password.Format = "password"
	p := func(line int, in contract.In, name string, s *contract.Schema) *contract.Parameter {
		return &contract.Parameter{Name: name, In: in, Schema: s, At: source.Span{Line: line}}
	}
	op := func(security []contract.Requirement, params ...*contract.Parameter) *contract.Operation {
		return &contract.Operation{Method: "GET", Path: "/a", Security: security, Parameters: params}
	}
	inQuery := contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Name: "k"}
	plain := p(0, contract.InQuery, "token", nil)
	const byScheme, kept = `the scheme "k" puts the key into the URL, which logs and browsers keep`, ", and URLs are kept by logs and browsers"
	for name, c := range map[string]struct {
		ops  []*contract.Operation
		want []string
	}{
		"a key in the query, twice":   {[]*contract.Operation{op(key(1, inQuery)), op(key(1, inQuery))}, []string{byScheme}},
		"two without a place":         {[]*contract.Operation{op(nil, plain), op(nil, plain)}, []string{`GET /a takes "token" in the query` + kept, `GET /a takes "token" in the query` + kept}},
		"a key in the header":         {[]*contract.Operation{op(key(1, contract.Scheme{Kind: contract.APIKey, In: contract.InHeader}))}, nil},
		"no key":                      {[]*contract.Operation{op(key(1, contract.Scheme{Kind: contract.HTTPAuth, In: contract.InQuery}))}, nil},
		"a name in the path":          {[]*contract.Operation{op(nil, p(1, contract.InPath, "token", nil))}, []string{`GET /a takes "token" in the path` + kept}},
		"a name in header and cookie": {[]*contract.Operation{op(nil, p(1, contract.InHeader, "token", nil), p(2, contract.InCookie, "session", nil))}, nil},
		"a password by its format":    {[]*contract.Operation{op(nil, p(1, contract.InHeader, "p", password), p(2, contract.InQuery, "p", password))}, []string{`GET /a takes "p" in the query` + kept}},
		"other names":                 {[]*contract.Operation{op(nil, p(1, contract.InQuery, "q", nil), p(2, contract.InPath, "id", contract.NewSchema()))}, nil},
	} {
		var got []string
		lint(&contract.Contract{Operations: c.ops}, func(d source.Diagnostic) {
			got = append(got, d.Text)
			hint := map[source.Code]string{CodeScheme: "write in: header", CodeParameter: "take it in a header or in the body of a POST"}[d.Code]
			if d.Hint != hint || hint == "" || d.Severity != source.Warning {
				t.Errorf("%s: %+v", name, d)
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// sent runs the probe against a target whose answer to the nth request is the
// nth of statuses (0: none), the last for those behind it. It lists queries.
func sent(t *testing.T, op *contract.Operation, query string, statuses ...int) (queries, proofs []string, err error) {
	t.Helper()
	canary := 0
	target := &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{{Method: "POST"}, {Method: "GET", Path: "/unknown"}, op}},
		Lawful: func(o *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: o.Method, Path: o.Path, Query: query}, o == op
		},
		Canary: func() string { canary++; return strings.Repeat("c", canary) },
		Report: func(f risk.Finding) {
			if f.Operation != "GET /a/{}" || !f.Confirmed || f.Code != "urlsecrets/query" {
				t.Errorf("%+v", f)
			}
			proofs = append(proofs, f.Proof)
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			status := statuses[min(len(queries), len(statuses)-1)]
			queries = append(queries, a.Query)
			if a.As != "alice" || a.Method != "GET" || a.Path != "/a/1" {
				t.Errorf("sent %+v", a)
			}
			if status == 0 {
				return &risk.Seen{Status: 200}, errors.New("reset")
			}
			return &risk.Seen{Status: status}, nil
		},
	}
	err = probe(t.Context(), target)
	return queries, proofs, err
}

func TestTheProbeStepByStep(t *testing.T) {
	t.Parallel()
	const random, first, second, third, fourth, fifth = "c=cc", "access_token=ccc", "api_key=cccc", "apikey=ccccc", "token=cccccc", "auth_token=ccccccc"
	all := []string{"", random, first, second, third, fourth, fifth}
	proof := func(before, after, name string) []string {
		return []string{"GET /a/1 answered its lawful caller with " + before + " beside a random parameter, and with " + after + ` beside a false "` + name + `": it reads credentials from the URL`}
	}
	for name, c := range map[string]struct {
		statuses []int
		queries  []string
		proofs   []string
		err      error
	}{
		"nobody answers":                   {[]int{0}, all[:1], nil, errNoAnswer},
		"no success yet":                   {[]int{199}, all[:1], nil, errNoAnswer},
		"an odd success":                   {[]int{299}, all, nil, nil},
		"no success any more":              {[]int{300}, all[:1], nil, errNoAnswer},
		"nothing beside a parameter":       {[]int{200, 0, 401}, all[:2], nil, nil},
		"less than success beside one":     {[]int{200, 199, 401}, all[:2], nil, nil},
		"a redirect beside one":            {[]int{200, 300, 401}, all[:2], nil, nil},
		"who are you":                      {[]int{200, 299, 401, 299}, []string{"", random, first, random}, proof("299", "401", "access_token"), nil},
		"you are not allowed, to the last": {[]int{200, 200, 200, 400, 402, 0, 403, 200}, append(all[:7:7], random), proof("200", "403", "auth_token"), nil},
		"something else has changed":       {[]int{200, 200, 401, 201, 401}, []string{"", random, first, random}, nil, nil},
		"and nobody answers":               {[]int{200, 200, 401, 0, 401}, []string{"", random, first, random}, nil, nil},
		"other refusals":                   {[]int{200, 200, 400, 402, 404, 429, 500}, all, nil, nil},
	} {
		queries, proofs, err := sent(t, &contract.Operation{Method: "GET", Path: "/a/1", Key: "GET /a/{}"}, "", c.statuses...)
		if diff := cmp.Diff(c.queries, queries) + cmp.Diff(c.proofs, proofs); diff != "" || !errors.Is(err, c.err) {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestTheProbeLeavesOutWhatTheContractAsksFor(t *testing.T) {
	t.Parallel()
	scheme := func(field string, in contract.In) contract.Requirement {
		return contract.Requirement{Parts: []contract.Required{{}, {Scheme: &contract.Scheme{Kind: contract.APIKey, In: in, Field: field}}}}
	}
	op := &contract.Operation{
		Method: "GET", Path: "/a/1", Key: "GET /a/{}", Security: []contract.Requirement{scheme("api_key", contract.InQuery), scheme("apikey", contract.InHeader)},
		Parameters: []*contract.Parameter{{Name: "token", In: contract.InQuery}, {Name: "auth_token", In: contract.InHeader}},
	}
	queries, _, err := sent(t, op, "q=1", 200)
	want := []string{"q=1", "q=1&c=cc", "q=1&access_token=ccc", "q=1&apikey=cccc", "q=1&auth_token=ccccc"}
	if diff := cmp.Diff(want, queries); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestAProbeThatIsCalledBackSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	n, found := 0, 0
	err := probe(ctx, target(&found, func(context.Context, *risk.Attempt) (*risk.Seen, error) {
		n++
		cancel()
		return &risk.Seen{Status: 200}, nil
	}))
	if !errors.Is(err, context.Canceled) || n == 0 {
		t.Errorf("%v after %d requests", err, n)
	}
}
