package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

// found is what a recovery has to report.
type found struct {
	torn    int64  // bytes that were cut
	heads   int64  // bytes of a torn head that were cut
	damage  string // what is wrong with the last segment
	segment uint64
	records uint64
}

// cutName names the file that keeps what was cut off a segment.
func cutName(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%010d.cut", number))
}

// segments lists the numbers of the segments in a folder, ascending.
func segments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the segments: %w", err)
	}
	var all []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".seg")
		if n, err := strconv.ParseUint(name, 10, 64); ok && err == nil && n > 0 && filepath.Base(segmentName(dir, n)) == e.Name() {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all, nil
}

// recover reads what an earlier process left and makes l.disk ready to append.
func (l *Ledger) recover(sign *signer) (found, error) {
	d := &disk{opt: &l.opt, keys: l.keys, sign: sign, open: openIntents{}, first: 1, oldest: 1}
	l.disk = d
	all, err := segments(l.opt.Dir)
	if err != nil {
		return found{}, err
	}
	if n := len(all); n > 0 { // a crash while a segment was opened leaves less than its header
		if info, err := os.Stat(segmentName(l.opt.Dir, all[n-1])); err == nil && info.Size() < headerSize {
			all = all[:n-1]
		}
	}
	if d.kept, err = readRing(ringName(l.opt.Dir)); err != nil {
		return found{}, fmt.Errorf("recover the ledger: %w", err)
	}
	if len(all) == 0 {
		return found{}, nil
	}
	d.oldest, d.number = all[0], all[len(all)-1]
	last, err := d.lastHeads(all)
	if err != nil {
		return found{}, fmt.Errorf("recover the ledger: %w", err)
	}
	for _, n := range all[:len(all)-1] {
		if n >= last.scan || len(d.kept) > 0 && n == all[len(all)-2] {
			d.notes(n)
		}
	}
	f, err := d.resume(last)
	if err != nil {
		return f, fmt.Errorf("recover segment %d: %w", d.number, err)
	}
	if f.damage != "" {
		l.opt.OnFault(Fault{Part: PartPast, Err: fmt.Errorf("segment %d: %s", d.number, f.damage), Time: l.opt.Clock.Now()})
	}
	for id, at := range d.open {
		l.unknown = append(l.unknown, Unknown{ID: id, Seq: at.seq})
	}
	slices.SortFunc(l.unknown, func(a, b Unknown) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return f, nil
}

// lastHead is what the newest heads say.
type lastHead struct {
	own   []Head // of the current segment, in order
	size  int64  // of its heads file, whole lines
	extra int64  // bytes behind them
	scan  uint64 // the oldest segment with an open intent
	bad   bool   // a line is no head, or a file ends within one that should not
}

// lastHeads reads the heads of the last segments: the end of the chain, and
// what is known of the current segment.
func (d *disk) lastHeads(all []uint64) (last lastHead, err error) {
	last.scan = d.number
	for _, n := range all[max(0, len(all)-2):] {
		size := int64(0)
		err := eachHead(d.opt.Dir, n, func(l headLine) error {
			size += int64(l.size)
			if d.prev = l.hash; l.err != nil {
				last.bad = true
				return nil
			}
			last.scan = min(l.head.Open, d.number)
			if n == d.number && l.head.Kind != headTomb {
				last.own = append(last.own, l.head)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errTornHead) {
			return last, err
		}
		last.bad = last.bad || n != d.number && err != nil
		last.size = size
	}
	info, err := os.Stat(headsName(d.opt.Dir, d.number))
	if err == nil {
		last.extra = info.Size() - last.size
	}
	return last, nil
}

// notes collects the open intents of a segment that is not the last. Damage
// there is for Verify to report.
func (d *disk) notes(number uint64) {
	f, err := os.Open(segmentName(d.opt.Dir, number))
	if err != nil {
		return
	}
	defer f.Close() // read only
	_, _, _ = d.walk(f, number, nil)
}

// walk reads a segment, follows its intents and calls each after each record
// with the tree so far. It returns the tree and where whole records end.
func (d *disk) walk(f *os.File, number uint64, each func(*tree) error) (t tree, end int64, err error) {
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(f, header); err != nil {
		return t, 0, err
	}
	first, err := parseHeader(header, number)
	if err != nil {
		return t, 0, err
	}
	records, now := newFrames(f, headerSize), d.opt.Clock.Now()
	for {
		frame, err := records.next()
		if err != nil {
			return t, records.offset, err
		}
		kind, id := peek(frame[frameHead:])
		d.open.note(kind, id, place{number, first + t.n, now}) // report closes them, not giveUp
		if kind == event.Intent {
			delete(d.kept, id)
		}
		t.add(leaf(frame))
		if each == nil {
			continue
		}
		if err := each(&t); err != nil {
			return t, records.offset, err
		}
	}
}

// errDamaged is what walk returns where a head contradicts the records.
var errDamaged = errors.New("the records are not those that were signed")

// resume reads the current segment and opens it for appending, or declares it
// ended when it is, or damaged.
func (d *disk) resume(last lastHead) (found, error) {
	out := found{segment: d.number, heads: last.extra}
	name := segmentName(d.opt.Dir, d.number)
	f, err := os.Open(name)
	if err != nil {
		return out, err
	}
	defer f.Close() // read only
	heads := last.own
	t, end, err := d.walk(f, d.number, func(t *tree) error {
		for len(heads) > 0 && heads[0].Count <= t.n {
			if heads[0].Count != t.n || heads[0].Root != t.root() {
				return errDamaged
			}
			heads = heads[1:]
		}
		return nil
	})
	torn := errors.Is(err, errTorn) || errors.Is(err, io.EOF)
	if err := d.resumeHeads(last); err != nil {
		return out, err
	}
	d.tree, d.size, out.records = t, end, t.n
	if d.first, err = firstOf(f, d.number); err != nil || !torn || len(heads) > 0 || last.bad {
		return out, d.abandon(&out, last)
	}
	if d.born, err = modified(f); err != nil {
		return out, err
	}
	if n := len(last.own); n > 0 {
		d.born, d.signed, d.ended = last.own[0].Time, last.own[n-1].Count, last.own[n-1].Kind == headEnd
	}
	if out.torn, err = d.saveTail(f, end); err != nil {
		return out, err
	}
	d.ragged = out.torn > 0
	d.seg, err = d.opt.volume.open(name, os.O_RDWR, 0o600)
	d.dirty = true // nobody knows what the last process had synced
	return out, err
}

// abandon leaves a damaged segment as it is, for Verify and for whoever looks
// into it; the log goes on in the next.
func (d *disk) abandon(out *found, last lastHead) error {
	out.damage = errDamaged.Error()
	for _, h := range last.own {
		d.first, d.signed = h.First, h.Count
		d.tree.n = max(d.tree.n, h.Count) // sequence numbers that were signed are not given twice
	}
	d.ended = true
	return nil
}

// resumeHeads opens the heads of the current segment behind the last whole one.
func (d *disk) resumeHeads(last lastHead) (err error) {
	d.heads, err = d.opt.volume.open(headsName(d.opt.Dir, d.number), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	d.headsSize, d.headsRagged = last.size, last.extra > 0
	return nil
}

func firstOf(f *os.File, number uint64) (uint64, error) {
	header := make([]byte, headerSize)
	if _, err := f.ReadAt(header, 0); err != nil {
		return 0, err
	}
	return parseHeader(header, number)
}

func modified(f *os.File) (time.Time, error) {
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// saveTail copies what lies behind the last whole record to a file of its own.
// It is cut off by the record that tells of it: should this process die
// before, the next one finds the tail again. What an earlier crash left in
// that file stays.
func (d *disk) saveTail(f *os.File, end int64) (int64, error) {
	info, err := f.Stat()
	if err != nil || info.Size() <= end {
		return 0, err
	}
	rest, err := io.ReadAll(io.NewSectionReader(f, end, info.Size()-end))
	if err != nil {
		return 0, err
	}
	name := cutName(d.opt.Dir, d.number)
	at, err := size(name)
	if err != nil {
		return 0, err
	}
	save, err := d.opt.volume.open(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	_, err = save.WriteAt(rest, at)
	return int64(len(rest)), errors.Join(err, save.Close())
}

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
// have to look for it. The caller holds the turn.
func (l *Ledger) giveUp(before, now time.Time) {
	for id, at := range l.disk.open {
		if at.since.Before(before) {
			e := unknownEvent(Unknown{ID: id, Seq: at.seq}, now, "too long between")
			if _, err := l.enqueue(e); err != nil {
				return // the queue is full; the next time is in a minute
			}
		}
	}
}
