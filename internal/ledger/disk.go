package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/event"
)

// A disk writes segments and heads. It belongs to who holds the turn.
type disk struct {
	opt  *Options
	keys Keys
	sign *signer

	number uint64 // of the current segment
	first  uint64 // sequence number of its first record
	seg    file   // nil before the first segment
	heads  file
	size   int64 // whole records end here
	ragged bool  // bytes that are no record may lie behind them
	tree   tree
	last   int64     // bytes of its last record
	born   time.Time // when its first record was written
	signed uint64    // records that the last head covers
	ended  bool      // its end head is written, or it is damaged: the next record opens a new one
	dirty  bool      // written since the last sync
	doubt  bool      // a sync failed: the segment ends as soon as it can

	early       *earlySync    // of the current segment, until sync has its result
	earlyAt     int64         // where the last one began
	heavy       chan struct{} // gets a note when the next one is due
	headsSize   int64
	headsRagged bool   // bytes that are no head may lie behind them
	prev        hash   // of the line of the last head
	unsent      []byte // heads that the mirror did not take
	away        bool   // and it failed the last time
	met         bool   // this process has written to the mirror
	open        openIntents
	kept        keptIntents
	oldest      uint64    // the oldest segment on the disk
	oldestEnd   time.Time // the time of its end head, once read
	opening     bool      // recovery is not over: nothing is synced, no segment ends for its size, no checkpoint
	names       bool      // names in the folders were made since the last sync
	checked     position  // of the last checkpoint
	checks      int       // which of its files comes next
	checkRoom   []byte
}

// An openIntents holds the intents whose exchange was not written, with the
// segment of each.
type openIntents map[event.ID]place

// A place says where a record is, and when it was written.
type place struct {
	segment, seq uint64
	since        time.Time
}

// note follows one record.
func (o openIntents) note(kind event.Kind, id event.ID, at place) {
	switch kind {
	case event.Intent:
		o[id] = at
	case event.Exchange, event.Missing, event.StreamClose:
		delete(o, id)
	default: // the others do not end an exchange
	}
}

// has tells whether an intent is open.
func (o openIntents) has(id event.ID) bool {
	_, ok := o[id]
	return ok
}

// oldest is the first segment that a recovery has to read.
func (o openIntents) oldest(current uint64) uint64 {
	for _, at := range o {
		current = min(current, at.segment)
	}
	return current
}

// segmentName and headsName name the files of one segment.
func segmentName(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%010d.seg", number))
}

func headsName(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%010d.heads", number))
}

// append writes a batch as whole records, or nothing of it.
func (d *disk) append(b batch, now time.Time) error {
	if err := d.trimHeads(); err != nil {
		return err // an end that was not wanted may stand there: nothing comes behind it
	}
	if err := d.room(int64(len(b.buf)), now); err != nil {
		return err
	}
	d.check()
	if _, err := d.seg.WriteAt(b.buf, d.size); err != nil {
		d.ragged = true
		return errors.Join(fmt.Errorf("write segment %d: %w", d.number, err), d.trim())
	}
	d.dirty = true
	if d.size += int64(len(b.buf)); d.size-d.earlyAt > earlyEvery {
		poke(d.heavy)
	}
	// A torn tail is cut only now, when the record that tells of it is written.
	// Where that does not work, the next batch overwrites what is behind, and
	// no head is signed before.
	_ = d.trim()
	if d.tree.n == 0 {
		d.born = now
	}
	for i := range b.items {
		it := &b.items[i]
		d.open.note(it.kind, it.id, place{d.number, d.first + d.tree.n, now})
		d.tree.add(leaf(b.frame(i)))
		d.last = int64(len(b.frame(i)))
	}
	return nil
}

// trim cuts off what lies behind the last whole record.
func (d *disk) trim() error {
	if !d.ragged {
		return nil
	}
	if err := d.seg.Truncate(d.size); err != nil {
		return fmt.Errorf("cut segment %d at its last record: %w", d.number, err)
	}
	d.ragged = false
	return nil
}

// room opens a new segment when the current one is full, old or at its end.
func (d *disk) room(n int64, now time.Time) error {
	full := !d.opening && d.tree.n > 0 && d.size+n > d.opt.SegmentBytes
	if d.seg != nil && !d.ended && !d.doubt && !full {
		return nil
	}
	return d.rotate(now)
}

// rotateOld ends a segment that is old, so that retention can take it later.
func (d *disk) rotateOld(now time.Time) error {
	if d.seg == nil || d.ended || d.tree.n == 0 || now.Sub(d.born) < d.opt.SegmentAge {
		return nil
	}
	return d.rotate(now)
}

// rotate signs the end of the current segment and opens the next.
func (d *disk) rotate(now time.Time) error {
	number, first := d.number+1, d.first+d.tree.n
	if err := d.trim(); err != nil {
		return err
	}
	if d.seg != nil && !d.ended {
		if err := d.head(Head{Kind: headEnd}, now); err != nil {
			return err
		}
		d.ended = true
	}
	seg, err := d.create(segmentName(d.opt.Dir, number), appendHeader(nil, number, first))
	if err != nil {
		return fmt.Errorf("open segment %d: %w", number, err)
	}
	heads, err := d.create(headsName(d.opt.Dir, number), nil)
	if err != nil {
		d.discard(seg, segmentName(d.opt.Dir, number))
		return fmt.Errorf("open segment %d: %w", number, err)
	}
	err = d.close()
	d.number, d.first, d.seg, d.heads = number, first, seg, heads
	d.size, d.tree, d.last, d.signed, d.headsSize, d.ended = headerSize, tree{}, 0, 0, 0, false
	d.earlyAt = headerSize
	d.dirty, d.names, d.doubt, d.ragged, d.headsRagged = true, true, false, false, false
	return err
}

