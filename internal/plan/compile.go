package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// Codes of the diagnostics of Compile.
const (
	CodeConflict  source.Code = "plan/route-conflict"
	CodeOverlap   source.Code = "plan/api-overlap"
	CodeRiskTwice source.Code = "plan/risk-twice"
	CodeRisk      source.Code = "plan/risk-settings"
)

// Inputs is everything that a Plan is compiled from.
type Inputs struct {
	Risks    []risk.Risk
	APIs     []Input
	Listener Settings // for requests that no API claims
	Secure   bool     // the listener speaks TLS, or trusted proxies do
	Policy   string   // digest of the policy
	Version  string   // of the program
	Made     time.Time
}

// An Input is one API to compile.
type Input struct {
	Name      string
	Host      string
	Prefix    string
	Owner     string
	Contract  *contract.Contract
	Upstream  *Upstream
	KeyHeader string
	KeyPrefix string
	KeysToo   bool
	At        source.Span
	Unknown   Settings                              // of requests that match no operation
	Settings  func(op *contract.Operation) Settings // of an operation
}

// Settings are what the policy says for one unit.
type Settings struct {
	Limits Limits
	Silent risk.Silence
	Public string
	Risk   func(id string) Setting // its Risk and Guards are not read
}

// Compile makes a Plan. A list with an error means that there is none: the
// Plan that runs goes on.
func Compile(in Inputs) (*Plan, source.List) {
	c := compiler{in: in, risks: slices.Clone(in.Risks)}
	slices.SortFunc(c.risks, func(a, b risk.Risk) int { return cmp.Compare(a.ID, b.ID) })
	c.checkRisks()
	p := &Plan{ID: c.digest(), Made: in.Made, kinds: c.kinds()}
	p.Listener = c.unit(&risk.Site{Scope: risk.OfListener}, in.Listener)
	for i := range in.APIs {
		p.APIs = append(p.APIs, c.api(&in.APIs[i]))
		p.Paths.Parameters = p.Paths.Parameters || usesMatrix(in.APIs[i].Contract)
	}
	c.order(p)
	if c.list.Err() != nil {
		return nil, c.list
	}
	return p, c.list
}

// kinds are the names of all edits that the risks may ask for.
func (c *compiler) kinds() map[string]*[risk.HideBody + 1]string {
	out := map[string]*[risk.HideBody + 1]string{}
	for i := range c.risks {
		k := new([risk.HideBody + 1]string)
		for do := range k {
			k[do] = c.risks[i].ID + "/" + risk.Do(do).String() //nolint:gosec // few
		}
		out[c.risks[i].ID] = k
	}
	return out
}

type compiler struct {
	in    Inputs
	risks []risk.Risk
	list  source.List
}

// errorf adds a diagnostic once: what is wrong for an API is wrong for each of
// its operations.
func (c *compiler) errorf(at source.Span, code source.Code, hint, format string, args ...any) {
	d := source.Diagnostic{At: at, Code: code, Text: fmt.Sprintf(format, args...), Hint: hint}
	for _, old := range c.list {
		if old.At == d.At && old.Code == d.Code && old.Text == d.Text {
			return
		}
	}
	c.list.Add(d)
}

// checkRisks refuses two risks with one id, which would share their settings.
func (c *compiler) checkRisks() {
	for i := 1; i < len(c.risks); i++ {
		if c.risks[i].ID == c.risks[i-1].ID {
			c.errorf(source.Span{}, CodeRiskTwice, "", "two risks are called %q", c.risks[i].ID)
		}
	}
}

