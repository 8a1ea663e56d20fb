package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// A segmentCheck compares the records of one segment with its heads.
type segmentCheck struct {
	*verifier
	name   string
	number uint64
	first  uint64
	heads  []headLine // not yet met
	last   bool       // no segment follows
	tree   tree
	signed uint64
	ended  bool
}

// run reads the records behind the header.
func (c *segmentCheck) run(f *os.File) error {
	records := newFrames(f, headerSize)
	c.meet()
	var err error
	for err == nil {
		var frame []byte
		if frame, err = records.next(); err == nil {
			kind, id := peek(frame[frameHead:])
			c.open.note(kind, id, place{segment: c.number, seq: c.first + c.tree.n})
			c.tree.add(leaf(frame))
			c.meet()
		}
	}
	c.report.Records += c.tree.n
	c.seq = c.first + c.tree.n
	if c.report.Last < c.seq-1 {
		c.report.Last = c.seq - 1
	}
	switch {
	case errors.Is(err, io.EOF):
	case !errors.Is(err, errTorn):
		return err
	case c.last && len(c.heads) == 0 && !c.ended:
		info, err := f.Stat()
		if err != nil {
			return err
		}
		c.report.Torn = info.Size() - records.offset
	default:
		c.problem(Problem{Code: CodeUnreadable, File: c.name, Record: c.seq, Text: fmt.Sprintf("at byte %d: %v", records.offset, err)})
	}
	c.end(errors.Is(err, io.EOF))
	return nil
}

// meet checks the heads that cover exactly the records so far.
func (c *segmentCheck) meet() {
	for len(c.heads) > 0 && c.heads[0].head.Count <= c.tree.n {
		l := &c.heads[0]
		at := Problem{File: headsName(c.dir, c.number), Line: l.number, Record: c.first + c.tree.n - 1}
		switch {
		case l.head.First != c.first:
			at.Code, at.Text = CodeHeader, fmt.Sprintf("signed as beginning with record %d, found %d", l.head.First, c.first)
			c.problem(at)
		case l.head.Count < c.tree.n || c.ended:
			at.Code, at.Text = CodeChain, "covers fewer records than the head before it, or follows the end"
			c.problem(at)
		case l.head.Root != c.tree.root():
			at.Code = CodeChanged
			at.Text = fmt.Sprintf("records %d to %d are not those that were signed", c.first+c.signed, c.first+c.tree.n-1)
			at.File, at.Line = c.name, 0
			at.Record = c.first + c.signed
			c.problem(at)
		}
		c.signed, c.ended = c.tree.n, c.ended || l.head.Kind == headEnd
		c.heads = c.heads[1:]
	}
}

// end checks that the heads cover all records where they must.
func (c *segmentCheck) end(whole bool) {
	if n := len(c.heads); n > 0 && whole {
		c.problem(Problem{Code: CodeTruncated, File: c.name, Record: c.seq, Text: fmt.Sprintf("%d records were signed, %d are there", c.heads[n-1].head.Count, c.tree.n)})
		return
	}
	beyond := c.tree.n - c.signed
	switch {
	case c.last && !c.ended:
		c.report.Unsigned = beyond
	case c.ended && beyond > 0:
		c.problem(Problem{Code: CodeUnsigned, File: c.name, Record: c.first + c.signed, Text: fmt.Sprintf("%d records stand behind the end of the segment", beyond)})
	case !c.ended && len(c.heads) == 0:
		c.problem(Problem{Code: CodeUnsigned, File: c.name, Record: c.first + c.signed, Text: "a segment follows, but no head signs the end of this one"})
	}
}
