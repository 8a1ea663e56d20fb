package schema

// combine makes one list of entries of what two schemas say of the same value
// when both apply: a member is undeclared if neither names it. The lists are in
// the order of the text, what is within a value behind it; both are used up.
func (c *cells) combine(a, b list) list {
	var out list
	x, y := cursor{c: c, at: a.head}, cursor{c: c, at: b.head}
	for x.at != 0 || y.at != 0 {
		e, f := x.peek(), y.peek()
		switch {
		case f == nil || e != nil && before(e, f):
			c.settle(&out, &x, &y)
		case e == nil || before(f, e):
			c.settle(&out, &y, &x)
		default: // both speak of the same value in the same way
			x.cover(e)
			y.cover(f)
			merge(e, f)
			i, k := x.take(), y.take()
			c.linkEntry(&out, i)
			c.dropEntry(k)
		}
	}
	return out
}

// overlay makes one list in which a member is undeclared if either list says so.
func (c *cells) overlay(a, b list) list {
	var out list
	x, y := cursor{c: c, at: a.head}, cursor{c: c, at: b.head}
	for x.at != 0 || y.at != 0 {
		e, f := x.peek(), y.peek()
		switch {
		case f == nil || e != nil && before(e, f):
			c.linkEntry(&out, x.take())
		case e == nil || before(f, e):
			c.linkEntry(&out, y.take())
		default:
			merge(e, f)
			i, k := x.take(), y.take()
			c.linkEntry(&out, i)
			c.dropEntry(k)
		}
	}
	return out
}

// move moves the entries of values that start before an offset.
func (c *cells) move(to, from *list, before int) {
	for i := from.head; i != 0 && c.entries[i-1].value < before; i = from.head {
		from.head = c.entries[i-1].next
		from.count--
		c.linkEntry(to, i)
	}
	if from.head == 0 {
		*from = list{}
	}
}

// settle moves what only x has; y may be silent of all around it.
func (c *cells) settle(out *list, x, y *cursor) {
	e := x.peek()
	x.cover(e)
	if e.kind.undeclared() && e.value >= y.covered {
		c.dropEntry(x.take()) // the other one declares it
		return
	}
	c.linkEntry(out, x.take())
}

// A cursor goes along a list.
type cursor struct {
	c       *cells
	at      int32
	covered int // up to where the list is silent
}

func (k *cursor) peek() *entry {
	if k.at == 0 {
		return nil
	}
	return &k.c.entries[k.at-1].entry
}

func (k *cursor) take() int32 {
	i := k.at
	k.at = k.c.entries[i-1].next
	return i
}

func (k *cursor) cover(e *entry) {
	if e.kind.covers() {
		k.covered = max(k.covered, e.end)
	}
}

// before orders entries by value, and those of one value by class.
func before(a, b *entry) bool {
	if a.value != b.value {
		return a.value < b.value
	}
	return class(a.kind) < class(b.kind)
}

// class is the same for kinds that merge.
func class(k entryKind) entryKind {
	if k <= anythingEntry {
		return silentEntry
	}
	return k
}

// merge makes e what two schemas say of one value. Of a trait the last one is
// named, of what nobody declares the first one that speaks of members.
func merge(e, f *entry) {
	if e.kind > lostEntry || e.schema == nil {
		e.schema = f.schema
	}
	e.kind = max(e.kind, f.kind)
}
