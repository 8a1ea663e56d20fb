// Package ledger is the tamper-evident log of events: records in segments, a
// Merkle tree for each segment, and heads that are chained and signed, which
// anybody with the public key can verify from the files alone.
//
// One process writes a ledger; any number may read it meanwhile. The format of
// the files stands in docs/formats/ledger.md, together with what a verifier
// can and cannot find.
//
// Intent and Seal are the two calls of an exchange. Both encode the record and
// queue it; a goroutine of the ledger writes and hashes what has queued up. An
// intent is also with the kernel before Intent returns, in a ring that is
// mapped into memory, so it survives the death of the process.
package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/event"
)

// Errors of Intent and Seal. All of them mean: refuse the request.
var (
	ErrFull   = errors.New("the audit queue is full")
	ErrSlow   = errors.New("the audit log did not take the record in time")
	ErrClosed = errors.New("the audit log is closed")
	ErrKind   = errors.New("an intent or an event without a kind cannot be sealed")
	// ErrLocked is what Open wraps when another process writes the ledger.
	ErrLocked = errors.New("another process holds the lock")
)

// A Ledger writes one log. It is safe for concurrent use.
type Ledger struct {
	opt     Options
	keys    Keys
	ownKeys *KeyFile // nil when Options.Keys was given
	lock    io.Closer
	unknown []Unknown

	// turn holds one token. Who has it may use disk and the result of a ticket.
	turn chan struct{}
	disk *disk

	kick   chan struct{} // something was queued
	urgent chan struct{} // the queue is half full
	stop   context.CancelFunc
	heavy  chan struct{}  // much was written since the last sync
	done   sync.WaitGroup // of run, mind and recheck

	open      atomic.Int64 // intents without their exchange, as of the last commit
	nonceHigh [4]byte
	nonceLow  atomic.Uint64
	today     atomic.Pointer[daySubject]
	rooms     sync.Pool // of *[]byte, for building a record
	memo      *event.Memo
	stats     counters

	mu     sync.Mutex
	queue  queue
	gap    event.Gap
	closed bool
	fault  error
	// erasing has the pseudonyms of those whose erasure began and did not come
	// to its record, so that another try can write it.
	erasing map[string]string
}

// counters are what Stats shows.
type counters struct{ records, dropped, refused, commits, heads atomic.Uint64 }

// Stats are totals since Open, for metrics.
type Stats struct {
	Records uint64 // written
	Dropped uint64 // events of safe methods that did not fit; gap records count them
	Refused uint64 // calls of Intent and Seal that returned an error
	Commits uint64
	Heads   uint64
	Queued  int   // bytes that wait
	Fault   error // not nil while the log cannot be written
}

// Unknown is an intent whose exchange was never recorded: the process died in
// between, and whether the upstream acted is not known.
type Unknown struct {
	ID  event.ID
	Seq uint64 // of the intent
}

// Open opens the ledger of a folder and makes it on first use. A torn tail is
// cut at the last whole record and kept beside the segment; a record says so.
// Intents that only the ring has are appended. Intents without an exchange get
// a record of the kind gap and are listed by Unknown.
func Open(options Options) (*Ledger, error) {
	opt, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{opt.Dir, opt.Secrets} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("open the ledger: %w", err)
		}
	}
	lock, err := lockFile(filepath.Join(opt.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open the ledger in %s: %w", opt.Dir, err)
	}
	l, found, err := open(opt, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	l.done.Go(func() { l.run(ctx) })
	l.done.Go(func() { l.mind(ctx) })
	err = l.report(found)
	if err == nil {
		err = l.startRing()
	}
	if err == nil {
		err = l.opened()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the ledger in %s: %w", opt.Dir, err), l.Close(context.Background()))
	}
	if found.skipped != nil {
		l.done.Go(func() { l.recheck(ctx, found.skipped) })
	}
	return l, nil
}

// opened ends the recovery: from now on records are synced as was promised.
func (l *Ledger) opened() error {
	if err := l.takeTurn(); err != nil {
		return err
	}
	l.disk.opening = false
	<-l.turn
	return nil
}

// open does the work of Open under the lock.
func open(opt Options, lock io.Closer) (*Ledger, found, error) {
	l := &Ledger{
		opt: opt, keys: opt.Keys, lock: lock, turn: make(chan struct{}, 1),
		kick: make(chan struct{}, 1), urgent: make(chan struct{}, 1), heavy: make(chan struct{}, 1), erasing: map[string]string{}, memo: event.NewMemo(),
	}
	var nonce [event.NonceSize]byte
	if _, err := io.ReadFull(opt.Rand, nonce[:]); err != nil {
		return nil, found{}, fmt.Errorf("open the ledger: %w", err)
	}
	copy(l.nonceHigh[:], nonce[:])
	l.nonceLow.Store(binary.LittleEndian.Uint64(nonce[4:]))
	v := vault{opt.Secrets, opt.volume, opt.Rand}
	sign, err := v.loadSigner(opt.Dir)
	if err != nil {
		return nil, found{}, err
	}
	if l.keys == nil {
		if l.ownKeys, err = openKeys(v, os.O_RDWR|os.O_CREATE); err != nil {
			return nil, found{}, err
		}
		l.keys = l.ownKeys
	}
	f, err := l.recover(sign)
	if err != nil {
		return nil, found{}, errors.Join(err, l.closeFiles())
	}
	return l, f, nil
}

// Unknown lists the intents that Open found without their exchange.
func (l *Ledger) Unknown() []Unknown { return l.unknown }

// Reader reads this ledger, with its keys.
func (l *Ledger) Reader() Reader { return Reader{Dir: l.opt.Dir, Keys: l.keys} }

// Fingerprint names the key that signs the heads; note it where the log cannot
// be written, to verify against later.
func (l *Ledger) Fingerprint() string { return l.disk.sign.fingerprint }

// Stats returns the totals since Open.
func (l *Ledger) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{
		Records: l.stats.records.Load(), Dropped: l.stats.dropped.Load(), Refused: l.stats.refused.Load(),
		Commits: l.stats.commits.Load(), Heads: l.stats.heads.Load(), Queued: l.queue.size(), Fault: l.fault,
	}
}

