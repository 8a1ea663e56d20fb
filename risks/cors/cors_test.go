package cors

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

const app = "https://app.example.com"

func api() *risk.API {
	return &risk.API{Name: "orders", KeyHeader: "X-Api-Key", Contract: &contract.Contract{
		Schemes: []*contract.Scheme{
			{Kind: contract.OAuth2}, {Kind: contract.HTTPAuth}, {Kind: contract.APIKey, In: contract.InHeader, Field: "x-api-key"}, {Kind: contract.APIKey, In: contract.InQuery, Field: "key"},
		},
		Operations: []*contract.Operation{{Method: "GET", Path: "/orders", Key: "GET /orders", Parameters: []*contract.Parameter{
			{Name: "X-Tenant", In: contract.InHeader}, {Name: "limit", In: contract.InQuery}, {Name: "Bad\r\nName: x", In: contract.InHeader},
		}}},
	}}
}

func guards(t testing.TB, scope risk.Scope, p Params) map[risk.Phase]risk.Guard {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: scope, API: api(), Params: p})
	if err != nil {
		t.Fatal(err)
	}
	out := map[risk.Phase]risk.Guard{}
	for _, g := range placed {
		out[g.Phase] = g.Guard
	}
	return out
}

func ask(method string, route risk.Route, fields ...string) *risk.Facts {
	f := &risk.Facts{Route: route, Allowed: "GET, POST", Request: risk.Request{Method: method}}
	for i := 0; i < len(fields); i += 2 {
		f.Request.Fields = append(f.Request.Fields, risk.Field{Name: fields[i], Value: fields[i+1]})
	}
	return f
}

