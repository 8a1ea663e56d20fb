package errors

import (
	"bytes"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// begin begins a string.
func (w *walker) begin() {
	w.name = w.wants == wantsName || w.wants == wantsMember
	if !w.name && !w.takesValue() {
		w.odd = true
		return
	}
	w.text, w.esc, w.hex, w.sure, w.start, w.key = true, false, 0, false, w.at, w.key[:0]
	if !w.name {
		w.one, w.undo = tally{}, undoer{to: reader{a: leaks()}}
		w.undo.feed(&w.one, []byte{'"'})
	}
}

// string reads on within a string and returns how far it came.
func (w *walker) string(piece []byte) int {
	for i, c := range piece {
		switch {
		case w.hex > 0:
			w.hex--
			w.odd = w.odd || !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f')
		case w.esc:
			w.esc = false
			if c == 'u' {
				w.hex = 4
			}
			w.odd = w.odd || bytes.IndexByte([]byte(`"\/bfnrtu`), c) < 0
		case c == '\\':
			w.esc = true
		case c == '"':
			w.take(piece[:i+1])
			w.at += i + 1
			w.endText()
			return i + 1
		case c < 0x20:
			w.odd = true
		}
	}
	w.take(piece)
	return len(piece)
}

// take reads a part of a string.
func (w *walker) take(part []byte) {
	if !w.name {
		w.undo.feed(&w.one, part)
	} else if len(w.key) <= maxName {
		w.key = append(w.key, part[:min(len(part), maxName+2)]...)
	}
}

func (w *walker) endText() {
	w.text = false
	l := w.top()
	if w.name {
		w.wants = wantsColon
		raw := w.key
		if len(raw) > maxName+1 {
			return
		}
		if l.key = tellsErrors(jsonx.AppendText(nil, raw[:len(raw)-1])); l.key && !l.beside {
			w.besides(l)
		}
		return
	}
	w.valueEnded()
	w.undo.end(&w.one)
	switch {
	case w.one.total() == 0:
	case w.sure || l.tells || l.beside:
		w.told.add(&w.one)
	case len(w.hits) >= maxHits:
		w.lost = true
	default:
		w.hits = append(w.hits, hit{w.start, w.at, len(w.levels) - 1, w.one})
	}
}