// Intent writes the intent record of e before its request may go upstream. It
// sets e.Kind. When it returns nil the record is with the kernel, or on the
// disk with Durability Fsync; on an error the request must not go on. With the
// kernel means: in the ring, from where the next Open takes it if this process
// dies, and in the log with the next commit. While the log cannot be written,
// Intent tries to and returns that error. Who is behind a disk that hangs gets
// ErrSlow after Options.Wait; then the record may still be written later.
func (l *Ledger) Intent(e *event.Event) error {
	e.Kind = event.Intent
	t, err := l.put(e)
	if err == nil && t != nil {
		err = l.settle(t)
	}
	if err != nil {
		l.stats.refused.Add(1)
		return fmt.Errorf("write the intent record: %w", err)
	}
	return nil
}

// Seal queues a final event. An exchange with a safe method that cannot be
// queued is counted in a gap record, and Seal returns nil; for every other
// event it returns the error, such as ErrFull. The ledger does not keep e.
func (l *Ledger) Seal(e *event.Event) error {
	if !e.Kind.Valid() || e.Kind == event.Intent {
		return ErrKind
	}
	_, err := l.put(e)
	if err != nil && droppable(e) && !errors.Is(err, ErrClosed) {
		l.drop(e)
		return nil
	}
	if err != nil {
		l.stats.refused.Add(1)
		return fmt.Errorf("seal an event: %w", err)
	}
	return nil
}

// put queues e. When the queue is full, an event that may not be dropped is
// made room for by writing the queue at once.
func (l *Ledger) put(e *event.Event) (*ticket, error) {
	t, err := l.enqueue(e)
	if errors.Is(err, ErrFull) && !droppable(e) && l.Flush() == nil {
		t, err = l.enqueue(e)
	}
	return t, err
}

// Record seals an event of administration and waits until it is written.
func (l *Ledger) Record(e *event.Event) error {
	if err := l.Seal(e); err != nil {
		return err
	}
	return l.Flush()
}

// droppable tells whether a gap record may stand for e.
func droppable(e *event.Event) bool {
	switch e.Kind {
	case event.Exchange, event.StreamMark:
		return e.Method == "GET" || e.Method == "HEAD" || e.Method == "OPTIONS" || e.Method == "TRACE"
	default:
		return false
	}
}

// drop counts an event that did not fit.
func (l *Ledger) drop(e *event.Event) {
	l.stats.dropped.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gap.Count++; l.gap.From.IsZero() || e.Time.Before(l.gap.From) {
		l.gap.From = e.Time
	}
	if e.Time.After(l.gap.To) {
		l.gap.To = e.Time
	}
}

// Flush writes everything that was sealed before the call.
func (l *Ledger) Flush() error { return l.settle(&ticket{}) }

// Erase destroys the key of a subject and records that, with the pseudonym
// that the subject had. From then on its personal fields read as erased, and
// the log verifies as before. DaySubject names the anonymous callers of a day.
// After an error it is not sure that the disk has lost the key, or has the
// record: call Erase again.
func (l *Ledger) Erase(subject string) error {
	l.mu.Lock()
	name, again := l.erasing[subject]
	l.mu.Unlock()
	if !again {
		key, err := l.keys.Peek(subject)
		if err != nil {
			return fmt.Errorf("erase a subject: %w", err)
		}
		name = key.Pseudonym(subject)
		l.mu.Lock()
		l.erasing[subject] = name
		l.mu.Unlock()
	}
	if err := l.keys.Destroy(subject); err != nil && !(again && errors.Is(err, ErrErased)) {
		return fmt.Errorf("erase a subject: %w", err)
	}
	e := &event.Event{Kind: event.SubjectErased, Time: l.opt.Clock.Now(), Target: name}
	if err := l.Seal(e); err != nil {
		return err
	}
	l.mu.Lock()
	delete(l.erasing, subject)
	l.mu.Unlock()
	return l.Flush()
}

// Close writes and signs what is queued and lets go of the folder. When ctx
// ends first, Close returns its error, and the disk that hangs keeps its
// goroutine.
func (l *Ledger) Close(ctx context.Context) error {
	l.mu.Lock()
	was := l.closed
	l.closed = true
	l.mu.Unlock()
	if was {
		return nil
	}
	l.stop()
	ended := make(chan struct{})
	go func() { // ends with run: at once, or when the disk lets go of it
		l.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		return fmt.Errorf("close the ledger: %w", ctx.Err())
	}
	select {
	case l.turn <- struct{}{}: // kept for good
	case <-ctx.Done():
		return fmt.Errorf("close the ledger: %w", ctx.Err())
	}
	l.queueGap()
	err := l.commit()
	if err == nil {
		err = l.sign()
	}
	return errors.Join(err, l.closeFiles(), l.lock.Close())
}

// closeFiles closes all but the lock.
func (l *Ledger) closeFiles() error {
	l.mu.Lock()
	ring := l.queue.ring
	l.queue.ring = nil
	l.mu.Unlock()
	err := ring.close()
	if l.disk != nil {
		err = errors.Join(err, l.disk.close())
	}
	if l.ownKeys != nil {
		err = errors.Join(err, l.ownKeys.Close())
	}
	return err
}
