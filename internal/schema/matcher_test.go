package schema

import (
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/sallyport/sallyport/internal/lib/ecma"
)

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
		translated, err := ecma.Translate(pattern)
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
