package schema

import (
	"cmp"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// maxHold bounds what a Filter holds of a body because it is not yet known
// whether it may leave.
const maxHold = maxToken

// Errors of a Filter. After one, the body must not look complete.
var (
	errHeld   = errors.New("too much of the body hangs on what comes later")
	errGone   = errors.New("what has to be cut has left already")
	errRefuse = errors.New("the body is not what its media type says")
)

// A Filter checks a JSON body while it passes and takes out what must not
// leave, with the same result as Body and Cut have on the whole. It holds back
// only what is not decided: it knows a member by its name, but where
// alternatives are open, only at the end of the value that they are about.
//
//	Feed a piece; Cut what of the marks must not leave; Take what may.
//
// A Filter belongs to one goroutine.
type Filter struct {
	programs *Programs
	run      *run
	media    *compiledMedia
	where    where

	held   []byte // of the body, from offset on
	room   []byte // in which it lies
	offset int
	ended  bool
	marked int    // marks of the machine that were told
	failed bool   // violations were told
	cuts   []Span // in order; the last may have no end yet
	last   cutRun
}

// A cutRun is what was cut last: values with nothing but a comma between.
type cutRun struct {
	open  bool // nothing has passed since
	comma bool // the comma before it is gone too
	root  bool // it was the whole text
}

// Filter begins to check a body of the declared media type that Head chose. It
// is nil where a body of this type is to be read whole, and where nothing is
// declared to check.
func (r *Reply) Filter(dst *risk.Reading, contentType string) *Filter {
	if dst.Reply == nil || dst.Media == nil {
		return nil
	}
	m := find(r.compiled(dst.Reply).media, dst.Media)
	t := parseType(contentType)
	if m == nil || !t.ok || !t.utf8() || formOf(string(lowerASCII(nil, t.media))) != jsonForm || m.schema.program() == nil {
		return nil
	}
	f := &Filter{programs: r.programs, run: r.programs.borrow(asReply), media: m}
	f.where = where{in: contract.InBody, spans: true, to: m.schema.program()}
	f.run.machine.begin(f.where.to, asReply)
	return f
}

// Release gives back what f holds. It must not be used then.
func (f *Filter) Release() {
	f.programs.giveBack(f.run)
	f.run = nil
}

// Feed reads the next piece, of which nothing is kept. dst holds then what has
// become known: the violations and marks that are new. A mark whose value has
// not ended yet ends, for now, with the piece. Offsets count from the start of
// the body.
func (f *Filter) Feed(dst *risk.Reading, piece []byte) error {
	m := &f.run.machine
	f.room = append(append(f.room[:0], f.held...), piece...) // f.held is the end of the room
	f.held = f.room
	m.feed(piece)
	return f.tell(dst)
}

// Close tells that the body has ended.
func (f *Filter) Close(dst *risk.Reading) error {
	f.ended = true
	f.run.machine.close()
	return f.tell(dst)
}

// tell moves what is new to dst.
func (f *Filter) tell(dst *risk.Reading) error {
	m := &f.run.machine
	dst.Marks = dst.Marks[:0]
	if m.reason != "" {
		badAt(dst, f.media, "syntax", "")
		return errRefuse
	}
	if len(m.final) > 0 || f.ended && !f.failed && !m.ok() {
		f.failed = true
		m.tellFailed(dst, f.where)
	}
	if m.broken {
		return errHeld
	}
	dst.Overflow = dst.Overflow || m.over || m.cells.spilled || m.lost
	dst.Unseen = m.unseen
	here := f.offset + len(f.held)
	for i := f.marked; i < len(m.marks); i++ {
		x := m.marks[i]
		if x.End == 0 {
			x.End = here
		}
		dst.Mark(x)
	}
	f.marked = len(m.marks)
	if n := len(f.cuts); n > 0 && f.cuts[n-1].End == 0 {
		f.cuts[n-1].End = m.endOf(f.cuts[n-1].Start)
	}
	return nil
}

// Cut tells that the value marked with this start must not leave. It comes
// between Feed, which has told the mark, and Take.
func (f *Filter) Cut(start int) error {
	for _, c := range f.cuts {
		if c.Start <= start && (c.End == 0 || start < c.End) {
			return nil // it goes with that
		}
	}
	if start < f.offset {
		return errGone
	}
	f.cuts = append(f.cuts, Span{start, f.run.machine.endOf(start)})
	return nil
}

// Take appends what may leave.
func (f *Filter) Take(out []byte) ([]byte, error) {
	m := &f.run.machine
	safe := f.offset + len(f.held)
	if !f.ended {
		safe = min(m.settledUpTo(), safe)
	}
	slices.SortFunc(f.cuts, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	for len(f.cuts) > 0 && f.cuts[0].Start < safe {
		c := f.cuts[0]
		if c.Start >= f.offset {
			out = f.before(out, c.Start)
		}
		if c.End == 0 {
			f.drop(f.offset + len(f.held))
			break
		}
		f.drop(c.End)
		f.cuts = f.cuts[:copy(f.cuts, f.cuts[1:])]
		for len(f.cuts) > 0 && f.cuts[0].Start < c.End {
			f.cuts = f.cuts[:copy(f.cuts, f.cuts[1:])] // within it
		}
	}
	if f.offset < safe {
		out = f.pass(out, safe)
	}
	m.forgetMarks()
	f.marked = len(m.marks)
	if len(f.held) > maxHold+maxPiece {
		return out, errHeld
	}
	return out, nil
}

// maxPiece is what a piece may add to what is held.
const maxPiece = 64 << 10

// drop forgets what is held before an offset.
func (f *Filter) drop(to int) {
	if n := to - f.offset; n > 0 {
		f.held = f.held[n:]
		f.offset = to
	}
}

// before passes what stands before a cut, but for the comma that goes with it.
func (f *Filter) before(out []byte, start int) []byte {
	part := f.held[:start-f.offset]
	if f.last.open && siblings(part) {
		f.drop(start)
		return out
	}
	at := len(part)
	for at > 0 && blank(part[at-1]) {
		at--
	}
	next := cutRun{open: true, comma: at > 0 && part[at-1] == ','}
	switch {
	case next.comma:
		out = f.pass(out, f.offset+at-1)
	case at == 0 && f.offset == 0:
		out = append(f.pass(out, start), "null"...)
		next.root = true
	default:
		out = f.pass(out, start)
	}
	f.drop(start)
	f.last = next
	return out
}

// pass moves what is held before an offset to out. Behind a cut, white space
// waits for what follows; a comma goes where none went before.
func (f *Filter) pass(out []byte, to int) []byte {
	part := f.held[:to-f.offset]
	if f.last.open && !f.last.root {
		at := 0
		for at < len(part) && blank(part[at]) {
			at++
		}
		if at == len(part) && !f.ended {
			return out
		}
		if at < len(part) && part[at] == ',' && !f.last.comma {
			part = part[at+1:]
		}
	}
	f.last.open = false
	out = append(out, part...)
	f.drop(to)
	return out
}

// settledUpTo is the offset before which everything is known: what is marked,
// and what has to go with it when it is cut.
func (m *machine) settledUpTo() int {
	for i := range m.frames {
		if !m.frames[i].settled {
			return m.frames[i].comma
		}
	}
	switch m.state {
	case withinText, behindValue, behindAll:
		return m.base + m.at
	case beforeValue, withinValue, withinTag, beforeFirst, beforeName, beforeColon, beforeItem:
	}
	return m.comma
}

// endOf is the end of the value marked with this start; 0 where it has none
// yet.
func (m *machine) endOf(start int) int {
	for i := range m.marks {
		if m.marks[i].Start == start {
			return m.marks[i].End
		}
	}
	return 0
}

// tellFailed moves the violations that are new to dst.
func (m *machine) tellFailed(dst *risk.Reading, w where) {
	if m.broken {
		m.report(dst, w)
		return
	}
	m.violations(dst, w)
	m.final, m.text = m.final[:0], m.text[:0]
}

// forgetMarks forgets the marks that have their ends.
func (m *machine) forgetMarks() {
	kept := m.marks[:0]
	for i := range m.marks {
		if m.marks[i].End != 0 {
			continue
		}
		for k, p := range m.patch {
			if p == -int32(i+1) {
				m.patch[k] = -int32(len(kept) + 1)
			}
		}
		kept = append(kept, m.marks[i])
	}
	clear(m.marks[len(kept):])
	m.marks = kept
	if len(kept) == 0 {
		m.points = 0
	}
}
