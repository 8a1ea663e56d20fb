package errors

import (
	"bytes"
	"sync"
)

// An automaton finds all marks in one pass (Aho and Corasick, 1975). Bytes
// are folded into classes first: case does not count, any number is a 0, any
// run of white space is one blank, any run of slashes one slash. It is
// immutable.
type automaton struct {
	class [256]uint8
	next  []uint16 // by state and class
	hits  [][]uint8
	of    []mark
}

// classes is the width of a row of next.
const classes = 64

// Classes with a meaning of their own; those of letters and signs follow.
const (
	skipClass  uint8 = iota // NUL, so that UTF-16 reads as its ASCII half
	otherClass              // stands in no mark
	blankClass
	digitClass
	slashClass // both slashes; all before it fold runs
	firstClass
)

// leaks is the automaton over marks. It is made once, when it is first used.
var leaks = sync.OnceValue(func() *automaton { return build(marks()) })

// build makes an automaton. It panics where the tables are too small, which a
// test would show.
func build(list []mark) *automaton {
	a := &automaton{of: list}
	a.classify(list)
	a.next = make([]uint16, classes)
	a.hits = make([][]uint8, 1)
	for i, m := range list {
		a.insert(m.text, uint8(i))
	}
	a.link()
	return a
}

func (a *automaton) classify(list []mark) {
	for i := range a.class {
		a.class[i] = otherClass
	}
	a.class[0] = skipClass
	for _, c := range " \t\r\n\v\f\u00a0" {
		if c < 0x80 {
			a.class[byte(c)] = blankClass
		}
	}
	for c := '0'; c <= '9'; c++ {
		a.class[byte(c)] = digitClass
	}
	a.class['/'], a.class['\\'] = slashClass, slashClass
	free := firstClass
	for _, m := range list {
		for _, c := range []byte(m.text) {
			if a.class[c] == otherClass {
				a.class[c] = free
				free++
			}
		}
	}
	for c := byte('a'); c <= 'z'; c++ {
		a.class[c-'a'+'A'] = a.class[c]
	}
	if free > classes {
		panic("errors: the marks use too many signs")
	}
}

func (a *automaton) insert(text string, id uint8) {
	at := 0
	for _, c := range []byte(text) {
		slot := at*classes + int(a.class[c])
		if a.next[slot] == 0 {
			a.next[slot] = uint16(len(a.hits))
			a.hits = append(a.hits, nil)
			a.next = append(a.next, make([]uint16, classes)...)
		}
		at = int(a.next[slot])
	}
	a.hits[at] = append(a.hits[at], id)
}

// hasHits is a bit of a state in next: the state ends a mark.
const hasHits = 1 << 15

// link fills in where each state goes on when its own path ends.
func (a *automaton) link() {
	fail := make([]uint16, len(a.hits))
	queue := make([]int, 0, len(a.hits))
	for c := range classes {
		if to := a.next[c]; to != 0 {
			queue = append(queue, int(to))
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		back := int(fail[at])
		a.hits[at] = append(a.hits[at], a.hits[back]...)
		for c := range classes {
			to := a.next[at*classes+c]
			beside := a.next[back*classes+c]
			if to == 0 {
				a.next[at*classes+c] = beside
				continue
			}
			fail[to] = beside
			queue = append(queue, int(to))
		}
	}
	for i, to := range a.next {
		if len(a.hits[to]) > 0 {
			a.next[i] |= hasHits
		}
	}
}

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
	a, at, last := r.a, r.at, r.last
	for _, c := range text {
		k := a.class[c]
		if k < firstClass && (k == skipClass || k == last && k != otherClass) {
			continue
		}
		last = k
		at = a.next[int(at&^hasHits)*classes+int(k)]
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
		run := 1
		for from+run < len(text) && text[from+run] == '\\' {
			run++
		}
		i := from + run
		if i == len(text) {
			return
		}
		c, end, code := unescape(text, i)
		if run > 1 && !code && c != '"' {
			r.feed(t, text[from:from+1])
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
