package reply

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

// answered is an exchange with a reply that breaks the contract in one place.
func answered(method string, status int, body string, v ...risk.Violation) *risk.Exchange {
	return risk.NewExchange(&risk.Facts{
		Request: risk.Request{Method: method}, Response: &risk.Response{Status: status, Media: "application/json", Body: []byte(body)},
		Answered: risk.Reading{Violations: v},
	}, nil)
}

// both are the guards of a policy, those of the head and of the body.
func both(t *testing.T, params any) (head, body risk.Guard) {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Params: params})
	if err != nil || len(placed) != 2 || placed[0].Phase != risk.Reply || placed[1].Phase != risk.ReplyBody {
		t.Fatal(placed, err)
	}
	return placed[0].Guard, placed[1].Guard
}

func TestWhatTheDenialsSay(t *testing.T) {
	t.Parallel()
	const text = "the reply of the service behind the gateway was withheld"
	want := &refusals{
		broken: &risk.Denial{Code: CodeContract, Status: 502, Title: text, Reason: "the reply breaks the contract"},
		media:  &risk.Denial{Code: CodeMedia, Status: 502, Title: text, Reason: "the media type of the reply is not declared"},
		syntax: &risk.Denial{Code: CodeSyntax, Status: 502, Title: text, Reason: "the body of the reply is not what its media type says"},
	}
	if diff := cmp.Diff(want, denials(), cmp.AllowUnexported(refusals{})); diff != "" {
		t.Error(diff)
	}
}

func TestStrictMeansBelow400(t *testing.T) {
	t.Parallel()
	loose, _ := both(t, nil)
	head, body := both(t, Params{Strict: true})
	value := risk.Violation{Class: risk.BadValue, In: contract.InBody}
	for status, refused := range map[int]bool{200: true, 299: true, 302: true, 399: true, 400: false, 401: false, 500: false} {
		for class, flag := range map[risk.Class]string{risk.BadValue: flagBroken, risk.BadSyntax: flagBroken, risk.WrongMedia: flagMedia} {
			v := risk.Violation{Class: class, In: contract.InHeader}
			x := answered("GET", status, "", v)
			if d := head.Check(x); (d != nil) != refused || refused == (strings.Join(x.Flags(), " ") == flag) {
				t.Errorf("%d, class %d: %v, flags %q", status, class, d, x.Flags())
			}
			x = answered("GET", status, "", v)
			if d := loose.Check(x); d != nil || strings.Join(x.Flags(), " ") != flag {
				t.Errorf("%d, class %d, loosely: %v, flags %q", status, class, d, x.Flags())
			}
		}
		if d := body.Check(answered("GET", status, "7", value)); (d != nil) != refused {
			t.Errorf("a body with %d: %v", status, d)
		}
		syntax := answered("GET", status, "7", risk.Violation{Class: risk.BadSyntax, In: contract.InBody})
		d := body.Check(syntax)
		if refused && (d == nil || d.Code != CodeSyntax) || !refused && (d != nil || len(syntax.Edits()) != 1) {
			t.Errorf("a malformed body with %d: %v, %+v", status, d, syntax.Edits())
		}
	}
}

func TestHiddenBodiesKeepTheirStatus(t *testing.T) {
	t.Parallel()
	_, body := both(t, nil)
	x := answered("GET", 404, "not JSON", risk.Violation{Class: risk.BadSyntax, In: contract.InBody})
	if d := body.Check(x); d != nil {
		t.Fatal(d)
	}
	want := []risk.Edit{{Do: risk.HideBody, On: risk.OnReply, Stage: risk.Strip, Code: CodeSyntax, Value: title}}
	if diff := cmp.Diff(want, x.Edits()); diff != "" {
		t.Error(diff)
	}
}

