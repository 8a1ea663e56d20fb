package reply

import (
	"fmt"
	"strings"
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
}

// refusals are the denials, which all operations share.
type refusals struct{ broken, media, syntax *risk.Denial }

// denials are made once, when the first guard is.
var denials = sync.OnceValue(func() *refusals {
	deny := func(code fault.Code, reason string) *risk.Denial {
		return &risk.Denial{Code: code, Status: 502, Title: title, Reason: reason}
	}
	return &refusals{
		broken: deny(CodeContract, "the reply breaks the contract"),
		media:  deny(CodeMedia, "the media type of the reply is not declared"),
		syntax: deny(CodeSyntax, "the body of the reply is not what its media type says"),
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
	g := &guard{refusals: denials(), strict: p.Strict}
	return []risk.Placed{{Phase: risk.Reply, Guard: risk.GuardFunc(g.head)}, {Phase: risk.ReplyBody, Guard: risk.GuardFunc(g.body)}}, nil
}

// head decides by media type and head fields. Replies from 400 on keep their
// status: a client has to learn that it was refused. What is in them is the
// concern of the risk errors, and of body.
func (g *guard) head(x *risk.Exchange) *risk.Denial {
	r, reading := x.Response(), x.ReplyReading()
	if r == nil {
		return nil
	}
	for i := range reading.Violations {
		var d *risk.Denial
		switch reading.Violations[i].Class {
		case risk.WrongMedia:
			d = g.note(x, r, flagMedia, g.media)
		case risk.BadValue, risk.BadSyntax:
			d = g.note(x, r, flagBroken, g.broken)
		case risk.UndeclaredStatus, risk.Undeclared, risk.Unchecked:
		}
		if d != nil {
			return d
		}
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

// body refuses what is malformed, in which no other guard can find anything.
func (g *guard) body(x *risk.Exchange) *risk.Denial {
	r, reading := x.Response(), x.ReplyReading()
	if r == nil || len(r.Body) == 0 || x.Request().Method == "HEAD" {
		return nil
	}
	malformed, broken := false, false
	for i := range reading.Violations {
		if v := &reading.Violations[i]; v.In == contract.InBody {
			malformed = malformed || v.Class == risk.BadSyntax
			broken = broken || v.Class == risk.BadValue
		}
	}
	if malformed && !prose(r.Media) { // text in another encoding has no members to find
		if r.Status < 400 {
			return g.syntax
		}
		x.Edit(risk.Edit{Do: risk.HideBody, On: risk.OnReply, Stage: risk.Strip, Code: CodeSyntax, Value: title})
	}
	if malformed || broken {
		return g.note(x, r, flagBroken, g.broken)
	}
	return nil
}

// prose tells whether bodies of this type are text without members.
func prose(media string) bool {
	return strings.HasPrefix(media, "text/") && media != "text/json" && media != "text/xml" && !strings.HasSuffix(media, "+json") && !strings.HasSuffix(media, "+xml")
}
