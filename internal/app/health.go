package app

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/api"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/metrics"
	"github.com/sallyport/sallyport/internal/plan"
)

// faults are the parts that do not work now, and why. Health shows them.
type faults struct {
	mu   sync.Mutex
	open map[string]string // by part; bounded by the parts that there are
}

// set notes that a part is broken, or whole again with a nil error.
func (f *faults) set(part string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		f.open = map[string]string{}
	}
	if err == nil {
		delete(f.open, part)
		return
	}
	f.open[part] = err.Error()
}

// list is one line for each broken part.
func (f *faults) list() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, part := range slices.Sorted(maps.Keys(f.open)) {
		out = append(out, fmt.Sprintf("%s: %s", part, f.open[part]))
	}
	return out
}

// ready tells whether traffic should come here.
func (p *process) ready() bool { return !p.closing.Load() && p.gateway.Plan() != nil }

// health is the state of the gateway and of every guard.
func (p *process) health() api.Health {
	h := api.Health{
		Status: "ok", Version: p.opt.Version, Node: p.node, Since: p.since.UTC(), Mode: "enforce",
		Faults: p.faults.list(), Streams: p.gateway.Streams(), Keys: p.ring.Status().Keys,
	}
	if len(h.Faults) > 0 {
		h.Status = "degraded"
	}
	if p.closing.Load() {
		h.Status = "stopping"
	}
	if pl := p.gateway.Plan(); pl != nil {
		h.Plan = pl.ID
		for _, a := range pl.APIs {
			one := apiHealth(a, p.opt.Clock.Now())
			one.Upstreams = p.upstreamsOf(a)
			h.APIs = append(h.APIs, one)
		}
	}
	for _, a := range h.APIs {
		for _, g := range a.Guards {
			if g.Observe > 0 {
				h.Mode = "observe"
			}
		}
	}
	if p.certs != nil {
		for _, e := range p.certs.Expiry() {
			h.Certs = append(h.Certs, api.Cert{Name: fmt.Sprint(e.Names), Ends: e.NotAfter})
		}
	}
	return h
}

// upstreamsOf is the state of each address behind an API.
func (p *process) upstreamsOf(a *plan.API) []api.Upstream {
	var out []api.Upstream
	for _, s := range p.ups.Standings(a.Upstream) {
		out = append(out, api.Upstream{Address: s.Address, State: standingWord(s), Idle: s.Idle, Pending: s.Pending, Shut: s.Shut, Opens: s.Opens})
	}
	return out
}

// standingWord is one word for what an address gets.
func standingWord(s upstream.Standing) string {
	switch {
	case s.Down:
		return "down"
	case s.State != upstream.Closed:
		return s.State.String()
	case s.Shut > 0:
		return "open-in-part"
	}
	return "up"
}

// upstreamFamilies are the metrics of addresses.
func (p *process) upstreamFamilies() []metrics.Family {
	labels := []string{"sallyport_api", "server_address"}
	read := func(value func(upstream.Standing) float64) func() []metrics.Sample {
		return func() []metrics.Sample {
			var out []metrics.Sample
			pl := p.gateway.Plan()
			if pl == nil {
				return nil
			}
			for _, a := range pl.APIs {
				for _, s := range p.ups.Standings(a.Upstream) {
					out = append(out, metrics.Sample{Labels: []string{a.Name, s.Address}, Value: value(s)})
				}
			}
			return out
		}
	}
	return []metrics.Family{
		{Name: "sallyport_upstream_up", Help: "1 where an address gets every request that is its turn, else 0.", Labels: labels, Read: read(func(s upstream.Standing) float64 {
			if standingWord(s) == "up" {
				return 1
			}
			return 0
		})},
		{Name: "sallyport_upstream_requests", Help: "Requests under way.", Labels: labels, Read: read(func(s upstream.Standing) float64 { return float64(s.Pending) })},
		{Name: "sallyport_upstream_idle_connections", Help: "Connections without a request.", Labels: labels, Read: read(func(s upstream.Standing) float64 { return float64(s.Idle) })},
		{Name: "sallyport_upstream_breaker_opens_total", Help: "How often the breaker of an address opened.", Labels: labels, Rising: true, Read: read(func(s upstream.Standing) float64 { return float64(s.Opens) })},
	}
}

// apiHealth counts the state of each risk over the operations of an API.
func apiHealth(a *plan.API, now time.Time) api.API {
	out := api.API{Name: a.Name, Title: a.Contract.Title, Operations: len(a.Units)}
	at := map[string]int{}
	for _, u := range append(slices.Clone(a.Units), a.Unknown) {
		if u.Open {
			out.Open++
		}
		for _, s := range u.Settings {
			if s.Guards == 0 && s.Mode != plan.Off {
				continue
			}
			i, ok := at[s.Risk]
			if !ok {
				i = len(out.Guards)
				at[s.Risk] = i
				out.Guards = append(out.Guards, api.Guard{Risk: s.Risk})
			}
			count(&out.Guards[i], s, now)
		}
	}
	return out
}

func count(g *api.Guard, s plan.Setting, now time.Time) {
	over := !s.Until.IsZero() && !now.Before(s.Until)
	switch {
	case s.Mode == plan.Off:
		g.Off++
	case s.Mode == plan.Observe && !over:
		g.Observe++
		if !s.Until.IsZero() && (g.Until == nil || s.Until.Before(*g.Until)) {
			until := s.Until.UTC()
			g.Until = &until
		}
	default:
		g.Enforce++
	}
}
