package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/source"
)

// The elements that build servers agree on (the XML of Ant's JUnit task).
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitProblem `xml:"failure"`
		Error   *junitProblem `xml:"error"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes c as JUnit XML: a test case for each test of the policy, one
// for the design audit as a whole, and one for each of its findings, which
// fails unless it is only worth knowing. Why nothing could be checked is an
// error in a suite of its own.
func JUnit(w io.Writer, c Check) error {
	out := junitSuites{Name: "sallyport check"}
	if len(c.Refused) > 0 {
		out.add(refused(c))
	} else {
		out.add(tests(c))
		out.add(design(c))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	err := e.Encode(out)
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}
	if err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	return nil
}

// add counts a suite in.
func (o *junitSuites) add(s junitSuite) {
	for _, c := range s.Cases {
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
	}
	o.Tests += s.Tests
	o.Failures += s.Failures
	o.Errors += s.Errors
	o.Suites = append(o.Suites, s)
}

func refused(c Check) junitSuite {
	s := junitSuite{Name: "configuration"}
	for _, d := range c.Refused {
		d.At.File = plainName(c, d.At)
		t := caseOf(c, d.At, string(d.Code)+": "+d.Text, "configuration")
		if d.Severity == source.Error {
			t.Error = problem(d)
		} else {
			t.Out = d.String()
		}
		s.Cases = append(s.Cases, t)
	}
	return s
}

func tests(c Check) junitSuite {
	s := junitSuite{Name: "tests of the policy"}
	for _, r := range c.Tests {
		t := caseOf(c, r.At, r.Name, "policy")
		if !r.Passed {
			text := fmt.Sprintf("wants %s, got %s", r.Want, r.Got)
			t.Failure = &junitProblem{Message: text, Type: string(r.Code), Text: r.At.String() + ": " + text}
		}
		s.Cases = append(s.Cases, t)
	}
	return s
}

func design(c Check) junitSuite {
	const class = "design"
	// A suite without a case would be an error to some readers.
	s := junitSuite{Name: "design of the APIs", Cases: []junitCase{{Name: "the audit ran", Class: class}}}
	for _, d := range c.Design {
		d.At.File = plainName(c, d.At)
		t := caseOf(c, d.At, string(d.Code)+": "+d.Text, class)
		if d.Severity == source.Info {
			t.Out = d.String()
		} else {
			t.Failure = problem(d)
		}
		s.Cases = append(s.Cases, t)
	}
	return s
}

// caseOf makes a case. Its name holds no line, so that a server knows it again
// when lines move.
func caseOf(c Check, at source.Span, name, class string) junitCase {
	t := junitCase{Name: name, Class: class}
	if t.File = plainName(c, at); location(c.Dir, at) == "" {
		t.File = ""
	} else {
		t.Line = at.Line
	}
	return t
}

// plainName is the name of a file without the escapes of a URI, and of a URL
// without what may be secret.
func plainName(c Check, at source.Span) string {
	uri := location(c.Dir, at)
	switch {
	case uri == "":
		return at.File
	case strings.Contains(at.File, "://"):
		return uri
	}
	if name, err := url.PathUnescape(strings.TrimPrefix(uri, "file://")); err == nil {
		return strings.TrimPrefix(name, "./")
	}
	return at.File
}

func problem(d source.Diagnostic) *junitProblem {
	return &junitProblem{Message: d.Text, Type: string(d.Code), Text: d.String()}
}
