package excessdata

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestTheLint(t *testing.T) {
	t.Parallel()
	var got []string
	lint(load(t, "testdata/weak.yaml"), func(d source.Diagnostic) {
		got = append(got, fmt.Sprintf("%d %s", d.At.Line, d.Code))
		if d.Hint == "" || d.Severity == source.Error {
			t.Errorf("%v", d)
		}
	})
	want := []string{"26 excessdata/credential", "23 excessdata/silent"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	lint(load(t, "testdata/sound.yaml"), func(d source.Diagnostic) { t.Errorf("a sound document is reported: %v", d) })
}

// upstream answers each path with a body.
func target(t testing.TB, answers map[string]risk.Seen, found *[]string) *risk.Target {
	t.Helper()
	return &risk.Target{
		Contract: load(t, "testdata/users.yaml"), Callers: []string{"alice"},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: strings.ReplaceAll(op.Path, "{id}", "7")}, op.Path != "/ping"
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			s, ok := answers[a.Path]
			if !ok {
				return &risk.Seen{Status: 404}, nil
			}
			return &s, nil
		},
		Report: func(f risk.Finding) {
			*found = append(*found, f.Code+" "+f.Operation)
			if !f.Confirmed || strings.Contains(f.Proof, "1234") {
				t.Errorf("%+v", f)
			}
		},
	}
}

func TestTheProbe(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) map[string]risk.Seen {
		return map[string]risk.Seen{"/users/7": {Status: status, Body: []byte(body), Fields: risk.Fields{{Name: "content-type", Value: "Application/JSON; charset=utf-8"}}}}
	}
	list := map[string]risk.Seen{"/users": {Status: 200, Body: []byte(`[{"name":"a"},{"name":"b","pin":"1234","x":1},{"name":"c","pin":"1234"}]`), Fields: risk.Fields{{Name: "Content-Type", Value: json}}}}
	for name, c := range map[string]struct {
		answers map[string]risk.Seen
		want    []string
	}{
		"a write-only member":             {answer(200, `{"name":"a","pin":"1234"}`), []string{"excessdata/write-only GET /users/{}"}},
		"a stranger in a closed schema":   {answer(200, `{"name":"a","role":"x"}`), []string{"excessdata/undeclared GET /users/{}"}},
		"a silent credential":             {answer(200, `{"name":"a","card":{"passwordHash":"1234"}}`), []string{"excessdata/credential GET /users/{}"}},
		"deep in a list, once":            {list, []string{"excessdata/undeclared GET /users", "excessdata/write-only GET /users"}},
		"deep in a chain":                 {answer(200, `{"name":"a","next":{"next":{"pin":"1234"}}}`), []string{"excessdata/write-only GET /users/{}"}},
		"near miss: a sound reply":        {answer(200, `{"name":"a","age":3,"tags":{"x":"y"}}`), nil},
		"near miss: write-only but null":  {answer(200, `{"name":"a","pin":null}`), nil},
		"near miss: silent":               {answer(200, `{"name":"a","card":{"bank":"x"}}`), nil},
		"near miss: no credential":        {answer(200, `{"name":"a","card":{"password":{"set":true}}}`), nil},
		"near miss: an error in the body": {answer(404, `{"error":"none","pin":"1234"}`), nil},
		"near miss: a way to the log-in":  {answer(302, `{"pin":"1234"}`), nil},
		"near miss: an empty success":     {answer(200, ``), nil},
		"near miss: no JSON":              {answer(200, `<html>pin</html>`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found []string
			if err := probe(t.Context(), target(t, c.answers, &found)); err != nil {
				t.Fatal(err)
			}
			slices.Sort(found)
			if diff := cmp.Diff(c.want, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}
