package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/certs"
	"github.com/sallyport/sallyport/internal/gateway"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/ledger"
	"github.com/sallyport/sallyport/internal/lib/netx"
	"github.com/sallyport/sallyport/internal/lib/turns"
	"github.com/sallyport/sallyport/internal/metrics"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/internal/store/sqlite"
)

// A process is one running gateway.
type process struct {
	opt     Options
	log     *slog.Logger
	state   *State
	loaded  atomic.Pointer[loaded]
	ids     *event.IDs
	store   *sqlite.Store
	keys    *identity.Keys
	ring    *identity.Keyring
	ledger  *ledger.Ledger
	gateway *gateway.Gateway
	ups     *upstream.Set
	turns   *turns.Turns
	metrics *metrics.Metrics
	certs   certs.Source // nil without TLS
	local   *certs.Local // nil where certificates come from elsewhere
	listens []listener
	hosts   []string // names that clients may use; nil: any
	admin   *listener
	trusted netx.Trusted
	since   time.Time
	node    string
	closing atomic.Bool
	reload  sync.Mutex // one reload at a time
	faults  faults
	end     closers
}

// Run runs a gateway until ctx ends, and then stops it in good order. It
// starts whole or not at all.
func Run(ctx context.Context, opt Options) error {
	p := &process{opt: opt, since: opt.Clock.Now(), log: slog.New(slog.NewJSONHandler(opt.Stderr, nil))}
	if opt.Terminal {
		p.log = slog.New(slog.NewTextHandler(opt.Stderr, nil))
	}
	if err := p.start(ctx); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return errors.Join(err, p.end.close(stop))
	}
	return p.serve(ctx)
}

// start brings up every part. Parts that are up are in p.end.
func (p *process) start(ctx context.Context) error {
	dir, named := p.opt.State, true
	if dir == "" {
		dir = p.getenv("SALLYPORT_STATE")
	}
	if dir == "" {
		dir, named = DefaultState(p.getenv), false
	}
	// Everything that the user wrote is checked before anything is made.
	first, err := load(ctx, p.opt, readPins(dir))
	if err != nil {
		return err
	}
	p.loaded.Store(first)
	if !named && first.policy.State.Value != "" {
		dir = first.policy.Path(first.policy.State.Value)
	}
	listens, err := p.parseListens(first)
	if err != nil {
		return err
	}
	if p.state, err = OpenState(dir); err != nil {
		return err
	}
	p.end.add(func(context.Context) error { p.state.Close(); return nil })
	p.node, _ = os.Hostname() //nolint:errcheck // a node without a name is called ""
	p.ids = event.NewIDs(p.opt.Clock, p.opt.Rand)
	p.hosts = hostsOf(listens)
	for _, step := range []func(context.Context, *loaded) error{p.openKeys, p.openLedger, p.openGateway} {
		if err := step(ctx, first); err != nil {
			return err
		}
	}
	if err := p.openListeners(ctx, first, listens); err != nil {
		return err
	}
	if err := savePins(p.state, first.pins); err != nil {
		return err
	}
	return p.gateway.Apply(first.plan)
}

func (p *process) getenv(name string) string {
	for _, pair := range p.opt.Environ {
		if len(pair) > len(name) && pair[len(name)] == '=' && pair[:len(name)] == name {
			return pair[len(name)+1:]
		}
	}
	return ""
}

func (p *process) openKeys(ctx context.Context, first *loaded) error {
	var err error
	if p.store, err = sqlite.Open(ctx, KeysPath(p.state.Dir)); err != nil {
		return fmt.Errorf("open the key store: %w", err)
	}
	p.end.add(func(context.Context) error { return p.store.Close() })
	conf := identity.Settings{Clock: p.opt.Clock, Rand: p.opt.Rand}
	for _, a := range first.policy.APIs {
		if k := a.Auth.APIKey; k.Prefix.Value != "" {
			conf.Prefix = k.Prefix.Value
		}
		if k := a.Auth.APIKey; k.Expires.Value != 0 {
			conf.Life = k.Expires.Value
			conf.MaxLife = max(conf.Life, identity.DefaultMaxLife)
		}
	}
	if p.keys, err = identity.NewKeys(p.store, conf); err != nil {
		return err //nolint:wrapcheck // it says what to do
	}
	p.ring, err = identity.NewKeyring(ctx, p.store, p.opt.Clock, identity.Following{Report: func(err error) { p.faults.set("keys", err) }, Changed: p.keyChanged})
	if err != nil {
		return fmt.Errorf("load the keys: %w", err)
	}
	return nil
}

