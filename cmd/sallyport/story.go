package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/ledger"
)

// oneLine is a record in a list.
func oneLine(c *console, e *event.Event) string {
	if what, ok := act(e); ok {
		plain := word(e)
		parts := []string{stamp(e.Time), plain + strings.Repeat(" ", max(0, 14-len(plain))), dash(what)}
		if e.Reason != "" {
			parts = append(parts, clean(e.Reason))
		}
		return strings.Join(append(parts, e.ID.String()), "  ")
	}
	what := e.Risk
	if what == "" {
		what = e.Code
	}
	parts := []string{stamp(e.Time), padded(c, e), fmt.Sprintf("%-10s", dash(clean(what))), subject(e), dash(caller(e))}
	if e.Micros > 0 {
		parts = append(parts, millis(e.Micros))
	}
	if len(e.Would) > 0 {
		parts = append(parts, "would deny "+clean(e.Would[0].Risk))
	}
	return strings.Join(append(parts, e.ID.String()), "  ")
}

// act says what an act of administration was about; ok tells whether e records
// one.
func act(e *event.Event) (what string, ok bool) {
	target := clean(e.Target)
	switch e.Kind {
	case event.KeyCreated, event.KeyRevoked:
		return strings.TrimSpace("key " + target), true
	case event.PolicyApplied, event.PolicyRefused:
		if target == "" {
			return "", true
		}
		return "plan " + target, true
	case event.SubjectErased:
		return "subject " + target, true
	case event.Start:
		return strings.TrimSpace("sallyport " + target), true
	case event.Repaired, event.Stop:
		return target, true
	case event.Intent, event.Exchange, event.Missing, event.StreamOpen, event.StreamMark, event.StreamClose:
	}
	return "", false
}

// padded is the verdict in a column.
func padded(c *console, e *event.Event) string {
	plain := word(e)
	return paintVerdict(c, e, plain) + strings.Repeat(" ", max(0, 9-len(plain)))
}

// word is the decision with its status, or the kind of a record without one.
func word(e *event.Event) string {
	switch {
	case e.Decision == event.Undecided:
		if _, ok := act(e); ok {
			return strings.ToUpper(strings.ReplaceAll(e.Kind.String(), "-", " "))
		}
		return strings.ToUpper(e.Kind.String())
	case e.Status == 0:
		return strings.ToUpper(e.Decision.String())
	}
	return strings.ToUpper(e.Decision.String()) + " " + strconv.Itoa(e.Status)
}

func paintVerdict(c *console, e *event.Event, text string) string {
	switch e.Decision {
	case event.Allow, event.Answer:
		return c.paint(green, text)
	case event.Deny:
		return c.paint(red, text)
	case event.Failed, event.Shed:
		return c.paint(yellow, text)
	case event.Undecided:
	}
	return text
}

// subject is what a record is about: a request, or the target of an act.
func subject(e *event.Event) string {
	path := e.Personal.Path
	if path == "" || path == ledger.Erased {
		path = e.Template
	}
	if what, ok := act(e); ok {
		return dash(what)
	}
	switch {
	case e.Method != "":
		return clean(strings.TrimSpace(e.Method + " " + path))
	case e.Target != "":
		return clean(e.Target)
	case e.Gap.Count > 0:
		return plural(e.Gap.Count, "event")
	}
	return "-"
}

// caller is who called, as far as it is known.
func caller(e *event.Event) string {
	who := e.Personal.Subject
	if who == "" {
		who = e.Caller.Pseudonym
	}
	about := strings.Join(strings.Fields(clean(who)+" "+clean(e.Caller.Tier)), ", ")
	switch e.Caller.Kind {
	case event.ByKey:
		about = parenthesis(about)
		return "key " + clean(e.Caller.KeyID) + about
	case event.ByUser:
		return "user" + parenthesis(about)
	case event.Provisional:
		return "provisional" + parenthesis(about)
	case event.Anonymous:
	}
	if e.Method == "" {
		return ""
	}
	return "anonymous"
}

