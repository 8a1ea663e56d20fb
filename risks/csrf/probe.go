package csrf

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/risk"
)

// probe sends to each POST that takes a cookie what a form on a page of
// another site would. Other methods, and JSON called by its name, need a
// preflight, which is the concern of the risk cors. Controls: the lawful
// request succeeds, and one with a made-up cookie does not.
func probe(ctx context.Context, t *risk.Target) error {
	p := &prober{t: t}
	var routes []match.Route
	for i, op := range t.Contract.Operations {
		routes = append(routes, match.Route{Method: op.Method, Template: op.Path, Value: i})
	}
	p.router, _ = match.Build(routes)
	for _, op := range t.Contract.Operations {
		if op.Method != "POST" || len(cookiesOf(op)) == 0 {
			continue
		}
		lawful, ok := t.Lawful(op)
		if !ok || !lawful.Fields.Has("Cookie") {
			continue // there is no session to ride on
		}
		if err := p.operation(ctx, op, lawful); err != nil {
			return err
		}
	}
	return nil
}

type prober struct {
	t      *risk.Target
	router *match.Router
}

func (p *prober) operation(ctx context.Context, op *contract.Operation, lawful *risk.Attempt) error {
	session := *lawful
	session.As = "" // the cookie alone
	control, err := p.send(ctx, op, &session)
	if err != nil || control.Status/100 != 2 {
		return err
	}
	p.undo(ctx, &session, control)
	unknown := session
	unknown.Fields = without(session.Fields, "Cookie")
	for _, name := range cookiesOf(op) {
		unknown.Fields = append(unknown.Fields, risk.Field{Name: "Cookie", Value: name + "=" + p.t.Canary()})
	}
	refused, err := p.send(ctx, op, &unknown)
	if err != nil {
		return err
	}
	if refused.Status/100 == 2 {
		p.undo(ctx, &session, refused)
		return nil // the cookie counts for nothing
	}
	canary := p.t.Canary()
	for _, body := range bodies(&session, canary) {
		seen, err := p.send(ctx, op, foreign(&session, body, canary))
		if err != nil {
			return err
		}
		kept, err := p.kept(ctx, &session, seen, canary)
		p.undo(ctx, &session, seen)
		if err != nil {
			return err
		}
		if seen.Status == control.Status && slices.Equal(names(seen.Body), names(control.Body)) {
			p.report(op, seen, kept)
			return nil
		}
	}
	return nil
}

// report tells of a forged request that was answered like the lawful one. It
// is proved when its text was kept.
func (p *prober) report(op *contract.Operation, seen *risk.Seen, kept bool) {
	proof := "is answered like the lawful one"
	if kept {
		proof = "took effect: its text is there when it is read again"
	}
	p.t.Report(risk.Finding{
		Operation: op.Key, At: op.At, Code: string(CodeForged), Confirmed: kept,
		Proof: fmt.Sprintf("%s %s as a page of a made-up site sends it, with the visitor's cookie, %s (%d)", op.Method, op.Path, proof, seen.Status),
	})
}

func (p *prober) send(ctx context.Context, op *contract.Operation, a *risk.Attempt) (*risk.Seen, error) {
	seen, err := p.t.Send(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", op.Key, err)
	}
	return seen, nil
}

// bodies are the lawful body with the canary in place of its first text, and
// as it is: the canary may be too long.
func bodies(a *risk.Attempt, canary string) [][]byte {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(a.Body) == nil && doc.Kind(0) == jsonx.Object {
		for c := range doc.Children(0) {
			if doc.Kind(c) == jsonx.String {
				n, src := doc.Node(c), doc.Source()
				return [][]byte{slices.Concat(src[:n.Start], []byte(`"`+canary+`"`), src[n.End:]), a.Body}
			}
		}
	}
	return [][]byte{a.Body}
}

// foreign is the attempt as a form of another site sends it: with the cookie,
// and of the other fields only those that need no preflight. A token in a
// header is what such a page lacks.
func foreign(a *risk.Attempt, body []byte, canary string) *risk.Attempt {
	out := *a
	out.Body, out.Fields = body, nil
	for _, f := range a.Fields {
		if slices.ContainsFunc([]string{"Cookie", "Accept", "Accept-Language"}, func(n string) bool { return risk.EqualFold(n, f.Name) }) {
			out.Fields = append(out.Fields, f)
		}
	}
	if len(body) > 0 {
		kind := a.Fields.Get("Content-Type")
		if media, _, _ := strings.Cut(strings.ToLower(kind), ";"); !simple(strings.Trim(media, " ")) {
			kind = "text/plain"
		}
		out.Fields = append(out.Fields, risk.Field{Name: "Content-Type", Value: kind})
	}
	out.Fields = append(out.Fields,
		risk.Field{Name: "Origin", Value: "https://" + canary + ".example"}, risk.Field{Name: "Sec-Fetch-Site", Value: "cross-site"})
	return &out
}

func without(f risk.Fields, names ...string) (out risk.Fields) {
	for _, field := range f {
		if !slices.ContainsFunc(names, func(n string) bool { return risk.EqualFold(n, field.Name) }) {
			out = append(out, field)
		}
	}
	return out
}

// names are the names of the members of an object, so that an error in a 200
// is not taken for a success.
func names(body []byte) (out []string) {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(body) != nil || doc.Kind(0) != jsonx.Object {
		return nil
	}
	for c := range doc.Children(0) {
		out = append(out, string(doc.Key(c)))
	}
	slices.Sort(out)
	return out
}

// kept reads what was created and looks for the canary.
func (p *prober) kept(ctx context.Context, session *risk.Attempt, seen *risk.Seen, canary string) (bool, error) {
	place := p.place("GET", seen)
	if place == "" {
		return false, nil
	}
	again, err := p.t.Send(ctx, &risk.Attempt{Method: "GET", Path: place, Fields: without(session.Fields, "Content-Type")})
	if err != nil {
		return false, fmt.Errorf("read %s: %w", place, err)
	}
	return again.Status/100 == 2 && strings.Contains(string(again.Body), canary), nil
}

// undo deletes what was created, where the contract declares how.
func (p *prober) undo(ctx context.Context, session *risk.Attempt, seen *risk.Seen) {
	if place := p.place("DELETE", seen); place != "" {
		_, _ = p.t.Send(ctx, &risk.Attempt{Method: "DELETE", Path: place, Fields: without(session.Fields, "Content-Type")}) //nolint:errcheck // it stays, then
	}
}

// place is where Location says that the object is which was created, if the
// contract has the method there.
func (p *prober) place(method string, seen *risk.Seen) string {
	u, err := url.Parse(seen.Fields.Get("Location"))
	if err != nil || seen.Status/100 != 2 {
		return ""
	}
	c, _ := canon.Path(u.EscapedPath()) //nolint:errcheck // a path without a single meaning is "", which no template matches
	if p.router.Find(c.Decoded, method, new(match.Match)) != match.Yes {
		return ""
	}
	return u.EscapedPath()
}
