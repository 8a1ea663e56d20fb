package schema

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// Bounds of what is remembered for alternatives that are not decided.
const (
	// maxFound bounds the violations of one alternative, and those of a message.
	maxFound = 64
	// maxCells bounds all that is remembered at a time, for every alternative.
	maxCells = 5 << 10
	// maxPointer bounds a pointer: what lies deeper, or under longer names, is
	// told by the pointer of what it lies in.
	maxPointer = 4 << 10
	// maxPointers bounds the text of all pointers of a message, so that a long
	// name is not repeated for everything within it.
	maxPointers = 1 << 20
)

// found is a violation on its way.
type found struct {
	node  int    // where the value starts
	depth int    // of the value in the message
	rule  string // the keyword
	at    *contract.Schema
	ptr   int    // where the pointer starts in the text of pointers
	len   int    // of the pointer
	name  string // of a missing member, to be added to the pointer
}

// An entry is something that one schema has to say of one value and that may
// become a mark. Of members, a schema says which it does not declare.
type entry struct {
	kind   entryKind
	start  int // of the name or element
	value  int // of the value
	end    int // after the value
	schema *contract.Schema
	ptr    int
	len    int
}

type entryKind uint8

// The kinds. A silent, anything or closed entry speaks for all that is within
// the value.
const (
	silentEntry    entryKind = iota + 1 // the schema does not name the member
	openEntry                           // additionalProperties has a schema for it
	anythingEntry                       // and that accepts all
	closedEntry                         // a schema refuses it
	lostEntry                           // nobody looked within the value
	readOnlyEntry                       // the schema has this trait
	writeOnlyEntry                      // the same
	sensitiveEntry                      // the same
)

// undeclared tells whether the entry counts only where every schema has it.
func (k entryKind) undeclared() bool { return k <= anythingEntry }

// covers tells whether nothing is said of what is within the value.
func (k entryKind) covers() bool { return k == silentEntry || k == anythingEntry }

func (k entryKind) mark() risk.MarkKind {
	switch k {
	case silentEntry:
		return risk.UndeclaredSilent
	case openEntry, anythingEntry:
		return risk.UndeclaredOpen
	case closedEntry:
		return risk.UndeclaredClosed
	case readOnlyEntry:
		return risk.ReadOnlyMember
	case writeOnlyEntry:
		return risk.WriteOnlyMember
	case sensitiveEntry:
		return risk.SensitiveMember
	case lostEntry:
	}
	return 0
}

// A cell is a link of a list; 0 is none.
type foundCell struct {
	found
	next int32
}

type entryCell struct {
	entry
	next int32
}

// A list is a chain of cells of one kind.
type list struct {
	head, tail int32
	count      int32
}

// cells hold the lists of all alternatives.
type cells struct {
	founds    []foundCell
	entries   []entryCell
	freeFound int32 // chains of cells that nobody holds
	freeEntry int32
	live      int
	spilled   bool   // something was dropped
	text      []byte // of pointers
	last      lastPointer
}

// A lastPointer is the pointer that was written last: several schemas often
// have something to say of one value.
type lastPointer struct{ node, frames, ptr, len int }

func (c *cells) reset() {
	c.founds, c.entries, c.text = c.founds[:0], c.entries[:0], c.text[:0]
	c.freeFound, c.freeEntry, c.live, c.spilled, c.last = 0, 0, 0, false, lastPointer{}
}

// addFound appends f to l; no more than maxFound of a list are kept.
func (c *cells) addFound(l *list, f found) {
	if l.count >= maxFound {
		return
	}
	if c.live >= maxCells {
		c.spilled = true
		return
	}
	i := c.freeFound
	if i != 0 {
		c.freeFound = c.founds[i-1].next
		c.founds[i-1] = foundCell{found: f}
	} else {
		c.founds = append(c.founds, foundCell{found: f})
		i = int32(len(c.founds))
	}
	c.live++
	if l.tail == 0 {
		l.head = i
	} else {
		c.founds[l.tail-1].next = i
	}
	l.tail = i
	l.count++
}

// addEntry appends e to l and gives its cell, 0 where there is no room.
func (c *cells) addEntry(l *list, e entry) int32 {
	if c.live >= maxCells {
		c.spilled = true
		return 0
	}
	i := c.freeEntry
	if i != 0 {
		c.freeEntry = c.entries[i-1].next
		c.entries[i-1] = entryCell{entry: e}
	} else {
		c.entries = append(c.entries, entryCell{entry: e})
		i = int32(len(c.entries))
	}
	c.live++
	c.linkEntry(l, i)
	return i
}

func (c *cells) linkEntry(l *list, i int32) {
	c.entries[i-1].next = 0
	if l.tail == 0 {
		l.head = i
	} else {
		c.entries[l.tail-1].next = i
	}
	l.tail = i
	l.count++
}

// dropFound gives the cells of l back.
func (c *cells) dropFound(l *list) {
	if l.head != 0 {
		c.founds[l.tail-1].next = c.freeFound
		c.freeFound = l.head
		c.sink(int(l.count))
	}
	*l = list{}
}

func (c *cells) dropEntries(l *list) {
	if l.head != 0 {
		c.entries[l.tail-1].next = c.freeEntry
		c.freeEntry = l.head
		c.sink(int(l.count))
	}
	*l = list{}
}

// dropEntry gives one cell back that is in no list.
func (c *cells) dropEntry(i int32) {
	c.entries[i-1].next = c.freeEntry
	c.freeEntry = i
	c.sink(1)
}

// sink counts cells that are free again. With the last one goes the text.
func (c *cells) sink(n int) {
	if c.live -= n; c.live == 0 {
		c.text, c.last = c.text[:0], lastPointer{}
	}
}

// joinFound appends b to a. What is more than a list may hold goes.
func (c *cells) joinFound(a *list, b list) {
	switch {
	case b.head == 0:
		return
	case a.head == 0:
		*a = b
		return
	case a.count+b.count <= maxFound:
		c.founds[a.tail-1].next = b.head
		a.tail, a.count = b.tail, a.count+b.count
		return
	}
	for i := b.head; i != 0; i = c.founds[i-1].next {
		c.addFound(a, c.founds[i-1].found)
	}
	c.dropFound(&b)
}

// copyFound appends what b holds to a and leaves b as it is.
func (c *cells) copyFound(a *list, b list) {
	for i := b.head; i != 0; i = c.founds[i-1].next {
		c.addFound(a, c.founds[i-1].found)
	}
}

func (c *cells) copyEntries(a *list, b list) {
	for i := b.head; i != 0; i = c.entries[i-1].next {
		c.addEntry(a, c.entries[i-1].entry)
	}
}

func (c *cells) joinEntries(a *list, b list) {
	switch {
	case b.head == 0:
	case a.head == 0:
		*a = b
	default:
		c.entries[a.tail-1].next = b.head
		a.tail, a.count = b.tail, a.count+b.count
	}
}
