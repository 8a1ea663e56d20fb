package headers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhichValuesAreStrict(t *testing.T) {
	t.Parallel()
	g := &guard{seconds: 100}
	for _, c := range []struct {
		kind  kind
		value string
		want  bool
	}{
		{sniff, "nosniff", true}, {sniff, " NoSniff\t", true}, {sniff, "sniff", false}, {sniff, "", false},
		{frame, "DENY", true}, {frame, "deny", true}, {frame, "SameOrigin", true}, {frame, "ALLOWALL", false}, {frame, "", false},
		{referrer, "no-referrer", true}, {referrer, "origin", true}, {referrer, "Unsafe-URL", false}, {referrer, " ", false},
		{resource, "same-origin", true}, {resource, "same-site", true}, {resource, "cross-origin", true}, {resource, "none", false}, {resource, "", false},
		{transport, "max-age=100", true}, {transport, "max-age=99", false}, {transport, "", false},
		{content, "default-src 'self'", true}, {content, "\t", false},
	} {
		if got := g.strict(c.kind, c.value); got != c.want {
			t.Errorf("kind %d %q: %v", c.kind, c.value, got)
		}
	}
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int64{
		"max-age=0": 0, "max-age=1": 1, "max-age=123456789": 123456789, "MAX-AGE=12": 12, `max-age="12"`: 12, "includeSubDomains; max-age=5": 5, "\tmax-age\t=\t5 ;preload": 5,
		" ;\tmax-age=7": 7, "max-age=1099511627776": 1 << 40, "max-age=10995116277760": 10995116277760, "max-age=10995116277770": -1, "max-age=10995116277761": 10995116277761, "max-age=109951162777600": -1,
		"max-age=1099511627775": 1<<40 - 1, "": -1, "max-age": -1, "max-age=": -1, "max-age=-1": -1, "max-age=1a": -1, "max-age=:": -1, "max-age=/": -1, "max-age=9": 9, "preload=9": -1, "x=1; max-age=2": 2,
		"max-age; max-age=3": 3,
	} {
		if got := maxAge(value); got != want {
			t.Errorf("%q: %d", value, got)
		}
	}
}

func TestKindsOfNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]kind{
		"X-CONTENT-TYPE-OPTIONS": sniff, "Content-Security-Policy": content, "x-frame-options": frame, "Referrer-Policy": referrer, "CROSS-ORIGIN-RESOURCE-POLICY": resource,
		"STRICT-TRANSPORT-SECURITY": transport, "Server": other, "": other, "Content-Security-Policy-Report-Only": other, strings.Repeat("x", 41): other, strings.Repeat("x", 100): other,
	} {
		if got := kindOf(name); got != want {
			t.Errorf("%s: %d", name, got)
		}
	}
	for media, want := range map[string]bool{"text/html": true, "application/xhtml+xml": true, "text/plain": false, "": false} {
		if html(media) != want {
			t.Errorf("%q is a page: %v", media, !want)
		}
	}
}

func TestSettingsAtTheEdges(t *testing.T) {
	t.Parallel()
	for hsts, want := range map[time.Duration]string{time.Second: "max-age=1", 0: "max-age=31536000", 90 * time.Second: "max-age=90"} {
		if got := after(t, guardFor(t, Params{HSTS: hsts}, nil), facts())["Strict-Transport-Security"]; got != want {
			t.Errorf("hsts %s: %q", hsts, got)
		}
	}
	for _, hsts := range []time.Duration{-1, 1, time.Second - 1} {
		if _, err := newGuard(&risk.Site{Scope: risk.OfAPI, Params: Params{HSTS: hsts}}); err == nil {
			t.Errorf("hsts %s is taken", hsts)
		}
	}
	placed, err := newGuard(&risk.Site{Scope: risk.OfAPI, API: &risk.API{}})
	if err != nil || len(placed) != 1 {
		t.Fatal(placed, err)
	}
	if got, there := after(t, placed[0].Guard, facts())["Strict-Transport-Security"]; there {
		t.Errorf("an API that is not reached over TLS says %q", got)
	}
	x := risk.NewExchange(&risk.Facts{}, nil)
	if d := placed[0].Guard.Check(x); d != nil || len(x.Edits()) != 0 {
		t.Error("there is no reply to edit")
	}
}

