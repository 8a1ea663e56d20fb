package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// A recorder keeps events in memory; broken makes intents fail.
type recorder struct {
	mu      sync.Mutex
	intents []event.Event
	sealed  []event.Event
	broken  error
}

func (r *recorder) Intent(e *event.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return r.broken
	}
	r.intents = append(r.intents, copyEvent(e))
	return nil
}

func (r *recorder) Seal(e *event.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sealed = append(r.sealed, copyEvent(e))
	return nil
}

func copyEvent(e *event.Event) event.Event {
	c := *e
	c.Passed = append([]string(nil), e.Passed...)
	c.Would = append([]event.Would(nil), e.Would...)
	c.Edits = append([]event.Edit(nil), e.Edits...)
	c.Flags = append([]string(nil), e.Flags...)
	c.Violations = append([]event.Violation(nil), e.Violations...)
	return c
}

// last waits for the record of the newest exchange that is not a stream mark.
func (r *recorder) last(t *testing.T) event.Event {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sealed) == 0 {
		t.Fatal("no event")
	}
	return r.sealed[len(r.sealed)-1]
}

// keys verifies the one key "good".
type keys struct {
	mu      sync.Mutex
	revoked bool
}

func (k *keys) Verify(c risk.Credential) (risk.Caller, risk.Verdict) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case c.Text.Reveal() != "good":
		return risk.Caller{}, risk.UnknownCredential
	case k.revoked:
		return risk.Caller{}, risk.Revoked
	}
	return risk.Caller{Kind: risk.KeyCaller, ID: "alice", KeyID: "k_1"}, risk.Valid
}

func (k *keys) revoke() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.revoked = true
}

// A world is a gateway in front of an upstream.
type world struct {
	URL      string
	Listener net.Listener
	gw       *Gateway
	log      *recorder
	keys     *keys
	up       *url.URL
	mu       sync.Mutex
	seen     []*http.Request
	bodies   []string
}

type option func(*plan.Inputs)

// op is an operation that replies with JSON of any kind.
func op(method, path string) *contract.Operation {
	return &contract.Operation{
		ID: method + path, Method: method, Path: path, Key: method + " " + path,
		Replies: []*contract.Reply{{Media: []*contract.Media{{Type: "application/json", Schema: contract.NewSchema()}}}},
	}
}

// taking adds a JSON body of any kind.
func taking(o *contract.Operation, media string) *contract.Operation {
	o.Body = &contract.Body{Media: []*contract.Media{{Type: media, Schema: contract.NewSchema()}}}
	return o
}

// giving sets the media type of the reply.
func giving(o *contract.Operation, media string) *contract.Operation {
	s := contract.NewSchema()
	if media == "application/octet-stream" {
		s.Types, s.Format = contract.StringType, "binary"
	}
	o.Replies[0].Code, o.Replies[0].Media[0] = 200, &contract.Media{Type: media, Schema: s}
	return o
}

// watchReply is a risk that needs every reply whole and changes nothing.
func watchReply() risk.Risk {
	return risk.Risk{
		ID: "watch", Phases: []risk.Phase{risk.ReplyBody},
		Guard: func(*risk.Site) ([]risk.Placed, error) {
			return risk.At(risk.ReplyBody, risk.GuardFunc(func(*risk.Exchange) *risk.Denial { return nil })), nil
		},
	}
}

// guarding is a risk with one guard on operations.
func guarding(id string, p risk.Phase, check func(*risk.Exchange) *risk.Denial) risk.Risk {
	return risk.Risk{
		ID: id, Phases: []risk.Phase{p},
		Guard: func(s *risk.Site) ([]risk.Placed, error) {
			if s.Scope != risk.OfOperation {
				return nil, nil
			}
			return risk.At(p, risk.GuardFunc(check)), nil
		},
	}
}

// needsKey refuses callers without the key.
func needsKey() risk.Risk {
	return guarding("needskey", risk.Identify, func(x *risk.Exchange) *risk.Denial {
		if x.Verify(risk.Credential{Kind: risk.KeyCredential, Text: secretText(x.Request().Fields.Get("X-Api-Key"))}) != risk.Valid {
			return denied
		}
		x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnRequest, Stage: risk.Decide, Name: "X-Api-Key"})
		return nil
	})
}

var denied = &risk.Denial{Code: "test/denied", Status: 403, Title: "no", Reason: "because"}

func newWorld(t *testing.T, back http.HandlerFunc, risks []risk.Risk, ops []*contract.Operation, opts ...option) *world {
	t.Helper()
	w := &world{log: &recorder{}, keys: &keys{}}
	up := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<22))
		w.mu.Lock()
		w.seen, w.bodies = append(w.seen, r), append(w.bodies, string(body))
		w.mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		back(rw, r)
	}))
	t.Cleanup(up.Close)
	w.up, _ = url.Parse(up.URL)
	set := upstream.NewSet(upstream.Options{})
	t.Cleanup(set.Close)
	gw, err := New(Config{
		Clock: clock.System{}, IDs: event.NewIDs(clock.System{}, rand.Reader), Recorder: w.log, Verifier: w.keys,
		Pseudonym: func(s string) string { return "p" + s }, Upstreams: set, Node: "test",
		Fault: func(where string, err error) { t.Logf("fault: %s: %.300v", where, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.gw = gw
	w.apply(t, risks, ops, opts...)
	if w.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	w.URL = "http://" + w.Listener.Addr().String()
	front := wire.New(wire.Config{Handler: gw, Fault: func(where string, err error) { t.Errorf("front: %s: %.300v", where, err) }})
	served := make(chan error, 1)
	go func() { served <- front.Serve(w.Listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = front.Shutdown(ctx)
		<-served
	})
	return w
}

// apply compiles and applies a Plan.
func (w *world) apply(t *testing.T, risks []risk.Risk, ops []*contract.Operation, opts ...option) {
	t.Helper()
	set := plan.Settings{
		Limits: plan.Limits{MaxBody: 1 << 16, MaxReply: 1 << 18, Body: 2 * time.Second, Upstream: 5 * time.Second, Idle: 5 * time.Second},
		Risk:   func(string) plan.Setting { return plan.Setting{} },
	}
	in := plan.Inputs{
		Risks: risks, Listener: set, Made: time.Now(),
		APIs: []plan.Input{{
			Name: "api", Contract: &contract.Contract{Operations: ops}, Upstream: &plan.Upstream{URL: w.up},
			Unknown: set, Settings: func(*contract.Operation) plan.Settings { return set },
		}},
	}
	for _, o := range opts {
		o(&in)
	}
	p, list := plan.Compile(in)
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	if err := w.gw.Apply(p); err != nil {
		t.Fatal(err)
	}
}

// do sends one request and reads the whole reply.
func (w *world) do(t *testing.T, method, path, body string, fields ...string) (*http.Response, string) {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, r)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	if body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("read reply: %v", err)
	}
	return resp, string(out)
}

// calls is how often the upstream was called.
func (w *world) calls() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

// dial opens a connection to the gateway, for the length of the test.
func (w *world) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", w.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// got is the last request that the upstream saw, and its body.
func (w *world) got(t *testing.T) (*http.Request, string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) == 0 {
		t.Fatal("the upstream was not called")
	}
	return w.seen[len(w.seen)-1], w.bodies[len(w.bodies)-1]
}
