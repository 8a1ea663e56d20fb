package wire

import (
	"bytes"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
)

// maxMethod is the longest method that is taken for one, in bytes.
const maxMethod = 32

// A span is where a field lies in its head.
type span struct{ name, colon, value, end uint16 }

// limits are those of a head.
type limits struct{ head, fields, target int }

// A scan looks for the end of a head while it comes in. It refuses what no more
// bytes can make good.
type scan struct {
	line  int // where the line that is looked at begins
	seen  int // what was looked at
	lines int // whole lines before it
}

// find looks on in b, which begins with the head, and returns the length of the
// head with its last empty line, or 0 while that has not come.
func (s *scan) find(b []byte, l limits) (int, *fault.Fault) {
	for {
		i := bytes.IndexByte(b[s.seen:], '\n')
		if i < 0 {
			return 0, s.wait(b, l)
		}
		i += s.seen
		switch {
		case i == 0 || b[i-1] != '\r':
			return 0, bareLF
		case i >= l.head:
			return 0, s.over(l, i)
		case i-1 == s.line && s.lines > 0:
			return i + 1, nil
		case i-1 == s.line:
			return 0, badLine
		case s.lines > l.fields:
			return 0, manyFields
		case s.lines == 0 && i > l.target+maxMethod+16:
			return 0, longTarget
		}
		s.line, s.seen = i+1, i+1
		s.lines++
	}
}

// wait judges a line that has not ended.
func (s *scan) wait(b []byte, l limits) *fault.Fault {
	if i := bytes.IndexByte(b[s.seen:max(len(b)-1, s.seen)], '\r'); i >= 0 {
		return bareCR
	}
	s.seen = max(len(b)-1, s.seen) // the last byte may be the first half of an end of line
	if s.lines == 0 && len(b) > l.target+maxMethod+16 {
		return longTarget
	}
	if len(b) >= l.head {
		return s.over(l, len(b))
	}
	return nil
}

// over says which limit a head is over that is too long.
func (s *scan) over(l limits, n int) *fault.Fault {
	if s.lines == 0 && n > l.target {
		return longTarget
	}
	return bigHead
}

// parse reads a whole head: b ends with the empty line. It brings the names of
// fields into canonical form in place. spans is room for l.fields of them. Of x
// it sets what it could tell, also where it refuses.
func parse(b []byte, x *Exchange, spans []span, l limits) *fault.Fault {
	end := bytes.IndexByte(b, '\r')
	if b[end+1] != '\n' {
		return bareCR
	}
	method, target, f := requestLine(b[:end], x, l)
	if f != nil {
		return f
	}
	n, f := fieldLines(b, end+2, spans[:min(l.fields, len(spans))])
	if f != nil {
		x.Target = string(target)
		if x.Method == "" {
			x.Method = string(method)
		}
		return f
	}
	// One string holds the head; everything else is a part of it.
	text := string(b)
	if x.Method == "" {
		x.Method = text[:len(method)]
	}
	x.Target = text[len(method)+1:][:len(target)]
	for _, s := range spans[:n] {
		x.Fields = append(x.Fields, risk.Field{Name: text[s.name:s.colon], Value: text[s.value:s.end]})
	}
	return x.frame()
}

// requestLine reads the first line (RFC 9112 section 3). It sets Method where
// it is a usual one, and Proto.
func requestLine(b []byte, x *Exchange, l limits) (method, target []byte, f *fault.Fault) {
	first, last := bytes.IndexByte(b, ' '), bytes.LastIndexByte(b, ' ')
	if first <= 0 || last == first {
		return nil, nil, badLine
	}
	method, target = b[:first], b[first+1:last]
	if i := notToken(method); i >= 0 {
		return nil, nil, badMethod
	}
	x.Method = usual(method)
	if f := x.version(b[last+1:]); f != nil {
		return nil, nil, f
	}
	if len(method) > maxMethod || string(method) == "CONNECT" {
		return nil, nil, longMethod
	}
	if len(target) > l.target {
		return nil, nil, longTarget
	}
	for _, c := range target {
		switch {
		case c == ' ':
			return nil, nil, badLine
		case c < ' ' || c == 0x7f:
			return nil, nil, ctlTarget
		}
	}
	if len(target) == 0 {
		return nil, nil, badLine
	}
	return method, target, nil
}

