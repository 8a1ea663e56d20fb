package ledger

import (
	"context"
	"iter"
	"time"

	"github.com/sallyport/sallyport/event"
)

// pollEvery is how often Tail looks for new records.
const pollEvery = 200 * time.Millisecond

// Tail yields the events that q asks for as they are written, from now on,
// until ctx ends.
func (r Reader) Tail(ctx context.Context, q Query) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		m, err := r.matcher(q)
		if err != nil {
			yield(nil, err)
			return
		}
		t := scan{reader: r, match: matcher{never: true}, yield: yield, last: true}
		number, from, err := t.toEnd(ctx)
		t.match = m
		poll := time.NewTicker(pollEvery)
		defer poll.Stop()
		for err == nil {
			if number, from, err = t.follow(ctx, number, from); t.stopped || err != nil {
				break
			}
			select {
			case <-ctx.Done():
				return
			case <-poll.C:
			}
		}
		if !t.stopped && err != nil {
			yield(nil, err)
		}
	}
}

// toEnd reads the current segment to its end, where whole records end now.
func (s *scan) toEnd(ctx context.Context) (number uint64, from int64, err error) {
	all, err := segments(s.reader.Dir)
	if err != nil || len(all) == 0 {
		return 0, 0, err
	}
	number = all[len(all)-1]
	s.segment(ctx, number, 0)
	return number, s.offset, s.err
}

// follow yields what was written behind a place and returns the new place.
func (s *scan) follow(ctx context.Context, number uint64, from int64) (uint64, int64, error) {
	for {
		next, err := s.next(number) // asked first: a segment that has a next one grows no more
		if err != nil {
			return number, from, err
		}
		if number > 0 {
			if !s.segment(ctx, number, from) {
				return number, from, s.err
			}
			from = s.offset
		}
		if next == 0 {
			return number, from, nil
		}
		number, from = next, 0
	}
}

// next is the number of the segment behind one, or 0.
func (s *scan) next(number uint64) (uint64, error) {
	all, err := segments(s.reader.Dir)
	for _, n := range all {
		if n > number {
			return n, err
		}
	}
	return 0, err
}
