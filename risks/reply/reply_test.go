package reply

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func load(t testing.TB, file string) *contract.Contract {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, list := openapi.Parse(context.Background(), file, text, openapi.Options{})
	if list.Err() != nil {
		t.Fatal(list)
	}
	return c
}

func operation(t testing.TB, path string) *contract.Operation {
	t.Helper()
	for _, op := range load(t, "testdata/users.yaml").Operations {
		if op.Path == path {
			return op
		}
	}
	t.Fatalf("no operation %s", path)
	return nil
}

// A message is one reply of the upstream to a read of a user.
type message struct {
	status int
	media  string // with parameters
	body   string
	fields risk.Fields
	head   bool // it answers HEAD
}

// pass runs the guards over the message as the gateway does, and says what
// becomes of it: the code of the denial, else the flags, "hidden" among them.
func pass(t testing.TB, p Params, path string, m message) string {
	t.Helper()
	op := operation(t, path)
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: op, Params: p})
	if err != nil {
		t.Fatal(err)
	}
	program, list := schema.CompileReply(op, schema.Options{})
	if len(list) > 0 {
		t.Fatal(list)
	}
	method := "GET"
	if m.head {
		method = "HEAD"
	}
	kind, _, _ := strings.Cut(strings.ToLower(m.media), ";")
	fields := append(risk.Fields{{Name: "Content-Type", Value: m.media}}, m.fields...)
	f := &risk.Facts{
		Op: op, Request: risk.Request{Method: method}, Route: risk.Found,
		Response: &risk.Response{Status: m.status, Fields: fields, Media: kind, Length: int64(len(m.body))},
	}
	x := risk.NewExchange(f, nil)
	plan := program.Head(&f.Answered, &schema.ReplyView{Method: method, Status: m.status, Fields: fields, Media: kind, Body: m.body != ""})
	for _, p := range placed {
		if p.Phase == risk.ReplyBody {
			if plan == schema.Stream {
				break
			}
			f.Response.Body = []byte(m.body)
			program.Body(&f.Answered, &schema.Body{Bytes: f.Response.Body, Type: m.media})
		}
		if d := p.Guard.Check(x); d != nil {
			if d.Status != 502 || d.Show != risk.ShowNothing || d.Title != title {
				t.Errorf("a client would see %+v", d)
			}
			return string(d.Code)
		}
	}
	out := append([]string{}, x.Flags()...)
	for _, e := range x.Edits() {
		if e.Do != risk.HideBody || e.Code != CodeSyntax {
			t.Errorf("unexpected edit %+v", e)
		}
		out = append(out, "hidden")
	}
	return strings.Join(out, " ")
}

