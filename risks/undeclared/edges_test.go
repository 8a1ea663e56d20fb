package undeclared

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

func TestWhatRefusalsSay(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Body: &contract.Body{}}
	for _, m := range []string{"application/json", "a/b c", "a/b,c/d", "a/\x7f", "a/~", "text/\xc3\xa9", "", "a/\x1f"} {
		op.Body.Media = append(op.Body.Media, &contract.Media{Type: m})
	}
	g := newInputs(op)
	want := &inputs{
		parameter: &risk.Denial{Code: CodeParameter, Status: 400, Title: "the operation takes no such parameter", Reason: "a query parameter is not declared", Show: risk.ShowHead},
		media: &risk.Denial{
			Code: CodeMedia, Status: 415, Title: "the operation takes no body of this type", Reason: "the media type of the body is not declared", Show: risk.ShowBody,
			Fields: []risk.Field{{Name: "Accept", Value: "application/json, a/~"}},
		},
	}
	if diff := cmp.Diff(want, g, cmp.AllowUnexported(inputs{})); diff != "" {
		t.Error(diff)
	}
	r := build(t, &risk.Site{Scope: risk.OfAPI}, risk.Admit)
	if d := r.Check(risk.NewExchange(&risk.Facts{Route: risk.NoMethod}, nil)); d != nil {
		t.Errorf("other methods are not ours: %+v", d)
	}
}

func TestWideMediaWithoutAPlaceAreAllReported(t *testing.T) {
	t.Parallel()
	op := func() *contract.Operation {
		return &contract.Operation{Body: &contract.Body{Media: []*contract.Media{{Type: "*/*"}}}}
	}
	n := 0
	lint(&contract.Contract{Operations: []*contract.Operation{op(), {}, op()}}, func(source.Diagnostic) { n++ })
	if n != 2 {
		t.Errorf("%d diagnostics", n)
	}
}

func TestWhichBodiesAreOnlyJSON(t *testing.T) {
	t.Parallel()
	for types, want := range map[string]bool{
		"application/json": true, "application/json application/xml": true, "application/xml application/json": true, "application/xml": false, "": false,
		"application/json text/plain": false, "application/json application/*": false, "application/json */*": false, "text/*": false,
	} {
		op := &contract.Operation{Body: &contract.Body{}}
		for m := range strings.FieldsSeq(types) {
			op.Body.Media = append(op.Body.Media, &contract.Media{Type: m})
		}
		if got := onlyJSON(op); got != want {
			t.Errorf("%q: %v", types, got)
		}
	}
	if onlyJSON(&contract.Operation{}) {
		t.Error("there is no body")
	}
}

// A step is what a request gets, by what it is.
type step func(a *risk.Attempt) *risk.Seen

// play runs the probe on one write, and lists requests to it and findings.
func play(t *testing.T, op *contract.Operation, lawful *risk.Attempt, s step) (sent, found []string) {
	t.Helper()
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{op, {Method: "DELETE", Path: "/orders/{id}"}}},
		Lawful:   func(o *contract.Operation) (*risk.Attempt, bool) { return lawful, lawful != nil && o == op },
		Canary:   func() string { return "canary" },
		Report:   func(f risk.Finding) { found = append(found, f.Code) },
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			if a.Method == "GET" {
				return say(404, ""), nil
			}
			kind := a.Fields.Get("Content-Type")
			sent = append(sent, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", a.Method, a.Path, kind, a.Body)))
			if seen := s(a); seen != nil {
				return seen, nil
			}
			return nil, errors.New("reset")
		},
	})
	if err != nil {
		t.Error(err)
	}
	return sent, found
}

func TestTheProbeOfMediaTypes(t *testing.T) {
	t.Parallel()
	made := func(status int, body string) *risk.Seen {
		return say(status, body, risk.Field{Name: "Location", Value: "/orders/7"})
	}
	const noJSON, lawful, asText = "POST /orders text/plain canary", "POST /orders application/json {}", "POST /orders text/plain {}"
	by := func(control, want, got *risk.Seen) step {
		return func(a *risk.Attempt) *risk.Seen {
			switch {
			case a.Method == "DELETE":
				return say(204, "")
			case string(a.Body) == "canary":
				return control
			case a.Fields.Get("Content-Type") == "application/json":
				return want
			}
			return got
		}
	}
	const gone = "DELETE /orders/7"
	for name, c := range map[string]struct {
		s     step
		sent  []string
		found bool
	}{
		"taken as text":                 {by(say(400, ""), made(201, "a"), made(201, "bc")), []string{noJSON, lawful, gone, asText, gone}, true},
		"taken as text, without a word": {by(say(400, ""), made(299, ""), made(299, "")), []string{noJSON, lawful, gone, asText, gone}, true},
		"refused as text":               {by(say(415, ""), made(201, "a"), say(415, "")), []string{noJSON, lawful, gone, asText}, false},
		"another success":               {by(say(415, ""), made(201, "a"), say(202, "a")), []string{noJSON, lawful, gone, asText}, false},
		"a success without content":     {by(say(415, ""), made(201, "a"), say(201, "")), []string{noJSON, lawful, gone, asText}, false},
		"a success with more content":   {by(say(415, ""), made(201, ""), say(201, "a")), []string{noJSON, lawful, gone, asText}, false},
		"no answer as text":             {by(say(415, ""), made(201, "a"), nil), []string{noJSON, lawful, gone, asText}, false},
		"no body is read":               {by(made(299, "a"), made(201, "a"), made(201, "a")), []string{noJSON, gone}, false},
		"no answer to the control":      {by(nil, made(201, "a"), made(201, "a")), []string{noJSON}, false},
		"the lawful one fails":          {by(say(415, ""), say(300, "a"), say(300, "a")), []string{noJSON, lawful}, false},
		"the lawful one is lost":        {by(say(415, ""), nil, say(201, "a")), []string{noJSON, lawful}, false},
		"no way to undo":                {by(say(415, ""), say(201, "a"), say(201, "a")), []string{noJSON, lawful, asText}, true},
		"a place that cannot be read":   {by(say(415, ""), say(201, "a", risk.Field{Name: "Location", Value: "/orders/%zz"}), say(201, "a")), []string{noJSON, lawful, asText}, true},
		"a place that is not declared":  {by(say(415, ""), say(201, "a", risk.Field{Name: "Location", Value: "/others/1"}), say(201, "a")), []string{noJSON, lawful, asText}, true},
		"a place without a path":        {by(say(415, ""), say(201, "a", risk.Field{Name: "Location", Value: "?a"}), say(201, "a")), []string{noJSON, lawful, asText}, true},
	} {
		op := &contract.Operation{Method: "POST", Path: "/orders", Body: &contract.Body{Media: []*contract.Media{{Type: "application/json"}}}}
		sent, found := play(t, op, &risk.Attempt{Method: "POST", Path: "/orders", Body: []byte("{}"), Fields: risk.Fields{{Name: "content-type", Value: "application/json"}}}, c.s)
		if diff := cmp.Diff(c.sent, sent); diff != "" || (len(found) == 1 && found[0] == string(CodeMedia)) != c.found {
			t.Errorf("%s: found %q, sent (-want +got):\n%s", name, found, diff)
		}
	}
}

