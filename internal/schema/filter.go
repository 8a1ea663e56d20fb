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
	errHeld     = errors.New("too much of the body hangs on what comes later")
	errGone     = errors.New("what has to be cut has left already")
	errRefuse   = errors.New("the body is not what its media type says")
	errUnmarked = errors.New("what has to be cut was not marked")
)

// A Filter checks a body while it passes and takes out what must not leave,
// with the same result as Body and Cut have on the whole. It holds back only
// what is not decided: it knows a member by its name, but where alternatives
// are open, only at the end of the value that they are about. How a body is
// read depends on its form: one JSON text, many, text, or nothing that is
// checked.
//
//	Feed a piece; Cut what of the marks must not leave; Take what may.
//
// A Filter belongs to one goroutine.
type Filter struct {
	programs *Programs
	run      *run
	media    *compiledMedia
	where    where
	reads    reading

	start  int  // where the JSON text that is read starts in the body
	done   bool // that text has ended
	failed bool // its violations were told
	marked int  // marks of the machine that were told

	held   []byte // of the body, from offset on; it lies in room
	room   []byte
	offset int
	ended  bool
	told   []toldMark // since the last Take
	cuts   []cut      // in order; the last may have no end yet
	last   cutRun
}

// A reading is how a Filter reads bodies of one form.
type reading interface {
	// feed reads the next piece and tells dst.
	feed(f *Filter, dst *risk.Reading, piece []byte) error
	// close tells dst what becomes known at the end.
	close(f *Filter, dst *risk.Reading) error
	// settled is the offset before which everything is known.
	settled(f *Filter) int
	// cuts tells whether something can be cut from such bodies.
	cuts() bool
}

// A toldMark is a mark that may be cut now.
type toldMark struct {
	Span
	whole bool // it is of a whole JSON text
}

// A cut is a span that must not leave; a whole text becomes null.
type cut struct {
	Span
	whole bool
}

// A cutRun is what was cut last: values with nothing but a comma between.
type cutRun struct {
	open  bool // nothing has passed since
	comma bool // the comma before it is gone too
	whole bool // it was a whole text
}

// Filter begins to check a body of which Head has read the head. It is nil
// where a body of this type can only be read whole: forms, parts and XML, and
// what is not in UTF-8. Where nothing is declared to check, it says so and lets
// everything pass, as Body does.
func (r *Reply) Filter(dst *risk.Reading, contentType string) *Filter {
	if dst.Reply == nil || dst.Media == nil {
		return &Filter{programs: r.programs, run: r.programs.borrow(asReply), reads: opaque{undeclared: dst.Reply != nil}}
	}
	m := find(r.compiled(dst.Reply).media, dst.Media)
	t := parseType(contentType)
	if m == nil || !t.ok {
		return nil
	}
	f := &Filter{programs: r.programs, media: m, where: where{in: contract.InBody, spans: true, to: m.schema.program()}}
	if f.reads = readingOf(m, t, formOf(string(lowerASCII(nil, t.media)))); f.reads == nil {
		return nil
	}
	switch x := f.reads.(type) {
	case *items:
		f.where = f.where.nth(0, 0)
		f.where.to = m.itemProgram()
	case *prose:
		f.where.spans, f.where.to = false, x.program
	}
	f.run = r.programs.borrow(asReply)
	f.run.machine.begin(f.where.to, asReply)
	return f
}

// readingOf is how bodies of a form are read in pieces, nil where they are not.
func readingOf(m *compiledMedia, t mediaType, form form) reading {
	switch form {
	case jsonForm:
		if t.utf8() {
			return oneText{}
		}
	case linesForm:
		if t.utf8() {
			return &items{separator: '\n'}
		}
	case sequenceForm:
		if t.utf8() {
			return &items{separator: recordSeparator, before: true}
		}
	case textForm:
		return proseOf(m, t)
	case binaryForm:
		return &counted{}
	case otherForm, eventsForm:
		if m.binary {
			return &counted{}
		}
		return opaque{}
	case urlForm, partsForm, xmlForm: // their members are known as wholes, and nothing of them can be cut
	}
	return nil
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
	if cap(f.held)-len(f.held) < len(piece) {
		if need := 2 * (len(f.held) + len(piece)); cap(f.room) < need { // so that much is moved seldom
			f.room = make([]byte, 0, need)
		}
		f.held = append(f.room[:0], f.held...)
	}
	f.held = append(f.held, piece...)
	dst.Marks = dst.Marks[:0]
	return f.reads.feed(f, dst, piece)
}

