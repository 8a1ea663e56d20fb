package errors

import (
	"context"
	stdjson "encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// A reply is what the upstream answers, and what the contract machine says of
// it.
type reply struct {
	status int
	media  string
	body   string
	fields risk.Fields
	class  risk.Class  // of a violation, or 0
	marks  []risk.Mark // of the body
	known  bool        // the status is declared
}

// An outcome is what the client gets.
type outcome struct {
	Hidden fault.Code // code of the problem document in place of the body
	Body   string
	Added  []string
}

func pass(t testing.TB, p Params, in reply) outcome {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Params: p})
	if err != nil || len(placed) != 2 {
		t.Fatalf("%v %v", placed, err)
	}
	f := &risk.Facts{Response: &risk.Response{Status: in.status, Media: in.media, Fields: in.fields}}
	if in.class != 0 {
		f.Answered.Violate(risk.Violation{Class: in.class})
	}
	if in.known {
		f.Answered.Reply = &contract.Reply{Code: in.status}
	}
	f.Answered.Marks = in.marks
	x := risk.NewExchange(f, nil)
	for _, g := range placed {
		if g.Phase == risk.ReplyBody {
			if len(x.Edits()) > 0 {
				break // the gateway reads no body that is hidden anyway
			}
			f.Response.Body = []byte(in.body)
		}
		if d := g.Guard.Check(x); d != nil {
			t.Fatalf("errors keep their status: %+v", d)
		}
	}
	out := outcome{Body: in.body}
	moved := 0
	for _, e := range x.Edits() {
		switch e.Do {
		case risk.HideBody:
			out.Hidden, out.Body = e.Code, ""
			if e.Value == "" {
				t.Error("a hidden body needs a title")
			}
		case risk.AddField:
			out.Added = append(out.Added, e.Name+": "+e.Value)
		case risk.ReplaceSpan:
			out.Body = out.Body[:e.Start+moved] + e.Value + out.Body[e.End+moved:]
			moved += len(e.Value) - (e.End - e.Start)
		default:
			t.Errorf("unexpected edit %+v", e)
		}
	}
	return out
}

const (
	ofJSON = "application/json"
	trace  = `java.lang.IllegalStateException: x\n\tat a.B.c(B.java:12)\n\tat a.D.e(D.java:7)`
)

