package parser

import (
	"context"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func schema(types contract.Types, format string) *contract.Schema {
	s := contract.NewSchema()
	s.Types, s.Format = types, format
	return s
}

func order(total string) *contract.Schema {
	s := contract.NewSchema()
	note := schema(contract.StringType, "")
	note.MaxLength = 20
	s.Properties = []contract.Property{
		{Name: "quantity", Schema: schema(contract.IntegerType, "")}, {Name: "total", Schema: schema(contract.IntegerType, total)}, {Name: "note", Schema: note},
	}
	return s
}

func operation(total string) *contract.Operation {
	return &contract.Operation{
		Method: "POST", Path: "/orders/{id}", Key: "POST /orders/{}",
		Parameters: []*contract.Parameter{
			{Name: "id", In: contract.InPath, Schema: schema(contract.IntegerType, "")},
			{Name: "page", In: contract.InQuery, Schema: schema(contract.IntegerType, "")},
			{Name: "after", In: contract.InQuery, Schema: schema(contract.IntegerType, "int64")},
			{Name: "word", In: contract.InQuery, Schema: schema(contract.StringType, "")},
		},
		Body: &contract.Body{Media: []*contract.Media{{Type: "application/json", Schema: order(total)}}},
	}
}

func guards(t *testing.T, op *contract.Operation) []risk.Placed {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: op})
	if err != nil {
		t.Fatal(err)
	}
	return placed
}

// judge runs the guards in order and returns the code of the first denial.
func judge(placed []risk.Placed, f *risk.Facts) fault.Code {
	x := risk.NewExchange(f, nil)
	for _, p := range placed {
		if d := p.Guard.Check(x); d != nil {
			return d.Code
		}
	}
	return ""
}

func TestNumbersThatDoublesDoNotHoldAreRefused(t *testing.T) {
	t.Parallel()
	narrow, wide := guards(t, operation("")), guards(t, operation("int64"))
	for _, c := range []struct {
		body         string
		narrow, wide bool // denied
	}{
		{`{"quantity":1}`, false, false},
		{`{"quantity":-9007199254740992}`, false, false},
		{`{"quantity":9007199254740993}`, true, false},
		{`{"quantity":-9007199254740993}`, true, false},
		{`{"a":[1,{"b":[-0,9007199254740993.0]}]}`, true, false},
		{`{"quantity":18446744073709551615}`, true, false},
		{`{"quantity":184467440737095516150}`, true, true},
		{`{"note":"9007199254740993 \" 1e999 \\"}`, false, false},
		{`{"9007199254740993":1}`, false, false},
		{`{"price":0.1000000000000000055511151231257827}`, false, false},
		{`{"price":6.02e23}`, false, false},
		{`{"price":1.7976931348623157e308}`, false, false},
		{`{"price":1e309}`, true, true},
		{`{"price":-1E+400}`, true, true},
		{`{"price":1e-400}`, true, true},
		{`{"price":0e400}`, false, false},
		{`{"price":9007199254740993e0}`, true, true},
		{`{"price":90071992547409930e-1}`, true, true},
		{`1e400`, true, true},
		{`[true,null,"e"]`, false, false},
	} {
		for _, k := range []struct {
			placed []risk.Placed
			denied bool
		}{{narrow, c.narrow}, {wide, c.wide}} {
			got := judge(k.placed, &risk.Facts{Request: risk.Request{Media: "application/json"}, Body: []byte(c.body)})
			if (got == CodeNumber) != k.denied {
				t.Errorf("%s: %q, want denied %v", c.body, got, k.denied)
			}
		}
	}
	if got := judge(narrow, &risk.Facts{Request: risk.Request{Media: "text/plain"}, Body: []byte("9007199254740993")}); got != "" {
		t.Errorf("a text is read as JSON: %q", got)
	}
	broken := risk.Facts{Request: risk.Request{Media: "application/json"}, Body: []byte(`{"a":9007199254740993`)}
	broken.Content.Violate(risk.Violation{Class: risk.BadSyntax, Rule: "syntax"})
	if got := judge(narrow, &broken); got != "" {
		t.Errorf("what is no JSON is the affair of another risk: %q", got)
	}
}

func TestNumericParametersAreHeldToo(t *testing.T) {
	t.Parallel()
	g := guards(t, operation(""))
	for _, c := range []struct {
		name, value string
		denied      bool
	}{
		{"page", "7", false},
		{"page", "9007199254740993", true},
		{"page", "-9007199254740993", true},
		{"page", "1e999", true},
		{"page", "abc", false},
		{"page", "", false},
		{"after", "9007199254740993", false},
		{"word", "9007199254740993", false},
		{"id", "9007199254740993", true},
		{"id", "8", false},
	} {
		f := &risk.Facts{}
		if c.name == "id" {
			f.Request.Params = []risk.PathParam{{Name: c.name, Text: c.value}}
		} else {
			f.Request.Pairs = []canon.Pair{{Name: "other", Value: "9007199254740993"}, {Name: c.name, Value: c.value}}
		}
		if got := judge(g, f); (got == CodeNumber) != c.denied {
			t.Errorf("%s=%s: %q", c.name, c.value, got)
		}
	}
}

