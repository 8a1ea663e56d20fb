package upstream

import (
	"net/textproto"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
)

// The limits of a reply's head.
const (
	maxHead   = 64 << 10 // bytes, status line and all fields
	maxFields = 200
)

// A head is what the first lines of a reply say about the rest.
type head struct {
	status  int
	length  int64 // of Content-Length; -1: there is none
	chunked bool
	old     bool          // HTTP/1.0
	close   bool          // the connection ends with this reply
	upgrade string        // of a 101
	rest    time.Duration // how long the upstream keeps the connection without a request; 0: it does not say
}

// parseHead reads a whole head, its last empty line included (RFC 9112
// sections 2 to 6). What has no single meaning is refused with a Reason, also
// where the RFC lets a client guess: a guess of ours could be another one than
// that of the next reader. Fields are appended to fields; they are parts of
// text.
func parseHead(text string, fields risk.Fields) (head, risk.Fields, error) {
	h := head{length: -1}
	line, rest, err := cutLine(text)
	if err != nil {
		return h, fields, err
	}
	if err := h.statusLine(line); err != nil {
		return h, fields, err
	}
	first := len(fields)
	for {
		if line, rest, err = cutLine(rest); err != nil {
			return h, fields, err
		}
		if line == "" {
			break
		}
		if len(fields)-first >= maxFields {
			return h, fields, TooManyFields
		}
		f, err := parseField(line)
		if err != nil {
			return h, fields, err
		}
		if err := h.note(f); err != nil {
			return h, fields, err
		}
		fields = append(fields, f)
	}
	return h, fields, h.check()
}

// cutLine takes the first line off text, which ends with CRLF.
func cutLine(text string) (line, rest string, err error) {
	i := strings.IndexByte(text, '\n')
	if i < 1 || text[i-1] != '\r' {
		return "", "", BareLF
	}
	return text[:i-1], text[i+1:], nil
}

// statusLine reads "HTTP/1.1 200 OK". The reason phrase means nothing; the
// space before it is missed where there is none, as many servers do.
func (h *head) statusLine(line string) error {
	version, rest, ok := strings.Cut(line, " ")
	switch {
	case !ok || !strings.HasPrefix(version, "HTTP/"):
		return BadStatusLine
	case version == "HTTP/1.0":
		h.old, h.close = true, true
	case version != "HTTP/1.1":
		return BadVersion
	}
	if len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return BadStatusLine
	}
	for i := range 3 {
		if rest[i] < '0' || rest[i] > '9' {
			return BadStatusLine
		}
		h.status = 10*h.status + int(rest[i]-'0')
	}
	if h.status < 100 || h.status > 599 {
		return BadStatus
	}
	if !lawfulValue(rest[3:]) {
		return BadStatusLine
	}
	return nil
}

// parseField reads one field line.
func parseField(line string) (risk.Field, error) {
	if line[0] == ' ' || line[0] == '\t' {
		return risk.Field{}, FoldedField
	}
	i := strings.IndexByte(line, ':')
	if i < 1 {
		return risk.Field{}, BadFieldLine
	}
	// One pass tells whether the name is lawful, and whether it is in canonical
	// form already.
	canonical, upper := true, true
	for j := range i {
		c := line[j]
		k := nameChars[c]
		if k == 0 {
			return risk.Field{}, BadFieldLine
		}
		canonical = canonical && (k == otherChar || (k == upperChar) == upper)
		upper = c == '-'
	}
	name := line[:i]
	if !canonical {
		name = textproto.CanonicalMIMEHeaderKey(name)
	}
	value := strings.Trim(line[i+1:], " \t")
	if !lawfulValue(value) {
		return risk.Field{}, BadFieldValue
	}
	return risk.Field{Name: name, Value: value}, nil
}

// lawfulValue tells whether s has no control character but the tab.
func lawfulValue(s string) bool { return canon.ValueEnd(s, 0) == len(s) }

// A nameChar says what a byte is in a field name.
type nameChar uint8

const (
	otherChar nameChar = iota + 1 // of a token (RFC 9110 section 5.6.2), but no letter
	lowerChar
	upperChar
)

// nameChars are the bytes of a token; the rest is 0.
var nameChars = func() (t [256]nameChar) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789") {
		t[c] = otherChar
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = lowerChar, upperChar
	}
	return t
}()

// note keeps what a field says about framing and connection.
func (h *head) note(f risk.Field) error {
	switch f.Name {
	case "Content-Length":
		n, ok := parseLength(f.Value)
		if !ok || h.length >= 0 {
			return BadLength
		}
		h.length = n
	case "Transfer-Encoding":
		if h.chunked || !risk.EqualFold(f.Value, "chunked") {
			return BadCoding
		}
		h.chunked = true
	case "Connection":
		for option := range strings.SplitSeq(f.Value, ",") {
			h.close = h.close || risk.EqualFold(strings.Trim(option, " \t"), "close")
		}
	case "Upgrade":
		h.upgrade = f.Value
	case "Keep-Alive":
		h.rest = keepAlive(f.Value)
	}
	return nil
}

// keepAlive is the time of "timeout=5, max=100", in whole seconds (RFC 2068
// section 19.7.1.1), or 0. What cannot be read says nothing.
func keepAlive(value string) time.Duration {
	for part := range strings.SplitSeq(value, ",") {
		text, ok := strings.CutPrefix(strings.Trim(part, " \t"), "timeout=")
		if n, digits := parseLength(text); ok && digits {
			return time.Duration(max(1, min(n, 3600))) * time.Second
		}
	}
	return 0
}

// parseLength reads 1*DIGIT that fits.
func parseLength(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}

// check compares the fields of framing with each other. HTTP/1.0 has no
// Transfer-Encoding (RFC 9112 section 6.1).
func (h *head) check() error {
	switch {
	case !h.chunked:
		return nil
	case h.length >= 0:
		return TwoFramings
	case h.old || h.status < 200 || h.status == 204:
		return UnaskedCoding
	}
	return nil
}

// A frame says how the end of a body is found.
type frame uint8

// The frames (RFC 9112 section 6.3).
const (
	noBody     frame = iota
	byLength         // a number of bytes
	byChunks         // chunks
	untilClose       // all that comes
)

// framing is how the body of a reply to method ends, and its length; -1 is not
// known.
func (h *head) framing(method string) (frame, int64) {
	switch {
	case method == "HEAD" || h.status < 200 || h.status == 204 || h.status == 304:
		return noBody, 0
	case h.chunked:
		return byChunks, -1
	case h.length == 0:
		return noBody, 0
	case h.length > 0:
		return byLength, h.length
	}
	return untilClose, -1
}
