package consumption

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/ratelimit"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// engine counts in a real table, at a time that stands still.
type engine struct {
	risk.Env
	table *ratelimit.Table
	now   time.Time
}

func newEngine() *engine {
	return &engine{table: ratelimit.New(1), now: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
}

func (e *engine) Limiter() risk.Limiter { return e }

func (e *engine) key(u risk.User) uint64 {
	if u.Who != "" {
		return e.table.Key(u.Scope, u.Who)
	}
	return e.table.AddrKey(u.Scope, u.Addr)
}

func (e *engine) Take(u risk.User, r ratelimit.Rate) ratelimit.Standing {
	return e.table.Take(e.key(u), r, e.now)
}

func (e *engine) Hold(u risk.User, most int) bool { return e.table.Hold(e.key(u), most) }

func site(p Params, params ...*contract.Parameter) *risk.Site {
	return &risk.Site{
		Scope: risk.OfOperation, API: &risk.API{Name: "orders"}, Params: p,
		Op: &contract.Operation{Method: "GET", Path: "/orders", Key: "GET /orders", Parameters: params},
	}
}

func guards(t testing.TB, s *risk.Site) []risk.Placed {
	t.Helper()
	placed, err := newGuard(s)
	if err != nil {
		t.Fatal(err)
	}
	return placed
}

// pass runs all guards before the upstream, and returns what denies.
func pass(list []risk.Placed, x *risk.Exchange) *risk.Denial {
	for p := risk.Connect; p < risk.Reply; p++ {
		for _, g := range list {
			if g.Phase != p {
				continue
			}
			if d := g.Guard.Check(x); d != nil {
				return d
			}
		}
	}
	return nil
}

func facts(env risk.Env, addr, caller string) *risk.Facts {
	f := &risk.Facts{Env: env, Conn: risk.Conn{Client: netip.MustParseAddr(addr)}}
	if caller != "" {
		f.Caller = risk.Caller{Kind: risk.KeyCaller, ID: caller}
	}
	return f
}

func code(d *risk.Denial) fault.Code {
	if d == nil {
		return ""
	}
	return d.Code
}

func edits(x *risk.Exchange) map[string]string {
	out := map[string]string{}
	for _, e := range x.Edits() {
		out[e.Name] = e.Value
	}
	return out
}

func TestOneCallerCannotUseUpWhatOthersNeed(t *testing.T) {
	t.Parallel()
	e := newEngine()
	list := guards(t, site(Params{PerCaller: "1/s burst 4", PerAddress: "1/s burst 100"}))
	var last *risk.Exchange
	for i, want := range []fault.Code{"", "", "", "", CodeCaller, CodeCaller} {
		last = risk.NewExchange(facts(e, "192.0.2.1", "alice"), nil)
		if got := code(pass(list, last)); got != want {
			t.Errorf("request %d: got %q", i, got)
		}
	}
	if diff := cmp.Diff(map[string]string{"Retry-After": "1", "RateLimit": `"caller";r=0;t=4`}, edits(last)); diff != "" {
		t.Error(diff)
	}
	if d := pass(list, risk.NewExchange(facts(e, "192.0.2.1", "bob"), nil)); d != nil {
		t.Errorf("bob pays for alice: %+v", d)
	}
	if d := pass(guards(t, site(Params{PerCaller: "2/s"})), risk.NewExchange(facts(e, "192.0.2.9", "alice"), nil)); d != nil {
		t.Errorf("another limit has the same counter: %+v", d)
	}
	e.now = e.now.Add(time.Second)
	if d := pass(list, risk.NewExchange(facts(e, "192.0.2.1", "alice"), nil)); d != nil {
		t.Errorf("a second later: %+v", d)
	}
}

func TestGuessesCountByAddressBeforeAnybodyIsKnown(t *testing.T) {
	t.Parallel()
	e := newEngine()
	p := Params{PerAddress: "1/m burst 2"}
	operation := guards(t, site(p))
	listener := guards(t, &risk.Site{Scope: risk.OfListener, Params: p})
	unknown := guards(t, &risk.Site{Scope: risk.OfAPI, API: &risk.API{Name: "orders"}, Params: p})
	if len(listener) != 1 || listener[0].Phase != risk.Connect {
		t.Fatalf("the listener has %+v", listener)
	}
	for i, c := range []struct {
		list []risk.Placed
		addr string
		want fault.Code
	}{
		{operation, "2001:db8::1", ""}, {listener, "2001:db8::2", ""}, {unknown, "2001:db8::3", CodeAddress}, {operation, "2001:db8:0:1::1", ""},
	} {
		d := pass(c.list, risk.NewExchange(facts(e, c.addr, ""), nil))
		if code(d) != c.want || d != nil && (d.Status != 429 || !risk.Fields(d.Fields).Has("RateLimit-Policy")) {
			t.Errorf("request %d: got %+v", i, d)
		}
	}
	socket := facts(e, "192.0.2.1", "")
	socket.Conn.Client = netip.Addr{}
	for range 5 {
		if d := pass(operation, risk.NewExchange(socket, nil)); d != nil {
			t.Errorf("a Unix socket has no address, and got %+v", d)
		}
	}
}

func TestOnlySoManyAreUnderWay(t *testing.T) {
	t.Parallel()
	e := newEngine()
	list := guards(t, site(Params{Concurrent: 2}))
	for i, c := range []struct {
		addr, caller string
		want         fault.Code
	}{
		{"192.0.2.1", "alice", ""}, {"192.0.2.2", "alice", ""}, {"192.0.2.3", "alice", CodeConcurrent}, {"192.0.2.1", "bob", ""},
		{"192.0.2.1", "", ""}, {"192.0.2.1", "", ""}, {"192.0.2.1", "", CodeConcurrent}, {"192.0.2.2", "", ""},
	} {
		if d := pass(list, risk.NewExchange(facts(e, c.addr, c.caller), nil)); code(d) != c.want {
			t.Errorf("request %d: got %+v", i, d)
		}
	}
}

func TestWhatIsOffIsNotThere(t *testing.T) {
	t.Parallel()
	if list := guards(t, site(Params{PerCaller: "off", PerAddress: "off"})); len(list) != 1 {
		t.Errorf("%d guards", len(list))
	}
	if list := guards(t, &risk.Site{Scope: risk.OfListener, Params: Params{PerAddress: "off"}}); len(list) != 0 {
		t.Errorf("%d guards", len(list))
	}
	for _, p := range []Params{{PerCaller: "many"}, {PerAddress: "1/h burst 9999999"}} {
		if _, err := newGuard(site(p)); err == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}

func TestTheDefaultsAreRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ratelimit.Rate{
		DefaultCaller: {Every: time.Second / 300, Burst: 3000}, DefaultAddress: {Every: time.Millisecond, Burst: 10000},
	} {
		if got, err := ratelimit.Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func number(name string, maximum contract.Number) *contract.Parameter {
	s := contract.NewSchema()
	s.Types, s.Maximum = contract.IntegerType, maximum
	return &contract.Parameter{Name: name, In: contract.InQuery, Schema: s, At: source.Span{File: "a", Line: 5}}
}

func TestPagesHaveASize(t *testing.T) {
	t.Parallel()
	params := []*contract.Parameter{number("page_size", ""), number("first", ""), number("limit", "5000"), number("offset", "")}
	list := guards(t, site(Params{PageSize: 100}, params...))
	for query, refused := range map[string]bool{
		"": false, "page_size=100": false, "page_size=101": true, "first=100.5": true, "first=0000101": true, "first=%2B101": true,
		"first=1e3": true, "first=1e2": false, "page_size=" + strings.Repeat("9", 400): true, "page_size=1e999": true,
		"page_size=5&page_size=500": true, "p%61ge_size=500": true, "limit=5000": false, "offset=100000": false, "first=Anna": false, "first=-500": false,
		"first=Infinity": false, "PAGE_SIZE=500": false,
	} {
		parsed, err := canon.Query(query, nil)
		if err != nil {
			t.Fatal(query, err)
		}
		f := facts(newEngine(), "192.0.2.1", "alice")
		f.Request.Pairs = parsed.Pairs
		if d := pass(list, risk.NewExchange(f, nil)); (d != nil) != refused || d != nil && (d.Code != CodePage || d.Status != 400 || d.At.Line != 5) {
			t.Errorf("%s: %+v", query, d)
		}
	}
	write := site(Params{}, params...)
	write.Op.Method = "POST"
	if slices.ContainsFunc(guards(t, write), func(p risk.Placed) bool { return p.Phase == risk.Head }) {
		t.Error("a write has pages")
	}
}

func TestRepliesNameTheLimits(t *testing.T) {
	t.Parallel()
	list := guards(t, site(Params{PerCaller: "100/s burst 200"}))
	reply := list[slices.IndexFunc(list, func(p risk.Placed) bool { return p.Phase == risk.Reply })].Guard
	for own, want := range map[string]map[string]string{
		"":                 {"RateLimit-Policy": `"address";q=10000;w=10, "caller";q=200;w=2`},
		"ratelimit-policy": {},
	} {
		x := risk.NewExchange(&risk.Facts{Response: &risk.Response{Fields: risk.Fields{{Name: own, Value: `"own";q=1`}}}}, nil)
		if d := reply.Check(x); d != nil {
			t.Errorf("%+v", d)
		}
		if diff := cmp.Diff(want, edits(x)); diff != "" {
			t.Errorf("%q: %s", own, diff)
		}
	}
}

func TestPassingAllocatesNothing(t *testing.T) {
	e := newEngine()
	list := guards(t, site(Params{Concurrent: 1 << 20}, number("page_size", "")))
	f := facts(e, "2001:db8::1", "alice")
	f.Request.Pairs = []canon.Pair{{Name: "q", Value: "x"}, {Name: "page_size", Value: "50"}}
	x := risk.NewExchange(f, nil)
	if n := testing.AllocsPerRun(500, func() {
		e.now = e.now.Add(10 * time.Millisecond)
		if pass(list, x) != nil {
			t.Error("it is refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheLintSaysEachThingOnce(t *testing.T) {
	t.Parallel()
	open, closed := contract.NewSchema(), contract.NewSchema()
	open.Types, closed.Types, closed.MaxItems = contract.ArrayType, contract.ArrayType, 10
	reply := func(code int, s *contract.Schema) *contract.Reply {
		return &contract.Reply{Code: code, Media: []*contract.Media{{Type: "application/json", Schema: s}}}
	}
	get := func(replies []*contract.Reply, params ...*contract.Parameter) *contract.Operation {
		return &contract.Operation{Method: "GET", Path: "/a", Replies: replies, Parameters: params}
	}
	words := number("first", "")
	words.Schema.Types = contract.StringType
	second := number("limit", "")
	second.At.Line = 9
	for _, c := range []struct {
		name string
		ops  []*contract.Operation
		want []source.Code
	}{
		{"no operations", nil, nil},
		{"all said", []*contract.Operation{get([]*contract.Reply{reply(200, closed), reply(429, nil)}, number("limit", "10"), words)}, nil},
		{"a default reply", []*contract.Operation{get([]*contract.Reply{reply(200, closed), {}})}, nil},
		{"all open, twice", []*contract.Operation{
			get([]*contract.Reply{reply(200, open)}, number("limit", ""), second), get([]*contract.Reply{reply(200, open)}, number("limit", "")),
		}, []source.Code{CodeNo429, CodeOpenPage, CodeOpenList}},
		{"a list in an error", []*contract.Operation{get([]*contract.Reply{reply(400, open), reply(429, nil)})}, nil},
	} {
		var got []source.Code
		lint(&contract.Contract{Operations: c.ops}, func(d source.Diagnostic) { got = append(got, d.Code) })
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestTheProbeWantsToSeeTheNumberTakenOrALimitNamed(t *testing.T) {
	t.Parallel()
	many := `{"items":[` + strings.Repeat("1,", 1500) + `1]}`
	limited := risk.Fields{{Name: "X-RateLimit-Limit", Value: "60"}}
	isHuge := func(a *risk.Attempt) bool { return strings.Contains(a.Query, "1000003") }
	for _, c := range []struct {
		name  string
		serve func(a *risk.Attempt, n int) risk.Seen
		want  []string
	}{
		{"it takes any number, and has no limit", func(a *risk.Attempt, _ int) risk.Seen {
			if isHuge(a) {
				return risk.Seen{Status: 200, Body: []byte(`{"limit":1000003}`)}
			}
			return risk.Seen{Status: 200, Body: []byte(`{"limit":1}`)}
		}, []string{"consumption/page-size", "probable consumption/no-limit"}},
		{"it gives everything", func(a *risk.Attempt, _ int) risk.Seen {
			if isHuge(a) {
				return risk.Seen{Status: 200, Fields: limited, Body: []byte(many)}
			}
			return risk.Seen{Status: 200, Fields: limited, Body: []byte(`{"items":[1]}`)}
		}, []string{"consumption/page-size"}},
		{"it always gives as much", func(*risk.Attempt, int) risk.Seen { return risk.Seen{Status: 200, Fields: limited, Body: []byte(many)} }, nil},
		{"it refuses", func(a *risk.Attempt, _ int) risk.Seen {
			if isHuge(a) {
				return risk.Seen{Status: 400}
			}
			return risk.Seen{Status: 200, Fields: limited, Body: []byte(`{}`)}
		}, nil},
		{"it repeats the query in a text", func(a *risk.Attempt, _ int) risk.Seen {
			return risk.Seen{Status: 200, Fields: limited, Body: []byte(`{"self":"/a?` + a.Query + `"}`)}
		}, nil},
		{"it has enough after a while", func(_ *risk.Attempt, n int) risk.Seen {
			if n > 40 {
				return risk.Seen{Status: 429}
			}
			return risk.Seen{Status: 200, Body: []byte(`{}`)}
		}, nil},
	} {
		var got []string
		n := 0
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{site(Params{}, number("limit", "")).Op, {Method: "POST", Path: "/a"}}},
			Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{As: "alice", Method: "GET", Path: "/a", Query: "limit=7&q=x"}, true
			},
			Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
				if n++; n > 100 {
					t.Fatal("it sends too much")
				}
				if !strings.Contains(a.Query, "q=x") || strings.Count(a.Query, "limit=") != 1 {
					t.Errorf("sent %q", a.Query)
				}
				s := c.serve(a, n)
				return &s, nil
			},
			Report: func(f risk.Finding) { got = append(got, map[bool]string{false: "probable "}[f.Confirmed]+f.Code) },
		})
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", c.name, err, diff)
		}
	}
	silent := &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{site(Params{}).Op}},
		Lawful:   func(*contract.Operation) (*risk.Attempt, bool) { return nil, false },
	}
	if err := probe(t.Context(), silent); !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v", err)
	}
}