func TestWhatConnectionMayNameAway(t *testing.T) {
	t.Parallel()
	g := guardFor(t, Params{}, nil)
	for value, sets := range map[string]bool{"X-Frame-Options": true, "close, x-frame-options": true, "close": false, "Keep-Alive": false, "": false} {
		for _, name := range []string{"Connection", "X-Other"} {
			for _, later := range []bool{false, true} {
				fields := []string{name, value, "X-Frame-Options", "SAMEORIGIN"}
				if later {
					fields = append(fields, "Connection", "close")
				}
				want := "SAMEORIGIN"
				if sets && name == "Connection" {
					want = "DENY"
				}
				if got := after(t, g, facts(fields...))["X-Frame-Options"]; got != want {
					t.Errorf("%s: %s, another one %v: %q", name, value, later, got)
				}
			}
		}
	}
}

func TestAKeptTransportFieldStaysOverPlainHTTP(t *testing.T) {
	t.Parallel()
	for keep, want := range map[string]string{"Strict-Transport-Security": "max-age=5", "X-Frame-Options": ""} {
		f := facts("Strict-Transport-Security", "max-age=5")
		f.Conn.Secure = false
		if got := after(t, guardFor(t, Params{Keep: []string{keep}}, nil), f)["Strict-Transport-Security"]; got != want {
			t.Errorf("keep %s: %q", keep, got)
		}
	}
}

func TestWhatADocumentShows(t *testing.T) {
	t.Parallel()
	value := source.Value{Text: "a"}
	chain := func(n int) *contract.Schema {
		s := &contract.Schema{Const: &value}
		for range n {
			s = &contract.Schema{Ref: s}
		}
		return s
	}
	for name, c := range map[string]struct {
		s    *contract.Schema
		want bool
	}{
		"a constant": {&contract.Schema{Const: &value}, true}, "a default": {&contract.Schema{Default: &value}, true}, "the one of an enum": {&contract.Schema{Enum: []source.Value{value}}, true},
		"one of two": {&contract.Schema{Enum: []source.Value{value, value}}, false}, "an example": {&contract.Schema{Examples: []source.Value{value, {Text: "b"}}}, true},
		"nothing": {nil, false}, "silence": {&contract.Schema{}, false}, "seven references": {chain(7), true}, "eight": {chain(8), false},
	} {
		if got, ok := shown(&contract.Parameter{Schema: c.s}); ok != c.want || ok != (got == "a") {
			t.Errorf("%s: %q %v", name, got, ok)
		}
	}
	h := func(name, text string) *contract.Parameter {
		return &contract.Parameter{Name: name, Schema: &contract.Schema{Const: &source.Value{Text: text}}}
	}
	var got []string
	lint(&contract.Contract{Operations: []*contract.Operation{{Replies: []*contract.Reply{{Headers: []*contract.Parameter{
		h("X-Request-Id", ""), h("Strict-Transport-Security", "max-age=1"), h("Strict-Transport-Security", "max-age=0"), h("Strict-Transport-Security", "max-age=0"),
	}}}}}}, func(d source.Diagnostic) { got = append(got, d.Text) })
	if diff := cmp.Diff([]string{"the documented value of Strict-Transport-Security protects nobody"}, got); diff != "" {
		t.Error(diff)
	}
}

