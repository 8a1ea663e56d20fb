package excessdata

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
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

// A message is one reply of the upstream.
type message struct {
	path   string // of the operation
	method string
	status int
	media  string // with parameters
	fields risk.Fields
	body   string
}

// An outcome is what becomes of a message.
type outcome struct {
	Code  fault.Code // of the denial
	Body  string     // as the client gets it
	Flags string
	Hides bool
}

// site is what the policy says.
type site struct {
	params Params
	silent risk.Silence
}

// pass runs the guards over the message as the gateway does.
func pass(t testing.TB, s site, m message) outcome {
	t.Helper()
	op := operation(t, m.path)
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: op, Silent: s.silent, Params: s.params})
	if err != nil {
		t.Fatal(err)
	}
	program, list := schema.CompileReply(op, schema.Options{})
	if len(list) > 0 {
		t.Fatal(list)
	}
	if m.method == "" {
		m.method = "GET"
	}
	kind, _, _ := strings.Cut(m.media, ";")
	kind = strings.ToLower(kind)
	fields := append(risk.Fields{{Name: "Content-Type", Value: m.media}}, m.fields...)
	f := &risk.Facts{
		Op: op, Request: risk.Request{Method: m.method}, Route: risk.Found,
		Response: &risk.Response{Status: m.status, Fields: fields, Media: kind, Length: int64(len(m.body))},
	}
	x := risk.NewExchange(f, nil)
	plan := program.Head(&f.Answered, &schema.ReplyView{Method: m.method, Status: m.status, Fields: fields, Media: kind, Body: m.body != ""})
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
			return outcome{Code: d.Code}
		}
	}
	out := outcome{Body: m.body, Flags: strings.Join(x.Flags(), " ")}
	var cuts []schema.Span
	for _, e := range x.Edits() {
		switch e.Do {
		case risk.CutMember:
			cuts = append(cuts, schema.Span{Start: e.Start, End: e.End})
		case risk.HideBody:
			out.Hides = true
		default:
			t.Errorf("unexpected edit %+v", e)
		}
	}
	if len(cuts) > 0 {
		out.Body = string(schema.Cut(nil, []byte(m.body), cuts))
	}
	return out
}

const json = "application/json"

