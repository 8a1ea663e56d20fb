package gateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/risk"
)

// Faults of the upstream, made once.
var (
	upstreamDown  = fault.New(fault.Upstream, http.StatusBadGateway, "the service behind the gateway cannot be reached")
	upstreamLate  = fault.New(fault.UpstreamTimeout, http.StatusGatewayTimeout, "the service behind the gateway did not answer in time")
	upstreamTLS   = fault.New(fault.UpstreamTLS, http.StatusBadGateway, "the service behind the gateway cannot be trusted")
	upstreamReply = fault.New(fault.UpstreamReply, http.StatusBadGateway, "the service behind the gateway answered with what is not HTTP")
	upstreamOpen  = fault.New(fault.UpstreamOpen, http.StatusServiceUnavailable, "the service behind the gateway failed too often a moment ago")
	auditDown     = fault.New(fault.Audit, http.StatusServiceUnavailable, "the request cannot be recorded")
	clientGone    = fault.New(fault.BodyIncomplete, http.StatusBadRequest, "the client left")
)

// intent records an unsafe request before it can have an effect.
func (e *exchange) intent() *fault.Fault {
	if !e.unsafe() && !e.upgrade() {
		return nil
	}
	e.fill()
	e.ev.Kind = event.Intent
	err := e.g.conf.Recorder.Intent(&e.ev)
	e.ev.Kind = event.Exchange
	if err != nil {
		e.g.conf.Fault("intent", err)
		return auditDown.Because(err)
	}
	return nil
}

// forward sends the request upstream and brings the reply back.
func (e *exchange) forward() {
	start := time.Now()
	out := e.outbound(start)
	e.in.Waits()
	e.ev.Upstream.Called, e.ev.Upstream.Address = true, e.unit.API.Upstream.URL.Host
	err := e.g.conf.Upstreams.Send(e.in.Context(), e.unit.API.Upstream, out, &e.back)
	e.ev.Upstream.Micros = time.Since(start).Microseconds()
	if err != nil {
		e.upstreamFailed(err)
		return
	}
	defer e.back.Body.Close() //nolint:errcheck // it has none
	e.ev.Upstream.Status = e.back.Status
	if e.back.Address != "" {
		e.ev.Upstream.Address = e.back.Address
	}
	if e.back.Tunnel != nil {
		e.tunnel()
		return
	}
	e.takeReply()
}

// upstreamFailed answers for an upstream that did not.
func (e *exchange) upstreamFailed(err error) {
	if u := (*upstream.Error)(nil); errors.As(err, &u) {
		e.ev.Upstream.Called, e.ev.Upstream.Address = u.Asked, u.Address
	}
	kind, _ := upstream.KindOf(err)
	switch kind {
	case upstream.BodyFailed:
		e.bodyFailed(err)
	case upstream.Gone:
		e.leave(err)
	case upstream.Late:
		e.fail(upstreamLate.Because(err))
	case upstream.Untrusted:
		e.fail(upstreamTLS.Because(err))
	case upstream.Malformed:
		e.fail(upstreamReply.Because(err))
	case upstream.Open:
		e.say("Retry-After", "1")
		e.fail(upstreamOpen.Because(err))
	case upstream.Full:
		e.fail(overloaded.Because(err))
	case upstream.Refused:
		e.fail(badHead.Because(err))
	case upstream.Unreachable, upstream.Broken:
		e.fail(upstreamDown.Because(err))
	}
}

// bodyFailed answers where the request's body could not be read to its end.
func (e *exchange) bodyFailed(err error) {
	switch {
	case errors.Is(err, errTooLarge):
		e.fail(bodyTooLarge)
	case e.in.Context().Err() != nil:
		e.leave(err)
	default:
		e.fail(bodyFault(err))
	}
}

// leave notes that the client left before the reply.
func (e *exchange) leave(err error) {
	e.ev.Flags = append(e.ev.Flags, "client-gone")
	e.fail(clientGone.Because(err))
	e.abort = true
}

// outbound builds the request that goes upstream: canonical path and query,
// cleaned head, edits applied.
func (e *exchange) outbound(now time.Time) *upstream.Request {
	q, up, out := &e.facts.Request, e.unit.API.Upstream, &e.out
	fields := out.Fields[:0]
	*out = upstream.Request{
		Method: q.Method, Target: e.target(up.Base), Fields: e.outboundFields(fields), Operation: e.operation(),
		Head: e.unit.Limits.Upstream, Idle: e.unit.Limits.Idle,
	}
	if d := e.unit.Limits.Total; d > 0 {
		out.Till = now.Add(d)
	}
	if e.upgrade() {
		out.Upgrade, out.Till = q.Fields.Get("Upgrade"), time.Time{}
	}
	if e.readsWhole() && q.Method == http.MethodHead {
		out.Method = http.MethodGet // the guards need the body (DESIGN section 6)
	}
	e.asked = out.Method
	switch {
	case e.facts.Body != nil:
		out.Whole = e.editBody(e.facts.Body, risk.OnRequest)
		if len(out.Whole) != len(e.facts.Body) {
			out.Fields = withoutDigests(out.Fields)
		}
	case q.Body:
		e.upload = &capped{e: e, r: e.in.Body, left: e.unit.Limits.MaxBody}
		out.Body, out.Length, out.Stop = e.upload, q.Length, e.in.Body.Stop
		out.Expect = q.Fields.Has("Expect") // RFC 9110 section 10.1.1: it is the upstream's to meet
	}
	return out
}

// operation is what the request asks for, whatever the values in its path.
func (e *exchange) operation() string {
	if op := e.unit.Op; op != nil {
		return op.Key
	}
	return e.facts.Request.Method
}

