package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/internal/policy"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
	"github.com/sallyport/sallyport/source"
)

// Codes of the diagnostics of loading.
const (
	CodeNoInput   source.Code = "run/nothing-to-guard"
	CodeNoOpenAPI source.Code = "run/no-document"
	CodeTwoInputs source.Code = "run/two-inputs"
	CodeBadTo     source.Code = "run/bad-upstream"
)

// The headers in which a key of ours is expected.
const (
	keyHeader      = "X-Api-Key"
	otherKeyHeader = "X-Sallyport-Key"
)

// loaded is everything that a Plan is made of, and the Plan.
type loaded struct {
	policy    *policy.Policy
	contracts map[string]*contract.Contract // by name of the API
	resolved  []*policy.Resolved
	plan      *plan.Plan
	files     []string // that were read, to be watched
	pins      map[string]time.Time
	list      source.List // warnings and notes
}

// loader reads a policy and its contracts.
type loader struct {
	opt   Options
	risks []risk.Risk
	in    reader
	out   loaded
}

// load reads everything and compiles it. pins are the ends of observations
// that were fixed before. It changes nothing outside. The error holds all
// diagnostics.
func load(ctx context.Context, opt Options, pins map[string]time.Time) (*loaded, error) {
	l := loader{opt: opt, risks: allRisks()}
	l.out.contracts = map[string]*contract.Contract{}
	digest, ok := l.readPolicy()
	if !ok {
		return nil, refusal(l.out.list)
	}
	l.readContracts(ctx)
	if l.out.list.Err() != nil {
		return nil, refusal(l.out.list)
	}
	l.out.policy, l.out.pins = policy.Pin(l.out.policy, pins, opt.Clock.Now())
	l.compile(digest)
	if l.out.list.Err() != nil {
		return nil, refusal(l.out.list)
	}
	l.out.files = append(l.out.files, l.in.list()...)
	return &l.out, nil
}

func (l *loader) add(list source.List) {
	for _, d := range list {
		l.out.list.Add(d)
	}
}

// readPolicy reads the policy file, or makes the policy of --to and --openapi.
// It returns a digest of what it read.
func (l *loader) readPolicy() (digest string, ok bool) {
	path, ok := l.policyPath()
	if !ok {
		return "", false
	}
	var p *policy.Policy
	var list source.List
	if path == "" {
		p, list = policy.Synthesise(l.opt.To, l.opt.OpenAPI, l.opt.Listen)
		l.environment()
		digest = l.opt.To + " " + l.opt.OpenAPI + " " + l.opt.Listen
	} else {
		l.out.files = append(l.out.files, path)
		p, list = policy.Load(policy.Input{Name: path, Risks: l.risks, Environ: l.opt.Environ, Known: Variables()})
		digest = fileDigest(path)
	}
	l.add(list)
	if p == nil {
		return "", false
	}
	if l.opt.Listen != "" {
		p.Listen = []policy.Text{{Value: l.opt.Listen, At: source.Span{File: "--listen"}, Set: true}}
	}
	if l.opt.Admin != "" {
		p.Admin.Bind = policy.Text{Value: l.opt.Admin, At: source.Span{File: "--admin"}, Set: true}
	}
	if l.opt.Observe {
		p.Mode = policy.Given[policy.Mode]{Value: policy.Mode{Kind: policy.Observe}, At: source.Span{File: "--observe"}, Set: true}
		digest += " observe"
	}
	l.out.policy = p
	return digest, true
}

// environment refuses variables that look like ours and are not, as a policy
// file does.
func (l *loader) environment() {
	for _, pair := range l.opt.Environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "SALLYPORT_") && !slices.Contains(Variables(), name) {
			l.out.list.Add(source.Diagnostic{
				At: source.Span{File: "environment"}, Code: policy.CodeUnknownVariable, Text: "nothing reads the variable " + name,
				Hint: "unset it, or write " + strings.Join(Variables(), ", "),
			})
		}
	}
}

// Variables are the names of the environment variables that Sallyport reads.
func Variables() []string { return []string{"SALLYPORT_STATE"} }