func TestWhatTheContractMachineSawTwiceIsNamedHere(t *testing.T) {
	t.Parallel()
	g := guards(t, operation(""))
	var twice, charset, long risk.Facts
	twice.Head.Violate(risk.Violation{Class: risk.BadValue, In: contract.InQuery, Name: "page", Rule: "duplicate"})
	charset.Content.Violate(risk.Violation{Class: risk.BadSyntax, In: contract.InBody, Rule: "charset"})
	long.Head.Violate(risk.Violation{Class: risk.BadValue, Rule: "maxLength"})
	if a, b, c := judge(g, &twice), judge(g, &charset), judge(g, &long); a != CodeDuplicate || b != CodeCharset || c != "" {
		t.Errorf("%q, %q, %q", a, b, c)
	}
}

func TestPlacesWithoutInputHaveNoGuard(t *testing.T) {
	t.Parallel()
	for _, s := range []*risk.Site{{Scope: risk.OfListener}, {Scope: risk.OfAPI}, {Scope: risk.OfOperation, Op: &contract.Operation{Method: "GET", Path: "/"}}} {
		if placed, err := newGuard(s); err != nil || len(placed) != 0 {
			t.Errorf("scope %d: %v, %v", s.Scope, placed, err)
		}
	}
	if placed := guards(t, &contract.Operation{Method: "GET", Path: "/", Parameters: operation("").Parameters}); len(placed) != 1 || placed[0].Phase != risk.Head {
		t.Errorf("without a body: %v", placed)
	}
}

