package intake

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// takes is an operation whose JSON body is any object.
func takes(method, path string) *contract.Operation {
	s := contract.NewSchema()
	s.Types = contract.ObjectType
	return &contract.Operation{Method: method, Path: path, Key: method + " key", Body: &contract.Body{Media: []*contract.Media{{Type: "application/json", Schema: s}}}}
}

// evil adds "evil": 1 to every body.
func evil(_ *contract.Schema, lawful *jsonx.Doc) []Mutant {
	m := Mutant{Code: "sample/code", What: "an evil", Name: "evil", Value: "1", At: source.Span{Line: 3}}
	m.Add(lawful)
	return []Mutant{m}
}

// answer is "STATUS BODY", with " @LOCATION" behind it, or "" for none.
func answer(text string) (*risk.Seen, error) {
	if text == "" {
		return &risk.Seen{Status: 200, Body: []byte(`{"evil":1}`)}, errors.New("reset")
	}
	text, location, _ := strings.Cut(text, " @")
	status, body, _ := strings.Cut(text, " ")
	seen := &risk.Seen{Body: []byte(body), Fields: risk.Fields{{Name: "location", Value: location}}}
	for _, c := range status {
		seen.Status = 10*seen.Status + int(c-'0')
	}
	return seen, nil
}

// attack runs the probe on one write, with others declared beside it, against
// a service whose nth answer is the nth of script. It lists what was sent and
// what was found.
func attack(t *testing.T, op *contract.Operation, others []string, script ...string) (sent, found []string, err error) {
	t.Helper()
	c := &contract.Contract{Operations: []*contract.Operation{op}}
	for _, o := range others {
		method, path, _ := strings.Cut(o, " ")
		c.Operations = append(c.Operations, &contract.Operation{Method: method, Path: path})
	}
	err = Probe(t.Context(), &risk.Target{
		Contract: c,
		Lawful: func(o *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: o.Method, Path: strings.ReplaceAll(o.Path, "{id}", "1"), Body: []byte(`{"a":0}`)}, o == op
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			if a.As != "alice" {
				t.Errorf("sent as %q", a.As)
			}
			sent = append(sent, strings.TrimSpace(a.Method+" "+a.Path+" "+string(a.Body)))
			if len(sent) > len(script) {
				t.Fatalf("too much was sent: %q", sent)
			}
			return answer(script[len(sent)-1])
		},
		Report: func(f risk.Finding) {
			if f.At.Line != 3 || f.Code != "sample/code" || f.Operation != op.Method+" key" || f.Confirmed != strings.Contains(f.Proof, "read again") {
				t.Errorf("%+v", f)
			}
			found = append(found, f.Proof)
		},
	}, evil)
	return sent, found, err
}

