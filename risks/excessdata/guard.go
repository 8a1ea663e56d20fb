package excessdata

import (
	"fmt"
	"sync"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

const title = "the reply of the service behind the gateway was withheld"

// guard holds what both phases need.
type guard struct {
	*refusals
	strict bool
	silent risk.Silence
	traits func() traits
}

// refusals are the denials, which all operations share.
type refusals struct{ broken, status, media, stuck *risk.Denial }

// denials are made once, when the first guard is.
var denials = sync.OnceValue(func() *refusals {
	deny := func(code fault.Code, reason string) *risk.Denial {
		return &risk.Denial{Code: code, Status: 502, Title: title, Reason: reason}
	}
	return &refusals{
		broken: deny(CodeContract, "the reply holds members that are not declared"),
		status: deny(CodeStatus, "the status of the reply is not declared"),
		media:  deny(CodeMedia, "the media type of the reply is not declared"),
		stuck:  deny(CodeUncuttable, "the reply holds members that must not leave and cannot be removed"),
	}
})

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope != risk.OfOperation {
		return nil, nil
	}
	p, ok := s.Params.(Params)
	if s.Params != nil && !ok {
		return nil, fmt.Errorf("settings are a %T", s.Params)
	}
	op := s.Op
	g := &guard{
		refusals: denials(), strict: p.Strict, silent: s.Silent,
		// Asked for only when a reply is out of order; walking the schemas of
		// every operation when a Plan is made would cost seconds.
		traits: sync.OnceValue(func() traits { return traitsOf(op) }),
	}
	return []risk.Placed{{Phase: risk.Reply, Guard: risk.GuardFunc(g.head)}, {Phase: risk.ReplyBody, Guard: risk.GuardFunc(g.body)}}, nil
}

// head decides by the status. Replies from 400 on keep their
// status: a client has to learn that it was refused. What is in them is the
// concern of the risk errors, and of body.
func (g *guard) head(x *risk.Exchange) *risk.Denial {
	r, reading := x.Response(), x.ReplyReading()
	if r == nil {
		return nil
	}
	if reading.Unchecked && reading.Media != nil && writes(reading.Media.Schema) {
		return g.stuck // a stream in which nothing can be cut
	}
	if reading.Has(risk.UndeclaredStatus) {
		return g.note(x, r, flagStatus, g.status)
	}
	return nil
}

// note flags the exchange, or refuses it where the policy is strict.
func (g *guard) note(x *risk.Exchange, r *risk.Response, flag string, d *risk.Denial) *risk.Denial {
	if g.strict && r.Status < 400 {
		return d
	}
	for _, f := range x.Flags() {
		if f == flag {
			return nil
		}
	}
	x.Flag(flag)
	return nil
}

// body removes what must not leave, and refuses what cannot be made fit.
func (g *guard) body(x *risk.Exchange) *risk.Denial {
	r, reading := x.Response(), x.ReplyReading()
	if r == nil || len(r.Body) == 0 || x.Request().Method == "HEAD" && reading.Media == nil {
		return nil
	}
	if d := g.unread(x, r, reading); d != nil {
		return d
	}
	dropped := reading.Overflow && len(reading.Marks) < risk.MaxMarks
	if reading.Overflow && !dropped {
		if t := g.traits(); t.writes || t.closes || g.silent != risk.LeaveSilent || g.strict {
			return g.stuck
		}
		x.Flag(flagMarks)
	}
	if brokenBody(reading) {
		if (r.Part || !isJSON(r.Media)) && reading.Unseen && r.Status < 400 && len(g.traits().writeOnly) > 0 {
			return g.stuck // what no schema matched cannot be searched for names in a part, nor in NDJSON
		}
		if d := g.unmatched(x, r); d != nil {
			return d
		}
	}
	cuts := false
	for i := range reading.Marks {
		m := &reading.Marks[i]
		if !g.cuts(m, r.Status, dropped) {
			continue
		}
		if m.End == 0 {
			return g.stuck // a part of a body that is no JSON
		}
		cuts = cuts || m.Kind != risk.WriteOnlyMember
		x.Edit(risk.Edit{Do: risk.CutMember, On: risk.OnReply, Stage: risk.Strip, Start: m.Start, End: m.End, Pointer: m.Pointer})
	}
	if cuts || dropped {
		return g.note(x, r, flagBroken, g.broken)
	}
	return nil
}

// cuts tells whether what m marks must not leave. dropped tells that more was
// broken than the Reading keeps: then a member that a schema refuses may be
// marked like one that no schema speaks of.
func (g *guard) cuts(m *risk.Mark, status int, dropped bool) bool {
	switch m.Kind {
	case risk.WriteOnlyMember, risk.UndeclaredClosed:
		return true
	case risk.UndeclaredSilent:
		return g.silent != risk.LeaveSilent || status < 400 && credential(last(m.Pointer)) || dropped && g.traits().closes
	case risk.UndeclaredOpen, risk.ReadOnlyMember, risk.SensitiveMember:
	}
	return false
}

// unread refuses a body in which nothing can be found, where there may be
// something to find.
func (g *guard) unread(x *risk.Exchange, r *risk.Response, reading *risk.Reading) *risk.Denial {
	for i := range reading.Violations {
		v := &reading.Violations[i]
		if v.In != contract.InBody && v.Class != risk.UndeclaredStatus {
			continue
		}
		switch v.Class {
		case risk.BadSyntax:
			if !g.traits().writes {
				continue // nothing is to be found; what is malformed is the concern of the risk reply
			}
			if r.Status < 400 {
				return g.stuck
			}
			x.Edit(risk.Edit{Do: risk.HideBody, On: risk.OnReply, Stage: risk.Strip, Code: CodeUncuttable, Value: title})
			return nil
		case risk.UndeclaredStatus, risk.WrongMedia:
			return g.unlisted(x, r, v.Class)
		case risk.BadValue, risk.Undeclared, risk.Unchecked:
		}
	}
	if reading.Unchecked && reading.Media != nil && writes(reading.Media.Schema) {
		return g.stuck
	}
	return nil
}

// brokenBody tells whether a value of the body breaks its schema.
func brokenBody(r *risk.Reading) bool {
	for i := range r.Violations {
		if v := &r.Violations[i]; v.In == contract.InBody && v.Class == risk.BadValue {
			return true
		}
	}
	return false
}
