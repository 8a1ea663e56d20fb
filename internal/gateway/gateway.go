// Package gateway moves bytes between clients and upstreams, runs the Plan and
// fills the Event. It makes no security decision of its own but for the floor:
// what has no single meaning, or is over a hard cap, is refused before any
// guard.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/netx"
	"github.com/sallyport/sallyport/internal/lib/ratelimit"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// A Recorder keeps events. Both methods copy what they need before they
// return.
type Recorder interface {
	// Intent returns once the record survives the end of this process. An
	// error refuses the request.
	Intent(*event.Event) error
	// Seal keeps the record of a finished exchange. It does not wait for the
	// disk; an error means that the record is lost.
	Seal(*event.Event) error
}

// A Verifier checks credentials of ours, from memory.
type Verifier interface {
	Verify(risk.Credential) (risk.Caller, risk.Verdict)
}

// Upstreams sends requests to upstreams.
type Upstreams interface {
	// Prepare makes the upstreams of a Plan usable, in the place of those of
	// the Plan before; an error refuses the Plan.
	Prepare(...*plan.Upstream) error
	// Send sends one request, follows no redirect and fills the Response, whose
	// Body is closed by the caller. Errors are of type *upstream.Error.
	Send(context.Context, *plan.Upstream, *upstream.Request, *upstream.Response) error
}

// Config is what a Gateway needs.
type Config struct {
	Clock     clock.Clock
	IDs       *event.IDs
	Recorder  Recorder
	Verifier  Verifier
	Pseudonym func(text string) string // keyed hash; see risk.Env
	Upstreams Upstreams
	Trusted   netx.Trusted
	// Hosts are the names that clients may use, in lower case without a port;
	// nil takes every name. Hosts that an API names count too. Another name is
	// misdirected: the upstream would build links from it.
	Hosts   []string
	Node    string
	Buffers int64 // bytes of bodies held at once by all exchanges; 0 is DefaultBuffers
	// Limits holds the counters of limits; they outlive Plans. nil makes a Table
	// of the default size.
	Limits *ratelimit.Table
	// Done is called with the record of every exchange after it was given to
	// the Recorder, for metrics. It must not keep it.
	Done func(*event.Event)
	// Fault is called when the gateway itself failed: a guard that panicked, a
	// record that was lost. It must not block.
	Fault func(where string, err error)
}

// DefaultBuffers bounds the bytes of bodies that all exchanges hold at once:
// 256 MiB.
const DefaultBuffers = 256 << 20

// A Gateway serves exchanges under the Plan that was applied last.
type Gateway struct {
	conf    Config
	hosts   map[string]bool // of Config.Hosts
	plan    atomic.Pointer[plan.Plan]
	states  sync.Pool
	pieces  piecePool
	buffers budget
	turns   chan struct{} // one for each large body that is being checked
	brake   brake
	streams streams
}

// errConfig means that a part of Config is missing.
var errConfig = errors.New("gateway: clock, ids, recorder, verifier, pseudonym and upstreams are needed")

// New returns a Gateway that refuses everything until Apply.
func New(c Config) (*Gateway, error) {
	if c.Clock == nil || c.IDs == nil || c.Recorder == nil || c.Verifier == nil || c.Pseudonym == nil || c.Upstreams == nil {
		return nil, errConfig
	}
	if c.Buffers <= 0 {
		c.Buffers = DefaultBuffers
	}
	if c.Limits == nil {
		c.Limits = ratelimit.New(0)
	}
	if c.Done == nil {
		c.Done = func(*event.Event) {}
	}
	if c.Fault == nil {
		c.Fault = func(string, error) {}
	}
	g := &Gateway{conf: c, turns: make(chan struct{}, runtime.GOMAXPROCS(0)), hosts: map[string]bool{}}
	for _, h := range c.Hosts {
		g.hosts[h] = true
	}
	g.buffers.left.Store(c.Buffers)
	g.brake.start()
	g.states.New = func() any { return newExchange(g) }
	return g, nil
}

// Apply makes p the Plan of every exchange that starts from now on. Exchanges
// under way end under the one they started with; streams are checked again.
// On an error the Plan that ran goes on.
func (g *Gateway) Apply(p *plan.Plan) error {
	ups := make([]*plan.Upstream, len(p.APIs))
	for i, a := range p.APIs {
		ups[i] = a.Upstream
	}
	if err := g.conf.Upstreams.Prepare(ups...); err != nil {
		return fmt.Errorf("prepare the upstreams: %w", err)
	}
	g.plan.Store(p)
	g.streams.recheck()
	return nil
}

// Plan is the Plan that runs, or nil.
func (g *Gateway) Plan() *plan.Plan { return g.plan.Load() }

// Streams is the number of streams that are open.
func (g *Gateway) Streams() int { return g.streams.open() }

// CloseStreams ends every stream and waits until they are gone, or ctx is.
func (g *Gateway) CloseStreams(ctx context.Context) error { return g.streams.close(ctx) }

// Serve serves one exchange.
func (g *Gateway) Serve(in *wire.Exchange) {
	e := g.states.Get().(*exchange) //nolint:errcheck // the pool holds nothing else
	e.begin(in)
	e.heavy = !g.brake.enter(e.now)
	e.serve()
	g.brake.leave()
	heavy := e.heavy && e.ev.Decision == event.Shed
	if e.finish() {
		in.Abort()
	}
	e.release()
	g.states.Put(e)
	if heavy {
		g.park(in) // the front sends the reply when Serve returns
	}
}

// park lets a refusal wait.
func (g *Gateway) park(in *wire.Exchange) {
	in.Waits()
	g.brake.park(in.Context())
}

// budget bounds the bytes of bodies in memory.
type budget struct{ left atomic.Int64 }

// take reserves n bytes, or reports that they are not to be had.
func (b *budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *budget) give(n int64) { b.left.Add(n) }

// now is the time of the exchange's start, taken once.
func (g *Gateway) now() time.Time { return g.conf.Clock.Now() }
