package parser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// A script is a target that answers by what is asked for: query, body, or
// method and path of a request to undo.
type script struct {
	ops     []*contract.Operation
	lawful  func(*contract.Operation) *risk.Attempt // nil: none
	answers map[string]*risk.Seen                   // nil: no answer
	sent    []string
	found   []risk.Finding
}

func (s *script) probe(t *testing.T) error {
	t.Helper()
	return probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: s.ops}, Canary: func() string { return "abcdefghijklmnop" },
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			a := s.lawful(op)
			return a, a != nil
		},
		Report: func(f risk.Finding) { s.found = append(s.found, f) },
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			what := a.Query + string(a.Body)
			if what == "" {
				what = a.Method + " " + a.Path
			}
			s.sent = append(s.sent, what)
			seen := s.answers[what]
			if again, ok := s.answers[fmt.Sprintf("%s#%d", what, count(s.sent, what))]; ok {
				seen = again
			}
			if seen == nil {
				return nil, errors.New("reset")
			}
			return seen, nil
		},
	})
}

func count(list []string, text string) int {
	n := 0
	for _, s := range list {
		if s == text {
			n++
		}
	}
	return n
}

func say(status int, text string) *risk.Seen { return &risk.Seen{Status: status, Body: []byte(text)} }

const canary = "abcdefghijklmnop"

