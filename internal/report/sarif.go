package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/source"
)

// The format that SARIF writes (OASIS, SARIF 2.1.0 with errata 01).
const (
	sarifVersion = "2.1.0"
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	// fingerprintName ends in a version: another way to make fingerprints
	// needs another name, or every finding would look new.
	fingerprintName = "sallyportFinding/v1"
	srcRoot         = "%SRCROOT%"
)

// The parts of a SARIF log that are written here; names follow section 3 of
// the standard.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"` // never null: that would mean that nothing ran
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID         string     `json:"id"`
		Short      sarifText  `json:"shortDescription"`
		Help       *sarifText `json:"help,omitempty"`
		Properties *sarifTags `json:"properties,omitempty"`
	}
	sarifTags struct {
		Tags []string `json:"tags"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifInvocation struct {
		Successful bool `json:"executionSuccessful"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPlace `json:"physicalLocation"`
	}
	sarifPlace struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		Line int `json:"startLine"`
		Col  int `json:"startColumn,omitempty"`
	}
)

// SARIF writes c as one SARIF 2.1.0 log: a result for each diagnostic, finding
// and unchecked part, and for each test that failed.
//
// Limits: columns are counted in bytes where a diagnostic does not have its
// line, which is wrong behind characters outside ASCII.
func SARIF(w io.Writer, c Check) error {
	s := sarifWriter{check: c, rules: map[string]int{}, seen: map[string]int{}}
	s.run.Results = []sarifResult{}
	s.run.Tool.Driver = sarifDriver{Name: "Sallyport", Version: c.Version, Rules: []sarifRule{}}
	s.run.ColumnKind = "unicodeCodePoints"
	s.run.Invocations = []sarifInvocation{{Successful: len(c.Refused) == 0}}
	for _, list := range []source.List{c.Refused, c.Diagnostics, c.Design, c.Unchecked} {
		for _, d := range list {
			s.add(d)
		}
	}
	for _, t := range c.Tests {
		if !t.Passed {
			s.add(source.Diagnostic{At: t.At, Code: t.Code, Text: fmt.Sprintf("the test %q wants %s, and got %s", t.Name, t.Want, t.Got)})
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(sarifLog{Schema: sarifSchema, Version: sarifVersion, Runs: []sarifRun{s.run}}); err != nil {
		return fmt.Errorf("write SARIF: %w", err)
	}
	return nil
}

// A sarifWriter builds one run.
type sarifWriter struct {
	check Check
	run   sarifRun
	rules map[string]int // index by id
	seen  map[string]int // how often a finding occurred
}

// add adds a result, and its rule where it is the first.
func (s *sarifWriter) add(d source.Diagnostic) {
	r := sarifResult{RuleID: string(d.Code), RuleIndex: s.rule(d.Code), Level: level(d.Severity), Message: sarifText{Text: d.Text}}
	if d.Hint != "" {
		// Braces stay single, against section 3.11.5: no reader undoes
		// doubled ones, and {id} is no placeholder, which would be a number.
		r.Message.Text += "\n" + d.Hint
	}
	uri := location(s.check.Dir, d.At)
	if uri != "" {
		p := sarifPlace{Artifact: sarifArtifact{URI: uri}}
		if !strings.Contains(uri, "://") {
			p.Artifact.Base = srcRoot
		}
		if d.At.Line > 0 {
			p.Region = &sarifRegion{Line: d.At.Line, Col: column(d)}
		}
		r.Locations = []sarifLocation{{Physical: p}}
	}
	r.Fingerprints = map[string]string{fingerprintName: s.fingerprint(d, uri)}
	s.run.Results = append(s.run.Results, r)
}

// rule is the index of the rule of a code.
func (s *sarifWriter) rule(code source.Code) int {
	if i, ok := s.rules[string(code)]; ok {
		return i
	}
	about := Rule{}
	if s.check.Rule != nil {
		about = s.check.Rule(code)
	}
	if about.Title == "" {
		about.Title = string(code)
	}
	r := sarifRule{ID: string(code), Short: sarifText{Text: about.Title}}
	if about.Help != "" {
		r.Help = &sarifText{Text: about.Help, Markdown: about.Help}
	}
	if len(about.Tags) > 0 {
		r.Properties = &sarifTags{Tags: about.Tags}
	}
	i := len(s.run.Tool.Driver.Rules)
	s.run.Tool.Driver.Rules = append(s.run.Tool.Driver.Rules, r)
	s.rules[string(code)] = i
	return i
}

// fingerprint stays the same when lines move: it is made of the code, the
// file, the text, and a count where all of these occur more than once.
func (s *sarifWriter) fingerprint(d source.Diagnostic, uri string) string {
	same := string(d.Code) + "\x00" + uri + "\x00" + d.Text
	n := s.seen[same]
	s.seen[same]++
	sum := sha256.Sum256([]byte(same + "\x00" + strconv.Itoa(n)))
	return hex.EncodeToString(sum[:16])
}

// column is the column in characters, as columnKind promises.
func column(d source.Diagnostic) int {
	if d.At.Col > 1 && d.At.Col <= len(d.Line)+1 {
		return utf8.RuneCountInString(d.Line[:d.At.Col-1]) + 1
	}
	return d.At.Col
}

// level is the word of SARIF for a severity.
func level(s source.Severity) string {
	switch s {
	case source.Error:
		return "error"
	case source.Warning:
		return "warning"
	case source.Info:
		return "note"
	}
	return "error"
}
