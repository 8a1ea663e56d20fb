package wire

import (
	"golang.org/x/net/http2/hpack"

	"github.com/sallyport/sallyport/internal/lib/canon"
)

// A flaw is what makes a field one that no request may have.
type flaw uint8

const (
	flawName  flaw = 1 << iota // the name is no token in lower case (RFC 9113 section 8.2.1)
	flawValue                  // a control character in the value
	flawBlank                  // white space around the value
)

// An entry is one of the static or the dynamic table. What can be told of the
// field was told when it came in.
type entry struct {
	name, value string // the name in canonical form, unless it is flawed
	sort        sort
	flaw        flaw
}

// size is that of RFC 7541 section 4.1.
func (e *entry) size() int { return len(e.name) + len(e.value) + 32 }

// A piece is a field of the head that is read. What of it came as a literal
// lies in the decoder's text, so that one string can be made of all.
type piece struct {
	entry
	name0, name1   int // where the name lies; 0, 0: in entry
	value0, value1 int // where the value lies
	literal        bool
}

// A decoder reads header blocks (RFC 7541) of one connection. It is written
// here, and not taken from golang.org/x/net, so that names come out in canonical
// form and fields are judged once, when they enter the table, and so that what
// is over a limit is not even made. Huffman codes are read by the library.
type decoder struct {
	table  []entry // the dynamic one, oldest first
	size   int     // of it
	limit  int     // of it, as the client has set it; tableSize at most
	fields int     // most of a head that are kept
	bytes  int     // most of a head that are kept

	list   []piece // of the head that is read
	text   []byte  // literals of it
	count  int     // fields of it
	crumbs int     // fields of it that are cookies, whose number is bounded apart
	total  int     // bytes of it
	over   bool    // it is over a limit; the rest was read for the table alone
}

// crumbsAField is how many cookies are taken for each field that may come:
// browsers send each one as a field of its own (RFC 9113 section 8.2.3).
const crumbsAField = 4

// decode reads a whole block into list and text, which are good until the next
// one. False: it is no block, and the state of the connection is lost.
func (d *decoder) decode(b []byte) bool {
	d.list, d.text = d.list[:0], d.text[:0]
	d.count, d.crumbs, d.total, d.over = 0, 0, 0, false
	for begun := false; len(b) > 0; {
		var ok bool
		switch c := b[0]; {
		case c&0x80 != 0:
			b, ok = d.indexed(b)
		case c&0xc0 == 0x40:
			b, ok = d.literal(b, 6)
		case c&0xe0 == 0x20:
			b, ok = d.resize(b)
			if !ok || begun { // RFC 7541 section 4.2: only before the first field
				return false
			}
			continue
		default: // not indexed, or never to be
			b, ok = d.literal(b, 4)
		}
		if !ok {
			return false
		}
		begun = true
	}
	return true
}

// release returns the room of a head, for the next one, unless it was a large
// one.
func (d *decoder) release() (list []piece, text []byte) {
	clear(d.list)
	list, text = d.list[:0], d.text[:0]
	d.list, d.text = nil, nil
	if cap(list) > 64 {
		list = nil
	}
	if cap(text) > 4<<10 {
		text = nil
	}
	return list, text
}

// integer reads one with a prefix of n bits (RFC 7541 section 5.1). Those beyond
// 21 bits more than the prefix are refused: nothing here has that size.
func integer(b []byte, n uint) (v int, rest []byte, ok bool) {
	most := 1<<n - 1
	v = int(b[0]) & most
	b = b[1:]
	if v < most {
		return v, b, true
	}
	for shift := 0; len(b) > 0 && shift < 28; shift += 7 {
		c := b[0]
		b = b[1:]
		v += int(c&0x7f) << shift
		if c&0x80 == 0 {
			return v, b, true
		}
	}
	return 0, nil, false
}

// lookup is the entry of an index (RFC 7541 section 2.3.3), or nil.
func (d *decoder) lookup(i int) *entry {
	switch {
	case i == 0 || i > len(static)+len(d.table):
		return nil
	case i <= len(static):
		return &static[i-1]
	}
	return &d.table[len(d.table)-(i-len(static))]
}

func (d *decoder) indexed(b []byte) ([]byte, bool) {
	i, b, ok := integer(b, 7)
	if !ok {
		return nil, false
	}
	e := d.lookup(i)
	if e == nil {
		return nil, false
	}
	if p := d.next(e.sort, len(e.name)+len(e.value)); p != nil {
		p.entry = *e
	}
	return b, true
}

