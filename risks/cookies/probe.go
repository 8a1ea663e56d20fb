package cookies

import (
	"context"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

const (
	maxOperations = 50 // that the probe calls
	shortest      = 16 // of a value that may be a secret, in bytes
)

// probe reads lawful replies and looks at the cookies that they set. Besides
// reads it makes the requests whose replies declare a cookie, as logins do.
// What is too short to be a secret is somebody's choice of language.
func probe(ctx context.Context, t *risk.Target) error {
	p := prober{t: t, done: map[string]bool{}}
	n := 0
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" && !sets(op) || n == maxOperations {
			continue
		}
		try, ok := t.Lawful(op)
		if !ok {
			continue
		}
		n++
		seen, err := t.Send(ctx, try)
		if err != nil {
			return fmt.Errorf("call %s: %w", op.Key, err)
		}
		for _, f := range seen.Fields {
			if risk.EqualFold(f.Name, "Set-Cookie") {
				p.judge(op, f.Value, seen.TLS != 0)
			}
		}
	}
	return nil
}

// sets tells whether a declared success of op sets a cookie.
func sets(op *contract.Operation) bool {
	for _, r := range op.Replies {
		for _, h := range r.Headers {
			if r.Success() && risk.EqualFold(h.Name, "Set-Cookie") {
				return true
			}
		}
	}
	return false
}

type prober struct {
	t    *risk.Target
	done map[string]bool
}

// judge reports what a cookie lacks, each once for a name.
func (p *prober) judge(op *contract.Operation, field string, overTLS bool) {
	c := read(field)
	if c.name == "" || c.traits&ends != 0 || len(strings.Trim(c.value, `"`)) < shortest {
		return
	}
	if overTLS && c.traits&secure == 0 {
		p.find(op, CodeInsecure, c.name, "without Secure, so that it also travels in clear text")
	}
	if c.traits&httpOnly == 0 && !token(c.name) {
		p.find(op, CodeScript, c.name, "without HttpOnly, so that every script of the page can read it")
	}
	if c.traits&anySite != 0 {
		p.find(op, CodeCrossSite, c.name, "with SameSite=None, so that it goes along with requests of other sites")
	}
	if c.traits&domain != 0 {
		p.find(op, CodeDomain, c.name, "with Domain, so that every host below it gets the cookie")
	}
}

// token tells whether a cookie is one that scripts have to read in order to
// send it back in a header field.
func token(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "csrf") || strings.Contains(name, "xsrf")
}

func (p *prober) find(op *contract.Operation, code source.Code, name, how string) {
	if p.done[string(code)+" "+name] {
		return
	}
	p.done[string(code)+" "+name] = true
	p.t.Report(risk.Finding{
		Operation: op.Key, At: op.At, Code: string(code), Confirmed: true, Proof: fmt.Sprintf("a reply sets the cookie %q %s", name, how),
	})
}
