package main

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
)

// text makes a string: the first candidate that keeps the patterns and the
// length.
func (g *generator) text(f *facts) any {
	length := f.minLength
	fits := func(s string) bool {
		n := utf8.RuneCountInString(s)
		if n < f.minLength || f.maxLength != contract.Unset && n > f.maxLength {
			return false
		}
		for _, p := range f.patterns {
			if re, err := regexp.Compile(plainRegexp(p)); err == nil && !re.MatchString(s) {
				return false
			}
		}
		return true
	}
	var list []string
	for _, word := range f.formats {
		list = append(list, formatted[word]...)
	}
	if len(list) > 0 {
		at := g.rnd.IntN(len(list))
		list = append(list[at:len(list):len(list)], list[:at]...)
	}
	for try := range 6 * len(f.patterns) {
		p := f.patterns[try%len(f.patterns)]
		if re, err := syntax.Parse(plainRegexp(p), syntax.Perl); err == nil {
			s := g.matching(re.Simplify(), try/2)
			list = append(list, s, s+strings.Repeat("a", max(0, length-utf8.RuneCountInString(s))))
		}
	}
	list = append(list, "sample text", "a", "A1", "1", "", "é漢", "https://example.com/")
	for _, s := range list {
		if fits(s) {
			return s
		}
	}
	if length > 1<<20 {
		g.spent = true
		return ""
	}
	for _, c := range []string{"a", "A", "1", "0", "-", "/"} {
		if s := strings.Repeat(c, max(length, 1)); fits(s) {
			return s
		}
	}
	return strings.Repeat("a", length)
}

// formatted are lawful texts of the formats.
var formatted = map[string][]string{
	"date-time":             {"2026-11-22T10:31:07Z", "2016-12-31T23:59:60Z", "1985-04-12T23:20:50.52+01:00"},
	"date":                  {"2026-11-22", "2024-02-29"},
	"time":                  {"10:31:07Z", "23:20:50.52-05:30"},
	"duration":              {"P1Y2M3DT4H5M6S", "PT36H", "P4W"},
	"email":                 {"someone@example.com", "a.b+c@x-y.example"},
	"idn-email":             {"someone@example.com"},
	"hostname":              {"example.com", "a"},
	"idn-hostname":          {"example.com"},
	"ipv4":                  {"192.0.2.1", "0.0.0.0"},
	"ipv6":                  {"2001:db8::1", "::ffff:192.0.2.1", "::"},
	"uri":                   {"https://example.com/a?b=c#d", "urn:isbn:0451450523", "mailto:a@example.com"},
	"uri-reference":         {"/a/b?c", "https://example.com", "#x"},
	"iri":                   {"https://example.com/a"},
	"iri-reference":         {"/a/b"},
	"uri-template":          {"https://example.com/{id}"},
	"uuid":                  {"8c6f1a52-6f0e-4d0e-9d7a-3b1d2c4e5f60", "00000000-0000-0000-0000-000000000000"},
	"byte":                  {"QUJD", "QQ==", ""},
	"json-pointer":          {"/a/~0/~1", ""},
	"relative-json-pointer": {"1/a", "0#"},
	"regex":                 {"^[a-z]+$", "a.b"},
}

// matching makes a text that a pattern matches; more widens its repeats.
func (g *generator) matching(re *syntax.Regexp, more int) string {
	var b strings.Builder
	g.write(&b, re, more)
	return b.String()
}

func (g *generator) write(b *strings.Builder, re *syntax.Regexp, more int) {
	repeat := func(from, to int) {
		n := from
		if to < 0 || to > from {
			n = from + g.rnd.IntN(2+more)
		}
		if to >= 0 {
			n = min(n, to)
		}
		for range n {
			if b.Len() < 4096 {
				g.write(b, re.Sub[0], more)
			}
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(g.oneOf(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte("aA1"[g.rnd.IntN(3)])
	case syntax.OpCapture:
		g.write(b, re.Sub[0], more)
	case syntax.OpStar:
		repeat(0, -1)
	case syntax.OpPlus:
		repeat(1, -1)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpRepeat:
		repeat(re.Min, re.Max)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			g.write(b, sub, more)
		}
	case syntax.OpAlternate:
		g.write(b, re.Sub[g.rnd.IntN(len(re.Sub))], more)
	case syntax.OpNoMatch, syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
	}
}

// oneOf picks a character of a class, mostly a common one.
func (g *generator) oneOf(ranges []rune) rune {
	for _, want := range []rune{[]rune("abAB01")[g.rnd.IntN(6)], 'a', 'A', '1', '-', ' '} {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= want && want <= ranges[i+1] {
				return want
			}
		}
	}
	if len(ranges) == 0 {
		return 'a'
	}
	at := 2 * g.rnd.IntN(len(ranges)/2)
	return ranges[at]
}
