package undeclared

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/risk"
)

// media sends the lawful JSON body as text/plain. Text that is no JSON is the
// control: a handler that takes it too reads no body at all.
func (p *prober) media(op *contract.Operation) {
	if !onlyJSON(op) {
		return
	}
	lawful, ok := p.t.Lawful(op)
	if !ok || len(lawful.Body) == 0 {
		return
	}
	noJSON := retyped(lawful, []byte(p.t.Canary()))
	control := p.send(noJSON)
	if control == nil || control.Status/100 == 2 {
		p.undo(op, control)
		return
	}
	want := p.send(lawful)
	p.undo(op, want)
	if want == nil || want.Status/100 != 2 {
		return
	}
	got := p.send(retyped(lawful, lawful.Body))
	p.undo(op, got)
	if got == nil || got.Status != want.Status || (len(got.Body) == 0) != (len(want.Body) == 0) {
		return
	}
	p.t.Report(risk.Finding{
		Operation: op.Key, Confirmed: true, At: op.Body.At, Code: string(CodeMedia),
		Proof: fmt.Sprintf("%s %s took its JSON body as text/plain and answered %d, as to the lawful request; text that is no JSON got %d",
			op.Method, op.Path, got.Status, control.Status),
	})
}

// onlyJSON tells whether op declares bodies of JSON and no text or range.
func onlyJSON(op *contract.Operation) bool {
	if op.Body == nil || len(op.Body.Media) == 0 {
		return false
	}
	json := false
	for _, m := range op.Body.Media {
		if strings.HasPrefix(m.Type, "text/") || strings.Contains(m.Type, "*") {
			return false
		}
		json = json || m.Type == "application/json"
	}
	return json
}

// retyped is a with another body, called text/plain.
func retyped(a *risk.Attempt, body []byte) *risk.Attempt {
	out := *a
	out.Body, out.Fields = body, risk.Fields{{Name: "Content-Type", Value: "text/plain"}}
	for _, f := range a.Fields {
		if !risk.EqualFold(f.Name, "Content-Type") {
			out.Fields = append(out.Fields, f)
		}
	}
	return &out
}

// undo deletes what a POST has created, where the contract declares how.
func (p *prober) undo(op *contract.Operation, seen *risk.Seen) {
	if seen == nil || op.Method != "POST" || seen.Status/100 != 2 {
		return
	}
	u, err := url.Parse(seen.Fields.Get("Location"))
	if err != nil || u.Path == "" {
		return
	}
	if path := u.EscapedPath(); p.find(path, "DELETE") == match.Yes {
		p.send(&risk.Attempt{As: p.caller, Method: "DELETE", Path: path})
	}
}
