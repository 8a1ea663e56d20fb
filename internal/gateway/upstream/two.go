package upstream

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// newTwo makes the client for an upstream that speaks HTTP/2. net/http keeps
// its connections.
func newTwo(dial Dial, conf *tls.Config) *http.Transport {
	conf = conf.Clone()
	conf.NextProtos = []string{"h2"}
	protocols := &http.Protocols{}
	protocols.SetHTTP2(true)
	return &http.Transport{
		DialContext: dial, TLSClientConfig: conf, TLSHandshakeTimeout: dialTime, DisableCompression: true,
		MaxResponseHeaderBytes: maxHead, IdleConnTimeout: idleTime, Protocols: protocols,
	}
}

// sendTwo makes one attempt over HTTP/2.
func (a *address) sendTwo(ctx context.Context, l *lane, r *Request, p *Response) error {
	ctx, cancel := context.WithCancelCause(ctx)
	e := &ear{v: vigil{end: a, lane: l}, head: r.Head}
	defer e.close()
	late := time.AfterFunc(untilHead(r), func() { cancel(errLate) })
	fail := func(err error) error {
		late.Stop()
		defer a.release()
		defer cancel(nil)
		return a.failedTwo(ctx, err)
	}
	if r.Upgrade != "" { // RFC 9113 section 8.6 has none
		return fail(errHead)
	}
	out, err := a.requestTwo(r, late, e)
	if err != nil {
		return fail(err)
	}
	if out.Body == nil || r.Body == nil {
		e.begin()
	}
	resp, err := a.two.RoundTrip(out.WithContext(ctx))
	if err != nil {
		return fail(err)
	}
	a.heads(l, e.close())
	b := &bodyTwo{a: a, lane: l, body: resp.Body, ctx: ctx, cancel: cancel, late: late, r: r}
	p.Status, p.Length, p.Address, p.Tunnel, p.Body = resp.StatusCode, resp.ContentLength, a.host, nil, b
	if p.Fields, err = fieldsTwo(p.Fields[:0], resp.Header); err != nil {
		_ = b.Close() //nolint:errcheck // it has none
		return &Error{Kind: Malformed, Address: a.host, Err: err, Asked: true}
	}
	b.fed()
	return nil
}

// fieldsTwo appends the fields of h, in the order of their names, to the same
// rules as those of HTTP/1.1.
func fieldsTwo(fields risk.Fields, h http.Header) (risk.Fields, error) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			f, err := parseField(name + ": " + v)
			if err != nil {
				return fields, err
			}
			fields = append(fields, f)
		}
	}
	if len(fields) > maxFields {
		return fields, TooManyFields
	}
	return fields, nil
}

// untilHead is how long the head of the reply may take.
func untilHead(r *Request) time.Duration {
	d := r.Head
	if d <= 0 {
		d = time.Hour
	}
	if !r.Till.IsZero() {
		d = min(d, time.Until(r.Till))
	}
	return d
}

// requestTwo is r in the words of net/http.
func (a *address) requestTwo(r *Request, late *time.Timer, e *ear) (*http.Request, error) {
	if _, err := appendHead(nil, r, a.host); err != nil {
		return nil, err
	}
	host := r.Host
	if host == "" {
		host = a.host
	}
	out := &http.Request{
		Method: r.Method, Proto: "HTTP/2.0", ProtoMajor: 2, Host: host, Header: make(http.Header, len(r.Fields)+1),
		URL: &url.URL{Scheme: "https", Host: a.host, Opaque: r.Target},
	}
	for _, f := range r.Fields {
		name := http.CanonicalHeaderKey(f.Name)
		out.Header[name] = append(out.Header[name], f.Value)
	}
	if out.Header["User-Agent"] == nil {
		out.Header["User-Agent"] = nil // else net/http writes its own
	}
	switch {
	case r.Body != nil:
		out.ContentLength, out.Body = r.Length, &feed{r: r, late: late, ear: e}
	case len(r.Whole) > 0:
		out.ContentLength, out.Body = int64(len(r.Whole)), io.NopCloser(bytes.NewReader(r.Whole))
	case r.Whole != nil || meansBody(r.Method):
		out.Body = http.NoBody
	}
	return out, nil
}

