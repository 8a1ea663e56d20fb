package event

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// timeLayout is RFC 3339 in UTC with exactly six digits of a second.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// AppendCanonical appends the canonical form of e to dst: one line of JSON
// without a line break, fields in the order below, empty ones left out, no
// fraction, no blank between tokens. It allocates nothing when dst has room.
//
// Text is made safe to print: control characters (C0, DEL, C1), marks of
// direction and other invisible characters are escaped, and bytes that are not
// UTF-8 become U+FFFD. Personal is never written.
func AppendCanonical(dst []byte, e *Event) []byte {
	w := writer{b: dst, cut: e.Cut}
	w.b = append(w.b, `{"v":1`...)
	w.word("kind", e.Kind.String(), 0)
	w.id(e.ID)
	w.uint("seq", e.Seq)
	w.time("time", e.Time)
	w.head(e)
	w.caller(e)
	w.decision(e)
	w.lists(e)
	w.open("upstream")
	w.truth("called", e.Upstream.Called)
	w.text("address", e.Upstream.Address, MaxName, CutUpstream)
	w.int("status", int64(e.Upstream.Status))
	w.int("micros", e.Upstream.Micros)
	w.close("upstream")
	w.int("in", e.BytesIn)
	w.int("out", e.BytesOut)
	w.int("micros", e.Micros)
	w.words("flags", e.Flags, MaxFlags, CutFlags)
	w.open("gap")
	w.uint("count", e.Gap.Count)
	w.time("from", e.Gap.From)
	w.time("to", e.Gap.To)
	w.close("gap")
	w.cuts()
	return append(w.b, '}')
}

// A writer builds one canonical form.
type writer struct {
	b   []byte
	cut Cut
}

func (w *writer) head(e *Event) {
	w.word("node", e.Node, CutHead)
	w.word("plan", e.Plan, CutHead)
	w.word("api", e.API, CutHead)
	w.text("op", e.Operation, MaxText, CutHead)
	w.word("method", e.Method, CutHead)
	w.text("template", e.Template, MaxText, CutHead)
	w.word("proto", e.Proto, CutHead)
	w.open("tls")
	w.word("version", e.TLS.Version, CutHead)
	w.word("suite", e.TLS.Suite, CutHead)
	w.close("tls")
	w.word("trace", e.Trace, CutHead)
}

func (w *writer) caller(e *Event) {
	w.open("caller")
	if e.Caller.Kind != Anonymous {
		w.word("kind", e.Caller.Kind.String(), 0)
	}
	w.word("key", e.Caller.KeyID, CutHead)
	w.word("tier", e.Caller.Tier, CutHead)
	w.word("who", e.Caller.Pseudonym, CutHead)
	w.close("caller")
	if len(e.Box.Data) > 0 {
		w.open("box")
		w.word("key", e.Box.Key, 0)
		w.name("data")
		w.b = append(w.b, '"')
		w.b = base64.RawStdEncoding.AppendEncode(w.b, e.Box.Data)
		w.b = append(w.b, '"')
		w.close("box")
	}
	w.words("objects", e.Objects, MaxObjects, CutObjects)
}

func (w *writer) decision(e *Event) {
	w.word("decision", e.Decision.String(), 0)
	w.word("risk", e.Risk, CutDecision)
	w.word("code", e.Code, CutDecision)
	w.int("status", int64(e.Status))
	w.text("at", e.At, MaxName, CutDecision)
	w.text("reason", e.Reason, MaxText, CutReason)
	w.text("target", e.Target, MaxName, CutDecision)
}

func (w *writer) lists(e *Event) {
	w.words("passed", e.Passed, MaxPassed, CutPassed)
	n := w.list("would", len(e.Would), MaxWould, CutWould)
	for i := range n {
		x := &e.Would[i]
		w.item(i)
		w.word("risk", x.Risk, CutWould)
		w.word("code", x.Code, CutWould)
		w.text("at", x.At, MaxName, CutWould)
		w.itemEnd(i, n)
	}
	n = w.list("violations", len(e.Violations), MaxViolations, CutViolations)
	for i := range n {
		x := &e.Violations[i]
		w.item(i)
		w.text("pointer", x.Pointer, MaxText, CutViolations)
		w.word("keyword", x.Keyword, CutViolations)
		w.word("in", x.In, CutViolations)
		w.text("name", x.Name, MaxName, CutViolations)
		w.text("line", x.Line, MaxName, CutViolations)
		w.itemEnd(i, n)
	}
	n = w.list("edits", len(e.Edits), MaxEdits, CutEdits)
	for i := range n {
		x := &e.Edits[i]
		w.item(i)
		w.word("kind", x.Kind, CutEdits)
		w.text("pointer", x.Pointer, MaxText, CutEdits)
		w.itemEnd(i, n)
	}
}

func (w *writer) cuts() {
	if w.cut&(endCut-1) == 0 {
		return
	}
	w.name("cut")
	w.b = append(w.b, '[')
	for c := Cut(1); c < endCut; c <<= 1 {
		if w.cut&c != 0 {
			if w.b[len(w.b)-1] != '[' {
				w.b = append(w.b, ',')
			}
			w.string(c.String(), MaxWord, 0)
		}
	}
	w.b = append(w.b, ']')
}

// name writes the name of a field, with a comma where one stood before.
func (w *writer) name(n string) {
	i := len(w.b)
	b := slices.Grow(w.b, len(n)+len(`,"":`))[:i+len(n)+len(`,"":`)]
	if b[i-1] != '{' {
		b[i] = ','
		i++
	} else {
		b = b[:len(b)-1]
	}
	b[i] = '"'
	copy(b[i+1:], n)
	b[len(b)-2], b[len(b)-1] = '"', ':'
	w.b = b
}

