package headers

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// all is what a JSON reply to a known caller over TLS must leave with.
func all() map[string]string {
	return map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Strict-Transport-Security": "max-age=31536000",
	}
}

func facts(fields ...string) *risk.Facts {
	f := &risk.Facts{
		Conn: risk.Conn{Secure: true}, Caller: risk.Caller{Kind: risk.KeyCaller},
		Response: &risk.Response{Status: 200, Media: "application/json"},
	}
	for i := 0; i < len(fields); i += 2 {
		f.Response.Fields = append(f.Response.Fields, risk.Field{Name: fields[i], Value: fields[i+1]})
	}
	return f
}

func guardFor(t testing.TB, p Params, op *contract.Operation) risk.Guard {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, API: &risk.API{Secure: true}, Op: op, Params: p})
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Reply {
		t.Fatalf("want one guard at reply: %v %v", placed, err)
	}
	return placed[0].Guard
}

// after is the head of a reply when the edits are applied.
func after(t testing.TB, g risk.Guard, f *risk.Facts) map[string]string {
	t.Helper()
	x := risk.NewExchange(f, nil)
	if d := g.Check(x); d != nil {
		t.Fatalf("headers are never a reason to refuse: %+v", d)
	}
	out := map[string]string{}
	for _, field := range f.Response.Fields {
		out[field.Name] = field.Value
	}
	for stage := risk.DecryptIDs; stage <= risk.EncryptIDs; stage++ {
		for _, e := range x.Edits() {
			if e.Stage != stage || e.On != risk.OnReply {
				continue
			}
			maps.DeleteFunc(out, func(name, _ string) bool { return strings.EqualFold(name, e.Name) })
			if e.Do == risk.SetField {
				out[e.Name] = e.Value
			}
		}
	}
	return out
}

