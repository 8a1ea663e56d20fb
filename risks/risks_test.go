package risks_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
)

func TestEveryFolderIsInTheListOnce(t *testing.T) {
	t.Parallel()
	var ids, folders []string
	for _, r := range risks.All() {
		ids = append(ids, r.ID)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	if !slices.Equal(ids, folders) {
		t.Errorf("listed %v, there are %v", ids, folders)
	}
}

func TestEveryRiskIsWhole(t *testing.T) {
	t.Parallel()
	sections := []string{"What goes wrong", "How Sallyport stops it", "How Sallyport proves it", "What the contract must say", "Limits"}
	for _, r := range risks.All() {
		title, _, _ := strings.Cut(r.Doc, "\n")
		if title != "# "+r.Title || len(r.Title) > 60 || strings.HasSuffix(r.Title, ".") {
			t.Errorf("%s: the doc begins %q, the title is %q", r.ID, title, r.Title)
		}
		for _, s := range sections {
			_, text, ok := strings.Cut(r.Doc, "\n## "+s+"\n")
			if text, _, _ = strings.Cut(text, "\n## "); !ok || len(strings.TrimSpace(text)) < 40 {
				t.Errorf("%s: the doc does not say %q", r.ID, s)
			}
		}
		if len(r.Phases) == 0 || len(r.Clauses) == 0 {
			t.Errorf("%s: no phases or no clauses", r.ID)
		}
		seen := map[string]bool{}
		for _, c := range r.Clauses {
			e := c.Entry()
			if e.ID == "" || seen[e.ID] {
				t.Errorf("%s: clause %v is unknown or there twice", r.ID, c)
			}
			seen[e.ID] = true
		}
		for face, there := range map[risk.Face]bool{risk.GuardFace: r.Guard != nil, risk.ProbeFace: r.Probe != nil, risk.LintFace: r.Lint != nil} {
			if why := r.Why[face]; there == (why != "") {
				t.Errorf("%s: face %d is absent without a reason, or there with one", r.ID, face)
			}
		}
	}
}

// TestEveryCodeHasAPage reads the codes out of the sources, since constants
// cannot be listed.
func TestEveryCodeHasAPage(t *testing.T) {
	t.Parallel()
	for _, r := range risks.All() {
		text, err := os.ReadFile("../internal/help/pages/" + r.ID + ".md")
		if err != nil {
			t.Error(err)
			continue
		}
		pages := map[string]bool{}
		for _, section := range strings.Split(string(text), "\n## ")[1:] {
			code, body, _ := strings.Cut(section, "\n")
			if pages[code] = true; len(strings.TrimSpace(body)) < 60 {
				t.Errorf("the page of %s says nothing", code)
			}
		}
		typed, all := codesOf(t, r.ID)
		if len(typed) == 0 {
			t.Errorf("%s has no codes", r.ID)
		}
		for code := range typed {
			if !pages[code] {
				t.Errorf("%s has no page", code)
			}
		}
		for code := range pages {
			if !all[code] {
				t.Errorf("the page of %s is about nothing", code)
			}
		}
	}
}

// codesOf finds the texts "ID/…" in the sources of a risk, and those of them
// that are constants of the types source.Code and fault.Code.
func codesOf(t *testing.T, id string) (typed, all map[string]bool) {
	t.Helper()
	typed, all = map[string]bool{}, map[string]bool{}
	files, err := filepath.Glob(id + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	if id == "framing" { // its guard is the front
		more, err := filepath.Glob("../internal/gateway/wire/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			before, after, ok := strings.Cut(line, `"`+id+`/`)
			if !ok {
				continue
			}
			name, _, _ := strings.Cut(after, `"`)
			all[id+"/"+name] = true
			typed[id+"/"+name] = typed[id+"/"+name] || strings.HasSuffix(before, ".Code = ")
		}
	}
	for code, is := range typed {
		if !is {
			delete(typed, code)
		}
	}
	return typed, all
}
