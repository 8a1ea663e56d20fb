package gateway

import (
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// Denials of the gateway itself.
var (
	noAPI       = &risk.Denial{Code: fault.Misdirected, Status: http.StatusNotFound, Title: "nothing answers here", Reason: "no API claims this host and path"}
	noOperation = &risk.Denial{Code: fault.NoOperation, Status: http.StatusNotFound, Title: "nothing answers here", Reason: "the contract declares no such operation"}
	broken      = &risk.Denial{Code: fault.GuardBroken, Status: http.StatusInternalServerError, Title: "the request could not be checked", Reason: "a guard panicked", Close: true}
)

// refuse ends the exchange with a denial of a risk.
func (e *exchange) refuse(id string, d *risk.Denial) {
	e.ev.Decision, e.ev.Risk, e.ev.Code, e.ev.Reason = event.Deny, id, string(d.Code), d.Reason
	reading := e.reading(d.Show)
	e.violations(reading)
	switch {
	case !d.At.IsZero():
		e.ev.At = d.At.String()
	case e.ev.At == "" && reading != nil && len(reading.Violations) > 0:
		e.ev.At = reading.Violations[0].At.String()
	}
	p := fault.Problem{Code: d.Code, Status: d.Status, Title: d.Title, ID: e.facts.ID}
	if reading != nil {
		p.Details = details(reading)
	}
	e.putHead(d.Fields)
	for _, edit := range e.x.Edits() { // what only the exchange can tell, such as Retry-After
		if edit.Risk == id && edit.On == risk.OnReply && edit.Do == risk.SetField {
			e.say(edit.Name, edit.Value)
		}
	}
	if d != broken { // a guard that panicked is not asked again
		e.dress()
	}
	if d.Allow && e.facts.Allowed != "" {
		e.say("Allow", e.facts.Allowed)
	}
	if d.Close {
		e.in.Close()
	}
	e.writeProblem(&p)
}

// dress adds what guards say of every answer, such as who may read it.
func (e *exchange) dress() {
	if e.unit == nil {
		return
	}
	before := len(e.x.Edits())
	guards := e.unit.Guards[risk.Reply]
	for i := range guards {
		if b := &guards[i]; b.Dresser != nil && b.Enforced(e.now) {
			e.running = b.Risk
			b.Dresser.Dress(&e.x)
		}
	}
	e.running = ""
	for _, edit := range e.x.Edits()[before:] {
		if edit.On == risk.OnReply && edit.Do == risk.SetField {
			e.say(edit.Name, edit.Value)
		}
	}
}

// fail ends the exchange with a fault of the gateway.
func (e *exchange) fail(f *fault.Fault) {
	e.ev.Decision, e.ev.Code, e.ev.Reason, e.ev.Risk = event.Failed, string(f.Code), f.Error(), floor(f.Code)
	if e.in.Refused != nil {
		e.ev.Risk = "framing"
	}
	switch f.Code {
	case fault.Overloaded, fault.Stopping, fault.Audit:
		e.ev.Decision = event.Shed
		e.say("Retry-After", "1")
	case fault.Misdirected, fault.BadHead, fault.BadPath, fault.BadQuery, fault.BodyTooLarge, fault.BodyEncoding, fault.Expectation, fault.Upgrade, fault.HeadTooLarge, fault.BodyIncomplete:
		e.ev.Decision = event.Deny
	default:
		if e.ev.Risk != "" {
			e.ev.Decision = event.Deny
		}
	}
	e.dress()
	e.writeProblem(&fault.Problem{Code: f.Code, Status: f.Status, Title: f.Title, ID: e.facts.ID})
}

// floor is the id of the risk that the floor stops by a fault, or "".
func floor(c fault.Code) string {
	switch c {
	case fault.BadPath, fault.BadQuery:
		return "path"
	case fault.BadHead, fault.Misdirected, fault.HeadTooLarge:
		return "header"
	case fault.BodyTooLarge, fault.BodyIncomplete:
		return "consumption"
	case fault.BodyEncoding:
		return "parser"
	}
	if strings.HasPrefix(string(c), "framing/") {
		return "framing"
	}
	return ""
}

// answer ends the exchange with a reply of our own.
func (e *exchange) answer(id string, a *risk.Answer) {
	e.ev.Decision, e.ev.Risk, e.ev.Reason = event.Answer, id, a.Reason
	e.putHead(a.Fields)
	e.say("Sallyport-Decision", e.facts.ID)
	e.write(a.Status, a.Body)
}

// writeProblem sends a problem document. It is never cached and never sniffed.
func (e *exchange) writeProblem(p *fault.Problem) {
	if e.sent {
		e.abort = true
		return
	}
	e.say("Content-Type", fault.MediaType)
	e.say("Cache-Control", "no-store")
	e.say("X-Content-Type-Options", "nosniff")
	e.say("Sallyport-Decision", e.facts.ID)
	if e.facts.Conn.TLSVersion != 0 {
		e.say("Strict-Transport-Security", "max-age=31536000")
	}
	if !e.ev.Upstream.Called {
		e.in.Forgo()
	}
	e.write(p.Status, p.Append(nil))
}

// write sends a reply that is whole in memory.
func (e *exchange) write(status int, body []byte) {
	e.giveTurn()
	e.sent, e.ev.Status = true, status
	if err := e.in.Reply(status, e.head, body); err != nil {
		e.abort = true
		e.gone(err)
		return
	}
	if e.in.Method != http.MethodHead && !bodyless(status) {
		e.ev.BytesOut += int64(len(body))
	}
}

// say makes value the only one of a field of the reply to the client.
func (e *exchange) say(name, value string) { e.head = setField(e.head, name, value) }

// gone notes that the client left.
func (e *exchange) gone(err error) {
	e.ev.Flags = append(e.ev.Flags, "client-gone")
	if e.ev.Reason == "" && err != nil {
		e.ev.Reason = "the client left"
	}
}

// bodyless tells whether a reply with this status has no body (RFC 9110
// section 6.4.1).
func bodyless(status int) bool {
	return status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
}

// reading is the one that a denial shows, or nil.
func (e *exchange) reading(s risk.Shown) *risk.Reading {
	switch s {
	case risk.ShowNothing:
		return nil
	case risk.ShowHead:
		return &e.facts.Head
	case risk.ShowBody:
		return &e.facts.Content
	}
	return nil
}

// violations copies what broke the contract into the record.
func (e *exchange) violations(r *risk.Reading) {
	if r == nil {
		r = &e.facts.Answered
	}
	for i := range r.Violations {
		if len(e.ev.Violations) >= event.MaxViolations {
			return
		}
		v := &r.Violations[i]
		e.ev.Violations = append(e.ev.Violations, event.Violation{
			Pointer: e.redact(v.Pointer), Keyword: v.Rule, In: v.In.String(), Name: e.redact(v.Name), Line: v.At.String(),
		})
	}
}

// details is what the client may see of a Reading: places and rules.
func details(r *risk.Reading) []fault.Detail {
	n := min(len(r.Violations), fault.MaxDetails)
	out := make([]fault.Detail, n)
	for i := range out {
		v := &r.Violations[i]
		out[i] = fault.Detail{In: v.In.String(), Name: v.Name, Pointer: v.Pointer, Rule: v.Rule}
	}
	return out
}
