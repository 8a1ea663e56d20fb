package header

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func parameter(name string, types contract.Types) *contract.Parameter {
	s := contract.NewSchema()
	s.Types = types
	return &contract.Parameter{Name: name, In: contract.InHeader, Schema: s, At: source.Span{File: "a", Line: 1}}
}

func site() *risk.Site {
	return &risk.Site{
		Scope: risk.OfOperation,
		API: &risk.API{KeyHeader: "X-Api-Key", Contract: &contract.Contract{Schemes: []*contract.Scheme{
			{Kind: contract.APIKey, In: contract.InHeader, Field: "X-Partner"}, {Kind: contract.APIKey, In: contract.InQuery, Field: "key"},
		}}},
		Op: &contract.Operation{Method: "GET", Path: "/", Parameters: []*contract.Parameter{
			parameter("X-Tenant", contract.StringType), parameter("X-List", contract.ArrayType), parameter("x_flat", contract.StringType),
			{Name: "page", In: contract.InQuery},
		}},
	}
}

func guardAt(t *testing.T, s *risk.Site) risk.Guard {
	t.Helper()
	placed, err := newGuard(s)
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Connect {
		t.Fatal(placed, err)
	}
	return placed[0].Guard
}

// fieldsOf reads "Name: value" lines.
func fieldsOf(lines ...string) risk.Fields {
	var out risk.Fields
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		out = append(out, risk.Field{Name: name, Value: value})
	}
	return out
}

