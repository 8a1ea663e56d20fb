package jsonx

import (
	"encoding/json"
	"strings"
	"testing"

	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// strict is a reader of the plain kind: it descends by recursion, decodes
// every string and keeps the names of every object. It is slow, and shares
// nothing with Parse but the RFC.
type strict struct {
	in    string
	depth int
}

// accepts tells whether text is JSON by RFC 8259 as this package takes it:
// UTF-8 without a byte order mark, names once, no half surrogates, depth.
func accepts(text string) bool {
	s := strict{in: text}
	s.space()
	if !s.value() {
		return false
	}
	s.space()
	return s.in == ""
}

func (s *strict) space() { s.in = strings.TrimLeft(s.in, " \t\r\n") }

func (s *strict) take(prefix string) bool {
	rest, ok := strings.CutPrefix(s.in, prefix)
	s.in = rest
	return ok
}

func (s *strict) value() bool {
	switch {
	case s.take("{"):
		return s.container("}", true)
	case s.take("["):
		return s.container("]", false)
	case s.take(`"`):
		_, ok := s.text()
		return ok
	case s.take("true"), s.take("false"), s.take("null"):
		return true
	}
	return s.number()
}

// container reads members or elements and the bracket that ends them.
func (s *strict) container(end string, named bool) bool {
	if s.depth++; s.depth > DefaultDepth {
		return false
	}
	names := map[string]bool{}
	s.space()
	if s.take(end) {
		s.depth--
		return true
	}
	for {
		s.space()
		if named {
			if !s.take(`"`) {
				return false
			}
			name, ok := s.text()
			if !ok || names[name] {
				return false
			}
			names[name] = true
			s.space()
			if !s.take(":") {
				return false
			}
			s.space()
		}
		if !s.value() {
			return false
		}
		s.space()
		if s.take(end) {
			s.depth--
			return true
		}
		if !s.take(",") {
			return false
		}
	}
}

// text decodes a string behind its quote.
func (s *strict) text() (string, bool) {
	var b strings.Builder
	for {
		r, n := utf8.DecodeRuneInString(s.in)
		if r == utf8.RuneError && n <= 1 || r < ' ' {
			return "", false
		}
		s.in = s.in[n:]
		switch r {
		case '"':
			return b.String(), true
		case '\\':
			if r, n = s.escaped(); n == 0 {
				return "", false
			}
		}
		b.WriteRune(r)
	}
}

// escaped decodes what follows a backslash; n is 0 where that is nothing.
func (s *strict) escaped() (r rune, n int) {
	if s.in == "" {
		return 0, 0
	}
	c := s.in[0]
	if at := strings.IndexByte(`"\/bfnrt`, c); at >= 0 {
		s.in = s.in[1:]
		return rune("\"\\/\b\f\n\r\t"[at]), 1
	}
	first, ok := s.unit()
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(first) {
		return first, 1
	}
	if !s.take(`\`) {
		return 0, 0
	}
	second, ok := s.unit()
	if r = utf16.DecodeRune(first, second); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 1
}

func (s *strict) unit() (rune, bool) {
	if len(s.in) < 5 || s.in[0] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s.in[1:5] {
		at := strings.IndexRune("0123456789abcdef", c|0x20)
		if c < '0' || c > 'f' || at < 0 {
			return 0, false
		}
		r = r*16 + rune(at)
	}
	s.in = s.in[5:]
	return r, true
}

func (s *strict) digits() int {
	rest := strings.TrimLeft(s.in, "0123456789")
	n := len(s.in) - len(rest)
	s.in = rest
	return n
}

func (s *strict) number() bool {
	s.take("-")
	if s.take("0") {
		if s.in != "" && s.in[0] >= '0' && s.in[0] <= '9' {
			return false
		}
	} else if s.digits() == 0 {
		return false
	}
	if s.take(".") && s.digits() == 0 {
		return false
	}
	if s.take("e") || s.take("E") {
		_ = s.take("+") || s.take("-")
		return s.digits() > 0
	}
	return true
}

func TestTheStrictReaderIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range suite(t) {
		if got := accepts(string(text)); got != (policy[name] == "" && name[0] != 'n' && !duplicates[name]) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, text := range seeds() {
		if got, want := accepts(text), oracle([]byte(text)); got != want {
			t.Errorf("%q: %v, the oracle says %v", text, got, want)
		}
	}
}

// FuzzAcceptance holds our acceptance to the strict reader's, and to that of
// the standard library, which is not stricter.
func FuzzAcceptance(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	for _, text := range suite(f) {
		if len(text) < 4096 {
			f.Add(text)
		}
	}
	var d Doc
	fuzzloop.Run(f, func(t *testing.T, text []byte) {
		err := d.Parse(text)
		if want := accepts(string(text)); (err == nil) != want {
			t.Fatalf("%q: %v, the strict reader says %v", text, err, want)
		}
		if err == nil && !json.Valid(text) {
			t.Fatalf("%q: encoding/json refuses it", text)
		}
	})
}
