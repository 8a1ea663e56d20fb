package request

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/internal/lib/intake"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func schema(t contract.Types, change ...func(*contract.Schema)) *contract.Schema {
	s := contract.NewSchema()
	s.Types = t
	for _, f := range change {
		f(s)
	}
	return s
}

// order is the schema {quantity: integer 1-9, note: string of 20 at most,
// total: readOnly integer}, closed.
func order() *contract.Schema {
	never := contract.NewSchema()
	never.Never = true
	return schema(contract.ObjectType, func(s *contract.Schema) {
		s.AdditionalProperties = never
		s.Properties = []contract.Property{
			{Name: "note", Schema: schema(contract.StringType, func(s *contract.Schema) { s.MaxLength = 20 })},
			{Name: "quantity", Schema: schema(contract.IntegerType, func(s *contract.Schema) { s.Minimum, s.Maximum = "1", "9" })},
			{Name: "total", Schema: schema(contract.IntegerType, func(s *contract.Schema) { s.ReadOnly = true })},
		}
	})
}

// store is a server with one collection. Its behaviour is what keep does with
// a body, and what a POST says.
type store struct {
	keep   func(body map[string]any) (stored map[string]any, ok bool)
	say    func(stored map[string]any) map[string]any
	hidden bool // objects cannot be read again

	object  map[string]any
	deleted int
}

func (s *store) send(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
	reply := func(status int, v any) (*risk.Seen, error) {
		text, err := json.Marshal(v)
		return &risk.Seen{Status: status, Body: text}, err
	}
	switch {
	case a.Method == "DELETE":
		s.deleted++
		return reply(200, nil)
	case a.Method == "GET" && a.Path == "/orders/7" && !s.hidden:
		return reply(200, s.object)
	case a.Method != "POST":
		return reply(404, nil)
	}
	var body map[string]any
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return reply(400, nil)
	}
	stored, ok := s.keep(body)
	if !ok {
		return reply(400, map[string]any{"error": "bad"})
	}
	stored["id"] = 7
	s.object = stored
	return reply(201, s.say(stored))
}

func all(body map[string]any) (map[string]any, bool) { return body, true }
func echo(stored map[string]any) map[string]any      { return stored }

// listed keeps what the contract lists and lets clients write.
func listed(body map[string]any) (map[string]any, bool) {
	n, ok := body["quantity"].(float64)
	note, _ := body["note"].(string)
	if !ok || n < 1 || n > 9 || len(note) > 20 {
		return nil, false
	}
	return map[string]any{"quantity": n, "note": note, "total": 10 * n}, true
}

