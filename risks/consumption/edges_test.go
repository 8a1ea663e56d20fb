package consumption

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/ratelimit"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhatIsPlacedWithoutSettings(t *testing.T) {
	t.Parallel()
	s := site(Params{}, number("limit", ""))
	s.Params = nil
	deny := func(code, reason, policy string) *risk.Denial {
		d := &risk.Denial{Status: 429, Title: "too many requests", Reason: reason, Fields: []risk.Field{{Name: "RateLimit-Policy", Value: policy}}}
		d.Code = CodeAddress
		if code == "caller" {
			d.Code = CodeCaller
		}
		return d
	}
	want := []risk.Placed{
		{Phase: risk.Connect, Guard: &perAddress{
			name: "address", scope: "address  1000/s burst 10000", rate: ratelimit.Rate{Every: time.Millisecond, Burst: 10000}, policy: `"address";q=10000;w=10`,
			deny: deny("address", "the limit of 1000/s burst 10000 for one address is used up", `"address";q=10000;w=10`),
		}},
		{Phase: risk.Admit, Guard: &perCaller{
			name: "caller", scope: "caller orders 300/s burst 3000", rate: ratelimit.Rate{Every: time.Second / 300, Burst: 3000}, policy: `"caller";q=3000;w=10`,
			deny: deny("caller", "the limit of 300/s burst 3000 for one caller is used up", `"caller";q=3000;w=10`),
		}},
		{Phase: risk.Admit, Guard: &concurrent{scope: "concurrent orders", most: 200, deny: &risk.Denial{
			Code: CodeConcurrent, Status: 429, Title: "too many requests at the same time", Reason: "200 requests of the caller are under way",
			Fields: []risk.Field{{Name: "Retry-After", Value: "1"}},
		}}},
		{Phase: risk.Reply, Guard: &policies{text: `"address";q=10000;w=10, "caller";q=3000;w=10`}},
		{Phase: risk.Head, Guard: &pages{names: []string{"limit"}, most: 1000, deny: &risk.Denial{
			Code: CodePage, Status: 400, Title: "the page is too large", At: source.Span{File: "a", Line: 5},
			Reason: `the contract gives "limit" no maximum, and the policy's is 1000`,
		}}},
	}
	if diff := cmp.Diff(want, guards(t, s), cmp.AllowUnexported(perAddress{}, perCaller{}, concurrent{}, policies{}, pages{})); diff != "" {
		t.Error(diff)
	}
}

// stands is a Limiter that says the same of everybody, and remembers whom it
// was asked about.
type stands struct {
	risk.Env
	is    ratelimit.Standing
	holds bool
	asked []risk.User
}

func (s *stands) Limiter() risk.Limiter { return s }

func (s *stands) Take(u risk.User, _ ratelimit.Rate) ratelimit.Standing {
	s.asked = append(s.asked, u)
	return s.is
}

func (s *stands) Hold(u risk.User, _ int) bool {
	s.asked = append(s.asked, u)
	return s.holds
}

