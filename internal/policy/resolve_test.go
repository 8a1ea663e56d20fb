package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

const layered = `version: 1
mode: enforce
max_body: 2MiB
risks:
  cors: { mode: observe, origins: ["https://a"], max_age: 5m, level: low }
apis:
  orders:
    upstream: http://127.0.0.1:8080
    openapi: orders.yaml
    mode: { observe: 14d }
    timeouts: { upstream: 10s }
    risks:
      cors: { origins: ["https://b", "https://c"], credentials: true }
      reply: { mode: off, because: "known" }
    operations:
      "GET /orders/{order}":
        max_body: 1KiB
        risks: { cors: { level: high }, reply: { mode: enforce } }
      createOrder: { mode: enforce, public: "sign-up" }
`

func says(name, text string, line int) source.Member {
	at := source.Span{File: "orders.yaml", Line: line, Col: 1}
	return source.Member{Name: name, NameAt: at, Value: source.Value{At: at, Kind: source.String, Text: text}}
}

func orders() *contract.Contract {
	return &contract.Contract{
		Extensions: contract.Extensions{says("owner", "doc@acme.com", 2), says("max-reply", "3MiB", 3), says("undeclared", "strip", 4)},
		Operations: []*contract.Operation{
			{ID: "getOrder", Method: "GET", Path: "/orders/{id}", Key: "GET /orders/{}",
				Extensions: contract.Extensions{says("max-body", "5KiB", 10), says("owner", "op@acme.com", 11), says("sensitive", "x", 12), {Name: "x-internal"}}},
			{ID: "createOrder", Method: "POST", Path: "/orders", Key: "POST /orders",
				Extensions: contract.Extensions{says("undeclared", "refuse", 20), says("undeclared", "strip", 21)}},
			{ID: "GET /orders", Method: "GET", Path: "/orders", Key: "GET /orders"},
		},
	}
}

func resolved(t *testing.T) (*Policy, *Resolved) {
	t.Helper()
	p, err := parse(layered)
	if err != nil {
		t.Fatal(err)
	}
	p, l := p.WithContract("orders", orders(), fakes())
	if l.Err() != nil {
		t.Fatal(l)
	}
	return p, p.Resolve(p.API("orders"), orders(), fakes())
}

func TestTheNarrowerLevelWinsFieldByField(t *testing.T) {
	t.Parallel()
	_, r := resolved(t)
	get := r.Operations[0]
	cors, _ := get.Ruling("cors")
	want := corsParams{Origins: []string{"https://b", "https://c"}, Age: 5 * time.Minute, Cookies: true, Level: "high"}
	if d := cmp.Diff(want, cors.Params); d != "" {
		t.Errorf("settings of cors: (-want +got)\n%s", d)
	}
	lines := map[string]int{}
	for _, p := range cors.From {
		lines[p.Name] = p.At.Line
	}
	if d := cmp.Diff(map[string]int{"origins": 13, "credentials": 13, "max_age": 5, "level": 18}, lines); d != "" {
		t.Errorf("places of settings: (-want +got)\n%s", d)
	}
	whole, _ := r.Whole.Ruling("cors")
	if p, ok := whole.Params.(corsParams); !ok || p.Level != "low" {
		t.Errorf("a setting of an operation reached the whole API: %+v", whole.Params)
	}
}

func TestAModeThatNamesTheRiskWins(t *testing.T) {
	t.Parallel()
	p, r := resolved(t)
	for _, c := range []struct {
		site Site
		risk string
		want ModeKind
		line int
	}{
		{r.Operations[0], "cors", Observe, 5},      // the gateway names it, the API's 14d does not
		{r.Operations[0], "reply", Enforce, 18},    // the operation names it
		{r.Operations[1], "reply", Off, 14},        // the API names it, the operation's mode does not
		{r.Operations[1], "transport", Enforce, 0}, // a floor
		{r.Whole, "reply", Off, 14},
		{p.Listener(fakes()), "reply", Enforce, 2},
		{p.Listener(fakes()), "cors", Observe, 5},
	} {
		got, ok := c.site.Ruling(c.risk)
		if !ok || got.Mode.Value.Kind != c.want || got.Mode.At.Line != c.line {
			t.Errorf("%s: got %s from %s, want %s from line %d", c.risk, got.Mode.Value.Kind, Source(got.Mode.At), c.want, c.line)
		}
	}
	if off, _ := r.Whole.Ruling("reply"); off.Because.Value != "known" {
		t.Errorf("the reason is lost: %+v", off)
	}
	if _, ok := r.Whole.Ruling("zebra"); ok {
		t.Error("a risk that does not exist has a ruling")
	}
}

func TestAFloorEnforcesWhateverTheApiObserves(t *testing.T) {
	t.Parallel()
	_, r := resolved(t)
	got, _ := r.Whole.Ruling("transport")
	if got.Mode.Value.Kind != Enforce || r.Whole.Mode.Value.Kind != Observe {
		t.Errorf("floor is %s in an API that is %s", got.Mode.Value.Kind, r.Whole.Mode.Value.Kind)
	}
}

