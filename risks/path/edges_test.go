package path

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhatTheRefusalSays(t *testing.T) {
	t.Parallel()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, API: &risk.API{Contract: design("/users/{id}", "/users/me", "/users/me")}, Op: &contract.Operation{Path: "/users/{id}"}})
	if err != nil {
		t.Fatal(err)
	}
	want := risk.At(risk.Admit, &aliases{narrower: [][]string{{"users", "me"}}, denial: &risk.Denial{
		Code: CodeAlias, Status: 400, Title: "the path has no single meaning", Reason: "a parameter of the path is another spelling of a segment that the contract declares",
	}})
	if diff := cmp.Diff(want, placed, cmp.AllowUnexported(aliases{})); diff != "" {
		t.Error(diff)
	}
	if placed, err = newGuard(&risk.Site{Scope: risk.OfOperation, API: &risk.API{}, Op: &contract.Operation{Path: "/users/{id}"}}); err != nil || placed != nil {
		t.Errorf("without a contract: %v, %v", placed, err)
	}
}

func TestWhichPathsAreAliases(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, template string
		want           bool
	}{
		{"/users/ME", "/users/me", true}, {"/USERS/me", "/users/me", true}, {"/users/me", "/users/me", false}, {"/users/ME/keys", "/users/me", false}, {"/users", "/users/me", false},
		{"/users/ME/keys/4", "/users/me/keys/new", false}, {"/users/4/keys/NEW", "/users/me/keys/new", false}, {"/users/ME/keys/new", "/users/me/keys/new", true},
		{"/users/ME/keys/4", "/users/me/keys/{key}", true}, {"/users/me/keys/4", "/users/me/keys/{key}", false}, {"/users/4/keys/4", "/users/me/keys/{key}", false},
		{"/users/;v=1", "/users/", true}, {"/users/.json", "/users/", true}, {"/users/", "/users/", false},
	} {
		if got := alias(c.path, segments(c.template)); got != c.want {
			t.Errorf("%s for %s: %v", c.path, c.template, got)
		}
	}
}

func TestWhatSpellsAName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		segment string
		want    bool
	}{
		{"me", true}, {"ME", true}, {"me;", true}, {"me;a.b", true}, {"me?a", true}, {"me#a", true}, {"me.", true}, {"me. .", true}, {"me.json;v=1", true}, {"me.JSON", true}, {"me.json.", true},
		{"me.xml", true}, {"me.html", true}, {"me.htm", true}, {"me.txt", true}, {"me.csv", true}, {"me.yaml", true}, {"me.js", true}, {"me.css", true}, {"me.do", true}, {"me.action", true},
		{"", false}, {"json", false}, {"me.", true}, {"me.pdf", false}, {"me.json.xml", false}, {".me", false}, {" me", false}, {";me", false}, {"me,", false}, {"m", false},
	} {
		if got := spells(c.segment, "me"); got != c.want {
			t.Errorf("%q: %v", c.segment, got)
		}
	}
	if !spells("DATA.JSON", "data.json") || spells("data", "data.json") {
		t.Error("a suffix that belongs to the name")
	}
}

func TestOnePairIsOneFinding(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		paths string
		want  []string
	}{
		"other places of a slash":            {"/ab/c /a/bc", nil},
		"one is longer":                      {"/a/{x}/c /a/b/{y}/d", nil},
		"one is shorter":                     {"/a/b/{y}/d /a/{x}/c", nil},
		"they part later":                    {"/a/{x}/c/d /a/b/{y}/e", nil},
		"one is narrower":                    {"/a/{x}/{y} /a/b/{y}", nil},
		"one is wider":                       {"/a/b/{y} /a/{x}/{y}", nil},
		"a twin that crosses is told once":   {"/{x}/b /a/{y} /A/{z}", []string{"path/overlap 2: /a/{y} and /{x}/b take", "path/twins 3: /A/{z} and /a/{y} differ"}},
		"a third one is a twin of the first": {"/a /A /a/", []string{"path/twins 2: /A and /a differ", "path/twins 3: /a/ and /a differ"}},
	} {
		var got []string
		lint(design(strings.Fields(c.paths)...), func(d source.Diagnostic) {
			got = append(got, fmt.Sprintf("%s %d: %s", d.Code, d.At.Line, strings.Join(strings.Fields(d.Text)[:4], " ")))
			if d.Severity != source.Warning {
				t.Errorf("%s: %v", name, d)
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTwoThousandTemplatesAreCompared(t *testing.T) {
	t.Parallel()
	var paths, got []string
	for i := range 1999 {
		paths = append(paths, fmt.Sprintf("/%d", i))
	}
	lint(design(append(paths, "/0", "/0/", "/1/")...), func(d source.Diagnostic) { got = append(got, d.Text[:strings.Index(d.Text, " differ")]) })
	if diff := cmp.Diff([]string{"/0/ and /0"}, got); diff != "" {
		t.Error(diff)
	}
}