// policyPath is the policy file to read, "" for the policy of --to.
func (l *loader) policyPath() (string, bool) {
	switch {
	case l.opt.Policy != "" && l.opt.To != "":
		l.out.list.Add(source.Diagnostic{At: source.Span{File: "--to"}, Code: CodeTwoInputs, Text: "both a policy file and --to name what to guard", Hint: "leave one of them out"})
		return "", false
	case l.opt.Policy != "":
		return l.opt.Policy, true
	case l.opt.To != "" && l.opt.OpenAPI == "":
		l.out.list.Add(source.Diagnostic{At: source.Span{File: "--openapi"}, Code: CodeNoOpenAPI, Text: "the API's OpenAPI document is needed: it says what may pass", Hint: "add --openapi FILE or URL"})
		return "", false
	case l.opt.To != "":
		return "", true
	}
	if _, err := os.Stat(PolicyFile); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return PolicyFile, true
	}
	l.out.list.Add(source.Diagnostic{
		At: source.Span{File: PolicyFile}, Code: CodeNoInput, Text: "there is no policy file here, and no --to",
		Hint: "try: sallyport run --to http://127.0.0.1:8080 --openapi openapi.yaml, or sallyport init",
	})
	return "", false
}

func fileDigest(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// readContracts loads the document of every API and ties the policy to it.
func (l *loader) readContracts(ctx context.Context) {
	for _, a := range l.out.policy.APIs {
		o := openapi.Options{Reader: &l.in}
		ref := l.out.policy.Path(a.OpenAPI.Value)
		if l.opt.Remote || strings.Contains(ref, "://") {
			o.Fetch = fetch
		}
		c, list := openapi.Load(ctx, ref, o)
		l.add(list)
		if c == nil {
			continue
		}
		l.out.contracts[a.Name.Value] = c
		p, list := l.out.policy.WithContract(a.Name.Value, c, l.risks)
		l.add(list)
		if p != nil {
			l.out.policy = p
		}
	}
}

// compile resolves the settings and compiles the Plan.
func (l *loader) compile(digest string) {
	p := l.out.policy
	in := plan.Inputs{
		Risks: l.risks, Policy: digest, Version: l.opt.Version, Made: l.opt.Clock.Now(), Secure: l.secure(),
		Listener: settings(p.Listener(l.risks)),
	}
	for _, a := range p.APIs {
		c := l.out.contracts[a.Name.Value]
		r := p.Resolve(a, c, l.risks)
		l.out.resolved = append(l.out.resolved, r)
		x, ok := l.input(a, c)
		if !ok {
			continue
		}
		x.Unknown = settings(r.Whole)
		sites := make(map[*contract.Operation]*policy.Site, len(r.Operations))
		for i := range r.Operations {
			sites[r.Operations[i].Op] = &r.Operations[i]
		}
		x.Settings = func(op *contract.Operation) plan.Settings { return settings(*sites[op]) }
		in.APIs = append(in.APIs, x)
	}
	made, list := plan.Compile(in)
	l.add(list)
	l.out.plan = made
}

// secure tells whether clients reach us over TLS on every listener.
func (l *loader) secure() bool {
	for _, u := range l.out.policy.Listen {
		if !strings.HasPrefix(u.Value, "https://") {
			return false
		}
	}
	return true
}

// input is what the policy says of one API as a whole.
func (l *loader) input(a *policy.API, c *contract.Contract) (plan.Input, bool) {
	base := serverBase(c)
	x := plan.Input{Name: a.Name.Value, Owner: a.Owner.Value, Contract: c, At: a.At, Prefix: base}
	if a.Place.Set {
		x.Host, x.Prefix = hostOnly(a.Place.Value.Host), a.Place.Value.Prefix
	}
	up, ok := l.upstream(a, base)
	if !ok {
		return x, false
	}
	x.Upstream = up
	if a.Auth.None.Set {
		return x, true
	}
	x.KeyHeader, x.KeyPrefix = keyHeader, identity.DefaultPrefix+"_live_"
	if usesHeader(c, keyHeader) {
		x.KeyHeader = otherKeyHeader
	}
	if k := a.Auth.APIKey; !k.At.IsZero() {
		x.KeysToo = true
		if k.Header.Value != "" {
			x.KeyHeader = textproto.CanonicalMIMEHeaderKey(k.Header.Value)
		}
		if k.Prefix.Value != "" {
			x.KeyPrefix = k.Prefix.Value + "_live_"
		}
	}
	return x, true
}

// upstream is what the policy says of the servers behind an API. base is the
// path of the document's server.
func (l *loader) upstream(a *policy.API, base string) (*plan.Upstream, bool) {
	out := &plan.Upstream{
		Base: base, CA: l.file(a.UpstreamTLS.CA), Cert: l.file(a.UpstreamTLS.Cert), Key: l.file(a.UpstreamTLS.Key),
		HTTP2:   a.UpstreamTLS.ALPN.Value == policy.HTTP2,
		Health:  plan.Health{Path: a.Health.Path.Value, Interval: a.Health.Interval.Value, Timeout: a.Health.Timeout.Value},
		Breaker: plan.Breaker{Failures: int(a.Breaker.Failures.Value), Open: a.Breaker.Open.Value, Requests: int(a.Breaker.Requests.Value), Silence: a.Breaker.Silence.Value},
	}
	for i, text := range a.Upstream {
		u, err := url.Parse(text.Value)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			l.out.list.Add(source.Diagnostic{
				At: text.At, Code: CodeBadTo, Text: "an upstream is a URL with http or https, a host, and maybe a path",
				Hint: "write it like http://127.0.0.1:8080",
			})
			return nil, false
		}
		to := &url.URL{Scheme: u.Scheme, Host: u.Host}
		if i > 0 {
			out.More = append(out.More, to)
			continue
		}
		if out.URL = to; u.Path != "" {
			// A path, be it "/" alone, says where the API really lies.
			out.Base = strings.TrimSuffix(u.EscapedPath(), "/")
		}
	}
	return out, true
}

func (l *loader) file(t policy.Text) string {
	if t.Value == "" {
		return ""
	}
	return l.out.policy.Path(t.Value)
}

// hostOnly drops the port: routing compares hosts without one.
func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

// serverBase is the path of the document's first server, without a slash at
// its end.
func serverBase(c *contract.Contract) string {
	if len(c.Servers) == 0 {
		return ""
	}
	u, err := url.Parse(c.Servers[0].URL)
	if err != nil || !strings.HasPrefix(u.Path, "/") {
		return ""
	}
	return strings.TrimSuffix(u.EscapedPath(), "/")
}

// usesHeader tells whether the API itself reads a header called name.
func usesHeader(c *contract.Contract, name string) bool {
	for _, s := range c.Schemes {
		if s.Kind == contract.APIKey && s.In == contract.InHeader && risk.EqualFold(s.Field, name) {
			return true
		}
	}
	for _, op := range c.Operations {
		if op.Param(contract.InHeader, name) != nil {
			return true
		}
	}
	return false
}

// settings turns what the policy comes to at a site into what a Plan takes.
func settings(s policy.Site) plan.Settings {
	return plan.Settings{
		Limits: plan.Limits{
			MaxBody: s.MaxBody.Value, MaxReply: s.MaxReply.Value, Body: s.Timeouts.Body.Value,
			Upstream: s.Timeouts.Upstream.Value, Idle: s.Timeouts.Idle.Value, Total: s.Timeouts.Total.Value,
		},
		Silent: silence(s.Undeclared.Value),
		Public: s.Public.Value,
		Risk: func(id string) plan.Setting {
			r, ok := s.Ruling(id)
			if !ok {
				return plan.Setting{}
			}
			m := r.Mode.Value
			out := plan.Setting{Params: r.Params, At: r.Mode.At}
			if !r.Mode.Set && len(r.From) > 0 {
				out.At = r.From[0].At
			}
			switch m.Kind {
			case policy.Enforce:
			case policy.Observe:
				out.Mode, out.Until = plan.Observe, m.Until
			case policy.Off:
				out.Mode = plan.Off
			}
			return out
		},
	}
}

func silence(u policy.Undeclared) risk.Silence {
	switch u {
	case policy.Refuse:
		return risk.RefuseSilent
	case policy.Strip:
		return risk.StripSilent
	}
	return risk.LeaveSilent
}

// describe is one line on what an API is, for people.
func describe(c *contract.Contract) string {
	return fmt.Sprintf("%s %s, %s, %s", c.Title, c.Version, many(len(c.Operations), "operation"), c.Dialect)
}

// allRisks are the risks of this build.
func allRisks() []risk.Risk { return risks.All() }
