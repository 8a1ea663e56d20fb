// Package report writes what a check found in the formats that other programs
// read: SARIF 2.1.0 for code scanning, JUnit XML for build servers.
package report

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/source"
)

// A Check is what was found.
type Check struct {
	Version     string      // of Sallyport
	Dir         string      // absolute; file names are written relative to it
	Refused     source.List // why nothing could be checked; empty where it could
	Diagnostics source.List // of the policy and the documents
	Design      source.List // of the design audit
	Unchecked   source.List // parts that nothing checks
	Tests       []Test
	// Rule describes a code. It is called once for each code that occurs.
	Rule func(source.Code) Rule
}

// A Test is the result of one test of the policy.
type Test struct {
	Name, Want, Got string
	At              source.Span
	Code            source.Code // of the finding, where the test did not pass
	Passed          bool
}

// A Rule is what stands behind a code.
type Rule struct {
	Title string   // one line
	Help  string   // the page of the code, in Markdown
	Tags  []string // the ids of the clauses that it answers
}

// location is the name of a file as a URI reference: relative to dir with
// slashes where the file lies there, else absolute. It is "" where s is no
// place in a file, such as a flag.
func location(dir string, s source.Span) string {
	name := s.File
	switch {
	case name == "", name == "environment", strings.HasPrefix(name, "-"):
		return ""
	case strings.Contains(name, "://"):
		if u, err := url.Parse(name); err == nil {
			u.User, u.RawQuery, u.Fragment = nil, "", "" // which may hold secrets
			return u.String()
		}
		return ""
	}
	full := name
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, full)
	}
	if rel, err := filepath.Rel(dir, full); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return (&url.URL{Path: filepath.ToSlash(rel)}).String()
	}
	if full = filepath.ToSlash(full); !strings.HasPrefix(full, "/") {
		full = "/" + full // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: full}).String()
}
