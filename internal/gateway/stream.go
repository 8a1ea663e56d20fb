package gateway

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// The rhythm of streams: how often their right to go on is looked at, and how
// often the log says that they live.
const (
	checkEvery = 500 * time.Millisecond
	markEvery  = time.Minute
)

// upgrade tells whether the client asks for another protocol and the contract
// declares that it may (RFC 9110 section 7.8). Otherwise the wish is dropped.
func (e *exchange) upgrade() bool {
	q := &e.facts.Request
	if !e.unit.Upgrades || q.Proto != "HTTP/1.1" || q.Fields.Count("Upgrade") != 1 || carriesHTTP(q.Fields.Get("Upgrade")) {
		return false
	}
	for _, name := range hopFields(q.Fields) {
		if name == "Upgrade" {
			return true
		}
	}
	return false
}

// carriesHTTP tells whether the protocols that a client would change to have
// one that carries requests, which nothing would look at: h2c above all. A list
// of several is taken for one that has.
func carriesHTTP(protocols string) bool {
	p := strings.ToLower(protocols)
	return p == "" || p == "h2" || p == "h2c" || strings.HasPrefix(p, "http") || strings.HasPrefix(p, "tls") || strings.ContainsAny(p, ", \t")
}

// tunnel joins client and upstream after a 101.
func (e *exchange) tunnel() {
	back, fields := e.back.Tunnel, e.back.Fields
	if !e.upgrade() || !risk.EqualFold(fields.Get("Upgrade"), e.facts.Request.Fields.Get("Upgrade")) {
		e.fail(fault.New(fault.Upgrade, http.StatusBadGateway, "the service behind the gateway changed the protocol unasked"))
		return
	}
	for _, f := range fields {
		if !hopSet(nil).drops(f.Name) && !strings.HasPrefix(f.Name, "Sallyport-") {
			e.head = append(e.head, f)
		}
	}
	e.say("Upgrade", fields.Get("Upgrade"))
	e.say("Sallyport-Decision", e.facts.ID)
	front, err := e.in.Upgrade(e.head)
	e.sent, e.ev.Status, e.ev.Decision = true, http.StatusSwitchingProtocols, event.Allow
	if err != nil {
		e.abort = true
		e.gone(err)
		return
	}
	e.openStream()
	end := sync.OnceFunc(func() {
		_ = front.Close() //nolint:errcheck // both ends go together
		_ = back.Close()  //nolint:errcheck // both ends go together
	})
	defer end()
	stop := e.g.streams.add(e, end)
	defer stop()
	var in, out int64
	done := make(chan struct{})
	go func() { // ends when either connection is closed, which end does
		defer close(done)
		in, _ = io.Copy(back, front) //nolint:errcheck // the end of a stream is not an error
		end()
	}()
	out, _ = io.Copy(front, back) //nolint:errcheck // as above
	end()
	<-done
	e.received += in
	e.ev.BytesOut += out
}

// openStream writes the record that a stream began.
func (e *exchange) openStream() {
	e.stream = true
	e.fill()
	e.ev.Kind = event.StreamOpen
	if err := e.g.conf.Recorder.Seal(&e.ev); err != nil {
		e.g.conf.Fault("stream record", err)
	}
	e.ev.Kind = event.Exchange
}

// streams are the open streams of a gateway. One goroutine looks after all of
// them while there are any; it ends with the last.
type streams struct {
	mu      sync.Mutex
	live    map[*watched]struct{}
	running bool
	soon    chan struct{}
}

// A watched stream carries a copy of what its right depends on.
type watched struct {
	g      *Gateway
	facts  risk.Facts
	record event.Event
	marked time.Time
	end    func()
	gone   chan struct{}
}

