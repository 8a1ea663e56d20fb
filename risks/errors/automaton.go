package errors

import "sync"

// An automaton finds all marks in one pass (Aho and Corasick, 1975). Bytes
// are folded into classes first: case does not count, any number is a 0, any
// run of white space is one blank, any run of slashes one slash. It is
// immutable.
type automaton struct {
	class [256]uint8
	next  [][classes]uint16 // by state and class
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

// build makes an automaton. It panics, out of the range of a row, where the
// marks use more signs than there are classes, which a test would show.
func build(list []mark) *automaton {
	a := &automaton{of: list}
	a.classify(list)
	a.state()
	for i, m := range list {
		a.insert(m.text, uint8(i))
	}
	a.link()
	return a
}

// state adds a state.
func (a *automaton) state() uint16 {
	a.next = append(a.next, [classes]uint16{})
	a.hits = append(a.hits, nil)
	return uint16(len(a.hits) - 1)
}

func (a *automaton) classify(list []mark) {
	for i := range a.class {
		a.class[i] = otherClass
	}
	a.class[0] = skipClass
	for _, c := range []byte(" \t\r\n\v\f") {
		a.class[c] = blankClass
	}
	for _, c := range []byte("0123456789") {
		a.class[c] = digitClass
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
}

func (a *automaton) insert(text string, id uint8) {
	at := uint16(0)
	for _, c := range []byte(text) {
		k := a.class[c]
		if a.next[at][k] == 0 {
			to := a.state()
			a.next[at][k] = to
		}
		at = a.next[at][k]
	}
	a.hits[at] = append(a.hits[at], id)
}

// hasHits is a bit of a state in next: the state ends a mark.
const hasHits = 1 << 15

// link fills in where each state goes on when its own path ends.
func (a *automaton) link() {
	fail := make([]uint16, len(a.hits))
	var queue []uint16
	for _, to := range a.next[0] {
		if to != 0 {
			queue = append(queue, to)
		}
	}
	for head := 0; head < len(queue); head++ {
		at := queue[head]
		back := fail[at]
		a.hits[at] = append(a.hits[at], a.hits[back]...)
		for c, beside := range a.next[back] {
			if to := a.next[at][c]; to != 0 {
				fail[to] = beside
				queue = append(queue, to)
				continue
			}
			a.next[at][c] = beside
		}
	}
	for at := range a.next {
		for c, to := range a.next[at] {
			if len(a.hits[to]) > 0 {
				a.next[at][c] |= hasHits
			}
		}
	}
}
