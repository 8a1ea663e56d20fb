package ledger

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/source"
)

// Codes of what Verify finds. Each has a page in the help.
const (
	CodeSegmentMissing = source.Code("ledger/segment-missing") // and no tombstone explains it
	CodeHeadsMissing   = source.Code("ledger/heads-missing")   // a segment without its heads
	CodeTruncated      = source.Code("ledger/truncated")       // fewer records than a head signed
	CodeChanged        = source.Code("ledger/changed")         // the records have another root than a head signed
	CodeUnreadable     = source.Code("ledger/unreadable")      // the bytes are no record
	CodeHeader         = source.Code("ledger/header")          // the header of a segment is not right
	CodeBadHead        = source.Code("ledger/bad-head")        // a line that is no head
	CodeSignature      = source.Code("ledger/signature")       // a head is not signed by the key
	CodeChain          = source.Code("ledger/chain")           // a head does not follow the one before
	CodeUnsigned       = source.Code("ledger/unsigned")        // records that no head covers in a segment that is over
	CodeMirror         = source.Code("ledger/mirror")          // the mirror has heads that the log has not
	CodeNoLog          = source.Code("ledger/no-log")          // the folder holds no log, or cannot be read
)

// maxProblems bounds the problems of one report.
const maxProblems = 100

// A Problem is one thing in the log that is not as it was written.
type Problem struct {
	Code   source.Code
	File   string
	Record uint64 // its sequence number, where one is known
	Line   int    // of a heads file or the mirror, from 1
	Text   string
}

// String is the problem on one line, with its place.
func (p Problem) String() string {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d", place, p.Line)
	}
	if p.Record > 0 {
		place = fmt.Sprintf("%s record %d", place, p.Record)
	}
	return fmt.Sprintf("%s: %s: %s", place, p.Code, p.Text)
}

// VerifyOptions say what the files are compared with.
type VerifyOptions struct {
	// PublicKey is the key that must have signed. Without it the key beside the
	// log is taken, which whoever replaced the log may have replaced as well.
	PublicKey ed25519.PublicKey
	// Mirror is a copy of the heads that was kept elsewhere.
	Mirror string
}

// A Report is what Verify found.
type Report struct {
	Records   uint64 // that were read
	Segments  int
	Heads     int
	First     uint64 // sequence numbers of the first and last record
	Last      uint64
	Unsigned  uint64 // records at the end that no head covers yet
	Torn      int64  // bytes at the end that are no whole record, after a crash or while one is written
	Deleted   uint64 // segments that retention deleted before First, as tombstones say
	Open      int    // intents without their exchange at the end
	Key       string // fingerprint of the key
	Pinned    bool   // the key was given, not taken from beside the log
	Mirrored  int    // heads of the mirror that the log has
	Problems  []Problem
	Truncated bool // more problems than the report holds
}

// OK tells whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Verify reads the log of a folder and checks every record against the tree,
// every tree against its heads, and every head against the key and the one
// before. It reads files only and may run while the log is written. What it
// cannot find is listed in docs/formats/ledger.md. An error means that the
// check could not be made.
func Verify(dir string, opt VerifyOptions) (*Report, error) {
	v := &verifier{dir: dir, key: opt.PublicKey, report: &Report{Pinned: opt.PublicKey != nil}, tombs: map[uint64]Head{}, open: openIntents{}}
	if v.key == nil {
		key, err := ReadPublicKey(filepath.Join(dir, publicFile))
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", dir, err)
		}
		v.key = key
	}
	v.report.Key = Fingerprint(v.key)
	all, err := segments(dir)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	if opt.Mirror != "" {
		if err := v.loadMirror(opt.Mirror); err != nil {
			return nil, fmt.Errorf("verify %s: %w", dir, err)
		}
	}
	if len(all) == 0 && len(v.mirror) == 0 {
		v.problem(Problem{Code: CodeNoLog, File: dir, Text: "there is no segment"})
	}
	for i, n := range all {
		if err := v.segment(n, i == len(all)-1); err != nil {
			return nil, fmt.Errorf("verify %s: %w", dir, err)
		}
	}
	v.explainStart(all)
	v.endMirror(opt.Mirror)
	v.report.Open = len(v.open)
	return v.report, nil
}

// A verifier is the state of one Verify.
type verifier struct {
	dir    string
	key    ed25519.PublicKey
	report *Report

	next  uint64 // number of the segment that must come
	seq   uint64 // sequence number that its first record must have
	prev  hash   // of the last head
	start hash   // what the very first head says of the one before it
	tombs map[uint64]Head
	open  openIntents

	mirror  map[hash]int // lines of the mirror
	order   []int        // of the mirror's lines that were met
	mirrorN int
}

func (v *verifier) problem(p Problem) {
	if len(v.report.Problems) == maxProblems {
		v.report.Truncated = true
		return
	}
	v.report.Problems = append(v.report.Problems, p)
}