func parenthesis(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// millis prints microseconds as milliseconds.
func millis(micros int64) string {
	return strconv.FormatFloat(float64(micros)/1000, 'f', 1, 64) + " ms"
}

// explanation tells the story of the records of one id.
func explanation(c *console, events []*event.Event) string {
	var b strings.Builder
	e, end := telling(events)
	b.WriteString(headline(c, e, end) + "\n")
	for _, s := range story(e, end) {
		b.WriteString("  " + s + "\n")
	}
	return b.String()
}

// An ending is what is known of how a request ended.
type ending uint8

// The endings.
const (
	recorded ending = iota
	pending         // an intent and nothing else yet
	lost            // an intent whose outcome can no longer be recorded
)

// telling returns the record that says most of an id, and how it ended.
func telling(events []*event.Event) (*event.Event, ending) {
	last := events[len(events)-1]
	switch {
	case last.Kind == event.Intent:
		return last, pending
	case last.Kind == event.Missing && last.Code == string(ledger.CodeUnknown):
		if events[0].Kind == event.Intent {
			return events[0], lost
		}
		return last, lost
	}
	return last, recorded
}

// headline says what was decided, when, of what and for whom.
func headline(c *console, e *event.Event, end ending) string {
	parts := []string{paintVerdict(c, e, word(e))}
	if end != recorded {
		parts[0] = c.paint(yellow, "OUTCOME UNKNOWN")
	}
	if e.Risk != "" || e.Code != "" {
		risk := e.Risk
		if risk == "" {
			risk = e.Code
		}
		parts = append(parts, clean(risk))
	}
	parts = append(parts, stamp(e.Time), subject(e))
	if who := caller(e); who != "" {
		parts = append(parts, who)
	}
	if e.Micros > 0 {
		parts = append(parts, millis(e.Micros))
	}
	return strings.Join(parts, "   ")
}

// story is what happened, one line a step.
func story(e *event.Event, end ending) []string {
	var out []string
	out = append(out, passed(e)...)
	for _, w := range e.Would {
		out = append(out, joined("would deny "+clean(w.Risk), clean(w.Code), clean(w.At)))
	}
	if e.Code != "" || e.Reason != "" {
		out = append(out, joined(decided(e), clean(e.At), clean(e.Reason)))
	}
	for _, v := range e.Violations {
		out = append(out, joined("violation "+place(v), "rule "+clean(v.Keyword), clean(v.Line)))
	}
	for _, d := range e.Edits {
		out = append(out, joined("edit "+clean(d.Kind), clean(d.Pointer)))
	}
	if e.Method != "" {
		out = append(out, upstream(e, end))
	}
	if s := personal(e); s != "" {
		out = append(out, s)
	}
	if len(e.Flags) > 0 {
		out = append(out, "flags "+clean(strings.Join(e.Flags, ", ")))
	}
	if e.Gap.Count > 0 {
		out = append(out, fmt.Sprintf("missing %s from %s to %s", plural(e.Gap.Count, "event"), stamp(e.Gap.From), stamp(e.Gap.To)))
	}
	return append(out, where(e))
}

// passed names the security of the connection and the risks that passed.
func passed(e *event.Event) []string {
	var parts []string
	if e.TLS.Version != "" {
		parts = append(parts, "tls ok "+clean(e.TLS.Version))
	} else if e.Method != "" {
		parts = append(parts, "no tls")
	}
	for _, id := range e.Passed {
		parts = append(parts, clean(id)+" ok")
	}
	if len(parts) == 0 {
		return nil
	}
	return []string{strings.Join(parts, " · ")}
}

// decided names the risk or the code that decided.
func decided(e *event.Event) string {
	verdict := strings.ToUpper(e.Decision.String())
	switch {
	case e.Risk != "" && e.Code != "":
		return strings.TrimSpace(clean(e.Risk) + " " + verdict + " " + clean(e.Code))
	case e.Risk != "":
		return strings.TrimSpace(clean(e.Risk) + " " + verdict)
	}
	return strings.TrimSpace(clean(e.Code) + " " + verdict)
}

// place says where in a message the contract was broken.
func place(v event.Violation) string {
	name := v.Name
	if name == "" {
		name = v.Pointer
	}
	return strings.TrimSpace(clean(v.In) + " " + clean(name))
}

// upstream says what happened behind the gateway.
func upstream(e *event.Event, end ending) string {
	u := e.Upstream
	switch {
	case end == pending:
		return "upstream: the intent is recorded, and no outcome yet; if the gateway is not running, it ended in the middle, and the upstream may have acted"
	case end == lost:
		return "upstream: the gateway ended between the intent and the outcome, and the upstream may have acted: look there"
	case !u.Called:
		return "upstream not called"
	case u.Status == 0:
		return joined("upstream called: no reply", clean(u.Address), millis(u.Micros))
	}
	text := fmt.Sprintf("upstream called: %d", u.Status)
	if u.Address != "" || u.Micros > 0 { // neither is there in a simulation
		text = joined(text, clean(u.Address), millis(u.Micros))
	}
	if e.Decision == event.Deny {
		text += "   body withheld"
	}
	return text
}

// personal shows the fields of a person, where the keys are at hand.
func personal(e *event.Event) string {
	p := e.Personal
	if p == (event.Personal{}) {
		return ""
	}
	if p.Subject == ledger.Erased && p.Path == ledger.Erased {
		return "personal fields erased"
	}
	var parts []string
	if p.Address != "" {
		parts = append(parts, "from "+clean(p.Address))
	}
	if p.UserAgent != "" {
		parts = append(parts, "agent "+clean(p.UserAgent))
	}
	return strings.Join(parts, " · ")
}

// where names the Plan, the node and the place in the log.
func where(e *event.Event) string {
	var parts []string
	id := ""
	if !e.ID.IsZero() {
		id = e.ID.String()
	}
	for _, f := range []struct{ name, value string }{{"plan", e.Plan}, {"node", e.Node}, {"api", e.API}, {"op", e.Operation}, {"id", id}, {"trace", e.Trace}} {
		if f.value != "" {
			parts = append(parts, f.name+" "+clean(f.value))
		}
	}
	if e.Seq > 0 { // a simulation is in no log
		parts = append(parts, fmt.Sprintf("record %d", e.Seq))
	}
	return strings.Join(parts, " · ")
}

// joined puts the parts that are there into one line.
func joined(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, "   ")
}
