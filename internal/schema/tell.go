package schema

import (
	"strconv"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// fail notes that the value that is read, or that the acts are of that are
// being started, breaks a rule of an act.
func (m *machine) fail(i int32, rule string) {
	m.failNamed(i, found{node: m.node, rule: rule}, len(m.frames)-m.lift, "")
}

// failNamed is fail for a violation that is told, with the name of a missing
// member.
func (m *machine) failNamed(i int32, f found, frames int, name string) {
	a := &m.acts[i]
	a.failed = true
	if a.quiet {
		m.rest(i)
		return
	}
	if f.at == nil && a.p != nil {
		f.at = a.p.schema
	}
	if f, ok := m.placed(f, a.certain, frames, name); ok {
		if a.certain {
			m.final = append(m.final, f)
		} else {
			m.cells.addFound(&a.own, f)
			m.fill(i)
		}
	}
}

// fill ends an act that has all violations that it may have.
func (m *machine) fill(i int32) {
	if m.acts[i].own.count >= maxFound {
		m.rest(i)
	}
}

// placed writes the pointer of f; false where there is no room.
func (m *machine) placed(f found, certain bool, frames int, name string) (found, bool) {
	f.depth, f.name = frames-1, name
	m.steps += 2
	if name != "" {
		f.depth++
	}
	if certain {
		if len(m.final) >= maxFound || len(m.text) > maxPointers {
			m.lost = true
			m.drain()
			return f, false
		}
		f.ptr = len(m.text)
		m.text = m.pointer(m.text, frames)
		f.len = len(m.text) - f.ptr
		return f, true
	}
	if m.cells.live >= maxCells || len(m.cells.text) > maxPointers {
		m.cells.spilled = true
		return f, false
	}
	f.ptr, f.len = m.cellPointer(f.node, frames)
	return f, true
}

// cellPointer writes the pointer of what cells tell of.
func (m *machine) cellPointer(node, frames int) (ptr, length int) {
	c := &m.cells
	if c.last.frames != frames || c.last.node != node {
		at := len(c.text)
		c.text = m.pointer(c.text, frames)
		c.last = lastPointer{node: node, frames: frames, ptr: at, len: len(c.text) - at}
	}
	return c.last.ptr, c.last.len
}

// pointer appends the pointer of the value that so many frames are around.
func (m *machine) pointer(dst []byte, frames int) []byte {
	from := len(dst)
	for k := 1; k < frames; k++ {
		f := &m.frames[k]
		was := len(dst)
		if f.object && f.keyEnd-f.keyAt > maxPointer {
			return dst
		}
		dst = append(dst, '/')
		if f.object {
			dst = appendPointer(dst, string(m.nameOf(f)))
		} else {
			dst = strconv.AppendInt(dst, int64(f.count-1), 10)
		}
		if len(dst)-from > maxPointer {
			return dst[:was]
		}
	}
	return dst
}

// finally moves violations to those of the message.
func (m *machine) finally(l list) {
	for i := l.head; i != 0; i = m.cells.founds[i-1].next {
		f := m.cells.founds[i-1].found
		if len(m.final) >= maxFound {
			m.lost = true
			m.drain()
			break
		}
		at := len(m.text)
		m.text = append(m.text, m.cells.text[f.ptr:f.ptr+f.len]...)
		f.ptr = at
		m.final = append(m.final, f)
	}
	m.cells.dropFound(&l)
}

// entry notes what an act says of the value that is read next, to be ended
// with it.
func (m *machine) entry(l *list, k entryKind, s *contract.Schema) {
	if m.cells.spilled || len(m.cells.text) > maxPointers || m.cells.live >= maxCells {
		m.cells.spilled = true // from here on nothing is complete
		return
	}
	m.steps += 2
	frames := len(m.frames) - m.lift
	e := entry{kind: k, start: m.frames[frames-1].keyOff, value: m.node, schema: s}
	e.ptr, e.len = m.cellPointer(m.node, frames)
	if i := m.cells.addEntry(l, e); i != 0 {
		m.patch = append(m.patch, i)
	}
}

// mark makes a mark of the value that is read next, to be ended with it.
func (m *machine) mark(k entryKind, s *contract.Schema) {
	if m.over {
		return
	}
	frames := len(m.frames) - m.lift
	m.path = m.pointer(m.path[:0], frames)
	m.addMark(risk.Mark{Kind: k.mark(), Start: m.frames[frames-1].keyOff, Value: m.node, Schema: s}, m.path)
	if !m.over {
		m.patch = append(m.patch, -int32(len(m.marks)))
	}
}

func (m *machine) addMark(x risk.Mark, pointer []byte) {
	if m.over || len(m.marks) >= risk.MaxMarks || m.points+len(pointer) > maxPointers {
		m.over = true
		return
	}
	m.points += len(pointer)
	x.Pointer = string(pointer)
	m.marks = append(m.marks, x)
}

// patched ends entries and marks.
func (m *machine) patched(from, end int) {
	for _, i := range m.patch[from:] {
		if i > 0 {
			m.cells.entries[i-1].end = end
		} else {
			m.marks[-i-1].End = end
		}
	}
	m.patch = m.patch[:from]
}

// emit makes marks of what all schemas together say of a value.
func (m *machine) emit(l list, gone bool) {
	covered, lost := 0, 0
	for i := l.head; i != 0; i = m.cells.entries[i-1].next {
		e := &m.cells.entries[i-1].entry
		if e.value < covered {
			continue
		}
		switch {
		case e.kind == lostEntry:
			lost, m.unseen = max(lost, e.end), true
			continue
		case e.kind == silentEntry && (gone || e.value < lost):
			continue
		case e.kind.covers() || e.kind == closedEntry:
			covered = e.end
		}
		m.addMark(risk.Mark{Kind: e.kind.mark(), Start: e.start, Value: e.value, End: e.end, Schema: e.schema}, m.cells.text[e.ptr:e.ptr+e.len])
	}
	m.cells.dropEntries(&l)
}

// entriesOf are the kinds of entries that traits make in this direction.
func (m *machine) entriesOf(t traits) (out [3]entryKind, n int) {
	if t&readOnly != 0 && m.direction == asRequest {
		out[n] = readOnlyEntry
		n++
	}
	if t&writeOnly != 0 && m.direction == asReply {
		out[n] = writeOnlyEntry
		n++
	}
	if t&sensitive != 0 {
		out[n] = sensitiveEntry
		n++
	}
	return out, n
}

// noteTraits makes entries of traits.
func (m *machine) noteTraits(l *list, p *program) {
	kinds, n := m.entriesOf(p.traits)
	for _, k := range kinds[:n] {
		m.entry(l, k, p.schema)
	}
}

// markTraits makes marks of the traits that several schemas have together.
func (m *machine) markTraits(t traits, s *contract.Schema) {
	kinds, n := m.entriesOf(t)
	for _, k := range kinds[:n] {
		m.mark(k, s)
	}
}
