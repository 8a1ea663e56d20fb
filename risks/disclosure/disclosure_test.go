package disclosure

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func guardFor(t testing.TB, op *contract.Operation, keep ...string) risk.Guard {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: op, Params: Params{Keep: keep}})
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Reply {
		t.Fatalf("want one guard at reply: %v %v", placed, err)
	}
	return placed[0].Guard
}

func exchange(names ...string) *risk.Exchange {
	r := &risk.Response{Status: 200}
	for _, n := range names {
		r.Fields = append(r.Fields, risk.Field{Name: n, Value: "x/1"})
	}
	return risk.NewExchange(&risk.Facts{Response: r}, make([]risk.Edit, 0, 32))
}

// removed are the names of the fields that go.
func removed(t testing.TB, g risk.Guard, x *risk.Exchange) string {
	t.Helper()
	if d := g.Check(x); d != nil {
		t.Fatalf("fields are never a reason to refuse: %+v", d)
	}
	var out []string
	for _, e := range x.Edits() {
		if e.Do != risk.RemoveField || e.On != risk.OnReply {
			t.Errorf("%+v", e)
		}
		out = append(out, e.Name)
	}
	return strings.Join(out, " ")
}

func TestFieldsThatTellAreRemovedInAnyCase(t *testing.T) {
	t.Parallel()
	go1 := "Server X-Powered-By x-aspnet-version X-DEBUG-TOKEN Via X-Runtime X-Backend-Server X-Envoy-Upstream-Service-Time X-Debug X-Exception-Class X_Powered_By"
	stay := "X-Request-Id Serverless X-Runtimes X-Viaduct X-Debu Xserver Age Content-Type X-Bac\u212aend \u017ferver"
	names := append(strings.Fields(go1), strings.Fields(stay)...)
	if diff := cmp.Diff(go1, removed(t, guardFor(t, nil), exchange(append(names, strings.Repeat("x", 300), "")...))); diff != "" {
		t.Error(diff)
	}
}

func TestKeptAndDeclaredFieldsStay(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Replies: []*contract.Reply{{Code: 200, Headers: []*contract.Parameter{{Name: "X-Runtime"}, {Name: "Server"}}}}}
	if diff := cmp.Diff("Server X-Debug", removed(t, guardFor(t, op, "via"), exchange("Via", "x-runtime", "Server", "X-Debug"))); diff != "" {
		t.Error(diff)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]any{"a field that is left alone": Params{Keep: []string{"X-Request-Id"}}, "settings of another risk": 1} {
		if _, err := newGuard(&risk.Site{Scope: risk.OfOperation, Params: p}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if placed, err := newGuard(&risk.Site{Scope: risk.OfListener}); err != nil || len(placed) != 0 {
		t.Errorf("the listener has replies of nobody else: %v %v", placed, err)
	}
	if d := guardFor(t, nil).Check(risk.NewExchange(&risk.Facts{}, nil)); d != nil {
		t.Errorf("no reply yet: %+v", d)
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	g, x := guardFor(t, nil), exchange("Server", "Content-Type", "Date")
	f := &risk.Facts{Response: x.Response()}
	if n := testing.AllocsPerRun(100, func() {
		x.Reset(f)
		g.Check(x)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheProbeCountsReplies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field, value string
		status, want int
	}{
		"a version": {"Server", "nginx/1.2", 200, 1}, "a name": {"server", "cloud", 200, 0}, "a proxy": {"Via", "1.1 a", 200, 0},
		"a host": {"X-Backend-Host", "db", 200, 1}, "an error page": {"Server", "nginx/1.2", 502, 0},
	} {
		var found []risk.Finding
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{{Method: "GET", Key: "GET /a"}, {Method: "GET", Key: "GET /b"}, {Method: "PUT"}}},
			Lawful:   func(*contract.Operation) (*risk.Attempt, bool) { return &risk.Attempt{}, true },
			Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) {
				return &risk.Seen{Status: c.status, Fields: risk.Fields{{Name: c.field, Value: c.value}}}, nil
			},
			Report: func(f risk.Finding) { found = append(found, f) },
		})
		if err != nil || len(found) != c.want || c.want == 1 && !strings.Contains(found[0].Proof, "2 of 2") {
			t.Errorf("%s: %v %+v", name, err, found)
		}
	}
}

func TestTheLintNamesEachFieldOnce(t *testing.T) {
	t.Parallel()
	server := &contract.Parameter{Name: "server", At: source.Span{File: "a.yaml", Line: 7}}
	ok := &contract.Parameter{Name: "X-Request-Id"}
	weak := &contract.Contract{Operations: []*contract.Operation{
		{Replies: []*contract.Reply{{Code: 200, Headers: []*contract.Parameter{ok, server}}, {Code: 404, Headers: []*contract.Parameter{{Name: "Server"}}}}},
		{Replies: []*contract.Reply{{Code: 200, Headers: []*contract.Parameter{{Name: "X-Powered-By"}}}}},
	}}
	var got []string
	lint(weak, func(d source.Diagnostic) { got = append(got, d.At.String()+" "+string(d.Code)) })
	if diff := cmp.Diff([]string{"a.yaml:7 disclosure/field", "- disclosure/field"}, got); diff != "" {
		t.Error(diff)
	}
	sound := &contract.Contract{Operations: []*contract.Operation{{Replies: []*contract.Reply{{Code: 200, Headers: []*contract.Parameter{ok}}}}}}
	lint(sound, func(d source.Diagnostic) { t.Errorf("a sound document is reported: %v", d) })
}