func user(body string) message {
	return message{path: "/users/{id}", status: 200, media: json, body: body}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	strict, strip := site{params: Params{Strict: true}}, site{silent: risk.StripSilent}
	for name, c := range map[string]struct {
		site site
		in   message
		want outcome
	}{
		"a lawful reply passes as it is":   {site{}, user(`{"name": "a", "age": 3}`), outcome{Body: `{"name": "a", "age": 3}`}},
		"lawful and strict":                {strict, user(`{"name":"a"}`), outcome{Body: `{"name":"a"}`}},
		"a write-only member is cut":       {site{}, user(`{"pin":"1234","name":"a"}`), outcome{Body: `{"name":"a"}`}},
		"and strict does not refuse it":    {strict, user(`{"pin":"1234","name":"a"}`), outcome{Body: `{"name":"a"}`}},
		"a write-only member by escapes":   {site{}, user(`{"name":"a","p\u0069n":"1234"}`), outcome{Body: `{"name":"a"}`}},
		"a write-only member deep down":    {site{}, user(`{"name":"a","next":{"name":"b","next":{"name":"c","pin":"1"}}}`), outcome{Body: `{"name":"a","next":{"name":"b","next":{"name":"c"}}}`}},
		"a closed schema's stranger":       {site{}, user(`{"name":"a","role":"admin","age":1}`), outcome{Body: `{"name":"a","age":1}`, Flags: flagBroken}},
		"a name in another case":           {site{}, user(`{"name":"a","PIN":"1234"}`), outcome{Body: `{"name":"a"}`, Flags: flagBroken}},
		"strangers and strict":             {strict, user(`{"name":"a","role":"admin"}`), outcome{Code: CodeContract}},
		"an open object keeps all":         {strip, user(`{"name":"a","tags":{"x":"1"}}`), outcome{Body: `{"name":"a","tags":{"x":"1"}}`}},
		"a silent object keeps all":        {site{}, user(`{"name":"a","card":{"last4":"1","bank":"x"}}`), outcome{Body: `{"name":"a","card":{"last4":"1","bank":"x"}}`}},
		"silent and strip":                 {strip, user(`{"name":"a","card":{"last4":"1","bank":"x"}}`), outcome{Body: `{"name":"a","card":{"last4":"1"}}`, Flags: flagBroken}},
		"silent and refuse":                {site{silent: risk.RefuseSilent}, user(`{"name":"a","card":{"bank":"x"}}`), outcome{Body: `{"name":"a","card":{}}`, Flags: flagBroken}},
		"a silent credential":              {site{}, user(`{"name":"a","card":{"password_hash":"x","last4":"1"}}`), outcome{Body: `{"name":"a","card":{"last4":"1"}}`, Flags: flagBroken}},
		"a silent token, a near miss":      {site{}, user(`{"name":"a","card":{"token":"x"}}`), outcome{Body: `{"name":"a","card":{"token":"x"}}`}},
		"a wrong value is somebody else's": {site{}, user(`{"name":7}`), outcome{Body: `{"name":7}`}},
		"a wrong value and strict":         {strict, user(`{"name":7}`), outcome{Body: `{"name":7}`}},
		"a name that is missing":           {site{}, user(`{}`), outcome{Body: `{}`}},
		"cut off":                          {site{}, user(`{"name":"a"`), outcome{Code: CodeUncuttable}},
		"two values":                       {site{}, user(`{"name":"a"}{"pin":"1"}`), outcome{Code: CodeUncuttable}},
		"a name twice":                     {site{}, user(`{"name":"a","pin":"1","pin":"2"}`), outcome{Code: CodeUncuttable}},
		"a name twice by escapes":          {site{}, user(`{"name":"a","pin":"1","\u0070in":"2"}`), outcome{Code: CodeUncuttable}},
		"UTF-16":                           {site{}, message{path: "/users/{id}", status: 200, media: "application/json; charset=utf-16", body: "{\x00}\x00"}, outcome{Code: CodeUncuttable}},
		"a mark in front":                  {site{}, user("\ufeff{}"), outcome{Code: CodeUncuttable}},
		"a page that says it is JSON":      {site{}, user(`<b>Warning</b>: x`), outcome{Code: CodeUncuttable}},
		"no body":                          {strict, user(``), outcome{}},
		"write-only in lines":              {site{}, message{path: "/users/{id}", status: 200, media: "application/x-ndjson", body: "{\"name\":\"a\",\"pin\":\"1\"}\n{\"pin\":\"2\",\"name\":\"b\"}\n"}, outcome{Body: "{\"name\":\"a\"}\n{\"name\":\"b\"}\n"}},
		"write-only in XML":                {site{}, message{path: "/users/{id}", status: 200, media: "application/xml", body: "<User><name>a</name><pin>1</pin></User>"}, outcome{Code: CodeUncuttable}},
		"XML in another format":            {site{}, message{path: "/users/{id}", status: 200, media: "text/xml", body: "<User><pin>1</pin></User>"}, outcome{Code: CodeMedia}},
		"a type that nobody declared":      {site{}, message{path: "/users/{id}", status: 200, media: "text/csv", body: "a,1"}, outcome{Code: CodeMedia}},
		"the same where nothing hides":     {site{}, message{path: "/notes", status: 200, media: "text/csv", body: "a,1"}, outcome{Body: "a,1"}},
		"the same, strip":                  {strip, message{path: "/notes", status: 200, media: "text/csv", body: "a,1"}, outcome{Code: CodeMedia}},
		"the same, strict":                 {strict, message{path: "/notes", status: 200, media: "text/csv", body: "a,1"}, outcome{Body: "a,1"}},
		"no type at all":                   {site{}, message{path: "/users/{id}", status: 200, body: `{"pin":"1"}`}, outcome{Code: CodeMedia}},
		"a type in capitals":               {site{}, message{path: "/users/{id}", status: 200, media: "Application/JSON; Charset=UTF-8", body: `{"name":"a","pin":"1"}`}, outcome{Body: `{"name":"a"}`}},
		"a body that nobody declared":      {site{}, message{path: "/ping", status: 200, media: "text/plain", body: "pong"}, outcome{Body: "pong"}},
		"the same with strip":              {strip, message{path: "/ping", status: 200, media: "text/plain", body: "pong"}, outcome{Body: "pong"}},
		"another success":                  {site{}, message{path: "/users/{id}", status: 203, media: json, body: `{"a":[{"pin":"1","name":"n"}]}`}, outcome{Body: `{"a":[{"name":"n"}]}`, Flags: flagStatus}},
		"another success, by escapes":      {site{}, message{path: "/users/{id}", status: 203, media: json, body: `{"p\u0069n":"1","name":"n","hashed_password":"x"}`}, outcome{Body: `{"name":"n"}`, Flags: flagStatus}},
		"another success in XML":           {site{}, message{path: "/users/{id}", status: 203, media: "application/xml", body: `<pin>1</pin>`}, outcome{Code: CodeStatus}},
		"another success, cut off":         {site{}, message{path: "/users/{id}", status: 203, media: json, body: `{"pin":"1"`}, outcome{Code: CodeStatus}},
		"another success, a name twice":    {site{}, message{path: "/users/{id}", status: 203, media: json, body: `{"x":1,"x":{"pin":"1"}}`}, outcome{Code: CodeStatus}},
		"another success, strip":           {strip, message{path: "/users/{id}", status: 203, media: json, body: `{"x":1}`}, outcome{Code: CodeStatus}},
		"a redirect with a body":           {site{}, message{path: "/users/{id}", status: 303, media: json, body: `{"pin":"1","name":"n"}`}, outcome{Body: `{"name":"n"}`, Flags: flagStatus}},
		"another JSON where all is closed": {site{}, message{path: "/users/{id}", status: 200, media: "application/hal+json", body: `{"name":"a"}`}, outcome{Code: CodeMedia}},
		"another JSON where all is open":   {site{}, message{path: "/notes", status: 200, media: "application/hal+json", body: `{"text":"a","password_hash":"x"}`}, outcome{Body: `{"text":"a"}`}},
		"a refusal speaks of inputs":       {site{}, message{path: "/users/{id}", status: 422, media: json, body: `{"errors":{"pin":"too short","password":["weak"]}}`}, outcome{Body: `{"errors":{"pin":"too short","password":["weak"]}}`, Flags: flagStatus}},
		"a declared refusal as well":       {site{}, message{path: "/users/{id}", status: 404, media: json, body: `{"why":"x","password":"too short"}`}, outcome{Body: `{"why":"x","password":"too short"}`}},
		"another empty success":            {site{}, message{path: "/users/{id}", status: 204}, outcome{Flags: flagStatus}},
		"another success of nothing":       {site{}, message{path: "/notes", status: 203, media: json, body: `{}`}, outcome{Body: `{}`, Flags: flagStatus}},
		"another success, strict":          {strict, message{path: "/notes", status: 203, media: json, body: `{}`}, outcome{Code: CodeStatus}},
		"a way elsewhere":                  {site{}, message{path: "/users/{id}", status: 302}, outcome{Flags: flagStatus}},
		"a way elsewhere, strict":          {strict, message{path: "/users/{id}", status: 302}, outcome{Code: CodeStatus}},
		"a refusal keeps its status":       {strict, message{path: "/users/{id}", status: 403, media: json, body: `{}`}, outcome{Body: `{}`, Flags: flagStatus}},
		"a refusal is stripped":            {strict, message{path: "/users/{id}", status: 404, media: json, body: `{"why":"x","secret":"y"}`}, outcome{Body: `{"why":"x"}`}},
		"a refusal that is no JSON":        {site{}, message{path: "/users/{id}", status: 404, media: json, body: `Not found`}, outcome{Body: `Not found`, Hides: true}},
		"an answer to HEAD has no body":    {site{}, message{path: "/users/{id}", method: "HEAD", status: 200, media: json, body: `{"pin":"1"}`}, outcome{Body: `{"pin":"1"}`}},
		"text in another encoding":         {site{}, message{path: "/notes", status: 200, media: "text/plain; charset=iso-8859-1", body: "caf\xe9"}, outcome{Body: "caf\xe9"}},
		"a stream of users":                {site{}, message{path: "/events", status: 200, media: "text/event-stream", body: "data: {}"}, outcome{Code: CodeUncuttable}},
		"a format that nobody reads":       {site{}, message{path: "/events", status: 200, media: "application/vnd.users", body: "pin=1"}, outcome{Code: CodeUncuttable}},
		"a binary":                         {site{params: Params{Strict: true}}, message{path: "/events", status: 200, media: "application/octet-stream", body: "\x00\x01"}, outcome{Body: "\x00\x01"}},
		"a wrong field":                    {site{}, message{path: "/users/{id}", status: 200, media: json, body: `{"name":"a"}`, fields: risk.Fields{{Name: "x-total", Value: "many"}}}, outcome{Body: `{"name":"a"}`}},
		"a wrong field, strict":            {strict, message{path: "/users/{id}", status: 200, media: json, body: `{"name":"a"}`, fields: risk.Fields{{Name: "x-total", Value: "many"}}}, outcome{Body: `{"name":"a"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, pass(t, c.site, c.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLongListsAreStrippedToTheEnd(t *testing.T) {
	t.Parallel()
	var in, want []string
	for i := range 300 {
		in = append(in, fmt.Sprintf(`{"name":"n%d","role":"admin","pin":"%d","card":{"last4":"1","x":2}}`, i, i))
		want = append(want, fmt.Sprintf(`{"name":"n%d","card":{"last4":"1"}}`, i))
	}
	got := pass(t, site{silent: risk.StripSilent}, message{path: "/users", status: 200, media: json, body: "[" + strings.Join(in, ",") + "]"})
	if diff := cmp.Diff(outcome{Body: "[" + strings.Join(want, ",") + "]", Flags: flagBroken}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMoreThanCanBeCutIsRefused(t *testing.T) {
	t.Parallel()
	body := "[" + strings.TrimSuffix(strings.Repeat(`{"name":"n","pin":"1"},`, risk.MaxMarks+1), ",") + "]"
	if got := pass(t, site{}, message{path: "/users", status: 200, media: json, body: body}); got.Code != CodeUncuttable {
		t.Errorf("%v", got.Code)
	}
	// Where nothing would be cut, nothing has to be counted.
	var b strings.Builder
	for i := range risk.MaxMarks + 1 {
		fmt.Fprintf(&b, `"m%d":1,`, i)
	}
	body = `{` + b.String() + `"text":"x"}`
	if got := pass(t, site{}, message{path: "/notes", status: 200, media: json, body: body}); got.Code != "" || got.Body != body || got.Flags != flagMarks {
		t.Errorf("%v %q", got.Code, got.Flags)
	}
	if got := pass(t, site{silent: risk.StripSilent}, message{path: "/notes", status: 200, media: json, body: body}); got.Code != CodeUncuttable {
		t.Errorf("with strip: %v", got.Code)
	}
}

func TestManyWrongValuesDoNotRefuseALongList(t *testing.T) {
	t.Parallel()
	body := "[" + strings.TrimSuffix(strings.Repeat(`{"name":7},`, 500), ",") + "]"
	if got := pass(t, site{}, message{path: "/users", status: 200, media: json, body: body}); got.Code != "" || got.Body != body || got.Flags != flagBroken {
		t.Errorf("%v %q", got.Code, got.Flags)
	}
}

func TestCredentialNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"password": true, "passwordHash": true, "PASSWORD_HASH": true, "hashed-password": true, "private_key": true, "pwd": true,
		"": false, "passwords": false, "password_reset_at": false, "has_password": false, "token": false, "key": false, strings.Repeat("p", 40): false, "passwor\u212a": false,
	} {
		if got := credential(name); got != want {
			t.Errorf("credential(%q) = %t", name, got)
		}
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
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: operation(t, "/notes"), Params: Params{}})
	if err != nil {
		t.Fatal(err)
	}
	f := &risk.Facts{Request: risk.Request{Method: "GET"}, Response: &risk.Response{Status: 200, Media: json, Body: []byte(`{"text":"x","more":1}`)}}
	f.Answered.Marks = []risk.Mark{{Kind: risk.UndeclaredSilent, Start: 12, End: 20, Pointer: "/more"}}
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
