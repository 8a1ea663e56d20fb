package match

import (
	"strings"
	"unicode/utf8"
)

// Span is a parameter's place: path[Start:End] of the path given to Find.
type Span struct{ Start, End uint32 }

// pattern is a templated segment ready to match:
// prefix {} middle[0] {} middle[1] {} ... suffix.
type pattern struct {
	erased         string
	prefix, suffix string
	// middle are the literals between two parameters; "" where they touch.
	middle []string
	// weight counts the bytes of literal text.
	weight int
	next   *node
}

func newPattern(s segment) *pattern {
	p := &pattern{erased: s.erased}
	literal, seen := "", false
	for _, part := range s.parts {
		p.weight += len(part.text)
		switch {
		case part.name == "":
			literal = part.text
			continue
		case seen:
			p.middle = append(p.middle, literal)
		default:
			p.prefix = literal
		}
		seen, literal = true, ""
	}
	p.suffix = literal
	return p
}

// match tells whether path[at:end] fits and appends its parameters to m. Each
// parameter is as short as the separators allow, but the last, and at least
// one character long. Taking each separator at its first place is complete:
// it leaves the most room for what follows. The time is linear in the text for
// each separator. Parameters stay in m where it fails; the caller resets.
func (p *pattern) match(path string, at, end int, m *Match) bool {
	seg := path[at:end]
	if len(seg) <= len(p.prefix)+len(p.suffix) || !strings.HasPrefix(seg, p.prefix) || !strings.HasSuffix(seg, p.suffix) {
		return false
	}
	at, end = at+len(p.prefix), end-len(p.suffix)
	for _, lit := range p.middle {
		if at >= end {
			return false
		}
		_, first := utf8.DecodeRuneInString(path[at:end])
		i := strings.Index(path[at+first:end], lit)
		if i < 0 {
			return false
		}
		stop := at + first + i
		m.push(at, stop)
		at = stop + len(lit)
	}
	if at >= end {
		return false
	}
	m.push(at, end)
	return true
}
