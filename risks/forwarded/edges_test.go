package forwarded

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhatATrustedProxyWroteIsReplacedAnyway(t *testing.T) {
	t.Parallel()
	f := &risk.Facts{
		Conn:    risk.Conn{Peer: netip.MustParseAddr("10.0.0.1"), Client: netip.MustParseAddr("192.0.2.7")},
		Request: named("forwarded", "X-Forwarded-For", "X-Forwarded-A", "X-Real-Ip", "Cf-Connecting-Ip", "X_Forwarded_For", "X-Original-Forwarded-For", "X-Forwarded", "Client-Ip"),
	}
	want := []string{"X-Real-Ip", "Cf-Connecting-Ip", "X_Forwarded_For", "X-Original-Forwarded-For", "X-Forwarded", "Client-Ip"}
	if diff := cmp.Diff(want, check(t, f)); diff != "" {
		t.Error(diff)
	}
	f.Conn.Peer = f.Conn.Client
	want = []string{"forwarded", "X-Forwarded-For", "X-Forwarded-A", "X-Real-Ip", "Cf-Connecting-Ip", "X_Forwarded_For", "X-Original-Forwarded-For", "X-Forwarded", "Client-Ip"}
	if diff := cmp.Diff(want, check(t, f)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheLintSays(t *testing.T) {
	t.Parallel()
	at := func(line int) source.Span { return source.Span{Line: line} }
	param := func(in contract.In, name string, line int) *contract.Parameter {
		return &contract.Parameter{In: in, Name: name, At: at(line)}
	}
	scheme := func(kind contract.SchemeKind, in contract.In, name string) *contract.Scheme {
		return &contract.Scheme{Kind: kind, In: in, Field: "Client-Cert", Name: name, At: at(9)}
	}
	c := &contract.Contract{
		Operations: []*contract.Operation{
			{Method: "GET", Path: "/a", Parameters: []*contract.Parameter{
				param(contract.InHeader, "X-Real-IP", 3), param(contract.InHeader, "X-Real-IP", 3), param(contract.InQuery, "X-Real-IP", 4), param(contract.InHeader, "X-Id", 5),
			}},
			{Method: "PUT", Path: "/b", Parameters: []*contract.Parameter{param(contract.InHeader, "Client-IP", 0), param(contract.InHeader, "Client-IP", 0)}},
		},
		Schemes: []*contract.Scheme{
			scheme(contract.HTTPAuth, contract.InHeader, "http"), scheme(contract.APIKey, contract.InCookie, "cookie"), scheme(contract.APIKey, contract.InHeader, "cert"),
		},
	}
	said := func(line int, text string) source.Diagnostic {
		return source.Diagnostic{
			At: at(line), Severity: source.Warning, Code: CodeParameter, Text: text + ", which proxies write and clients can invent; the gateway removes it",
			Hint: "remove it from the document, and read what the gateway sends in X-Forwarded-For, -Host and -Proto",
		}
	}
	want := []source.Diagnostic{
		said(3, "a parameter of GET /a is taken from X-Real-IP"), said(0, "a parameter of PUT /b is taken from Client-IP"), said(0, "a parameter of PUT /b is taken from Client-IP"),
		said(9, `the credential of the scheme "cert" is taken from Client-Cert`),
	}
	var got []source.Diagnostic
	lint(c, func(d source.Diagnostic) { got = append(got, d) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A call is one request of the probe to an API of two pages, /a and /b.
type call struct {
	path, query    string
	claims, random bool   // fields of proxies, fields without meaning
	local          bool   // the fields claim the API's own machine
	url            string // the page that is named in fields
	n              int    // of this kind
	fields         risk.Fields
}

// String names the kind of a call.
func (c *call) String() string {
	out := c.path
	if c.claims {
		out += " claims"
	}
	if c.random {
		out += " random"
	}
	if c.local {
		out += " local"
	}
	if c.url != "" {
		out += " for " + c.url
	}
	return out
}

func seen(a *risk.Attempt) *call {
	c := &call{path: a.Path, query: a.Query, url: a.Fields.Get("X-Original-Url"), claims: a.Fields.Has("X-Real-Ip"), fields: a.Fields}
	for _, f := range a.Fields {
		c.random = c.random || strings.HasPrefix(f.Name, "X-canary")
		c.local = c.local || f.Value == "127.0.0.1"
	}
	return c
}

var errReset = errors.New("reset")

// world says what an API answers; where it says nil there is no answer, and
// where it says as, the page itself.
type world func(c *call) *risk.Seen

func as(c *call) *risk.Seen { return says(200, "page "+c.path) }

func says(status int, body string) *risk.Seen {
	return &risk.Seen{Status: status, Body: []byte(body)}
}

// play runs the probe, and returns the kinds of its calls and what it found.
func play(ctx context.Context, w world) (calls []string, found []risk.Finding, err error) {
	canaries, n := 0, map[string]int{}
	op := func(method, path string) *contract.Operation {
		return &contract.Operation{Method: method, Path: path, Key: method + " " + path, At: source.Span{Line: 3}}
	}
	err = probe(ctx, &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{op("GET", "/unknown"), op("PUT", "/b"), op("GET", "/a"), op("GET", "/b"), op("GET", "/c")}},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			a := &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path}
			if a.Path == "/c" {
				a.As = "bob"
			}
			if a.Path == "/b" {
				a.Query = "q=1"
			}
			return a, op.Path != "/unknown"
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			c := seen(a)
			n[c.String()]++
			c.n = n[c.String()]
			calls = append(calls, c.String())
			if s := w(c); s != nil {
				return s, nil
			}
			return says(200, "page /a 203.0.113.200"), errReset // what came before the reset is not the answer
		},
		Canary: func() string { canaries++; return fmt.Sprintf("canary%d", canaries) },
		Report: func(f risk.Finding) { found = append(found, f) },
	})
	return calls, found, err
}

// codes are what was found, with the operations.
func codes(found []risk.Finding) string {
	var out []string
	for _, f := range found {
		out = append(out, f.Code+" "+f.Operation)
	}
	return strings.Join(out, ", ")
}

// only makes an answer of one kind of call special.
func only(kind string, n int, s *risk.Seen, others world) world {
	return func(c *call) *risk.Seen {
		if c.String() == kind && (n == 0 || c.n == n) {
			return s
		}
		return others(c)
	}
}

func TestTheProbeOfBelief(t *testing.T) {
	t.Parallel()
	echo := func(names ...string) world {
		return func(c *call) *risk.Seen {
			s := as(c)
			for _, name := range names {
				s.Fields = append(s.Fields, risk.Field{Name: "X-A"}, risk.Field{Name: "X-Seen", Value: strings.TrimPrefix(c.fields.Get(name), "for=")})
			}
			return s
		}
	}
	const a, b, c = "forwarded/address GET /a", "forwarded/address GET /b", "forwarded/address GET /c"
	all := strings.Join([]string{a, b, c}, ", ")
	for name, w := range map[string]struct {
		w    world
		want string
	}{
		"nothing is believed":              {as, ""},
		"the first of all":                 {echo("X-Forwarded-For"), all},
		"the last of all":                  {echo("X_Real_Ip"), all},
		"the standard":                     {echo("Forwarded"), all},
		"two addresses":                    {echo("Client-Ip", "X-Real-Ip"), all},
		"an address and two hosts":         {echo("Client-Ip", "X-Forwarded-Host", "X-Original-Host"), "forwarded/address GET /a, forwarded/host GET /a, forwarded/address GET /b, forwarded/host GET /b, forwarded/address GET /c, forwarded/host GET /c"},
		"no answer with claims":            {only("/b claims", 0, nil, echo("Client-Ip")), a + ", " + c},
		"no answer without meaning":        {only("/b random", 0, nil, echo("Client-Ip")), a + ", " + c},
		"no answer at all":                 {only("/b", 0, nil, echo("Client-Ip")), a + ", " + c},
		"claims are refused":               {only("/b claims", 0, says(300, "203.0.113.200"), echo("Client-Ip")), a + ", " + c},
		"claims get no answer":             {only("/b claims", 0, says(199, "203.0.113.200"), echo("Client-Ip")), a + ", " + c},
		"claims get an odd success":        {only("/b claims", 0, says(299, "203.0.113.200"), echo("Client-Ip")), all},
		"fields are refused":               {only("/b random", 0, says(300, ""), echo("Client-Ip")), a + ", " + c},
		"fields get no answer":             {only("/b random", 0, says(199, ""), echo("Client-Ip")), a + ", " + c},
		"fields get an odd success":        {only("/b random", 0, says(299, ""), echo("Client-Ip")), all},
		"it stands there in any case":      {only("/b", 1, says(200, "203.0.113.200"), only("/b claims", 0, says(200, "203.0.113.200"), as)), ""},
		"it stands there with any field":   {only("/b random", 0, says(200, "203.0.113.200"), only("/b claims", 0, says(200, "203.0.113.200"), as)), ""},
		"the lawful one fails oddly":       {only("/b", 0, says(199, ""), echo("Client-Ip")), a + ", " + c},
		"the lawful one succeeds oddly":    {only("/b", 0, says(299, ""), echo("Client-Ip")), all},
		"the lawful one is sent elsewhere": {only("/b", 0, says(300, ""), echo("Client-Ip")), a + ", " + c},
	} {
		_, found, err := play(t.Context(), w.w)
		if diff := cmp.Diff(w.want, codes(found)); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	_, found, err := play(t.Context(), echo("X-Forwarded-Host", "Client-Ip"))
	proof := func(code, what, name string) risk.Finding {
		return risk.Finding{
			Operation: "GET /a", Confirmed: true, At: source.Span{Line: 3}, Code: code,
			Proof: "GET /a gave back the invented " + what + " of the field " + name + ", and not that of a field without meaning: the API believes it",
		}
	}
	want := []risk.Finding{proof("forwarded/address", "address", "Client-Ip"), proof("forwarded/host", "host", "X-Forwarded-Host")}
	if diff := cmp.Diff(want, found[:2]); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestTheProbeOfClosedDoors(t *testing.T) {
	t.Parallel()
	// shut refuses /b but for those who claim to be local in a field.
	shut := func(status int, field string) world {
		return func(c *call) *risk.Seen {
			key := "127.0.0.1"
			if field == "Forwarded" {
				key = "for=127.0.0.1" // RFC 7239
			}
			if c.path == "/b" && c.fields.Get(field) != key {
				return says(status, "")
			}
			return as(c)
		}
	}
	const asks, fields, claims = "/b", "/b random local", "/b claims local"
	whole := []string{asks, fields, claims, asks, claims}
	for name, c := range map[string]struct {
		w     world
		calls []string // of /b
		found bool
	}{
		"401": {shut(401, "X-Real-Ip"), whole, true}, "403": {shut(403, "X-Forwarded-For"), whole, true}, "404": {shut(404, "Forwarded"), whole, true}, "the last field": {shut(403, "X_Real_Ip"), whole, true},
		"400": {shut(400, "X-Real-Ip"), whole[:1], false}, "402": {shut(402, "X-Real-Ip"), whole[:1], false}, "405": {shut(405, "X-Real-Ip"), whole[:1], false},
		"a field that is none":       {shut(403, "X-Other"), whole[:3], false},
		"it opens to any field":      {only(fields, 0, says(200, ""), shut(403, "X-Real-Ip")), whole[:2], false},
		"another refusal":            {only(fields, 0, says(404, ""), shut(403, "X-Real-Ip")), whole[:2], false},
		"it opens by itself":         {only(asks, 2, says(200, ""), shut(403, "X-Real-Ip")), whole[:4], false},
		"it changes its mind":        {only(asks, 2, says(404, ""), shut(403, "X-Real-Ip")), whole[:4], false},
		"it opens but once":          {only(claims, 2, says(403, ""), shut(403, "X-Real-Ip")), whole, false},
		"it is moved but once":       {only(claims, 2, says(300, ""), shut(403, "X-Real-Ip")), whole, false},
		"no answer to the fields":    {only(fields, 0, nil, shut(403, "X-Real-Ip")), whole[:2], false},
		"no answer to the claims":    {only(claims, 0, nil, shut(403, "X-Real-Ip")), whole[:3], false},
		"no answer to the control":   {only(asks, 2, nil, shut(403, "X-Real-Ip")), whole[:4], false},
		"no answer the second time":  {only(claims, 2, nil, shut(403, "X-Real-Ip")), whole, false},
		"an odd success":             {only(claims, 0, says(299, ""), shut(403, "X-Real-Ip")), whole, true},
		"what is no success":         {only(claims, 0, says(199, ""), shut(403, "X-Real-Ip")), whole[:3], false},
		"what is a success no more":  {only(claims, 0, says(300, ""), shut(403, "X-Real-Ip")), whole[:3], false},
		"a refusal that is no 4xx":   {only(asks, 1, says(403, ""), only(fields, 0, says(199, ""), as)), whole[:2], false},
		"all are let in afterwards":  {only(asks, 1, says(403, ""), as), whole[:2], false},
		"only the control is let in": {only(fields, 0, says(403, ""), only(asks, 1, says(403, ""), as)), whole[:4], false},
	} {
		calls, found, err := play(t.Context(), c.w)
		var ofB []string
		for _, call := range calls {
			if strings.HasPrefix(call, "/b") {
				ofB = append(ofB, call)
			}
		}
		want := ""
		if c.found {
			want = "forwarded/address GET /b"
		}
		if diff := cmp.Diff(c.calls, ofB); diff != "" || codes(found) != want || err != nil {
			t.Errorf("%s: %s %v %s", name, codes(found), err, diff)
		}
		if c.found && !strings.HasSuffix(found[0].Proof, ", and with success once fields of proxies claimed the address 127.0.0.1, twice in turn") {
			t.Errorf("%s: %s", name, found[0].Proof)
		}
	}
}

func TestTheProbeOfOtherURLs(t *testing.T) {
	t.Parallel()
	rewrites := func(c *call) *risk.Seen {
		if path, _, _ := strings.Cut(c.url, "?"); path != "" && c.path == "/a" {
			return says(200, "page "+path)
		}
		return as(c)
	}
	const asked = "/a for /b?q=1"
	for name, c := range map[string]struct {
		w     world
		found bool
		asks  bool
	}{
		"the other page comes": {rewrites, true, true}, "nothing is rewritten": {as, false, true},
		"no answer for another":            {only(asked, 0, nil, rewrites), false, true},
		"no answer to the first again":     {only("/a", 2, nil, rewrites), false, true},
		"no answer to the second again":    {only("/b", 2, nil, rewrites), false, true},
		"the first page changes":           {only("/a", 2, says(200, "news"), rewrites), false, true},
		"the second page changes":          {only("/b", 2, says(200, "news"), rewrites), false, true},
		"the second page changes, to this": {only("/b", 2, says(200, "news"), only(asked, 0, says(200, "news"), rewrites)), false, true},
		"the pages are the same":           {only("/b", 0, says(200, "page /a"), as), false, false},
		"the second page is empty":         {only("/b", 0, says(200, ""), only(asked, 0, says(200, ""), rewrites)), false, false},
		"a page of one letter":             {only("/b", 0, says(200, "b"), only(asked, 0, says(200, "b"), rewrites)), true, true},
	} {
		calls, found, err := play(t.Context(), c.w)
		var want []risk.Finding
		if c.found {
			want = []risk.Finding{{
				Operation: "GET /a", Confirmed: true, At: source.Span{Line: 3}, Code: "forwarded/url",
				Proof: "GET /a gave the answer of /b once X-Original-Url and X-Rewrite-Url named it",
			}}
		}
		n := 0
		for _, call := range calls {
			if strings.Contains(call, " for ") {
				n++
				if call != asked {
					t.Errorf("%s: %s", name, call)
				}
			}
		}
		if diff := cmp.Diff(want, found); diff != "" || err != nil || (n == 1) != c.asks || n > 1 {
			t.Errorf("%s: %d questions, %v %s", name, n, err, diff)
		}
	}
}

func TestOneOtherURLIsTried(t *testing.T) {
	t.Parallel()
	for _, rewrites := range []bool{false, true} {
		var pages []page
		for _, path := range []string{"/a", "/b", "/c"} {
			pages = append(pages, page{&contract.Operation{Method: "GET", Path: path}, &risk.Attempt{Path: path}, says(200, path)})
		}
		found, sent := 0, 0
		p := &prober{t: &risk.Target{Report: func(risk.Finding) { found++ }}, send: func(a *risk.Attempt) *risk.Seen {
			sent++
			if u := a.Fields.Get("X-Rewrite-Url"); u != "" && rewrites {
				return says(200, u)
			}
			return says(200, a.Path)
		}}
		p.rewrites(pages)
		if sent != 3 || (found == 1) != rewrites || found > 1 {
			t.Errorf("rewrites %v: %d requests, %d findings", rewrites, sent, found)
		}
	}
}

func TestWhereTheProbeEnds(t *testing.T) {
	t.Parallel()
	if _, found, err := play(t.Context(), func(*call) *risk.Seen { return nil }); !errors.Is(err, errNoAnswer) || found != nil {
		t.Error(found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls, found, err := play(ctx, func(c *call) *risk.Seen { cancel(); return as(c) })
	if diff := cmp.Diff([]string{"/a"}, calls); diff != "" || found != nil || !errors.Is(err, context.Canceled) {
		t.Error(found, err, diff)
	}
}
