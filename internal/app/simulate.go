package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// A Request is what somebody asks about.
type Request struct {
	Method string
	Target string // path and query, beginning with a slash
	Host   string // with or without a port; "" is the host of the API
	Fields http.Header
	Body   []byte
}

// A Reply is what an upstream is taken to answer.
type Reply struct {
	Status int         // 0: the one that the contract declares
	Fields http.Header // without a Content-Type: the one that the contract declares
	Body   []byte
}

// SimulateOptions say what to simulate, and what to assume.
type SimulateOptions struct {
	Request   Request
	Anonymous bool     // no key is valid; not together with As and Scopes
	As        string   // the subject that calls, with every credential that is needed; "": whoever shows a key
	Scopes    []string // of the caller
	Reply     *Reply   // nil: what the contract declares
}

// Simulated is what would happen.
type Simulated struct {
	Event   event.Event // has no id and no node: no log holds it
	Assumed []string    // what was taken for granted, each a phrase
}

// Denied tells whether the request, or its reply, would not have come through.
func (s *Simulated) Denied() bool {
	return s.Event.Decision != event.Allow && s.Event.Decision != event.Answer
}

// simulated is the subject of a caller of whom nothing is said.
const simulated = "simulated"

// flagReply is what the gateway notes of a reply outside the contract.
const flagReply = "reply-broken"

// maxAs bounds the subject, in bytes.
const maxAs = 200

// Simulate decides a request as a gateway with this configuration would, over
// TLS, without state and without a network. Limits that count over time begin
// at nothing, and what the framing of a connection shows is not judged. An
// error says why there is nothing to ask.
func Simulate(ctx context.Context, opt Options, sim SimulateOptions) (*Simulated, error) {
	if sim.Anonymous && (sim.As != "" || len(sim.Scopes) > 0) {
		return nil, errors.Join(ErrUsage, errors.New("a caller is either anonymous or somebody with scopes"))
	}
	if len(sim.As) > maxAs {
		return nil, errors.Join(ErrUsage, fmt.Errorf("a subject has at most %d bytes", maxAs))
	}
	l, err := load(ctx, opt, nil)
	if err != nil {
		return nil, err
	}
	o, err := newOffline(opt, l.plan)
	if err != nil {
		return nil, err
	}
	s := simulation{offline: o, opt: sim}
	return s.run(ctx), nil
}

// A simulation is one request on an offline gateway.
type simulation struct {
	*offline
	opt     SimulateOptions
	op      *contract.Operation // nil: none fits
	assumed []string
}

func (s *simulation) assume(format string, args ...any) {
	s.assumed = append(s.assumed, fmt.Sprintf(format, args...))
}

func (s *simulation) run(ctx context.Context) *Simulated {
	q := s.opt.Request
	c := call{method: q.Method, target: q.Target, host: q.Host, fields: q.Fields.Clone(), body: q.Body}
	if c.fields == nil {
		c.fields = http.Header{}
	}
	if c.host == "" {
		c.host = s.host()
		s.assume("host %s", c.host)
	}
	header := ""
	path, _, _ := strings.Cut(c.target, "?")
	if u := s.unit(c.method, path, c.host); u != nil {
		s.op = u.Op
		if u.API != nil {
			header = u.API.KeyHeader
		}
	}
	s.identity(&c, header)
	reply := s.reply()
	s.offline.judge = s.verdict
	called := false
	e := s.offline.run(ctx, c, func() *http.Response { called = true; return reply.response() })
	e.ID, e.Node, e.Seq, e.Micros, e.Upstream.Micros, e.Upstream.Address = event.ID{}, "", 0, 0, 0, ""
	e.Personal.Address = ""
	s.assume("over TLS 1.3, with every limit unspent")
	if called {
		s.assume("%s", reply.story)
	}
	if s.opt.Reply == nil && slices.Contains(e.Flags, flagReply) {
		s.assume("that reply, which is made up and does not keep to its schema; give a true one")
	}
	return &Simulated{Event: e, Assumed: s.assumed}
}

// host is a host that the Plan serves.
func (s *simulation) host() string {
	for _, a := range s.plan.APIs {
		if a.Host != "" {
			return a.Host
		}
	}
	return "localhost"
}

// identity says who calls. header is where the API expects a key.
func (s *simulation) identity(c *call, header string) {
	who := risk.Caller{Kind: risk.KeyCaller, ID: cmp.Or(s.opt.As, simulated), KeyID: "k_" + simulated, Scopes: s.opt.Scopes, Tier: identity.DefaultTier}
	s.who = who
	shown := secret.New(c.fields.Get(header))
	whole := identity.CheckFormat(shown) == nil
	about := "of " + who.ID
	if len(who.Scopes) > 0 {
		about += " with the scopes " + strings.Join(who.Scopes, " ")
	}
	switch {
	case s.opt.Anonymous:
		s.assume("no key is valid")
	case s.opt.As != "" || len(s.opt.Scopes) > 0:
		if !whole {
			c.fields.Del(header) // a part of a key, or what stands for one
		}
		c.who = &who
		s.assume("every credential that is needed, %s", about)
	case whole:
		s.assume("the key in %s is valid, %s", header, about)
	case header != "" && shown.Reveal() != "":
		s.assume("nothing about the text in %s, which is no whole key; --as SUBJECT puts a good one in its place", header)
	default:
		s.assume("nothing about the caller; --as SUBJECT adds what is needed")
	}
}

