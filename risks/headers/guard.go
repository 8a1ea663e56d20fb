package headers

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// year is what browser vendors ask for at least before they preload a host.
const year = 365 * 24 * time.Hour

// What a reply without a page of its own says to browsers: nothing in it may
// load or run anything, and no page may frame it.
const (
	policyOfData = "default-src 'none'; frame-ancestors 'none'"
	policyOfPage = "frame-ancestors 'none'"
)

// guard edits the head of every reply. It never denies.
type guard struct {
	hsts    string // what we send; "" where clients do not come over TLS
	seconds int64
	keep    kind // kinds that stay as the upstream sent them
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope == risk.OfListener {
		return nil, nil
	}
	p, ok := s.Params.(Params)
	if s.Params != nil && !ok {
		return nil, fmt.Errorf("settings are a %T", s.Params)
	}
	g := &guard{}
	switch {
	case p.HSTS < 0 || p.HSTS > 0 && p.HSTS < time.Second:
		return nil, fmt.Errorf("hsts is %s: write at least 1s, such as 365d", p.HSTS)
	case p.HSTS == 0:
		p.HSTS = year
	}
	if s.API != nil && s.API.Secure {
		g.seconds = int64(p.HSTS / time.Second)
		g.hsts = "max-age=" + strconv.FormatInt(g.seconds, 10)
	}
	for _, name := range p.Keep {
		k := kindOf(name)
		if k == other {
			return nil, fmt.Errorf("keep names %q, which is left alone anyway", name)
		}
		g.keep |= k
	}
	return risk.At(risk.Reply, g), nil
}

// Check asks for the fields that are missing. It always lets the exchange pass.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil {
		return nil
	}
	var fine, loose kind
	hop := false
	for i := range r.Fields {
		f := &r.Fields[i]
		switch k := kindOf(f.Name); k {
		case other:
			hop = hop || risk.EqualFold(f.Name, "Connection") && strings.ContainsRune(f.Value, '-') && !risk.EqualFold(f.Value, "keep-alive")
		default:
			if g.strict(k, f.Value) {
				fine |= k
			} else {
				loose |= k // of two fields with one name, browsers may choose this one
				if k != transport && g.keep&k == 0 {
					x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: f.Name})
				}
			}
		}
	}
	if hop {
		fine = 0 // Connection may name away what the upstream says itself (RFC 9110 section 7.6.1)
	}
	fine = fine&^loose | g.keep
	g.transport(x, r, fine)
	if fine&sniff == 0 {
		set(x, "X-Content-Type-Options", "nosniff")
	}
	if fine&content == 0 {
		value := policyOfData
		if html(r.Media) {
			value = policyOfPage
		}
		set(x, "Content-Security-Policy", value)
	}
	if fine&frame == 0 {
		set(x, "X-Frame-Options", "DENY")
	}
	if fine&referrer == 0 {
		set(x, "Referrer-Policy", "no-referrer")
	}
	if fine&resource == 0 {
		set(x, "Cross-Origin-Resource-Policy", "same-origin")
	}
	return nil
}

// transport keeps Strict-Transport-Security to TLS (RFC 6797 section 7.2).
func (g *guard) transport(x *risk.Exchange, r *risk.Response, fine kind) {
	switch {
	case g.keep&transport != 0:
	case !x.Conn().Secure:
		if r.Fields.Has("Strict-Transport-Security") {
			x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: "Strict-Transport-Security"})
		}
	case g.hsts != "" && fine&transport == 0:
		set(x, "Strict-Transport-Security", g.hsts)
	}
}

// strict tells whether what the upstream sends is as good as what we would
// send, or a choice that it may make.
func (g *guard) strict(k kind, value string) bool {
	value = strings.Trim(value, " \t")
	switch k {
	case sniff:
		return risk.EqualFold(value, "nosniff")
	case frame:
		return risk.EqualFold(value, "DENY") || risk.EqualFold(value, "SAMEORIGIN")
	case referrer:
		return value != "" && !risk.EqualFold(value, "unsafe-url")
	case resource:
		return value == "same-origin" || value == "same-site" || value == "cross-origin"
	case transport:
		return maxAge(value) >= g.seconds
	case content, other:
	}
	return value != ""
}

func set(x *risk.Exchange, name, value string) {
	x.Edit(risk.Edit{Do: risk.SetField, On: risk.OnReply, Stage: risk.Mask, Name: name, Value: value})
}