// target is path and query as they go upstream.
func (e *exchange) target(base string) string {
	path, q := e.facts.Request.Path.Text, e.query()
	switch was, n := e.in.Target, len(path); {
	case q == "":
		return base + path
	case base == "" && len(was) == n+1+len(q) && was[:n] == path && was[n] == '?' && was[n+1:] == q:
		return was // it came in canonical form
	}
	return base + path + "?" + q
}

// query is the canonical query without the pairs that an edit removes.
func (e *exchange) query() string {
	drop := false
	edits := e.x.Edits()
	for i := range edits {
		drop = drop || edits[i].Do == risk.RemovePair && edits[i].On == risk.OnRequest
	}
	if !drop {
		return e.facts.Request.Query
	}
	var parts []string
	for _, p := range e.facts.Request.Pairs {
		if e.edited(risk.RemovePair, p.Name) {
			continue
		}
		text := p.RawName
		if !p.Bare {
			text += "=" + p.RawValue
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "&")
}

func (e *exchange) edited(do risk.Do, name string) bool {
	edits := e.x.Edits()
	for i := range edits {
		if d := &edits[i]; d.Do == do && d.On == risk.OnRequest && d.Name == name {
			return true
		}
	}
	return false
}

// outboundFields appends the fields that may pass to h, and ours.
func (e *exchange) outboundFields(h risk.Fields) risk.Fields {
	q := &e.facts.Request
	hop := hopFields(q.Fields)
	for _, f := range q.Fields {
		f.Name = http.CanonicalHeaderKey(f.Name)
		if hop.drops(f.Name) || ours(f.Name) || e.twisted(f.Name) || e.ourKey(f.Name, f.Value) {
			continue
		}
		if f.Name == "Cookie" {
			if f.Value = e.cookies(f.Value); f.Value == "" {
				continue
			}
		}
		h = append(h, f)
	}
	if e.unit.ReadsReply {
		h = setField(h, "Accept-Encoding", "identity")
	}
	if e.readsWhole() {
		h = readWhole(h, q.Method)
	}
	h = editFields(h, e.x.Edits(), risk.OnRequest)
	return e.forwarded(h)
}

// forwarded appends what only the gateway may say: who calls and from where.
func (e *exchange) forwarded(h risk.Fields) risk.Fields {
	if e.client != "" {
		h = append(h, risk.Field{Name: "X-Forwarded-For", Value: e.client})
	}
	if e.in.Host != "" {
		h = append(h, risk.Field{Name: "X-Forwarded-Host", Value: e.in.Host})
	}
	proto := "http"
	if e.facts.Conn.Secure {
		proto = "https"
	}
	h = append(h, risk.Field{Name: "X-Forwarded-Proto", Value: proto})
	if p := e.unit.API.Prefix; p != "" {
		h = append(h, risk.Field{Name: "X-Forwarded-Prefix", Value: p})
	}
	return append(h, risk.Field{Name: "Sallyport-Decision", Value: e.facts.ID})
}

// cookies removes the cookies that an edit names from one Cookie field.
func (e *exchange) cookies(value string) string {
	var kept []string
	for pair := range strings.SplitSeq(value, ";") {
		pair = strings.Trim(pair, " \t")
		name, _, _ := strings.Cut(pair, "=")
		name = strings.TrimRight(name, " \t")
		if pair != "" && !e.edited(risk.RemoveCookie, name) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "; ")
}

// readWhole removes what would let the upstream answer with less than the
// whole reply (DESIGN section 6). If-Match stays, in the upstream's own terms.
func readWhole(h risk.Fields, method string) risk.Fields {
	safe := !contract.UnsafeMethod(method)
	h = slices.DeleteFunc(h, func(f risk.Field) bool {
		switch f.Name {
		case "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since":
			return safe
		case "Range", "If-Range":
			return true
		}
		return false
	})
	for i := range h {
		if n := h[i].Name; n == "If-Match" || n == "If-None-Match" {
			h[i].Value = unwrapTags(h[i].Value)
		}
	}
	return h
}

// editFields applies the edits of a head in the order of their stages.
func editFields(h risk.Fields, edits []risk.Edit, side risk.Side) risk.Fields {
	var stages uint64 // those that there are
	for i := range edits {
		if edits[i].On == side {
			stages |= 1 << edits[i].Stage
		}
	}
	for stage := risk.DecryptIDs; stage <= risk.EncryptIDs; stage++ {
		if stages&(1<<stage) == 0 {
			continue
		}
		for i := range edits {
			if d := &edits[i]; d.On == side && d.Stage == stage {
				h = editField(h, d)
			}
		}
	}
	return h
}

func editField(h risk.Fields, d *risk.Edit) risk.Fields {
	switch d.Do {
	case risk.SetField:
		return setField(h, d.Name, d.Value)
	case risk.AddField:
		return append(h, risk.Field{Name: d.Name, Value: d.Value})
	case risk.RemoveField:
		return dropField(h, d.Name)
	case risk.RemoveCookie, risk.RemovePair, risk.CutMember, risk.ReplaceSpan, risk.HideBody:
	}
	return h
}

// setField makes value the only one of name, in the place of the first that
// there was.
func setField(h risk.Fields, name, value string) risk.Fields {
	for i := range h {
		if risk.EqualFold(h[i].Name, name) {
			h[i] = risk.Field{Name: name, Value: value}
			return append(h[:i+1], dropField(h[i+1:], name)...)
		}
	}
	return append(h, risk.Field{Name: name, Value: value})
}

// dropField removes every field called name.
func dropField(h risk.Fields, name string) risk.Fields {
	for i := range h {
		if risk.EqualFold(h[i].Name, name) {
			return slices.DeleteFunc(h, func(f risk.Field) bool { return risk.EqualFold(f.Name, name) })
		}
	}
	return h
}
