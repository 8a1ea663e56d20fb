package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/internal/help"
	"github.com/sallyport/sallyport/internal/report"
	"github.com/sallyport/sallyport/risks"
	"github.com/sallyport/sallyport/source"
)

// checkCmd checks a policy and its contracts.
type checkCmd struct {
	Config  string `arg:"" optional:"" name:"file" help:"The policy (default: sallyport.yaml, where it lies here and --to is not given)."`
	guarded `embed:""`
	Output  string `short:"o" enum:"text,json,sarif,junit" default:"text" placeholder:"FORMAT" help:"What to print: ${enum}. JSON is one object a line; SARIF is for code scanning, JUnit XML for build servers."`
}

// Help explains the command.
func (checkCmd) Help() string {
	return `Compiles the policy with the documents of its APIs, runs the policy's tests, and audits the design. Nothing is started and no API is called. Exit code 1 says that a test failed or the design has a flaw, 2 that nothing could be compiled; SARIF and JUnit then hold the reasons.

Example:

    sallyport check sallyport.yaml
    sallyport check -o sarif > sallyport.sarif`
}

// Run prints what was found.
func (k *checkCmd) Run(ctx context.Context, c *console) error {
	o := k.options(c)
	o.Policy = k.Config
	found, err := app.Check(ctx, o)
	if list := app.Diagnostics(err); len(list) > 0 && k.written() != nil {
		return errors.Join(err, k.report(c, &app.Checked{}, list))
	}
	if err != nil {
		return err //nolint:wrapcheck // it says what went wrong
	}
	switch k.Output {
	case "json":
		err = checkJSON(c, found)
	case "text":
		err = checkText(c, found)
	default:
		err = k.report(c, found, nil)
	}
	if err == nil && (found.Failed() > 0 || flaws(found.Design) > 0) {
		err = errFindings
	}
	return err
}

// written is what writes the chosen format, nil for those of this package.
func (k *checkCmd) written() func(io.Writer, report.Check) error {
	switch k.Output {
	case "sarif":
		return report.SARIF
	case "junit":
		return report.JUnit
	}
	return nil
}

// report prints what was found in a format for programs. refused says why
// nothing could be found.
func (k *checkCmd) report(c *console, found *app.Checked, refused source.List) error {
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the working folder: %w", err)
	}
	out := report.Check{
		Version: thisBuild().Version, Dir: dir, Refused: refused,
		Diagnostics: found.Diagnostics, Design: found.Design, Unchecked: found.Unchecked, Rule: ruleOf,
	}
	for _, t := range found.Tests {
		out.Tests = append(out.Tests, report.Test{Name: t.Name, Want: t.Want, Got: t.Got, At: t.At, Code: app.CodeTest, Passed: t.Passed})
	}
	return k.written()(c.out, out) //nolint:wrapcheck // it says what went wrong
}

// ruleOf describes a code by its risk, where it belongs to one, and its page.
func ruleOf(code source.Code) report.Rule {
	var r report.Rule
	group, _, _ := strings.Cut(string(code), "/")
	if k, ok := findRisk(risks.All(), group); ok {
		r.Title = k.Title
		for _, clause := range k.Clauses {
			r.Tags = append(r.Tags, clause.String())
		}
	}
	if s, ok := help.Code(string(code)); ok {
		r.Help = s.Text
	}
	return r
}

// flaws counts what is more than worth knowing.
func flaws(list source.List) int {
	n := 0
	for _, d := range list {
		if d.Severity != source.Info {
			n++
		}
	}
	return n
}

// checkText prints the findings, and last how many there are.
func checkText(c *console, found *app.Checked) error {
	for _, d := range append(append(source.List{}, found.Diagnostics...), found.Design...) {
		if err := c.print("%s\n", d.String()); err != nil {
			return err
		}
	}
	for _, d := range found.Unchecked {
		if err := c.print("%s\n", clean(d.Error())); err != nil {
			return err
		}
	}
	for _, t := range found.Tests {
		line := c.paint(green, "ok  ") + "  test " + clean(t.Name)
		if !t.Passed {
			line = c.paint(red, "FAIL") + fmt.Sprintf("  test %s (%s): wants %s, got %s", clean(t.Name), clean(t.At.String()), clean(t.Want), clean(t.Got))
		}
		if err := c.print("%s\n", line); err != nil {
			return err
		}
	}
	for _, a := range found.APIs {
		if err := c.print("%s\n", clean(a)); err != nil {
			return err
		}
	}
	return c.print("plan %s · %d of %s failed · %s of the design · %s not checked\n", found.Plan, found.Failed(), plural(len(found.Tests), "test"), plural(flaws(found.Design), "flaw"), plural(len(found.Unchecked), "part"))
}

// A checkLine is one line of -o json; exactly one of its fields is there.
type checkLine struct {
	Diagnostic *diagnosticLine `json:"diagnostic,omitempty"`
	Finding    *diagnosticLine `json:"finding,omitempty"`
	Unchecked  *diagnosticLine `json:"unchecked,omitempty"`
	Test       *testLine       `json:"test,omitempty"`
	Done       *doneLine       `json:"done,omitempty"`
}

// A diagnosticLine is a diagnostic.
type diagnosticLine struct {
	File     string      `json:"file,omitempty"`
	Line     int         `json:"line,omitempty"`
	Col      int         `json:"col,omitempty"`
	Severity string      `json:"severity"`
	Code     source.Code `json:"code"`
	Text     string      `json:"text"`
	Hint     string      `json:"hint,omitempty"`
}

// A testLine is the result of one test of the policy.
type testLine struct {
	Name   string `json:"name"`
	At     string `json:"at"`
	Want   string `json:"want"`
	Got    string `json:"got"`
	Passed bool   `json:"passed"`
}

// A doneLine is the last line.
type doneLine struct {
	Plan     string   `json:"plan"`
	APIs     []string `json:"apis"`
	Tests    int      `json:"tests"`
	Failed   int      `json:"failed"`
	Findings int      `json:"findings"`
}

func diagnostic(d source.Diagnostic) *diagnosticLine {
	return &diagnosticLine{d.At.File, d.At.Line, d.At.Col, d.Severity.String(), d.Code, d.Text, d.Hint}
}

// checkJSON prints everything that was found as lines of JSON.
func checkJSON(c *console, found *app.Checked) error {
	var out []checkLine
	for _, d := range found.Diagnostics {
		out = append(out, checkLine{Diagnostic: diagnostic(d)})
	}
	for _, d := range found.Design {
		out = append(out, checkLine{Finding: diagnostic(d)})
	}
	for _, d := range found.Unchecked {
		out = append(out, checkLine{Unchecked: diagnostic(d)})
	}
	for _, t := range found.Tests {
		out = append(out, checkLine{Test: &testLine{t.Name, t.At.String(), t.Want, t.Got, t.Passed}})
	}
	out = append(out, checkLine{Done: &doneLine{found.Plan, found.APIs, len(found.Tests), found.Failed(), flaws(found.Design)}})
	for i := range out {
		if err := c.json(out[i]); err != nil {
			return err
		}
	}
	return nil
}
