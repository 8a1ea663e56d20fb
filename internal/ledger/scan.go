package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/sallyport/sallyport/event"
)

// A Query says which events are wanted. Every zero field means any; all that
// are set must hold.
type Query struct {
	ID        event.ID
	From, To  time.Time // event.Time is in [From, To)
	API       string
	Operation string
	Risk      string // decided, or would have denied
	Decision  event.Decision
	Kind      event.Kind
	Status    int
	Pseudonym string // of the caller
	Subject   string // of the caller; needs the keys, and finds nothing once it is erased
}

// A Reader reads the log of a folder while or after it is written. It takes no
// lock and keeps no state. Keys opens the personal fields; without it they
// stay sealed.
type Reader struct {
	Dir  string
	Keys Keys
}

// Erased stands in the personal fields of an event whose key was destroyed.
const Erased = "erased"

// ErrNotFound is what Get returns when no record has the id.
var ErrNotFound = errors.New("no record has this id")

// Scan yields the events that q asks for, in the order of the log, with a
// bounded use of memory. A record that cannot be read ends the scan with an
// error, but for a record that is just being written at the very end.
func (r Reader) Scan(ctx context.Context, q Query) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		m, err := r.matcher(q)
		if errors.Is(err, ErrErased) {
			return
		}
		var all []uint64
		if err == nil {
			all, err = segments(r.Dir)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for i, n := range all {
			if i < len(all)-1 && r.before(n, q.From) {
				continue
			}
			s := scan{reader: r, match: m, yield: yield, last: i == len(all)-1}
			if !s.segment(ctx, n, 0) {
				return
			}
		}
	}
}

// Get returns the records of one id in the order of the log: an intent and its
// exchange, as a rule.
func (r Reader) Get(ctx context.Context, id event.ID) ([]*event.Event, error) {
	const early = time.Hour // an id may be a little older than the clock of the segment
	from := time.UnixMilli(id.Milli()).Add(-early)
	var all []*event.Event
	m, err := r.matcher(Query{ID: id})
	if err != nil {
		return nil, err
	}
	numbers, err := segments(r.Dir)
	if err != nil {
		return nil, err
	}
	for i, n := range numbers {
		last := i == len(numbers)-1
		if !last && r.before(n, from) {
			continue
		}
		var failed error
		s := scan{reader: r, match: m, last: last, yield: func(e *event.Event, err error) bool {
			if err != nil {
				failed = err
				return false
			}
			all = append(all, e)
			return e.Kind == event.Intent || e.Kind == event.StreamOpen || e.Kind == event.StreamMark
		}}
		if !s.segment(ctx, n, 0) {
			return all, failed
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return all, nil
}

// before tells whether a segment ended before t, so that no event in it is as
// late: an event is older than the head that covers it.
func (r Reader) before(number uint64, t time.Time) bool {
	if t.IsZero() {
		return false
	}
	_, h, err := endHead(r.Dir, number)
	return err == nil && h.Kind == headEnd && h.Time.Before(t)
}

// A scan reads one segment after the other.
type scan struct {
	reader  Reader
	match   matcher
	yield   func(*event.Event, error) bool
	last    bool   // a torn record at the end is still being written
	offset  int64  // where the last whole record ended
	seq     uint64 // of the next record, when reading goes on at offset
	stopped bool   // yield wants no more
	err     error
}

// segment reads the records of one segment from an offset on. It returns false
// when the scan is over.
func (s *scan) segment(ctx context.Context, number uint64, from int64) bool {
	f, err := os.Open(segmentName(s.reader.Dir, number))
	if errors.Is(err, fs.ErrNotExist) {
		s.offset = from
		return true // retention was faster; what else is missing is for Verify to find
	}
	if err != nil {
		return s.fail(fmt.Errorf("read segment %d: %w", number, err))
	}
	defer f.Close() // read only
	if from == 0 {
		if from, s.seq = headerSize, 0; s.last {
			if info, err := f.Stat(); err == nil && info.Size() < headerSize {
				s.offset = 0
				return true
			}
		}
		if s.seq, err = firstOf(f, number); err != nil {
			return s.fail(fmt.Errorf("read segment %d: %w", number, err))
		}
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return s.fail(fmt.Errorf("read segment %d: %w", number, err))
	}
	records := newFrames(f, from)
	for ; ; s.seq++ {
		frame, err := records.next()
		s.offset = records.offset
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, errTorn) && s.last:
			return true
		case err != nil:
			return s.fail(fmt.Errorf("read record %d in segment %d at byte %d: %w", s.seq, number, records.offset, err))
		case ctx.Err() != nil:
			return s.fail(ctx.Err())
		}
		if !s.record(frame[frameHead:]) {
			return false
		}
	}
}

// record yields one record when it is wanted.
func (s *scan) record(payload []byte) bool {
	if !s.match.maybe(payload) {
		return true
	}
	e, err := event.Parse(payload)
	if errors.Is(err, event.ErrKind) {
		return true // of a later version; it verifies, and this version has no words for it
	}
	if err != nil {
		return s.fail(fmt.Errorf("read record %d: %w", s.seq, err))
	}
	if e.Seq = s.seq; !s.match.is(e) {
		return true
	}
	if err := s.reader.unseal(e); err != nil {
		return s.fail(fmt.Errorf("read record %d: %w", s.seq, err))
	}
	if !s.yield(e, nil) {
		s.stopped = true
		return false
	}
	return true
}

func (s *scan) fail(err error) bool {
	s.err, s.stopped = err, true
	if s.yield != nil {
		s.yield(nil, err)
	}
	return false
}

// unseal fills the personal fields of e.
func (r Reader) unseal(e *event.Event) error {
	if r.Keys == nil || len(e.Box.Data) == 0 {
		return nil
	}
	key, err := r.Keys.Handle(e.Box.Key)
	if errors.Is(err, ErrErased) {
		e.Personal = event.Personal{Subject: Erased, Address: Erased, Path: Erased, UserAgent: Erased}
		return nil
	}
	if err == nil {
		err = key.Open(e)
	}
	return err
}