// segment checks one segment with its heads.
func (v *verifier) segment(number uint64, last bool) error {
	name := segmentName(v.dir, number)
	v.report.Segments++
	if v.next != 0 && number != v.next {
		v.problem(Problem{Code: CodeSegmentMissing, File: segmentName(v.dir, v.next), Text: fmt.Sprintf("segments %d to %d are missing", v.next, number-1)})
		v.seq = 0 // what the sequence was to be is not known
	}
	v.next = number + 1
	heads, err := v.heads(number, last)
	if err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() // read only
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(f, header); err != nil {
		if !last || len(heads) > 0 {
			v.problem(Problem{Code: CodeHeader, File: name, Text: "the header is not whole"})
		}
		return nil
	}
	first, err := parseHeader(header, number)
	if err != nil {
		v.problem(Problem{Code: CodeHeader, File: name, Text: err.Error()})
		return nil
	}
	if v.seq != 0 && first != v.seq {
		v.problem(Problem{Code: CodeHeader, File: name, Record: first, Text: fmt.Sprintf("begins with record %d, want %d", first, v.seq)})
	}
	if v.report.First == 0 {
		v.report.First = first
	}
	c := segmentCheck{verifier: v, name: name, number: number, first: first, heads: heads, last: last}
	return c.run(f)
}

// heads reads and checks the heads of one segment and returns those that speak
// of it.
func (v *verifier) heads(number uint64, last bool) ([]headLine, error) {
	name := headsName(v.dir, number)
	var own []headLine
	err := eachLine(name, func(l headLine) error {
		if l.err != nil {
			v.problem(Problem{Code: CodeBadHead, File: name, Line: l.number, Text: errHead.Error()})
			v.prev = l.hash
			return nil
		}
		v.head(name, &l)
		if l.head.Kind == headTomb {
			v.tombs[l.head.Segment] = l.head
			return nil
		}
		if l.head.Segment != number {
			v.problem(Problem{Code: CodeChain, File: name, Line: l.number, Text: fmt.Sprintf("speaks of segment %d", l.head.Segment)})
			return nil
		}
		l.text = nil // it is only valid now
		own = append(own, l)
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if !last {
			v.problem(Problem{Code: CodeHeadsMissing, File: name, Text: "the segment has no heads"})
		}
	case errors.Is(err, errTornHead):
		if !last {
			v.problem(Problem{Code: CodeBadHead, File: name, Text: err.Error()})
		}
	case err != nil:
		return nil, err
	}
	return own, nil
}

// head checks one head by itself and against the one before.
func (v *verifier) head(name string, l *headLine) {
	if v.report.Heads++; v.report.Heads == 1 {
		v.start = l.head.Prev
	} else if l.head.Prev != v.prev {
		v.problem(Problem{Code: CodeChain, File: name, Line: l.number, Text: "does not follow the head before it"})
	}
	v.prev = l.hash
	if err := l.verify(v.key); err != nil {
		v.problem(Problem{Code: CodeSignature, File: name, Line: l.number, Text: err.Error()})
	}
	if at, ok := v.mirror[l.hash]; ok {
		v.order = append(v.order, at)
		v.report.Mirrored++
	}
}

// explainStart checks that what is missing before the first segment was
// deleted by retention.
func (v *verifier) explainStart(all []uint64) {
	if len(all) == 0 {
		return
	}
	lowest := all[0]
	if lowest == 1 {
		if v.report.Heads > 0 && v.start != (hash{}) {
			v.problem(Problem{Code: CodeChain, File: headsName(v.dir, 1), Line: 1, Text: "the first head follows one that is missing"})
		}
		return
	}
	tomb, ok := v.tombs[lowest-1]
	if !ok {
		v.problem(Problem{Code: CodeSegmentMissing, File: segmentName(v.dir, lowest-1), Text: fmt.Sprintf("segments up to %d are missing, and no tombstone says why", lowest-1)})
		return
	}
	v.report.Deleted = lowest - 1
	if v.report.First != 0 && tomb.First+tomb.Count != v.report.First {
		v.problem(Problem{Code: CodeHeader, File: segmentName(v.dir, lowest), Record: v.report.First, Text: fmt.Sprintf("the log before ended at record %d", tomb.First+tomb.Count-1)})
	}
}

// loadMirror reads the copy of the heads. Every line must be a head with a
// good signature, or it says nothing.
func (v *verifier) loadMirror(name string) error {
	v.mirror = map[hash]int{}
	err := eachLine(name, func(l headLine) error {
		v.mirrorN = l.number
		err := l.err
		if err == nil {
			err = l.verify(v.key)
		}
		if err != nil {
			v.problem(Problem{Code: CodeSignature, File: name, Line: l.number, Text: err.Error()})
			return nil
		}
		v.mirror[l.hash] = l.number
		return nil
	})
	if errors.Is(err, errTornHead) {
		return nil // its last line is still on the way
	}
	return err
}

// endMirror reports what the mirror has and the log has not.
func (v *verifier) endMirror(name string) {
	if len(v.mirror) == 0 {
		return
	}
	last := 0
	for _, line := range v.order {
		last = max(last, line)
	}
	newest := 0
	for _, line := range v.mirror {
		newest = max(newest, line)
	}
	if last < newest {
		v.problem(Problem{Code: CodeMirror, File: name, Line: last + 1, Text: fmt.Sprintf("the log lacks this head and those after it, up to line %d", newest)})
	}
}