func TestTheFileWinsOverTheDocumentAtOneLevelOnly(t *testing.T) {
	t.Parallel()
	_, r := resolved(t)
	get, create, list := r.Operations[0], r.Operations[1], r.Operations[2]
	type seen struct {
		What  any
		Place string
	}
	got := []seen{
		{get.MaxBody.Value, Source(get.MaxBody.At)},
		{get.Owner.Value, Source(get.Owner.At)},
		{create.Undeclared.Value, Source(create.Undeclared.At)},
		{list.Undeclared.Value, Source(list.Undeclared.At)},
		{list.MaxBody.Value, Source(list.MaxBody.At)},
		{list.MaxReply.Value, Source(list.MaxReply.At)},
		{list.Owner.Value, Source(list.Owner.At)},
		{list.Timeouts.Upstream.Value, Source(list.Timeouts.Upstream.At)},
		{list.Timeouts.Head.Value, Source(list.Timeouts.Head.At)},
		{create.Public.Value, Source(create.Public.At)},
	}
	want := []seen{
		{int64(1 << 10), "sallyport.yaml:17:19"},
		{"op@acme.com", "orders.yaml:11:1"},
		{Refuse, "orders.yaml:20:1"},
		{Strip, "orders.yaml:4:1"},
		{int64(2 << 20), "sallyport.yaml:3:11"},
		{int64(3 << 20), "orders.yaml:3:1"},
		{"doc@acme.com", "orders.yaml:2:1"},
		{10 * time.Second, "sallyport.yaml:11:27"},
		{DefaultHead, "default"},
		{"sign-up", "sallyport.yaml:19:45"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestNoGuardCanChangeTheSettingsOfAnother(t *testing.T) {
	t.Parallel()
	p, r := resolved(t)
	cors, _ := r.Whole.Ruling("cors")
	params, ok := cors.Params.(corsParams)
	if !ok {
		t.Fatalf("settings are %T", cors.Params)
	}
	params.Origins[0] = "https://evil"
	again, _ := p.Resolve(p.API("orders"), orders(), fakes()).Whole.Ruling("cors")
	if again.Params.(corsParams).Origins[0] != "https://b" {
		t.Error("the policy was changed through a list")
	}
}

func TestSelectorsAreHeldAgainstTheContract(t *testing.T) {
	t.Parallel()
	p, err := parse(`version: 1
apis:
  orders:
    upstream: http://a
    openapi: b
    operations:
      getOrdre: { max_body: 1KiB }
      "GET /orders/{x}": { max_body: 1KiB }
      getOrder: { max_body: 2KiB }
      "DELETE /zebra": {}
`)
	if err != nil {
		t.Fatal(err)
	}
	c := orders()
	c.Extensions = append(c.Extensions, says("mod", "enforce", 5), says("public", "x", 6), says("authorize", "x", 7))
	got, l := p.WithContract("orders", c, fakes())
	want := `orders.yaml:5:1: error policy/unknown-key: document has no key "mod"
      did you mean mode?
orders.yaml:6:1: error policy/wrong-level: document cannot have public
      it belongs to an operation
orders.yaml:7:1: error policy/not-yet: document: this version does not have authorize
      remove it: nothing would act on it
sallyport.yaml:7:7: error policy/unknown-operation: apis.orders: the document has no operation "getOrdre"
    7 |       getOrdre: { max_body: 1KiB }
      |       ^ did you mean getOrder?
sallyport.yaml:9:7: error policy/same-operation: apis.orders: "getOrder" is the operation "GET /orders/{x}" of line 8
    9 |       getOrder: { max_body: 2KiB }
      |       ^ write all of its settings in one place
sallyport.yaml:10:7: error policy/unknown-operation: apis.orders: the document has no operation "DELETE /zebra"
   10 |       "DELETE /zebra": {}
      |       ^ write METHOD /template as in the document, or the operationId
`
	if d := cmp.Diff(want, printed(l)); d != "" || got != nil {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestAContractOfAnotherApiChangesNothing(t *testing.T) {
	t.Parallel()
	p, err := parse(layered)
	if err != nil {
		t.Fatal(err)
	}
	if got, l := p.WithContract("mail", orders(), fakes()); got != p || len(l) != 0 {
		t.Errorf("got %v", l)
	}
}

func TestMembersOfTheContractItselfAreNoSettings(t *testing.T) {
	t.Parallel()
	c := orders()
	c.Operations[0].Extensions = nil
	for _, name := range []string{"sensitive", "content", "scopes", "successor", "websocket"} {
		c.Operations[0].Extensions = append(c.Operations[0].Extensions, says(name, "x", 30))
	}
	d, l := FromContract(c, fakes())
	if len(l) != 0 || len(d.Operations) != 1 || d.Operations[0].Key != "POST /orders" {
		t.Errorf("got %v and %+v", l, d.Operations)
	}
}
