package main

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
	"github.com/sallyport/sallyport/source"
)

// risksCmd lists the risks.
type risksCmd struct {
	ID     string `arg:"" optional:"" help:"One risk, to read all about it."`
	output `embed:""`
}

// Help explains the command.
func (risksCmd) Help() string {
	return `What the gateway stops: for each risk the phases in which its guards run, its faces (guard, probe, lint), and the clauses of standards that they answer. A risk marked + is part of the floor: no policy switches it off.

Example:

    sallyport risks authn`
}

// A riskLine is what -o json prints of a risk.
type riskLine struct {
	ID      string            `json:"id"`
	Title   string            `json:"title"`
	Floor   bool              `json:"floor"`
	Phases  []string          `json:"phases"`
	Faces   []string          `json:"faces"`
	Why     map[string]string `json:"why,omitempty"` // of each absent face
	Clauses []clauseLine      `json:"clauses"`
}

// A clauseLine is a paragraph of a standard.
type clauseLine struct {
	Standard string `json:"standard"`
	ID       string `json:"id"`
	Title    string `json:"title"`
	Link     string `json:"link"`
}

// short is a clause with its standard, where its id alone does not tell it.
func (k clauseLine) short() string {
	if k.ID == "" || k.ID[0] > '9' {
		return k.ID // API2:2023, CWE-287, REC-API-11, RFC 6750
	}
	if strings.HasPrefix(k.Standard, "PCI") {
		return "PCI " + k.ID
	}
	return "ASVS " + k.ID
}

// Run prints the table, or one risk.
func (r *risksCmd) Run(c *console) error {
	all := risks.All()
	if r.ID == "" {
		return r.table(c, all)
	}
	one, ok := findRisk(all, r.ID)
	if !ok {
		next := "see: sallyport risks"
		if near := source.Near(r.ID, riskIDs(all)); near != "" {
			next = "did you mean: sallyport risks " + near
		}
		return wrong(next, "there is no risk %q", redactArgument(clean(r.ID)))
	}
	if r.json() {
		return c.json(riskOf(one))
	}
	return c.print("%s", aboutRisk(one))
}

// table prints all risks.
func (r *risksCmd) table(c *console, all []risk.Risk) error {
	rows := [][]string{{"ID", "TITLE", "PHASES", "FACES", "CLAUSES"}}
	for _, x := range all {
		line := riskOf(x)
		if r.json() {
			if err := c.json(line); err != nil {
				return err
			}
			continue
		}
		id, clauses := line.ID, make([]string, len(line.Clauses))
		if line.Floor {
			id += " +"
		}
		for i, k := range line.Clauses {
			clauses[i] = k.short()
		}
		rows = append(rows, []string{id, line.Title, strings.Join(line.Phases, " "), strings.Join(line.Faces, " "), strings.Join(clauses, ", ")})
	}
	if r.json() {
		return nil
	}
	return table(c.out, rows)
}

// riskOf says what a risk is, as data.
func riskOf(x risk.Risk) riskLine {
	line := riskLine{ID: x.ID, Title: x.Title, Floor: x.Floor, Phases: []string{}, Faces: []string{}, Clauses: []clauseLine{}}
	for _, p := range x.Phases {
		line.Phases = append(line.Phases, p.String())
	}
	for _, f := range []struct {
		face risk.Face
		name string
		has  bool
	}{{risk.GuardFace, "guard", x.Guard != nil}, {risk.ProbeFace, "probe", x.Probe != nil}, {risk.LintFace, "lint", x.Lint != nil}} {
		if f.has {
			line.Faces = append(line.Faces, f.name)
		} else if why := x.Why[f.face]; why != "" {
			if line.Why == nil {
				line.Why = map[string]string{}
			}
			line.Why[f.name] = why
		}
	}
	for _, k := range x.Clauses {
		e := k.Entry()
		line.Clauses = append(line.Clauses, clauseLine{e.Standard.String(), e.ID, e.Title, e.Link})
	}
	return line
}

// aboutRisk is the page of a risk: its doc and its clauses.
func aboutRisk(x risk.Risk) string {
	var b strings.Builder
	b.WriteString(strings.TrimRight(x.Doc, "\n") + "\n")
	line := riskOf(x)
	fmt.Fprintf(&b, "\n## Faces and clauses\n\nphases %s · faces %s", strings.Join(line.Phases, ", "), strings.Join(line.Faces, ", "))
	if line.Floor {
		b.WriteString(" · always enforced")
	}
	b.WriteString("\n")
	for _, face := range []string{"guard", "probe", "lint"} {
		if why := line.Why[face]; why != "" {
			fmt.Fprintf(&b, "no %s: %s\n", face, why)
		}
	}
	b.WriteString("\n")
	for _, k := range line.Clauses {
		fmt.Fprintf(&b, "- %s, %s: %s\n  %s\n", k.Standard, k.ID, k.Title, k.Link)
	}
	return b.String()
}

func findRisk(all []risk.Risk, id string) (risk.Risk, bool) {
	for _, r := range all {
		if r.ID == id {
			return r, true
		}
	}
	return risk.Risk{}, false
}

func riskIDs(all []risk.Risk) []string {
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = r.ID
	}
	return out
}
