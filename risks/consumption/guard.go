package consumption

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/ratelimit"
	"github.com/sallyport/sallyport/risk"
)

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	p, _ := s.Params.(Params)
	address, err := newRate("address", "", or(p.PerAddress, DefaultAddress), CodeAddress)
	if err != nil {
		return nil, fmt.Errorf("per_address: %w", err)
	}
	var placed []risk.Placed
	policies := &policies{}
	if address != nil {
		placed = append(placed, risk.Placed{Phase: risk.Connect, Guard: (*perAddress)(address)})
		policies.add(address)
	}
	if s.Scope == risk.OfListener {
		return placed, nil
	}
	caller, err := newRate("caller", s.API.Name, or(p.PerCaller, DefaultCaller), CodeCaller)
	if err != nil {
		return nil, fmt.Errorf("per_caller: %w", err)
	}
	if caller != nil {
		placed = append(placed, risk.Placed{Phase: risk.Admit, Guard: (*perCaller)(caller)})
		policies.add(caller)
	}
	placed = append(placed, risk.Placed{Phase: risk.Admit, Guard: newConcurrent(s.API.Name, or(p.Concurrent, DefaultConcurrent))})
	if policies.text != "" {
		placed = append(placed, risk.Placed{Phase: risk.Reply, Guard: policies})
	}
	if g := newPages(s.Op, or(p.PageSize, DefaultPage)); g != nil {
		placed = append(placed, risk.Placed{Phase: risk.Head, Guard: g})
	}
	return placed, nil
}

// or returns v, or fallback where v is zero.
func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// A rate is one limit with all that can be said before it is reached.
type rate struct {
	name   string // of the policy in RateLimit fields
	scope  string // parts its counters: the same limit of the same API counts together over operations and Plans
	rate   ratelimit.Rate
	policy string // its item in RateLimit-Policy
	deny   *risk.Denial
}

// newRate returns nil where text is "off".
func newRate(name, api, text string, code fault.Code) (*rate, error) {
	if text == "off" {
		return nil, nil //nolint:nilnil // no limit is no error
	}
	r, err := ratelimit.Parse(text)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says which one
	}
	out := &rate{name: name, scope: name + " " + api + " " + text, rate: r}
	out.policy = fmt.Sprintf("%q;q=%d;w=%d", name, r.Burst, seconds(r.Window()))
	out.deny = &risk.Denial{
		Code: code, Status: 429, Title: "too many requests", Reason: "the limit of " + text + " for one " + name + " is used up",
		Fields: []risk.Field{{Name: "RateLimit-Policy", Value: out.policy}},
	}
	return out, nil
}

// take counts one exchange of user.
func (r *rate) take(x *risk.Exchange, user risk.User) *risk.Denial {
	s := x.Env().Limiter().Take(user, r.rate)
	if s.OK {
		if s.Left < r.rate.Burst/2 {
			r.tell(x, s) // clients that are far from the limit need no count
		}
		return nil
	}
	r.tell(x, s)
	x.Edit(risk.Edit{Do: risk.SetField, On: risk.OnReply, Stage: risk.Decide, Name: "Retry-After", Value: strconv.FormatInt(seconds(s.Retry), 10)})
	return r.deny
}

// tell says in RateLimit what is left (draft-ietf-httpapi-ratelimit-headers).
func (r *rate) tell(x *risk.Exchange, s ratelimit.Standing) {
	x.Edit(risk.Edit{
		Do: risk.SetField, On: risk.OnReply, Stage: risk.Decide, Name: "RateLimit",
		Value: `"` + r.name + `";r=` + strconv.Itoa(s.Left) + ";t=" + strconv.FormatInt(seconds(s.Reset), 10),
	})
}

// seconds rounds up, so that nobody comes back too early.
func seconds(d time.Duration) int64 { return max(1, int64((d+time.Second-1)/time.Second)) }

// perAddress runs before anything is decided, so that guesses at keys count.
type perAddress rate

// Check counts the client's address.
func (g *perAddress) Check(x *risk.Exchange) *risk.Denial {
	c := x.Conn()
	if !c.Client.IsValid() {
		return nil // a Unix socket has no address
	}
	r := (*rate)(g)
	return r.take(x, risk.User{Scope: r.scope, Addr: c.Client})
}

// perCaller counts those who are known. The others have their address alone.
type perCaller rate

// Check counts the caller.
func (g *perCaller) Check(x *risk.Exchange) *risk.Denial {
	c := x.Caller()
	if c.Kind == risk.Anonymous || c.ID == "" {
		return nil
	}
	r := (*rate)(g)
	return r.take(x, risk.User{Scope: r.scope, Who: c.ID})
}

// concurrent bounds the requests under way of one caller, or of one address
// where nobody is known.
type concurrent struct {
	scope string
	most  int
	deny  *risk.Denial
}

func newConcurrent(api string, most int) *concurrent {
	return &concurrent{scope: "concurrent " + api, most: most, deny: &risk.Denial{
		Code: CodeConcurrent, Status: 429, Title: "too many requests at the same time",
		Reason: fmt.Sprintf("%d requests of the caller are under way", most), Fields: []risk.Field{{Name: "Retry-After", Value: "1"}},
	}}
}

// Check holds a place until the exchange ends.
func (g *concurrent) Check(x *risk.Exchange) *risk.Denial {
	user := risk.User{Scope: g.scope, Addr: x.Conn().Client}
	if c := x.Caller(); c.Kind != risk.Anonymous {
		user.Who = c.ID
	}
	if user.Who == "" && !user.Addr.IsValid() || x.Env().Limiter().Hold(user, g.most) {
		return nil
	}
	return g.deny
}

// policies tells clients which limits there are, unless the upstream does.
type policies struct{ text string }

func (g *policies) add(r *rate) {
	g.text = strings.TrimPrefix(g.text+", "+r.policy, ", ")
}

// Check denies nothing.
func (g *policies) Check(x *risk.Exchange) *risk.Denial {
	if !x.Response().Fields.Has("RateLimit-Policy") {
		x.Edit(risk.Edit{Do: risk.SetField, On: risk.OnReply, Stage: risk.Decide, Name: "RateLimit-Policy", Value: g.text})
	}
	return nil
}