// open begins an object, and close takes it back when it stayed empty.
func (w *writer) open(n string) {
	w.name(n)
	w.b = append(w.b, '{')
}

func (w *writer) close(n string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, '}')
		return
	}
	w.b = w.b[:len(w.b)-len(n)-len(`"":{`)]
	if w.b[len(w.b)-1] == ',' {
		w.b = w.b[:len(w.b)-1]
	}
}

// list begins a list and returns how many entries fit its bound.
func (w *writer) list(n string, have, limit int, c Cut) int {
	if have > limit {
		have, w.cut = limit, w.cut|c
	}
	if have > 0 {
		w.name(n)
		w.b = append(w.b, '[')
	}
	return have
}

func (w *writer) item(i int) {
	if i > 0 {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '{')
}

func (w *writer) itemEnd(i, n int) {
	w.b = append(w.b, '}')
	if i == n-1 {
		w.b = append(w.b, ']')
	}
}

func (w *writer) words(n string, list []string, limit int, c Cut) {
	have := w.list(n, len(list), limit, c)
	for i, s := range list[:have] {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.string(s, MaxWord, c)
	}
	if have > 0 {
		w.b = append(w.b, ']')
	}
}

func (w *writer) word(n, s string, c Cut) { w.text(n, s, MaxWord, c) }

func (w *writer) text(n, s string, limit int, c Cut) {
	if s == "" {
		return
	}
	w.name(n)
	w.string(s, limit, c)
}

func (w *writer) string(s string, limit int, c Cut) {
	var whole bool
	if w.b, whole = appendText(w.b, s, limit); !whole {
		w.cut |= c
	}
}

func (w *writer) id(id ID) {
	if id.IsZero() {
		return
	}
	w.name("id")
	w.b = append(w.b, '"')
	w.b = id.Append(w.b)
	w.b = append(w.b, '"')
}

func (w *writer) uint(n string, v uint64) {
	if v != 0 {
		w.name(n)
		w.b = strconv.AppendUint(w.b, v, 10)
	}
}

// int writes v unless it is 0; a negative count is a fault of ours and is left
// out as well.
func (w *writer) int(n string, v int64) { w.uint(n, uint64(max(v, 0))) }

func (w *writer) truth(n string, v bool) {
	if v {
		w.name(n)
		w.b = append(w.b, "true"...)
	}
}

func (w *writer) time(n string, t time.Time) {
	if t = t.UTC(); t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return
	}
	w.name(n)
	w.b = append(w.b, '"')
	w.b = appendTime(w.b, t)
	w.b = append(w.b, '"')
}

// appendTime is t.AppendFormat(dst, timeLayout) at a third of its cost, which
// was a tenth of a whole record.
func appendTime(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	micro := t.Nanosecond() / 1000
	dst = append(two(two(dst, year/100), year%100), '-')
	dst = append(two(dst, int(month)), '-')
	dst = append(two(dst, day), 'T')
	dst = append(two(dst, hour), ':')
	dst = append(two(dst, minute), ':')
	dst = append(two(dst, second), '.')
	dst = two(two(two(dst, micro/10000), micro/100%100), micro%100)
	return append(dst, 'Z')
}

// two appends two digits.
func two(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

const hex = "0123456789abcdef"

// appendText writes s as a JSON string that is safe to print and reads back as
// at most limit bytes; whole tells whether all of s went in.
func appendText(dst []byte, s string, limit int) (out []byte, whole bool) {
	dst = append(dst, '"')
	if len(s) <= limit && plain(s) {
		return append(append(dst, s...), '"'), true
	}
	from, extra := 0, 0 // extra: U+FFFD is two bytes longer than the byte it stands for
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && i+extra < limit {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		broken := r == utf8.RuneError && size == 1
		if broken {
			extra += 2
		}
		if i+size+extra > limit {
			return append(append(dst, s[from:i]...), '"'), false
		}
		i += size
		if !broken && c >= utf8.RuneSelf && !invisible(r) {
			continue
		}
		dst = append(dst, s[from:i-size]...)
		dst = appendEscaped(dst, r)
		from = i
	}
	return append(append(dst, s[from:]...), '"'), true
}

// plain tells whether all of s is printable ASCII without quote and backslash.
// It looks at eight bytes at a time: subtracting borrows into the high bit of
// each byte that is too small.
func plain(s string) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		quote, back := x^(ones*'"'), x^(ones*'\\')
		if (x|(x-ones*' ')|(x+ones)|(quote-ones)|(back-ones))&highs != 0 {
			return false
		}
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendEscaped writes one character that may not stand as it is.
func appendEscaped(dst []byte, r rune) []byte {
	switch {
	case r == '"', r == '\\':
		return append(dst, '\\', byte(r))
	case r == utf8.RuneError:
		return utf8.AppendRune(dst, r)
	}
	if r > 0xffff {
		r -= 0x10000
		return appendHex(appendHex(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
	}
	return appendHex(dst, r)
}

func appendHex(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// invisible tells whether a character could move or hide what stands beside it:
// C1 controls, marks and overrides of direction, joiners and other zero-width
// characters, separators of lines, the byte order mark, annotations and tags.
func invisible(r rune) bool {
	switch {
	case r < 0xa0, r == 0xad, r == 0x061c, r == 0x180e, r == 0xfeff:
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}
