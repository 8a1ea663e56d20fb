package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
	"github.com/sallyport/sallyport/source"
)

// risksCmd lists the risks.
type risksCmd struct {
	ID     string `arg:"" optional:"" help:"One risk, to read all about it."`
	state  `embed:""`
	output `embed:""`
}

// Help explains the command.
func (risksCmd) Help() string {
	return `What the gateway stops: for each risk the phases in which its guards run, its faces (guard, probe, lint), and the clauses of standards that they answer. A risk marked + is part of the floor: no policy switches it off. Where a policy lies here, or --config names one, STATE says on how many operations each is enforced, observed or off.

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
	State   []stateLine       `json:"state,omitempty"` // where there is a policy
}

// A stateLine is what becomes of a risk at one API under one mode.
type stateLine struct {
	API        string `json:"api"`
	Mode       string `json:"mode"`
	Until      string `json:"until,omitempty"`
	Operations int    `json:"operations"`
	Line       string `json:"line,omitempty"` // of the policy that says so
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
func (r *risksCmd) Run(ctx context.Context, c *console) error {
	all := risks.All()
	states, err := app.States(ctx, app.Options{Policy: r.Config, State: r.dir(), Environ: c.environ, Clock: c.clock, Rand: c.rand, Version: thisBuild().Version})
	if err != nil {
		return err //nolint:wrapcheck // it says what went wrong
	}
	if r.ID == "" {
		return r.table(c, all, states)
	}
	one, ok := findRisk(all, r.ID)
	if !ok {
		next := "see: sallyport risks"
		if near := source.Near(r.ID, riskIDs(all)); near != "" {
			next = "did you mean: sallyport risks " + near
		}
		return wrong(next, "there is no risk %q", redactArgument(clean(r.ID)))
	}
	line := riskOf(one)
	line.State = stateLines(states, one.ID)
	if r.json() {
		return c.json(line)
	}
	return c.print("%s%s", aboutRisk(one), aboutState(states, one.ID))
}

// table prints all risks.
func (r *risksCmd) table(c *console, all []risk.Risk, states []app.RiskState) error {
	rows := [][]string{{"ID", "TITLE", "PHASES", "FACES", "CLAUSES"}}
	if states != nil {
		rows[0] = slices.Insert(rows[0], 1, "STATE")
	}
	for _, x := range all {
		line := riskOf(x)
		line.State = stateLines(states, x.ID)
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
		row := []string{id, line.Title, strings.Join(line.Phases, " "), strings.Join(line.Faces, " "), strings.Join(clauses, ", ")}
		if states != nil {
			row = slices.Insert(row, 1, inWords(states, x.ID))
		}
		rows = append(rows, row)
	}
	if r.json() {
		return nil
	}
	return table(c.out, rows)
}

// inWords is the state of a risk at all APIs, short.
func inWords(states []app.RiskState, id string) string {
	var apis []string
	several := false
	for _, s := range states {
		several = several || s.API != states[0].API
	}
	for _, s := range states {
		if s.Risk != id {
			continue
		}
		words := make([]string, len(s.Modes))
		for i, m := range s.Modes {
			words[i] = m.String()
		}
		text := strings.Join(words, ", ")
		if len(words) == 0 {
			text = "nothing to do"
		}
		if several {
			text = s.API + ": " + text
		}
		apis = append(apis, text)
	}
	return strings.Join(apis, "; ")
}

func stateLines(states []app.RiskState, id string) []stateLine {
	var out []stateLine
	for _, s := range states {
		for _, m := range s.Modes {
			if s.Risk != id {
				continue
			}
			line := stateLine{API: s.API, Mode: m.Mode, Operations: m.Operations}
			if !m.Until.IsZero() {
				line.Until = m.Until.Format(time.RFC3339)
			}
			if m.At.Line > 0 {
				line.Line = m.At.String()
			}
			out = append(out, line)
		}
	}
	return out
}

// aboutState is the section on the policy; empty where there is none.
func aboutState(states []app.RiskState, id string) string {
	var b strings.Builder
	for _, s := range states {
		if s.Risk != id {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("\n## In this policy\n\n")
		}
		fmt.Fprintf(&b, "- %s:", s.API)
		for i, m := range s.Modes {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, " %s on %d operations", m.Mode, m.Operations)
			if m.Unknown {
				b.WriteString(" and on what matches none")
			}
			if !m.Until.IsZero() {
				fmt.Fprintf(&b, ", until %s", m.Until.UTC().Format("2006-01-02 15:04Z"))
			}
			if m.At.Line > 0 {
				fmt.Fprintf(&b, " (%s)", m.At)
			}
		}
		if s.Nothing > 0 {
			if len(s.Modes) > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, " nothing to do on %d", s.Nothing)
		}
		b.WriteString("\n")
	}
	return b.String()
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
