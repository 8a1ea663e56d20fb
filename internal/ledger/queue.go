package ledger

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/sallyport/sallyport/event"
)

// A queue holds whole frames that wait to be written, in order.
type queue struct {
	buf    []byte
	items  []item
	flying int   // bytes that a commit has taken and not yet finished
	ring   *ring // keeps the intents until they are written; nil where there is none
	spare  []byte
	spares []item
}

// An item is one frame in a queue.
type item struct {
	end    int // of the frame in buf
	kind   event.Kind
	id     event.ID
	ticket *ticket // who waits for it; only intents that the ring did not take have one
}

// A ticket is the claim of one caller to the result of a commit. Its fields
// belong to who holds the turn.
type ticket struct {
	done bool
	err  error
}

// size is how many bytes wait, those in flight included.
func (q *queue) size() int { return len(q.buf) + q.flying }

// take empties the queue and returns what was in it.
func (q *queue) take() batch {
	b := batch{buf: q.buf, items: q.items}
	q.flying = len(b.buf)
	q.buf, q.items = q.spare[:0], q.spares[:0]
	q.spare, q.spares = nil, nil
	b.halves = q.ring.turn()
	return b
}

// maxSpare bounds the buffers that a queue keeps for reuse, in bytes.
const maxSpare = 1 << 20

// give returns the buffers of a batch that was written.
func (q *queue) give(b batch) {
	q.flying = 0
	q.ring.forget(b.halves)
	if cap(b.buf) <= maxSpare {
		clear(b.items)
		q.spare, q.spares = b.buf, b.items
	}
}

// putBack puts the events of a batch that was not written before all others;
// intents are left out, since their callers are told.
func (q *queue) putBack(b batch) {
	q.flying = 0
	next := queue{}
	for i := range b.items {
		if b.items[i].ticket == nil {
			next.push(b.frame(i), b.items[i])
		}
	}
	all := batch{buf: q.buf, items: q.items}
	for i := range all.items {
		next.push(all.frame(i), all.items[i])
	}
	q.buf, q.items = next.buf, next.items
}

// push appends one frame.
func (q *queue) push(frame []byte, it item) {
	q.buf = append(q.buf, frame...)
	it.end = len(q.buf)
	q.items = append(q.items, it)
}

// A batch is what one commit writes.
type batch struct {
	buf    []byte
	items  []item
	halves halves // of the ring that hold intents of the batch
}

// frame is the i-th frame of the batch.
func (b *batch) frame(i int) []byte {
	if i == 0 {
		return b.buf[:b.items[0].end]
	}
	return b.buf[b.items[i-1].end:b.items[i].end]
}

// enqueue seals the personal fields of e, builds its record and queues it. For
// an intent that the ring did not keep it returns a ticket to wait with.
func (l *Ledger) enqueue(e *event.Event) (*ticket, error) {
	if e.Kind == event.Intent && l.open.Load() >= int64(l.opt.MaxOpen) {
		return nil, ErrFull
	}
	if e.Time.IsZero() {
		e.Time = l.opt.Clock.Now()
	}
	if err := l.sealPersonal(e); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.closed {
			return nil, ErrClosed
		}
		return nil, err
	}
	room, ok := l.rooms.Get().(*[]byte)
	if !ok {
		room = new([]byte)
	}
	defer l.rooms.Put(room)
	seq := e.Seq
	e.Seq = 0 // the place in the log gives it
	*room = slices.Grow((*room)[:0], frameHead)[:frameHead]
	*room = frame(l.memo.AppendCanonical(*room, e), 0)
	e.Seq = seq
	limit := l.opt.QueueBytes
	if droppable(e) {
		limit -= limit / 8 // the last eighth is for those that may not be dropped
	}
	it := item{kind: e.Kind, id: e.ID}
	if e.Kind == event.Intent {
		if l.keyWaits(e) {
			it.ticket = &ticket{} // the ring would keep a box that nothing opens
		}
		return l.pushIntent(*room, it, limit)
	}
	return nil, l.push(*room, it, limit)
}