func TestWhatAPostMadeIsReadAndDeleted(t *testing.T) {
	t.Parallel()
	all := []string{"GET /orders/{id}", "DELETE /orders/{id}"}
	const lawful, mutant, read, gone, held = `POST /orders {"a":0}`, `POST /orders {"a":0,"evil":1}`, "GET /orders/7", "DELETE /orders/7", `200 {"x":[{"evil":1}]}`
	const kept, said = `POST /orders took an evil in "evil" with 201, and the object holds the value when it is read again`, `POST /orders took an evil in "evil" with 201, and its answer holds the value`
	for name, c := range map[string]struct {
		others, script, sent []string
		found                string
	}{
		"kept, by its id":                   {all, []string{`201 {"id":7}`, "204", `201 {"id":7}`, held, "204"}, []string{lawful, gone, mutant, read, gone}, kept},
		"kept, by its place":                {all, []string{"201 @/orders/7", "204", "201 @https://orders.example/orders/7?a", held, "204"}, []string{lawful, gone, mutant, read, gone}, kept},
		"the place goes before the id":      {all, []string{`201 {"id":8} @/orders/7`, "204", `201 {"id":8} @/orders/7`, held, "204"}, []string{lawful, gone, mutant, read, gone}, kept},
		"a place that is no URL":            {all, []string{`201 {"id":7} @%zz`, "204", "400"}, []string{lawful, gone, mutant}, ""},
		"a place without a path":            {all, []string{`201 {"id":7} @?a`, "204", "400"}, []string{lawful, gone, mutant}, ""},
		"a place that is not declared":      {all, []string{`201 {"id":7} @/others/7`, "201 @/others/7"}, []string{lawful, mutant}, ""},
		"an id that needs escapes":          {all, []string{`201 {"id":"a b"}`, "204", "400"}, []string{lawful, "DELETE /orders/a%20b", mutant}, ""},
		"an id that is no name":             {all, []string{`201 {"id":[7]}`, "400"}, []string{lawful, mutant}, ""},
		"refused":                           {all, []string{"201", "400"}, []string{lawful, mutant}, ""},
		"refused with its own words":        {all, []string{"201", `300 {"evil":1}`}, []string{lawful, mutant}, ""},
		"not refused yet":                   {all, []string{"201", `199 {"evil":1}`}, []string{lawful, mutant}, ""},
		"no answer":                         {all, []string{"201", ""}, []string{lawful, mutant}, ""},
		"said, and nothing to read":         {all, []string{"201", `201 {"evil":1}`}, []string{lawful, mutant}, said},
		"said, and no way to read":          {nil, []string{"201 @/orders/7", `201 {"evil":1} @/orders/7`}, []string{lawful, mutant}, said},
		"said, and not answered to a read":  {all, []string{"201", `201 {"evil":1,"id":7}`, "", "204"}, []string{lawful, mutant, read, gone}, said},
		"said, and not what is kept":        {all, []string{"201", `201 {"evil":1,"id":7}`, `200 {"evil":2}`, "204"}, []string{lawful, mutant, read, gone}, ""},
		"said, and then refused":            {all, []string{"201", `201 {"evil":1,"id":7}`, `404 {"evil":1}`, "204"}, []string{lawful, mutant, read, gone}, ""},
		"said, and lost, and not there yet": {all, []string{"201", `201 {"evil":1,"id":7}`, `199 {"evil":1}`, "204"}, []string{lawful, mutant, read, gone}, ""},
		"nothing said and nothing to read":  {all, []string{"201", "201"}, []string{lawful, mutant}, ""},
		"no way to delete":                  {all[:1], []string{"201 @/orders/7", "201 @/orders/7", held}, []string{lawful, mutant, read}, kept},
	} {
		sent, found, err := attack(t, takes("POST", "/orders"), c.others, c.script...)
		if diff := cmp.Diff(c.sent, sent); diff != "" || strings.Join(found, "\n") != c.found || err != nil {
			t.Errorf("%s: %v, found %q, sent (-want +got):\n%s", name, err, found, diff)
		}
	}
}

