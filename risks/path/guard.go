package path

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// newGuard guards operations whose template takes paths that an upstream may
// read as those of a narrower one: "/users/ME" goes to /users/{id}, and to
// /users/me where letters are folded. All other confusion is refused by the
// floor before there is an operation.
func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope != risk.OfOperation {
		return nil, nil
	}
	n := narrower(s.API.Contract, s.Op.Path)
	if len(n) == 0 {
		return nil, nil
	}
	return risk.At(risk.Admit, &aliases{narrower: n, denial: &risk.Denial{
		Code: CodeAlias, Status: 400, Title: "the path has no single meaning",
		Reason: "a parameter of the path is another spelling of a segment that the contract declares",
	}}), nil
}

// aliases refuses paths that are narrower templates in another spelling.
type aliases struct {
	narrower [][]string // segments, as of func segments
	denial   *risk.Denial
}

// Check compares the path with each narrower template.
func (g *aliases) Check(x *risk.Exchange) *risk.Denial {
	for _, n := range g.narrower {
		if alias(x.Request().Path.Decoded, n) {
			return g.denial
		}
	}
	return nil
}

// alias tells whether path is that of a template, and in other letters.
func alias(path string, template []string) bool {
	rest, other := strings.TrimPrefix(path, "/"), false
	for _, want := range template {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		switch {
		case want == parameter || segment == want:
		case spells(segment, want):
			other = true
		default:
			return false
		}
	}
	return other && rest == ""
}

// spells tells whether some upstream reads segment as name: without regard to
// case (IIS, ASP.NET), without what follows a semicolon (servlets), without
// dots and blanks at the end (Windows), or without the suffix of a format
// (Rails, Spring).
func spells(segment, name string) bool {
	if strings.EqualFold(segment, name) {
		return true
	}
	if i := strings.IndexAny(segment, ";?#"); i >= 0 {
		segment = segment[:i]
	}
	segment = strings.TrimRight(segment, ". ")
	if i := strings.LastIndexByte(segment, '.'); i >= 0 && format(segment[i+1:]) {
		segment = segment[:i]
	}
	return strings.EqualFold(segment, name)
}

func format(suffix string) bool {
	for _, f := range [...]string{"json", "xml", "html", "htm", "txt", "csv", "yaml", "js", "css", "do", "action"} {
		if strings.EqualFold(suffix, f) {
			return true
		}
	}
	return false
}

// narrower lists the templates of c that take some of the paths of template
// and have names where it has parameters.
func narrower(c *contract.Contract, template string) [][]string {
	if c == nil {
		return nil
	}
	var out [][]string
	seen := map[string]bool{}
	wide := segments(template)
	for _, op := range c.Operations {
		if seen[op.Path] {
			continue
		}
		seen[op.Path] = true
		if other := segments(op.Path); within(other, wide) {
			out = append(out, other)
		}
	}
	return out
}

// within tells whether other has names where wide has parameters, and is equal
// to it, or a parameter, elsewhere.
func within(other, wide []string) bool {
	if len(other) != len(wide) {
		return false
	}
	named := false
	for i := range wide {
		switch {
		case wide[i] == parameter:
			named = named || other[i] != parameter
		case other[i] != parameter && other[i] != wide[i]:
			return false
		}
	}
	return named
}

// parameter stands for a segment that holds a parameter.
const parameter = "{}"

// segments are those of a template.
func segments(template string) []string {
	out := strings.Split(strings.TrimPrefix(template, "/"), "/")
	for i, s := range out {
		if strings.Contains(s, "{") {
			out[i] = parameter
		}
	}
	return out
}
