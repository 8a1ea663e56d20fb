package request

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

func operation() *contract.Operation {
	return &contract.Operation{
		Method: "PUT", Path: "/orders/{id}", Key: "PUT /orders/{}", Parameters: []*contract.Parameter{{Name: "id", In: contract.InPath}},
		Body: &contract.Body{Media: []*contract.Media{{Type: "application/json"}}},
	}
}

// guards builds those of one site, by phase.
func guards(t testing.TB, s *risk.Site) map[risk.Phase]risk.Guard {
	t.Helper()
	placed, err := newGuard(s)
	if err != nil {
		t.Fatal(err)
	}
	out := map[risk.Phase]risk.Guard{}
	for _, p := range placed {
		out[p.Phase] = p.Guard
	}
	return out
}

func site(silent risk.Silence, p any) *risk.Site {
	return &risk.Site{Scope: risk.OfOperation, Op: operation(), Silent: silent, Params: p}
}

func code(d *risk.Denial) fault.Code {
	if d == nil {
		return ""
	}
	return d.Code
}

func violations(classes ...risk.Class) risk.Reading {
	var r risk.Reading
	for _, c := range classes {
		r.Violate(risk.Violation{Class: c})
	}
	return r
}

func marks(kinds ...risk.MarkKind) risk.Reading {
	var r risk.Reading
	for _, k := range kinds {
		r.Mark(risk.Mark{Kind: k})
	}
	return r
}

func TestTheHeadMustKeepTheContract(t *testing.T) {
	t.Parallel()
	strict := Params{Strict: true}
	for _, c := range []struct {
		name          string
		params        any
		head, content risk.Reading
		want          fault.Code
	}{
		{"nothing is wrong", nil, risk.Reading{}, risk.Reading{}, ""},
		{"a bad value", nil, violations(risk.BadValue), risk.Reading{}, CodeParameter},
		{"a malformed value", nil, violations(risk.BadSyntax), risk.Reading{}, CodeParameter},
		{"a bad value behind others", nil, violations(risk.Undeclared, risk.Unchecked, risk.BadValue), risk.Reading{}, CodeParameter},
		{"an undeclared parameter is somebody else's", nil, violations(risk.Undeclared), violations(risk.WrongMedia), ""},
		{"a body that is missing", nil, risk.Reading{}, violations(risk.BadValue), CodeBody},
		{"too many marks", nil, risk.Reading{Overflow: true}, risk.Reading{}, CodeParameter},
		{"an unchecked stream passes", nil, risk.Reading{}, risk.Reading{Unchecked: true}, ""},
		{"an unchecked stream when strict", strict, risk.Reading{}, risk.Reading{Unchecked: true}, CodeUnchecked},
		{"an unchecked parameter when strict", strict, violations(risk.Unchecked), risk.Reading{}, CodeUnchecked},
		{"a bad value when strict", strict, violations(risk.BadValue), risk.Reading{Unchecked: true}, CodeParameter},
	} {
		d := guards(t, site(risk.LeaveSilent, c.params))[risk.Head].Check(risk.NewExchange(&risk.Facts{Head: c.head, Content: c.content}, nil))
		if code(d) != c.want {
			t.Errorf("%s: got %q", c.name, code(d))
		}
	}
}

func TestTheBodyMustKeepTheContract(t *testing.T) {
	t.Parallel()
	over := risk.Reading{Overflow: true}
	for _, c := range []struct {
		name   string
		silent risk.Silence
		params any
		in     risk.Reading
		want   fault.Code
		shown  risk.Shown
	}{
		{"nothing is wrong", 0, nil, risk.Reading{}, "", 0},
		{"malformed", 0, nil, violations(risk.BadSyntax), CodeSyntax, risk.ShowBody},
		{"a bad value", 0, nil, violations(risk.BadValue), CodeBody, risk.ShowBody},
		{"a part of a form in another type", 0, nil, risk.Reading{Violations: []risk.Violation{{Class: risk.WrongMedia, Pointer: "/photo"}}}, CodeBody, risk.ShowBody},
		{"a body in another type is somebody else's", 0, nil, violations(risk.WrongMedia), "", 0},
		{"a bad value behind something unchecked", 0, nil, violations(risk.Unchecked, risk.BadValue), CodeBody, risk.ShowBody},
		{"too many parts", 0, nil, over, CodeComplex, risk.ShowBody},
		{"a member that the schema refuses", 0, nil, marks(risk.UndeclaredClosed), CodeBody, risk.ShowBody},
		{"a member that the schema welcomes", risk.RefuseSilent, Params{Strict: true}, marks(risk.UndeclaredOpen), "", 0},
		{"what a schema does not speak of is somebody else's", risk.RefuseSilent, nil, marks(risk.UndeclaredSilent, risk.ReadOnlyMember), "", 0},
		{"a refused member behind others", 0, nil, marks(risk.ReadOnlyMember, risk.UndeclaredClosed), CodeBody, risk.ShowBody},
		{"sensitive members are what bodies are for", 0, nil, marks(risk.SensitiveMember, risk.WriteOnlyMember), "", 0},
		{"unchecked", 0, nil, risk.Reading{Unchecked: true}, "", 0},
		{"unchecked when strict", 0, Params{Strict: true}, risk.Reading{Unchecked: true}, CodeUnchecked, risk.ShowNothing},
		{"partly unchecked when strict", 0, Params{Strict: true}, violations(risk.Unchecked), CodeUnchecked, risk.ShowNothing},
	} {
		d := guards(t, site(c.silent, c.params))[risk.Body].Check(risk.NewExchange(&risk.Facts{Content: c.in}, nil))
		if code(d) != c.want {
			t.Errorf("%s: got %q", c.name, code(d))
		}
		if d != nil && (d.Status != 400 || d.Show != c.shown || d.Title == "" || d.Reason == "") {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

func TestGuardsStandOnlyWhereThereIsSomethingToJudge(t *testing.T) {
	t.Parallel()
	noBody := operation()
	noBody.Body = nil
	for _, c := range []struct {
		name string
		site *risk.Site
		want []risk.Phase
	}{
		{"the listener", &risk.Site{Scope: risk.OfListener}, nil},
		{"no operation", &risk.Site{Scope: risk.OfAPI, API: &risk.API{}}, nil},
		{"an operation without input", &risk.Site{Scope: risk.OfOperation, Op: &contract.Operation{}}, nil},
		{"parameters alone", &risk.Site{Scope: risk.OfOperation, Op: noBody}, []risk.Phase{risk.Head}},
		{"a body", site(0, Params{}), []risk.Phase{risk.Head, risk.Body}},
	} {
		placed, err := newGuard(c.site)
		if err != nil {
			t.Fatal(err)
		}
		var got []risk.Phase
		for _, p := range placed {
			got = append(got, p.Phase)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestPassingAllocatesNothing(t *testing.T) {
	g := guards(t, site(risk.RefuseSilent, Params{Strict: true}))
	x := risk.NewExchange(&risk.Facts{Content: marks(risk.UndeclaredOpen, risk.SensitiveMember)}, nil)
	if n := testing.AllocsPerRun(100, func() { g[risk.Head].Check(x); g[risk.Body].Check(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
