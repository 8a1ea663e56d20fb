// Package help holds the pages that explain codes and topics. They are part
// of the program, so that `sallyport help CODE` answers without a network.
//
// A page is a file pages/GROUP.md. Its first line is "# GROUP"; then comes
// what the codes of the group have in common; then one section "## GROUP/NAME"
// for each code. A page without such sections is a topic.
package help

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed pages/*.md
var pages embed.FS

// A Page is the text of one group or topic.
type Page struct {
	Name     string // "key"
	Intro    string // without the title line, ends with a line break
	Sections []Section
}

// A Section explains one code.
type Section struct {
	Code string // "key/malformed"
	Text string // without the title line, ends with a line break
}

// Pages returns all pages by name.
func Pages() []Page {
	names, _ := fs.Glob(pages, "pages/*.md") //nolint:errcheck // the pattern is fixed and right
	out := make([]Page, 0, len(names))
	for _, file := range names {
		text, err := pages.ReadFile(file)
		if err != nil {
			continue // an embedded file that was listed can be read
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "pages/"), ".md")
		out = append(out, parse(name, string(text)))
	}
	slices.SortFunc(out, func(a, b Page) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// parse splits the text of one page.
func parse(name, text string) Page {
	p := Page{Name: name}
	var body *string = &p.Intro
	for line := range strings.Lines(text) {
		title, isSection := strings.CutPrefix(line, "## ")
		code := strings.TrimSpace(title)
		switch {
		case isSection && strings.Contains(code, "/"):
			p.Sections = append(p.Sections, Section{Code: code})
			body = &p.Sections[len(p.Sections)-1].Text
		case strings.HasPrefix(line, "# ") && p.Intro == "" && len(p.Sections) == 0:
		default:
			*body += line
		}
	}
	p.Intro = trim(p.Intro)
	for i := range p.Sections {
		p.Sections[i].Text = trim(p.Sections[i].Text)
	}
	return p
}

// trim leaves one line break at the end and no blank line around.
func trim(s string) string {
	if s = strings.Trim(s, "\n"); s != "" {
		s += "\n"
	}
	return s
}

// Code returns the section of a code.
func Code(code string) (Section, bool) {
	for _, p := range Pages() {
		for _, s := range p.Sections {
			if s.Code == code {
				return s, true
			}
		}
	}
	return Section{}, false
}

// Topic returns the page called name.
func Topic(name string) (Page, bool) {
	for _, p := range Pages() {
		if p.Name == name {
			return p, true
		}
	}
	return Page{}, false
}

// Codes lists all codes that have a section, sorted.
func Codes() []string {
	var out []string
	for _, p := range Pages() {
		for _, s := range p.Sections {
			out = append(out, s.Code)
		}
	}
	slices.Sort(out)
	return out
}

// Topics lists the names of all pages, sorted.
func Topics() []string {
	var out []string
	for _, p := range Pages() {
		out = append(out, p.Name)
	}
	return out
}
