package ledger

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/source"
)

// Codes of the records that the ledger itself writes.
const (
	CodeDropped source.Code = "ledger/dropped"         // events of safe methods did not fit the queue
	CodeUnknown source.Code = "ledger/outcome-unknown" // an intent without its exchange
	CodeTorn    source.Code = "ledger/torn-tail"       // bytes at the end were no whole record and were cut
	CodeDamaged source.Code = "ledger/damaged"         // the log was not as its heads say
)

// report writes down what recovery found: first the intents that were in the
// ring alone, then what was torn or damaged, then the intents without an
// exchange.
func (l *Ledger) report(f found) error {
	if err := l.appendKept(); err != nil {
		return err
	}
	now := l.opt.Clock.Now()
	for _, e := range f.events(now) {
		if err := l.Seal(e); err != nil {
			return err
		}
	}
	for _, u := range l.unknown {
		if err := l.Seal(unknownEvent(u, now, "the process ended between")); err != nil {
			return err
		}
	}
	return l.Flush()
}

// events are the records of what was torn or damaged.
func (f *found) events(now time.Time) []*event.Event {
	var all []*event.Event
	if f.torn > 0 || f.heads > 0 {
		e := &event.Event{Kind: event.Repaired, Time: now, Code: string(CodeTorn)}
		e.Reason = fmt.Sprintf("cut %d bytes behind record %d of segment %d and %d bytes of its heads", f.torn, f.records, f.segment, f.heads)
		all = append(all, e)
	}
	if f.damage != "" {
		e := &event.Event{Kind: event.Repaired, Time: now, Code: string(CodeDamaged)}
		e.Reason = fmt.Sprintf("segment %d: %s; it is left as it is", f.segment, f.damage)
		all = append(all, e)
	}
	return all
}

// appendKept appends the intents that only the ring has. Their exchanges are
// not known: they would stand behind them.
func (l *Ledger) appendKept() error {
	kept := l.disk.kept.sorted()
	l.disk.kept = nil
	for _, k := range kept {
		if err := l.push(k.frame, item{kind: event.Intent, id: k.id}, l.opt.QueueBytes); err != nil {
			return err
		}
	}
	if len(kept) == 0 {
		return nil
	}
	if err := l.Flush(); err != nil {
		return err
	}
	if err := l.takeTurn(); err != nil {
		return err
	}
	defer func() { <-l.turn }()
	for _, k := range kept {
		l.unknown = append(l.unknown, Unknown{ID: k.id, Seq: l.disk.open[k.id].seq})
	}
	slices.SortFunc(l.unknown, func(a, b Unknown) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return nil
}

// unknownEvent is the record that stands for the exchange of an intent.
func unknownEvent(u Unknown, now time.Time, why string) *event.Event {
	e := &event.Event{Kind: event.Missing, ID: u.ID, Time: now, Code: string(CodeUnknown)}
	e.Reason = fmt.Sprintf("%s the intent, record %d, and its exchange", why, u.Seq)
	return e
}

// giveUp records the intents that have waited for their exchange since before
// a time: the gateway will not record it any more, and recovery should not
// have to look for it. Until recovery is over, report sees to them. The caller
// holds the turn.
func (l *Ledger) giveUp(before, now time.Time) {
	if l.disk.opening {
		return
	}
	for id, at := range l.disk.open {
		if at.since.Before(before) {
			e := unknownEvent(Unknown{ID: id, Seq: at.seq}, now, "too long between")
			if _, err := l.enqueue(e); err != nil {
				return // the queue is full; the next time is in a minute
			}
		}
	}
}