// Close tells that the body has ended.
func (f *Filter) Close(dst *risk.Reading) error {
	f.ended = true
	dst.Marks = dst.Marks[:0]
	return f.reads.close(f, dst)
}

// Cuts tells whether something may be cut from the body. Otherwise it leaves as
// it came, or not at all.
func (f *Filter) Cuts() bool { return f.reads.cuts() }

// end is the offset up to which the body was fed.
func (f *Filter) end() int { return f.offset + len(f.held) }

// Settled is the offset before which no mark will begin any more.
func (f *Filter) Settled() int {
	if f.ended {
		return f.end()
	}
	return min(f.reads.settled(f), f.end())
}

// tell moves what is new of the text that is read to dst.
func (f *Filter) tell(dst *risk.Reading) error {
	m := &f.run.machine
	if m.reason != "" {
		badAt(dst, f.media, "syntax", f.where.prefix)
		return errRefuse
	}
	if f.where.to == nil {
		dst.Unchecked = true
		return nil
	}
	if len(m.final) > 0 || f.done && !f.failed && !m.ok() {
		f.failed = true
		m.tellFailed(dst, f.where)
	}
	if m.broken {
		return errHeld
	}
	dst.Overflow = dst.Overflow || m.over || m.cells.spilled || m.lost
	dst.Unseen = dst.Unseen || m.unseen
	f.tellMarks(dst)
	if n := len(f.cuts); n > 0 && f.cuts[n-1].End == 0 {
		f.cuts[n-1].End = f.endOf(f.cuts[n-1].Start)
	}
	return nil
}

// tellMarks moves the marks that are new to dst.
func (f *Filter) tellMarks(dst *risk.Reading) {
	m := &f.run.machine
	for i := f.marked; i < len(m.marks); i++ {
		x := m.marks[i]
		whole := x.Pointer == ""
		x.Pointer = f.where.prefix + x.Pointer
		if !f.where.spans {
			x.Start, x.Value, x.End = 0, 0, 0
			dst.Mark(x)
			continue
		}
		t := toldMark{Span{x.Start + f.start, 0}, whole}
		if x.End != 0 {
			t.End = x.End + f.start
		}
		f.told = append(f.told, t)
		x.Start, x.Value, x.End = t.Start, x.Value+f.start, t.End
		if x.End == 0 {
			x.End = f.end()
		}
		dst.Mark(x)
	}
	f.marked = len(m.marks)
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
	for _, t := range f.told {
		if t.Start == start {
			f.cuts = append(f.cuts, cut(t))
			return nil
		}
	}
	return errUnmarked
}

// Take appends what may leave.
func (f *Filter) Take(out []byte) ([]byte, error) {
	m := &f.run.machine
	safe := f.Settled()
	slices.SortFunc(f.cuts, func(a, b cut) int { return cmp.Compare(a.Start, b.Start) })
	for len(f.cuts) > 0 && f.cuts[0].Start < safe {
		c := f.cuts[0]
		if c.Start >= f.offset {
			out = f.before(out, c)
		}
		if c.End == 0 {
			f.drop(f.end())
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
	f.told = f.told[:0]
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
func (f *Filter) before(out []byte, c cut) []byte {
	part := f.held[:c.Start-f.offset]
	if f.last.open && siblings(part) {
		f.drop(c.Start)
		return out
	}
	at := len(part)
	for at > 0 && blank(part[at-1]) {
		at--
	}
	next := cutRun{open: true, comma: at > 0 && part[at-1] == ','}
	switch {
	case c.whole:
		out = append(f.pass(out, c.Start), "null"...)
		next = cutRun{open: true, whole: true}
	case next.comma:
		out = f.pass(out, f.offset+at-1)
	default:
		out = f.pass(out, c.Start)
	}
	f.drop(c.Start)
	f.last = next
	return out
}

// pass moves what is held before an offset to out. Behind a cut, white space
// waits for what follows; a comma goes where none went before.
func (f *Filter) pass(out []byte, to int) []byte {
	part := f.held[:to-f.offset]
	if f.last.open && !f.last.whole {
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

// endOf is the end of the value of the text that is read marked with this
// start; 0 where it has none yet.
func (f *Filter) endOf(start int) int {
	for i := range f.run.machine.marks {
		if x := &f.run.machine.marks[i]; x.Start+f.start == start && x.End != 0 {
			return x.End + f.start
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
