package retired

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

type clock struct {
	risk.Env
	now time.Time
}

func (c clock) Now() time.Time { return c.now }

func at(t testing.TB, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// operation has the members given as pairs.
func operation(deprecated bool, members ...string) *contract.Operation {
	op := &contract.Operation{Method: "GET", Path: "/orders", Key: "GET /orders", Deprecated: deprecated}
	for i := 0; i < len(members); i += 2 {
		op.Extensions = append(op.Extensions, source.Member{Name: members[i], Value: source.Value{
			Kind: source.String, Text: members[i+1], At: source.Span{File: "api.yaml", Line: 10 + i},
		}})
	}
	return op
}

func place(t testing.TB, op *contract.Operation, p Params) map[risk.Phase]risk.Guard {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, API: &risk.API{Contract: &contract.Contract{}}, Op: op, Params: p})
	if err != nil {
		t.Fatal(err)
	}
	out := map[risk.Phase]risk.Guard{}
	for _, g := range placed {
		out[g.Phase] = g.Guard
	}
	return out
}

func TestAnOperationEndsOnItsDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, sunset, now string
		grace             time.Duration
		gone              bool
	}{
		{"long before", "2027-06-30", "2026-01-01T00:00:00Z", 0, false},
		{"the last second", "2027-06-30", "2027-06-29T23:59:59Z", 0, false},
		{"the first second", "2027-06-30", "2027-06-30T00:00:00Z", 0, true},
		{"elsewhere it is still the day before", "2027-06-30", "2027-06-29T20:00:00-04:00", 0, true},
		{"a time", "2027-06-30T12:00:00+02:00", "2027-06-30T09:59:59Z", 0, false},
		{"a time that has come", "2027-06-30T12:00:00+02:00", "2027-06-30T10:00:00Z", 0, true},
		{"within the grace", "2027-06-30", "2027-07-01T00:00:00Z", 48 * time.Hour, false},
		{"after the grace", "2027-06-30", "2027-07-02T00:00:00Z", 48 * time.Hour, true},
	} {
		g := place(t, operation(true, "x-sunset", c.sunset, "successor", "/v2/orders"), Params{Grace: c.grace})[risk.Admit]
		d := g.Check(risk.NewExchange(&risk.Facts{Env: clock{now: at(t, c.now)}}, nil))
		if (d != nil) != c.gone {
			t.Errorf("%s: %+v", c.name, d)
		}
		if d != nil && (d.Code != CodeGone || d.Status != 410 || d.At.Line != 10 || risk.Fields(d.Fields).Get("Link") != `</v2/orders>; rel="successor-version"`) {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

func TestRepliesAnnounceTheEnd(t *testing.T) {
	t.Parallel()
	const today = "2026-05-04T03:02:01Z"
	for _, c := range []struct {
		name  string
		op    *contract.Operation
		reply risk.Fields
		want  map[string]string
	}{
		{"deprecated, since nobody knows when", operation(true), nil, map[string]string{"Deprecation": "@1777852800"}},
		{"with an end", operation(false, "x-sunset", "2027-06-30"), nil,
			map[string]string{"Deprecation": "@1777852800", "Sunset": "Wed, 30 Jun 2027 00:00:00 GMT"}},
		{"all that can be said", operation(true, "x-sunset", "2027-06-30", "deprecated", "2026-01-01", "successor", "https://api.example/v2"), nil,
			map[string]string{"Deprecation": "@1767225600", "Sunset": "Wed, 30 Jun 2027 00:00:00 GMT", "Link": `<https://api.example/v2>; rel="successor-version"`}},
		{"what the upstream says stays", operation(true, "x-sunset", "2027-06-30"), risk.Fields{{Name: "sunset", Value: "x"}, {Name: "deprecation", Value: "@1"}}, map[string]string{}},
		{"what cannot be read", operation(true, "x-sunset", "soon", "successor", "/a> b"), nil, map[string]string{"Deprecation": "@1777852800"}},
	} {
		x := risk.NewExchange(&risk.Facts{Env: clock{now: at(t, today)}, Response: &risk.Response{Fields: c.reply}}, nil)
		if d := place(t, c.op, Params{})[risk.Reply].Check(x); d != nil {
			t.Errorf("%s: %+v", c.name, d)
		}
		got := map[string]string{}
		for _, e := range x.Edits() {
			got[e.Name] = e.Value
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestLivingOperationsHaveNoGuard(t *testing.T) {
	t.Parallel()
	if got := place(t, operation(false, "successor", "/v2"), Params{}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if placed, err := newGuard(&risk.Site{Scope: risk.OfAPI}); err != nil || len(placed) != 0 {
		t.Errorf("got %v, %v", placed, err)
	}
	root := &contract.Contract{Extensions: operation(false, "x-sunset", "2020-01-01").Extensions}
	if l := lifeOf(root, operation(false)); !l.deprecated || l.sunset.Year() != 2020 {
		t.Errorf("the root of the document is not heard: %+v", l)
	}
}

func TestPassingAllocatesNothing(t *testing.T) {
	g := place(t, operation(true, "x-sunset", "2027-06-30"), Params{})[risk.Admit]
	x := risk.NewExchange(&risk.Facts{Env: clock{now: at(t, "2026-01-01T00:00:00Z")}}, nil)
	if n := testing.AllocsPerRun(100, func() { g.Check(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheLintAsksForAnEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		op   *contract.Operation
		want []source.Code
	}{
		{"alive", operation(false), nil},
		{"with an end", operation(true, "x-sunset", "2027-06-30"), nil},
		{"without", operation(true), []source.Code{CodeNoSunset}},
		{"not marked", operation(false, "x-sunset", "2027-06-30"), []source.Code{CodeNotMarked}},
		{"not readable", operation(true, "x-sunset", "30.6.2027"), []source.Code{CodeFormat}},
		{"a successor that breaks out", operation(false, "successor", "/a>; rel=x"), []source.Code{CodeFormat}},
	} {
		var got []source.Code
		lint(&contract.Contract{Operations: []*contract.Operation{c.op}}, func(d source.Diagnostic) { got = append(got, d.Code) })
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestTheProbeBelievesTheAPIsOwnClock(t *testing.T) {
	t.Parallel()
	text := contract.NewSchema()
	text.Properties, text.Required = []contract.Property{{Name: "id"}, {Name: "total"}}, []string{"id"}
	date := func(s string) risk.Fields { return risk.Fields{{Name: "Date", Value: s}} }
	const after, before = "Thu, 01 Jul 2027 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:00 GMT"
	for _, c := range []struct {
		name string
		seen risk.Seen
		want string
	}{
		{"it lives on", risk.Seen{Status: 200, Fields: date(after), Body: []byte(`{"id":1}`)}, "retired/gone"},
		{"it is gone", risk.Seen{Status: 410, Fields: date(after)}, ""},
		{"it redirects", risk.Seen{Status: 302, Fields: date(after)}, ""},
		{"an error in a success", risk.Seen{Status: 200, Fields: date(after), Body: []byte(`{"error":"gone"}`)}, ""},
		{"an empty success", risk.Seen{Status: 200, Fields: date(after)}, ""},
		{"its day has not come, and it is silent", risk.Seen{Status: 200, Fields: date(before), Body: []byte(`{"id":1}`)}, "retired/unannounced"},
		{"no clock", risk.Seen{Status: 200, Body: []byte(`{"id":1}`)}, "retired/unannounced"},
		{"announced", risk.Seen{Status: 200, Fields: append(date(before), risk.Field{Name: "Sunset", Value: "x"}), Body: []byte(`{"id":1}`)}, ""},
	} {
		op := operation(true, "x-sunset", "2027-06-30")
		op.Path = "/orders/{id}"
		op.Parameters = []*contract.Parameter{{Name: "id", In: contract.InPath, Schema: &contract.Schema{Types: contract.IntegerType, Minimum: "7"}}}
		op.Replies = []*contract.Reply{{Code: 200, Media: []*contract.Media{{Type: "application/json", Schema: text}}}}
		var got []string
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{op}}, Callers: []string{"alice"},
			Lawful: func(*contract.Operation) (*risk.Attempt, bool) { return nil, false },
			Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
				if a.Path != "/orders/7" || a.As != "alice" {
					t.Errorf("sent %+v", a)
				}
				return &c.seen, nil
			},
			Report: func(f risk.Finding) { got = append(got, f.Code) },
		})
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{operation(true)}},
		Lawful:   func(*contract.Operation) (*risk.Attempt, bool) { return &risk.Attempt{}, true },
		Send:     func(context.Context, *risk.Attempt) (*risk.Seen, error) { return nil, errNoAnswer },
	})
	if !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v", err)
	}
}

func TestSamplesStandInAPathAsTheyAre(t *testing.T) {
	t.Parallel()
	text := func(s string) source.Value { return source.Value{Kind: source.String, Text: s} }
	var got []string
	for _, s := range []*contract.Schema{
		nil, {}, {Types: contract.StringType}, {Examples: []source.Value{text("a/b"), text("ok_1")}}, {Enum: []source.Value{text("x")}},
		{Types: contract.IntegerType}, {Types: contract.IntegerType, Minimum: "3"}, {Types: contract.StringType, Default: &source.Value{Kind: source.String, Text: "d"}},
	} {
		got = append(got, sample(s))
	}
	if want := []string{"", "", "", "ok_1", "x", "1", "3", "d"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
