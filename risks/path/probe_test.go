package path

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// A script is a target that answers by paths.
type script struct {
	ops     []*contract.Operation
	lawful  map[string]string     // path by template; "": none
	answers map[string]*risk.Seen // by path, or path#N for the answer N
	sent    []string
	found   []risk.Finding
}

const canary = "abcdefghijklmnop"

func (s *script) probe(t *testing.T) error {
	t.Helper()
	n := map[string]int{}
	return probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: s.ops}, Canary: func() string { return canary },
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			path, there := s.lawful[op.Path]
			if !there {
				path = op.Path
			}
			return &risk.Attempt{As: "alice", Method: op.Method, Path: path, Query: "a=b"}, path != ""
		},
		Report: func(f risk.Finding) { s.found = append(s.found, f) },
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			if a.As != "alice" || a.Method != "GET" || a.Query != "a=b" {
				t.Errorf("sent %+v", a)
			}
			s.sent = append(s.sent, a.Path)
			n[a.Path]++
			seen, there := s.answers[fmt.Sprintf("%s#%d", a.Path, n[a.Path])]
			if !there {
				seen, there = s.answers[a.Path]
			}
			if !there {
				seen = say(404, "no")
			}
			if seen == nil {
				return nil, errors.New("reset")
			}
			return seen, nil
		},
	})
}

func (s *script) codes() string {
	var out []string
	for _, f := range s.found {
		out = append(out, f.Code+" of "+f.Operation)
	}
	return strings.Join(out, ", ")
}

func say(status int, text string) *risk.Seen { return &risk.Seen{Status: status, Body: []byte(text)} }

