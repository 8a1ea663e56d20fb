package risktest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/risktest"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
	"github.com/sallyport/sallyport/source"
)

// each runs f in every World of every risk.
func each(t *testing.T, f func(t *testing.T, r risk.Risk, w *risktest.World)) {
	t.Helper()
	for _, r := range risks.All() {
		worlds, err := risktest.Worlds(t.Context(), "../../risks/"+r.ID+"/testdata")
		if err != nil {
			t.Fatal(err)
		}
		if len(worlds) == 0 {
			t.Errorf("%s has no world", r.ID)
		}
		for _, w := range worlds {
			t.Run(r.ID+"/"+w.Name, func(t *testing.T) {
				t.Parallel()
				f(t, r, w)
			})
		}
	}
}

func TestTheLaw(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r risk.Risk, w *risktest.World) {
		t.Helper()
		for _, breach := range w.Judge(t.Context(), r, risks.All()) {
			t.Error(breach)
		}
	})
}

func TestEachNearMissHasAWorld(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, r := range risks.All() {
		worlds, err := risktest.Worlds(t.Context(), "../../risks/"+r.ID+"/testdata")
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range worlds {
			for _, m := range w.Misses {
				found[m] = true
			}
		}
	}
	for _, m := range risktest.NearMisses() {
		if !found[m] {
			t.Errorf("no world has the near miss %q", m)
		}
	}
}

// with is the list of all risks with one of them replaced.
func with(r risk.Risk) []risk.Risk {
	all := risks.All()
	for i := range all {
		if all[i].ID == r.ID {
			all[i] = r
		}
	}
	return all
}

func TestTheLawNoticesAFaceThatDoesNotWork(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("judges every world once for each mutant: needs about ten seconds")
	}
	each(t, func(t *testing.T, r risk.Risk, w *risktest.World) {
		t.Helper()
		denial := &risk.Denial{Code: "law/broken", Status: 400, Title: "no", Reason: "everything is denied"}
		for name, m := range map[string]struct {
			face   risk.Face
			change func(*risk.Risk)
			want   string // a part of a breach
		}{
			"a guard that guards nothing": {risk.GuardFace, func(r *risk.Risk) {
				r.Guard = func(*risk.Site) ([]risk.Placed, error) { return nil, nil }
			}, "behind the gateway"},
			"a guard that denies everything": {risk.GuardFace, func(r *risk.Risk) {
				phase := r.Phases[0]
				r.Guard = func(*risk.Site) ([]risk.Placed, error) {
					return risk.At(phase, risk.GuardFunc(func(*risk.Exchange) *risk.Denial { return denial })), nil
				}
			}, "lawful"},
			"a guard that panics": {risk.GuardFace, func(r *risk.Risk) {
				phase := r.Phases[0]
				r.Guard = func(*risk.Site) ([]risk.Placed, error) {
					return risk.At(phase, risk.GuardFunc(func(*risk.Exchange) *risk.Denial { panic("broken") })), nil
				}
			}, "the gateway failed"},
			"a probe that finds nothing": {risk.ProbeFace, func(r *risk.Risk) {
				r.Probe = func(context.Context, *risk.Target) error { return nil }
			}, "in the weak upstream"},
			"a probe that finds always": {risk.ProbeFace, func(r *risk.Risk) {
				r.Probe = func(_ context.Context, t *risk.Target) error {
					for _, code := range w.Findings {
						bare, probable := strings.CutPrefix(code, "probable ")
						t.Report(risk.Finding{Code: bare, Confirmed: !probable, Proof: "because"})
					}
					return nil
				}
			}, "in the sound upstream"},
			"a lint that is silent": {risk.LintFace, func(r *risk.Risk) {
				r.Lint = func(*contract.Contract, func(source.Diagnostic)) {}
			}, "of the flawed design"},
			"a lint that always speaks": {risk.LintFace, func(r *risk.Risk) {
				r.Lint = func(_ *contract.Contract, report func(source.Diagnostic)) {
					report(source.Diagnostic{At: source.Span{File: "a", Line: 1}, Code: "law/broken", Hint: "none"})
				}
			}, "of the sound design"},
		} {
			if m.face == risk.GuardFace && r.Guard == nil {
				continue // its guard is the front, which has tests of its own
			}
			mutant := r
			m.change(&mutant)
			if breaches := strings.Join(w.JudgeFace(t.Context(), m.face, mutant, with(mutant)), "\n"); !strings.Contains(breaches, m.want) {
				t.Errorf("%s lives: %s", name, breaches)
			}
		}
	})
}