func TestAnIDStandsBehindOneSlash(t *testing.T) {
	t.Parallel()
	sent, _, err := attack(t, takes("POST", "/orders/"), []string{"GET /orders/{id}", "DELETE /orders/{id}"}, `201 {"id":7}`, "204", "400")
	if diff := cmp.Diff([]string{`POST /orders/ {"a":0}`, "DELETE /orders/7", `POST /orders/ {"a":0,"evil":1}`}, sent); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestWhatWasOverwrittenIsWrittenAgain(t *testing.T) {
	t.Parallel()
	all := []string{"GET /orders/{id}", "DELETE /orders/{id}"}
	for _, method := range []string{"PUT", "PATCH"} {
		lawful, mutant, back := method+` /orders/1 {"a":0}`, method+` /orders/1 {"a":0,"evil":1}`, method+` /orders/1 {"a":0,"evil":[5]}`
		const read, old, held = "GET /orders/1", `200 {"evil":[5]}`, `200 {"evil":1}`
		proof := method + ` /orders/{id} took an evil in "evil" with 299, and the object holds the value when it is read again`
		for name, c := range map[string]struct {
			others, script, sent []string
			found                string
		}{
			"kept":                        {all, []string{"200", old, "299", held, "200", "200"}, []string{lawful, read, mutant, read, back, lawful}, proof},
			"kept, and new":               {all, []string{"200", "200 {}", "299", held, "200"}, []string{lawful, read, mutant, read, lawful}, proof},
			"kept, and not there before":  {all, []string{"200", `404 {"evil":[5]}`, "299", held, "200"}, []string{lawful, read, mutant, read, lawful}, proof},
			"kept, and unknown before":    {all, []string{"200", "", "299", held, "200"}, []string{lawful, read, mutant, read, lawful}, proof},
			"not kept":                    {all, []string{"200", old, "299", old, "200"}, []string{lawful, read, mutant, read, lawful}, ""},
			"refused":                     {all, []string{"200", old, "400", "200"}, []string{lawful, read, mutant, lawful}, ""},
			"no way to read":              {all[1:], []string{"200", `299 {"id":1}`, "200"}, []string{lawful, mutant, lawful}, ""},
			"the lawful one fails":        {all, []string{"300"}, []string{lawful}, ""},
			"the lawful one is not there": {all, []string{"199"}, []string{lawful}, ""},
			"the lawful one is lost":      {all, []string{""}, []string{lawful}, ""},
		} {
			sent, found, err := attack(t, takes(method, "/orders/{id}"), c.others, c.script...)
			want := error(nil)
			if len(c.sent) == 1 {
				want = ErrNothing
			}
			if diff := cmp.Diff(c.sent, sent); diff != "" || strings.Join(found, "\n") != c.found || !errors.Is(err, want) {
				t.Errorf("%s: %v, found %q, sent (-want +got):\n%s", name, err, found, diff)
			}
		}
	}
}

func TestOtherMethodsLeaveNothingToUndo(t *testing.T) {
	t.Parallel()
	sent, found, err := attack(t, takes("DELETE", "/orders/{id}"), []string{"GET /orders/{id}"}, "200", `200 {"evil":1}`, `200 {"evil":1}`)
	if diff := cmp.Diff([]string{`DELETE /orders/1 {"a":0}`, `DELETE /orders/1 {"a":0,"evil":1}`, "GET /orders/1"}, sent); diff != "" || len(found) != 1 || err != nil {
		t.Errorf("%v, found %q: %s", err, found, diff)
	}
}

func TestWhatIsTried(t *testing.T) {
	t.Parallel()
	reset := errors.New("reset")
	media := func(list ...*contract.Media) *contract.Operation {
		return &contract.Operation{Method: "POST", Path: "/a", Body: &contract.Body{Media: list}}
	}
	xml, bare := &contract.Media{Type: "application/xml", Schema: contract.NewSchema()}, &contract.Media{Type: "application/json"}
	json := takes("POST", "/a").Body.Media[0]
	for name, c := range map[string]struct {
		ops    []*contract.Operation
		lawful string // the body; "-" where there is none
		send   error
		sent   int
		want   error
	}{
		"nothing takes a body":           {[]*contract.Operation{{Method: "GET", Path: "/a"}}, "{}", nil, 0, nil},
		"no JSON":                        {[]*contract.Operation{media(xml)}, "{}", nil, 0, nil},
		"JSON without a schema":          {[]*contract.Operation{media(bare)}, "{}", nil, 0, nil},
		"JSON behind others":             {[]*contract.Operation{media(xml, bare, json)}, "{}", nil, 2, nil},
		"no lawful request":              {[]*contract.Operation{takes("POST", "/a")}, "-", nil, 0, ErrNothing},
		"no lawful body":                 {[]*contract.Operation{takes("POST", "/a")}, "", nil, 0, ErrNothing},
		"no answer":                      {[]*contract.Operation{takes("POST", "/a")}, "{}", reset, 1, ErrNothing},
		"a list is not broken":           {[]*contract.Operation{takes("POST", "/a")}, "[{}]", nil, 1, nil},
		"nor a number":                   {[]*contract.Operation{takes("POST", "/a")}, "7", nil, 1, nil},
		"nor what is malformed":          {[]*contract.Operation{takes("POST", "/a")}, "{", nil, 1, nil},
		"one without and one with":       {[]*contract.Operation{{Method: "GET", Path: "/a"}, takes("POST", "/a")}, "{}", nil, 2, nil},
		"two that conflict are two more": {[]*contract.Operation{takes("POST", "/a"), takes("POST", "/a")}, "{}", nil, 4, nil},
	} {
		sent := 0
		err := Probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: c.ops},
			Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{Method: "POST", Path: "/a", Body: []byte(c.lawful)}, c.lawful != "-"
			},
			Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) {
				sent++
				return &risk.Seen{Status: 200}, c.send
			},
			Report: func(f risk.Finding) { t.Errorf("%s: %+v", name, f) },
		}, evil)
		if !errors.Is(err, c.want) || sent != c.sent {
			t.Errorf("%s: %v, %d sent", name, err, sent)
		}
	}
}

func TestOneOperationThatAnswersIsEnough(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"/a", "/b"} {
		err := Probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{takes("POST", "/a"), takes("POST", "/b")}},
			Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{Method: "POST", Path: op.Path, Body: []byte("{}")}, op.Path == good
			},
			Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) { return &risk.Seen{Status: 200}, nil },
		}, evil)
		if err != nil {
			t.Errorf("%s alone: %v", good, err)
		}
	}
}

func TestAProbeThatIsCalledBackSaysSo(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400} {
		ctx, cancel := context.WithCancel(t.Context())
		err := Probe(ctx, &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{takes("POST", "/a")}},
			Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{Method: "POST", Path: "/a", Body: []byte("{}")}, true
			},
			Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) {
				cancel()
				return &risk.Seen{Status: status}, nil
			},
		}, evil)
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}