func TestWhatCanBeComparedWith(t *testing.T) {
	t.Parallel()
	const random, dots = "/orders/" + canary, "/orders/" + canary + "/%2e%2e/1"
	ok := say(200, "a")
	for name, c := range map[string]struct {
		first, again, random, dots *risk.Seen
		sent                       int
		found                      bool
	}{
		"steady":                       {ok, ok, say(404, "no"), ok, 12, true},
		"an odd success":               {say(299, "a"), say(299, "a"), say(404, "no"), say(299, "a"), 12, true},
		"other words for a random one": {ok, ok, say(200, "b"), ok, 12, true},
		"no answer to a random one":    {ok, ok, nil, ok, 12, true},
		"no answer by the other path":  {ok, ok, say(404, "no"), nil, 12, false},
		"another one":                  {ok, ok, say(404, "no"), say(200, "b"), 12, false},
		"another status":               {ok, ok, say(404, "no"), say(201, "a"), 12, false},
		"the same for a random one":    {ok, ok, ok, ok, 3, false},
		"no second answer":             {ok, nil, say(404, "no"), ok, 2, false},
		"another second answer":        {ok, say(200, "b"), say(404, "no"), ok, 2, false},
		"no answer":                    {nil, ok, say(404, "no"), ok, 1, false},
		"less than a success":          {say(199, "a"), say(199, "a"), say(404, "no"), say(199, "a"), 1, false},
		"more than a success":          {say(300, "a"), say(300, "a"), say(404, "no"), say(300, "a"), 1, false},
		"a success without content":    {say(200, ""), say(200, ""), say(404, "no"), say(200, ""), 1, false},
	} {
		s := &script{ops: design("/orders/1").Operations, answers: map[string]*risk.Seen{"/orders/1": c.first, "/orders/1#2": c.again, random: c.random, dots: c.dots}}
		if err := s.probe(t); (err != nil) != (c.first == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if len(s.sent) != c.sent || (s.codes() == "path/normalised of GET /orders/1") != c.found || !c.found && s.found != nil {
			t.Errorf("%s: sent %q, found %v", name, s.sent, s.found)
		}
	}
}

func TestEachSpellingIsNamed(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"encoded dots": "/a/" + canary + "/%2e%2e/1", "dots and an encoded slash": "/a/" + canary + "/..%2f1", "dots with a parameter": "/a/" + canary + "/..;/1",
		"dots encoded twice": "/a/" + canary + "/%252e%252e/1", "dots in overlong UTF-8": "/a/" + canary + "/%c0%ae%c0%ae/1", "dots and a backslash": `/a/` + canary + `\..\1`,
		"dots and an encoded backslash": "/a/" + canary + "%5c..%5c1", "a path parameter": "/a/1;" + canary, "an encoded NUL": "/a/1%00" + canary,
	} {
		s := &script{ops: design("/a/{id}").Operations, lawful: map[string]string{"/a/{id}": "/a/1"}, answers: map[string]*risk.Seen{"/a/1": say(200, "a"), path: say(200, "a")}}
		if err := s.probe(t); err != nil {
			t.Error(err)
		}
		want := []risk.Finding{{
			Operation: "GET /a/{id}", Confirmed: true, At: s.ops[0].PathAt, Code: "path/normalised",
			Proof: "GET /a/{id} got the same answer by paths that name something else (" + name + "), and another one by a random path beside it",
		}}
		if diff := cmp.Diff(want, s.found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestNormalisingIsReportedOnce(t *testing.T) {
	t.Parallel()
	ok := say(200, "a")
	const dots = "/" + canary + "/%2e%2e/"
	s := &script{
		ops:     design("/list/", "/sound", "/a", "/b").Operations,
		answers: map[string]*risk.Seen{"/list/": ok, "/list" + dots: ok, "/list/;" + canary: ok, "/sound": ok, "/a": ok, dots + "a": ok, "/b": ok, dots + "b": ok},
	}
	if err := s.probe(t); err != nil || s.codes() != "path/normalised of GET /a" {
		t.Errorf("%v, found %s", err, s.codes())
	}
}

func TestOtherSpellingsOfAName(t *testing.T) {
	t.Parallel()
	ok := say(200, "a")
	design := func(paths ...string) []*contract.Operation { return design(paths...).Operations }
	other := append(design("/a/{id}"), design("/a/me")...)
	other[0].Method = "PUT"
	for name, c := range map[string]struct {
		ops         []*contract.Operation
		lawful, try string
		want        string // how it is said to be written
	}{
		"capitals":                         {design("/a/me", "/a/{id}"), "/a/me", "/a/ME", "in capitals"},
		"a dot":                            {design("/a/me", "/a/{id}"), "/a/me", "/a/me.", "with a dot behind"},
		"a format":                         {design("/a/me", "/a/{id}"), "/a/me", "/a/me.json", "as a format"},
		"a name that has no small letters": {design("/a/42", "/a/{id}"), "/a/42", "/a/42", ""},
		"no wider template":                {design("/a/me", "/b/{id}"), "/a/me", "/a/ME", ""},
		"a wider one of another method":    {other, "/a/me", "/a/ME", ""},
		"a parameter at the end":           {design("/me/{key}", "/{id}/{key}"), "/me/1", "/me/1.json", ""},
	} {
		s := &script{ops: c.ops, answers: map[string]*risk.Seen{c.lawful: ok, c.try: ok}, lawful: map[string]string{"/me/{key}": "/me/1", "/{id}/{key}": "", "/a/{id}": "", "/b/{id}": ""}}
		if err := s.probe(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var want []risk.Finding
		if c.want != "" {
			want = []risk.Finding{{
				Operation: "GET /a/me", Confirmed: true, At: c.ops[0].PathAt, Code: "path/alias",
				Proof: "GET /a/me, written " + c.want + ", is a path of /a/{id} by the contract, and got the answer of /a/me; a random one did not",
			}}
		}
		if diff := cmp.Diff(want, s.found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhichOperationIsWider(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ of, paths, want string }{
		{"/a/me", "/a/me /a/{id}", "/a/{id}"}, {"/a/me", "/{x}/{y}", "/{x}/{y}"}, {"/a/me", "/{x}/me", ""}, {"/a/me", "/b/{id}", ""}, {"/a/me", "/a/{id}/b", ""}, {"/a/{id}", "/a/{name}", ""},
		{"/a/me", "/{x}/me /a/{id} /{x}/{y}", "/a/{id}"},
	} {
		got := ""
		if o := wider(design(strings.Fields(c.paths)...), &contract.Operation{Method: "GET", Path: c.of}); o != nil {
			got = o.Path
		}
		if got != c.want {
			t.Errorf("%s among %s: %q", c.of, c.paths, got)
		}
	}
	if wider(design("/a/{id}"), &contract.Operation{Method: "PUT", Path: "/a/me"}) != nil {
		t.Error("another method")
	}
}

func TestTheProbeTriesTwelveReads(t *testing.T) {
	t.Parallel()
	s := &script{answers: map[string]*risk.Seen{}, lawful: map[string]string{"/unknown": ""}}
	s.ops = design("/unknown").Operations
	s.ops = append(s.ops, &contract.Operation{Method: "POST", Path: "/made"})
	for i := range 15 {
		path := fmt.Sprintf("/%d", i)
		s.answers[path] = nil
		s.ops = append(s.ops, design(path).Operations...)
	}
	if err := s.probe(t); !errors.Is(err, errNoAnswer) || len(s.sent) != 12 || s.sent[11] != "/11" {
		t.Errorf("%v, sent %q", err, s.sent)
	}
	s.sent, s.answers["/3"] = nil, say(404, "no")
	if err := s.probe(t); err != nil || len(s.sent) != 12 {
		t.Errorf("%v, sent %q", err, s.sent)
	}
	if err := (&script{}).probe(t); err != nil {
		t.Errorf("nothing to try: %v", err)
	}
}

func TestWherePathsAreSplit(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][2]string{"/a/b": {"/a", "b"}, "/a": {"", "a"}, "/": {"", ""}, "a": {"", "a"}, "": {"", ""}, "/a/": {"/a", ""}} {
		if dir, last := split(path); dir != want[0] || last != want[1] {
			t.Errorf("%s: %q %q", path, dir, last)
		}
	}
}
