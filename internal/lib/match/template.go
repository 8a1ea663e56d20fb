package match

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// part is a literal (name empty) or a parameter of a template segment.
type part struct{ text, name string }

// segment is one segment of a template, without its slash.
type segment struct {
	// literal is the decoded text where parts is empty.
	literal string
	// parts alternate freely between literals and parameters.
	parts []part
	// erased is the segment with each parameter as a hole; it identifies it.
	erased string
}

// hole stands for a parameter in segment.erased. It is not "{}", which the
// literal %7B%7D decodes to, but a control, which no path holds.
const hole = "\x00"

// Erase gives the stable key of a template: parameter names are erased, all
// else stays, so that "/orders/{id}" and "/orders/{order}" are "/orders/{}".
// An opening brace that is never closed stays as it is.
func Erase(template string) string {
	var b strings.Builder
	for {
		open := strings.IndexByte(template, '{')
		if open < 0 {
			break
		}
		length := strings.IndexByte(template[open:], '}')
		if length < 0 {
			break
		}
		b.WriteString(template[:open])
		b.WriteString("{}")
		template = template[open+length+1:]
	}
	if b.Len() == 0 {
		return template
	}
	b.WriteString(template)
	return b.String()
}

// parse reads a template into segments. The Reason is "" where it is lawful.
func parse(template string) ([]segment, []string, Reason) {
	if !strings.HasPrefix(template, "/") {
		return nil, nil, Relative
	}
	var segs []segment
	var names []string
	for _, text := range strings.Split(template[1:], "/") {
		s, r := parseSegment(text)
		if r != "" {
			return nil, nil, r
		}
		for _, p := range s.parts {
			if p.name == "" {
				continue
			}
			for _, n := range names {
				if n == p.name {
					return nil, nil, RepeatedName
				}
			}
			names = append(names, p.name)
		}
		segs = append(segs, s)
	}
	return segs, names, ""
}

// parseSegment reads one segment of a template.
func parseSegment(text string) (segment, Reason) {
	s := segment{}
	for rest := text; rest != ""; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			open = len(rest)
		}
		if open > 0 {
			s.parts = append(s.parts, part{text: decode(rest[:open])})
			rest = rest[open:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if rest[0] == '}' || end < 0 {
			return s, Braces
		}
		name := rest[1:end]
		if name == "" || strings.Contains(name, "{") {
			return s, Braces
		}
		s.parts = append(s.parts, part{name: name})
		rest = rest[end+1:]
	}
	for _, p := range s.parts {
		if p.name != "" {
			s.erased += hole
		} else {
			s.erased += p.text
		}
	}
	if len(s.parts) == 0 || len(s.parts) == 1 && s.parts[0].name == "" {
		s.literal, s.parts = s.erased, nil
	}
	return s, ""
}

// decode undoes the percent encoding of a template's literal text, since paths
// are matched decoded. Text that is not lawfully encoded is meant literally.
func decode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return s
		}
		high, ok := unhex(s[i+1])
		low, ok2 := unhex(s[i+2])
		if !ok || !ok2 {
			return s
		}
		out = append(out, high<<4|low)
		i += 2
	}
	if d := string(out); utf8.ValidString(d) && !strings.Contains(d, "/") {
		return d
	}
	return s
}

// unhex gives the value of a hexadecimal digit.
func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// compare orders the templated segments of one node, the most concrete first:
// more literal text, then a longer literal start, then by text.
func compare(a, b *pattern) int {
	return cmp.Or(
		cmp.Compare(b.weight, a.weight),
		cmp.Compare(len(b.prefix), len(a.prefix)),
		cmp.Compare(len(a.middle), len(b.middle)),
		strings.Compare(a.erased, b.erased),
	)
}
