package schema

import (
	"bytes"
	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// oneText reads a body of one JSON text.
type oneText struct{}

func (oneText) feed(f *Filter, dst *risk.Reading, piece []byte) error {
	f.run.machine.feed(piece)
	return f.tell(dst)
}

func (oneText) close(f *Filter, dst *risk.Reading) error { return f.endText(dst) }

func (oneText) settled(f *Filter) int { return f.start + f.run.machine.settledUpTo() }

// endText ends the text that is read.
func (f *Filter) endText(dst *risk.Reading) error {
	f.done = true
	f.run.machine.close()
	return f.tell(dst)
}

// recordSeparator stands before each text of a sequence (RFC 7464).
const recordSeparator = 0x1e

// items reads a body of many JSON texts, one after the other, each like a body
// of one: what is held is of one text at a time, so that such a body may be
// without end.
type items struct {
	separator byte
	before    bool // it stands before each text, not behind
	open      bool // a text has begun
	last      byte // of the text
	count     int  // texts before this one
}

func (s *items) feed(f *Filter, dst *risk.Reading, piece []byte) error {
	for at := f.end() - len(piece); len(piece) > 0; {
		n := bytes.IndexByte(piece, s.separator)
		part := piece
		if n >= 0 {
			part = piece[:n]
		}
		if len(part) > 0 {
			if s.before && !s.open {
				badBody(dst, f.media, "syntax")
				return errRefuse
			}
			s.open, s.last = true, part[len(part)-1]
			f.run.machine.feed(part)
		}
		if n < 0 {
			break
		}
		if err := s.next(f, dst, at+n); err != nil {
			return err
		}
		at, piece = at+n+1, piece[n+1:]
	}
	if s.open {
		return f.tell(dst)
	}
	return nil
}

// next goes on behind the separator at an offset.
func (s *items) next(f *Filter, dst *risk.Reading, at int) error {
	switch {
	case !s.before:
		if err := f.endText(dst); err != nil {
			return err
		}
		s.count++
	case s.open:
		if err := s.whole(f, dst, at); err != nil {
			return err
		}
		s.count++
	}
	s.open, s.last = s.before, 0
	f.where = f.where.nth(0, s.count)
	f.start, f.done, f.failed, f.marked = at+1, false, false, 0
	f.run.machine.begin(f.where.to, asReply)
	return nil
}

// whole ends a text of a sequence, which has to end with a line feed: one that
// is cut off has none.
func (s *items) whole(f *Filter, dst *risk.Reading, at int) error {
	if at == f.start || s.last != '\n' {
		badAt(dst, f.media, "syntax", f.where.prefix)
		return errRefuse
	}
	return f.endText(dst)
}

func (s *items) close(f *Filter, dst *risk.Reading) error {
	switch {
	case !s.open:
		return nil
	case s.before:
		return s.whole(f, dst, f.end())
	}
	return f.endText(dst)
}

func (s *items) settled(f *Filter) int { return f.start + f.run.machine.settledUpTo() }

// prose reads text: whether it is UTF-8, and what its schema says of a string.
type prose struct {
	program *program // nil: nothing more is checked
	begun   bool
	bad     bool // the text is in another encoding
	part    []byte
	other   bool // the schema is of no string
}

// proseOf is how text of a type is read.
func proseOf(m *compiledMedia, t mediaType) *prose {
	p := &prose{bad: !t.utf8()}
	switch {
	case m.media.Schema == nil || m.binary:
	case m.schema.from != nil && wants(m.schema.from)&contract.StringType == 0:
		p.other = true
	default:
		p.program = m.schema.program()
	}
	return p
}

func (p *prose) feed(f *Filter, dst *risk.Reading, piece []byte) error {
	if !p.begun {
		p.begun = true
		if p.bad {
			badBody(dst, f.media, "charset")
		}
		dst.Unchecked = dst.Unchecked || p.other
		f.run.machine.feed([]byte{'"'})
	}
	if p.bad {
		return nil
	}
	p.part = append(p.part, piece...)
	n := len(p.part) - unfinishedRune(p.part)
	if !utf8.Valid(p.part[:n]) {
		return p.spoil(f, dst)
	}
	if p.program == nil {
		p.part = append(p.part[:0], p.part[n:]...)
		return nil
	}
	value := appendString(f.run.value[:0], string(p.part[:n]))
	f.run.value = value
	p.part = append(p.part[:0], p.part[n:]...)
	f.run.machine.feed(value[1 : len(value)-1])
	return f.tell(dst)
}

// spoil notes, once, that the text is not UTF-8. Then nothing more is checked.
func (p *prose) spoil(f *Filter, dst *risk.Reading) error {
	p.bad = true
	badBody(dst, f.media, "charset")
	return nil
}

func (p *prose) close(f *Filter, dst *risk.Reading) error {
	switch {
	case p.bad || !p.begun:
		return nil
	case len(p.part) > 0:
		return p.spoil(f, dst)
	case p.program == nil:
		return nil
	}
	f.run.machine.feed([]byte{'"'})
	return f.endText(dst)
}

func (p *prose) settled(f *Filter) int { return f.end() }

// unfinishedRune is the length of what may be the beginning of a character at
// the end of text.
func unfinishedRune(text []byte) int {
	for n := 1; n <= min(utf8.UTFMax, len(text)); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// counted reads what is no text: its length is checked.
type counted struct {
	length int
	told   bool
}

func (c *counted) feed(f *Filter, dst *risk.Reading, piece []byte) error {
	c.length += len(piece)
	dst.Unchecked = dst.Unchecked || !f.media.plain
	if !c.told && tooLong(f.media.media.Schema, c.length) {
		return c.close(f, dst)
	}
	return nil
}

func (c *counted) close(f *Filter, dst *risk.Reading) error {
	if !c.told && c.length > 0 {
		c.told = true
		f.run.byteLimits(dst, f.media.media.Schema, c.length, "")
	}
	return nil
}

func (c *counted) settled(f *Filter) int { return f.end() }

// tooLong tells whether so many bytes are over the length that s allows.
func tooLong(s *contract.Schema, n int) bool {
	for k := 0; s != nil && k < maxFollow; k, s = k+1, s.Ref {
		if s.MaxLength >= 0 && n > s.MaxLength {
			return true
		}
	}
	return false
}

// opaque reads nothing: no schema is declared for the body, or none that can
// be checked.
type opaque struct {
	undeclared bool // the reply is declared, but not with this media type
}

func (o opaque) feed(f *Filter, dst *risk.Reading, _ []byte) error {
	switch {
	case o.undeclared:
		untyped(dst, dst.Reply.At)
	case f.media != nil:
		dst.Unchecked = dst.Unchecked || f.media.media.Schema != nil
	}
	return nil
}

func (opaque) close(*Filter, *risk.Reading) error { return nil }

func (opaque) settled(f *Filter) int { return f.end() }

func (oneText) cuts() bool  { return true }
func (*items) cuts() bool   { return true }
func (*prose) cuts() bool   { return false }
func (*counted) cuts() bool { return false }
func (opaque) cuts() bool   { return false }