func TestABareReplyGetsEveryField(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(all(), after(t, guardFor(t, Params{}, nil), facts())); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheUpstreamSaysIsKeptWhereItIsAsStrict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field, sent, left string
	}{
		"a longer HSTS":                 {"Strict-Transport-Security", "max-age=63072000; includeSubDomains", "max-age=63072000; includeSubDomains"},
		"a quoted HSTS":                 {"Strict-Transport-Security", `max-age="31536000"`, `max-age="31536000"`},
		"a short HSTS":                  {"Strict-Transport-Security", "max-age=60", "max-age=31536000"},
		"an HSTS that ends it":          {"Strict-Transport-Security", "max-age=0", "max-age=31536000"},
		"an HSTS of letters":            {"Strict-Transport-Security", "max-age=forever", "max-age=31536000"},
		"an HSTS without a number":      {"Strict-Transport-Security", "max-age=", "max-age=31536000"},
		"an endless HSTS":               {"Strict-Transport-Security", "max-age=99999999999999999999999", "max-age=31536000"},
		"nosniff in another case":       {"X-Content-Type-Options", "NoSniff", "NoSniff"},
		"a misspelt nosniff":            {"X-Content-Type-Options", "no-sniff", "nosniff"},
		"same-origin frames":            {"X-Frame-Options", "SAMEORIGIN", "SAMEORIGIN"},
		"frames that no browser checks": {"X-Frame-Options", "ALLOW-FROM https://a.example", "DENY"},
		"a referrer to its own site":    {"Referrer-Policy", "same-origin", "same-origin"},
		"a referrer for all":            {"Referrer-Policy", "unsafe-url", "no-referrer"},
		"a policy of content":           {"Content-Security-Policy", "default-src 'self'", "default-src 'self'"},
		"an empty policy of content":    {"Content-Security-Policy", "", "default-src 'none'; frame-ancestors 'none'"},
		"a resource for other sites":    {"Cross-Origin-Resource-Policy", "cross-origin", "cross-origin"},
		"a resource for nonsense":       {"Cross-Origin-Resource-Policy", "yes", "same-origin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := all()
			want[c.field] = c.left
			if diff := cmp.Diff(want, after(t, guardFor(t, Params{}, nil), facts(c.field, c.sent))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheLooserOfTwoFieldsDecides(t *testing.T) {
	t.Parallel()
	got := after(t, guardFor(t, Params{}, nil), facts("X-Frame-Options", "DENY", "x-frame-options", "ALLOWALL"))
	if diff := cmp.Diff(all(), got); diff != "" {
		t.Error(diff)
	}
}

func TestConnectionCannotNameAwayOurFields(t *testing.T) {
	t.Parallel()
	got := after(t, guardFor(t, Params{}, nil), facts("X-Frame-Options", "SAMEORIGIN", "Connection", "close, X-Frame-Options"))
	if got["X-Frame-Options"] != "DENY" {
		t.Errorf("got %q", got["X-Frame-Options"])
	}
	got = after(t, guardFor(t, Params{}, nil), facts("X-Frame-Options", "SAMEORIGIN", "connection", "Keep-Alive"))
	if got["X-Frame-Options"] != "SAMEORIGIN" {
		t.Errorf("got %q", got["X-Frame-Options"])
	}
}

func TestAKelvinSignIsNoK(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"X-Bac\u212aend", "\u017ferver", strings.Repeat("x", 300), ""} {
		if k := kindOf(name); k != other {
			t.Errorf("%q is taken for kind %d", name, k)
		}
	}
}

func TestOverPlainHTTPNothingSpeaksOfTLS(t *testing.T) {
	t.Parallel()
	f := facts("Strict-Transport-Security", "max-age=63072000")
	f.Conn.Secure = false
	if got, there := after(t, guardFor(t, Params{}, nil), f)["Strict-Transport-Security"]; there {
		t.Errorf("a reply over plain HTTP has HSTS %q", got)
	}
}

func TestPagesMayLoadButNotBeFramed(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Response.Media = "text/html"
	if got := after(t, guardFor(t, Params{}, nil), f)["Content-Security-Policy"]; got != "frame-ancestors 'none'" {
		t.Errorf("got %q", got)
	}
}

func TestKeptFieldsStay(t *testing.T) {
	t.Parallel()
	g := guardFor(t, Params{HSTS: time.Hour, Keep: []string{"X-Frame-Options"}}, nil)
	got := after(t, g, facts("X-Frame-Options", "ALLOWALL", "Referrer-Policy", "unsafe-url"))
	want := all()
	want["X-Frame-Options"], want["Strict-Transport-Security"] = "ALLOWALL", "max-age=3600"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]any{
		"a negative time": Params{HSTS: -time.Hour}, "less than a second": Params{HSTS: time.Millisecond},
		"a field that is left alone": Params{Keep: []string{"X-Request-Id"}}, "settings of another risk": struct{}{},
	} {
		if _, err := newGuard(&risk.Site{Scope: risk.OfOperation, Params: p}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if placed, err := newGuard(&risk.Site{Scope: risk.OfListener}); err != nil || len(placed) != 0 {
		t.Errorf("the listener has replies of nobody else: %v %v", placed, err)
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	g := guardFor(t, Params{}, nil)
	f := facts("Server", "x", "Content-Type", "application/json", "Date", "now", "X-Powered-By", "y")
	x := risk.NewExchange(f, make([]risk.Edit, 0, 16))
	if n := testing.AllocsPerRun(100, func() {
		x.Reset(f)
		g.Check(x)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	g := guardFor(b, Params{}, nil)
	f := facts("Server", "x", "Content-Type", "application/json", "Date", "now", "X-Request-Id", "y", "Vary", "Accept", "Content-Length", "12")
	x := risk.NewExchange(f, make([]risk.Edit, 0, 16))
	b.ReportAllocs()
	for b.Loop() {
		x.Reset(f)
		g.Check(x)
	}
}

func TestTheLintNamesEachWeakFieldOnce(t *testing.T) {
	t.Parallel()
	shows := func(name, value string) *contract.Parameter {
		s := contract.NewSchema()
		s.Examples = []source.Value{{Text: value}}
		return &contract.Parameter{Name: name, Schema: &contract.Schema{Ref: s}}
	}
	c := &contract.Contract{Operations: []*contract.Operation{{Replies: []*contract.Reply{{Code: 200, Headers: []*contract.Parameter{
		shows("x-frame-options", "ALLOWALL"), shows("X-Frame-Options", "ALLOW-FROM a"), shows("Strict-Transport-Security", "max-age=0"),
		shows("Strict-Transport-Security", "max-age=60"), shows("X-Content-Type-Options", "nosniff"), {Name: "Referrer-Policy"}, shows("X-Other", "x"),
	}}}}}}
	n := 0
	lint(c, func(d source.Diagnostic) {
		if n++; d.Code != CodeWeak {
			t.Errorf("%+v", d)
		}
	})
	if n != 2 {
		t.Errorf("%d diagnostics, want those of X-Frame-Options and HSTS", n)
	}
}

// upstream is an API with one private and one open operation.
type upstream struct {
	private, open risk.Fields
	tls           uint16
	status        int
}

func (u upstream) target(found *[]string) *risk.Target {
	c := &contract.Contract{Operations: []*contract.Operation{
		{Method: "GET", Path: "/me", Key: "GET /me"}, {Method: "GET", Path: "/news", Key: "GET /news"}, {Method: "POST", Path: "/me", Key: "POST /me"},
	}}
	return &risk.Target{
		Contract: c, Callers: []string{"alice"},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path}, true
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			s := &risk.Seen{Status: 200, TLS: u.tls, Fields: u.open, Body: []byte(`{"news":[]}`)}
			if u.status != 0 {
				s.Status = u.status
			}
			if a.Path == "/me" {
				s.Fields, s.Body = u.private, []byte(`{"me":"alice"}`)
				if a.As == "" {
					s.Status, s.Body = 401, nil
				}
			}
			return s, nil
		},
		Report: func(f risk.Finding) {
			*found = append(*found, f.Code+" "+f.Operation)
			if !f.Confirmed || f.Proof == "" {
				*found = append(*found, "unproved")
			}
		},
	}
}

func TestTheProbeFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	var found []string
	weak := upstream{tls: 0x304, open: risk.Fields{{Name: "Server", Value: "nginx/1.2"}, {Name: "Content-Type", Value: "text/html; charset=utf-8"}}}
	if err := probe(t.Context(), weak.target(&found)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	want := []string{"headers/framing GET /news", "headers/hsts GET /me", "headers/sniff GET /me"}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func TestTheProbeIsNotFooledByNearMisses(t *testing.T) {
	t.Parallel()
	good := risk.Fields{{Name: "x-content-type-options", Value: " nosniff"}, {Name: "Strict-Transport-Security", Value: "max-age=300"}}
	for name, u := range map[string]upstream{
		"a sound API, its news without a rule for caches": {
			tls: 0x304, open: append(slices.Clone(good), risk.Field{Name: "Server", Value: "cloud"}), private: append(slices.Clone(good), risk.Field{Name: "Cache-Control", Value: "private"}),
		},
		"no TLS, so no HSTS":              {open: good[:1], private: append(slices.Clone(good[:1]), risk.Field{Name: "Pragma", Value: "no-cache"})},
		"an error page of a proxy before": {status: 403, tls: 0x304, private: append(slices.Clone(good), risk.Field{Name: "Expires", Value: "0"}), open: risk.Fields{{Name: "Server", Value: "nginx/1.2"}}},
	} {
		var found []string
		if err := probe(t.Context(), u.target(&found)); err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}
