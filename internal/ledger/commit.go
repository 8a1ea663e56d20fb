package ledger

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/event"
)

// settle waits for the turn, commits what is queued unless somebody else has
// committed t meanwhile, and returns the result for t. So those who wait
// behind a commit are all served by the next one: the group commit needs no
// goroutine of its own and adds no delay when nobody waits.
func (l *Ledger) settle(t *ticket) error {
	if err := l.takeTurn(); err != nil {
		poke(l.kick) // its record is still queued
		return err
	}
	if !t.done {
		if err := l.commit(); !t.done {
			t.err = err // a Flush has no record of its own
		}
	}
	err := t.err
	<-l.turn
	return err
}

// takeTurn waits for the turn, at most Options.Wait.
func (l *Ledger) takeTurn() error {
	select {
	case l.turn <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(l.opt.Wait)
	defer timer.Stop()
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrSlow
	}
}

// commit writes everything that is queued. The caller holds the turn.
func (l *Ledger) commit() error {
	l.mu.Lock()
	b := l.queue.take()
	l.mu.Unlock()
	written, err := l.write(b)
	for i := range b.items {
		if t := b.items[i].ticket; t != nil {
			t.done, t.err = true, err
		}
	}
	l.mu.Lock()
	if written {
		l.queue.give(b)
	} else {
		l.queue.putBack(b)
	}
	was := l.fault
	if len(b.items) > 0 || err != nil {
		l.fault = err
	}
	now := l.fault
	l.mu.Unlock()
	if (was == nil) != (now == nil) {
		l.opt.OnFault(Fault{Part: PartLog, Err: now, Time: l.opt.Clock.Now()})
	}
	if err == nil && len(b.items) > 0 {
		l.stats.records.Add(uint64(len(b.items)))
		l.stats.commits.Add(1)
	}
	return err
}

// write writes a batch to the disk, and syncs it where Options say so. It
// tells whether the records are in the log even when the sync did not work.
func (l *Ledger) write(b batch) (written bool, err error) {
	if len(b.items) == 0 {
		return true, nil
	}
	if err := l.storeKeys(); err != nil {
		return false, err
	}
	if err := l.disk.append(b, l.opt.Clock.Now()); err != nil {
		return false, err
	}
	l.open.Store(int64(len(l.disk.open)))
	if l.opt.Durability == Fsync && !l.disk.opening {
		return true, l.disk.sync()
	}
	return true, nil
}

// run is the goroutine of the ledger that commits what Seal queued. Close ends
// it.
func (l *Ledger) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.kick:
			if !l.pause(ctx) {
				return
			}
			l.tick()
		}
	}
}

// mind is the goroutine of the ledger that syncs, signs heads and lets old
// segments go. Close ends it.
func (l *Ledger) mind(ctx context.Context) {
	sign := time.NewTicker(l.opt.SignEvery)
	defer sign.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.heavy:
			l.ease()
		case <-sign.C:
			l.ease()
			l.mark()
		}
	}
}

// ease syncs what is written so far without the turn, so that whoever signs a
// head with the turn has little left to sync: that takes seconds on a busy
// disk, in which nothing could be committed. Under Fsync every commit syncs.
func (l *Ledger) ease() {
	if l.opt.Durability == Fsync || l.takeTurn() != nil {
		return
	}
	seg, early := l.disk.syncEarly()
	<-l.turn
	if early == nil {
		return
	}
	if k, ok := l.keys.(interface{ Sync() error }); ok {
		_ = k.Sync() // the one before the head tells
	}
	early.err = seg.Sync()
	close(early.done)
}

// retryEvery is how long the ledger waits before it tries a disk again that
// did not take the last commit.
const retryEvery = 200 * time.Millisecond

// pause waits until it is time to commit; it returns false when ctx ends.
func (l *Ledger) pause(ctx context.Context) bool {
	d := l.opt.CommitEvery
	l.mu.Lock()
	broken := l.fault != nil
	l.mu.Unlock()
	urgent := l.urgent
	if broken {
		d, urgent = max(d, retryEvery), nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-urgent:
	case <-timer.C:
	}
	return true
}

// tick commits, and asks for another turn when that did not work.
func (l *Ledger) tick() {
	if l.takeTurn() != nil {
		poke(l.kick)
		return
	}
	err := l.commit()
	if err == nil && l.queueGap() {
		if err = l.commit(); err == nil {
			err = l.sign() // a gap record is signed at once
		}
	}
	<-l.turn
	if err != nil {
		poke(l.kick)
	}
}

// mark signs a head over what was written since the last one, and applies
// retention.
func (l *Ledger) mark() {
	if l.takeTurn() != nil {
		return
	}
	defer func() { <-l.turn }()
	now, last := l.opt.Clock.Now(), l.disk.prev
	l.giveUp(now.Add(-l.opt.IntentAge), now)
	err := l.commit()
	if err == nil {
		err = l.disk.rotateOld(now)
	}
	if err == nil {
		err = l.sign()
	}
	if err == nil {
		err = l.disk.retain(now.Add(-l.opt.Keep), now)
	}
	l.alarm(err)
	if err == nil && l.disk.prev != last { // a head is on the disk
		l.calm()
	}
}

// sign signs a head when there is something new to sign. The caller holds the
// turn.
func (l *Ledger) sign() error {
	n, err := l.disk.mark(l.opt.Clock.Now())
	l.stats.heads.Add(n)
	return err
}

// alarm tells OnFault of an error that no caller gets.
func (l *Ledger) alarm(err error) {
	if err == nil {
		return
	}
	l.mu.Lock()
	was := l.fault
	l.fault = err
	l.mu.Unlock()
	if was == nil {
		l.opt.OnFault(Fault{Part: PartLog, Err: err, Time: l.opt.Clock.Now()})
	}
	poke(l.kick)
}

// calm ends an alarm.
func (l *Ledger) calm() {
	l.mu.Lock()
	was := l.fault
	l.fault = nil
	l.mu.Unlock()
	if was != nil {
		l.opt.OnFault(Fault{Part: PartLog, Time: l.opt.Clock.Now()})
	}
}

// queueGap queues a gap record for what was dropped; it tells whether there
// was one. Events that are dropped until it is written are for the next.
func (l *Ledger) queueGap() bool {
	l.mu.Lock()
	gap := l.gap
	l.gap = event.Gap{}
	closed := l.closed
	l.mu.Unlock()
	if gap.Count == 0 {
		return false
	}
	e := &event.Event{Kind: event.Missing, Time: l.opt.Clock.Now(), Code: string(CodeDropped), Reason: "the audit queue was full", Gap: gap}
	frame := appendFrame(nil, e)
	it := item{kind: e.Kind}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !closed && l.queue.size()+len(frame) > l.opt.QueueBytes {
		l.gap.Count += gap.Count
		if l.gap.From.IsZero() || gap.From.Before(l.gap.From) {
			l.gap.From = gap.From
		}
		if gap.To.After(l.gap.To) {
			l.gap.To = gap.To
		}
		return false
	}
	l.queue.push(frame, it)
	return true
}