func TestReplies(t *testing.T) {
	t.Parallel()
	keep := Params{Detail: Keep}
	same := func(s string) outcome { return outcome{Body: s} }
	for name, c := range map[string]struct {
		p    Params
		in   reply
		want outcome
	}{
		"5xx loses its body":                  {Params{}, reply{status: 500, media: ofJSON, body: `{}`, known: true}, outcome{Hidden: CodeUpstream}},
		"599 as well":                         {Params{}, reply{status: 599, body: "x"}, outcome{Hidden: CodeUpstream}},
		"5xx that is declared, kept":          {keep, reply{status: 503, media: ofJSON, body: `{"why":"later"}`, known: true}, same(`{"why":"later"}`)},
		"5xx that leaks, kept":                {keep, reply{status: 503, media: ofJSON, body: `{"why":"` + trace + `"}`, known: true}, outcome{Hidden: CodeUpstream}},
		"5xx that is not declared, kept":      {keep, reply{status: 500, media: ofJSON, body: `{}`, class: risk.UndeclaredStatus}, outcome{Hidden: CodeUpstream}},
		"5xx in another type, kept":           {keep, reply{status: 500, media: "text/html", body: `<p>`, class: risk.WrongMedia, known: true}, outcome{Hidden: CodeUpstream}},
		"a lawful 400":                        {Params{}, reply{status: 400, media: ofJSON, body: `{"why":"too long"}`}, same(`{"why":"too long"}`)},
		"a 400 with a trace":                  {Params{}, reply{status: 400, media: ofJSON, body: `{"why":"` + trace + `"}`}, outcome{Hidden: CodeLeak}},
		"a 404 in plain text":                 {Params{}, reply{status: 404, media: "text/plain", body: "404 page not found", class: risk.WrongMedia}, same("404 page not found")},
		"a 404 page of a server":              {Params{}, reply{status: 404, media: "text/html", body: "<h1>", class: risk.WrongMedia}, outcome{Hidden: CodePage}},
		"a 403 page, status unknown":          {Params{}, reply{status: 403, media: "application/xhtml+xml", body: "<h1>", class: risk.UndeclaredStatus}, outcome{Hidden: CodePage}},
		"a 404 page that is declared":         {Params{}, reply{status: 404, media: "text/html", body: "<h1>none</h1>", known: true}, same("<h1>none</h1>")},
		"a page without a type":               {Params{}, reply{status: 404, body: "\n <html>", class: risk.WrongMedia}, outcome{Hidden: CodePage}},
		"a page in UTF-16 without a type":     {Params{}, reply{status: 404, body: "\xff\xfe<\x00h\x00", class: risk.WrongMedia}, outcome{Hidden: CodePage}},
		"text without a type":                 {Params{}, reply{status: 404, body: "none", class: risk.WrongMedia}, same("none")},
		"a redirect with a trace":             {Params{}, reply{status: 302, media: "text/plain", body: "Traceback (most recent call last)"}, outcome{Hidden: CodeLeak}},
		"a challenge stays":                   {Params{}, reply{status: 401, media: ofJSON, body: `{"e":"SQLSTATE[1]"}`, fields: risk.Fields{{Name: "www-authenticate", Value: "Bearer"}, {Name: "Server", Value: "x"}}}, outcome{Hidden: CodeLeak, Added: []string{"www-authenticate: Bearer"}}},
		"methods stay":                        {Params{}, reply{status: 405, media: "text/html", class: risk.UndeclaredStatus, fields: risk.Fields{{Name: "Allow", Value: "GET"}}}, outcome{Hidden: CodePage, Added: []string{"Allow: GET"}}},
		"a success":                           {Params{}, reply{status: 200, media: ofJSON, body: `{"text":"hello"}`}, same(`{"text":"hello"}`)},
		"a ticket that quotes a trace":        {Params{}, reply{status: 200, media: ofJSON, body: `{"ticket":{"text":"` + trace + `"}}`}, same(`{"ticket":{"text":"` + trace + `"}}`)},
		"a lesson of SQL":                     {Params{}, reply{status: 200, media: ofJSON, body: `{"text":"SELECT * FROM users gives a syntax error","error":"none"}`}, same(`{"text":"SELECT * FROM users gives a syntax error","error":"none"}`)},
		"an error in a success":               {Params{}, reply{status: 200, media: ofJSON, body: `{"ok":false,"error":"` + trace + `","id":7}`}, same(`{"ok":false,"error":"[hidden]","id":7}`)},
		"an error beside a message":           {Params{}, reply{status: 200, media: ofJSON, body: `{"error":true,"message":"` + trace + `"}`}, same(`{"error":true,"message":"[hidden]"}`)},
		"an error deep down":                  {Params{}, reply{status: 207, media: "application/problem+json", body: `{"all":[{"errors":[{"x":{"text":"` + trace + `"}}]}]}`}, same(`{"all":[{"errors":[{"x":{"text":"[hidden]"}}]}]}`)},
		"a trace in lines":                    {Params{}, reply{status: 200, media: ofJSON, body: `{"Stack_Trace":["at a.B(B.java:1)","at c.D(D.java:2)","end"]}`}, same(`{"Stack_Trace":["[hidden]","[hidden]","end"]}`)},
		"one mark is not enough":              {Params{}, reply{status: 200, media: ofJSON, body: `{"error":"SQLSTATE[0] "}`}, same(`{"error":"SQLSTATE[0] "}`)},
		"two places count once":               {Params{}, reply{status: 200, media: ofJSON, body: `{"error":"/home/ and /opt/"}`}, same(`{"error":"/home/ and /opt/"}`)},
		"in a member that nobody declared":    {Params{}, reply{status: 200, media: ofJSON, body: `{"a":"` + trace + `"}`, marks: []risk.Mark{{Kind: risk.UndeclaredSilent, Start: 1, Value: 5, End: 5 + len(trace) + 2}}}, same(`{"a":"[hidden]"}`)},
		"in a member that is welcome":         {Params{}, reply{status: 200, media: ofJSON, body: `{"a":"` + trace + `"}`, marks: []risk.Mark{{Kind: risk.UndeclaredOpen, Start: 1, Value: 5, End: 5 + len(trace) + 2}}}, same(`{"a":"` + trace + `"}`)},
		"a page where JSON is declared":       {Params{}, reply{status: 200, media: "text/html", body: "<b>Warning</b>: x in <b>/var/www/a.php</b> on line <b>3</b>", class: risk.WrongMedia}, outcome{Hidden: CodeLeak}},
		"an error in a success of no type":    {Params{}, reply{status: 200, body: ` {"error":"` + trace + `"}`, class: risk.WrongMedia}, same(` {"error":"[hidden]"}`)},
		"a page of two types":                 {Params{}, reply{status: 404, media: "\x00", body: "<html>", class: risk.WrongMedia}, outcome{Hidden: CodePage}},
		"a log that is declared":              {Params{}, reply{status: 200, media: "text/plain", body: "Traceback (most recent call last)\nTypeError: x", known: true}, same("Traceback (most recent call last)\nTypeError: x")},
		"a success with a media type in bold": {Params{}, reply{status: 200, media: "image/png", body: "\x89PNG"}, same("\x89PNG")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, pass(t, c.p, c.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVeryManyStringsHideTheBody(t *testing.T) {
	t.Parallel()
	body := `{"trace":[` + strings.TrimSuffix(strings.Repeat(`"at a.B(B.java:1)",`, maxHidden+1), ",") + `]}`
	if got := pass(t, Params{}, reply{status: 200, media: ofJSON, body: body}); got.Hidden != CodeLeak {
		t.Errorf("%+v", got)
	}
}

func TestWhereGuardsStand(t *testing.T) {
	t.Parallel()
	for scope, want := range map[risk.Scope]int{risk.OfListener: 0, risk.OfAPI: 1, risk.OfOperation: 2} {
		if placed, err := newGuard(&risk.Site{Scope: scope}); err != nil || len(placed) != want {
			t.Errorf("scope %d: %v %v", scope, placed, err)
		}
	}
	if _, err := newGuard(&risk.Site{Scope: risk.OfAPI, Params: 1}); err == nil {
		t.Error("settings of another risk are taken")
	}
}

func schemaOf(names ...string) *contract.Schema {
	s := contract.NewSchema()
	for i, n := range names {
		s.Properties = append(s.Properties, contract.Property{Name: n, NameAt: source.Span{File: "a.yaml", Line: i + 1}, Schema: contract.NewSchema()})
	}
	return s
}

func TestTheLint(t *testing.T) {
	t.Parallel()
	doc := func(code int, names ...string) *contract.Contract {
		reply := &contract.Reply{Code: code, Media: []*contract.Media{{Type: ofJSON, Schema: schemaOf(names...)}}}
		return &contract.Contract{Operations: []*contract.Operation{{Replies: []*contract.Reply{reply}}, {Replies: []*contract.Reply{reply}}}}
	}
	var got []string
	note := func(d source.Diagnostic) { got = append(got, fmt.Sprintf("%d %s", d.At.Line, d.Code)) }
	lint(doc(500, "title", "stackTrace", "SQL_STATE"), note)
	lint(doc(0, "Debug"), note)
	if diff := cmp.Diff([]string{"2 errors/declared", "3 errors/declared", "1 errors/declared"}, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	lint(doc(400, "title", "traceId", "detail", "stacks"), note)
	lint(doc(200, "trace", "stack"), note)
	if got != nil {
		t.Errorf("sound replies are reported: %v", got)
	}
}

// service answers attempts of the probe.
func target(t testing.TB, answer func(a *risk.Attempt) (int, string), found *[]string) *risk.Target {
	t.Helper()
	id := []*contract.Parameter{{Name: "id", In: contract.InPath}, {Name: "limit", In: contract.InQuery}, {Name: "a b", In: contract.InQuery}}
	return &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{
			{Method: "GET", Path: "/users/{id}", Key: "GET /users/{}", Parameters: id},
			{Method: "POST", Path: "/users", Key: "POST /users", Body: &contract.Body{}},
			{Method: "DELETE", Path: "/users/{id}", Key: "DELETE /users/{}", Parameters: id},
		}},
		Callers: []string{"alice"},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			a := &risk.Attempt{As: "alice", Method: op.Method, Path: strings.ReplaceAll(op.Path, "{id}", "7")}
			if op.Body != nil {
				a.Body = []byte(`{"name":"a"}`)
			}
			return a, true
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			if a.Method == "DELETE" || a.Method == "POST" && stdjson.Valid(a.Body) {
				t.Errorf("the probe sent %s %s %s", a.Method, a.Path, a.Body)
			}
			status, body := answer(a)
			return &risk.Seen{Status: status, Body: []byte(body), Fields: risk.Fields{{Name: "Content-Type", Value: "Application/JSON; charset=utf-8"}}}, nil
		},
		Report: func(f risk.Finding) {
			if f.Confirmed {
				f.Code += "!"
			}
			*found = append(*found, f.Code+" "+f.Operation)
		},
	}
}

func TestTheProbe(t *testing.T) {
	t.Parallel()
	const leak = `{"error":"` + trace + `"}`
	for name, c := range map[string]struct {
		answer func(a *risk.Attempt) (int, string)
		want   []string
	}{
		"stumbles over a quote": {func(a *risk.Attempt) (int, string) {
			if strings.Contains(a.Path+a.Query, "%27") {
				return 500, leak
			}
			return 200, `{"name":"a"}`
		}, []string{"errors/leak! GET /users/{}"}},
		"stumbles over a word": {func(a *risk.Attempt) (int, string) {
			if strings.HasSuffix(a.Path, "none") {
				return 400, leak
			}
			return 200, `{}`
		}, []string{"errors/leak! GET /users/{}"}},
		"stumbles over a number": {func(a *risk.Attempt) (int, string) {
			if strings.Contains(a.Query, "limit=9999") {
				return 404, leak
			}
			return 200, `{}`
		}, []string{"errors/leak! GET /users/{}"}},
		"stumbles over a body": {func(a *risk.Attempt) (int, string) {
			if a.Method == "POST" {
				return 422, leak
			}
			return 200, `{}`
		}, []string{"errors/leak! POST /users"}},
		"near miss: the lawful answer says the same": {func(a *risk.Attempt) (int, string) {
			if a.Method == "POST" {
				return 400, `{}`
			}
			if a.Path == "/users/7" && a.Query == "" {
				return 200, leak
			}
			return 404, leak
		}, nil},
		"near miss: a success that quotes":  {func(a *risk.Attempt) (int, string) { return 200, `{"name":"a","note":"` + a.Path + ` SQLSTATE["}` }, nil},
		"near miss: an echo":                {func(a *risk.Attempt) (int, string) { return 400, `{"error":"bad value ` + a.Path + a.Query + `"}` }, nil},
		"near miss: a 500 that says little": {func(a *risk.Attempt) (int, string) { return 500, `{"error":"internal error"}` }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found []string
			if err := probe(t.Context(), target(t, c.answer, &found)); err != nil {
				t.Fatal(err)
			}
			slices.Sort(found)
			if diff := cmp.Diff(c.want, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestALeakThatDoesNotComeAgainIsOnlyProbable(t *testing.T) {
	t.Parallel()
	n := 0
	var found []string
	err := probe(t.Context(), target(t, func(a *risk.Attempt) (int, string) {
		if a.Path != "/users/7" && a.Method == "GET" {
			if n++; n == 1 {
				return 500, `{"error":"` + trace + `"}`
			}
		}
		return 400, `{}`
	}, &found))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"errors/leak GET /users/{}"}, found); diff != "" {
		t.Error(diff)
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation})
	if err != nil {
		t.Fatal(err)
	}
	f := &risk.Facts{Response: &risk.Response{Status: 200, Media: ofJSON, Body: []byte(`{"text":"SELECT * FROM x","n":1}`)}}
	x := risk.NewExchange(f, nil)
	leaks()
	if n := testing.AllocsPerRun(100, func() {
		x.Reset(f)
		for _, p := range placed {
			if p.Guard.Check(x) != nil {
				t.Error("refused")
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