func attack(t *testing.T, s *store) []risk.Finding {
	t.Helper()
	post := &contract.Operation{Method: "POST", Path: "/orders", Key: "POST /orders", Body: &contract.Body{Media: []*contract.Media{{Type: "application/json", Schema: order()}}}}
	ops := []*contract.Operation{post, {Method: "DELETE", Path: "/orders/{id}"}}
	if !s.hidden {
		ops = append(ops, &contract.Operation{Method: "GET", Path: "/orders/{id}"})
	}
	var out []risk.Finding
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: ops}, Callers: []string{"alice"}, Send: s.send,
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: "POST", Path: "/orders", Body: []byte(`{"quantity":2,"note":"a"}`)}, op == post
		},
		Report: func(f risk.Finding) { out = append(out, f) },
		Canary: func() string { return "abcdefghijklmnop" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestProbeBelievesOnlyWhatIsStored(t *testing.T) {
	t.Parallel()
	both := []string{"request/body quantity", "request/body xabcdefghijklmnop"}
	quotes := func(body map[string]any) (map[string]any, bool) {
		if stored, ok := listed(body); ok {
			return stored, true
		}
		text, err := json.Marshal(body)
		return map[string]any{"error": "cannot read " + string(text)}, err == nil
	}
	for _, c := range []struct {
		name      string
		s         store
		want      []string
		confirmed bool
	}{
		{"everything is stored", store{keep: all, say: echo}, both, true},
		{"everything is stored and nothing said", store{keep: all, say: func(map[string]any) map[string]any { return map[string]any{"id": 7} }}, both, true},
		{"a sound server", store{keep: listed, say: echo}, nil, false},
		{"an error in a 201 that quotes the value", store{keep: quotes, say: echo}, nil, false},
		{"said, and nowhere to read again", store{keep: all, say: func(m map[string]any) map[string]any { delete(m, "id"); return m }, hidden: true}, both, false},
	} {
		var got []string
		for _, f := range attack(t, &c.s) {
			name := f.Proof[strings.Index(f.Proof, `"`)+1:]
			got = append(got, f.Code+" "+name[:strings.Index(name, `"`)])
			if f.Confirmed != c.confirmed || f.Operation != "POST /orders" {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestAnEchoThatWasNotStoredIsNoFinding(t *testing.T) {
	t.Parallel()
	s := &store{say: echo}
	s.keep = func(body map[string]any) (map[string]any, bool) {
		stored, ok := listed(body)
		if !ok {
			stored = map[string]any{"quantity": 1}
		}
		s.say = func(map[string]any) map[string]any { body["id"] = 7; return body }
		return stored, true
	}
	if got := attack(t, s); len(got) != 0 {
		t.Errorf("found %+v", got)
	}
}

func TestProbeDeletesWhatItCreated(t *testing.T) {
	t.Parallel()
	s := &store{keep: all, say: echo}
	if attack(t, s); s.deleted != 3 {
		t.Errorf("%d deletions for one control and two mutants", s.deleted)
	}
}

func TestProbeThatCouldNotCompareSaysSo(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Method: "POST", Path: "/orders", Body: &contract.Body{Media: []*contract.Media{{Type: "application/json", Schema: order()}}}}
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{op}},
		Lawful:   func(*contract.Operation) (*risk.Attempt, bool) { return nil, false },
	})
	if !errors.Is(err, intake.ErrNothing) {
		t.Errorf("got %v", err)
	}
}

func TestPatternsWithAnEnd(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		`^[A-Z]{2,4}$`: true, `^\+[0-9]{6,15}$`: true, `^[+*]$`: true, `^(a|b)$`: true, `^a?$`: true, `^[\]+]$`: true,
		`[A-Z]`: false, `^a+$`: false, `^a*$`: false, `^a{2,}$`: false, `^a|b$`: false, `^(a+)$`: false, ``: false,
	} {
		if got := bounded(schema(contract.StringType, func(s *contract.Schema) { s.Pattern = pattern })); got != want {
			t.Errorf("%s: got %v", pattern, got)
		}
	}
}

func TestProbePutsBackWhatItChanged(t *testing.T) {
	t.Parallel()
	stored := map[string]any{"quantity": 2.0, "note": "a", "total": 20.0}
	put := &contract.Operation{Method: "PATCH", Path: "/orders/{id}", Key: "PATCH /orders/{}", Body: &contract.Body{Media: []*contract.Media{{Type: "application/json", Schema: order()}}}}
	found := 0
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{put, {Method: "GET", Path: "/orders/{id}"}}},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			if a.Method == "PATCH" {
				if err := json.Unmarshal(a.Body, &stored); err != nil {
					return nil, err
				}
			}
			text, err := json.Marshal(stored)
			return &risk.Seen{Status: 200, Body: text}, err
		},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{Method: "PATCH", Path: "/orders/1", Body: []byte(`{"note":"b"}`)}, op == put
		},
		Report: func(risk.Finding) { found++ },
		Canary: func() string { return "abcdefghijklmnop" },
	})
	if err != nil || found == 0 {
		t.Fatalf("%d found, %v", found, err)
	}
	if stored["total"] != 20.0 || stored["note"] != "b" || stored["quantity"] != 2.0 {
		t.Errorf("left %v behind", stored)
	}
}

