package forwarded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// addresses are fields from which APIs take the address of a client.
var addresses = [...]string{
	"X-Forwarded-For", "Forwarded", "X-Real-Ip", "X-Client-Ip", "Client-Ip", "True-Client-Ip", "X-Cluster-Client-Ip", "Cf-Connecting-Ip",
	"Fastly-Client-Ip", "X-Remote-Ip", "X-Remote-Addr", "X-Originating-Ip", "X_Forwarded_For", "X_Real_Ip",
}

// hosts are fields from which APIs take their own name.
var hosts = [...]string{"X-Forwarded-Host", "X-Original-Host", "X-Forwarded-Server"}

// urls are fields from which frameworks take the URL.
var urls = [...]string{"X-Original-Url", "X-Rewrite-Url"}

var errNoAnswer = errors.New("no read-only operation answered its lawful caller")

// A prober attacks one target.
type prober struct {
	t    *risk.Target
	send func(*risk.Attempt) *risk.Seen // nil: no answer
}

// A page is one lawful read and its answer.
type page struct {
	op     *contract.Operation
	lawful *risk.Attempt
	seen   *risk.Seen
}

// probe sends lawful reads with fields of proxies.
func probe(ctx context.Context, t *risk.Target) error {
	p := &prober{t: t, send: func(a *risk.Attempt) *risk.Seen {
		seen, err := t.Send(ctx, a)
		if err != nil {
			return nil
		}
		return seen
	}}
	var pages []page
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" {
			continue
		}
		lawful, ok := t.Lawful(op)
		if !ok {
			continue
		}
		seen := p.send(lawful)
		if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // the caller knows its context
		}
		if seen == nil {
			continue
		}
		g := page{op, lawful, seen}
		if seen.Status/100 == 2 {
			pages = append(pages, g)
			p.reflects(&g)
		} else {
			p.opens(&g)
		}
	}
	if len(pages) == 0 {
		return errNoAnswer
	}
	p.rewrites(pages)
	return nil
}

// reflects looks for what a field of a proxy says in the answer, where it does
// not stand if a field of no meaning says it.
func (p *prober) reflects(g *page) {
	claims := p.claims()
	control := p.send(with(g.lawful, p.meaningless(claims)))
	got := p.send(with(g.lawful, claims))
	if control == nil || got == nil || control.Status/100 != 2 || got.Status/100 != 2 {
		return
	}
	said := map[source.Code]bool{}
	for _, c := range claims {
		needle := value(c)
		if !mentions(got, needle) || mentions(control, needle) || mentions(g.seen, needle) {
			continue
		}
		code, what := CodeAddress, "address"
		if slices.Contains(hosts[:], c.Name) {
			code, what = CodeHost, "host"
		}
		if said[code] {
			continue
		}
		said[code] = true
		p.report(g, code, fmt.Sprintf("%s %s gave back the invented %s of the field %s, and not that of a field without meaning: the API believes it",
			g.op.Method, g.op.Path, what, c.Name))
	}
}

// claims gives each field of a proxy a value of its own: an address of a
// network that nobody has (RFC 5737), or a host.
func (p *prober) claims() risk.Fields {
	var out risk.Fields
	for i, name := range addresses {
		v := fmt.Sprintf("203.0.113.%d", 200+i)
		if name == "Forwarded" {
			v = "for=" + v
		}
		out = append(out, risk.Field{Name: name, Value: v})
	}
	for _, name := range hosts {
		out = append(out, risk.Field{Name: name, Value: p.t.Canary() + ".example"})
	}
	return out
}

// meaningless is the same values in fields that nobody reads.
func (p *prober) meaningless(claims risk.Fields) risk.Fields {
	var out risk.Fields
	for _, c := range claims {
		out = append(out, risk.Field{Name: "X-" + p.t.Canary(), Value: c.Value})
	}
	return out
}

// opens claims to be on the API's own machine where the lawful caller is
// refused. Both answers must come again.
func (p *prober) opens(g *page) {
	if g.seen.Status != 401 && g.seen.Status != 403 && g.seen.Status != 404 {
		return
	}
	var claims risk.Fields
	for _, name := range addresses {
		v := "127.0.0.1"
		if name == "Forwarded" {
			v = "for=127.0.0.1"
		}
		claims = append(claims, risk.Field{Name: name, Value: v})
	}
	for _, a := range []struct {
		fields risk.Fields
		opens  bool
	}{{p.meaningless(claims), false}, {claims, true}, {nil, false}, {claims, true}} {
		got := p.send(with(g.lawful, a.fields))
		if got == nil || (got.Status/100 == 2) != a.opens || !a.opens && got.Status != g.seen.Status {
			return
		}
	}
	p.report(g, CodeAddress, fmt.Sprintf("%s %s answered %d, and with success once fields of proxies claimed the address 127.0.0.1, twice in turn",
		g.op.Method, g.op.Path, g.seen.Status))
}

// rewrites asks for one page and names another in a field. Both pages must
// answer the same each time, and differ.
func (p *prober) rewrites(pages []page) {
	one := &pages[0]
	for i := range pages {
		two := &pages[i]
		if len(two.seen.Body) == 0 || bytes.Equal(one.seen.Body, two.seen.Body) || one.lawful.As != two.lawful.As {
			continue
		}
		target := two.lawful.Path
		if two.lawful.Query != "" {
			target += "?" + two.lawful.Query
		}
		var fields risk.Fields
		for _, name := range urls {
			fields = append(fields, risk.Field{Name: name, Value: target})
		}
		got, first, second := p.send(with(one.lawful, fields)), p.send(one.lawful), p.send(two.lawful)
		if got == nil || first == nil || second == nil || !bytes.Equal(got.Body, second.Body) || !bytes.Equal(second.Body, two.seen.Body) || !bytes.Equal(first.Body, one.seen.Body) {
			return
		}
		p.report(one, CodeURL, fmt.Sprintf("%s %s gave the answer of %s once %s named it",
			one.op.Method, one.op.Path, two.op.Path, strings.Join(urls[:], " and ")))
		return
	}
}

func (p *prober) report(g *page, code source.Code, proof string) {
	p.t.Report(risk.Finding{Operation: g.op.Key, Confirmed: true, At: g.op.At, Code: string(code), Proof: proof})
}

// value is what a claim says, without the syntax around it.
func value(f risk.Field) string { return strings.TrimPrefix(f.Value, "for=") }

// mentions tells whether an answer holds text in its fields or its body.
func mentions(s *risk.Seen, text string) bool {
	for _, f := range s.Fields {
		if strings.Contains(f.Value, text) {
			return true
		}
	}
	return bytes.Contains(s.Body, []byte(text))
}

// with is a with more fields.
func with(a *risk.Attempt, more risk.Fields) *risk.Attempt {
	out := *a
	out.Fields = slices.Concat(a.Fields, more)
	return &out
}
