package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// recheckPause is how long recheck rests after each recheckPart bytes, so that
// the first requests after a start have the processor and the disk.
const (
	recheckPart  = 1 << 20
	recheckPause = 5 * time.Millisecond
)

// recheck compares what recovery skipped with its heads and with the tree of
// the checkpoint, as recovery does where there is no checkpoint. Damage is
// told, and the log goes on in the next segment: the one at hand stays as it
// is, for Verify and whoever looks into it.
func (l *Ledger) recheck(ctx context.Context, c *checkpoint) {
	err := compare(ctx, l.opt.Dir, c)
	if err == nil || ctx.Err() != nil {
		return
	}
	for l.takeTurn() != nil { // it gives up after Options.Wait
		if ctx.Err() != nil {
			return
		}
	}
	if l.disk.number == c.segment {
		l.disk.doubt = true
	}
	<-l.turn
	now := l.opt.Clock.Now()
	l.opt.OnFault(Fault{Part: PartPast, Err: fmt.Errorf("segment %d: %w", c.segment, err), Time: now})
	f := found{damage: err.Error(), segment: c.segment}
	for _, e := range f.events(now) {
		l.alarm(l.Seal(e))
	}
}

// compare reads the records before a checkpoint.
func compare(ctx context.Context, dir string, c *checkpoint) error {
	heads, err := headsBefore(dir, c)
	if err != nil {
		return err
	}
	f, err := openRead(segmentName(dir, c.segment))
	if err != nil {
		return fmt.Errorf("read segment %d: %w", c.segment, err)
	}
	defer f.Close() // read only
	records := newFrames(io.NewSectionReader(f, headerSize, c.size-headerSize), headerSize)
	var t tree
	for rest := int64(recheckPart); ; {
		for len(heads) > 0 && heads[0].Count <= t.n {
			if heads[0].Count != t.n || heads[0].Root != t.root() {
				return errDamaged
			}
			heads = heads[1:]
		}
		frame, err := records.next()
		switch {
		case errors.Is(err, io.EOF):
			if len(heads) > 0 || t.n != c.tree.n || t.root() != c.tree.root() {
				return errDamaged
			}
			return nil
		case errors.Is(err, errTorn):
			return errDamaged
		case err != nil:
			return err
		}
		t.add(leaf(frame))
		if rest -= int64(len(frame)); rest < 0 {
			rest = recheckPart
			if err := pause(ctx, recheckPause); err != nil {
				return err
			}
		}
	}
}

// headsBefore reads the heads of a segment that a checkpoint knew.
func headsBefore(dir string, c *checkpoint) (heads []Head, err error) {
	name := headsName(dir, c.segment)
	f, err := openRead(name)
	if err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	defer f.Close() // read only
	err = eachLineFrom(io.NewSectionReader(f, 0, c.heads), 0, name, func(l headLine) error {
		if l.err == nil && l.head.Kind != headTomb {
			heads = append(heads, l.head)
		}
		return l.err
	})
	return heads, err
}

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
