package canon

import "unicode/utf8"

// walker canonicalises a path that needs more than a look.
type walker struct {
	raw     string
	options Options
	text    []byte
	decoded []byte
	// start and from are the first bytes of the current segment, in decoded
	// and in raw.
	start, from int
}

func (o Options) slow(raw string) (Canonical, error) {
	n := len(raw)
	room := make([]byte, 4*n) // a byte becomes a triplet at most, and one byte decoded
	w := walker{raw: raw, options: o, text: room[: 0 : 3*n], decoded: room[3*n : 3*n]}
	for i := 0; i < len(raw); {
		n, err := w.step(i)
		if err != nil {
			return Canonical{}, err
		}
		i += n
	}
	if err := w.endSegment(len(raw)); err != nil {
		return Canonical{}, err
	}
	c := Canonical{Text: raw, Decoded: raw}
	if string(w.text) != raw {
		c.Text = string(w.text)
	}
	if string(w.decoded) == c.Text {
		c.Decoded = c.Text
	} else {
		c.Decoded = string(w.decoded)
	}
	return c, nil
}

// step takes the byte or triplet at i and says how many bytes that were. The
// concrete error type is turned into the interface only by callers that found
// it not to be nil.
func (w *walker) step(i int) (int, error) {
	c := w.raw[i]
	switch {
	case c == '/':
		if i > 0 {
			if err := w.endSegment(i); err != nil {
				return 0, err
			}
		}
		w.put(c)
		w.start, w.from = len(w.decoded), i+1
	case c == '%':
		return 3, w.percent(i)
	case pchar(c), c == ';' && w.options.Parameters:
		w.put(c)
	case quoted(c):
		w.text = appendTriplet(w.text, c)
		w.decoded = append(w.decoded, c)
	default:
		return 0, refuse(wrongByte(c), i)
	}
	return 1, nil
}

func (w *walker) put(c byte) {
	w.text = append(w.text, c)
	w.decoded = append(w.decoded, c)
}

// wrongByte names the reason for a raw byte that no path may hold.
func wrongByte(c byte) Reason {
	switch {
	case c == '\\':
		return Backslash
	case c == ';':
		return Parameter
	case c == '#':
		return Fragment
	case c == ' ':
		return Space
	case ctl(c):
		return Control
	case c > 0x7f:
		return NonASCII
	}
	return Character
}

// percent takes the triplet at i.
func (w *walker) percent(i int) error {
	c, ok := triplet(w.raw, i)
	switch {
	case !ok:
		return refuse(Percent, i)
	case c == '/':
		return refuse(EncodedSlash, i)
	case c == '\\':
		return refuse(Backslash, i)
	case ctl(c):
		return refuse(Control, i)
	case unreserved(c):
		w.text = append(w.text, c)
	default:
		w.text = appendTriplet(w.text, c)
	}
	w.decoded = append(w.decoded, c)
	return nil
}

// endSegment judges the decoded segment that ends before raw[i].
func (w *walker) endSegment(i int) error {
	seg := w.decoded[w.start:]
	if len(seg) == 0 {
		if i == len(w.raw) {
			return nil // "/" alone, or one trailing slash
		}
		return refuse(EmptySegment, w.from)
	}
	if r := judge(seg); r != "" {
		return refuse(r, w.from)
	}
	return nil
}

// judge finds what is wrong with a decoded segment, or "".
func judge(seg []byte) Reason {
	dots, head := 0, true // head: only dots and spaces so far
	for i := 0; i < len(seg); {
		r, size := rune(seg[i]), 1
		if r >= utf8.RuneSelf {
			if r, size = utf8.DecodeRune(seg[i:]); r == utf8.RuneError && size == 1 {
				return UTF8
			}
		}
		i += size
		switch fold(r) {
		case '%':
			if again(seg[i:]) {
				return DoubleEncoding
			}
			head = false
		case '.':
			dots++
		case ' ':
		case ';', '?', '#':
			if head && dots > 0 {
				return DotSegment
			}
			head = false
		case 0:
			return Control
		case '/':
			return Lookalike
		default:
			head = false
		}
	}
	if head && dots > 0 {
		return DotSegment
	}
	return ""
}

// again tells whether what follows a percent sign would be decoded by a second
// decoder: two hexadecimal digits, or the %uXXXX of old IIS and JavaScript.
func again(s []byte) bool {
	if len(s) >= 5 && (s[0] == 'u' || s[0] == 'U') {
		s = s[1:]
	}
	if len(s) < 2 {
		return false
	}
	_, high := Unhex(s[0])
	_, low := Unhex(s[1])
	return high && low
}

// fold says what a character amounts to for an upstream that normalises
// (NFKC, best fit): '/' for every lookalike that is always refused, 0 for
// controls, '.', ' ', ';' and '%' for what counts as such, else r itself.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	switch r {
	case 0xff0e, 0x2024, 0x2025, 0xfe52, 0xfe30, // full stops and two-dot leaders
		0xff0f, 0x2215, 0x2044, 0x29f8, // solidus
		0xff3c, 0x2216, 0x29f5, 0x29f9, 0xfe68, // reverse solidus
		0x2100, 0x2101, 0x2105, 0x2106: // a/c, a/s, c/o, c/u
		return '/'
	case 0x2026, 0xfe19: // ellipses are lawful in words, not as a segment
		return '.'
	case 0xff1b, 0xfe54:
		return ';'
	case 0xff05, 0xfe6a:
		return '%'
	case 0x00a0, 0x3000, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff, 0x00ad: // spaces and what is not seen
		return ' '
	case 0x2028, 0x2029:
		return 0
	}
	if r < 0xa0 {
		return 0 // C1 controls
	}
	return r
}
