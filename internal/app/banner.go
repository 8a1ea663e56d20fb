package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/netx"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/source"
)

// banner tells the user where the gateway is, what is on, what is to do, and
// one call to try.
func (p *process) banner(ctx context.Context, first *loaded) {
	w := p.opt.Stderr
	out := Running{Admin: p.admin.url}
	for i := range p.listens {
		out.Gateway = append(out.Gateway, p.listens[i].url)
	}
	if p.local != nil {
		out.CA = p.local.CertPath()
	}
	for _, d := range first.list {
		if d.Severity != source.Info || p.opt.Terminal {
			fmt.Fprintln(w, d.String())
		}
	}
	fmt.Fprintf(w, "sallyport %s  gateway %s   admin %s\n", p.opt.Version, strings.Join(out.Gateway, " "), out.Admin)
	h := p.health()
	for _, a := range h.APIs {
		fmt.Fprintf(w, "  %s: %s guarded · %d open · mode %s\n", a.Name, many(a.Operations, "operation"), a.Open, h.Mode)
	}
	fmt.Fprintf(w, "  ON    %s\n", strings.Join(active(first.plan), " "))
	for _, line := range todo(first) {
		fmt.Fprintf(w, "  TODO  %s\n", line)
	}
	if bind, err := netx.ParseBind(first.policy.Admin.Bind.Value); err == nil && !bind.Loopback() {
		fmt.Fprintf(w, "  NOTE  the admin plane can be reached from other machines, and asks nobody who they are: bind it to 127.0.0.1\n")
	}
	out.Key = p.firstKey(ctx)
	if p.local != nil && p.local.Aside() != "" {
		fmt.Fprintf(w, "  NOTE  the names in listen changed: clients need the new %s\n", pathOf(out.CA))
	}
	fmt.Fprintf(w, "Try:  %s\n", tryLine(first.plan, out))
	if p.opt.Ready != nil {
		p.opt.Ready(out)
	}
}

// active lists what protects, the floor first.
func active(p *plan.Plan) []string {
	out := []string{"default-deny", "limits", "audit"}
	seen := map[string]bool{}
	for _, a := range p.APIs {
		for _, u := range a.Units {
			for _, s := range u.Settings {
				if s.Guards > 0 && s.Mode == plan.Enforce && !seen[s.Risk] {
					seen[s.Risk] = true
					out = append(out, s.Risk)
				}
			}
		}
	}
	return out
}

// todo lists what the user should still decide.
func todo(first *loaded) []string {
	var out []string
	for _, a := range first.plan.APIs {
		var passing []string
		ids, open, unchecked := 0, 0, 0
		for _, s := range a.Contract.Schemes {
			passing = append(passing, s.Name)
		}
		for _, u := range a.Units {
			if strings.Contains(u.Op.Path, "{") {
				ids++
			}
			if u.Open {
				open++
			}
			unchecked += len(u.Request.Unchecked()) + len(u.Reply.Unchecked())
		}
		if len(passing) > 0 {
			out = append(out, fmt.Sprintf("%s: its own credentials (%s) must be present and pass unverified", a.Name, strings.Join(passing, ", ")))
		}
		if open > 0 {
			out = append(out, fmt.Sprintf("%s: %s without a credential, as its document or the policy says", a.Name, many(open, "operation")))
		}
		if ids > 0 {
			out = append(out, fmt.Sprintf("%s: %s with an id in the path, and nothing here checks whose it is yet", a.Name, many(ids, "operation")))
		}
		if unchecked > 0 {
			out = append(out, fmt.Sprintf("%s: %s of the document cannot be checked: sallyport check", a.Name, many(unchecked, "part")))
		}
	}
	return out
}

// firstKey makes a key where there is none, when it may be shown.
func (p *process) firstKey(ctx context.Context) string {
	if !p.wantsKeys() {
		return ""
	}
	usable, err := p.keys.List(ctx, identity.Filter{UsableAt: p.opt.Clock.Now(), Limit: 1})
	switch {
	case err != nil:
		p.fault("keys", err)
		return ""
	case len(usable) > 0:
		return ""
	case !p.opt.Terminal && !p.opt.PrintKey:
		fmt.Fprintln(p.opt.Stderr, "  KEY   there is none yet: sallyport key create --name first --owner you")
		return ""
	}
	issued, err := p.keys.Create(ctx, identity.Spec{Name: "first", Owner: "operator"})
	if err == nil {
		err = p.ring.Refresh(ctx)
	}
	if err != nil {
		p.fault("keys", err)
		return ""
	}
	fmt.Fprintf(p.opt.Stderr, "  KEY   %s   (shown this once; ends %s)\n", reveal(issued.Key), issued.Record.Expires.Format("2006-01-02"))
	return reveal(issued.Key)
}

// reveal is the only place where a key is printed.
func reveal(key secret.Text) string { return key.Reveal() }

// wantsKeys tells whether any API asks for keys of ours.
func (p *process) wantsKeys() bool {
	for _, a := range p.loaded.Load().plan.APIs {
		if a.KeyHeader == "" {
			continue
		}
		if a.KeysToo {
			return true
		}
		for _, u := range a.Units {
			if !u.Op.Secured {
				return true
			}
		}
	}
	return false
}

// tryLine is a curl line that works: a GET that needs nothing, if there is one.
func tryLine(p *plan.Plan, r Running) string {
	line := "curl"
	if r.CA != "" {
		line += " --cacert " + quoted(pathOf(r.CA))
	}
	var best *plan.Unit
	for _, a := range p.APIs {
		for _, u := range a.Units {
			if u.Op.Method == "GET" && !needs(u.Op) && (best == nil || strings.Count(u.Op.Path, "{") < strings.Count(best.Op.Path, "{")) {
				best = u
			}
		}
	}
	if best == nil {
		return line + " " + r.Gateway[0]
	}
	if h := best.API.KeyHeader; h != "" && (!best.Op.Secured || best.API.KeysToo) {
		key := r.Key
		if key == "" {
			key = "$KEY"
		}
		line += fmt.Sprintf(" -H \"%s: %s\"", h, key)
	}
	return line + " " + quoted(r.Gateway[0]+best.API.Prefix+example(best.Op.Path))
}

// example puts 1 for each parameter of a template.
func example(template string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(template, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteByte('1')
		_, template, _ = strings.Cut(rest, "}")
	}
}

// many counts things in words.
func many(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// needs tells whether a call needs more than its path.
func needs(op *contract.Operation) bool {
	for _, p := range op.Parameters {
		if p.Required && p.In != contract.InPath {
			return true
		}
	}
	return op.Body != nil && op.Body.Required
}

// quoted makes s one word of a shell.
func quoted(s string) string {
	if strings.ContainsAny(s, " {}$&?*'\"\\") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
