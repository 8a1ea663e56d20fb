package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"
)

// retain deletes the segments whose end head is older than before, oldest
// first and only whole. A tombstone is signed before, so that the chain of
// heads explains what is missing.
func (d *disk) retain(before, now time.Time) error {
	for d.seg != nil && d.oldest < d.number {
		if d.oldestEnd.After(before) {
			return nil
		}
		line, h, err := endHead(d.opt.Dir, d.oldest)
		if err != nil {
			return fmt.Errorf("delete segment %d: %w", d.oldest, err)
		}
		if d.oldestEnd = h.Time; h.Time.After(before) {
			return nil
		}
		tomb := Head{Kind: headTomb, Segment: h.Segment, First: h.First, Count: h.Count, Root: h.Root, Of: line}
		if err := d.head(tomb, now); err != nil {
			return err
		}
		// The heads go last: while they are there, the next try finds its way.
		for _, name := range []string{cutName(d.opt.Dir, d.oldest), segmentName(d.opt.Dir, d.oldest), headsName(d.opt.Dir, d.oldest)} {
			if err := d.opt.volume.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("delete segment %d: %w", d.oldest, err)
			}
		}
		d.forgetDays(h.Time)
		d.oldest++
		d.oldestEnd = time.Time{}
	}
	return nil
}

// forgetDays destroys the keys of the anonymous callers of the days before a
// deleted segment ended: nothing is left that they open.
func (d *disk) forgetDays(end time.Time) {
	const days = 30 // longer than a segment is open, with room for a machine that was off
	for i := 1; i <= days; i++ {
		_ = d.keys.Destroy(DaySubject(end.AddDate(0, 0, -i))) // most are gone already
	}
}

// endHead returns the last head that speaks of a segment in its own file, and
// the hash of its line. A segment that is not the last has an end head, or is
// damaged and has at least the one before.
func endHead(dir string, number uint64) (line hash, h Head, err error) {
	seen := func(l headLine) error {
		if l.err == nil && l.head.Kind != headTomb && l.head.Segment == number {
			line, h = l.hash, l.head
		}
		return nil
	}
	// It is among the last lines, but for tombstones behind it.
	for _, tail := range []int64{4 * maxHead, math.MaxInt64} {
		if err = eachLineOf(headsName(dir, number), tail, seen); err != nil || h.Segment != 0 {
			return line, h, err
		}
	}
	return line, h, errors.New("it has no head")
}
