package gateway

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
)

// An exchange is the gateway's side of one request and its reply. It is pooled
// and used by one goroutine.
type exchange struct {
	g     *Gateway
	in    *wire.Exchange
	plan  *plan.Plan
	unit  *plan.Unit
	route plan.Target

	facts    risk.Facts
	x        risk.Exchange
	env      env
	response risk.Response
	match    match.Match
	ev       event.Event

	bodyPlan schema.BodyPlan
	now      time.Time
	client   string            // the client's address
	out      upstream.Request  // what goes upstream
	back     upstream.Response // what comes back
	head     risk.Fields       // of the reply to the client
	whole    wholeReader       // of the reply's body
	upload   *capped           // the request's body while it streams
	asked    string            // the method that went upstream
	running  string            // the risk whose guard runs, for a panic
	body     []byte            // room for the request's body
	reply    []byte            // room for the reply's body
	held     int64             // bytes taken from the budget
	received int64             // bytes of the request's body read so far
	sent     bool              // a status was sent to the client
	heavy    bool              // there is no processor for it: its refusal waits
	abort    bool              // the connection must not end cleanly
	noted    uint64            // the risks, by number, that are in ev.Passed
	stream   bool              // a stream-open record was written
	turn     bool              // it is this exchange's turn to check a large body
}

func newExchange(g *Gateway) *exchange {
	e := &exchange{g: g}
	e.env.e = e
	return e
}

// begin makes a pooled exchange ready for one request.
func (e *exchange) begin(in *wire.Exchange) {
	e.in = in
	e.now = e.g.now()
	e.plan = e.g.plan.Load()
	f := &e.facts
	fields, params, pairs := f.Request.Fields[:0], f.Request.Params[:0], f.Request.Pairs[:0]
	head, content, answered := f.Head, f.Content, f.Answered
	*f = risk.Facts{Received: e.now, Env: &e.env}
	f.Request.Fields, f.Request.Params, f.Request.Pairs = fields, params, pairs
	f.Head, f.Content, f.Answered = head, content, answered
	f.Head.Reset()
	f.Content.Reset()
	f.Answered.Reset()
	e.x.Reset(f)
	e.ev.Reset()
	e.ev.Kind, e.ev.Node, e.ev.Time = event.Exchange, e.g.conf.Node, e.now
}

// release drops what must not outlive the exchange.
func (e *exchange) release() {
	e.giveTurn()
	e.g.buffers.give(e.held)
	e.env.release()
	e.in, e.plan, e.unit = nil, nil, nil
	e.route = plan.Target{}
	clear(e.facts.Request.Fields)
	clear(e.facts.Request.Pairs[:cap(e.facts.Request.Pairs)])
	e.facts.Body, e.facts.Response = nil, nil
	e.response = risk.Response{}
	e.forget()
	e.body, e.reply = keep(e.body), keep(e.reply)
	e.bodyPlan = schema.None
	e.asked, e.client, e.upload = "", "", nil
	e.running, e.held, e.received, e.noted = "", 0, 0, 0
	e.sent, e.abort, e.stream = false, false, false
}

// forget drops what went upstream and came back, but not the room for it.
func (e *exchange) forget() {
	clear(e.out.Fields[:cap(e.out.Fields)])
	clear(e.back.Fields[:cap(e.back.Fields)])
	clear(e.head[:cap(e.head)])
	e.out, e.back, e.head = upstream.Request{Fields: e.out.Fields[:0]}, upstream.Response{Fields: e.back.Fields[:0]}, e.head[:0]
}

// keepBytes is the largest buffer that stays with a pooled exchange.
const keepBytes = 64 << 10

func keep(b []byte) []byte {
	if cap(b) > keepBytes {
		return nil
	}
	return b[:0]
}

// serve runs the exchange to its end. A panic in a guard, or in our own code,
// refuses this exchange and touches no other.
func (e *exchange) serve() {
	defer e.contain()
	id, err := e.g.conf.IDs.NewID()
	if err != nil {
		e.fail(fault.New(fault.Internal, http.StatusInternalServerError, "internal error").Because(fmt.Errorf("make decision id: %w", err)))
		return
	}
	e.ev.ID, e.facts.ID = id, id.String()
	if f := e.intake(); f != nil {
		e.fail(f)
		return
	}
	if e.heavy {
		e.makeLight()
		e.fail(overloaded)
		return
	}
	if e.admit() {
		return
	}
	if f := e.readBody(); f != nil {
		e.fail(f)
		return
	}
	refused := e.inspected() && e.run(risk.Body)
	e.giveTurn()
	if refused || e.run(risk.Send) {
		return
	}
	if f := e.intent(); f != nil {
		e.fail(f)
		return
	}
	e.forward()
}