func TestReplies(t *testing.T) {
	t.Parallel()
	const json = "application/json"
	for name, c := range map[string]struct {
		path            string
		in              message
		loose, strictly string
	}{
		"a lawful reply":                {"/users/{id}", message{200, json, `{"name": "a", "age": 3}`, nil, false}, "", ""},
		"a wrong value":                 {"/users/{id}", message{200, json, `{"name":7}`, nil, false}, flagBroken, string(CodeContract)},
		"a name that is missing":        {"/users/{id}", message{200, json, `{}`, nil, false}, flagBroken, string(CodeContract)},
		"cut off":                       {"/users/{id}", message{200, json, `{"name":"a"`, nil, false}, string(CodeSyntax), string(CodeSyntax)},
		"two values":                    {"/users/{id}", message{200, json, `{"name":"a"}{"pin":"1"}`, nil, false}, string(CodeSyntax), string(CodeSyntax)},
		"a name twice by escapes":       {"/users/{id}", message{200, json, `{"name":"a","pin":"1","\u0070in":"2"}`, nil, false}, string(CodeSyntax), string(CodeSyntax)},
		"UTF-16":                        {"/users/{id}", message{200, "application/json; charset=utf-16", "{\x00}\x00", nil, false}, string(CodeSyntax), string(CodeSyntax)},
		"a mark in front":               {"/users/{id}", message{200, json, "\ufeff{}", nil, false}, string(CodeSyntax), string(CodeSyntax)},
		"a page that says it is JSON":   {"/users/{id}", message{200, json, `<b>Warning</b>: x`, nil, false}, string(CodeSyntax), string(CodeSyntax)},
		"no body":                       {"/users/{id}", message{200, json, ``, nil, false}, "", ""},
		"a type that nobody declared":   {"/notes", message{200, "text/csv", "a,1", nil, false}, flagMedia, string(CodeMedia)},
		"a body that nobody declared":   {"/ping", message{200, "text/plain", "pong", nil, false}, flagMedia, string(CodeMedia)},
		"another success is another's":  {"/users/{id}", message{203, json, `{"pin":"1"}`, nil, false}, "", ""},
		"a refusal that is no JSON":     {"/users/{id}", message{404, json, `Not found`, nil, false}, flagBroken + " hidden", flagBroken + " hidden"},
		"a refusal with a wrong value":  {"/users/{id}", message{404, json, `{"why":7}`, nil, false}, flagBroken, flagBroken},
		"an answer to HEAD has no body": {"/users/{id}", message{200, json, `{"pin":`, nil, true}, "", ""},
		"text in another encoding":      {"/notes", message{200, "text/plain; charset=iso-8859-1", "caf\xe9", nil, false}, flagBroken, string(CodeContract)},
		"a binary":                      {"/events", message{200, "application/octet-stream", "\x00\x01", nil, false}, "", ""},
		"a wrong field":                 {"/users/{id}", message{200, json, `{"name":"a"}`, risk.Fields{{Name: "x-total", Value: "many"}}, false}, flagBroken, string(CodeContract)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{c.loose, c.strictly}, []string{pass(t, Params{}, c.path, c.in), pass(t, Params{Strict: true}, c.path, c.in)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnlyOperationsHaveGuards(t *testing.T) {
	t.Parallel()
	for _, scope := range []risk.Scope{risk.OfListener, risk.OfAPI} {
		if placed, err := newGuard(&risk.Site{Scope: scope}); err != nil || placed != nil {
			t.Errorf("scope %d: %v %v", scope, placed, err)
		}
	}
	if _, err := newGuard(&risk.Site{Scope: risk.OfOperation, Params: 1}); err == nil {
		t.Error("settings of another risk are taken")
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Params: Params{Strict: true}})
	if err != nil {
		t.Fatal(err)
	}
	f := &risk.Facts{Request: risk.Request{Method: "GET"}, Response: &risk.Response{Status: 200, Body: []byte(`{}`)}}
	x := risk.NewExchange(f, nil)
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

func TestTheProbeReadsStrictly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seen risk.Seen
		want int
	}{
		"JSON":                    {risk.Seen{Status: 200, Body: []byte(` {"a":1} `)}, 0},
		"a name twice":            {risk.Seen{Status: 200, Body: []byte(`{"a":1,"a":2}`)}, 1},
		"something behind":        {risk.Seen{Status: 201, Body: []byte(`{} {}`)}, 1},
		"an empty success":        {risk.Seen{Status: 200}, 0},
		"an error page":           {risk.Seen{Status: 502, Body: []byte(`<html>`)}, 0},
		"a way to the log-in":     {risk.Seen{Status: 302, Body: []byte(`moved`)}, 0},
		"a page that says it too": {risk.Seen{Status: 200, Body: []byte(`<html>`), Fields: risk.Fields{{Name: "Content-Type", Value: "text/html"}}}, 0},
	} {
		if c.seen.Fields == nil {
			c.seen.Fields = risk.Fields{{Name: "content-type", Value: "Application/Problem+JSON; charset=utf-8"}}
		}
		found := 0
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{{Method: "GET"}, {Method: "POST"}}}, Callers: []string{"alice", "bob"},
			Lawful: func(*contract.Operation) (*risk.Attempt, bool) { return &risk.Attempt{As: "alice"}, true },
			Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
				if a.As == "bob" {
					return &c.seen, nil
				}
				return &risk.Seen{Status: 200, Body: []byte(`{}`), Fields: c.seen.Fields}, nil
			},
			Report: func(risk.Finding) { found++ },
		})
		if err != nil || found != c.want {
			t.Errorf("%s: %v, %d found", name, err, found)
		}
	}
}

func TestTheLint(t *testing.T) {
	t.Parallel()
	n := 0
	lint(load(t, "testdata/weak.yaml"), func(d source.Diagnostic) {
		if n++; d.Code != CodeNoSchema || d.Hint == "" || d.Severity == source.Error {
			t.Errorf("%v", d)
		}
	})
	if n != 2 {
		t.Errorf("%d diagnostics", n)
	}
	lint(load(t, "testdata/sound.yaml"), func(d source.Diagnostic) { t.Errorf("a sound document is reported: %v", d) })
}