// next is room for a field, or nil where the head is over a limit.
func (d *decoder) next(s sort, n int) *piece {
	if s == cookieField && d.crumbs > 0 {
		d.crumbs++
	} else {
		if s == cookieField {
			d.crumbs++
		}
		d.count++
	}
	const around = 4 // a colon, a blank and the end of the line, as in HTTP/1.1
	d.total += n + around
	if d.total > d.bytes || d.count > d.fields || d.crumbs > crumbsAField*d.fields {
		d.over = true
	}
	if d.over {
		return nil
	}
	d.list = append(d.list, piece{})
	return &d.list[len(d.list)-1]
}

// resize takes the size that the client wants the table to have (RFC 7541
// section 6.3).
func (d *decoder) resize(b []byte) ([]byte, bool) {
	n, b, ok := integer(b, 5)
	if !ok || n > tableSize {
		return nil, false
	}
	d.limit = n
	d.evict(0)
	return b, true
}

// evict makes room for an entry of a size (RFC 7541 section 4.3).
func (d *decoder) evict(n int) {
	i := 0
	for ; i < len(d.table) && d.size+n > d.limit; i++ {
		d.size -= d.table[i].size()
	}
	if i > 0 {
		kept := copy(d.table, d.table[i:])
		clear(d.table[kept:])
		d.table = d.table[:kept]
	}
}

// literal reads a field that is not in a table (RFC 7541 section 6.2).
func (d *decoder) literal(b []byte, prefix uint) ([]byte, bool) {
	i, b, ok := integer(b, prefix)
	if !ok {
		return nil, false
	}
	p, mark := piece{literal: true}, len(d.text)
	if i > 0 {
		e := d.lookup(i)
		if e == nil {
			return nil, false
		}
		p.name, p.sort, p.flaw = e.name, e.sort, e.flaw&flawName
	} else {
		if b, ok = d.string(b); !ok {
			return nil, false
		}
		p.spell(d.text, mark)
		if p.name1 == 0 {
			d.text = d.text[:mark]
		}
	}
	p.value0 = len(d.text)
	if b, ok = d.string(b); !ok {
		return nil, false
	}
	p.value1 = len(d.text)
	p.flaw |= flawOf(d.text[p.value0:])
	if prefix == 6 {
		d.insert(&p, mark)
	}
	if n := d.next(p.sort, len(p.name)+p.name1-p.name0+len(p.value)+p.value1-p.value0); n != nil {
		*n = p
	} else {
		d.text = d.text[:mark]
	}
	return b, true
}

// insert puts a field into the table, of which it then is a part.
func (d *decoder) insert(p *piece, mark int) {
	name := p.name
	if p.name1 > 0 {
		name = string(d.text[p.name0:p.name1])
	}
	e := entry{name: name, sort: p.sort, flaw: p.flaw}
	if n := e.size() + p.value1 - p.value0; n > d.limit { // RFC 7541 section 4.4: it empties the table
		d.evict(n)
		return
	}
	e.value = string(d.text[p.value0:p.value1])
	d.evict(e.size())
	d.table = append(d.table, e)
	d.size += e.size()
	d.text = d.text[:mark]
	*p = piece{entry: e}
}

// spell judges a name that came as text[at:], and brings it into canonical form.
func (p *piece) spell(text []byte, at int) {
	name := text[at:]
	if s, ok := spellings[string(name)]; ok {
		p.name, p.sort = s.name, s.sort
		return
	}
	p.name0, p.name1 = at, len(text)
	if len(name) == 0 {
		p.flaw = flawName
		return
	}
	if name[0] == ':' {
		p.sort = otherPseudo
		return
	}
	for _, c := range name {
		if !canon.TokenByte(c) || 'A' <= c && c <= 'Z' {
			p.flaw = flawName
			return
		}
	}
	canonical(name)
}

// flawOf judges a value (RFC 9113 section 8.2.1).
func flawOf(v []byte) (f flaw) {
	if len(v) == 0 {
		return 0
	}
	if canon.ValueEnd(v, 0) < len(v) {
		f = flawValue
	}
	if a, z := v[0], v[len(v)-1]; a == ' ' || a == '\t' || z == ' ' || z == '\t' {
		f |= flawBlank
	}
	return f
}

// string reads one behind text (RFC 7541 section 5.2).
func (d *decoder) string(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	coded := b[0]&0x80 != 0
	n, b, ok := integer(b, 7)
	if !ok || n > len(b) {
		return nil, false
	}
	if !coded {
		d.text = append(d.text, b[:n]...)
		return b[n:], true
	}
	_, err := hpack.HuffmanDecode((*textWriter)(&d.text), b[:n])
	return b[n:], err == nil
}

// A textWriter appends.
type textWriter []byte

func (w *textWriter) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}