func TestAPassAllocatesNothing(t *testing.T) {
	g := guards(t, operation(""))
	x := risk.NewExchange(&risk.Facts{
		Request: risk.Request{Media: "application/json", Params: []risk.PathParam{{Name: "id", Text: "9007199254740991"}}, Pairs: []canon.Pair{{Name: "page", Value: "7"}}},
		Body:    []byte(`{"quantity":9007199254740992,"note":"a\"1","price":[0.25,-3]}`),
	}, nil)
	if n := testing.AllocsPerRun(100, func() {
		for _, p := range g {
			if p.Guard.Check(x) != nil {
				t.Fatal("denied")
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzHeld compares with exact arithmetic: a whole number that is held and not
// wide survives a double.
func FuzzHeld(f *testing.F) {
	for _, s := range []string{"0", "-1", "9007199254740992", "9007199254740993", "1e22", "1e23", "1.5e300", "123456789012345678e-2", "1e400", "-0.0e9"} {
		f.Add(s)
	}
	fuzzloop.Run(f, func(t *testing.T, text string) {
		if len(text) > 40 || !json.Valid([]byte(text)) || text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
			return
		}
		text = strings.TrimSpace(text)
		exact, ok := new(big.Rat).SetString(text)
		if !ok || !exact.IsInt() || !held(text, false) || strings.ContainsAny(text, "eE") {
			return
		}
		if v, _ := exact.Float64(); new(big.Rat).SetFloat64(v).Cmp(exact) != 0 {
			t.Errorf("%s is held, and a double makes %v of it", text, v)
		}
	})
}

func TestLint(t *testing.T) {
	t.Parallel()
	at := func(line int) source.Span { return source.Span{File: "a", Line: line} }
	shared, bound := order(""), schema(contract.IntegerType, "")
	bound.Maximum, bound.At = "9007199254740993", at(9)
	long := schema(contract.IntegerType, "int64")
	long.Maximum = bound.Maximum
	body := func(types ...string) *contract.Contract {
		b := &contract.Body{At: at(1)}
		for _, s := range types {
			b.Media = append(b.Media, &contract.Media{Type: s, Schema: shared})
		}
		return &contract.Contract{Operations: []*contract.Operation{{Method: "POST", Body: b}, {Method: "PUT", Body: b}, {Method: "GET"}}}
	}
	for _, c := range []struct {
		name string
		c    *contract.Contract
		want []source.Code
	}{
		{"one format", body("application/json"), nil},
		{"two names of one format", body("application/json", "application/merge-patch+json"), nil},
		{"a form beside JSON, shared by two operations", body("application/json", "application/x-www-form-urlencoded"), []source.Code{CodeFormats}},
		{"XML beside JSON", body("text/xml", "application/json"), []source.Code{CodeFormats}},
		{"an image beside JSON", body("image/png", "application/json"), nil},
		{"a wide bound", &contract.Contract{Schemas: []*contract.Schema{bound}}, []source.Code{CodeWide}},
		{"a wide bound that is declared", &contract.Contract{Schemas: []*contract.Schema{long}}, nil},
	} {
		var got []source.Code
		lint(c.c, func(d source.Diagnostic) {
			got = append(got, d.Code)
			if d.Hint == "" || d.At.IsZero() {
				t.Errorf("%s: %v", c.name, d)
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// run probes a server and returns what was found.
func run(t *testing.T, serve func(a *risk.Attempt) (int, string)) (codes, sent []string) {
	t.Helper()
	status := schema(contract.StringType, "")
	create := operation("")
	create.Path = "/orders"
	ops := []*contract.Operation{
		{Method: "GET", Path: "/orders", Parameters: []*contract.Parameter{{Name: "status", In: contract.InQuery, Schema: status}}},
		create, {Method: "DELETE", Path: "/orders/{id}"},
	}
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: ops},
		Canary:   func() string { return "abcdefghijklmnop" },
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			sent = append(sent, a.Method+" "+a.Path)
			code, body := serve(a)
			seen := &risk.Seen{Status: code, Body: []byte(body)}
			if code == 201 {
				seen.Fields = risk.Fields{{Name: "Location", Value: "/orders/7"}}
			}
			return seen, nil
		},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			a := &risk.Attempt{Method: op.Method, Path: op.Path}
			switch op.Method {
			case "GET":
				a.Query = "status=paid"
			case "POST":
				a.Body = []byte(`{"quantity": 1, "note": "a"}`)
			default:
				return nil, false
			}
			return a, true
		},
		Report: func(f risk.Finding) {
			if !f.Confirmed || f.Proof == "" {
				t.Errorf("unproved: %+v", f)
			}
			codes = append(codes, f.Code)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(codes)
	return codes, sent
}

// orders is a server with a choice of the value that counts.
func orders(query func(string) bool, member func(string) string, number string) func(*risk.Attempt) (int, string) {
	return func(a *risk.Attempt) (int, string) {
		switch a.Method {
		case "GET":
			if query(a.Query) {
				return 200, "paid orders"
			}
			return 400, "no"
		case "POST":
			if note := member(string(a.Body)); note != "" {
				return 201, `{"note":"` + note + `","quantity":` + number + `}`
			}
			return 400, "no"
		}
		return 204, ""
	}
}

func TestTheProbeFindsOnlyWhatIsProved(t *testing.T) {
	t.Parallel()
	strict := func(q string) bool { return q == "status=paid" }
	once := func(body string) string {
		if strings.Count(body, `"note":`) != 1 || strings.Contains(body, "abcdefghijklmnop") {
			return ""
		}
		return "a"
	}
	lastOf := func(body string) string { // judged is the first one
		if i := strings.Index(body, `"note": "a"`); i >= 0 {
			if strings.Contains(body[i:], "abcdefghijklmnop") {
				return "abcdefghijklmnopabcdefghijklmnop"
			}
			return "a"
		}
		return ""
	}
	for _, c := range []struct {
		name  string
		serve func(*risk.Attempt) (int, string)
		want  []string
	}{
		{"a sound server", orders(strict, once, "1"), nil},
		{"the first of two parameters", orders(func(q string) bool { return strings.HasPrefix(q, "status=paid") }, once, "1"), []string{"parser/duplicate"}},
		{"the last of two parameters", orders(func(q string) bool { return strings.HasSuffix(q, "status=paid") }, once, "1"), []string{"parser/duplicate"}},
		{"a parameter that nobody reads", orders(func(string) bool { return true }, once, "1"), nil},
		{"the last of two members", orders(strict, lastOf, "1"), []string{"parser/duplicate"}},
		{"the lawful one of two members", orders(strict, func(body string) string {
			if strings.Contains(body, `"a"`) {
				return "a"
			}
			return ""
		}, "1"), nil},
		{"a number that is rounded", orders(strict, once, "9007199254740992"), []string{"parser/number"}},
		{"a number that is kept", orders(strict, once, "9007199254740993"), nil},
	} {
		got, sent := run(t, c.serve)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		creates, deletes := 0, 0
		for _, s := range sent {
			switch s {
			case "POST /orders":
				creates++
			case "DELETE /orders/7":
				deletes++
			}
		}
		if len(sent) > 20 || deletes == 0 || deletes > creates {
			t.Errorf("%s: %v", c.name, sent)
		}
	}
}
