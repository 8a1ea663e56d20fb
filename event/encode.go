package event

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"
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
func AppendCanonical(dst []byte, e *Event) []byte { return appendCanonical(dst, e, nil) }

// appendCanonical does so with what a memo knows already, or nil.
func appendCanonical(dst []byte, e *Event, m *Memo) []byte {
	w := writer{b: dst, cut: e.Cut, memo: m}
	w.b = append(w.b, `{"v":1`...)
	w.name(`,"kind":"`, e.Kind.String())
	w.id(e.ID)
	w.uint(`,"seq":`, e.Seq)
	w.time(`,"time":"`, e.Time)
	part := m.part(e)
	if part != nil {
		w.b = append(w.b, part.head...)
	} else {
		w.head(e)
	}
	w.word(`,"trace":"`, e.Trace, CutHead)
	w.caller(e)
	w.decision(e)
	if part != nil {
		w.b = append(w.b, part.list...)
	} else {
		w.words(`,"passed":`, e.Passed, MaxPassed, CutPassed)
	}
	w.lists(e)
	at := w.open(`,"upstream":`)
	w.truth(`,"called":`, e.Upstream.Called)
	w.text(`,"address":"`, e.Upstream.Address, MaxName, CutUpstream)
	w.int(`,"status":`, int64(e.Upstream.Status))
	w.int(`,"micros":`, e.Upstream.Micros)
	w.close(at, `,"upstream":`)
	w.int(`,"in":`, e.BytesIn)
	w.int(`,"out":`, e.BytesOut)
	w.int(`,"micros":`, e.Micros)
	w.words(`,"flags":`, e.Flags, MaxFlags, CutFlags)
	at = w.open(`,"gap":`)
	w.uint(`,"count":`, e.Gap.Count)
	w.time(`,"from":"`, e.Gap.From)
	w.time(`,"to":"`, e.Gap.To)
	w.close(at, `,"gap":`)
	w.cuts()
	return append(w.b, '}')
}

// A writer builds one canonical form. Names are given to its methods as they
// stand in it, with the comma before, which the first field of an object loses
// again, and with the opening quote of a text.
type writer struct {
	b    []byte
	cut  Cut
	memo *Memo // nil: nothing is known
}

func (w *writer) head(e *Event) {
	w.word(`,"node":"`, e.Node, CutHead)
	w.word(`,"plan":"`, e.Plan, CutHead)
	w.word(`,"api":"`, e.API, CutHead)
	w.text(`,"op":"`, e.Operation, MaxText, CutHead)
	w.word(`,"method":"`, e.Method, CutHead)
	w.text(`,"template":"`, e.Template, MaxText, CutHead)
	w.word(`,"proto":"`, e.Proto, CutHead)
	if e.TLS != (TLS{}) {
		at := w.open(`,"tls":`)
		w.word(`,"version":"`, e.TLS.Version, CutHead)
		w.word(`,"suite":"`, e.TLS.Suite, CutHead)
		w.close(at, `,"tls":`)
	}
}

func (w *writer) caller(e *Event) {
	if k := w.memo.caller(e); k != nil {
		w.b = append(w.b, k.text...)
	} else {
		w.callerHead(e)
	}
	if len(e.Box.Data) > 0 {
		w.b = append(base64.RawStdEncoding.AppendEncode(w.b, e.Box.Data), '"', '}')
	}
	w.words(`,"objects":`, e.Objects, MaxObjects, CutObjects)
}

// callerHead writes what a Memo knows: up to the data of the box, if there is
// one.
func (w *writer) callerHead(e *Event) {
	at := w.open(`,"caller":`)
	if e.Caller.Kind != Anonymous {
		w.name(`,"kind":"`, e.Caller.Kind.String())
	}
	w.word(`,"key":"`, e.Caller.KeyID, CutHead)
	w.word(`,"tier":"`, e.Caller.Tier, CutHead)
	w.word(`,"who":"`, e.Caller.Pseudonym, CutHead)
	w.close(at, `,"caller":`)
	if len(e.Box.Data) == 0 {
		return
	}
	w.b = append(w.b, `,"box":{`...)
	if e.Box.Key != "" {
		w.word(`"key":"`, e.Box.Key, 0)
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, `"data":"`...)
}

