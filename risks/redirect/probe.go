package redirect

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// maxTried bounds how many parameters the probe sets.
const maxTried = 40

// probe puts the address of a made-up site where an address may stand in the
// query. It is proved when the reply redirects to just that host, as a browser
// would read it; the host in a query of our own login page is a near miss.
func probe(ctx context.Context, t *risk.Target) error {
	tried := 0
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" {
			continue
		}
		lawful, ok := t.Lawful(op)
		if !ok {
			continue
		}
		for _, p := range op.Parameters {
			if !leads(op, p) || tried == maxTried {
				continue
			}
			tried++
			if err := try(ctx, t, op, lawful, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// try sends each way to write the address, until one works.
func try(ctx context.Context, t *risk.Target, op *contract.Operation, lawful *risk.Attempt, p *contract.Parameter) error {
	host := t.Canary() + ".example"
	for _, address := range [...]string{"https://" + host + "/", "//" + host, `/\` + host, "https:" + host} {
		a := *lawful
		a.Query = with(lawful.Query, p.Name, address)
		seen, err := t.Send(ctx, &a)
		if err != nil {
			return fmt.Errorf("call %s: %w", op.Key, err)
		}
		if !follows(seen, host) {
			continue
		}
		t.Report(risk.Finding{
			Operation: op.Key, At: p.At, Code: string(CodeForeign), Confirmed: true,
			Proof: fmt.Sprintf("the parameter %q makes the reply (%d) lead to a host made up by the probe", p.Name, seen.Status),
		})
		return nil
	}
	return nil
}

// follows tells whether a browser goes on to the host.
func follows(s *risk.Seen, host string) bool {
	if got, _ := hostOf(refreshes(s.Fields.Get("Refresh"))); got == host {
		return true
	}
	got, _ := hostOf(s.Fields.Get("Location"))
	return got == host && s.Status >= 300 && s.Status < 400
}

// with is a query in which one parameter has this value alone.
func with(query, name, value string) string {
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(part, "=")
		if text, _ := url.QueryUnescape(key); part != "" && text != name {
			parts = append(parts, part)
		}
	}
	return strings.Join(append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value)), "&")
}

// leads tells whether a parameter may say where to go: it is text in the
// query, and the operation redirects or the name says so.
func leads(op *contract.Operation, p *contract.Parameter) bool {
	if p.In != contract.InQuery || p.Content != nil || p.Schema != nil && !p.Schema.Allows(contract.StringType) {
		return false
	}
	return redirects(op) || tells(p.Name)
}

// redirects tells whether op declares a redirect.
func redirects(op *contract.Operation) bool {
	for _, r := range op.Replies {
		if r.Code/100 == 3 && r.Code != 304 || r.Code == 3 && r.Range {
			return true
		}
	}
	return false
}

// tells tells whether a parameter by this name usually holds an address to go
// on to.
func tells(name string) bool {
	switch strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name)) {
	case "next", "to", "goto", "url", "redirect", "redirecturl", "redirecturi", "redirectto", "return", "returnto", "returnurl", "returnuri", "continue",
		"dest", "destination", "target", "callback", "callbackurl", "successurl", "cancelurl", "backurl", "forward", "relaystate":
		return true
	}
	return false
}