// version reads the last part of the request line (RFC 9112 section 2.3).
func (x *Exchange) version(b []byte) *fault.Fault {
	switch string(b) {
	case "HTTP/1.1":
		x.Proto = "HTTP/1.1"
		return nil
	case "HTTP/1.0":
		x.Proto = "HTTP/1.0"
		return nil
	}
	if len(b) == 8 && string(b[:5]) == "HTTP/" && digit(b[5]) && b[6] == '.' && digit(b[7]) {
		return badVersion
	}
	return badLine
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// usual is the method as a constant, "" where it is not a usual one.
func usual(b []byte) string {
	switch string(b) {
	case "GET":
		return "GET"
	case "POST":
		return "POST"
	case "PUT":
		return "PUT"
	case "PATCH":
		return "PATCH"
	case "DELETE":
		return "DELETE"
	case "HEAD":
		return "HEAD"
	case "OPTIONS":
		return "OPTIONS"
	}
	return ""
}

// fieldLines reads the lines from at to the empty one, and returns how many
// fields there are (RFC 9112 section 5).
func fieldLines(b []byte, at int, spans []span) (int, *fault.Fault) {
	n := 0
	for b[at] != '\r' || b[at+1] != '\n' {
		if n == len(spans) {
			return 0, manyFields
		}
		end, f := fieldLine(b, at, &spans[n])
		if f != nil {
			return 0, f
		}
		n++
		at = end
	}
	return n, nil
}

// fieldLine reads one line and returns where the next one begins.
func fieldLine(b []byte, at int, s *span) (int, *fault.Fault) {
	if b[at] == ' ' || b[at] == '\t' {
		return 0, foldedLine
	}
	colon := at
	for canon.TokenByte(b[colon]) {
		colon++
	}
	if b[colon] != ':' || colon == at {
		return 0, notColon(b[at:], colon-at)
	}
	value := colon + 1
	for b[value] == ' ' || b[value] == '\t' {
		value++
	}
	end := canon.ValueEnd(b, value)
	if b[end] != '\r' || b[end+1] != '\n' {
		return 0, lineFault(b[end])
	}
	next := end + 2
	for end > value && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	canonical(b[at:colon])
	*s = span{name: uint16(at), colon: uint16(colon), value: uint16(value), end: uint16(end)} //nolint:gosec // a head has at most mostHead bytes
	return next, nil
}

// lineFault says what is wrong with a byte that no line may hold.
func lineFault(c byte) *fault.Fault {
	switch c {
	case '\r':
		return bareCR
	case '\n':
		return bareLF
	}
	return ctlValue
}

// notColon says why a line has no name and colon; b[i] is the byte that is not
// of a name.
func notColon(b []byte, i int) *fault.Fault {
	line, _, _ := bytes.Cut(b, []byte("\r\n"))
	switch {
	case i < len(line) && (line[i] == ' ' || line[i] == '\t') && i > 0 && bytes.IndexByte(line, ':') == i+len(line[i:])-len(bytes.TrimLeft(line[i:], " \t")):
		return spacedColon
	case bytes.IndexByte(line, ':') < 0:
		return noColon
	}
	return badName
}

// canonical brings a token into the form of Content-Type.
func canonical(name []byte) {
	upper := true
	for i, c := range name {
		switch {
		case upper && 'a' <= c && c <= 'z':
			name[i] = c - 'a' + 'A'
		case !upper && 'A' <= c && c <= 'Z':
			name[i] = c - 'A' + 'a'
		}
		upper = c == '-'
	}
}

// notToken is the first byte of b that no token may hold, 0 of an empty one, or
// -1.
func notToken(b []byte) int {
	for i, c := range b {
		if !canon.TokenByte(c) {
			return i
		}
	}
	if len(b) == 0 {
		return 0
	}
	return -1
}

// takeTarget holds the target to its method and Host (RFC 9112 section 3.2).
func (x *Exchange) takeTarget() *fault.Fault {
	if x.Target[0] == '/' {
		return nil
	}
	t, err := canon.Split(x.Method, x.Target)
	switch {
	case err != nil:
		return badTarget.Because(err)
	case t.Asterisk:
		return nil
	case t.Authority == "" || t.Path == "" || t.Path[0] != '/': // such as http://a#b
		return badTarget
	case !risk.EqualFold(t.Authority, x.Host) && (x.Host != "" || x.Proto != "HTTP/1.0"):
		return otherHost
	}
	x.Host, x.Target = t.Authority, t.Path
	if t.HasQuery {
		x.Target += "?" + t.Query
	}
	return nil
}
