package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
	"github.com/sallyport/sallyport/risks/cors"
	"github.com/sallyport/sallyport/risks/errors"
	"github.com/sallyport/sallyport/risks/transport"
	"github.com/sallyport/sallyport/taxon"
)

func TestTheFilesAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	a, err := Files(risks.All())
	if err != nil {
		t.Fatal(err)
	}
	b, err := Files(risks.All())
	if err != nil || !maps.EqualFunc(a, b, bytes.Equal) || len(a) != len(risks.All())+3 {
		t.Errorf("%d and %d files, %v", len(a), len(b), err)
	}
}

func TestAPageSaysWhatTheValueSays(t *testing.T) {
	t.Parallel()
	page := Page(&cors.Risk)
	for _, want := range []string{
		"# Other origins may read the API\n", "| id | `cors` |", "| phases | identify, reply |", "| faces | guard, probe, lint, evidence |",
		"| enforced | unless the policy says observe or off |", "| `credentials` | true or false |", "| `max_age` | duration | how long",
		"| `origins` | list | origins that may call", "| [CWE-942](https://cwe.mitre.org/data/definitions/942.html) | CWE |", "### cors/origin\n",
		"\n## Limits\n", "`risks: { cors: { … } }`",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if page := Page(&transport.Risk); !strings.Contains(page, "| enforced | always; no policy switches it off |") || strings.Contains(page, "## Settings") {
		t.Error(page)
	}
	if page := Page(&errors.Risk); !strings.Contains(page, "| `detail` | one of `hide`, `keep` | hide: replies") {
		t.Error(page)
	}
	absent := risk.Risk{ID: "none", Doc: "# None\n", Why: map[risk.Face]string{risk.GuardFace: "the floor | stops it"}}
	if page := Page(&absent); !strings.Contains(page, `| no guard | the floor \| stops it |`) || !strings.Contains(page, "| faces | evidence |") {
		t.Error(page)
	}
}

func TestTheMatrixSaysWhatIsNotCovered(t *testing.T) {
	t.Parallel()
	one := risk.Risk{ID: "bola", Title: "Objects", Clauses: []taxon.Clause{taxon.API1_2023, taxon.CWE862}, Probe: cors.Risk.Probe}
	rows := map[string]string{}
	for line := range strings.Lines(Matrix([]risk.Risk{one})) {
		if id, _, ok := strings.Cut(strings.TrimPrefix(line, "| ["), "]"); ok && rows[id] == "" {
			rows[id] = line
		}
	}
	if row := rows["API1:2023"]; !strings.Contains(row, "[bola](bola.md) | probe | objects whose owner") || strings.Contains(row, "swaps objects") {
		t.Errorf("closed by bola: %s", row)
	}
	if row := rows["API4:2023"]; !strings.Contains(row, "| none | **nothing answers this yet**: limits of rate") {
		t.Errorf("open: %s", row)
	}
	if row := rows["CWE-862"]; !strings.Contains(row, "[bola](bola.md) | probe |") {
		t.Errorf("a clause: %s", row)
	}
	if row := rows["CWE-319"]; !strings.Contains(row, "| none yet | none |") {
		t.Errorf("an open clause: %s", row)
	}
	for _, c := range taxon.All() {
		if rows[c.String()] == "" {
			t.Errorf("%s is not in the matrix", c)
		}
	}
}

func TestEveryCategoryHasAGap(t *testing.T) {
	t.Parallel()
	for _, s := range []taxon.Standard{taxon.OWASP2023, taxon.OWASP2019} {
		list := of(s)
		if len(list) != 10 {
			t.Errorf("%s has %d categories", s, len(list))
		}
		for _, c := range list {
			if !slices.ContainsFunc(gaps(), func(g gap) bool { return g.clause == c && g.what != "" }) {
				t.Errorf("nothing is said to be missing of %s", c)
			}
		}
	}
}

func TestTheRulesAreOfSARIF(t *testing.T) {
	t.Parallel()
	text, err := Rules(risks.All())
	if err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	taxa := map[string]bool{}
	for _, t := range log.Runs[0].Taxonomies {
		for _, x := range t.Taxa {
			taxa[t.Name+" "+x.ID] = true
		}
	}
	seen := map[string]bool{}
	for _, r := range log.Runs[0].Tool.Driver.Rules {
		if seen[r.ID] || r.Short.Text == "" || !strings.HasSuffix(r.Short.Text, ".") && !strings.HasSuffix(r.Short.Text, "`") || r.Help.Markdown == "" {
			t.Errorf("rule %+v", r)
		}
		seen[r.ID] = true
		for _, x := range r.Relationships {
			if !taxa[x.Target.Component.Name+" "+x.Target.ID] {
				t.Errorf("%s points to no taxon: %+v", r.ID, x)
			}
		}
	}
	if !seen["cors/reflected"] || !seen["authn/missing"] || log.Version != "2.1.0" {
		t.Errorf("%v %s", seen, log.Version)
	}
}

func TestStaleFilesAreNamedAndRenewed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "risks")
	files := map[string][]byte{"a.md": []byte("a\n"), "b.md": []byte("b\n")}
	if err := compare(dir, files); err == nil {
		t.Error("files that are not there are not stale")
	}
	if err := update(dir, files); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir, files); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.md"), []byte("by hand\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir, files); err == nil {
		t.Error("an edited file is not stale")
	}
	if err := update(dir, files); err != nil {
		t.Fatal(err)
	}
	delete(files, "b.md")
	if err := compare(dir, files); err == nil {
		t.Error("a file of a risk that is gone is not stale")
	}
	if err := update(dir, files); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
}