func TestAFlagIsNotedOnce(t *testing.T) {
	t.Parallel()
	head, body := both(t, nil)
	in := contract.InBody
	x := answered("GET", 200, "{}", risk.Violation{Class: risk.WrongMedia}, risk.Violation{Class: risk.BadValue}, risk.Violation{Class: risk.WrongMedia}, risk.Violation{Class: risk.BadSyntax}, risk.Violation{Class: risk.BadValue, In: in})
	for _, g := range []risk.Guard{head, body} {
		if d := g.Check(x); d != nil {
			t.Error(d)
		}
	}
	if diff := cmp.Diff([]string{flagMedia, flagBroken}, x.Flags()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheGuardsLeaveAlone(t *testing.T) {
	t.Parallel()
	head, body := both(t, Params{Strict: true})
	syntax, elsewhere := risk.Violation{Class: risk.BadSyntax, In: contract.InBody}, risk.Violation{Class: risk.BadSyntax, In: contract.InHeader}
	none := risk.NewExchange(&risk.Facts{Request: risk.Request{Method: "GET"}, Answered: risk.Reading{Violations: []risk.Violation{syntax}}}, nil)
	var others []risk.Violation
	for _, c := range []risk.Class{risk.UndeclaredStatus, risk.Undeclared, risk.Unchecked} {
		others = append(others, risk.Violation{Class: c, In: contract.InBody})
	}
	for name, c := range map[string]struct {
		g    risk.Guard
		x    *risk.Exchange
		want *risk.Denial
	}{
		"no reply yet":                       {head, none, nil},
		"no reply yet, at its body":          {body, none, nil},
		"a reply without a body":             {body, answered("GET", 200, "", syntax), nil},
		"an answer to HEAD":                  {body, answered("HEAD", 200, "{", syntax), nil},
		"what was wrong in the head":         {body, answered("GET", 200, "{", elsewhere), nil},
		"what is the concern of others":      {body, answered("GET", 200, "{}", others...), nil},
		"and in the head":                    {head, answered("GET", 200, "{}", others...), nil},
		"a body of one letter":               {body, answered("GET", 200, "{", syntax), denials().syntax},
		"a body behind a field":              {body, answered("GET", 200, "{", elsewhere, syntax), denials().syntax},
		"a malformed field":                  {head, answered("GET", 200, "", elsewhere), denials().broken},
		"a value behind what is passed over": {body, answered("GET", 200, "7", others[2], risk.Violation{Class: risk.BadValue, In: contract.InBody}), denials().broken},
	} {
		if got := c.g.Check(c.x); got != c.want || len(c.x.Flags()) != 0 || len(c.x.Edits()) != 0 {
			t.Errorf("%s: %v, flags %q, edits %+v", name, got, c.x.Flags(), c.x.Edits())
		}
	}
}

func TestWhichTextHasNoMembers(t *testing.T) {
	t.Parallel()
	for media, want := range map[string]bool{
		"text/plain": true, "text/html": true, "text/csv": true, "text/json": false, "text/xml": false, "text/x+json": false, "text/x+xml": false,
		"application/json": false, "application/text/": false, "": false,
	} {
		if got := prose(media); got != want {
			t.Errorf("%q: %v", media, got)
		}
	}
}

func TestWhichContentIsJSON(t *testing.T) {
	t.Parallel()
	for media, want := range map[string]bool{
		"application/json": true, "text/json": true, "Application/JSON\t; charset=utf-8": true, " \ttext/json": true, "application/hal+json;v=1": true,
		"application/jsonl": false, "text/plain; as=application/json": false, "application/xjson": false, "": false,
	} {
		if got := isJSON(media); got != want {
			t.Errorf("%q: %v", media, got)
		}
	}
}

func TestOnlySuccessIsJudgedByTheProbe(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{199: false, 200: true, 201: true, 299: true, 300: false, 404: false} {
		if got := malformed(&risk.Seen{Status: status, Body: []byte("{"), Fields: risk.Fields{{Name: "Content-Type", Value: "text/json"}}}); got != want {
			t.Errorf("status %d: %v", status, got)
		}
	}
}

// reads is a target of many reads, all of which are answered with seen.
func reads(ops []*contract.Operation, as string, send func(*risk.Attempt) (*risk.Seen, error), found *[]risk.Finding) *risk.Target {
	return &risk.Target{
		Contract: &contract.Contract{Operations: ops}, Callers: []string{"alice", "bob", "carol"},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: as, Path: op.Path}, op.Path != "/unknown"
		},
		Send:   func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) { return send(a) },
		Report: func(f risk.Finding) { *found = append(*found, f) },
	}
}

func TestWhoReadsWhat(t *testing.T) {
	t.Parallel()
	ops := []*contract.Operation{{Method: "POST", Path: "/made"}, {Method: "GET", Path: "/unknown"}}
	for i := range 102 {
		ops = append(ops, &contract.Operation{Method: "GET", Path: fmt.Sprintf("/%d", i)})
	}
	for as, want := range map[string]map[string]int{"": {"": 100}, "alice": {"alice": 100, "bob": 100}} {
		sent := map[string]int{}
		var found []risk.Finding
		err := probe(t.Context(), reads(ops, as, func(a *risk.Attempt) (*risk.Seen, error) {
			sent[a.As]++
			if a.Path == "/made" || a.Path == "/unknown" || a.Path == "/100" {
				t.Errorf("%s was read", a.Path)
			}
			return &risk.Seen{Status: 200}, nil
		}, &found))
		if diff := cmp.Diff(want, sent); diff != "" || err != nil || found != nil {
			t.Errorf("as %q: %v %v %s", as, err, found, diff)
		}
	}
}

