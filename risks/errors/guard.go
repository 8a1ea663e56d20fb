package errors

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// Titles that clients see in place of what was hidden.
const (
	titleUpstream = "the service behind the gateway failed"
	titleRefused  = "the service behind the gateway refused the request"
)

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope == risk.OfListener {
		return nil, nil
	}
	p, ok := s.Params.(Params)
	if s.Params != nil && !ok {
		return nil, fmt.Errorf("settings are a %T", s.Params)
	}
	out := risk.At(risk.Reply, heads{keep: p.Detail == Keep})
	if s.Scope == risk.OfOperation {
		out = append(out, risk.Placed{Phase: risk.ReplyBody, Guard: bodies{}})
	}
	return out, nil
}

// heads hides what need not be read to be hidden.
type heads struct{ keep bool }

// Check always lets the exchange pass.
func (g heads) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil || r.Status < 400 {
		return nil
	}
	undeclared := outside(x.ReplyReading())
	switch {
	case r.Status >= 500 && (!g.keep || undeclared || x.ReplyReading().Reply == nil):
		hide(x, CodeUpstream, titleUpstream)
	case undeclared && page(r.Media):
		hide(x, CodePage, titleRefused)
	}
	return nil
}

// outside tells whether the contract does not know this status or media type.
func outside(r *risk.Reading) bool {
	return r.Has(risk.UndeclaredStatus) || r.Has(risk.WrongMedia)
}

// page tells whether media is what servers write their own error pages in.
func page(media string) bool {
	return media == "text/html" || media == "application/xhtml+xml"
}

// bodies looks into the bodies that are about to leave.
type bodies struct{}

// Check always lets the exchange pass.
func (bodies) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil || r.Status < 300 && cores().calm(r.Body) {
		return nil
	}
	var t tally
	if isJSON(r.Media) || value(r.Body) {
		t.escaped(r.Body)
	} else {
		t.plain(r.Body)
	}
	switch {
	case r.Status < 300:
		success(x, r, &t)
	case t.leaks() && r.Status >= 500:
		hide(x, CodeUpstream, titleUpstream)
	case t.leaks():
		hide(x, CodeLeak, titleRefused)
	case r.Status >= 400 && !declaredType(r.Media) && outside(x.ReplyReading()) && markup(r.Body):
		hide(x, CodePage, titleRefused)
	}
	return nil
}

// isJSON tells whether the escapes of JSON stand in bodies of this type.
func isJSON(media string) bool {
	return strings.HasSuffix(media, "json") || strings.HasSuffix(media, "jsonl") || strings.HasSuffix(media, "json-seq") || strings.HasSuffix(media, "jsonlines") || strings.HasSuffix(media, "json-lines")
}

// declaredType tells whether media is a type at all: none may be sent, and of
// two the gateway believes neither.
func declaredType(media string) bool { return strings.IndexByte(media, '/') > 0 }

// value tells whether a body begins as JSON does, whatever its type says.
func value(body []byte) bool {
	c := first(body)
	return c == '{' || c == '[' || c == '"'
}

// markup tells whether a body begins as a page does.
func markup(body []byte) bool { return first(body) == '<' }

// first is the first byte that is no white space, no NUL and no byte order
// mark; 0 where there is none.
func first(body []byte) byte {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n', 0, 0xef, 0xbb, 0xbf, 0xfe, 0xff:
			continue
		}
		return c
	}
	return 0
}

// hide puts a problem document in place of the body, and keeps the fields
// that clients need to act on the status (RFC 9110 sections 11.6.1 and
// 15.5.6).
func hide(x *risk.Exchange, code fault.Code, title string) {
	x.Edit(risk.Edit{Do: risk.HideBody, On: risk.OnReply, Stage: risk.Mask, Code: code, Value: title})
	for _, f := range x.Response().Fields {
		if risk.EqualFold(f.Name, "WWW-Authenticate") || risk.EqualFold(f.Name, "Allow") {
			x.Edit(risk.Edit{Do: risk.AddField, On: risk.OnReply, Stage: risk.Decide, Name: f.Name, Value: f.Value})
		}
	}
}
