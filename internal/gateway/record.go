package gateway

import (
	"strings"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/risk"
)

// fill writes what is known of the request into the record. It may run twice:
// before an intent and at the end.
func (e *exchange) fill() {
	v, f := &e.ev, &e.facts
	if e.plan != nil {
		v.Plan = e.plan.ID
	}
	if f.Op != nil {
		v.Operation, v.Template = f.Op.Key, f.Op.Path
	}
	v.Method, v.Proto = f.Request.Method, f.Request.Proto
	v.Caller.KeyID, v.Caller.Tier = f.Caller.KeyID, f.Caller.Tier
	switch f.Caller.Kind {
	case risk.Anonymous:
		v.Caller.Kind = event.Anonymous
	case risk.ProvisionalCaller:
		v.Caller.Kind = event.Provisional
	case risk.KeyCaller:
		v.Caller.Kind = event.ByKey
	}
	v.Personal.Subject = f.Caller.ID
	v.Personal.Address = e.client
	v.Personal.Path = e.loggedPath()
	v.Personal.UserAgent = e.redact(f.Request.Fields.Get("User-Agent"))
	v.Trace = traceID(f.Request.Fields.Get("Traceparent"))
}

// loggedPath is the path with the names of the query, and never its values.
func (e *exchange) loggedPath() string {
	q := &e.facts.Request
	if len(q.Pairs) == 0 {
		return e.redact(q.Path.Text)
	}
	var b strings.Builder
	b.WriteString(e.redact(q.Path.Text))
	for i := range q.Pairs {
		if i == 0 {
			b.WriteByte('?')
		} else {
			b.WriteByte('&')
		}
		if clean := e.redact(q.Pairs[i].Name); clean != q.Pairs[i].Name {
			b.WriteString(clean)
		} else {
			b.WriteString(q.Pairs[i].RawName)
		}
		if b.Len() > event.MaxPath {
			break
		}
	}
	return b.String()
}

// redact takes keys of ours out of text of a client, who may put one where none
// belongs.
func (e *exchange) redact(s string) string {
	prefix := ""
	switch {
	case e.unit != nil && e.unit.API != nil:
		prefix = e.unit.API.KeyPrefix
	case e.plan != nil && len(e.plan.APIs) > 0:
		prefix = e.plan.APIs[0].KeyPrefix
	}
	if prefix == "" || !strings.Contains(s, prefix) {
		return s
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, prefix)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(prefix + "[redacted]")
		n := 0
		for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= 'A' && rest[n] <= 'Z') {
			n++
		}
		s = rest[n:]
	}
}

// traceID is the trace id of a traceparent field (W3C Trace Context), or "".
func traceID(v string) string {
	if len(v) < 55 || v[2] != '-' || v[35] != '-' {
		return ""
	}
	id := v[3:35]
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ""
		}
	}
	return id
}

// finish seals the record. It reports whether the connection must be cut.
func (e *exchange) finish() (abort bool) {
	e.fill()
	e.ev.BytesIn = e.received
	e.ev.Flags = append(e.ev.Flags, e.x.Flags()...)
	e.ev.Micros = time.Since(e.now).Microseconds()
	if e.stream {
		e.ev.Kind = event.StreamClose
	}
	if !e.ev.ID.IsZero() {
		if err := e.g.conf.Recorder.Seal(&e.ev); err != nil {
			e.g.conf.Fault("record", err)
		}
	}
	e.g.conf.Done(&e.ev)
	return e.abort
}