func TestWhatTheProbeReports(t *testing.T) {
	t.Parallel()
	ops := []*contract.Operation{{Method: "GET", Path: "/a", Key: "GET /a", At: source.Span{Line: 3}}, {Method: "GET", Path: "/b", Key: "GET /b"}}
	var found []risk.Finding
	n := 0
	send := func(a *risk.Attempt) (*risk.Seen, error) {
		n++
		if a.Path == "/b" {
			return &risk.Seen{Status: 200, Body: []byte("{}"), Fields: risk.Fields{{Name: "Content-Type", Value: "application/json"}}}, nil
		}
		return &risk.Seen{Status: 203, Body: []byte("{,}"), Fields: risk.Fields{{Name: "Content-Type", Value: "application/json"}}}, nil
	}
	if err := probe(t.Context(), reads(ops, "alice", send, &found)); err != nil {
		t.Fatal(err)
	}
	want := []risk.Finding{{
		Operation: "GET /a", At: ops[0].At, Code: "reply/syntax", Confirmed: true,
		Proof: "the reply (203, 3 bytes) calls itself JSON, and a strict parser refuses it",
	}}
	if diff := cmp.Diff(want, found); diff != "" || n != 3 {
		t.Errorf("%d requests: %s", n, diff)
	}
	reset := errors.New("reset")
	err := probe(t.Context(), reads(ops, "alice", func(*risk.Attempt) (*risk.Seen, error) { return nil, reset }, &found))
	if !errors.Is(err, reset) || !strings.Contains(err.Error(), "GET /a") {
		t.Error(err)
	}
}

func TestWhichRepliesNeedASchema(t *testing.T) {
	t.Parallel()
	here, there := source.Span{Line: 1}, source.Span{Line: 2}
	media := func(kind string, s *contract.Schema) []*contract.Media {
		return []*contract.Media{{Type: kind, Schema: s, At: there}}
	}
	type want struct {
		At   source.Span
		Bare bool
	}
	for name, c := range map[string]struct {
		method string
		r      contract.Reply
		want   want
	}{
		"a read without content":    {"GET", contract.Reply{Code: 200}, want{here, true}},
		"the whole range":           {"GET", contract.Reply{Code: 2, Range: true}, want{here, true}},
		"a read that made":          {"GET", contract.Reply{Code: 201}, want{here, true}},
		"a read that was put off":   {"GET", contract.Reply{Code: 202}, want{}},
		"a read of a copy":          {"GET", contract.Reply{Code: 203}, want{here, true}},
		"no content":                {"GET", contract.Reply{Code: 204}, want{}},
		"a reset":                   {"GET", contract.Reply{Code: 205}, want{}},
		"a part":                    {"GET", contract.Reply{Code: 206}, want{}},
		"several":                   {"GET", contract.Reply{Code: 207}, want{here, true}},
		"a write":                   {"POST", contract.Reply{Code: 200}, want{}},
		"JSON without a schema":     {"GET", contract.Reply{Code: 200, Media: media("application/json", nil)}, want{there, true}},
		"a dialect of JSON":         {"GET", contract.Reply{Code: 200, Media: media("application/hal+json", nil)}, want{there, true}},
		"anything without a schema": {"GET", contract.Reply{Code: 200, Media: media("*/*", nil)}, want{there, true}},
		"a picture":                 {"GET", contract.Reply{Code: 200, Media: media("image/png", nil)}, want{here, false}},
		"JSON with a schema":        {"GET", contract.Reply{Code: 200, Media: media("application/json", contract.NewSchema())}, want{here, false}},
		"anything with a schema":    {"GET", contract.Reply{Code: 200, Media: media("*/*", contract.NewSchema())}, want{here, false}},
	} {
		c.r.At = here
		var got want
		if got.At, got.Bare = bare(&contract.Operation{Method: c.method}, &c.r); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	var got []source.Diagnostic
	op := &contract.Operation{Method: "GET", Key: "GET /a", Replies: []*contract.Reply{{Code: 404}, {Code: 200, At: here}, {Code: 3, Range: true}}}
	lint(&contract.Contract{Operations: []*contract.Operation{op}}, func(d source.Diagnostic) { got = append(got, d) })
	if diff := cmp.Diff([]source.Diagnostic{{
		At: here, Severity: source.Warning, Code: "reply/no-schema", Text: "the reply of GET /a has no schema, so that anything may be in it",
		Hint: "add content with a schema that lists the members",
	}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAMalformedTextBehindAWrongOneIsRefused(t *testing.T) {
	t.Parallel()
	_, body := both(t, nil)
	wrong, syntax := risk.Violation{Class: risk.BadValue, In: contract.InBody}, risk.Violation{Class: risk.BadSyntax, In: contract.InBody}
	for _, list := range [][]risk.Violation{{wrong, syntax}, {syntax, wrong}} {
		if d := body.Check(answered("GET", 200, "1\n{", list...)); d == nil || d.Code != CodeSyntax {
			t.Errorf("%v: %v", list, d)
		}
	}
}