// reads makes a Target of reads.
func reads(send func(*risk.Attempt) (*risk.Seen, error), found *[]string, paths ...string) *risk.Target {
	c := &contract.Contract{Operations: []*contract.Operation{{Method: "POST", Path: "/made"}, {Method: "GET", Path: "/unknown"}}}
	for _, p := range paths {
		c.Operations = append(c.Operations, &contract.Operation{Method: "GET", Path: p, Key: "GET " + p})
	}
	return &risk.Target{
		Contract: c, Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) { return send(a) },
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			if op.Path == "/unknown" {
				return nil, false
			}
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path}, true
		},
		Report: func(f risk.Finding) { *found = append(*found, f.Code+": "+f.Proof) },
	}
}

func TestTheProbeReadsFiftyOperationsThatAnswer(t *testing.T) {
	t.Parallel()
	var paths, got []string
	for i := range 70 {
		paths = append(paths, fmt.Sprintf("/%d", i))
	}
	n := 0
	err := probe(t.Context(), reads(func(a *risk.Attempt) (*risk.Seen, error) {
		n++
		return &risk.Seen{Status: 200 + n/5*99%297, Body: []byte("x")}, nil // 200, 299 and beyond
	}, &got, paths...))
	if err != nil || len(got) != 1 || !strings.Contains(got[0], "operations read)") {
		t.Errorf("%q %v", got, err)
	}
	got, n = nil, 0
	err = probe(t.Context(), reads(func(*risk.Attempt) (*risk.Seen, error) {
		n++
		return &risk.Seen{Status: 200, Body: []byte("x")}, nil
	}, &got, paths...))
	if err != nil || n != 50 || len(got) != 1 || !strings.Contains(got[0], "(50 of 50 operations read)") {
		t.Errorf("%d requests, %q %v", n, got, err)
	}
}

func TestWhatTheProbeCounts(t *testing.T) {
	t.Parallel()
	page := func(fields ...string) *risk.Seen {
		s := &risk.Seen{Status: 200, Fields: risk.Fields{{Name: "Content-Type", Value: "\tText/HTML ; charset=utf-8"}}}
		for i := 0; i < len(fields); i += 2 {
			s.Fields = append(s.Fields, risk.Field{Name: fields[i], Value: fields[i+1]})
		}
		return s
	}
	body := func(status int) *risk.Seen { return &risk.Seen{Status: status, Body: []byte("x")} }
	over := func(hsts string) *risk.Seen {
		return &risk.Seen{Status: 200, TLS: 0x0304, Fields: risk.Fields{{Name: "Strict-Transport-Security", Value: hsts}}}
	}
	for name, c := range map[string]struct {
		seen *risk.Seen
		want string
	}{
		"199": {body(199), ""}, "200": {body(200), "headers/sniff"}, "299": {body(299), "headers/sniff"}, "300": {body(300), ""},
		"no body":               {&risk.Seen{Status: 204}, ""},
		"a page":                {page(), "headers/framing"},
		"a page that forbids":   {page("X-Frame-Options", "DENY"), ""},
		"a page with a policy":  {page("Content-Security-Policy", "frame-ancestors 'none'"), ""},
		"zero seconds":          {over("max-age=0"), "headers/hsts"},
		"one second":            {over("max-age=1"), ""},
		"nothing over TLS":      {over(""), "headers/hsts"},
		"sniffing with a blank": {&risk.Seen{Status: 200, Body: []byte("x"), Fields: risk.Fields{{Name: "X-Content-Type-Options", Value: " nosniff\t"}}}, ""},
	} {
		var got []string
		if err := probe(t.Context(), reads(func(*risk.Attempt) (*risk.Seen, error) { return c.seen, nil }, &got, "/a")); err != nil {
			t.Error(err)
		}
		if text, _, _ := strings.Cut(strings.Join(got, " "), ":"); text != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTheProbeSaysWhatFailed(t *testing.T) {
	t.Parallel()
	reset := errors.New("reset")
	var got []string
	if err := probe(t.Context(), reads(func(*risk.Attempt) (*risk.Seen, error) { return nil, reset }, &got, "/a")); !errors.Is(err, reset) {
		t.Error(err)
	}
}