func TestWhatIsNotTriedAsText(t *testing.T) {
	t.Parallel()
	json := &contract.Body{Media: []*contract.Media{{Type: "application/json"}}}
	text := &contract.Body{Media: []*contract.Media{{Type: "application/json"}, {Type: "text/plain"}}}
	for name, c := range map[string]struct {
		body   *contract.Body
		lawful *risk.Attempt
	}{
		"no lawful request": {json, nil}, "a lawful one without a body": {json, &risk.Attempt{Method: "POST", Path: "/orders"}},
		"text is declared": {text, &risk.Attempt{Method: "POST", Path: "/orders", Body: []byte("1")}},
	} {
		if sent, found := play(t, &contract.Operation{Method: "POST", Path: "/orders", Body: c.body}, c.lawful, func(*risk.Attempt) *risk.Seen { return say(201, "a") }); sent != nil || found != nil {
			t.Errorf("%s: sent %q, found %q", name, sent, found)
		}
	}
	sent, _ := play(t, &contract.Operation{Method: "POST", Path: "/orders", Body: json}, &risk.Attempt{Method: "POST", Path: "/orders", Body: []byte("1")}, func(*risk.Attempt) *risk.Seen { return say(400, "") })
	if len(sent) != 2 {
		t.Errorf("a body of one letter: %q", sent)
	}
}

func TestOnlyWhatAPostMadeIsUndone(t *testing.T) {
	t.Parallel()
	sent, _ := play(t, &contract.Operation{Method: "PUT", Path: "/orders", Body: &contract.Body{Media: []*contract.Media{{Type: "application/json"}}}},
		&risk.Attempt{Method: "PUT", Path: "/orders", Body: []byte("1")}, func(*risk.Attempt) *risk.Seen {
			return say(201, "a", risk.Field{Name: "Location", Value: "/orders/7"})
		})
	if diff := cmp.Diff([]string{"PUT /orders text/plain canary"}, sent); diff != "" {
		t.Error(diff)
	}
	kept := &risk.Attempt{Fields: risk.Fields{{Name: "CONTENT-TYPE", Value: "a/b"}, {Name: "X-Tenant", Value: "t"}}}
	if diff := cmp.Diff(risk.Fields{{Name: "Content-Type", Value: "text/plain"}, {Name: "X-Tenant", Value: "t"}}, retyped(kept, nil).Fields); diff != "" {
		t.Error(diff)
	}
}

func TestTheProbeOfPaths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		control, word int
		body          string
		callers       []string
		want          int
	}{
		"a word that answers": {404, 200, "a", []string{"alice"}, 1}, "an odd success": {404, 299, "a", nil, 1}, "no success": {404, 300, "a", nil, 0}, "no content": {404, 200, "", nil, 0},
		"everything answers": {200, 200, "a", nil, 0}, "everything answers oddly": {299, 200, "a", nil, 0}, "control is no success": {300, 200, "a", nil, 1},
	} {
		found := 0
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{{Method: "GET", Path: "/metrics"}, {Method: "POST", Path: "/admin"}}}, Callers: c.callers,
			Lawful: func(*contract.Operation) (*risk.Attempt, bool) { return nil, false }, Canary: func() string { return "canary" }, Report: func(risk.Finding) { found++ },
			Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
				if a.Method != "GET" || a.As != strings.Join(c.callers, "") || a.Path == "/metrics" || a.Path == "/admin" {
					t.Errorf("%s: sent %+v", name, a)
				}
				switch a.Path {
				case "/canary":
					return say(c.control, "a"), nil
				case "/console":
					return say(c.word, c.body), nil
				case "/debug":
					return nil, errors.New("reset")
				}
				return say(404, "a"), nil
			},
		})
		if err != nil || found != c.want {
			t.Errorf("%s: %d findings, %v", name, found, err)
		}
	}
	silent := &risk.Target{Contract: &contract.Contract{}, Canary: func() string { return "canary" }, Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) { return nil, errors.New("reset") }}
	if err := probe(t.Context(), silent); !errors.Is(err, errNoAnswer) {
		t.Error(err)
	}
}
