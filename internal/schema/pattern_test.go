package schema

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"testing"
)

func TestPatternsMeanWhatECMA262Says(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{`^\d+$`, []string{"0", "42"}, []string{"", "a", "٣", "1\n"}},
		{`^\w+$`, []string{"a_1"}, []string{"é", "a-b"}},
		{`^\s$`, []string{" ", "\t", "\u00a0", "\u2028", "\ufeff"}, []string{"a", "\u200b"}},
		{`^\S$`, []string{"a", "\u200b"}, []string{" ", "\u3000"}},
		{`^[\s\S]*$`, []string{"", "a \n"}, nil},
		{`^[^\s]$`, []string{"a"}, []string{"\u00a0"}},
		{`^.$`, []string{"a", "🐲"}, []string{"\n", "\u2028", ""}},
		{`^\u00e9\x41\cA\t$`, []string{"éA\x01\t"}, []string{"eA\x01\t"}},
		{`^\uD83D\uDC32$`, []string{"🐲"}, []string{"x"}},
		{`^\u{1F432}$`, []string{"🐲"}, []string{"x"}},
		{`^[^]$`, []string{"\n", "a"}, []string{""}},
		{`^[]$`, nil, []string{"", "a"}},
		{`^a\/b\-c$`, []string{"a/b-c"}, nil},
		{`^[\w.-]+@[\w-.]+$`, []string{"a.b-c@d-e.f"}, []string{"@"}},
		{`^(?<year>\d{4})-(?<m>\d\d)$`, []string{"2026-11"}, []string{"2026"}},
		{`^\p{Letter}\p{Lu}$`, []string{"éÉ"}, []string{"1É"}},
		{`^\p{Script=Greek}+$`, []string{"αβ"}, []string{"ab"}},
		{`^{}$`, []string{"{}"}, nil},
		{`^a{,2}$`, []string{"a{,2}"}, []string{"aa"}},
		{`^[[:alpha:]]$`, []string{"a]", ":]", "[]"}, []string{"b"}},
		{`b`, []string{"abc"}, []string{"ac"}},
		{`^[+-]?[0-9]{1,3}(\.\d+)?$`, []string{"+1", "-12.5"}, []string{"+", "1234"}},
		{`(?i)^abc$`, []string{"ABC"}, []string{"ab"}},
	} {
		translated, err := translate(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		m, err := newMatcher(translated)
		if err != nil {
			t.Fatalf("%s: %v", c.pattern, err)
		}
		for _, s := range c.yes {
			if !m.match([]byte(s)) {
				t.Errorf("%s does not match %q", c.pattern, s)
			}
		}
		for _, s := range c.no {
			if m.match([]byte(s)) {
				t.Errorf("%s matches %q", c.pattern, s)
			}
		}
	}
}

func TestPatternsThatCannotRunInLinearTimeAreNamed(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`(?=a)`, `^(?!x)`, `(?<=a)b`, `(?<!a)b`, `(a)\1`, `(?<n>a)\k<n>`, `\uD83D`} {
		if _, err := translate(pattern); !errors.Is(err, errUntranslatable) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	for _, pattern := range []string{`\A`, `[a`, `(`, `a{2,1}`, `*`, `[z-a]`, `\`, `\p`, `\c1`, `a{1001}`} {
		if _, err := translate(pattern); err == nil {
			t.Errorf("%s is taken for a pattern", pattern)
		}
	}
}

func TestRowsMatchAsTheirRegularExpressions(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(5, 6))
	rows := 0
	for range 4000 {
		pattern := "^"
		for range 1 + rnd.IntN(4) {
			pattern += []string{"a", "b", "[ab]", "[0-9]", "-", "ab", `\w`, "[^a]"}[rnd.IntN(8)] + []string{"", "", "?", "*", "+", "{2}", "{1,3}", "{0,2}"}[rnd.IntN(8)]
		}
		pattern += "$"
		m, err := newMatcher(pattern)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		if m.row == nil {
			continue
		}
		rows++
		re := regexp.MustCompile(pattern)
		for range 30 {
			text := make([]byte, rnd.IntN(7))
			for k := range text {
				text[k] = "aab-01é"[rnd.IntN(8)]
			}
			if got, want := m.match(text), re.Match(text); got != want {
				t.Fatalf("%s on %q: got %v, want %v", pattern, text, got, want)
			}
		}
	}
	if rows < 400 {
		t.Errorf("only %d of the patterns are rows", rows)
	}
}

func FuzzPatterns(f *testing.F) {
	for _, p := range []string{`^\d+$`, `[\w-.]`, `(?<a>b)\u{1F432}`, `[^]`, `{`, `\p{L}`, `a{1,3}?`} {
		f.Add(p, "abc")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		translated, err := translate(pattern)
		if err != nil {
			return
		}
		m, err := newMatcher(translated)
		if err != nil {
			t.Fatalf("%q becomes %q: %v", pattern, translated, err)
		}
		if got, want := m.match([]byte(text)), m.re.MatchString(text); got != want {
			t.Fatalf("%q on %q: got %v, want %v", pattern, text, got, want)
		}
	})
}