// failedTwo sorts an error of net/http.
func (a *address) failedTwo(ctx context.Context, err error) error {
	e := &Error{Kind: Broken, Address: a.host, Err: err, Asked: true}
	var body *bodyError
	switch {
	case errors.As(err, &body):
		e.Kind, e.Err = BodyFailed, body.err
	case errors.Is(err, errHead):
		e.Kind = Refused
	case errors.Is(context.Cause(ctx), errLate):
		e.Kind = Late
	case ctx.Err() != nil:
		e.Kind = kindOfContext(ctx)
	case isTLS(err):
		e.Kind = Untrusted
	case isTimeout(err):
		e.Kind = Late
	}
	return e
}

// A feed is a body that streams to net/http. While it moves, nobody waits for a
// reply.
type feed struct {
	r    *Request
	late *time.Timer
	ear  *ear
	once sync.Once
}

// Read reads the body.
func (f *feed) Read(p []byte) (int, error) {
	n, err := f.r.Body.Read(p)
	f.late.Reset(untilHead(f.r))
	if err != nil && err != io.EOF { //nolint:errorlint // readers return it bare
		err = &bodyError{err}
	} else if err != nil {
		f.ear.begin()
	}
	return n, err
}

// Close makes a Read under way return.
func (f *feed) Close() error {
	f.once.Do(func() {
		if f.r.Stop != nil {
			f.r.Stop()
		}
	})
	return nil
}

// An ear is the vigil of an exchange whose head net/http awaits.
type ear struct {
	head time.Duration

	mu    sync.Mutex
	v     vigil
	sent  time.Time   // when the request had gone out whole
	timer *time.Timer // nil before that
	over  bool
}

// begin is called when the request has gone out whole.
func (e *ear) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || e.timer != nil {
		return
	}
	e.sent = time.Now()
	e.v.begin(e.sent, e.head)
	e.timer = time.AfterFunc(time.Until(time.Unix(0, e.v.next)), e.ring)
}

// ring judges the silence.
func (e *ear) ring() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return
	}
	e.v.listen(e.sent, time.Now())
	e.timer.Reset(time.Until(time.Unix(0, e.v.next)))
}

// close ends it, and tells when the request had gone out whole; the zero time:
// it had not.
func (e *ear) close() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	if e.timer != nil {
		e.timer.Stop()
	}
	return e.sent
}

// A bodyTwo is the body of a reply over HTTP/2.
type bodyTwo struct {
	a      *address
	lane   *lane
	body   io.ReadCloser
	ctx    context.Context //nolint:containedctx // it lives as long as the body
	cancel context.CancelCauseFunc
	late   *time.Timer
	r      *Request
	once   sync.Once
}

// fed moves the end of the wait for the next byte.
func (b *bodyTwo) fed() {
	d := b.r.Idle
	if d <= 0 {
		d = time.Hour
	}
	if !b.r.Till.IsZero() {
		d = min(d, time.Until(b.r.Till))
	}
	b.late.Reset(d)
}

// Read reads the body.
func (b *bodyTwo) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if n > 0 {
		b.fed()
	}
	if err != nil && err != io.EOF { //nolint:errorlint // readers return it bare
		err = b.a.failedTwo(b.ctx, err)
		kind, _ := KindOf(err)
		if kind.blames() {
			b.a.health.failed(time.Now())
		}
		if kind == Malformed || kind == Late && !b.r.Till.IsZero() {
			b.lane.bodies.failed(time.Now())
		}
	} else if err != nil {
		b.lane.bodies.whole()
	}
	return n, err
}

// Close ends the exchange.
func (b *bodyTwo) Close() error {
	b.once.Do(func() {
		b.late.Stop()
		b.cancel(nil)
		_ = b.body.Close() //nolint:errcheck // it is over
		b.a.release()
	})
	return nil
}
