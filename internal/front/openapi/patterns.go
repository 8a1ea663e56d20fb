package openapi

import (
	"regexp/syntax"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// warnAt reports p at the place of a built schema.
func (b *builder) warnAt(s *contract.Schema, p problem) {
	for _, f := range b.order {
		if f.name == s.At.File {
			f.split()
			line := min(max(s.At.Line, 1), len(f.starts))
			b.report.addAt(source.Warning, f, int(f.starts[line-1])+max(s.At.Col-1, 0), p)
			return
		}
	}
	b.warn(node{}, p)
}

// pattern reports a pattern that cannot be enforced, because the linear-time
// engine (RE2) has no lookahead and no backreference, or because it is broken.
func (b *builder) pattern(at node, pattern string) {
	why, ok := b.regexps[pattern]
	if !ok {
		if _, err := syntax.Parse(toRE2(pattern), syntax.Perl); err != nil {
			why = clip(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		b.regexps[pattern] = why
	}
	if why != "" {
		b.warn(at, say(CodePattern, "write it without lookahead and backreference, and with repeats up to 1000", "the pattern %q cannot be enforced: %s", clip(pattern), why))
	}
}

// toRE2 rewrites the spellings of ECMA-262 that RE2 has other words for. What
// RE2 cannot do stays as it is, and fails to parse.
func toRE2(p string) string {
	var out strings.Builder
	class := false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p):
			text, n := escapeRE2(p[i:])
			out.WriteString(text)
			i += n - 1
			if class && i+1 < len(p) && p[i+1] == '-' && strings.ContainsRune("dDwWsS", rune(p[i])) {
				out.WriteString(`\-`) // [\w-.] is no range
				i++
			}
		case class:
			class = c != ']'
			if c == '[' {
				out.WriteByte('\\')
			}
			out.WriteByte(c)
		case c == '[':
			rest := p[i:]
			switch {
			case strings.HasPrefix(rest, "[^]"):
				out.WriteString(`[\s\S]`)
				i += 2
			case strings.HasPrefix(rest, "[]"):
				out.WriteString(`[^\s\S]`)
				i++
			default:
				class = true
				out.WriteByte(c)
				if strings.HasPrefix(rest, "[^") {
					out.WriteByte('^')
					i++
				}
			}
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// escapeRE2 translates the escape at the start of s and returns its length.
func escapeRE2(s string) (string, int) {
	switch c := s[1]; {
	case c == 'u' && len(s) >= 6 && hex4(s[2:6]) >= 0:
		return `\x{` + s[2:6] + `}`, 6
	case c == 'u' && len(s) > 3 && s[2] == '{' && strings.Contains(s, "}"):
		end := strings.IndexByte(s, '}')
		return `\x` + s[2:end+1], end + 1
	case c == '0' && (len(s) < 3 || s[2] < '0' || s[2] > '9'):
		return `\x00`, 2
	case c == 'c' && len(s) >= 3:
		const hex = "0123456789abcdef"
		v := s[2] & 31
		return `\x` + string([]byte{hex[v>>4], hex[v&15]}), 3
	case c == 'd', c == 'D', c == 'w', c == 'W', c == 's', c == 'S', c == 'b', c == 'B', c == 'p', c == 'P',
		c == 'n', c == 'r', c == 't', c == 'f', c == 'v', c == 'x', c >= '0' && c <= '9', c == 'k':
		return s[:2], 2
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80:
		return s[1:2], 1 + 1 // an identity escape
	}
	return s[:2], 2
}
