package schema

import (
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// A run is the check of one message: the machine, and the room that it needs
// for what is no JSON. It belongs to one goroutine, and is reused.
type run struct {
	machine   machine
	direction direction
	doc       jsonx.Doc // of values within forms
	cookies   []canon.Pair
	tree      tree
	text      []byte
	value     []byte // JSON written for a parameter or form
	idle      []byte
}

func newRun() *run {
	r := &run{idle: []byte("0")}
	r.machine.blank = anything()
	return r
}

// forget drops all references to the message.
func (r *run) forget() {
	if r.doc.Len() > 0 {
		_ = r.doc.Parse(r.idle) // a lawful text, so that the document lets go of the other
	}
	r.machine.forgetText()
	r.machine.exact.forget(r.idle)
	r.tree.reset()
	clear(r.cookies)
	r.cookies = r.cookies[:0]
}

// swollen tells whether a huge message has left more room than is worth keeping.
func (r *run) swollen() bool {
	return cap(r.value) > maxKept<<4 || cap(r.text) > maxKept<<4 || r.machine.swollen()
}

// forgetText drops all references to the text.
func (m *machine) forgetText() {
	m.src, m.tok, m.closed, m.spare = nil, token{}, nil, nil
	clear(m.marks[:cap(m.marks)])
	m.marks = m.marks[:0]
}

func (m *machine) swollen() bool {
	for i := range m.tables {
		if len(m.tables[i].slots) > maxKept {
			return true
		}
	}
	return cap(m.hold)+cap(m.decoded)+cap(m.names)+cap(m.text)+cap(m.cells.text) > maxKept<<4 ||
		cap(m.acts)+cap(m.edges)+cap(m.marks)+cap(m.contested)+cap(m.cells.entries)+cap(m.cells.founds) > maxKept
}

// read checks one JSON text and tells dst what it saw; false where it is none.
func (r *run) read(dst *risk.Reading, text []byte, w where) bool {
	r.machine.whole(text, w.to, r.direction)
	if r.machine.reason != "" {
		return false
	}
	if w.to != nil {
		r.machine.report(dst, w)
	}
	return true
}
