package retired

import (
	"strconv"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// httpTime is the form of dates in fields (RFC 9110 section 5.6.7).
const httpTime = "Mon, 02 Jan 2006 15:04:05 GMT"

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope != risk.OfOperation {
		return nil, nil
	}
	p, _ := s.Params.(Params)
	l := lifeOf(s.API.Contract, s.Op)
	if !l.deprecated {
		return nil, nil
	}
	herald := newHerald(&l)
	placed := risk.At(risk.Reply, herald)
	if !l.sunset.IsZero() {
		placed = append(placed, risk.Placed{Phase: risk.Admit, Guard: newEnd(&l, herald, p.Grace)})
	}
	return placed, nil
}

// end refuses what is over. The date is looked at for each request, so that
// no reload is needed on the day.
type end struct {
	after time.Time
	deny  *risk.Denial
}

func newEnd(l *life, h *herald, grace time.Duration) *end {
	e := &end{after: l.sunset.Add(grace), deny: &risk.Denial{
		Code: CodeGone, Status: 410, Title: "this operation has been retired", At: l.sunsetAt,
		Reason: "its sunset was " + l.sunset.Format(time.RFC3339),
		Fields: []risk.Field{{Name: "Sunset", Value: h.sunset}},
	}}
	if h.link != "" {
		e.deny.Fields = append(e.deny.Fields, risk.Field{Name: "Link", Value: h.link})
	}
	return e
}

// Check passes until the end.
func (e *end) Check(x *risk.Exchange) *risk.Denial {
	if x.Env().Now().Before(e.after) {
		return nil
	}
	return e.deny
}

// herald tells clients about the end in every reply. What the upstream says
// itself stays.
type herald struct {
	deprecation string // RFC 9745; "" where the contract does not say since when
	sunset      string // RFC 8594, or ""
	link        string // RFC 8288, or ""
}

func newHerald(l *life) *herald {
	h := &herald{}
	if !l.since.IsZero() {
		h.deprecation = date(l.since)
	}
	if !l.sunset.IsZero() {
		h.sunset = l.sunset.Format(httpTime)
	}
	if l.successor != "" {
		h.link = "<" + l.successor + `>; rel="successor-version"`
	}
	return h
}

// Check denies nothing.
func (h *herald) Check(x *risk.Exchange) *risk.Denial {
	fields := x.Response().Fields
	if !fields.Has("Deprecation") {
		since := h.deprecation
		if since == "" {
			// RFC 9745 wants a date. All that is known is that it is so today.
			since = date(x.Env().Now().Truncate(24 * time.Hour))
		}
		x.Edit(risk.Edit{Do: risk.SetField, On: risk.OnReply, Stage: risk.Decide, Name: "Deprecation", Value: since})
	}
	if h.sunset != "" && !fields.Has("Sunset") {
		x.Edit(risk.Edit{Do: risk.SetField, On: risk.OnReply, Stage: risk.Decide, Name: "Sunset", Value: h.sunset})
	}
	if h.link != "" {
		x.Edit(risk.Edit{Do: risk.AddField, On: risk.OnReply, Stage: risk.Decide, Name: "Link", Value: h.link})
	}
	return nil
}

// date is a Date of structured fields (RFC 9651 section 3.3.7).
func date(t time.Time) string { return "@" + strconv.FormatInt(t.Unix(), 10) }
