package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/source"
)

// UpstreamTLS are the files of PEM for TLS to the upstream, and what is spoken
// over it.
type UpstreamTLS struct {
	CA, Cert, Key Text
	ALPN          Given[Protocol]
	At            source.Span
}

// A Protocol is what is spoken to an upstream over TLS.
type Protocol string

// The protocols, by their names of RFC 7301. The first is the default.
const (
	HTTP1 Protocol = "http/1.1"
	HTTP2 Protocol = "h2"
)

// Health says how an address of an upstream is asked whether it is well.
type Health struct {
	Path     Text     // of a GET
	Interval Duration // between two checks, 1 second to 1 hour; not set: 10s
	Timeout  Duration // for one answer, up to the interval; not set: 2s
	At       source.Span
}

// Breaker says when an address of an upstream that fails is left alone.
type Breaker struct {
	Failures Given[int64] // in a row, 1 to 1,000; not set: 5
	Open     Duration     // at first, 100 ms to 1 hour; not set: 1s
	Requests Given[int64] // that may wait at once for its answer, 1 to 16,384; not set: 1,024
	Silence  Duration     // that means something, 100 ms to 1 hour; not set: 500ms
	At       source.Span
}

// The limits of upstreams.
const (
	maxAddresses = 64
	maxFailures  = 1000
	maxRequests  = 16 << 10
	leastOpen    = 100 * time.Millisecond
	leastEvery   = time.Second
	usualEvery   = 10 * time.Second // where no interval is given
)

func upstreamShape() shape[[]Text] {
	return oneOrList(pattern{form: urlForm, want: "a URL such as http://127.0.0.1:8080, without user, query or fragment"}.shape(), maxAddresses)
}

func upstreamTLSShape() shape[UpstreamTLS] {
	file := pathText("a file of PEM")
	return record[UpstreamTLS]{
		name: "upstream_tls",
		members: []member[UpstreamTLS]{
			given("ca", file, func(u *UpstreamTLS) *Text { return &u.CA }, "File with the CAs that the upstream's certificate must come from."),
			given("cert", file, func(u *UpstreamTLS) *Text { return &u.Cert }, "File with the certificate that the gateway shows."),
			given("key", file, func(u *UpstreamTLS) *Text { return &u.Key }, "File with its private key."),
			given("alpn", enum(HTTP1, HTTP2), func(u *UpstreamTLS) *Given[Protocol] { return &u.ALPN }, "What the upstream speaks. Without it: http/1.1."),
		},
		together: [][2]string{{"cert", "key"}},
		finish:   func(_ *reader, v source.Value, u *UpstreamTLS) { u.At = v.At },
	}.shape()
}

func healthShape() shape[Health] {
	return record[Health]{
		name: "health", doc: "How each address is asked whether it is well. Two checks in a row that fail take it out, one that does not brings it back.",
		members: []member[Health]{
			given("path", pattern{form: `^/[!-~]*$`, want: "a path such as /healthz", limit: 1024}.shape(), func(h *Health) *Text { return &h.Path }, "Path of a GET, from the root of the address. 2xx and 3xx are well.").required(),
			given("interval", length(leastEvery, maxWait), func(h *Health) *Duration { return &h.Interval }, "Between two checks. Without it: 10s."),
			given("timeout", length(time.Millisecond, maxWait), func(h *Health) *Duration { return &h.Timeout }, "For one answer. Without it: 2s."),
		},
		finish: func(r *reader, v source.Value, h *Health) {
			h.At = v.At
			every := h.Interval.Value
			if !h.Interval.Set {
				every = usualEvery
			}
			if h.Timeout.Value > every {
				r.fail(h.Timeout.At, CodeConflict, r.where()+".timeout is longer than the interval between two checks", "shorten it, or lengthen interval")
			}
		},
	}.shape()
}

func breakerShape() shape[Breaker] {
	return record[Breaker]{
		name: "breaker", doc: "When an address that fails is left alone.",
		members: []member[Breaker]{
			given("failures", integer(1, maxFailures), func(b *Breaker) *Given[int64] { return &b.Failures }, "Failures in a row that open it. Without it: 5."),
			given("open", length(leastOpen, maxWait), func(b *Breaker) *Duration { return &b.Open }, "How long it stays open at first; it doubles, up to 30s, while the address goes on failing. Without it: 1s."),
			given("requests", integer(1, maxRequests), func(b *Breaker) *Given[int64] { return &b.Requests }, "Requests that may wait at once for the answer of one address; more get 503. Without it: 1024."),
			given("silence", length(leastOpen, maxWait), func(b *Breaker) *Duration { return &b.Silence }, "How long an address may let requests wait, and answer nobody meanwhile, before that counts: as many as failures open it, unless four times what is usual of the operation is longer. Where little is known of an operation, a third of timeouts.upstream. Without it: 500ms."),
		},
		finish: func(_ *reader, v source.Value, b *Breaker) { b.At = v.At },
	}.shape()
}

// checkUpstreams compares the addresses of an API with each other: they must be
// the same thing at several places.
func checkUpstreams(r *reader, a *API) {
	scheme, path := cutURL(a.Upstream[0].Value)
	seen := map[string]bool{}
	for i, u := range a.Upstream {
		s, p := cutURL(u.Value)
		key := strings.ToLower(u.Value)
		switch {
		case seen[key]:
			r.fail(u.At, CodeConflict, fmt.Sprintf("%s.upstream names %s twice", r.where(), quote(u.Value)), "name each address once: all get the same share")
		case s != scheme:
			r.fail(u.At, CodeConflict, fmt.Sprintf("%s.upstream.%d is %s, but the first is %s", r.where(), i, s, scheme), "speak TLS to all of them, or to none")
		case p != path:
			r.fail(u.At, CodeConflict, fmt.Sprintf("%s.upstream.%d has the path %s, but the first has %s", r.where(), i, quote(p), quote(path)), "give all of them one path")
		}
		seen[key] = true
	}
	if a.UpstreamTLS.At.Line > 0 && scheme == "http" {
		r.fail(a.UpstreamTLS.At, CodeConflict, r.where()+" has upstream_tls, but its upstream is plain http", "write https:// in upstream, or remove upstream_tls")
	}
}

// cutURL is the scheme and the path of a URL of urlForm.
func cutURL(text string) (scheme, path string) {
	scheme, rest, _ := strings.Cut(text, "://")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		path = rest[i:]
	}
	return scheme, path
}