func TestHeadsWithoutASingleMeaningAreRefused(t *testing.T) {
	t.Parallel()
	g := guardAt(t, site())
	for _, c := range []struct {
		name   string
		fields risk.Fields
		want   fault.Code
	}{
		{"a lawful head", fieldsOf("Accept: a", "Accept: b", "Authorization: x", "Cookie: a=b", "X-Api-Key: k", "X-Tenant: red", "X-List: a", "X-List: b", "x_flat: 1"), ""},
		{"two credentials", fieldsOf("Authorization: a", "Authorization: b"), CodeDuplicate},
		{"two credentials apart, in other letters", fieldsOf("authorization: a", "Accept: x", "AUTHORIZATION: a"), CodeDuplicate},
		{"two keys", fieldsOf("X-Api-Key: a", "X-Api-Key: a"), CodeDuplicate},
		{"two keys of the document", fieldsOf("X-Partner: a", "X-Partner: b"), CodeDuplicate},
		{"two types", fieldsOf("Content-Type: a", "Content-Type: b"), CodeDuplicate},
		{"two cookie fields", fieldsOf("Cookie: a=b", "Cookie: a=c"), CodeDuplicate},
		{"two values of a declared field", fieldsOf("X-Tenant: a", "X-Tenant: b"), CodeDuplicate},
		{"a second declared name with an underscore", fieldsOf("X_flat: a", "x_flat: b"), CodeDuplicate},
		{"two fields that nobody knows", fieldsOf("X-Flavour: a", "X-Flavour: b"), ""},
		{"an underscored key", fieldsOf("X_Api_Key: a"), CodeUnderscore},
		{"a dotted key", fieldsOf("X.Api-Key: a"), CodeUnderscore},
		{"an underscored declared field", fieldsOf("x_tenant: a"), CodeUnderscore},
		{"a hyphen for a declared underscore", fieldsOf("x-flat: a"), CodeUnderscore},
		{"an underscored length", fieldsOf("Content_Length: 4"), CodeUnderscore},
		{"an underscored coding", fieldsOf("Transfer~Encoding: chunked"), CodeUnderscore},
		{"an underscored proxy", fieldsOf("X_Forwarded_For: 1.2.3.4"), CodeUnderscore},
		{"an underscored list", fieldsOf("X_List: a"), CodeUnderscore},
		{"an underscored name that nobody knows", fieldsOf("X_Flavour: a"), ""},
		{"a longer name", fieldsOf("X_Tenants: a"), ""},
		{"other letters at the place of the hyphen", fieldsOf("XaTenant: a"), ""},
		{"fields of the connection", fieldsOf("Connection: keep-alive, Upgrade, HTTP2-Settings, close, TE"), ""},
		{"a credential in Connection", fieldsOf("Connection: close, authorization"), CodeHop},
		{"a declared field in Connection", fieldsOf("Connection:  close ,\tX-Tenant "), CodeHop},
		{"a second Connection", fieldsOf("Connection: close", "Connection: Cookie"), CodeHop},
		{"a twin in Connection", fieldsOf("Connection: X_Tenant"), CodeHop},
		{"an own field in Connection", fieldsOf("Connection: X-Flavour"), ""},
	} {
		x := risk.NewExchange(&risk.Facts{Request: risk.Request{Fields: c.fields}}, nil)
		d := g.Check(x)
		if got := code(d); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if d != nil && (d.Status != 400 || d.Title == "" || d.Reason == "") {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

func code(d *risk.Denial) fault.Code {
	if d == nil {
		return ""
	}
	return d.Code
}

func TestGuardsOfSitesShareNothing(t *testing.T) {
	t.Parallel()
	a, b := site(), site()
	b.Op.Parameters = []*contract.Parameter{parameter("X-Other", contract.StringType)}
	first := guardAt(t, a)
	guardAt(t, b)
	x := risk.NewExchange(&risk.Facts{Request: risk.Request{Fields: fieldsOf("X-Tenant: a", "X-Tenant: b")}}, nil)
	if first.Check(x) == nil {
		t.Error("the guard of another site took the names of this one")
	}
	if placed, err := newGuard(&risk.Site{Scope: risk.OfListener}); err != nil || len(placed) != 0 {
		t.Errorf("the listener has %v, %v", placed, err)
	}
	if guardAt(t, &risk.Site{Scope: risk.OfAPI, API: a.API}).Check(x) != nil {
		t.Error("what one operation declares counts for others")
	}
}

func TestAPassAllocatesNothing(t *testing.T) {
	g := guardAt(t, site())
	x := risk.NewExchange(&risk.Facts{Request: risk.Request{Fields: fieldsOf(
		"Accept: a", "Authorization: a", "Connection: keep-alive, Upgrade", "X-Tenant: red", "X_Flavour: b", "User-Agent: c")}}, nil)
	if n := testing.AllocsPerRun(100, func() {
		if g.Check(x) != nil {
			t.Fatal("denied")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	shared := parameter("X_Tenant", contract.StringType)
	design := func(p ...*contract.Parameter) *contract.Contract {
		return &contract.Contract{Operations: []*contract.Operation{{Parameters: p}, {Parameters: p}}}
	}
	for _, c := range []struct {
		name string
		c    *contract.Contract
		want []source.Code
	}{
		{"a sound name", design(parameter("X-Tenant-2", contract.StringType)), nil},
		{"an underscore, shared by two operations", design(shared), []source.Code{CodeName}},
		{"a query parameter with an underscore", design(&contract.Parameter{Name: "page_size", In: contract.InQuery}), nil},
		{"a field of proxies", design(parameter("x-forwarded-for", contract.StringType)), []source.Code{CodeReserved}},
		{"a key with a dot", &contract.Contract{Schemes: []*contract.Scheme{{Kind: contract.APIKey, In: contract.InHeader, Field: "api.key"}}}, []source.Code{CodeName}},
		{"a key in the query", &contract.Contract{Schemes: []*contract.Scheme{{Kind: contract.APIKey, In: contract.InQuery, Field: "api_key"}}}, nil},
	} {
		var got []source.Code
		lint(c.c, func(d source.Diagnostic) {
			got = append(got, d.Code)
			if d.Hint == "" || d.Text == "" {
				t.Errorf("%s: %v", c.name, d)
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// A server answers by the fields of an attempt, that of its caller last.
type server func(f risk.Fields) (int, string)

// run probes a server and returns what was found. Alice is "Bearer alice".
func run(t *testing.T, serve server) (codes []string) {
	t.Helper()
	bearer := &contract.Scheme{Kind: contract.HTTPAuth, HTTP: "bearer"}
	op := &contract.Operation{
		Method: "GET", Path: "/orders", Key: "GET /orders", Secured: true,
		Security:   []contract.Requirement{{Parts: []contract.Required{{Scheme: bearer}}}},
		Parameters: []*contract.Parameter{parameter("X-Tenant", contract.StringType)},
	}
	sent := 0
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{op}}, Callers: []string{"alice"},
		Canary: func() string { return "abcdefghijklmnop" },
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			sent++
			f := slices.Clone(a.Fields)
			if a.As != "" {
				f = append(f, risk.Field{Name: "Authorization", Value: "Bearer " + a.As})
			}
			status, body := serve(f)
			return &risk.Seen{Status: status, Body: []byte(body)}, nil
		},
		Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: "GET", Path: "/orders", Fields: fieldsOf("X-Tenant: red")}, true
		},
		Report: func(f risk.Finding) {
			if !f.Confirmed || f.Proof == "" || strings.Contains(f.Proof, "alice") {
				t.Errorf("unproved, or shows a credential: %+v", f)
			}
			codes = append(codes, f.Code)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if sent > 20 {
		t.Errorf("%d requests", sent)
	}
	slices.Sort(codes)
	return codes
}

// reader makes a server of two functions that choose credential and tenant.
func reader(credential, tenant func(risk.Fields) string) server {
	return func(f risk.Fields) (int, string) {
		if credential(f) != "Bearer alice" {
			return 401, "who"
		}
		switch tenant(f) {
		case "red":
			return 200, "orders of red"
		case "":
			return 200, "orders of all"
		}
		return 404, "no tenant"
	}
}

func only(name string) func(risk.Fields) string {
	return func(f risk.Fields) string {
		if f.Count(name) > 1 {
			return "twice"
		}
		return f.Get(name)
	}
}

func last(names ...string) func(risk.Fields) string {
	return func(f risk.Fields) (value string) {
		for i := range f {
			if slices.ContainsFunc(names, func(n string) bool { return risk.EqualFold(n, f[i].Name) }) {
				value = f[i].Value
			}
		}
		return value
	}
}

func first(names ...string) func(risk.Fields) string {
	return func(f risk.Fields) string {
		f = slices.Clone(f)
		slices.Reverse(f)
		return last(names...)(f)
	}
}

func TestTheProbeFindsOnlyWhatIsProved(t *testing.T) {
	t.Parallel()
	const a, x = "Authorization", "X-Tenant"
	hop := func(name string, next func(risk.Fields) string) func(risk.Fields) string {
		return func(f risk.Fields) string {
			if strings.Contains(f.Get("Connection"), name) {
				return ""
			}
			return next(f)
		}
	}
	for _, c := range []struct {
		name  string
		serve server
		want  []string
	}{
		{"a sound server", reader(only(a), only(x)), nil},
		{"the last credential", reader(last(a), only(x)), []string{"header/duplicate"}},
		{"the first credential, which is refused", reader(first(a), only(x)), nil},
		{"the last tenant", reader(only(a), last(x)), []string{"header/duplicate"}},
		{"the first tenant, which is refused", reader(only(a), first(x)), nil},
		{"the first tenant", func(f risk.Fields) (int, string) {
			status, body := reader(only(a), only(x))(f)
			if status == 404 {
				return 200, "orders of " + first(x)(f)
			}
			return status, body
		}, []string{"header/duplicate"}},
		{"an underscore", reader(only(a), first(x, "X_Tenant")), []string{"header/underscore"}},
		{"a credential that Connection takes away", reader(hop(a, only(a)), only(x)), []string{"header/hop"}},
		{"a tenant that Connection takes away", reader(only(a), hop(x, only(x))), []string{"header/hop"}},
		{"underscores that are refused", func(f risk.Fields) (int, string) {
			if f.Has("X_Tenant") {
				return 404, "no tenant"
			}
			if f.Has("X_abcdefghijklmnop") {
				return 404, "no tenant"
			}
			return reader(only(a), only(x))(f)
		}, nil},
		{"a public page", func(risk.Fields) (int, string) { return 200, "hello" }, nil},
		{"nothing for anybody", func(risk.Fields) (int, string) { return 401, "who" }, nil},
	} {
		if diff := cmp.Diff(c.want, run(t, c.serve)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// slow is the index as plain lists, which it must agree with.
func slow(names []entry, name string) sort {
	found := stranger
	for _, e := range names {
		switch {
		case e.name != "" && strings.EqualFold(e.name, name):
			found = max(found, e.sort)
		case twins(e.name, name):
			found = max(found, twin)
		}
	}
	return found
}

func TestTheIndexSaysWhatItsListsSay(t *testing.T) {
	t.Parallel()
	list := append(names(site()), entry{"", lone}, entry{"9-Lives", known}, entry{"_odd", known}, entry{strings.Repeat("x-", 30), lone}, entry{strings.Repeat("x-", 30) + "z", known})
	x := newIndex(list)
	seen := map[sort]int{}
	try := func(name string) {
		t.Helper()
		want := slow(list, name)
		if got := x.look(name); got != want {
			t.Errorf("%q is %d, and by the lists %d", name, got, want)
		}
		seen[want]++
	}
	for _, e := range list {
		for _, as := range []string{e.name, strings.ToUpper(e.name), strings.ToLower(e.name)} {
			try(as)
			for i := range len(as) {
				for _, c := range []byte("-_. x9\x00\xc3") {
					try(as[:i] + string([]byte{c}) + as[i+1:])
				}
				try(as[:i])
				try(as[i:])
			}
			try(as + "-")
			try("-" + as)
		}
	}
	for _, s := range []sort{stranger, twin, known, lone} {
		if seen[s] < 10 {
			t.Errorf("sort %d was seen %d times", s, seen[s])
		}
	}
}
