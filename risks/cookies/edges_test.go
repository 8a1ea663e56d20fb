package cookies

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestHowBrowsersReadACookie(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]cookie{
		"a=1":                  {name: "a", value: "1"},
		"\t a \t=\t 1 2 \t; b": {name: "a", value: "1 2"},
		" =1":                  {value: "1"},
		" word ":               {value: "word"},
		"a=1; Max-Age=0":       {name: "a", value: "1", traits: ends},
		"a=1; max-age = -5":    {name: "a", value: "1", traits: ends},
		"a=1; Max-Age=05":      {name: "a", value: "1"},
		"a=1; Max-Age=":        {name: "a", value: "1"},
		"a=1; Max-Age=5":       {name: "a", value: "1"},
		"a=1; Domain=.b.c":     {name: "a", value: "1", domain: "b.c", traits: domain},
		"a=1; Path=/; path":    {name: "a", value: "1"},
		"a=1; Path=\t/ ":       {name: "a", value: "1", traits: root},
		"a=1; SameSite=Strict": {name: "a", value: "1", traits: sameSite},
		"a=1; SameSite=None":   {name: "a", value: "1", traits: anySite},
		"a=1; SameSite=Lax; Secure; HttpOnly; SameSite=None": {name: "a", value: "1", traits: anySite | secure | httpOnly},
		"a=1; SameSite=Lax; SameSite":                        {name: "a", value: "1"},
	} {
		if diff := cmp.Diff(want, read(field), cmp.AllowUnexported(cookie{})); diff != "" {
			t.Errorf("%q: %s", field, diff)
		}
	}
	for name, want := range map[string]bool{"__Host-": true, "__host-a": true, "__Host": false, "__Hosta": false, "": false, "x__Host-": false} {
		if prefixed(name, hostPrefix) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func TestWhatTheSettingsAndTheConnectionChange(t *testing.T) {
	t.Parallel()
	p := Params{CrossSite: []string{"frame"}, Domains: []string{"example.com"}}
	const most = "; Secure; HttpOnly; SameSite=Lax"
	for sent, want := range map[string]string{
		"frame=1": "frame=1" + most, "frame=1; Secure; HttpOnly; SameSite=Lax": "frame=1" + most, "frame=1; SameSite=odd": "frame=1" + most,
		"a=1; Domain=example.com": "a=1; Domain=example.com" + most, "a=1; Domain=example.org": "a=1" + most, " \ta=1\t ; Path=/x": "a=1; Path=/x" + most,
		"__Host-=1; Path=/": "__Host-=1; Path=/" + most,
	} {
		if diff := cmp.Diff([]string{want}, after(t, guardFor(t, p), facts(sent))); diff != "" {
			t.Errorf("%q: %s", sent, diff)
		}
	}
	for name, c := range map[string]struct {
		api    *risk.API
		secure bool
		want   string
	}{
		"no API": {nil, false, "a=1; HttpOnly; SameSite=Lax"}, "no API, over TLS": {nil, true, "a=1" + most},
		"an API in the clear": {&risk.API{}, false, "a=1; HttpOnly; SameSite=Lax"}, "one over TLS": {&risk.API{Secure: true}, false, "a=1" + most},
		"this connection alone": {&risk.API{}, true, "a=1" + most}, "both": {&risk.API{Secure: true}, true, "a=1" + most},
	} {
		placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, API: c.api})
		if err != nil || len(placed) != 1 {
			t.Fatalf("%s: %v %v", name, placed, err)
		}
		f := facts("a=1")
		f.Conn.Secure = c.secure
		if diff := cmp.Diff([]string{c.want}, after(t, placed[0].Guard, f)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, d := range []string{"com.", ".com", "."} {
		if _, err := newGuard(&risk.Site{Scope: risk.OfAPI, Params: Params{Domains: []string{d}}}); err == nil {
			t.Errorf("cookies for %q are allowed", d)
		}
	}
}

func TestOnlyCookiesAreRewritten(t *testing.T) {
	t.Parallel()
	g := guardFor(t, Params{})
	set := func(do risk.Do, stage risk.Stage, value string) risk.Edit {
		return risk.Edit{Do: do, On: risk.OnReply, Stage: stage, Name: "Set-Cookie", Value: value}
	}
	whole := "a=1; Secure; HttpOnly; SameSite=Strict"
	for name, c := range map[string]struct {
		cookies []string
		want    []risk.Edit
	}{
		"whole ones": {[]string{whole}, nil}, "none": {nil, nil},
		"a bare one before": {[]string{"b=2", whole}, []risk.Edit{set(risk.RemoveField, risk.Strip, ""), set(risk.AddField, risk.Mask, "b=2; Secure; HttpOnly; SameSite=Lax"), set(risk.AddField, risk.Mask, whole)}},
		"one without name":  {[]string{whole, "nameless; Secure; HttpOnly; SameSite=Lax"}, []risk.Edit{set(risk.RemoveField, risk.Strip, ""), set(risk.AddField, risk.Mask, whole)}},
		"and before":        {[]string{"nameless; Secure; HttpOnly; SameSite=Lax", whole}, []risk.Edit{set(risk.RemoveField, risk.Strip, ""), set(risk.AddField, risk.Mask, whole)}},
	} {
		f := facts(c.cookies...)
		f.Response.Fields = append(risk.Fields{{Name: "X-First", Value: "c=3"}}, append(f.Response.Fields, risk.Field{Name: "Cookie", Value: "d=4"})...)
		x := risk.NewExchange(f, nil)
		if d := g.Check(x); d != nil {
			t.Errorf("%s: %+v", name, d)
		}
		if diff := cmp.Diff(c.want, append([]risk.Edit(nil), x.Edits()...)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhatADocumentShowsOfCookies(t *testing.T) {
	t.Parallel()
	value := source.Value{Text: "a=1"}
	chain := func(n int) *contract.Schema {
		s := &contract.Schema{Const: &value}
		for range n {
			s = &contract.Schema{Ref: s}
		}
		return s
	}
	bareCookie := source.Diagnostic{
		At: source.Span{Line: 4}, Severity: source.Warning, Code: CodeExample, Text: "the documented cookie lacks Secure, HttpOnly or SameSite",
		Hint: "write the example as the API should send it: …; Secure; HttpOnly; SameSite=Lax",
	}
	for name, c := range map[string]struct {
		header string
		s      *contract.Schema
		want   bool
	}{
		"a constant": {"Set-Cookie", chain(0), true}, "a default": {"set-cookie", &contract.Schema{Default: &value}, true}, "an example": {"Set-Cookie", &contract.Schema{Examples: []source.Value{value, {}}}, true},
		"nothing": {"Set-Cookie", nil, false}, "silence": {"Set-Cookie", &contract.Schema{}, false}, "another header": {"Cookie", chain(0), false},
		"seven references": {"Set-Cookie", chain(7), true}, "eight": {"Set-Cookie", chain(8), false},
	} {
		op := &contract.Operation{Replies: []*contract.Reply{{Headers: []*contract.Parameter{{Name: c.header, Schema: c.s, At: source.Span{Line: 4}}}}}}
		var want, got []source.Diagnostic
		if c.want {
			want = append(want, bareCookie)
		}
		lint(&contract.Contract{Operations: []*contract.Operation{{}, op, op}}, func(d source.Diagnostic) { got = append(got, d) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhichNamesOfSessionCookiesPromiseNothing(t *testing.T) {
	t.Parallel()
	var got []source.Diagnostic
	scheme := func(kind contract.SchemeKind, in contract.In, field string) *contract.Scheme {
		return &contract.Scheme{Kind: kind, In: in, Field: field, At: source.Span{Line: 8}}
	}
	lint(&contract.Contract{Schemes: []*contract.Scheme{
		scheme(contract.APIKey, contract.InCookie, "__Host-a"), scheme(contract.APIKey, contract.InCookie, "__Secure-a"), scheme(contract.HTTPAuth, contract.InCookie, "http"),
		scheme(contract.APIKey, contract.InQuery, "query"), scheme(contract.APIKey, contract.InCookie, "sid"), scheme(contract.APIKey, contract.InCookie, "other"),
	}}, func(d source.Diagnostic) { got = append(got, d) })
	var want []source.Diagnostic
	for _, name := range []string{"sid", "other"} {
		want = append(want, source.Diagnostic{
			At: source.Span{Line: 8}, Severity: source.Info, Code: CodeName,
			Text: fmt.Sprintf("the cookie %q is a credential, and its name lets any host of the domain and any network set it", name),
			Hint: "call it __Host-" + name + ": browsers then take it only over TLS and from this host",
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// play probes an API of reads, of which /unknown has no lawful request.
func play(t *testing.T, send func(*risk.Attempt) (*risk.Seen, error), ops ...*contract.Operation) (found []risk.Finding, err error) {
	t.Helper()
	err = probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: ops},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			if op.Path == "/unknown" {
				return nil, false
			}
			return &risk.Attempt{Method: op.Method, Path: op.Path}, true
		},
		Report: func(f risk.Finding) { found = append(found, f) },
		Send:   func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) { return send(a) },
	})
	return found, err
}

func reading(path string) *contract.Operation {
	return &contract.Operation{Method: "GET", Path: path, Key: "GET " + path, At: source.Span{Line: 5}}
}

func TestTheProbeCallsFiftyOperations(t *testing.T) {
	t.Parallel()
	reply := func(code int, header string) []*contract.Reply {
		return []*contract.Reply{{Code: code, Headers: []*contract.Parameter{{Name: "Location"}, {Name: header}}}}
	}
	ops := []*contract.Operation{
		reading("/unknown"), {Method: "PUT", Path: "/put"}, {Method: "POST", Path: "/declared", Replies: reply(201, "Set-Cookie")},
		{Method: "POST", Path: "/other", Replies: reply(201, "X-Set-Cookie")}, {Method: "POST", Path: "/failing", Replies: reply(300, "Set-Cookie")},
	}
	var called []string
	for i := range 60 {
		ops = append(ops, reading(fmt.Sprintf("/%d", i)))
	}
	found, err := play(t, func(a *risk.Attempt) (*risk.Seen, error) {
		called = append(called, a.Path)
		return &risk.Seen{Status: 200}, nil
	}, ops...)
	if err != nil || found != nil || len(called) != 50 || called[0] != "/declared" || called[1] != "/0" || called[49] != "/48" {
		t.Errorf("called %v: %v %v", called, found, err)
	}
	reset := errors.New("reset")
	if _, err := play(t, func(*risk.Attempt) (*risk.Seen, error) { return nil, reset }, reading("/0")); !errors.Is(err, reset) {
		t.Error(err)
	}
}

func TestWhatTheProbeFinds(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdef" // as short as secrets are
	finding := func(code, proof string) risk.Finding {
		return risk.Finding{Operation: "GET /0", At: source.Span{Line: 5}, Code: code, Confirmed: true, Proof: "a reply sets the cookie " + proof}
	}
	insecure := finding("cookies/insecure", `"s" without Secure, so that it also travels in clear text`)
	script := finding("cookies/script", `"s" without HttpOnly, so that every script of the page can read it`)
	site := finding("cookies/cross-site", `"s" with SameSite=None, so that it goes along with requests of other sites`)
	domain := finding("cookies/domain", `"s" with Domain, so that every host below it gets the cookie`)
	for name, c := range map[string]struct {
		tls    uint16
		fields []string
		want   []risk.Finding
	}{
		"all at once":                  {1, []string{"Set-Cookie", "s=" + secret + "; SameSite=None; Domain=a.example"}, []risk.Finding{insecure, script, site, domain}},
		"twice":                        {1, []string{"Set-Cookie", "s=" + secret, "set-cookie", "s=" + secret + "2"}, []risk.Finding{insecure, script}},
		"in the clear":                 {0, []string{"Set-Cookie", "s=" + secret}, []risk.Finding{script}},
		"a sound one":                  {1, []string{"Set-Cookie", "s=" + secret + "; Secure; HttpOnly"}, nil},
		"too short":                    {1, []string{"Set-Cookie", "s=" + secret[1:]}, nil},
		"too short, with quotes":       {1, []string{"Set-Cookie", `s="` + secret[1:] + `"`}, nil},
		"long enough without quotes":   {1, []string{"Set-Cookie", `s="` + secret + `"; Secure`}, []risk.Finding{script}},
		"one that ends":                {1, []string{"Set-Cookie", "s=" + secret + "; Max-Age=0"}, nil},
		"one without a name":           {1, []string{"Set-Cookie", "=" + secret}, nil},
		"a token that scripts read":    {1, []string{"Set-Cookie", "X-CSRF=" + secret + "; Secure", "Set-Cookie", "XSRF-TOKEN=" + secret + "; Secure"}, nil},
		"another field, before a real": {1, []string{"Cookie", "c=" + secret, "Set-Cookie", "s=" + secret + "; HttpOnly"}, []risk.Finding{insecure}},
	} {
		found, err := play(t, func(*risk.Attempt) (*risk.Seen, error) {
			s := &risk.Seen{Status: 200, TLS: c.tls}
			for i := 0; i < len(c.fields); i += 2 {
				s.Fields = append(s.Fields, risk.Field{Name: c.fields[i], Value: c.fields[i+1]})
			}
			return s, nil
		}, reading("/0"), reading("/1"))
		if diff := cmp.Diff(c.want, found); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	names := strings.Fields("csrf Csrf-Token my_xsrf session")
	for i, name := range names {
		if token(name) != (i < 3) {
			t.Errorf("%s", name)
		}
	}
}
