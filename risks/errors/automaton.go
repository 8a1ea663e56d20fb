package errors

import "sync"

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
