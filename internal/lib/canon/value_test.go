package canon_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/lib/canon"
)

// valueEnd is ValueEnd byte by byte.
func valueEnd(s string, at int) int {
	for ; at < len(s); at++ {
		if c := s[at]; c < ' ' && c != '\t' || c == 0x7f {
			break
		}
	}
	return at
}

func TestValuesEndAtTheFirstControlCharacter(t *testing.T) {
	t.Parallel()
	for n := range 20 {
		for at := range n + 1 {
			for _, fill := range []string{"a", "\t", "\xff", "~", " ", "\x80"} {
				s := strings.Repeat(fill, n)
				for i := range n {
					for c := range 256 {
						text := s[:i] + string([]byte{byte(c)}) + s[i+1:]
						want := valueEnd(text, at)
						if got := canon.ValueEnd(text, at); got != want {
							t.Fatalf("%q from %d ends at %d, and byte by byte at %d", text, at, got, want)
						}
						if got := canon.ValueEnd([]byte(text), at); got != want {
							t.Fatalf("the bytes of %q from %d end at %d, not %d", text, at, got, want)
						}
					}
				}
			}
		}
	}
}

func FuzzValueEnd(f *testing.F) {
	f.Add("text/html; charset=utf-8\r\nServer: x\r\n", 0)
	f.Add("a\x7fb\x1fc\td", 1)
	f.Fuzz(func(t *testing.T, s string, at int) {
		if at < 0 || at > len(s) {
			return
		}
		if got, want := canon.ValueEnd(s, at), valueEnd(s, at); got != want {
			t.Errorf("%q from %d ends at %d, and byte by byte at %d", s, at, got, want)
		}
	})
}