// digest names the Plan: equal inputs give equal ids on every node.
func (c *compiler) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", c.in.Version, c.in.Policy)
	for i := range c.in.APIs {
		fmt.Fprintf(h, "%s %s %s %s\n", c.in.APIs[i].Name, c.in.APIs[i].Host, c.in.APIs[i].Prefix, c.in.APIs[i].Contract.Digest)
	}
	for i := range c.risks {
		fmt.Fprintf(h, "%s\n", c.risks[i].ID)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (c *compiler) api(in *Input) *API {
	a := &API{
		API: risk.API{
			Name: in.Name, Contract: in.Contract, Secure: c.in.Secure, KeyHeader: in.KeyHeader, KeyPrefix: in.KeyPrefix, KeysToo: in.KeysToo,
		},
		Host: in.Host, Prefix: in.Prefix, Upstream: in.Upstream, Owner: in.Owner,
	}
	shared := schema.Options{Programs: schema.NewPrograms()}
	var routes []match.Route
	for _, op := range in.Contract.Operations {
		u := c.unit(&risk.Site{Scope: risk.OfOperation, API: &a.API, Op: op}, in.Settings(op))
		u.API = a
		c.programs(u, shared)
		routes = append(routes, match.Route{Method: op.Method, Template: op.Path, Value: len(a.Units)})
		a.Units = append(a.Units, u)
	}
	router, conflicts := match.Build(routes)
	for _, k := range conflicts {
		op := in.Contract.Operations[k.Second.Value]
		c.list.Add(source.Diagnostic{
			At: op.At, Severity: source.Warning, Code: CodeConflict,
			Text: fmt.Sprintf("%s %s cannot be routed (%s) beside %s %s: it is refused", op.Method, op.Path, k.Reason, k.First.Method, k.First.Template),
			Hint: "give the two paths one template",
		})
	}
	a.router = router
	a.Unknown = c.unit(&risk.Site{Scope: risk.OfAPI, API: &a.API}, in.Unknown)
	a.Unknown.API = a
	return a
}

// programs compiles what the contract says of both directions.
func (c *compiler) programs(u *Unit, o schema.Options) {
	var list source.List
	u.Request, list = schema.CompileRequest(u.Op, o)
	c.add(list)
	u.Reply, list = schema.CompileReply(u.Op, o)
	c.add(list)
	u.Binary = u.Reply.OnlyStreams()
	u.Upgrades = u.Op.Extensions.Get("websocket").True()
	for _, r := range u.Op.Replies {
		u.Upgrades = u.Upgrades || r.Code == 101
	}
}

func (c *compiler) add(list source.List) {
	for _, d := range list {
		c.list.Add(d)
	}
}

// unit asks every risk for its guards at one site.
func (c *compiler) unit(site *risk.Site, s Settings) *Unit {
	u := &Unit{Op: site.Op, Limits: s.Limits}
	site.Silent, site.Public = s.Silent, s.Public
	u.Open = site.Op != nil && (s.Public != "" || site.Op.Public())
	for i := range c.risks {
		r := &c.risks[i]
		if r.Guard == nil {
			continue
		}
		set := s.Risk(r.ID)
		set.Risk = r.ID
		if r.Floor {
			set.Mode, set.Until = Enforce, time.Time{}
		}
		if set.Params == nil {
			set.Params = r.Params
		}
		if set.Mode != Off {
			set.Guards = c.place(u, i, site, set)
		}
		u.Settings = append(u.Settings, set)
	}
	u.ReadsBody = slices.ContainsFunc(u.Guards[risk.Body:], func(at []Bound) bool { return len(at) > 0 })
	u.ReadsReply = len(u.Guards[risk.ReplyBody]) > 0
	return u
}

// place puts the guards of the risk with that number into u and returns how
// many there are.
func (c *compiler) place(u *Unit, number int, site *risk.Site, set Setting) int {
	r, here := &c.risks[number], *site
	here.Params = set.Params
	placed, err := r.Guard(&here)
	if err != nil {
		c.errorf(set.At, CodeRisk, "sallyport help "+string(r.ID), "risk %s: %v", r.ID, err)
		return 0
	}
	for _, p := range placed {
		if !slices.Contains(r.Phases, p.Phase) {
			c.errorf(set.At, CodeRisk, "", "risk %s places a guard at %s, which it does not declare", r.ID, p.Phase)
			continue
		}
		b := Bound{Risk: r.ID, Number: number, Guard: p.Guard, Observe: set.Mode == Observe, Until: set.Until, At: set.At}
		b.Answerer, _ = p.Guard.(risk.Answerer)
		b.Dresser, _ = p.Guard.(risk.Dresser)
		u.Guards[p.Phase] = append(u.Guards[p.Phase], b)
	}
	return len(placed)
}

// order puts the most specific API first and refuses two that claim the same
// host and prefix.
func (c *compiler) order(p *Plan) {
	slices.SortStableFunc(p.APIs, func(a, b *API) int {
		return cmp.Or(cmp.Compare(min(len(b.Host), 1), min(len(a.Host), 1)), cmp.Compare(len(b.Prefix), len(a.Prefix)))
	})
	for i, a := range p.APIs {
		for _, b := range p.APIs[:i] {
			if a.Host == b.Host && a.Prefix == b.Prefix {
				c.errorf(c.at(a.Name), CodeOverlap, "give one of them another `at:`", "APIs %q and %q answer on the same host and prefix %q", b.Name, a.Name, a.Host+a.Prefix+"/")
			}
		}
	}
}

func (c *compiler) at(name string) source.Span {
	for i := range c.in.APIs {
		if c.in.APIs[i].Name == name {
			return c.in.APIs[i].At
		}
	}
	return source.Span{}
}

// usesMatrix tells whether a path parameter needs ";" in the path.
func usesMatrix(k *contract.Contract) bool {
	for _, op := range k.Operations {
		if strings.Contains(op.Path, ";") {
			return true
		}
		for _, p := range op.Parameters {
			if p.In == contract.InPath && p.Style == contract.Matrix {
				return true
			}
		}
	}
	return false
}