func (w *writer) decision(e *Event) {
	w.name(`,"decision":"`, e.Decision.String())
	w.word(`,"risk":"`, e.Risk, CutDecision)
	w.word(`,"code":"`, e.Code, CutDecision)
	w.int(`,"status":`, int64(e.Status))
	w.text(`,"at":"`, e.At, MaxName, CutDecision)
	w.text(`,"reason":"`, e.Reason, MaxText, CutReason)
	w.text(`,"target":"`, e.Target, MaxName, CutDecision)
}

func (w *writer) lists(e *Event) {
	n := w.list(`,"would":`, len(e.Would), MaxWould, CutWould)
	for i := range n {
		x := &e.Would[i]
		at := w.item(i)
		w.word(`,"risk":"`, x.Risk, CutWould)
		w.word(`,"code":"`, x.Code, CutWould)
		w.text(`,"at":"`, x.At, MaxName, CutWould)
		w.itemEnd(at, i == n-1)
	}
	n = w.list(`,"violations":`, len(e.Violations), MaxViolations, CutViolations)
	for i := range n {
		x := &e.Violations[i]
		at := w.item(i)
		w.text(`,"pointer":"`, x.Pointer, MaxText, CutViolations)
		w.word(`,"keyword":"`, x.Keyword, CutViolations)
		w.word(`,"in":"`, x.In, CutViolations)
		w.text(`,"name":"`, x.Name, MaxName, CutViolations)
		w.text(`,"line":"`, x.Line, MaxName, CutViolations)
		w.itemEnd(at, i == n-1)
	}
	n = w.list(`,"edits":`, len(e.Edits), MaxEdits, CutEdits)
	for i := range n {
		x := &e.Edits[i]
		at := w.item(i)
		w.word(`,"kind":"`, x.Kind, CutEdits)
		w.text(`,"pointer":"`, x.Pointer, MaxText, CutEdits)
		w.itemEnd(at, i == n-1)
	}
}

func (w *writer) cuts() {
	if w.cut&(endCut-1) == 0 {
		return
	}
	w.b = append(w.b, `,"cut":[`...)
	for c := Cut(1); c < endCut; c <<= 1 {
		if w.cut&c != 0 {
			if w.b[len(w.b)-1] != '[' {
				w.b = append(w.b, ',')
			}
			w.b = append(append(append(w.b, '"'), c.String()...), '"')
		}
	}
	w.b = append(w.b, ']')
}

// open begins an object and returns where; close ends it, or takes it back
// when it stayed empty. The comma of the first field becomes the brace.
func (w *writer) open(name string) int {
	w.b = append(w.b, name...)
	return len(w.b)
}

func (w *writer) close(at int, name string) {
	if len(w.b) == at {
		w.b = w.b[:at-len(name)]
		return
	}
	w.b[at] = '{'
	w.b = append(w.b, '}')
}

// list begins a list and returns how many entries fit its bound.
func (w *writer) list(name string, have, limit int, c Cut) int {
	if have > limit {
		have, w.cut = limit, w.cut|c
	}
	if have > 0 {
		w.b = append(append(w.b, name...), '[')
	}
	return have
}

// item begins an object in a list and returns where; itemEnd ends it.
func (w *writer) item(i int) int {
	if i > 0 {
		w.b = append(w.b, ',')
	}
	return len(w.b)
}

func (w *writer) itemEnd(at int, last bool) {
	if len(w.b) == at {
		w.b = append(w.b, '{')
	}
	w.b[at] = '{'
	w.b = append(w.b, '}')
	if last {
		w.b = append(w.b, ']')
	}
}