func TestWhatClientsAreToldOfALimit(t *testing.T) {
	t.Parallel()
	g := guards(t, site(Params{PerAddress: "10/m burst 9"}))[0].Guard
	for name, c := range map[string]struct {
		is   ratelimit.Standing
		want map[string]string
	}{
		"half is left":            {ratelimit.Standing{OK: true, Left: 4, Reset: time.Second}, map[string]string{}},
		"less than half":          {ratelimit.Standing{OK: true, Left: 3, Reset: 12*time.Second + 1}, map[string]string{"RateLimit": `"address";r=3;t=13`}},
		"nothing, for a while":    {ratelimit.Standing{Reset: 61 * time.Second, Retry: 11 * time.Second}, map[string]string{"RateLimit": `"address";r=0;t=61`, "Retry-After": "11"}},
		"nothing, for an instant": {ratelimit.Standing{}, map[string]string{"RateLimit": `"address";r=0;t=1`, "Retry-After": "1"}},
	} {
		env := &stands{is: c.is}
		x := risk.NewExchange(facts(env, "192.0.2.1", ""), nil)
		if d := g.Check(x); (d == nil) != c.is.OK {
			t.Errorf("%s: %+v", name, d)
		}
		if diff := cmp.Diff(c.want, edits(x)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, e := range x.Edits() {
			if e.Do != risk.SetField || e.On != risk.OnReply || e.Stage != risk.Decide {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
	for d, want := range map[time.Duration]int64{0: 1, 1: 1, time.Second: 1, time.Second + 1: 2, 2 * time.Second: 2, 2*time.Second - 1: 2} {
		if got := seconds(d); got != want {
			t.Errorf("%s: %d", d, got)
		}
	}
}

func TestWhoIsCounted(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr("192.0.2.1")
	list := guards(t, site(Params{}))
	caller, under := list[1].Guard, list[2].Guard
	for name, c := range map[string]struct {
		caller risk.Caller
		addr   netip.Addr
		want   []risk.User // by the limit of callers, then by that of what is under way
	}{
		"a key": {risk.Caller{Kind: risk.KeyCaller, ID: "alice"}, addr, []risk.User{
			{Scope: "caller orders 300/s burst 3000", Who: "alice"}, {Scope: "concurrent orders", Who: "alice", Addr: addr},
		}},
		"a credential": {risk.Caller{Kind: risk.ProvisionalCaller, ID: "p"}, netip.Addr{}, []risk.User{
			{Scope: "caller orders 300/s burst 3000", Who: "p"}, {Scope: "concurrent orders", Who: "p"},
		}},
		"an address":                  {risk.Caller{}, addr, []risk.User{{Scope: "concurrent orders", Addr: addr}}},
		"nobody":                      {risk.Caller{}, netip.Addr{}, nil},
		"a key of nobody":             {risk.Caller{Kind: risk.KeyCaller}, addr, []risk.User{{Scope: "concurrent orders", Addr: addr}}},
		"a key of nobody at a socket": {risk.Caller{Kind: risk.KeyCaller}, netip.Addr{}, nil},
		"a name without a credential": {risk.Caller{ID: "alice"}, addr, []risk.User{{Scope: "concurrent orders", Addr: addr}}},
	} {
		env := &stands{is: ratelimit.Standing{OK: true, Left: 3000}}
		x := risk.NewExchange(&risk.Facts{Env: env, Caller: c.caller, Conn: risk.Conn{Client: c.addr}}, nil)
		if d := caller.Check(x); d != nil {
			t.Errorf("%s: %+v", name, d)
		}
		if d := under.Check(x); (d != nil) != (c.want != nil) {
			t.Errorf("%s: %+v", name, d)
		}
		if diff := cmp.Diff(c.want, env.asked, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhichParametersArePageSizes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"limit", "per_page", "perPage", "per-page", "page_size", "pageSize", "page-size", "pagesize", "page[size]", "first", "last", "count",
		"max_results", "maxResults", "$top", "top",
	} {
		if !pageParam(number(name, "")) {
			t.Errorf("%s is none", name)
		}
	}
	for why, change := range map[string]func(*contract.Parameter){
		"another name": func(p *contract.Parameter) { p.Name = "offset" }, "a header": func(p *contract.Parameter) { p.In = contract.InHeader },
		"a value of its own media type": func(p *contract.Parameter) { p.Content = &contract.Media{} }, "a maximum": func(p *contract.Parameter) { p.Schema.Maximum = "9" },
	} {
		p := number("limit", "")
		change(p)
		if pageParam(p) {
			t.Errorf("%s: it is one", why)
		}
	}
}

// refers is a schema at the end of n references.
func refers(s *contract.Schema, n int) *contract.Schema {
	for range n {
		s = &contract.Schema{Ref: s}
	}
	return s
}

// nests is a schema in n allOf.
func nests(s *contract.Schema, n int) *contract.Schema {
	for range n {
		s = &contract.Schema{AllOf: []*contract.Schema{s}}
	}
	return s
}

func TestWhichSchemasBoundANumber(t *testing.T) {
	t.Parallel()
	most := func() *contract.Schema { return &contract.Schema{Maximum: "5"} }
	for name, c := range map[string]struct {
		s    *contract.Schema
		want bool
	}{
		"a maximum": {most(), true}, "an exclusive one": {&contract.Schema{ExclusiveMaximum: "5"}, true}, "an enum": {&contract.Schema{Enum: []source.Value{}}, true},
		"a constant": {&contract.Schema{Const: &source.Value{}}, true}, "nothing at all": {&contract.Schema{Never: true}, true}, "silence": {&contract.Schema{Minimum: "5"}, false}, "no schema": {nil, false},
		"one part of two": {&contract.Schema{AllOf: []*contract.Schema{{}, most()}}, true}, "no part": {&contract.Schema{AllOf: []*contract.Schema{{}, {}}}, false},
		"eight references": {refers(most(), 8), true}, "nine": {refers(most(), 9), false}, "eight levels": {nests(most(), 8), true}, "nine levels": {nests(most(), 9), false},
	} {
		if got := pageParam(&contract.Parameter{Name: "limit", In: contract.InQuery, Schema: c.s}); got == c.want {
			t.Errorf("%s: open %v", name, got)
		}
	}
	word, whole, real, any, null := contract.NewSchema(), contract.NewSchema(), contract.NewSchema(), contract.NewSchema(), contract.NewSchema()
	word.Types, whole.Types, real.Types, null.Types = contract.StringType, contract.IntegerType, contract.NumericType, contract.NullType
	for name, c := range map[string]struct {
		s    *contract.Schema
		want bool
	}{
		"words": {word, false}, "whole numbers": {whole, true}, "numbers": {real, true}, "anything": {any, true}, "null": {null, false}, "nothing said": {&contract.Schema{}, true}, "no schema": {nil, true},
		"words at seven references": {refers(word, 7), false}, "at eight, which nobody follows": {refers(word, 8), true},
	} {
		if got := numeric(c.s); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhichNumbersAreTooLarge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"100": false, "101": true, "100.1": true, ".5e9": true, "+101": true, "-101": false, "-1e999": false, "1e999": true, "0": false, "": false,
		"Infinity": false, "inf": false, "nan": false, "101abc": false, "abc101": false, "/101": false, ":101": false, "99999999999999999999999": true, "9": false,
	} {
		if got := over(text, 100); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if over("word", -1) || over("", -1) {
		t.Error("a word is a number")
	}
	g := &pages{names: []string{"first", "last"}, most: 100, deny: &risk.Denial{}}
	for _, name := range []string{"first", "last", "other"} {
		f := &risk.Facts{Request: risk.Request{Pairs: []canon.Pair{{Name: name, Value: "500"}}}}
		if d := g.Check(risk.NewExchange(f, nil)); (d != nil) != (name != "other") {
			t.Errorf("%s=500: %v", name, d)
		}
	}
}

// list is an array without maxItems.
func list() *contract.Schema {
	s := contract.NewSchema()
	s.Types = contract.ArrayType
	return s
}

func TestWhatTheLintSaysAndCounts(t *testing.T) {
	t.Parallel()
	reply := func(code int, media string, s *contract.Schema) *contract.Reply {
		return &contract.Reply{Code: code, Media: []*contract.Media{{Type: media, Schema: s}}}
	}
	param := func(name string, line int) *contract.Parameter {
		p := number(name, "")
		p.At.Line = line
		return p
	}
	one, two, anything, fixed, both := list(), list(), contract.NewSchema(), list(), list()
	one.At, two.At, both.At = source.Span{Line: 30}, source.Span{Line: 31}, source.Span{Line: 32}
	anything.Types = contract.AnyType
	fixed.Enum, both.Types = []source.Value{}, contract.ArrayType|contract.StringType
	object := contract.NewSchema()
	object.Properties = []contract.Property{{Name: "a", Schema: one}, {Name: "b", Schema: two}, {Name: "c", Schema: anything}, {Name: "d", Schema: fixed}, {Name: "e", Schema: both}}
	text := func(params []*contract.Parameter, replies ...*contract.Reply) (got []source.Diagnostic) {
		read := &contract.Operation{Method: "GET", Path: "/a", At: source.Span{Line: 3}, Parameters: params, Replies: replies}
		write := &contract.Operation{Method: "POST", Path: "/a", Parameters: []*contract.Parameter{param("top", 20)}, Replies: replies}
		lint(&contract.Contract{Operations: []*contract.Operation{write, read, read}}, func(d source.Diagnostic) { got = append(got, d) })
		return got
	}
	no429 := source.Diagnostic{
		Severity: source.Info, Code: CodeNo429,
		Text: "no operation says that it may answer 429, so that clients are not made to wait and try again", Hint: `add a reply "429" with the header Retry-After to the operations, or a default one`,
	}
	open := source.Diagnostic{
		At: source.Span{File: "a", Line: 9}, Severity: source.Warning, Code: CodeOpenPage,
		Text: `page sizes without a maximum: 3, the first is "limit"; one request can ask for everything`, Hint: "write maximum: 100, or what a page may have at most",
	}
	lists := source.Diagnostic{
		At: source.Span{Line: 30}, Severity: source.Info, Code: CodeOpenList,
		Text: "lists without maxItems in replies: 3; nothing says how much one answer can be", Hint: "write maxItems, the most that one page has",
	}
	for name, c := range map[string]struct {
		got, want []source.Diagnostic
	}{
		"everything": {
			text([]*contract.Parameter{param("limit", 9), param("first", 9), param("limit", 10)}, reply(200, "application/json", object), reply(201, "application/hal+json", object), reply(202, "application/json", one)),
			[]source.Diagnostic{no429, open, lists},
		},
		"4XX is said":      {text(nil, &contract.Reply{Code: 4, Range: true}), nil},
		"5XX is said":      {text(nil, &contract.Reply{Code: 5, Range: true}), []source.Diagnostic{no429}},
		"a code of 4":      {text(nil, &contract.Reply{Code: 4}), []source.Diagnostic{no429}},
		"429 is said":      {text(nil, &contract.Reply{Code: 429}), nil},
		"428 is said":      {text(nil, &contract.Reply{Code: 428}), []source.Diagnostic{no429}},
		"a list as text":   {text(nil, &contract.Reply{}, reply(200, "text/csv", one)), nil},
		"no schema":        {text(nil, &contract.Reply{}, reply(200, "application/json", nil)), nil},
		"a list in errors": {text(nil, &contract.Reply{}, reply(400, "application/json", one)), nil},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestQueriesOfTheProbe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, name, want string }{
		{"", "limit", "limit=7"}, {"limit=1", "limit", "limit=7"}, {"a=b&limit=1&c&&limit", "limit", "a=b&c&limit=7"}, {"", "page[size]", "page%5Bsize%5D=7"}, {"limits=1", "limit", "limits=1&limit=7"},
	} {
		a := &risk.Attempt{As: "alice", Query: c.query}
		if got := sized(a, c.name, 7); got.Query != c.want || got.As != "alice" || a.Query != c.query {
			t.Errorf("%q: %+v", c.query, got)
		}
	}
	for name, want := range map[string]bool{
		"RateLimit": true, "ratelimit-policy": true, "X-RateLimit-Limit": true, "X-Rate-Limit-Remaining": true, "Retry-After": true,
		"": false, "Retry": false, "Content-Type": false, "X-Rate": false, "Retry-After-All": false,
	} {
		if got := ofLimit(risk.Field{Name: name}); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	huge := strconv.Itoa(huge)
	for body, want := range map[string]weight{
		`{"limit":` + huge + `}`: {says: true}, `[[1,2],[3],` + huge + `]`: {says: true, most: 3}, `{"a":[1],"b":[1,2]}`: {most: 2}, `{"limit":"` + huge + `"}`: {}, "": {},
		`[` + huge + `,`: {}, `[` + huge + `.0]`: {most: 1}, `[1,` + strings.Repeat(`[`, 3) + `]]]]`: {most: 2},
	} {
		if got := weigh([]byte(body)); got != want {
			t.Errorf("%s: %+v", body, got)
		}
	}
}
