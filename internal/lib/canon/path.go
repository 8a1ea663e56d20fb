package canon

import (
	"iter"
	"strings"
)

// DefaultPathBytes bounds a path where Options says nothing: 8 KiB, the size
// that RFC 9110 section 4.1 recommends to support for a whole URI.
const DefaultPathBytes = 8 << 10

// Options relaxes the canonical form. The zero Options is the strictest.
type Options struct {
	// Parameters allows ';' inside path segments, for contracts that declare
	// matrix or label parameters (RFC 6570 section 3.2.7).
	Parameters bool
	// PathBytes is the longest raw path; 0 means DefaultPathBytes.
	PathBytes int
	// QueryBytes is the longest raw query; 0 means DefaultQueryBytes.
	QueryBytes int
	// Pairs is the greatest number of query pairs; 0 means DefaultPairs.
	Pairs int
}

// Canonical is a path in its one form. Only Path makes one; the zero Canonical
// is no path.
type Canonical struct {
	// Text is what goes upstream: unreserved characters are raw, all others
	// that need it are percent-encoded with upper-case digits.
	Text string
	// Decoded is what routes and authorizes: Text with every triplet decoded
	// once. Since an encoded slash is refused, a '/' in it is always a
	// separator, and it holds no control character and only valid UTF-8.
	Decoded string
}

// Path canonicalises raw, the path of a request target without the query, by
// the strictest options. See Options.Path.
func Path(raw string) (Canonical, error) { return Options{}.Path(raw) }

// Path canonicalises raw, the path of a request target without the query. An
// error is always an *Error. Dot segments and empty segments are refused
// rather than resolved: a client that sends one is mistaken or hostile, and an
// upstream may resolve it in another order. One trailing slash is kept. The
// limit of bytes holds for raw and for what goes upstream.
// Where raw is canonical and has no triplet, Path allocates nothing.
//
// Limits: a percent sign before two hexadecimal digits ("50%25ab"), a segment
// of three or more dots, and fullwidth dots and slashes, which Japanese and
// Chinese text uses, are lawful in themselves and refused all the same.
func (o Options) Path(raw string) (Canonical, error) {
	most := o.PathBytes
	if most == 0 {
		most = DefaultPathBytes
	}
	switch {
	case raw == "":
		return Canonical{}, refuse(Empty, 0)
	case len(raw) > most:
		return Canonical{}, refuse(Length, most)
	case raw[0] != '/':
		return Canonical{}, refuse(relative(raw[0]), 0)
	}
	if simple(raw) {
		return Canonical{Text: raw, Decoded: raw}, nil
	}
	c, err := o.slow(raw)
	if len(c.Text) > most { // bytes have become triplets
		return Canonical{}, refuse(Length, most)
	}
	return c, err
}

// relative says what is wrong with a first byte that is no slash.
func relative(c byte) Reason {
	switch {
	case c == '\\':
		return Backslash
	case ctl(c):
		return Control
	case c == ' ':
		return Space
	case c > 0x7f:
		return NonASCII
	}
	return Relative
}

// simple tells whether raw is canonical at first sight: pchars and slashes,
// no empty segment, no segment of dots.
func simple(raw string) bool {
	start := true
	for i := 1; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '/':
			if start {
				return false
			}
			start = true
			continue
		case !pchar(c), start && c == '.' && onlyDots(raw[i:]):
			return false
		}
		start = false
	}
	return true
}

// onlyDots tells whether the segment that s begins with is nothing but dots.
func onlyDots(s string) bool {
	for i := 0; i < len(s) && s[i] != '/'; i++ {
		if s[i] != '.' {
			return false
		}
	}
	return true
}

// Segments yields the decoded segments: "/a/b%20c/" yields "a", "b c" and "".
func (c Canonical) Segments() iter.Seq[string] {
	return func(yield func(string) bool) {
		rest, more := strings.CutPrefix(c.Decoded, "/")
		for more {
			var seg string
			seg, rest, more = strings.Cut(rest, "/")
			if !yield(seg) {
				return
			}
		}
	}
}

// Raw gives the part of Text that decodes to Decoded[start:end], for
// parameters whose separators count before decoding (RFC 6570): in "a%2Cb,c"
// only the second comma separates. start and end must be offsets into Decoded
// with start <= end; others give "".
func (c Canonical) Raw(start, end int) string {
	if start < 0 || end < start || end > len(c.Decoded) {
		return ""
	}
	if len(c.Text) == len(c.Decoded) {
		return c.Text[start:end]
	}
	from, at := 0, 0
	for n := 0; n < end; n++ {
		if n == start {
			from = at
		}
		if c.Text[at] == '%' {
			at += 2
		}
		at++
	}
	if start == end {
		return ""
	}
	return c.Text[from:at]
}