func (p *process) openLedger(_ context.Context, first *loaded) error {
	audit := first.policy.Audit
	o := ledger.Options{
		Dir: LogPath(p.state.Dir), Clock: p.opt.Clock, Rand: p.opt.Rand, Keep: audit.Keep.Value,
		OnFault: func(f ledger.Fault) { p.faults.set("audit "+string(f.Part), f.Err) },
	}
	if audit.Mirror.Value != "" {
		dir := first.policy.Path(audit.Mirror.Value)
		if err := makeDir(dir); err != nil {
			return err
		}
		o.Mirror = filepath.Join(dir, "heads")
	}
	if audit.Durability.Value == "fsync" {
		o.Durability = ledger.Fsync
	}
	var err error
	if p.ledger, err = ledger.Open(o); err != nil {
		return fmt.Errorf("open the audit log: %w", err)
	}
	p.end.add(p.ledger.Close)
	if o.Mirror != "" { // whoever verifies the copy needs the key that was true when it was made
		if err := copyFile(filepath.Join(o.Dir, "key.pub"), filepath.Join(filepath.Dir(o.Mirror), "key.pub")); err != nil {
			return stateFault(filepath.Dir(o.Mirror), err)
		}
	}
	for _, u := range p.ledger.Unknown() {
		p.log.Warn("outcome unknown: the gateway ended while this request was upstream", "decision", u.ID.String())
	}
	return nil
}

func (p *process) openGateway(_ context.Context, first *loaded) error {
	pseudonym, err := pseudonyms(p.state, p.opt.Rand)
	if err != nil {
		return err
	}
	if p.trusted, err = netx.ParseTrusted(values(first.policy.TrustedProxies)); err != nil {
		return usage(first.policy.TrustedProxies, err)
	}
	p.turns = turns.New()
	p.ups = upstream.NewSet(upstream.Options{TLS: upstreamTLS(p.opt.Clock), Turns: p.turns})
	p.end.add(func(context.Context) error { p.ups.Close(); return nil })
	p.metrics = metrics.New(
		metrics.Gauge{Name: "sallyport_streams", Help: "Open streams.", Value: func() float64 { return float64(p.gateway.Streams()) }},
		metrics.Gauge{Name: "sallyport_keys", Help: "Keys that are known.", Value: func() float64 { return float64(p.ring.Status().Keys) }},
		metrics.Gauge{Name: "sallyport_audit_records", Help: "Records written since the start.", Value: func() float64 { return float64(p.ledger.Stats().Records) }},
		metrics.Gauge{Name: "sallyport_audit_dropped", Help: "Records that did not fit since the start.", Value: func() float64 { return float64(p.ledger.Stats().Dropped) }},
	)
	p.metrics.Add(p.upstreamFamilies()...)
	p.gateway, err = gateway.New(gateway.Config{
		Clock: p.opt.Clock, IDs: p.ids, Recorder: p.ledger, Verifier: verifier{p.ring}, Pseudonym: pseudonym,
		Upstreams: p.ups, Trusted: p.trusted, Hosts: p.hosts, Node: p.node, Done: p.done, Fault: p.fault,
	})
	return err //nolint:wrapcheck // its only error is ours
}

// done counts an exchange, and flags keys that came over plain HTTP.
func (p *process) done(e *event.Event) {
	p.metrics.Exchange(e)
	for _, f := range e.Flags {
		if f == "plaintext-credential" && e.Caller.KeyID != "" {
			p.ring.Flag(e.Caller.KeyID, identity.SeenInClear)
		}
	}
}

func (p *process) fault(part string, err error) {
	p.metrics.Fault(part)
	p.log.Error("fault", "part", part, "error", err.Error())
}

// serve runs until ctx ends or a part that is needed fails.
func (p *process) serve(ctx context.Context) error {
	first := p.loaded.Load()
	group, inner := errgroup.WithContext(ctx)
	stop, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	group.Go(func() error { return p.ring.Run(stop) })
	if p.certs != nil {
		group.Go(func() error { return p.certs.Run(stop) })
	}
	for i := range p.listens {
		group.Go(p.listens[i].serve)
	}
	group.Go(p.admin.serve)
	group.Go(func() error { p.watch(stop); return nil })
	if err := p.started(ctx, first); err != nil {
		p.log.Error("record the start", "error", err.Error())
	}
	group.Go(func() error {
		<-inner.Done()
		return p.stop(context.WithoutCancel(ctx), cancel)
	})
	err := group.Wait()
	return errors.Join(err, p.end.close(context.WithoutCancel(ctx)))
}

