package massassign

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func site(silent risk.Silence, p any) *risk.Site {
	return &risk.Site{Scope: risk.OfOperation, Op: &contract.Operation{Method: "PUT", Body: &contract.Body{}}, Silent: silent, Params: p}
}

func guardFor(t testing.TB, s *risk.Site) risk.Guard {
	t.Helper()
	placed, err := newGuard(s)
	if err != nil || len(placed) != 1 || placed[0].Phase != risk.Body {
		t.Fatalf("want one guard at body: %v %v", placed, err)
	}
	return placed[0].Guard
}

func mark(kind risk.MarkKind, pointer string) risk.Mark {
	return risk.Mark{Kind: kind, Start: 1, Value: 5, End: 9, Pointer: pointer}
}

func TestWhatBecomesOfMembers(t *testing.T) {
	t.Parallel()
	strip, allow := Params{ReadOnly: Strip}, Params{ReadOnly: Allow}
	for _, c := range []struct {
		name   string
		silent risk.Silence
		params any
		marks  []risk.Mark
		want   fault.Code
		cuts   int
	}{
		{"nothing", 0, nil, nil, "", 0},
		{"a readOnly member", 0, nil, []risk.Mark{mark(risk.ReadOnlyMember, "/rank")}, CodeReadOnly, 0},
		{"refused by the policy", 0, Params{ReadOnly: Refuse}, []risk.Mark{mark(risk.ReadOnlyMember, "/rank")}, CodeReadOnly, 0},
		{"stripped", 0, strip, []risk.Mark{mark(risk.ReadOnlyMember, "/rank"), mark(risk.ReadOnlyMember, "/a/id")}, "", 2},
		{"stripped from a form", 0, strip, []risk.Mark{{Kind: risk.ReadOnlyMember, Pointer: "/rank"}}, CodeReadOnly, 0},
		{"allowed", 0, allow, []risk.Mark{mark(risk.ReadOnlyMember, "/rank")}, "", 0},
		{"an undeclared member", 0, nil, []risk.Mark{mark(risk.UndeclaredSilent, "/nickname")}, "", 0},
		{"refused as undeclared", risk.RefuseSilent, allow, []risk.Mark{mark(risk.UndeclaredSilent, "/nickname")}, CodeUndeclared, 0},
		{"stripped as undeclared", risk.StripSilent, nil, []risk.Mark{mark(risk.UndeclaredSilent, "/nickname"), mark(risk.UndeclaredSilent, "/role")}, "", 2},
		{"a role", 0, nil, []risk.Mark{mark(risk.UndeclaredSilent, "/role")}, CodeServerOwned, 0},
		{"deep and in another spelling", 0, nil, []risk.Mark{mark(risk.UndeclaredSilent, "/user/0/IS-Admin")}, CodeServerOwned, 0},
		{"a role, stripped", 0, strip, []risk.Mark{mark(risk.UndeclaredSilent, "/role")}, "", 1},
		{"a role, allowed", 0, allow, []risk.Mark{mark(risk.UndeclaredSilent, "/role")}, "", 0},
		{"near misses", 0, nil, []risk.Mark{mark(risk.UndeclaredSilent, "/roleplay"), mark(risk.UndeclaredSilent, "/role/name"), mark(risk.UndeclaredSilent, "/created_at"), mark(risk.UndeclaredSilent, "/"+strings.Repeat("x", 99))}, "", 0},
		{"welcome or somebody else's", risk.RefuseSilent, nil, []risk.Mark{mark(risk.UndeclaredOpen, "/role"), mark(risk.UndeclaredClosed, "/role"), mark(risk.SensitiveMember, "/role"), mark(risk.WriteOnlyMember, "/role")}, "", 0},
		{"one that passes does not hide another", 0, strip, []risk.Mark{mark(risk.UndeclaredOpen, "/a"), mark(risk.ReadOnlyMember, "/rank"), {Kind: risk.ReadOnlyMember}}, CodeReadOnly, 1},
	} {
		x := risk.NewExchange(&risk.Facts{Content: risk.Reading{Marks: c.marks}}, nil)
		d := guardFor(t, site(c.silent, c.params)).Check(x)
		got := fault.Code("")
		if d != nil {
			got = d.Code
		}
		if got != c.want || len(x.Edits()) != c.cuts || d != nil && (d.Status != 400 || d.Title == "" || d.Reason == "") {
			t.Errorf("%s: %+v, %d edits", c.name, d, len(x.Edits()))
		}
		for _, e := range x.Edits() {
			if e.Do != risk.CutMember || e.On != risk.OnRequest || e.Start != 1 || e.End != 9 || e.Pointer == "" {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, p := range []any{Params{ReadOnly: "ignore"}, 1} {
		if _, err := newGuard(site(0, p)); err == nil {
			t.Errorf("%v: no error", p)
		}
	}
	for _, s := range []*risk.Site{{Scope: risk.OfListener}, {Scope: risk.OfAPI}, {Scope: risk.OfOperation, Op: &contract.Operation{}}} {
		if placed, err := newGuard(s); err != nil || len(placed) != 0 {
			t.Errorf("%+v: %v %v", s, placed, err)
		}
	}
}

// Not parallel: the count is that of the whole process.
func TestThePassAllocatesNothing(t *testing.T) {
	g := guardFor(t, site(0, nil))
	x := risk.NewExchange(&risk.Facts{Content: risk.Reading{Marks: []risk.Mark{mark(risk.UndeclaredSilent, "/nickname"), mark(risk.UndeclaredOpen, "/a")}}}, nil)
	if n := testing.AllocsPerRun(100, func() {
		if g.Check(x) != nil {
			t.Fatal("it must pass")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func object(properties ...contract.Property) *contract.Schema {
	s := contract.NewSchema()
	s.Types, s.Properties = contract.ObjectType, properties
	return s
}

func property(name string, readOnly bool) contract.Property {
	s := contract.NewSchema()
	s.Types, s.ReadOnly = contract.StringType, readOnly
	return contract.Property{Name: name, Schema: s}
}

func takes(method, path string, s *contract.Schema) *contract.Operation {
	return &contract.Operation{Method: method, Path: path, Key: method + " " + path, Body: &contract.Body{Media: []*contract.Media{{Type: "application/json", Schema: s}}}}
}

func TestTheProbeBelievesOnlyWhatIsStored(t *testing.T) {
	t.Parallel()
	all := func(string) bool { return true }
	for name, c := range map[string]struct {
		keeps func(name string) bool
		echo  bool
		want  int
	}{
		"everything":                        {all, true, 4},
		"everything, and nothing said":      {all, false, 4},
		"what is listed":                    {func(n string) bool { return n == "name" }, true, 0},
		"what is listed, and rank too":      {func(n string) bool { return n == "name" || n == "rank" }, false, 1},
		"a role, though nobody declared it": {func(n string) bool { return n == "name" || n == "role" }, true, 1},
	} {
		stored := map[string]any{}
		put := takes("PUT", "/users/1", object(property("name", false), property("rank", true)))
		n := 0
		var found []risk.Finding
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{put, {Method: "GET", Path: "/users/1"}}},
			Canary:   func() string { n++; return strings.Repeat(string(rune('a'+n)), 16) },
			Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{Method: "PUT", Path: "/users/1", Body: []byte(`{"name":"al"}`)}, op == put
			},
			Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
				var body map[string]any
				if a.Method == "PUT" {
					if err := json.Unmarshal(a.Body, &body); err != nil {
						return nil, err
					}
					for k, v := range body {
						if c.keeps(k) {
							stored[k] = v
						}
					}
				}
				if a.Method == "GET" || !c.echo {
					body = stored
				}
				text, err := json.Marshal(body)
				return &risk.Seen{Status: 200, Body: text}, err
			},
			Report: func(f risk.Finding) { found = append(found, f) },
		})
		if err != nil || len(found) != c.want {
			t.Errorf("%s: %v %+v", name, err, found)
		}
	}
}

func TestTheLintSpeaksOfWhatClientsMayWrite(t *testing.T) {
	t.Parallel()
	name := property("name", false)
	for what, c := range map[string]struct {
		op   *contract.Operation
		want string
	}{
		"a role":                     {takes("POST", "/users", object(name, property("role", false))), `clients may write "role", which mostly only the server sets`},
		"several":                    {takes("PATCH", "/users", object(name, property("createdAt", false), property("owner_id", false))), `clients may write "createdAt", "owner_id", which mostly only the server sets`},
		"a role that is readOnly":    {takes("POST", "/users", object(name, property("role", true))), ""},
		"an operation for roles":     {takes("PUT", "/users/{id}/role", object(name, property("role", false))), ""},
		"a body of one":              {takes("PUT", "/users/{id}", object(property("role", false))), ""},
		"a state that is changed":    {takes("PATCH", "/users", object(name, property("status", false))), ""},
		"a state that is made":       {takes("POST", "/users", object(name, property("status", false))), `clients may write "status", which mostly only the server sets`},
		"names that only look alike": {takes("POST", "/users", object(name, property("roleplay", false), property("balanced", false))), ""},
		"no body":                    {&contract.Operation{Method: "GET"}, ""},
	} {
		var got []string
		lint(&contract.Contract{Operations: []*contract.Operation{c.op, c.op}}, func(d source.Diagnostic) {
			got = append(got, d.Text)
			if d.Code != CodeWritable || d.Hint == "" {
				t.Errorf("%+v", d)
			}
		})
		if diff := cmp.Diff(c.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}