// add watches a stream until the returned function is called. end must make
// the stream stop soon; it may be called more than once.
func (s *streams) add(e *exchange, end func()) (stop func()) {
	w := &watched{g: e.g, marked: time.Now(), end: end, gone: make(chan struct{})}
	w.facts = e.facts // the lists below are pooled with the exchange, and this may outlive it
	w.facts.Request.Fields = slices.Clone(e.facts.Request.Fields)
	w.facts.Request.Params = slices.Clone(e.facts.Request.Params)
	w.facts.Request.Pairs = slices.Clone(e.facts.Request.Pairs)
	w.facts.Body, w.facts.Response = nil, nil
	w.facts.Head, w.facts.Content, w.facts.Answered = risk.Reading{}, risk.Reading{}, risk.Reading{}
	w.record = event.Event{
		Kind: event.StreamMark, ID: e.ev.ID, Node: e.ev.Node, Plan: e.ev.Plan, API: e.ev.API, Operation: e.ev.Operation,
		Method: e.ev.Method, Template: e.ev.Template, Caller: e.ev.Caller, Personal: e.ev.Personal,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == nil {
		s.live, s.soon = map[*watched]struct{}{}, make(chan struct{}, 1)
	}
	s.live[w] = struct{}{}
	if !s.running {
		s.running = true
		go s.watch()
	}
	return func() {
		s.mu.Lock()
		delete(s.live, w)
		last := len(s.live) == 0
		s.mu.Unlock()
		close(w.gone)
		if last {
			s.recheck() // which ends the watch
		}
	}
}

// watch looks at every stream in turn until none is left.
func (s *streams) watch() {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.soon:
		}
		s.mu.Lock()
		list := make([]*watched, 0, len(s.live))
		for w := range s.live {
			list = append(list, w)
		}
		if len(list) == 0 {
			s.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for _, w := range list {
			w.look()
		}
	}
}

// look ends the stream unless it would be let in again now, under the Plan
// that runs now.
func (w *watched) look() {
	if !w.lawful() {
		w.end()
		return
	}
	if now := time.Now(); now.Sub(w.marked) >= markEvery {
		w.marked = now
		w.record.Time = w.g.now()
		if err := w.g.conf.Recorder.Seal(&w.record); err != nil {
			w.g.conf.Fault("stream record", err)
		}
	}
}

func (w *watched) lawful() (ok bool) {
	e := newExchange(w.g)
	e.now = w.g.now()
	e.plan = w.g.plan.Load()
	e.facts = w.facts
	e.facts.Env, e.env.again = &e.env, true
	e.facts.Caller = risk.Caller{}
	e.x.Reset(&e.facts)
	defer func() {
		if v := recover(); v != nil {
			ok = false
		}
	}()
	path, prefix := e.facts.Request.Path, w.prefix(e)
	path.Text, path.Decoded = prefix+path.Text, prefix+path.Decoded
	t := e.plan.Find(e.facts.Request.Host, path, e.facts.Request.Method, &e.match)
	if t.Route != e.facts.Route || t.Unit.API == nil || t.Unit.API.Name != w.facts.API.Name {
		return false
	}
	e.unit, e.facts.Op, e.facts.API = t.Unit, t.Unit.Op, &t.Unit.API.API
	for _, p := range [...]risk.Phase{risk.Connect, risk.Identify, risk.Admit} {
		for i := range e.unit.Guards[p] {
			b := &e.unit.Guards[p][i]
			if d := b.Guard.Check(&e.x); d != nil && b.Enforced(e.now) {
				return false
			}
		}
	}
	return e.facts.Caller.ID == w.facts.Caller.ID
}

// prefix is that of the API under the Plan that let the stream in; the same
// name must still have it.
func (w *watched) prefix(e *exchange) string {
	for _, a := range e.plan.APIs {
		if a.Name == w.facts.API.Name {
			return a.Prefix
		}
	}
	return ""
}

// recheck asks for a look at all streams now, after a new Plan.
func (s *streams) recheck() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.soon == nil {
		return
	}
	select {
	case s.soon <- struct{}{}:
	default:
	}
}

func (s *streams) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

// close ends all streams and waits for them.
func (s *streams) close(ctx context.Context) error {
	s.mu.Lock()
	list := make([]*watched, 0, len(s.live))
	for w := range s.live {
		list = append(list, w)
	}
	s.mu.Unlock()
	for _, w := range list {
		w.end()
	}
	for _, w := range list {
		select {
		case <-w.gone:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