func (w *writer) words(name string, list []string, limit int, c Cut) {
	have := w.list(name, len(list), limit, c)
	for i, s := range list[:have] {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = append(w.b, '"')
		w.string(s, MaxWord, c)
	}
	if have > 0 {
		w.b = append(w.b, ']')
	}
}

// name writes a name of ours, which is plain and short.
func (w *writer) name(name, s string) {
	if s != "" {
		w.b = append(append(append(w.b, name...), s...), '"')
	}
}

func (w *writer) word(name, s string, c Cut) { w.text(name, s, MaxWord, c) }

func (w *writer) text(name, s string, limit int, c Cut) {
	if s == "" {
		return
	}
	if len(s) > limit || !plain(s) {
		w.b = append(w.b, name...)
		w.escape(s, limit, c)
		return
	}
	// Most of the time goes here, so one look at the room serves three appends.
	at := len(w.b)
	b := slices.Grow(w.b, len(name)+len(s)+1)[:at+len(name)+len(s)+1]
	copy(b[at:], name)
	copy(b[at+len(name):], s)
	b[len(b)-1] = '"'
	w.b = b
}

// string writes a text behind its opening quote.
func (w *writer) string(s string, limit int, c Cut) {
	if len(s) <= limit && plain(s) {
		w.b = append(append(w.b, s...), '"')
		return
	}
	w.escape(s, limit, c)
}

// escape does so for a text that is not plain or too long.
func (w *writer) escape(s string, limit int, c Cut) {
	var whole bool
	if w.b, whole = appendText(w.b, s, limit); !whole {
		w.cut |= c
	}
}

func (w *writer) id(id ID) {
	if id.IsZero() {
		return
	}
	w.b = append(w.b, `,"id":"`...)
	w.b = append(id.Append(w.b), '"')
}

func (w *writer) uint(name string, v uint64) {
	if v != 0 {
		w.b = appendUint(append(w.b, name...), v)
	}
}

// appendUint is strconv.AppendUint, faster for the numbers of most records: a
// status, and bytes and microseconds below 10,000.
func appendUint(dst []byte, v uint64) []byte {
	switch {
	case v < 10:
		return append(dst, byte('0'+v))
	case v < 100:
		return append(dst, byte('0'+v/10), byte('0'+v%10))
	case v < 1000:
		return append(dst, byte('0'+v/100), byte('0'+v/10%10), byte('0'+v%10))
	case v < 10_000:
		return append(dst, byte('0'+v/1000), byte('0'+v/100%10), byte('0'+v/10%10), byte('0'+v%10))
	}
	return strconv.AppendUint(dst, v, 10)
}

// int writes v unless it is 0; a negative count is a fault of ours and is left
// out as well.
func (w *writer) int(name string, v int64) { w.uint(name, uint64(max(v, 0))) }

func (w *writer) truth(name string, v bool) {
	if v {
		w.b = append(append(w.b, name...), "true"...)
	}
}

func (w *writer) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return
	}
	w.b = append(w.b, name...)
	if s := w.memo.clock(t); s != nil {
		w.b = append(w.b, s.text[:]...)
	} else {
		w.b = appendSecond(w.b, t)
	}
	w.b = append(appendMicro(w.b, t), '"')
}

// appendSecond is t.AppendFormat(dst, timeLayout) up to the point, at a third of
// its cost, which was a tenth of a whole record; appendMicro is the rest.
func appendSecond(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(two(two(dst, year/100), year%100), '-')
	dst = append(two(dst, int(month)), '-')
	dst = append(two(dst, day), 'T')
	dst = append(two(dst, hour), ':')
	dst = append(two(dst, minute), ':')
	return append(two(dst, second), '.')
}

func appendMicro(dst []byte, t time.Time) []byte {
	micro := t.Nanosecond() / 1000
	dst = two(two(two(dst, micro/10000), micro/100%100), micro%100)
	return append(dst, 'Z')
}

// two appends two digits.
func two(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }
