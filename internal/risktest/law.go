package risktest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// Worlds reads every world*.txt of a folder, in the order of their names.
func Worlds(ctx context.Context, dir string) ([]*World, error) {
	files, err := filepath.Glob(filepath.Join(dir, "world*.txt"))
	if err != nil {
		return nil, fmt.Errorf("list worlds: %w", err)
	}
	var out []*World
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read world: %w", err)
		}
		w, err := Parse(ctx, strings.TrimSuffix(filepath.Base(name), ".txt"), text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		out = append(out, w)
	}
	return out, nil
}

// A judge holds one risk to the law in one World.
type judge struct {
	w        *World
	r        risk.Risk
	breaches []string
}

func (j *judge) breach(format string, args ...any) {
	j.breaches = append(j.breaches, fmt.Sprintf(format, args...))
}

// Judge returns a sentence for each breach of the law by r in w: legs 1 to 6
// and 8 of DESIGN section 5. all are the risks that a gateway runs with; legs
// 2, 4 and 6 run with r alone above the floor too, beside those that With
// names.
func (w *World) Judge(ctx context.Context, r risk.Risk, all []risk.Risk) []string {
	var out []string
	for _, face := range [...]risk.Face{risk.ProbeFace, risk.LintFace, risk.GuardFace} {
		out = append(out, w.JudgeFace(ctx, face, r, all)...)
	}
	return out
}

// JudgeFace is the part of Judge that is about one face: legs 1 and 3 of the
// probe, 5 of the lint, and 2, 4, 6 and 8 of the guard.
func (w *World) JudgeFace(ctx context.Context, face risk.Face, r risk.Risk, all []risk.Risk) []string {
	j := &judge{w: w, r: r}
	switch face {
	case risk.ProbeFace:
		j.bare(ctx)
	case risk.LintFace:
		j.design()
	case risk.GuardFace:
		j.guarded(ctx, "alone", w.alone(r, all))
		j.guarded(ctx, "with all", all)
	}
	return j.breaches
}

// bare is legs 1 and 3: the probe finds the risk in the weak upstream, and
// nothing in the sound one.
func (j *judge) bare(ctx context.Context) {
	for name, up := range map[string]*Upstream{"weak": j.w.Weak, "sound": j.w.Sound} {
		want := j.w.Findings
		if name == "sound" {
			want = nil
		}
		s, err := up.serve()
		if err != nil {
			j.breach("the %s upstream cannot be served: %v", name, err)
			continue
		}
		got, err := j.probe(ctx, &client{s: s})
		s.Close()
		if err != nil {
			j.breach("the probe fails at the %s upstream: %v", name, err)
		}
		if !slices.Equal(got, want) {
			j.breach("the probe finds %v in the %s upstream, want %v", got, name, want)
		}
	}
	if len(j.w.Findings) == 0 {
		j.breach("the world expects no finding in the weak upstream")
	}
}

// probe runs the probe and returns what it reported, sorted.
func (j *judge) probe(ctx context.Context, c *client) ([]string, error) {
	var got []string
	err := j.r.Probe(ctx, j.w.target(c, func(f risk.Finding) {
		code := f.Code
		if !f.Confirmed {
			code = "probable " + code
		}
		if f.Proof == "" || secretIn([]byte(f.Proof), credentials()) != "" {
			j.breach("the proof %q of %s is empty or shows a credential", f.Proof, f.Code)
		}
		got = append(got, code)
	}))
	slices.Sort(got)
	return got, err
}

// design is leg 5: the lint speaks on the flawed design, at a line, and is
// silent on the sound one.
func (j *judge) design() {
	lint := func(c *contract.Contract) (codes []string) {
		j.r.Lint(c, func(d source.Diagnostic) {
			codes = append(codes, string(d.Code))
			if d.At.Line == 0 || d.Hint == "" {
				j.breach("the lint says %q without a line or a hint", d.Error())
			}
		})
		slices.Sort(codes)
		return codes
	}
	if got := lint(j.w.Contract); len(got) != 0 {
		j.breach("the lint says %v of the sound design", got)
	}
	if got := lint(j.w.Flawed); len(got) == 0 || !slices.Equal(got, j.w.Lints) {
		j.breach("the lint says %v of the flawed design, want %v", got, j.w.Lints)
	}
}

// guarded is legs 2, 4 and 6, and 8 where how is "with all".
func (j *judge) guarded(ctx context.Context, how string, risks []risk.Risk) {
	f, err := NewFort(j.w.Contract, j.w.Weak.Handler(), risks)
	if err != nil {
		j.breach("%s: %v", how, err)
		return
	}
	attack := &client{s: f.Server}
	got, err := j.probe(ctx, attack)
	if err != nil {
		j.breach("%s: the probe fails at the gateway: %v", how, err)
	}
	if len(got) != 0 {
		j.breach("%s: the probe finds %v behind the gateway", how, got)
	}
	f.Close()
	j.answers(how, attack)
	j.events(how, f, len(attack.sent))
	j.lawful(ctx, how, risks)
}

// answers holds what clients saw to leg 6: nothing leaks, and the requests of
// control succeeded.
func (j *judge) answers(how string, c *client) {
	passed := 0
	for _, s := range c.seen {
		if s.Status/100 == 2 {
			passed++
		}
		text := s.Body
		for _, f := range s.Fields {
			text = append(append(append(bytes.Clone(text), f.Name...), ": "...), f.Value...)
		}
		hidden := j.w.Secrets
		if strings.HasPrefix(s.Fields.Get("Content-Type"), fault.MediaType) && s.Fields.Has("Sallyport-Decision") {
			hidden = append(credentials(), hidden...)
		}
		if leak := secretIn(text, hidden); leak != "" {
			j.breach("%s: an answer with status %d shows %q", how, s.Status, leak)
		}
	}
	if passed == 0 {
		j.breach("%s: no request of control passed", how)
	}
}

// events holds the records of an attack to leg 6: the risk is named, the
// record knows its code, and nothing failed.
func (j *judge) events(how string, f *Fort, sent int) {
	named := 0
	for i := range f.log.sealed {
		e := &f.log.sealed[i]
		if names(e, j.r.ID) {
			named++
		}
		if e.Decision == event.Deny && (e.Code == "" || e.Reason == "" || e.Status == 0) {
			j.breach("%s: the record of a denial says not why: %+v", how, e)
		}
	}
	if named == 0 && how == "alone" {
		j.breach("%s: no record names the risk", how)
	}
	if n := len(f.log.sealed); n == 0 || n > sent {
		j.breach("%s: %d records of %d requests", how, n, sent)
	}
	for _, text := range f.log.faults {
		j.breach("%s: the gateway failed: %.300s", how, text)
	}
}

// lawful is leg 4: every lawful call gets what it must, and nothing is denied.
func (j *judge) lawful(ctx context.Context, how string, risks []risk.Risk) {
	f, err := NewFort(j.w.Contract, j.w.Weak.Handler(), risks)
	if err != nil {
		j.breach("%s: %v", how, err)
		return
	}
	c, wrote := &client{s: f.Server}, false
	for i := range j.w.Lawful {
		call := &j.w.Lawful[i]
		wrote = wrote || contract.UnsafeMethod(call.Attempt.Method)
		seen, err := c.send(ctx, &call.Attempt)
		if err != nil {
			j.breach("%s: %s %s: %v", how, call.Attempt.Method, call.Attempt.Path, err)
			continue
		}
		if text := call.differs(seen); text != "" {
			j.breach("%s: lawful %s %s %s", how, call.Attempt.Method, call.Attempt.Path, text)
		}
	}
	f.Close()
	if !wrote {
		j.breach("no write is among the lawful traffic")
	}
	for i := range f.log.sealed {
		if e := &f.log.sealed[i]; e.Decision != event.Allow {
			j.breach("%s: the record of a lawful call says %v %s %s: %s", how, e.Decision, e.Code, e.Template, e.Reason)
		}
	}
}

// differs says what is wrong with an answer, or "".
func (c *Call) differs(s *risk.Seen) string {
	if s.Status != c.Status {
		return fmt.Sprintf("gets %d, want %d: %.300s", s.Status, c.Status, s.Body)
	}
	for _, f := range c.Fields {
		if got := s.Fields.Get(f.Name); got != f.Value {
			return fmt.Sprintf("gets %s %q, want %q", f.Name, got, f.Value)
		}
	}
	if c.Exact && string(s.Body) != c.Body {
		return fmt.Sprintf("gets the body %q, want %q", s.Body, c.Body)
	}
	return ""
}

func credentials() []string {
	return []string{Key("alice"), Key("bob"), Token("alice"), Token("bob")}
}

// secretIn is the first of texts that is in b, or "".
func secretIn(b []byte, texts []string) string {
	for _, s := range texts {
		if bytes.Contains(b, []byte(s)) {
			return s
		}
	}
	return ""
}
