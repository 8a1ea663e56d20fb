package policy

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// What holds where neither the policy nor the document says anything
// (DESIGN sections 7 and 9).
const (
	DefaultMaxBody  = 1 << 20
	DefaultMaxReply = 8 << 20
	DefaultHead     = 5 * time.Second
	DefaultBody     = 30 * time.Second
	DefaultUpstream = 30 * time.Second
	DefaultIdle     = 60 * time.Second
	DefaultDrain    = 10 * time.Second
)

// A Resolved is what one API's settings come to: for requests that match no
// operation, and for each operation of its contract.
type Resolved struct {
	API        *API
	Whole      Site
	Operations []Site // in the order of the contract
}

// A Site is what the policy comes to at one place. Each value that somebody
// wrote keeps its place, in the file or the document; a default has none.
type Site struct {
	Op         *contract.Operation // nil at the listener and for Resolved.Whole
	Mode       Given[Mode]         // of risks that have none of their own
	Undeclared Given[Undeclared]
	MaxBody    Size
	MaxReply   Size
	Timeouts   Timeouts
	Owner      Text
	Review     Duration
	Public     Text
	Risks      []Ruling // one for each risk, in the order of the risks given
}

// A Ruling is what the policy comes to for one risk at one place.
type Ruling struct {
	Risk    string
	Mode    Given[Mode]
	Because Text
	Params  any     // of the type of risk.Risk.Params; nil where that is nil
	From    []Param // the settings in Params that somebody wrote, with their places
}

// Ruling returns the ruling for a risk, and false where the risk is unknown.
func (s *Site) Ruling(id string) (Ruling, bool) {
	for i := range s.Risks {
		if s.Risks[i].Risk == id {
			return s.Risks[i], true
		}
	}
	return Ruling{}, false
}

// Listener is what p comes to before an API is known.
func (p *Policy) Listener(risks []risk.Risk) Site {
	return site([]*Settings{&p.Settings}, risks)
}

// Resolve computes what p comes to for one of its APIs.
//
// The narrower level wins, field by field: operation, API, gateway. At one
// level the policy file wins over the document. A mode that names a risk wins
// over every mode that does not, so that one noisy risk stays observed while
// its API is switched to enforce, and a risk that must be enforced stays so
// while its API observes. A list of a narrower level replaces the whole list.
// A risk with a floor enforces whatever is written.
func (p *Policy) Resolve(a *API, c *contract.Contract, risks []risk.Risk) *Resolved {
	wide := []*Settings{&a.Settings, &a.Document.Settings, &p.Settings}
	out := &Resolved{API: a, Whole: site(wide, risks), Operations: make([]Site, 0, len(c.Operations))}
	written, documented := byKey(a.Operations), byKey(a.Document.Operations)
	for _, op := range c.Operations {
		var levels []*Settings
		for _, m := range []map[string]*Settings{written, documented} {
			if s := m[op.Key]; s != nil {
				levels = append(levels, s)
			}
		}
		s := site(append(levels, wide...), risks)
		s.Op = op
		out.Operations = append(out.Operations, s)
	}
	return out
}

func byKey(operations []Operation) map[string]*Settings {
	out := make(map[string]*Settings, len(operations))
	for i := range operations {
		out[operations[i].Key] = &operations[i].Settings
	}
	return out
}

// site merges levels, the narrowest first.
func site(levels []*Settings, risks []risk.Risk) Site {
	var s Site
	for _, l := range levels {
		s.Mode = s.Mode.Or(l.Mode)
		s.Undeclared = s.Undeclared.Or(l.Undeclared)
		s.MaxBody, s.MaxReply = s.MaxBody.Or(l.MaxBody), s.MaxReply.Or(l.MaxReply)
		s.Timeouts = s.Timeouts.or(l.Timeouts)
		s.Owner, s.Review, s.Public = s.Owner.Or(l.Owner), s.Review.Or(l.Review), s.Public.Or(l.Public)
	}
	s.MaxBody, s.MaxReply = s.MaxBody.Or(Size{Value: DefaultMaxBody}), s.MaxReply.Or(Size{Value: DefaultMaxReply})
	s.Timeouts = s.Timeouts.or(defaultTimeouts())
	s.Risks = make([]Ruling, len(risks))
	for i := range risks {
		s.Risks[i] = ruling(&risks[i], s.Mode, levels)
	}
	return s
}

func defaultTimeouts() Timeouts {
	return Timeouts{Head: Duration{Value: DefaultHead}, Body: Duration{Value: DefaultBody}, Upstream: Duration{Value: DefaultUpstream},
		Idle: Duration{Value: DefaultIdle}, Drain: Duration{Value: DefaultDrain}}
}

func (t Timeouts) or(wide Timeouts) Timeouts {
	return Timeouts{Head: t.Head.Or(wide.Head), Body: t.Body.Or(wide.Body), Upstream: t.Upstream.Or(wide.Upstream), Total: t.Total.Or(wide.Total),
		Idle: t.Idle.Or(wide.Idle), Drain: t.Drain.Or(wide.Drain)}
}

// ruling merges what levels, the narrowest first, say of k.
func ruling(k *risk.Risk, general Given[Mode], levels []*Settings) Ruling {
	out := Ruling{Risk: k.ID}
	seen := map[string]bool{}
	for _, l := range levels {
		for i := range l.Risks {
			s := &l.Risks[i]
			if s.Risk != k.ID {
				continue
			}
			if !out.Mode.Set && s.Mode.Set {
				out.Mode, out.Because = s.Mode, s.Because
			}
			for _, p := range s.Params {
				if !seen[p.Name] {
					seen[p.Name] = true
					out.From = append(out.From, p)
				}
			}
		}
	}
	out.Mode = out.Mode.Or(general)
	if k.Floor {
		out.Mode, out.Because = Given[Mode]{}, Text{}
	}
	out.Params = fill(k, out.From)
	return out
}

// fill puts values into a fresh copy of the settings of k.
func fill(k *risk.Risk, params []Param) any {
	if k.Params == nil {
		return nil
	}
	t := reflect.TypeOf(k.Params)
	v := reflect.New(t).Elem()
	v.Set(reflect.ValueOf(k.Params))
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("policy"), ",")
		for _, p := range params {
			if p.Name == name {
				v.Field(i).Set(copied(reflect.ValueOf(p.Value)))
			}
		}
	}
	return v.Interface()
}

// copied gives lists an array of their own, so that no guard can change what
// another one reads.
func copied(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Slice {
		return v
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(out, v)
	return out
}

// Source says where a value comes from, for people: its place, or "default".
func Source(at source.Span) string {
	if at.IsZero() {
		return "default"
	}
	return fmt.Sprint(at)
}