func TestTheProbeOfQueries(t *testing.T) {
	t.Parallel()
	const good, bad = "status=paid", "status=" + canary
	text := schema(contract.StringType, "")
	declared := &contract.Parameter{Name: "status", In: contract.InQuery, Schema: text}
	answers := func(first, again, alone, after, before *risk.Seen) map[string]*risk.Seen {
		return map[string]*risk.Seen{good: first, good + "#2": again, bad: alone, good + "&" + bad: after, bad + "&" + good: before}
	}
	ok, no := say(200, "paid"), say(400, "no")
	once, twice := []string{good}, []string{good, good}
	alone := []string{good, good, bad}
	both := []string{good, good, bad, good + "&" + bad}
	all := append(slices.Clone(both), bad+"&"+good)
	for name, c := range map[string]struct {
		answers map[string]*risk.Seen
		p       *contract.Parameter
		sent    []string
		found   bool
	}{
		"the first counts":              {answers(ok, ok, no, ok, no), declared, both, true},
		"the last counts":               {answers(ok, ok, no, no, ok), declared, all, true},
		"both are refused":              {answers(ok, ok, no, no, no), declared, all, false},
		"both are lost":                 {answers(ok, ok, no, nil, nil), declared, all, false},
		"both get something else":       {answers(ok, ok, no, say(200, "all"), say(201, "paid")), declared, all, false},
		"an odd success":                {answers(say(299, "a"), say(299, "a"), say(499, ""), say(299, "a"), no), declared, both, true},
		"an odd refusal":                {answers(ok, ok, say(500, ""), ok, no), declared, alone, false},
		"less than a refusal":           {answers(ok, ok, say(399, ""), ok, no), declared, alone, false},
		"no answer alone":               {answers(ok, ok, nil, ok, no), declared, alone, false},
		"the other one is taken":        {answers(ok, ok, say(200, ""), ok, no), declared, alone, false},
		"no answer":                     {answers(nil, ok, no, ok, no), declared, once, false},
		"no second answer":              {answers(ok, nil, no, ok, no), declared, twice, false},
		"an answer that changes":        {answers(ok, say(200, "more"), no, ok, no), declared, twice, false},
		"a status that changes":         {answers(ok, say(201, "paid"), no, ok, no), declared, twice, false},
		"less than a success":           {answers(say(199, "a"), say(199, "a"), no, say(199, "a"), no), declared, once, false},
		"more than a success":           {answers(say(300, "a"), say(300, "a"), no, say(300, "a"), no), declared, once, false},
		"a success without content":     {answers(say(204, ""), say(204, ""), no, say(204, ""), no), declared, once, false},
		"a success of one letter":       {answers(say(200, "a"), say(200, "a"), no, say(200, "a"), no), declared, both, true},
		"a parameter nobody declared":   {answers(ok, ok, no, ok, no), &contract.Parameter{Name: "other", In: contract.InQuery, Schema: text}, twice, false},
		"a parameter without a schema":  {answers(ok, ok, no, ok, no), &contract.Parameter{Name: "status", In: contract.InQuery}, twice, false},
		"a parameter that is a list":    {answers(ok, ok, no, ok, no), &contract.Parameter{Name: "status", In: contract.InQuery, Schema: schema(contract.ArrayType, "")}, twice, false},
		"a parameter that is an object": {answers(ok, ok, no, ok, no), &contract.Parameter{Name: "status", In: contract.InQuery, Schema: schema(contract.ObjectType, "")}, twice, false},
	} {
		at := source.Span{File: "a", Line: 7}
		s := &script{
			answers: c.answers, ops: []*contract.Operation{{Method: "GET", Path: "/orders", Key: "GET /orders", At: at, Parameters: []*contract.Parameter{c.p}}},
			lawful: func(op *contract.Operation) *risk.Attempt {
				return &risk.Attempt{Method: op.Method, Path: op.Path, Query: good}
			},
		}
		if err := s.probe(t); (err != nil) != (c.answers[good] == nil) {
			t.Errorf("%s: %v", name, err)
		}
		var want []risk.Finding
		if c.found {
			want = []risk.Finding{{
				Operation: "GET /orders", Confirmed: true, At: at, Code: "parser/duplicate",
				Proof: fmt.Sprintf("GET /orders took two values of the parameter status and answered as to the lawful one, though the other one alone got %d", c.answers[bad].Status),
			}}
		}
		if diff := cmp.Diff(c.sent, s.sent) + cmp.Diff(want, s.found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOnlyTheNamedPairIsDoubled(t *testing.T) {
	t.Parallel()
	text := schema(contract.StringType, "")
	const lawful = "x_status=paid&status=paid&x_status=paid"
	s := &script{
		answers: map[string]*risk.Seen{lawful: say(200, "a"), "x_status=paid&status=" + canary + "&x_status=paid": say(400, "no"), "x_status=paid&status=paid&status=" + canary + "&x_status=paid": say(200, "a")},
		ops:     []*contract.Operation{{Method: "GET", Path: "/orders", Parameters: []*contract.Parameter{{Name: "status", In: contract.InQuery, Schema: text}}}},
		lawful: func(op *contract.Operation) *risk.Attempt {
			return &risk.Attempt{Method: op.Method, Path: op.Path, Query: lawful}
		},
	}
	if err := s.probe(t); err != nil || len(s.found) != 1 {
		t.Errorf("%v, sent %q, found %v", err, s.sent, s.found)
	}
}

// place is a success with a Location.
func place(status int, text, location string) *risk.Seen {
	seen := say(status, text)
	if location != "" {
		seen.Fields = risk.Fields{{Name: "Location", Value: location}}
	}
	return seen
}

// creation is an operation that takes a JSON body of schema s,
// and those that delete.
func creation(s *contract.Schema) []*contract.Operation {
	return []*contract.Operation{
		{Method: "POST", Path: "/orders", Key: "POST /orders", Body: &contract.Body{Media: []*contract.Media{{Type: "application/json", Schema: s}}}},
		{Method: "DELETE", Path: "/orders/{id}"}, {Method: "DELETE", Path: "/orders"},
	}
}

// posts makes the lawful request of the one operation that creates.
func posts(text string) func(*contract.Operation) *risk.Attempt {
	return func(op *contract.Operation) *risk.Attempt {
		if op.Method != "POST" {
			return nil
		}
		return &risk.Attempt{Method: op.Method, Path: op.Path, Body: []byte(text)}
	}
}

func TestTheProbeOfMembers(t *testing.T) {
	t.Parallel()
	const good, bad = `{"note":"a","other":"b"}`, `{"note":"` + canary + canary + `","other":"b"}`
	const after, before = `{"note":"a","note":"` + canary + canary + `","other":"b"}`, `{"note":"` + canary + canary + `","note":"a","other":"b"}`
	shows, no := say(200, canary+canary), say(400, "no")
	alone, both, all := []string{bad}, []string{bad, after}, []string{bad, after, before}
	for name, c := range map[string]struct {
		alone, after, before *risk.Seen
		sent                 []string
		found                bool
	}{
		"the last counts":            {no, shows, no, both, true},
		"the first counts":           {no, no, shows, all, true},
		"an odd success and refusal": {say(499, ""), say(299, canary+canary), no, both, true},
		"both are refused":           {no, no, no, all, false},
		"both are lost":              {no, nil, nil, all, false},
		"a refusal that shows it":    {no, say(400, canary+canary), say(300, canary+canary), all, false},
		"less than a success":        {no, say(199, canary+canary), no, all, false},
		"the lawful one counts":      {no, say(201, "a"), say(201, "a"), all, false},
		"alone it is taken":          {shows, shows, shows, alone, false},
		"alone it is lost":           {nil, shows, shows, alone, false},
		"alone it breaks the server": {say(500, ""), shows, shows, alone, false},
		"alone it is sent elsewhere": {say(399, ""), shows, shows, alone, false},
	} {
		at := source.Span{File: "a", Line: 7}
		ops := creation(order(""))
		ops[0].At = at
		s := &script{answers: map[string]*risk.Seen{bad: c.alone, after: c.after, before: c.before}, ops: ops, lawful: posts(good)}
		if err := s.probe(t); (err != nil) != (c.alone == nil) {
			t.Errorf("%s: %v", name, err)
		}
		var want []risk.Finding
		if c.found {
			want = []risk.Finding{{
				Operation: "POST /orders", Confirmed: true, At: at, Code: "parser/duplicate",
				Proof: fmt.Sprintf("POST /orders took a body with the name note twice and kept the value that breaks its schema, which alone got %d", c.alone.Status),
			}}
		}
		if diff := cmp.Diff(c.sent, s.sent) + cmp.Diff(want, s.found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheProbeOfNumbers(t *testing.T) {
	t.Parallel()
	const odd = `{"other":1,"quantity":9007199254740993,"total":2}`
	const second = `{"other":1,"quantity":1,"total":9007199254740993}`
	const rounded = `{"n":9007199254740992}`
	for name, c := range map[string]struct {
		first *risk.Seen
		total string // format
		sent  []string
		found bool
	}{
		"rounded":                       {say(200, rounded), "", []string{odd}, true},
		"rounded with an odd success":   {say(299, rounded), "", []string{odd}, true},
		"less than a success":           {say(199, rounded), "", []string{odd, second}, false},
		"more than a success":           {say(300, rounded), "", []string{odd, second}, false},
		"lost":                          {nil, "", []string{odd, second}, false},
		"kept":                          {say(200, `{"n":9007199254740993}`), "", []string{odd, second}, false},
		"both are shown":                {say(200, rounded+`{"n":9007199254740993}`), "", []string{odd, second}, false},
		"kept, and the next may be big": {say(200, `{"n":9007199254740993}`), "int64", []string{odd}, false},
	} {
		at := source.Span{File: "a", Line: 7}
		ops := creation(order(c.total))
		ops[0].At = at
		s := &script{answers: map[string]*risk.Seen{odd: c.first, second: say(400, "no")}, ops: ops, lawful: posts(`{"other":1,"quantity":1,"total":2}`)}
		if err := s.probe(t); err != nil && c.first != nil {
			t.Errorf("%s: %v", name, err)
		}
		var want []risk.Finding
		if c.found {
			want = []risk.Finding{{Operation: "POST /orders", Confirmed: true, At: at, Code: "parser/number", Proof: "POST /orders took quantity as 9007199254740993 and gave 9007199254740992 back"}}
		}
		if diff := cmp.Diff(c.sent, s.sent) + cmp.Diff(want, s.found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsCreatedIsDeleted(t *testing.T) {
	t.Parallel()
	const odd = `{"quantity":9007199254740993}`
	for name, c := range map[string]struct {
		seen *risk.Seen
		gone string
	}{
		"a place":                       {place(201, "", "/orders/7"), "DELETE /orders/7"},
		"a place on a host":             {place(200, "", "https://api.example/orders/7?a=b"), "DELETE /orders/7"},
		"an odd success":                {place(299, "", "/orders/a%20b"), "DELETE /orders/a%20b"},
		"less than a success":           {place(199, "", "/orders/7"), ""},
		"more than a success":           {place(300, "", "/orders/7"), ""},
		"no place":                      {place(201, "", ""), ""},
		"a place that cannot be read":   {place(201, "", "/orders/%zz"), ""},
		"a place without a path":        {place(201, "", "?a"), ""},
		"a path without single meaning": {place(201, "", "/orders/%2e%2e"), ""},
		"a place nobody declared":       {place(201, "", "/others/7"), ""},
		"a place that is the list":      {place(201, "", "/orders"), ""},
	} {
		s := &script{answers: map[string]*risk.Seen{odd: c.seen, "DELETE /orders/7": say(204, "")}, ops: creation(order("")), lawful: posts(`{"quantity":1}`)}
		if err := s.probe(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := []string{odd}
		if c.gone != "" {
			want = append(want, c.gone)
		}
		if diff := cmp.Diff(want, s.sent); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsNotTried(t *testing.T) {
	t.Parallel()
	get := []*contract.Operation{{Method: "GET", Path: "/orders"}}
	for name, s := range map[string]*script{
		"nothing":                  {},
		"no lawful request":        {ops: creation(order("")), lawful: func(*contract.Operation) *risk.Attempt { return nil }},
		"a read without a query":   {ops: get, lawful: func(op *contract.Operation) *risk.Attempt { return &risk.Attempt{Method: op.Method, Path: op.Path} }},
		"a write that is not JSON": {ops: creation(order("")), lawful: posts("quantity=1")},
		"a write of a list":        {ops: creation(order("")), lawful: posts(`[{"quantity":1}]`)},
		"a write without a schema": {ops: creation(nil), lawful: posts(`{"quantity":1}`)},
		"a write without a body":   {ops: []*contract.Operation{{Method: "POST", Path: "/orders"}}, lawful: posts(`{"quantity":1}`)},
		"a change": {ops: []*contract.Operation{{Method: "PUT", Path: "/orders", Body: creation(order(""))[0].Body}}, lawful: func(op *contract.Operation) *risk.Attempt {
			return &risk.Attempt{Method: "PUT", Path: op.Path, Body: []byte(`{"quantity":1}`)}
		}},
	} {
		if err := s.probe(t); err != nil || s.sent != nil {
			t.Errorf("%s: %v, sent %q", name, err, s.sent)
		}
	}
	quiet := &script{ops: creation(order("")), lawful: posts(`{"unknown":"a","unknown2":1,"total":"a"}`)}
	if err := quiet.probe(t); err != nil || quiet.sent != nil {
		t.Errorf("members that the schema does not bound: %v, sent %q", err, quiet.sent)
	}
}

func TestTheProbeTriesEightOperations(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST"} {
		s := &script{lawful: func(op *contract.Operation) *risk.Attempt {
			if op.Path == "/0" {
				return nil
			}
			if op.Path == "/list" {
				return &risk.Attempt{Method: op.Method, Path: op.Path, Body: []byte("[]")}
			}
			a := &risk.Attempt{Method: op.Method, Path: op.Path}
			if op.Method == "GET" {
				a.Query = "of=" + op.Path
			} else {
				a.Body = []byte(`{"quantity":1,"of":"` + op.Path + `"}`)
			}
			return a
		}}
		for i := range 20 {
			op := creation(order(""))[0]
			op.Method, op.Path = method, "/list"
			if i >= 8 {
				op.Path = fmt.Sprintf("/%d", i-8)
			}
			s.ops = append(s.ops, op)
		}
		if err := s.probe(t); !errors.Is(err, errNoAnswer) || len(s.sent) != 8 || !strings.Contains(s.sent[7], "/8") {
			t.Errorf("%s: %v, sent %q", method, err, s.sent)
		}
	}
}

func TestTheSchemaOfABody(t *testing.T) {
	t.Parallel()
	s := order("")
	chain := func(n int) *contract.Schema {
		out := s
		for range n {
			out = &contract.Schema{Ref: out}
		}
		return out
	}
	media := func(kind string, s *contract.Schema) *contract.Media { return &contract.Media{Type: kind, Schema: s} }
	for name, c := range map[string]struct {
		media []*contract.Media
		want  bool
	}{
		"JSON": {[]*contract.Media{media("application/json", s)}, true}, "after a form": {[]*contract.Media{media("a/form", order("")), media("application/json", s)}, true},
		"a form": {[]*contract.Media{media("a/form", s)}, false}, "sixteen references": {[]*contract.Media{media("application/json", chain(16))}, true},
		"seventeen references": {[]*contract.Media{media("application/json", chain(17))}, false}, "after JSON without a schema": {[]*contract.Media{media("application/json", nil), media("application/json", s)}, true},
	} {
		if got := bodySchema(&contract.Operation{Body: &contract.Body{Media: c.media}}); (got == s) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatBreaksASchema(t *testing.T) {
	t.Parallel()
	long := func(n int, types contract.Types) *contract.Schema {
		s := schema(types, "")
		s.MaxLength = n
		return s
	}
	enum := schema(contract.StringType, "")
	enum.Enum = []source.Value{{Text: "a"}}
	numbers := schema(contract.IntegerType, "")
	numbers.Enum = enum.Enum
	for name, c := range map[string]struct {
		s    *contract.Schema
		want int // letters
	}{
		"any text": {schema(contract.StringType, ""), 0}, "one of a list": {enum, 16}, "a number of a list": {numbers, 0}, "one letter less": {long(15, contract.StringType), 16},
		"as long": {long(16, contract.StringType), 32}, "nothing": {long(0, contract.StringType), 16}, "of no type": {long(1, 0), 16}, "a number": {long(1, contract.IntegerType), 0},
		"null or text": {long(1, contract.StringType|contract.NullType), 16}, "null": {long(1, contract.NullType), 0}, "4095 letters": {long(4095, contract.StringType), 4096}, "4096 letters": {long(4096, contract.StringType), 0},
	} {
		if got := breach(c.s, canary); len(got) != c.want || strings.Trim(got, canary) != "" {
			t.Errorf("%s: %d letters", name, len(got))
		}
	}
}