// create makes a file with its first bytes, or nothing. What an earlier try
// left behind holds no record, and goes first.
func (d *disk) create(name string, b []byte) (file, error) {
	if info, err := os.Stat(name); err == nil && info.Size() <= headerSize {
		if err := d.opt.volume.remove(name); err != nil {
			return nil, err
		}
	}
	f, err := d.opt.volume.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return f, nil
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		d.discard(f, name)
		return nil, err
	}
	return f, nil
}

// discard takes back a file that create made.
func (d *disk) discard(f file, name string) {
	if f != nil {
		_ = f.Close()
		_ = d.opt.volume.remove(name)
	}
}

// earlyEvery is how many bytes are written between two early syncs.
const earlyEvery = 8 << 20

// An earlySync is a sync that goes on without the turn. err belongs to who
// waits for done, once it is closed.
type earlySync struct {
	done chan struct{}
	err  error
}

// syncEarly begins one, or returns nil where there is nothing to sync. The
// caller syncs the file without the turn, sets err, and closes done.
func (d *disk) syncEarly() (file, *earlySync) {
	if d.seg == nil || d.ended || !d.dirty || d.early != nil {
		return nil, nil
	}
	d.early, d.earlyAt = &earlySync{done: make(chan struct{})}, d.size
	return d.seg, d.early
}

// join waits for an early sync. The kernel tells an error once, so it must not
// get lost with it.
func (d *disk) join() error {
	if d.early == nil {
		return nil
	}
	<-d.early.done
	err := d.early.err
	d.early = nil
	return err
}

// sync makes all records durable, the names of their files, and the keys of
// their personal fields. Names wait for it: to sync a folder can take seconds
// on a disk that is busy, and no start needs it. When the sync of the segment
// fails, what the kernel still holds of it is not sure: it ends here, and later
// records go into a new one.
func (d *disk) sync() error {
	if !d.dirty {
		return nil
	}
	for _, dir := range []string{d.opt.Dir, d.opt.Secrets} {
		if !d.names {
			break
		}
		if err := d.opt.volume.syncDir(dir); err != nil {
			return fmt.Errorf("sync folder %s: %w", dir, err)
		}
	}
	d.names = false
	if k, ok := d.keys.(interface{ Sync() error }); ok {
		if err := k.Sync(); err != nil {
			return err
		}
	}
	err := d.join()
	if err == nil {
		err = d.seg.Sync()
	}
	if err != nil {
		d.doubt = true
		return fmt.Errorf("sync segment %d: %w", d.number, err)
	}
	d.dirty = false
	return nil
}

// mark signs a head when there are records that none covers. It returns how
// many heads were written.
func (d *disk) mark(now time.Time) (uint64, error) {
	if d.seg == nil || d.ended || d.tree.n == d.signed {
		return 0, nil
	}
	if err := d.head(Head{Kind: headMark}, now); err != nil {
		return 0, err
	}
	return 1, nil
}

// head completes h, signs it, and appends it to the heads of the current
// segment and to the mirror. Records are durable before a head covers them.
func (d *disk) head(h Head, now time.Time) error {
	if err := d.trim(); err != nil {
		return err
	}
	if err := d.sync(); err != nil && !(d.doubt && h.Kind == headEnd) {
		return err // an end in doubt is signed all the same: Verify finds what was lost
	}
	if h.Kind != headTomb {
		h.Segment, h.First, h.Count, h.Root = d.number, d.first, d.tree.n, d.tree.root()
	}
	h.Prev, h.Open, h.Time = d.prev, d.open.oldest(d.number), now
	line := d.sign.line(&h)
	if err := d.appendHead(append(line, '\n')); err != nil {
		return fmt.Errorf("write a head of segment %d: %w", d.number, err)
	}
	d.prev = sha256.Sum256(line)
	if h.Kind != headTomb {
		d.signed = d.tree.n
	}
	d.mirror(append(line, '\n'))
	return nil
}

// appendHead appends a line to the heads, or nothing: another line may come in
// its place, and what is left of this one must not stand behind it.
func (d *disk) appendHead(line []byte) error {
	if err := d.trimHeads(); err != nil {
		return err
	}
	_, err := d.heads.WriteAt(line, d.headsSize)
	if err == nil {
		err = d.heads.Sync()
	}
	if err != nil {
		d.headsRagged = true
		return errors.Join(err, d.trimHeads())
	}
	d.headsSize += int64(len(line))
	return nil
}

// trimHeads cuts off what lies behind the last whole head.
func (d *disk) trimHeads() error {
	if !d.headsRagged {
		return nil
	}
	if err := d.heads.Truncate(d.headsSize); err != nil {
		return fmt.Errorf("cut the heads of segment %d at the last whole one: %w", d.number, err)
	}
	d.headsRagged = false
	return nil
}

// close closes the files of the current segment.
func (d *disk) close() error {
	var err error
	if d.seg != nil {
		err = d.seg.Close()
	}
	if d.heads != nil {
		err = errors.Join(err, d.heads.Close())
	}
	d.seg, d.heads = nil, nil
	return err
}
