package wire

import "net/http"

// A sort is what a field is to the front.
type sort uint8

const (
	plainField sort = iota
	methodField
	schemeField
	authorityField
	pathField
	otherPseudo
	hostField
	lengthField
	cookieField
	teField
	expectField
	connectionField // one that HTTP/2 has no use for (RFC 9113 section 8.2.2)
)

// A spelled is a name in canonical form, and what it is.
type spelled struct {
	name string
	sort sort
}

// spellings are the names that need no making: those of requests, as they
// stand on the wire.
var spellings = func() map[string]spelled {
	out := map[string]spelled{
		":method": {":method", methodField}, ":scheme": {":scheme", schemeField}, ":authority": {":authority", authorityField}, ":path": {":path", pathField},
		"host": {"Host", hostField}, "content-length": {"Content-Length", lengthField}, "cookie": {"Cookie", cookieField}, "te": {"Te", teField}, "expect": {"Expect", expectField},
		"connection": {"Connection", connectionField}, "proxy-connection": {"Proxy-Connection", connectionField}, "keep-alive": {"Keep-Alive", connectionField},
		"transfer-encoding": {"Transfer-Encoding", connectionField}, "upgrade": {"Upgrade", connectionField},
	}
	for _, name := range []string{
		"accept", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "access-control-allow-origin", "access-control-request-headers", "access-control-request-method", "age", "allow",
		"authorization", "cache-control", "content-disposition", "content-encoding", "content-language", "content-location", "content-range", "content-type", "date", "dnt", "etag", "expires", "forwarded", "from",
		"grpc-accept-encoding", "grpc-encoding", "grpc-timeout", "idempotency-key", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-event-id", "last-modified", "link",
		"location", "max-forwards", "origin", "pragma", "prefer", "priority", "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh", "retry-after", "sec-ch-ua", "sec-ch-ua-mobile",
		"sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "server", "set-cookie", "strict-transport-security", "traceparent", "tracestate", "trailer", "upgrade-insecure-requests",
		"user-agent", "vary", "via", "www-authenticate", "x-api-key", "x-correlation-id", "x-csrf-token", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "x-request-id", "x-requested-with",
	} {
		out[name] = spelled{http.CanonicalHeaderKey(name), plainField}
	}
	return out
}()

// static is the static table of HPACK (RFC 7541 appendix A), without the entry
// of index 0.
var static = func() (out [61]entry) {
	for i, f := range [61][2]string{
		{":authority", ""}, {":method", "GET"}, {":method", "POST"}, {":path", "/"}, {":path", "/index.html"}, {":scheme", "http"}, {":scheme", "https"},
		{":status", "200"}, {":status", "204"}, {":status", "206"}, {":status", "304"}, {":status", "400"}, {":status", "404"}, {":status", "500"},
		{"accept-charset", ""}, {"accept-encoding", "gzip, deflate"}, {"accept-language", ""}, {"accept-ranges", ""}, {"accept", ""}, {"access-control-allow-origin", ""},
		{"age", ""}, {"allow", ""}, {"authorization", ""}, {"cache-control", ""}, {"content-disposition", ""}, {"content-encoding", ""}, {"content-language", ""},
		{"content-length", ""}, {"content-location", ""}, {"content-range", ""}, {"content-type", ""}, {"cookie", ""}, {"date", ""}, {"etag", ""}, {"expect", ""},
		{"expires", ""}, {"from", ""}, {"host", ""}, {"if-match", ""}, {"if-modified-since", ""}, {"if-none-match", ""}, {"if-range", ""}, {"if-unmodified-since", ""},
		{"last-modified", ""}, {"link", ""}, {"location", ""}, {"max-forwards", ""}, {"proxy-authenticate", ""}, {"proxy-authorization", ""}, {"range", ""}, {"referer", ""},
		{"refresh", ""}, {"retry-after", ""}, {"server", ""}, {"set-cookie", ""}, {"strict-transport-security", ""}, {"transfer-encoding", ""}, {"user-agent", ""},
		{"vary", ""}, {"via", ""}, {"www-authenticate", ""},
	} {
		s, ok := spellings[f[0]]
		if !ok {
			s = spelled{f[0], otherPseudo} // :status
		}
		out[i] = entry{name: s.name, value: f[1], sort: s.sort}
	}
	return out
}()

// indices are the first ones of each name in the static table, by its canonical
// form.
var indices = func() map[string]uint8 {
	out := map[string]uint8{}
	for i := range static {
		if _, ok := out[static[i].name]; !ok {
			out[static[i].name] = uint8(i + 1) //nolint:gosec // there are 61
		}
	}
	return out
}()
