package errors

import "bytes"

// maxMarks is how many marks a tally can tell apart.
const maxMarks = 256

// A tally is what one or several texts hold. A mark counts once, a frame each
// time, and all places together once.
type tally struct {
	seen                          [maxMarks / 64]uint64
	proofs, hints, places, frames int
}

func (t *tally) note(a *automaton, id uint8) {
	first := t.seen[id/64]&(1<<(id%64)) == 0
	t.seen[id/64] |= 1 << (id % 64)
	switch a.of[id].weight {
	case frame:
		t.frames++
	case place:
		t.places = 1
	case proof:
		if first {
			t.proofs++
		}
	case hint:
		if first {
			t.hints++
		}
	}
}

// total is how many independent marks there are.
func (t *tally) total() int { return t.proofs + t.hints + t.places + t.frames }

// leaks tells whether an error reply with these marks shows the inside of the
// service.
func (t *tally) leaks() bool { return t.proofs > 0 || t.total() >= 2 }

// A reader feeds an automaton. It is a value on the stack of one scan.
type reader struct {
	a    *automaton
	at   uint16
	last uint8
}

// feed reads on with text. It is one loop without calls, since it runs over
// every reply.
func (r *reader) feed(t *tally, text []byte) {
	a, next, at, last := r.a, r.a.next, r.at, r.last
	for _, c := range text {
		k := a.class[c]
		if k < firstClass && (k == skipClass || k == last) {
			continue
		}
		last = k
		at = next[at&^hasHits][k&(classes-1)]
		if at&hasHits != 0 {
			for _, id := range a.hits[at&^hasHits] {
				t.note(a, id)
			}
		}
	}
	r.at, r.last = at, last
}

// plain scans text as it stands.
func (t *tally) plain(text []byte) {
	r := reader{a: leaks()}
	r.feed(t, text)
}

// escaped scans the text of JSON strings with their escapes undone (RFC 8259
// section 7), and those of JSON in a JSON string as far as they matter. It
// reads on where the JSON is broken.
func (t *tally) escaped(text []byte) {
	r := reader{a: leaks()}
	for {
		from := bytes.IndexByte(text, '\\')
		if from < 0 {
			r.feed(t, text)
			return
		}
		r.feed(t, text[:from])
		rest := bytes.TrimLeft(text[from:], `\`)
		if len(rest) == 0 {
			return
		}
		i := len(text) - len(rest)
		run := i - from
		c, end, code := unescape(text, i)
		if run > 1 && !code && c != '"' {
			r.feed(t, []byte{'\\'})
		}
		if run%2 == 0 && !code {
			c, end = text[i], i
		}
		r.feed(t, []byte{c})
		text = text[end+1:]
	}
}

// unescape reads the escape whose letter stands at i, and returns the byte
// that it stands for, where its last byte is, and whether it is a \u. What is
// not ASCII becomes a byte that stands in no mark.
func unescape(text []byte, i int) (c byte, end int, code bool) {
	switch text[i] {
	case 'n', 't', 'r', 'b', 'f':
		return ' ', i, false
	case 'u':
		if i+4 >= len(text) {
			return 0xff, i, false
		}
		n := 0
		for _, c := range text[i+1 : i+5] {
			switch {
			case c >= '0' && c <= '9':
				n = n<<4 | int(c-'0')
			case c|0x20 >= 'a' && c|0x20 <= 'f':
				n = n<<4 | int(c|0x20-'a'+10)
			default:
				return 0xff, i, false
			}
		}
		if n == 0 || n >= 0x80 {
			n = 0xff
		}
		return byte(n), i + 4, true
	}
	return text[i], i, false
}