// makeLight does all work for an exchange that is refused under overload before
// its refusal waits, while what it needs is at hand. Where its body has not come
// yet it waits now: to end the connection would cost more.
func (e *exchange) makeLight() {
	if e.in.Forgo() {
		return
	}
	e.heavy = false
	e.g.brake.leave()
	e.g.park(e.in)
	e.g.brake.under.Add(1)
}

// admit runs the phases before the body. It reports whether the exchange ended.
func (e *exchange) admit() bool {
	for _, p := range [...]risk.Phase{risk.Connect, risk.Identify, risk.Admit} {
		if e.run(p) {
			return true
		}
	}
	e.readHead()
	if e.run(risk.Head) {
		return true
	}
	switch {
	case e.unit.API == nil:
		// No guard refused it, but there is nowhere to send it.
		e.refuse("", noAPI)
		return true
	case e.unit.Op == nil && len(e.ev.Would) == 0:
		// What the contract does not declare passes only where a guard that
		// would deny it is told to observe.
		e.refuse("", noOperation)
		return true
	}
	return false
}

// contain ends an exchange that panicked.
func (e *exchange) contain() {
	v := recover()
	if v == nil {
		return
	}
	e.g.conf.Fault("exchange", fmt.Errorf("panic in %q: %v\n%s", e.running, v, debug.Stack()))
	e.ev.Flags = append(e.ev.Flags, "panic")
	if e.sent {
		e.abort = true
		e.ev.Decision, e.ev.Risk, e.ev.Code = event.Failed, e.running, string(fault.GuardBroken)
		return
	}
	e.head = e.head[:0]
	e.refuse(e.running, broken)
}

// run runs the guards of one phase. It reports whether the exchange ended.
func (e *exchange) run(p risk.Phase) bool {
	guards := e.unit.Guards[p]
	for i := range guards {
		if e.check(&guards[i]) {
			return true
		}
	}
	return false
}

// check runs one guard and reports whether the exchange ended.
func (e *exchange) check(b *plan.Bound) bool {
	e.running = b.Risk
	enforced := b.Enforced(e.now)
	e.env.observes = !enforced
	before := len(e.x.Edits())
	d := b.Guard.Check(&e.x)
	var a *risk.Answer
	if d == nil && b.Answerer != nil {
		a = b.Answerer.Answer(&e.x)
	}
	e.running = ""
	if len(e.x.Edits()) > before {
		e.sign(b.Risk, before, enforced)
	}
	switch {
	case d == nil && a == nil:
		e.passed(b)
	case d != nil && enforced:
		if d.At.IsZero() && !b.At.IsZero() {
			e.ev.At = b.At.String()
		}
		e.refuse(b.Risk, d)
		return true
	case d != nil:
		e.would(b, d)
	case a != nil && enforced:
		e.answer(b.Risk, a)
		return true
	default:
		e.passed(b)
	}
	return false
}

// sign says who asked for the edits after the first n, or takes them back
// where the guard only observes.
func (e *exchange) sign(id string, n int, enforced bool) {
	if !enforced {
		e.x.Truncate(n)
		return
	}
	edits := e.x.Edits()[n:]
	for i := range edits {
		edits[i].Risk = id
	}
}

// passed notes that a risk's guard let the exchange pass.
func (e *exchange) passed(b *plan.Bound) {
	if n := uint64(1) << (b.Number & 63); b.Number < 64 {
		if e.noted&n == 0 {
			e.noted |= n
			e.ev.Passed = append(e.ev.Passed, b.Risk)
		}
		return
	}
	if !slices.Contains(e.ev.Passed, b.Risk) {
		e.ev.Passed = append(e.ev.Passed, b.Risk)
	}
}

// would notes a denial that only counts.
func (e *exchange) would(b *plan.Bound, d *risk.Denial) {
	at := d.At
	if at.IsZero() {
		at = b.At
	}
	if len(e.ev.Would) < event.MaxWould {
		e.ev.Would = append(e.ev.Would, event.Would{Risk: b.Risk, Code: string(d.Code), At: at.String()})
	}
	e.violations(e.reading(d.Show))
}

// pathOptions are the plan's, or the strictest without a plan.
func (e *exchange) pathOptions() canon.Options {
	if e.plan == nil {
		return canon.Options{}
	}
	return e.plan.Paths
}