// push queues one record when no more than limit bytes wait then, and wakes
// the goroutine that writes.
func (l *Ledger) push(frame []byte, it item, limit int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fits(frame, limit); err != nil {
		return err
	}
	l.queue.push(frame, it)
	l.wake()
	return nil
}

// pushIntent does so for an intent that somebody waits for. While the log
// cannot be written, the ring takes none: then who has one finds out.
func (l *Ledger) pushIntent(frame []byte, it item, limit int) (*ticket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fits(frame, limit); err != nil {
		return nil, err
	}
	if it.ticket == nil && (l.fault != nil || !l.queue.ring.keep(frame)) {
		it.ticket = &ticket{}
	}
	l.queue.push(frame, it)
	if it.ticket == nil {
		l.wake() // nobody writes it himself
	}
	return it.ticket, nil
}

// fits tells whether a record may be queued; l.mu is held.
func (l *Ledger) fits(frame []byte, limit int) error {
	if l.closed {
		return ErrClosed
	}
	if l.queue.size()+len(frame) > limit {
		return ErrFull
	}
	return nil
}

// wake tells the goroutine that writes; l.mu is held.
func (l *Ledger) wake() {
	poke(l.kick)
	if l.queue.size() > min(l.opt.QueueBytes/2, urgentBytes) {
		poke(l.urgent)
	}
}

// urgentBytes is how much waits at most for Options.CommitEvery. What is
// written soon is still in the processor's cache when it is hashed.
const urgentBytes = 256 << 10

// poke leaves one note in a channel that holds at most one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// A daySubject is the subject that the anonymous callers of one UTC day share.
type daySubject struct {
	day  int64 // days since 1970
	name string
}

// DaySubject is the subject under which the personal fields of anonymous and
// provisional callers of the UTC day of t are sealed. It begins with a byte 0,
// so that no caller's id is the same.
func DaySubject(t time.Time) string {
	return "\x00anonymous " + t.UTC().Format(time.DateOnly)
}

// sealPersonal moves the personal fields of e into its Box.
func (l *Ledger) sealPersonal(e *event.Event) error {
	if e.Personal == (event.Personal{}) {
		e.Box = event.Box{Data: e.Box.Data[:0]}
		return nil
	}
	subject, name := e.Personal.Subject, e.Personal.Subject
	if subject == "" {
		subject, name = e.Caller.KeyID, e.Caller.KeyID
	}
	named := e.Caller.Kind == event.ByKey || e.Caller.Kind == event.ByUser
	if !named || subject == "" || subject[0] == 0 {
		subject = l.day(e.Time)
		if name == "" {
			name = e.Personal.Address
		}
	}
	key, err := l.keys.For(subject)
	if errors.Is(err, errBound) {
		key, err = l.keys.For(l.day(e.Time))
	}
	if err != nil {
		return err
	}
	e.Caller.Pseudonym = key.Pseudonym(name)
	key.Seal(e, l.nonce())
	return nil
}

// day returns DaySubject(t), made once a day.
func (l *Ledger) day(t time.Time) string {
	day := t.Unix() / (24 * 60 * 60)
	if d := l.today.Load(); d != nil && d.day == day {
		return d.name
	}
	d := &daySubject{day: day, name: DaySubject(t)}
	l.today.Store(d)
	return d.name
}

// nonce returns a nonce that this ledger used for no other record: a random
// start of 96 bits at Open, whose lower 64 count on. That two runs meet under
// one key is as unlikely as for random nonces, without a read of randomness
// for each record.
func (l *Ledger) nonce() (n [event.NonceSize]byte) {
	copy(n[:], l.nonceHigh[:])
	binary.LittleEndian.PutUint64(n[4:], l.nonceLow.Add(1))
	return n
}
