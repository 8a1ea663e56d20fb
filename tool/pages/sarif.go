package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/internal/help"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/taxon"
)

// The parts of SARIF 2.1.0 that describe rules; the numbers are sections of
// the standard.
type (
	sarifLog struct { // 3.13
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct { // 3.14
		Tool       sarifTool   `json:"tool"`
		Taxonomies []component `json:"taxonomies"`
		Results    []struct{}  `json:"results"`
	}
	sarifTool struct { // 3.18
		Driver component `json:"driver"`
	}
	component struct { // 3.19
		Name             string       `json:"name"`
		FullName         string       `json:"fullName,omitempty"`
		ShortDescription *message     `json:"shortDescription,omitempty"`
		Rules            []descriptor `json:"rules,omitempty"`
		Taxa             []descriptor `json:"taxa,omitempty"`
		Supported        []reference  `json:"supportedTaxonomies,omitempty"`
	}
	message struct { // 3.11
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	descriptor struct { // 3.49
		ID            string         `json:"id"`
		Name          string         `json:"name,omitempty"`
		Short         message        `json:"shortDescription"`
		Full          *message       `json:"fullDescription,omitempty"`
		HelpURI       string         `json:"helpUri,omitempty"`
		Help          *message       `json:"help,omitempty"`
		Relationships []relationship `json:"relationships,omitempty"`
		Properties    *properties    `json:"properties,omitempty"`
	}
	properties struct { // 3.8
		Tags []string `json:"tags"`
	}
	relationship struct { // 3.53
		Target target   `json:"target"`
		Kinds  []string `json:"kinds"`
	}
	target struct { // 3.52
		ID        string    `json:"id"`
		Component reference `json:"toolComponent"`
	}
	reference struct { // 3.54
		Name string `json:"name"`
	}
)

// Rules is a SARIF log without results that describes every code of every
// risk as a rule and every clause as a taxon.
func Rules(all []risk.Risk) ([]byte, error) {
	driver := component{Name: "sallyport", FullName: "Sallyport", ShortDescription: &message{Text: "A gateway that proves what it stops."}}
	used := map[taxon.Clause]bool{}
	for i := range all {
		r := &all[i]
		for _, c := range r.Clauses {
			used[c] = true
		}
		page, ok := help.Topic(r.ID)
		if !ok {
			return nil, fmt.Errorf("write the rules: the risk %s has no page in internal/help/pages", r.ID)
		}
		for _, s := range page.Sections {
			driver.Rules = append(driver.Rules, rule(r, s))
		}
	}
	run := sarifRun{Results: []struct{}{}}
	for s := taxon.OWASP2023; s <= taxon.RFC; s++ {
		t := component{Name: s.String()}
		for _, c := range taxon.All() {
			if e := c.Entry(); e.Standard == s && used[c] {
				t.Taxa = append(t.Taxa, descriptor{ID: e.ID, Short: message{Text: e.Title + "."}, HelpURI: e.Link})
			}
		}
		if len(t.Taxa) > 0 {
			run.Taxonomies = append(run.Taxonomies, t)
			driver.Supported = append(driver.Supported, reference{t.Name})
		}
	}
	run.Tool.Driver = driver
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
	if err != nil {
		return nil, fmt.Errorf("write the rules: %w", err)
	}
	return b.Bytes(), nil
}

// rule describes one code.
func rule(r *risk.Risk, s help.Section) descriptor {
	_, what, _ := strings.Cut(s.Code, "/")
	plain := strings.Join(strings.Fields(s.Text), " ")
	d := descriptor{
		ID: s.Code, Name: camel(r.ID) + camel(what),
		Short: message{Text: firstSentence(plain)}, Full: &message{Text: plain},
		Help:       &message{Text: plain, Markdown: strings.TrimRight(s.Text, "\n")},
		Properties: &properties{Tags: []string{"security", r.ID}},
	}
	for _, c := range r.Clauses {
		e := c.Entry()
		if id, ok := strings.CutPrefix(e.ID, "CWE-"); ok {
			d.Properties.Tags = append(d.Properties.Tags, "external/cwe/cwe-"+id) // as code hosts read it
		}
		d.Relationships = append(d.Relationships, relationship{target{e.ID, reference{e.Standard.String()}}, []string{"relevant"}})
	}
	return d
}

// camel writes "media-type" as "MediaType", as names of rules are written
// (SARIF 2.1.0 section 3.49.7).
func camel(s string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(s, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// firstSentence is text up to its first full stop.
func firstSentence(text string) string {
	if at := strings.Index(text, ". "); at >= 0 {
		return text[:at+1]
	}
	return text
}