func FuzzMutantsBreakTheBodyAndNotItsSyntax(f *testing.F) {
	f.Add(`{"quantity":2,"note":"a"}`, "abcdefghijklmnop")
	f.Add(` { "note" : "\u0061\"" } `, "abcdefghijklmnop")
	f.Add(`{}`, "abcdefghijklmnop")
	f.Add(`[1]`, "a")
	fuzzloop.Run(f, func(t *testing.T, lawful, canary string) {
		if len(canary) != 16 || strings.Trim(canary, "abcdefghijklmnopqrstuvwxyz") != "" {
			return
		}
		doc := jsonx.New(jsonx.Limits{})
		if doc.Parse([]byte(lawful)) != nil || doc.Kind(0) != jsonx.Object {
			return
		}
		for _, m := range mutants(order(), doc, canary) {
			body := m.With(m.Value)
			if !json.Valid(body) || !m.In(body) {
				t.Errorf("%q became %q, which does not hold %s in %q", lawful, body, m.Value, m.Name)
			}
		}
	})
}

func TestLintSpeaksOnceOfASchema(t *testing.T) {
	t.Parallel()
	open := schema(contract.ObjectType, func(s *contract.Schema) {
		s.Name = "Order"
		for _, n := range []string{"a", "b", "c", "d", "e", "f"} {
			s.Properties = append(s.Properties, contract.Property{Name: n, Schema: schema(contract.StringType)})
		}
	})
	takes := func(s *contract.Schema) *contract.Operation {
		return &contract.Operation{Method: "POST", Path: "/orders", Body: &contract.Body{Media: []*contract.Media{{Type: "application/json", Schema: s}}}}
	}
	composed := schema(0, func(s *contract.Schema) {
		part := order()
		part.AdditionalProperties = nil
		s.AllOf = []*contract.Schema{part}
	})
	formats := schema(contract.ObjectType, func(s *contract.Schema) {
		s.AdditionalProperties = contract.NewSchema()
		for _, f := range []string{"uuid", "date-time", "int64"} {
			kind := contract.StringType
			if f == "int64" {
				kind = contract.IntegerType
			}
			s.Properties = append(s.Properties, contract.Property{Name: f, Schema: schema(kind, func(s *contract.Schema) { s.Format = f })})
		}
		s.Properties = append(s.Properties, contract.Property{Name: "code", Schema: schema(contract.StringType, func(s *contract.Schema) { s.Pattern = "^[A-Z]{2,4}$" })})
	})
	nested := schema(contract.ObjectType, func(s *contract.Schema) {
		s.Name, s.AdditionalProperties = "Order", order().AdditionalProperties
		inner := order()
		inner.Properties = []contract.Property{{Name: "a", Schema: schema(contract.StringType)}}
		s.Properties = []contract.Property{{Name: "b", Schema: schema(contract.ArrayType, func(s *contract.Schema) { s.Items = inner })}}
	})
	list := schema(contract.ArrayType, func(s *contract.Schema) { s.Items = order() })
	for _, c := range []struct {
		name string
		ops  []*contract.Operation
		want []string
	}{
		{"a sound schema", []*contract.Operation{takes(order()), {Method: "GET"}}, nil},
		{"formats and patterns bound too", []*contract.Operation{takes(formats)}, nil},
		{"a part of an allOf cannot close itself", []*contract.Operation{takes(composed)}, nil},
		{"used twice, said once", []*contract.Operation{takes(open), takes(open)}, []string{
			`the schema "Order" leaves requests unbounded: a has no maxLength, b has no maxLength, c has no maxLength, d has no maxLength, e has no maxLength and 1 more`,
			"1 of 1 objects in request bodies say nothing about members that they do not list",
		}},
		{"inline schemas are their owner's", []*contract.Operation{takes(nested)}, []string{`the schema "Order" leaves requests unbounded: b has no maxItems, a has no maxLength`}},
		{"a list without an end", []*contract.Operation{takes(list)}, []string{"the body of POST /orders leaves requests unbounded: it has no maxItems"}},
		{"a pattern without an end", []*contract.Operation{takes(schema(contract.StringType, func(s *contract.Schema) { s.Pattern = "^a+$" }))}, []string{"the body of POST /orders leaves requests unbounded: it has no maxLength"}},
	} {
		var got []string
		lint(&contract.Contract{Operations: c.ops}, func(d source.Diagnostic) {
			got = append(got, d.Text)
			if d.Hint == "" || d.Code != CodeLoose && d.Code != CodeSilent || d.Severity == source.Error {
				t.Errorf("%s: %v", c.name, d)
			}
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s (-want +got):\n%s", c.name, cmp.Diff(c.want, got))
		}
	}
}
