package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
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
	upstreamDown = fault.New(fault.Upstream, http.StatusBadGateway, "the service behind the gateway cannot be reached")
	upstreamLate = fault.New(fault.UpstreamTimeout, http.StatusGatewayTimeout, "the service behind the gateway did not answer in time")
	upstreamTLS  = fault.New(fault.UpstreamTLS, http.StatusBadGateway, "the service behind the gateway cannot be trusted")
	auditDown    = fault.New(fault.Audit, http.StatusServiceUnavailable, "the request cannot be recorded")
	clientGone   = fault.New(fault.BodyIncomplete, http.StatusBadRequest, "the client left")
)

// errLate ends an upstream call that took too long.
var errLate = errors.New("upstream took too long")

// intent records an unsafe request before it can have an effect.
func (e *exchange) intent() *fault.Fault {
	e.fill()
	if !e.unsafe() && !e.upgrade() {
		return nil
	}
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
	ctx, cancel := context.WithCancelCause(e.r.Context())
	defer cancel(nil)
	out := e.outbound(ctx)
	late := time.AfterFunc(e.unit.Limits.Upstream, func() { cancel(errLate) })
	defer late.Stop()
	if e.upload != nil { // the time is the upstream's from the last byte on
		e.upload.moved = func() { late.Reset(e.unit.Limits.Upstream) }
	}
	start := time.Now()
	e.ev.Upstream.Called, e.ev.Upstream.Address = true, e.unit.API.Upstream.URL.Host
	resp, err := e.g.conf.Upstreams.RoundTrip(e.unit.API.Upstream, out)
	e.ev.Upstream.Micros = time.Since(start).Microseconds()
	if err != nil {
		e.upstreamFailed(ctx, err)
		return
	}
	defer resp.Body.Close() //nolint:errcheck // a reply that was read has nothing left to say
	e.ev.Upstream.Status = resp.StatusCode
	if resp.StatusCode == http.StatusSwitchingProtocols {
		late.Stop()
		e.tunnel(resp)
		return
	}
	e.takeReply(resp, &watchdog{t: late, idle: e.unit.Limits.Idle})
}

// upstreamFailed answers for an upstream that did not.
func (e *exchange) upstreamFailed(ctx context.Context, err error) {
	switch cause := context.Cause(ctx); {
	case errors.Is(err, errTooLarge):
		e.fail(bodyTooLarge)
	case e.upload != nil && e.upload.slow:
		e.fail(bodySlow)
	case errors.Is(cause, errLate):
		e.fail(upstreamLate.Because(err))
	case e.r.Context().Err() != nil:
		e.ev.Flags = append(e.ev.Flags, "client-gone")
		e.fail(clientGone.Because(err))
		e.abort = true
	case upstream.IsTLS(err):
		e.fail(upstreamTLS.Because(err))
	case upstream.IsTimeout(err):
		e.fail(upstreamLate.Because(err))
	default:
		e.fail(upstreamDown.Because(err))
	}
}

// outbound builds the request that goes upstream: canonical path and query,
// cleaned head, edits applied.
func (e *exchange) outbound(ctx context.Context) *http.Request {
	q, up := &e.facts.Request, e.unit.API.Upstream
	out := &http.Request{
		Method: q.Method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: up.URL.Host,
		URL:    &url.URL{Scheme: up.URL.Scheme, Host: up.URL.Host, Opaque: up.Base + q.Path.Text, RawQuery: e.query()},
		Header: e.outboundFields(),
	}
	if e.readsWhole() && q.Method == http.MethodHead {
		out.Method = http.MethodGet // the guards need the body (DESIGN section 6)
	}
	e.asked = out.Method
	switch {
	case e.facts.Body != nil:
		body := e.editBody(e.facts.Body, risk.OnRequest)
		out.ContentLength = int64(len(body))
		out.Body = io.NopCloser(bytes.NewReader(body))
		if len(body) != len(e.facts.Body) {
			dropDigests(out.Header)
		}
		if len(body) == 0 {
			out.Body = http.NoBody
		}
	case q.Body:
		out.ContentLength = q.Length
		e.upload = &capped{e: e, r: e.r.Body, left: e.unit.Limits.MaxBody, start: time.Now()}
		out.Body = e.upload
	}
	return out.WithContext(ctx)
}

// query is the canonical query without the pairs that an edit removes.
func (e *exchange) query() string {
	drop := false
	for _, d := range e.x.Edits() {
		drop = drop || d.Do == risk.RemovePair && d.On == risk.OnRequest
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
	for _, d := range e.x.Edits() {
		if d.Do == do && d.On == risk.OnRequest && d.Name == name {
			return true
		}
	}
	return false
}

// outboundFields copies the fields that may pass and adds ours.
func (e *exchange) outboundFields() http.Header {
	q := &e.facts.Request
	h := make(http.Header, len(q.Fields)+6)
	hop := hopFields(q.Fields)
	for _, f := range q.Fields {
		name := http.CanonicalHeaderKey(f.Name)
		if hop.drops(name) || ours(name) || e.twisted(name) || e.ourKey(name, f.Value) {
			continue
		}
		if name == "Cookie" {
			f.Value = e.cookies(f.Value)
			if f.Value == "" {
				continue
			}
		}
		h[name] = append(h[name], f.Value)
	}
	if e.upgrade() {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", q.Fields.Get("Upgrade"))
	}
	if e.unit.ReadsReply {
		h["Accept-Encoding"] = []string{"identity"}
	}
	if e.readsWhole() {
		readWhole(h, q.Method)
	}
	editHead(h, e.x.Edits(), risk.OnRequest)
	c := &e.facts.Conn
	if c.Client.IsValid() {
		h.Set("X-Forwarded-For", c.Client.String())
	}
	if e.r.Host != "" {
		h.Set("X-Forwarded-Host", e.r.Host)
	}
	h.Set("X-Forwarded-Proto", "http")
	if c.Secure {
		h.Set("X-Forwarded-Proto", "https")
	}
	if p := e.unit.API.Prefix; p != "" {
		h.Set("X-Forwarded-Prefix", p)
	}
	h.Set("Sallyport-Decision", e.facts.ID)
	if len(h["User-Agent"]) == 0 {
		h["User-Agent"] = nil // else net/http writes its own
	}
	return h
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
func readWhole(h http.Header, method string) {
	if !contract.UnsafeMethod(method) {
		for _, name := range [...]string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since"} {
			h.Del(name)
		}
	}
	h.Del("Range")
	h.Del("If-Range")
	for _, name := range [...]string{"If-Match", "If-None-Match"} {
		for i, v := range h[name] {
			h[name][i] = unwrapTags(v)
		}
	}
}

// editHead applies the edits of a head in the order of their stages.
func editHead(h http.Header, edits []risk.Edit, side risk.Side) {
	for stage := risk.DecryptIDs; stage <= risk.EncryptIDs; stage++ {
		for i := range edits {
			d := &edits[i]
			if d.On != side || d.Stage != stage {
				continue
			}
			switch d.Do {
			case risk.SetField:
				h.Set(d.Name, d.Value)
			case risk.AddField:
				h.Add(d.Name, d.Value)
			case risk.RemoveField:
				h.Del(d.Name)
			case risk.RemoveCookie, risk.RemovePair, risk.CutMember, risk.ReplaceSpan, risk.HideBody:
			}
		}
	}
}
