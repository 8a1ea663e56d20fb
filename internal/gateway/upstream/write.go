package upstream

import (
	"bytes"
	"strconv"
	"strings"
)

// appendHead writes the head of r. Every line of it is one that is meant to be
// there: a name or value that brings its own is refused.
func appendHead(b []byte, r *Request, host string) ([]byte, error) {
	if r.Host != "" {
		host = r.Host
	}
	if r.Method == "" || r.Target == "" || host == "" || strings.IndexByte(r.Method, ' ') >= 0 || strings.IndexByte(r.Target, ' ') >= 0 {
		return b, errHead
	}
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, r.Target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	lines := 3 + len(r.Fields) // with the empty one
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Name == "" || strings.IndexByte(f.Name, ':') >= 0 {
			return b, errHead
		}
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	b, more := appendFraming(b, r)
	lines += more
	b = append(b, "\r\n"...)
	if bytes.Count(b, []byte{'\n'}) != lines || bytes.Count(b, []byte{'\r'}) != lines || bytes.IndexByte(b, 0) >= 0 {
		return b, errHead
	}
	return b, nil
}

// appendFraming writes the fields that are the client's to write, and counts
// them.
func appendFraming(b []byte, r *Request) (out []byte, lines int) {
	if r.Upgrade != "" {
		b = append(b, "Connection: Upgrade\r\nUpgrade: "...)
		b = append(b, r.Upgrade...)
		b = append(b, "\r\n"...)
		lines += 2
	}
	length := int64(len(r.Whole))
	if r.Body != nil {
		length = r.Length
	}
	switch {
	case length < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		lines++
	case length > 0 || r.Body != nil || r.Whole != nil || meansBody(r.Method):
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
		lines++
	}
	if r.Expect && (r.Body != nil || len(r.Whole) > 0) {
		b = append(b, "Expect: 100-continue\r\n"...)
		lines++
	}
	return b, lines
}

// meansBody tells whether a request with this method is expected to have a
// body, so that its absence is said (RFC 9110 section 8.6).
func meansBody(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}