// verdict takes whole keys, and the one that identify adds, for valid.
func (s *simulation) verdict(t secret.Text) risk.Verdict {
	switch {
	case s.opt.Anonymous:
		return risk.UnknownCredential
	case t.Reveal() == offlineKey && (s.opt.As != "" || len(s.opt.Scopes) > 0), identity.CheckFormat(t) == nil:
		return risk.Valid
	}
	return risk.Malformed
}

// An answer is the reply of the upstream, and where it comes from.
type answer struct {
	Reply
	story string
}

// response makes a fresh reply.
func (a *answer) response() *http.Response {
	return &http.Response{
		StatusCode: a.Status, Header: a.Fields.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(a.Body)), ContentLength: int64(len(a.Body)),
	}
}

// reply is what the upstream answers: what the user gave, and the contract for
// all else.
func (s *simulation) reply() *answer {
	a := &answer{Reply: Reply{Status: http.StatusOK, Fields: http.Header{}}}
	if g := s.opt.Reply; g != nil {
		a.Status, a.Fields, a.Body = g.Status, g.Fields.Clone(), g.Body
		if a.Fields == nil {
			a.Fields = http.Header{}
		}
	}
	declared := s.declared(a)
	media := mediaOf(declared)
	switch {
	case s.opt.Reply != nil:
		if a.Fields.Get("Content-Type") == "" && len(a.Body) > 0 && media != nil {
			a.Fields.Set("Content-Type", concrete(media.Type))
		}
		a.story = "the upstream answers " + strconv.Itoa(a.Status) + ", as given"
	case declared == nil:
		a.story = "the upstream answers 200 without a body"
	default:
		s.sample(a, declared, media)
	}
	return a
}

// declared finds the reply of the contract: for the status that was given, or
// else the first success, whose status it sets.
func (s *simulation) declared(a *answer) *contract.Reply {
	given := s.opt.Reply != nil && s.opt.Reply.Status != 0
	switch {
	case s.op == nil:
		if !given {
			a.Status = http.StatusOK
		}
		return nil
	case given:
		return s.op.ReplyFor(a.Status)
	}
	a.Status = http.StatusOK
	for _, r := range s.op.Replies {
		if r.Success() && !r.Range {
			a.Status = r.Code
			return r
		}
	}
	return s.op.ReplyFor(a.Status)
}

// sample fills a with an example, or the smallest reply that is declared.
func (s *simulation) sample(a *answer, r *contract.Reply, media *contract.Media) {
	for _, h := range r.Headers {
		if h.Required && h.Schema != nil {
			value, _ := sampleOf(h.Schema)
			a.Fields.Set(h.Name, plainText(value))
		}
	}
	at := r.At
	if media == nil || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified {
		a.story = fmt.Sprintf("the upstream answers %d without a body, as %s declares", a.Status, at)
		return
	}
	kind := concrete(media.Type)
	a.Fields.Set("Content-Type", kind)
	what := "the smallest body"
	if media.Schema != nil {
		at = media.Schema.At
		value, isExample := sampleOf(media.Schema)
		if isExample {
			what = "the example"
		}
		a.Body = appendJSON(nil, value)
		if !isJSON(kind) {
			a.Body = []byte(plainText(value))
		}
	} else if isJSON(kind) {
		a.Body = []byte("{}")
	}
	a.story = fmt.Sprintf("the upstream answers %d %s with %s that %s declares; --reply FILE gives another", a.Status, kind, what, at)
}

// mediaOf prefers JSON; nil where no body is declared.
func mediaOf(r *contract.Reply) *contract.Media {
	if r == nil || len(r.Media) == 0 {
		return nil
	}
	for _, m := range r.Media {
		if isJSON(concrete(m.Type)) {
			return m
		}
	}
	return r.Media[0]
}

func isJSON(kind string) bool {
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}

// concrete is a media type that fits a range.
func concrete(kind string) string {
	switch major, minor, _ := strings.Cut(kind, "/"); {
	case minor != "*":
		return kind
	case major == "*", major == "application":
		return "application/json"
	case major == "text":
		return "text/plain"
	default:
		return major + "/x-sample"
	}
}

// plainText is a value outside JSON: text without quotes.
func plainText(v source.Value) string {
	if v.Kind == source.String {
		return v.Text
	}
	return string(appendJSON(nil, v))
}
