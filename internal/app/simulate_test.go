package app

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/source"
)

// ask simulates one request on the tiny document.
func ask(t *testing.T, sim SimulateOptions) *Simulated {
	t.Helper()
	file := write(t, filepath.Join(t.TempDir(), "tiny.yaml"), tiny)
	got, err := Simulate(t.Context(), Options{To: "http://127.0.0.1:1", OpenAPI: file, Clock: clock.System{}, Rand: strings.NewReader(strings.Repeat("x", 1<<12))}, sim)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const wholeKey = "sp_live_00000000000000000000000000000000000000000003pjaw0"

func TestASimulationDecidesAsTheGatewayDoes(t *testing.T) {
	t.Parallel()
	get := Request{Method: "GET", Target: "/things/1"}
	put := Request{Method: "PUT", Target: "/things/1", Fields: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"name":"far too long a name"}`)}
	keyed := func(key string) Request {
		return Request{Method: "GET", Target: "/things/1", Host: "a.example:8443", Fields: http.Header{"X-Api-Key": {key}}}
	}
	for _, c := range []struct {
		name     string
		sim      SimulateOptions
		decision event.Decision
		risk     string
		subject  string
	}{
		{"nobody is refused", SimulateOptions{Request: get}, event.Deny, "authn", ""},
		{"a subject passes", SimulateOptions{Request: get, As: "alice"}, event.Allow, "", "alice"},
		{"scopes make a caller", SimulateOptions{Request: get, Scopes: []string{"a"}}, event.Allow, "", "simulated"},
		{"a whole key passes", SimulateOptions{Request: keyed(wholeKey)}, event.Allow, "", "simulated"},
		{"and with a subject it is theirs", SimulateOptions{Request: keyed(wholeKey), As: "bob"}, event.Allow, "", "bob"},
		{"but not when nothing is valid", SimulateOptions{Request: keyed(wholeKey), Anonymous: true}, event.Deny, "authn", ""},
		{"a part of a key does not", SimulateOptions{Request: keyed("sp_live_8f2")}, event.Deny, "authn", ""},
		{"unless a subject stands in for it", SimulateOptions{Request: keyed("sp_live_8f2"), As: "alice"}, event.Allow, "", "alice"},
		{"the word of the simulation is no key", SimulateOptions{Request: keyed(offlineKey)}, event.Deny, "authn", ""},
		{"a broken body is refused", SimulateOptions{Request: put, As: "alice"}, event.Deny, "request", "alice"},
		{"what is undeclared is refused", SimulateOptions{Request: Request{Method: "GET", Target: "/nothing"}, As: "alice"}, event.Deny, "undeclared", ""},
	} {
		got := ask(t, c.sim)
		e := got.Event
		if e.Decision != c.decision || e.Risk != c.risk || e.Personal.Subject != c.subject {
			t.Errorf("%s: %v %q for %q: %s", c.name, e.Decision, e.Risk, e.Personal.Subject, e.Reason)
		}
		if got.Denied() != (c.decision == event.Deny) || e.Upstream.Called != (c.decision == event.Allow) {
			t.Errorf("%s: denied %v, upstream %v", c.name, got.Denied(), e.Upstream.Called)
		}
		if all := strings.Join(got.Assumed, "\n"); strings.Contains(all, "sp_live") || !strings.Contains(all, "TLS") {
			t.Errorf("%s: assumed %q", c.name, all)
		}
		if !e.ID.IsZero() || e.Seq != 0 {
			t.Errorf("%s: it has a place in a log", c.name)
		}
	}
}

func TestTheReplyOfASimulationMayBeGiven(t *testing.T) {
	t.Parallel()
	sim := SimulateOptions{Request: Request{Method: "GET", Target: "/things/1"}, As: "alice", Reply: &Reply{Body: []byte(`{"id":"no number"}`)}}
	got := ask(t, sim)
	if !slices.Contains(got.Event.Flags, flagReply) || got.Event.Upstream.Status != 200 {
		t.Errorf("a reply outside the contract: flags %v, status %d", got.Event.Flags, got.Event.Upstream.Status)
	}
	sim.Reply = &Reply{Status: 503, Fields: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("down")}
	if got := ask(t, sim); got.Event.Upstream.Status != 503 {
		t.Errorf("the status is %d", got.Event.Upstream.Status)
	}
}

func TestNobodyIsAnonymousAndSomebody(t *testing.T) {
	t.Parallel()
	for _, sim := range []SimulateOptions{{Anonymous: true, As: "alice"}, {Anonymous: true, Scopes: []string{"a"}}, {As: strings.Repeat("a", 201)}} {
		if _, err := Simulate(t.Context(), Options{}, sim); err == nil {
			t.Errorf("%+v is simulated", sim)
		}
	}
}

// schema is an empty schema that change has filled.
func schema(change func(*contract.Schema)) *contract.Schema {
	s := contract.NewSchema()
	change(s)
	return s
}

func TestASampleIsTheSmallestValue(t *testing.T) {
	t.Parallel()
	text := schema(func(s *contract.Schema) { s.Types, s.MinLength = contract.StringType, 2 })
	number := func(low, above, of contract.Number, types contract.Types) *contract.Schema {
		return schema(func(s *contract.Schema) { s.Types, s.Minimum, s.ExclusiveMinimum, s.MultipleOf = types, low, above, of })
	}
	object := schema(func(s *contract.Schema) {
		s.Types = contract.ObjectType | contract.NullType
		s.Properties = []contract.Property{{Name: "a", Schema: text}, {Name: "b", Schema: number("3", "", "", contract.IntegerType)},
			{Name: "pin", Schema: schema(func(s *contract.Schema) { s.WriteOnly = true })}}
		s.Required = []string{"b", "pin"}
	})
	loop := schema(func(s *contract.Schema) { s.Required = []string{"next"} })
	loop.Properties = []contract.Property{{Name: "next", Schema: loop}}
	for name, c := range map[string]struct {
		of   *contract.Schema
		want string
	}{
		"anything":          {contract.NewSchema(), `{}`},
		"text":              {text, `"aa"`},
		"a date":            {schema(func(s *contract.Schema) { s.Types, s.Format = contract.StringType, "date" }), `"2026-01-01"`},
		"an integer":        {number("", "", "", contract.IntegerType), `0`},
		"from a bound":      {number("1.5", "", "", contract.IntegerType), `2`},
		"above a bound":     {number("", "7", "", contract.IntegerType), `8`},
		"a multiple":        {number("7", "", "5", contract.IntegerType), `10`},
		"a number":          {number("0.25", "", "", contract.NumericType), `0.25`},
		"a negative number": {schema(func(s *contract.Schema) { s.Types, s.Maximum = contract.IntegerType, "-3" }), `-3`},
		"an object":         {object, `{"b":3}`},
		"in a list": {schema(func(s *contract.Schema) {
			s.Types, s.MinItems, s.Items = contract.ArrayType, 2, text
		}), `["aa","aa"]`},
		"of all": {schema(func(s *contract.Schema) {
			s.AllOf = []*contract.Schema{object, schema(func(s *contract.Schema) { s.Required = []string{"a"} })}
		}), `{"b":3,"a":"aa"}`},
		"of one":     {schema(func(s *contract.Schema) { s.OneOf = []*contract.Schema{text, object} }), `"aa"`},
		"by name":    {schema(func(s *contract.Schema) { s.Ref = object }), `{"b":3}`},
		"of a few":   {schema(func(s *contract.Schema) { s.Enum = []source.Value{{Kind: source.String, Text: "x"}} }), `"x"`},
		"an example": {schema(func(s *contract.Schema) { s.Examples = []source.Value{{Kind: source.Bool, Text: "true"}} }), `true`},
		"nothing":    {schema(func(s *contract.Schema) { s.Types = contract.NullType }), `null`},
	} {
		v, isExample := sampleOf(c.of)
		if diff := cmp.Diff(c.want, string(appendJSON(nil, v))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if isExample != (name == "an example") {
			t.Errorf("%s: example %v", name, isExample)
		}
	}
	if v, _ := sampleOf(loop); strings.Count(string(appendJSON(nil, v)), "next") != maxSampleDepth+1 {
		t.Errorf("a schema without end gives %s", appendJSON(nil, v))
	}
}