// started records the start and tells the user.
func (p *process) started(ctx context.Context, first *loaded) error {
	err := act(p.ledger, p.ids, event.Event{Kind: event.Start, Time: p.opt.Clock.Now(), Node: p.node, Plan: first.plan.ID, Target: p.opt.Version})
	if e := act(p.ledger, p.ids, event.Event{Kind: event.PolicyApplied, Time: p.opt.Clock.Now(), Node: p.node, Plan: first.plan.ID, Target: first.plan.ID}); err == nil {
		err = e
	}
	p.banner(ctx, first)
	return err
}

// stop drains: no new connections, running exchanges end, streams are closed.
func (p *process) stop(ctx context.Context, cancel context.CancelFunc) error {
	p.closing.Store(true)
	drain := p.loaded.Load().policy.Timeouts.Drain.Value
	if drain == 0 {
		drain = 10 * time.Second
	}
	p.log.Info("stopping", "drain", drain.String())
	ctx, done := context.WithTimeout(ctx, drain)
	defer done()
	var errs []error
	go func() { _ = p.gateway.CloseStreams(ctx) }() //nolint:errcheck // what is left is cut below
	for i := range p.listens {
		errs = append(errs, p.listens[i].stop(ctx))
	}
	errs = append(errs, p.admin.stop(ctx))
	if err := act(p.ledger, p.ids, event.Event{Kind: event.Stop, Time: p.opt.Clock.Now(), Node: p.node, Plan: p.gateway.Plan().ID}); err != nil {
		errs = append(errs, err)
	}
	cancel()
	err := errors.Join(errs...)
	if errors.Is(err, context.DeadlineExceeded) {
		p.log.Warn("cut off what did not end in time")
		return nil
	}
	return err
}

// Reload reads everything again and swaps the Plan, or refuses and keeps the
// old one.
func (p *process) Reload(ctx context.Context) {
	p.reload.Lock()
	defer p.reload.Unlock()
	old := p.loaded.Load()
	next, err := load(ctx, p.opt, old.pins)
	if err == nil {
		err = p.swap(ctx, old, next)
	}
	if err != nil {
		p.metrics.Reload("refused")
		p.faults.set("policy", err)
		p.log.Error("reload refused: the policy before it stays in force", "error", err.Error())
		if e := act(p.ledger, p.ids, event.Event{Kind: event.PolicyRefused, Time: p.opt.Clock.Now(), Node: p.node, Plan: old.plan.ID, Reason: err.Error()}); e != nil {
			p.fault("audit", e)
		}
		return
	}
	p.faults.set("policy", nil)
	p.metrics.Reload("applied")
}

func (p *process) swap(ctx context.Context, old, next *loaded) error {
	if next.plan.ID == old.plan.ID && next.policy.File == old.policy.File && samePins(old.pins, next.pins) {
		p.loaded.Store(next)
		return p.gateway.Apply(next.plan)
	}
	if err := restartNeeded(old, next); err != nil {
		return err
	}
	if err := weaker(old.plan, next.plan, p.opt.AllowWeaker); err != nil {
		return err
	}
	if err := runTests(ctx, p.opt, next); err != nil {
		return err
	}
	if err := savePins(p.state, next.pins); err != nil {
		return err
	}
	if err := p.gateway.Apply(next.plan); err != nil {
		return err //nolint:wrapcheck // it names the upstream
	}
	p.loaded.Store(next)
	p.log.Info("reloaded", "plan", next.plan.ID)
	return act(p.ledger, p.ids, event.Event{Kind: event.PolicyApplied, Time: p.opt.Clock.Now(), Node: p.node, Plan: next.plan.ID, Target: next.plan.ID})
}

// watch reloads on file changes and on SIGHUP until ctx ends.
func (p *process) watch(ctx context.Context) {
	hup, stop := hangups()
	defer stop()
	go func() { // ends with ctx
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				p.Reload(ctx)
			}
		}
	}()
	watch(ctx, func() []string { return p.loaded.Load().files }, func() { p.Reload(ctx) })
}

// Plan is the Plan that runs.
func (p *process) Plan() *plan.Plan { return p.gateway.Plan() }
