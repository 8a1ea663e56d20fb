package errors

import (
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// Bounds of a walker. What goes beyond is taken for a leak.
const (
	maxLevels = 128
	maxHits   = 1024
	// maxName is the longest name of a member that is kept, as it is written:
	// fold takes none of more than 32 bytes, each of which may be an escape.
	maxName = 6 * 32
)

// A walker reads JSON texts, one or many, in pieces of any size, and adds up
// what the strings hold that stand where errors are told: what told finds in
// the whole. It checks the grammar, but neither UTF-8 nor for names that come
// twice: texts that call themselves JSON are checked by the contract machine. It
// keeps the strings with marks of which it may still become known that they
// stand there.
type walker struct {
	many   bool // texts may follow one another
	levels []level
	wants  wanting
	at     int    // offset of the next byte
	word   []byte // a number or a literal that is read

	text  bool // within a string
	name  bool // which is a name
	sure  bool // which stands where errors are told
	esc   bool // behind a backslash
	hex   int  // digits of an escape that have yet to come
	start int  // where the string starts
	key   []byte
	undo  undoer
	one   tally // of the string

	hits []hit // in the order of the text
	told tally // of the strings that stand where errors are told
	odd  bool  // this is no JSON
	lost bool  // a bound was exceeded
}

// A level is an open object or array, the lowest what is around all texts.
type level struct {
	start   int
	object  bool
	tells   bool  // stands under a name for errors
	key     bool  // the name of the member that is read is one
	beside  bool  // one of the names was
	waiting tally // of strings beside which such a name may come
}

// wanting is what may come next.
type wanting uint8

const (
	wantsValue  wanting = iota
	wantsFirst          // a value or the end of an array
	wantsMember         // a name or the end of an object
	wantsName
	wantsColon
	wantsMore // a comma or an end
	wantsNone // white space
)

// walk reads the next piece, then takes in the marks that came with it, and
// lets go of what no later mark begins before.
func (w *walker) walk(piece []byte, marks []risk.Mark, settled int) {
	if len(w.levels) == 0 {
		w.levels = append(w.levels, level{})
	}
	base := w.at
	for i := 0; i < len(piece) && !w.odd && !w.lost; {
		w.at = base + i
		if w.text {
			i += w.string(piece[i:])
		} else {
			i += w.sign(piece[i])
		}
	}
	w.at = base + len(piece)
	for i := range marks {
		if m := &marks[i]; outsideMark(m) {
			w.mark(m.Value, m.End)
		}
	}
	w.settle(settled)
}

// whole tells whether the texts have ended.
func (w *walker) whole() bool {
	w.endWord()
	return !w.odd && !w.text && len(w.levels) == 1 && (w.wants == wantsNone || w.many && w.wants == wantsValue)
}

func (w *walker) top() *level { return &w.levels[len(w.levels)-1] }

// sign reads one byte outside strings.
func (w *walker) sign(c byte) int {
	switch c {
	case ' ', '\t', '\r', '\n', 0x1e: // the last stands before each text of a sequence
		w.endWord()
	case '"':
		w.endWord()
		w.begin()
	case '{', '[':
		w.endWord()
		w.open(c == '{')
	case '}', ']':
		w.endWord()
		w.close(c == '}')
	case ',':
		w.endWord()
		w.comma()
	case ':':
		w.endWord()
		w.odd = w.odd || w.wants != wantsColon
		w.wants = wantsValue
	default:
		w.odd = w.odd || len(w.word) == 0 && !w.takesValue()
		if w.word = append(w.word, c); len(w.word) > maxWord {
			w.lost = true
		}
	}
	return 1
}

// maxWord is the longest number that is read.
const maxWord = 256 << 10

func (w *walker) takesValue() bool { return w.wants == wantsValue || w.wants == wantsFirst }

func (w *walker) endWord() {
	if len(w.word) == 0 {
		return
	}
	switch string(w.word) {
	case "true", "false", "null":
	default:
		end, ok := jsonx.ScanNumber(w.word, 0)
		w.odd = w.odd || !ok || end != len(w.word)
	}
	w.word = w.word[:0]
	w.valueEnded()
}

// valueEnded goes on behind a value.
func (w *walker) valueEnded() {
	switch {
	case len(w.levels) > 1:
		w.wants = wantsMore
	case w.many:
		w.wants = wantsValue
	default:
		w.wants = wantsNone
	}
}

func (w *walker) comma() {
	l := w.top()
	w.odd = w.odd || w.wants != wantsMore
	w.wants, l.key = wantsValue, false
	if l.object {
		w.wants = wantsName
	}
}

func (w *walker) open(object bool) {
	if !w.takesValue() {
		w.odd = true
		return
	}
	if len(w.levels) >= maxLevels {
		w.lost = true
		return
	}
	l := w.top()
	w.levels = append(w.levels, level{start: w.at, object: object, tells: l.tells || l.key})
	w.wants = wantsFirst
	if object {
		w.wants = wantsMember
	}
}

func (w *walker) close(object bool) {
	l := w.top()
	if len(w.levels) == 1 || l.object != object || w.wants != wantsMore && w.wants != wantsFirst && w.wants != wantsMember {
		w.odd = true
		return
	}
	n := len(w.levels) - 1
	for i := len(w.hits) - 1; i >= 0 && w.hits[i].start > l.start; i-- {
		if w.hits[i].level == n {
			w.hits[i].level = -1
		}
	}
	w.levels = w.levels[:n]
	w.valueEnded()
}
