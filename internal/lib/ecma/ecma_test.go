package ecma

import (
	"errors"
	"regexp"
	"testing"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
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
		translated, err := Translate(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		re, err := regexp.Compile(translated)
		if err != nil {
			t.Fatalf("%s: %v", c.pattern, err)
		}
		for _, s := range c.yes {
			if !re.MatchString(s) {
				t.Errorf("%s does not match %q", c.pattern, s)
			}
		}
		for _, s := range c.no {
			if re.MatchString(s) {
				t.Errorf("%s matches %q", c.pattern, s)
			}
		}
	}
}

func TestPatternsThatCannotRunInLinearTimeAreNamed(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`(?=a)`, `^(?!x)`, `(?<=a)b`, `(?<!a)b`, `(a)\1`, `(?<n>a)\k<n>`, `\uD83D`} {
		if _, err := Translate(pattern); !errors.Is(err, ErrUntranslatable) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	for _, pattern := range []string{`\A`, `[a`, `(`, `a{2,1}`, `*`, `[z-a]`, `\`, `\p`, `\c1`, `a{1001}`} {
		if _, err := Translate(pattern); err == nil {
			t.Errorf("%s is taken for a pattern", pattern)
		}
	}
}

func TestValidKnowsWhatOnlyOtherDialectsHave(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{`^a$`: true, `(?=a)`: true, `(a)\1`: true, `\A`: false, `(?i)a`: false, `[`: false, `a{1001}`: false} {
		if got := Valid(pattern); got != want {
			t.Errorf("%s: got %v", pattern, got)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	for _, p := range []string{`^\d+$`, `[\w-.]`, `(?<a>b)\u{1F432}`, `[^]`, `{`, `\p{L}`, `a{1,3}?`} {
		f.Add(p)
	}
	fuzzloop.Run(f, func(t *testing.T, pattern string) {
		translated, err := Translate(pattern)
		if err != nil {
			return
		}
		if _, err := regexp.Compile(translated); err != nil {
			t.Fatalf("%q becomes %q: %v", pattern, translated, err)
		}
	})
}