func TestPreflights(t *testing.T) {
	t.Parallel()
	const denied, answered, passed = "denied", "answered", "passed"
	listed := Params{Origins: []string{app, "http://localhost:3000"}}
	method := []string{"Access-Control-Request-Method", "GET"}
	for name, c := range map[string]struct {
		p      Params
		method string
		route  risk.Route
		fields []string
		want   string
	}{
		"closed by default":                 {Params{}, "OPTIONS", risk.NoMethod, append([]string{"Origin", app}, method...), denied},
		"a listed origin":                   {listed, "OPTIONS", risk.NoMethod, append([]string{"origin", app}, method...), answered},
		"a listed origin with a port":       {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", "http://localhost:3000"}, method...), answered},
		"another port":                      {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", "http://localhost:3001"}, method...), denied},
		"the origin in capitals":            {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", strings.ToUpper(app)}, method...), denied},
		"the origin with the default port":  {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", app + ":443"}, method...), denied},
		"the origin over http":              {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", "http://app.example.com"}, method...), denied},
		"the origin as a prefix":            {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", app + ".evil.example"}, method...), denied},
		"the origin as a suffix":            {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", "https://evilapp.example.com"}, method...), denied},
		"the origin with a slash":           {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", app + "/"}, method...), denied},
		"the origin with another behind it": {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", app + ", https://evil.example"}, method...), denied},
		"a dot for a letter":                {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", "https://appxexample.com"}, method...), denied},
		"two origins":                       {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", app, "Origin", app}, method...), denied},
		"null":                              {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", "null"}, method...), denied},
		"an empty origin":                   {listed, "OPTIONS", risk.NoMethod, append([]string{"Origin", ""}, method...), denied},
		"any origin":                        {Params{Origins: []string{"*"}}, "OPTIONS", risk.NoMethod, append([]string{"Origin", "https://else.example"}, method...), answered},
		"OPTIONS without an origin":         {Params{}, "OPTIONS", risk.NoMethod, method, passed},
		"OPTIONS that asks for no method":   {Params{}, "OPTIONS", risk.NoMethod, []string{"Origin", app}, passed},
		"a path that is not there":          {listed, "OPTIONS", risk.NoPath, append([]string{"Origin", app}, method...), passed},
		"another method":                    {Params{}, "TRACE", risk.NoMethod, append([]string{"Origin", app}, method...), passed},
		"a method in small letters":         {Params{}, "options", risk.NoMethod, append([]string{"Origin", app}, method...), passed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := guards(t, risk.OfAPI, c.p)[risk.Identify].(risk.Answerer)
			x := risk.NewExchange(ask(c.method, c.route, c.fields...), nil)
			got := passed
			d := g.Check(x)
			if d != nil {
				got = denied
				if d.Code != CodeOrigin || d.Status != 403 {
					t.Errorf("denied with %+v", d)
				}
			}
			a := g.Answer(x)
			if a != nil {
				if d != nil {
					t.Error("denied and answered")
				}
				got = answered
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestAPreflightIsAnsweredWithWhatTheContractDeclares(t *testing.T) {
	t.Parallel()
	g := guards(t, risk.OfAPI, Params{Origins: []string{app}, Credentials: true, MaxAge: time.Hour})[risk.Identify].(risk.Answerer)
	x := risk.NewExchange(ask("OPTIONS", risk.NoMethod, "Origin", app, "Access-Control-Request-Method", "DELETE"), nil)
	for range 2 { // an answer must not change the next
		a := g.Answer(x)
		want := &risk.Answer{Status: 204, Reason: "preflight", Fields: []risk.Field{
			{Name: "Access-Control-Allow-Origin", Value: app},
			{Name: "Access-Control-Allow-Methods", Value: "GET, POST"},
			{Name: "Access-Control-Allow-Headers", Value: "Content-Type, X-Api-Key, Authorization, X-Tenant"},
			{Name: "Access-Control-Max-Age", Value: "3600"},
			{Name: "Vary", Value: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
			{Name: "Access-Control-Allow-Credentials", Value: "true"},
		}}
		if diff := cmp.Diff(want, a); diff != "" {
			t.Fatal(diff)
		}
	}
}

// weak is the head of an upstream that lets everybody in.
func weak() risk.Fields {
	return risk.Fields{
		{Name: "Access-Control-Allow-Origin", Value: "https://evil.example"}, {Name: "access-control-allow-credentials", Value: "true"},
		{Name: "Access-Control-Allow-Private-Network", Value: "true"}, {Name: "Timing-Allow-Origin", Value: "*"}, {Name: "Content-Type", Value: "text/plain"},
	}
}

// after is the head of the reply as the gateway leaves it.
func after(t testing.TB, p Params, f *risk.Facts) []string {
	t.Helper()
	g := guards(t, risk.OfOperation, p)[risk.Reply]
	x := risk.NewExchange(f, nil)
	if d := g.Check(x); d != nil {
		t.Fatalf("the browser decides about replies: %+v", d)
	}
	head := slices.Clone(f.Response.Fields)
	for stage := risk.DecryptIDs; stage <= risk.EncryptIDs; stage++ {
		for _, e := range x.Edits() {
			if e.Stage != stage {
				continue
			}
			if e.Do == risk.RemoveField || e.Do == risk.SetField {
				head = slices.DeleteFunc(head, func(f risk.Field) bool { return risk.EqualFold(f.Name, e.Name) })
			}
			if e.Do == risk.AddField || e.Do == risk.SetField {
				head = append(head, risk.Field{Name: e.Name, Value: e.Value})
			}
		}
	}
	var out []string
	for _, f := range head {
		if f.Name != "Content-Type" {
			out = append(out, f.Name+": "+f.Value)
		}
	}
	return out
}

func TestReplies(t *testing.T) {
	t.Parallel()
	listed := Params{Origins: []string{app}}
	for name, c := range map[string]struct {
		p      Params
		fields []string
		reply  risk.Fields
		want   []string
	}{
		"closed by default":        {Params{}, []string{"Origin", "https://evil.example"}, weak(), nil},
		"a listed origin":          {listed, []string{"Origin", app}, weak(), []string{"Vary: Origin", "Access-Control-Allow-Origin: " + app}},
		"another origin":           {listed, []string{"Origin", "https://evil.example"}, weak(), []string{"Vary: Origin"}},
		"null":                     {listed, []string{"Origin", "null"}, weak(), []string{"Vary: Origin"}},
		"two origins":              {listed, []string{"Origin", app, "ORIGIN", "https://evil.example"}, weak(), []string{"Vary: Origin"}},
		"no origin, for the cache": {listed, nil, nil, []string{"Vary: Origin"}},
		"Vary says it already":     {listed, nil, risk.Fields{{Name: "vary", Value: "Accept,  origin"}}, []string{"vary: Accept,  origin"}},
		"Vary says something near": {listed, nil, risk.Fields{{Name: "Vary", Value: "X-Origin"}}, []string{"Vary: X-Origin", "Vary: Origin"}},
		"any origin":               {Params{Origins: []string{"*"}}, []string{"Origin", "https://else.example"}, weak(), []string{"Access-Control-Allow-Origin: *"}},
		"credentials and fields": {
			Params{Origins: []string{app}, Credentials: true, Expose: []string{"ETag", "Link"}}, []string{"Origin", app}, weak(),
			[]string{"Vary: Origin", "Access-Control-Allow-Origin: " + app, "Access-Control-Allow-Credentials: true", "Access-Control-Expose-Headers: ETag, Link"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := ask("GET", risk.Found, c.fields...)
			f.Response = &risk.Response{Status: 200, Fields: c.reply}
			if diff := cmp.Diff(c.want, after(t, c.p, f)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOriginsAreWrittenAsBrowsersWriteThem(t *testing.T) {
	t.Parallel()
	for _, good := range []string{app, "http://localhost:3000", "https://xn--bcher-kva.example", "https://[::1]:8443", "https://[2001:db8::1]", "http://10.0.0.1", "https://a:1"} {
		if err := checkOrigin(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "null", "app.example.com", "https://", "https://:1", "HTTPS://app.example.com", "https://App.example.com", app + "/", app + "/x", app + ":443", "http://a:80", app + ":0", app + ":70000",
		app + ":08443", app + ":+1", app + ":", "https://*.example.com", "https://bücher.example", "https://user@app.example.com", "https://a b", "ftp://a", "file://", "https://[::1", "https://[0:0:0:0:0:0:0:1]",
		"https://[::ffff:1%eth0]", "https://[1.2.3.4]", app + "?x", app + "#x", app + ", https://b.example", "https://a\r\nSet-Cookie: x",
	} {
		if err := checkOrigin(bad); err == nil {
			t.Errorf("%q is taken for an origin", bad)
		}
	}
}

func TestUnsafeSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]any{
		"any origin with credentials": Params{Origins: []string{"*"}, Credentials: true}, "any origin beside others": Params{Origins: []string{"*", app}},
		"null": Params{Origins: []string{"null"}}, "credentials for nobody": Params{Credentials: true}, "a time for nobody": Params{MaxAge: time.Hour}, "fields for nobody": Params{Expose: []string{"ETag"}},
		"two days": Params{Origins: []string{app}, MaxAge: 48 * time.Hour}, "a negative time": Params{Origins: []string{app}, MaxAge: -1},
		"all fields": Params{Origins: []string{app}, Expose: []string{"*"}}, "no field": Params{Origins: []string{app}, Expose: []string{"a b"}}, "settings of another risk": 7,
	} {
		if _, err := newGuard(&risk.Site{Scope: risk.OfAPI, API: api(), Params: p}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWebSocketsOfOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Method: "GET", Replies: []*contract.Reply{{Code: 101}}}
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, API: api(), Op: op, Params: Params{Origins: []string{app}}})
	if err != nil || len(placed) != 2 || placed[1].Phase != risk.Identify {
		t.Fatalf("%v %v", placed, err)
	}
	const upgrade = "Upgrade"
	for name, c := range map[string]struct {
		fields []string
		pass   bool
	}{
		"a program":                   {[]string{upgrade, "websocket"}, true},
		"a listed origin":             {[]string{upgrade, "websocket", "Origin", app}, true},
		"the API's own page":          {[]string{upgrade, "websocket", "Origin", "https://api.example.com"}, true},
		"its own page, with the port": {[]string{upgrade, "websocket", "Origin", "https://api.example.com:443"}, true},
		"its own page, in the clear":  {[]string{upgrade, "websocket", "Origin", "http://api.example.com"}, false},
		"another port":                {[]string{upgrade, "websocket", "Origin", "https://api.example.com:8443"}, false},
		"another origin":              {[]string{"upgrade", "WebSocket", "origin", "https://evil.example"}, false},
		"its name as a prefix":        {[]string{upgrade, "websocket", "Origin", "https://api.example.com.evil.example"}, false},
		"null":                        {[]string{upgrade, "websocket", "Origin", "null"}, false},
		"nothing":                     {[]string{upgrade, "websocket", "Origin", ""}, false},
		"two origins":                 {[]string{upgrade, "websocket", "Origin", "https://api.example.com", "Origin", app}, false},
		"no upgrade":                  {[]string{"Origin", "https://evil.example"}, true},
	} {
		f := ask("GET", risk.Found, c.fields...)
		f.Request.Host, f.Conn.Secure = "api.example.com", true
		if d := placed[1].Guard.Check(risk.NewExchange(f, nil)); (d == nil) != c.pass {
			t.Errorf("%s: %v", name, d)
		}
	}
}

func TestGuardsStandWhereTheyHaveSomethingToDo(t *testing.T) {
	t.Parallel()
	if n := len(guards(t, risk.OfListener, Params{})); n != 0 {
		t.Errorf("%d guards at the listener", n)
	}
	if g := guards(t, risk.OfOperation, Params{}); len(g) != 1 || g[risk.Reply] == nil {
		t.Errorf("an operation has %v", g)
	}
	if g := guards(t, risk.OfAPI, Params{}); len(g) != 2 || g[risk.Reply] == nil || g[risk.Identify] == nil {
		t.Errorf("an API has %v", g)
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	g := guards(t, risk.OfAPI, Params{Origins: []string{app}, Credentials: true})
	f := ask("GET", risk.Found, "Accept", "*/*", "Origin", app)
	f.Response = &risk.Response{Status: 200, Fields: risk.Fields{{Name: "Content-Type", Value: "a/b"}, {Name: "Vary", Value: "Accept"}}}
	x := risk.NewExchange(f, make([]risk.Edit, 0, 8))
	if n := testing.AllocsPerRun(100, func() {
		x.Reset(f)
		g[risk.Identify].Check(x)
		g[risk.Identify].(risk.Answerer).Answer(x)
		g[risk.Reply].Check(x)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func header(name, value string, line int) *contract.Parameter {
	s := contract.NewSchema()
	s.Enum = []source.Value{{Kind: source.String, Text: value}}
	return &contract.Parameter{Name: name, Schema: s, At: source.Span{File: "a.yaml", Line: line}}
}

func TestTheLintSeesCredentialsOpenToAll(t *testing.T) {
	t.Parallel()
	any, creds := header("access-control-allow-origin", "*", 9), header("Access-Control-Allow-Credentials", "true", 10)
	key := []contract.Requirement{{Parts: []contract.Required{{Scheme: &contract.Scheme{}}}}}
	op := func(secured bool, headers ...*contract.Parameter) *contract.Contract {
		o := &contract.Operation{Replies: []*contract.Reply{{Code: 200, Headers: headers}}, Secured: secured}
		if secured {
			o.Security = key
		}
		return &contract.Contract{Operations: []*contract.Operation{o, o}}
	}
	for name, c := range map[string]struct {
		doc  *contract.Contract
		want int
	}{
		"all origins with credentials": {op(false, any, creds), 1}, "all origins where a key is needed": {op(true, any), 1},
		"all origins of a public operation": {op(false, any), 0}, "one origin": {op(true, header("Access-Control-Allow-Origin", app, 1), creds), 0},
	} {
		n := 0
		lint(c.doc, func(d source.Diagnostic) {
			n++
			if d.At.Line != 9 || d.Code != CodeAnyOrigin || d.Hint == "" {
				t.Errorf("%s: %+v", name, d)
			}
		})
		if n != c.want {
			t.Errorf("%s: %d diagnostics, want %d", name, n, c.want)
		}
	}
}

// target is an API whose CORS fields the function makes of the origin.
func target(cors func(origin, method string) (allow, credentials string), found *[]string) *risk.Target {
	c := api().Contract
	c.Servers = []contract.Server{{URL: "https://api.example.com/v1"}}
	return &risk.Target{
		Contract: c, Callers: []string{"alice"}, Canary: func() string { return "abcdefghijklmnop" },
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path}, true
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			s := &risk.Seen{Status: 200}
			if a.Method == "OPTIONS" && a.As != "" {
				*found = append(*found, "a preflight carries a credential")
			}
			if o := a.Fields.Get("Origin"); o != "" {
				allow, credentials := cors(o, a.Method)
				if allow != "" {
					s.Fields = append(s.Fields, risk.Field{Name: "access-control-allow-origin", Value: allow})
				}
				if credentials != "" {
					s.Fields = append(s.Fields, risk.Field{Name: "Access-Control-Allow-Credentials", Value: credentials})
				}
			}
			return s, nil
		},
		Report: func(f risk.Finding) {
			if f.Confirmed {
				f.Code += "!"
			}
			*found = append(*found, f.Code)
		},
	}
}

func TestTheProbe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cors func(origin, method string) (string, string)
		want []string
	}{
		"reflects everybody": {func(o, _ string) (string, string) { return o, "true" }, []string{"cors/reflected!", "cors/null!"}},
		"trusts null": {func(o, _ string) (string, string) {
			if o == "null" {
				return o, "true"
			}
			return "", ""
		}, []string{"cors/null!"}},
		"checks by prefix": {func(o, _ string) (string, string) {
			if strings.HasPrefix(o, "https://api.example.com") {
				return o, "true"
			}
			return app, "true"
		}, []string{"cors/reflected!"}},
		"checks by suffix": {func(o, _ string) (string, string) {
			if strings.HasSuffix(o, "api.example.com") {
				return o, "true"
			}
			return "", ""
		}, []string{"cors/reflected!"}},
		"reflects in preflights only": {func(o, m string) (string, string) {
			if m == "OPTIONS" && o != "null" {
				return o, "true"
			}
			return "", ""
		}, []string{"cors/reflected!"}},
		"all and credentials":        {func(string, string) (string, string) { return "*", "true" }, []string{"cors/wildcard"}},
		"near miss: open, no cookie": {func(string, string) (string, string) { return "*", "" }, nil},
		"near miss: reflects, no cookie": {func(o, _ string) (string, string) {
			return o, "false"
		}, nil},
		"near miss: one fixed origin": {func(string, string) (string, string) { return app, "true" }, nil},
		"near miss: nothing":          {func(string, string) (string, string) { return "", "" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found []string
			if err := probe(t.Context(), target(c.cors, &found)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}
