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
)

// found is what a recovery has to report.
type found struct {
	torn    int64  // bytes that were cut
	heads   int64  // bytes of a torn head that were cut
	damage  string // what is wrong with the last segment
	segment uint64
	records uint64
	skipped *checkpoint // what stands before it was not read; nil when all was
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
// It reads what stands behind the last checkpoint, or all of the last segment
// and of those with open intents where there is none that it may trust.
func (l *Ledger) recover(sign *signer) (found, error) {
	d := &disk{opt: &l.opt, keys: l.keys, sign: sign, open: openIntents{}, first: 1, oldest: 1, opening: true, names: true, heavy: l.heavy, earlyAt: headerSize}
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
	if d.kept, err = readRing(d.opt.volume, ringName(l.opt.Dir)); err != nil {
		return found{}, fmt.Errorf("recover the ledger: %w", err)
	}
	if len(all) == 0 {
		return found{}, nil
	}
	d.oldest, d.number = all[0], all[len(all)-1]
	from, last, err := d.begin(all)
	if err != nil {
		return found{}, fmt.Errorf("recover the ledger: %w", err)
	}
	f, err := d.resume(from, last)
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

// begin finds the checkpoint in the current segment from which resume may go
// on, or nil, and follows the intents of all segments before.
func (d *disk) begin(all []uint64) (*checkpoint, lastHead, error) {
	candidates, next := d.readCheckpoints()
	d.checks = next
	for _, c := range append(candidates, nil) {
		last, err := d.lastHeads(all, c)
		if err != nil || c == nil {
			d.follow(all, last.scan)
			d.checked = position{d.number, headerSize}
			return nil, last, err
		}
		if !d.usable(c, &last) {
			continue
		}
		d.open, d.checked = c.open, position{c.segment, c.size}
		if c.segment == d.number {
			return c, last, nil
		}
		d.notes(c.segment, c)
		return nil, last, nil
	}
	return nil, lastHead{}, nil // not reached: the last candidate is none
}

// follow collects the open intents of the segments before the last that have
// some, and finds those of the ring in the one before it.
func (d *disk) follow(all []uint64, scan uint64) {
	for _, n := range all[:len(all)-1] {
		if n >= scan || len(d.kept) > 0 && n == all[len(all)-2] {
			d.notes(n, nil)
		}
	}
}

// lastHead is what the newest heads say.
type lastHead struct {
	own    []Head // of the current segment, in order, behind the checkpoint
	size   int64  // of its heads file, whole lines
	extra  int64  // bytes behind them
	scan   uint64 // the oldest segment with an open intent
	covers uint64 // how many records of the segment of the checkpoint were synced
	bad    bool   // a line is no head, or a file ends within one that should not
}

// lastHeads reads the heads of the last segments, from the checkpoint on: the
// end of the chain, and what is known of the current segment.
func (d *disk) lastHeads(all []uint64, c *checkpoint) (last lastHead, err error) {
	last.scan = d.number
	read := all[max(0, len(all)-2):]
	if d.prev = (hash{}); c != nil && c.segment == d.number {
		read, d.prev = []uint64{d.number}, c.prev
	}
	for _, n := range read {
		size := int64(0)
		if c != nil && c.segment == d.number {
			size = c.heads
		}
		err := d.eachHead(n, size, func(l headLine) error {
			size += int64(l.size)
			if d.prev = l.hash; l.err != nil {
				last.bad = true
				return nil
			}
			last.scan = min(l.head.Open, d.number)
			if l.head.Kind == headTomb {
				return nil
			}
			if n == d.number {
				last.own = append(last.own, l.head)
			}
			if c != nil && l.head.Segment == c.segment {
				last.covers = max(last.covers, l.head.Count)
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

// eachHead calls do for each whole line of the heads of a segment from an
// offset on.
func (d *disk) eachHead(number uint64, from int64, do func(headLine) error) error {
	name := headsName(d.opt.Dir, number)
	f, err := d.opt.volume.read(name)
	if err != nil {
		return fmt.Errorf("read heads: %w", err)
	}
	defer f.Close() // read only
	return eachLineFrom(f, from, name, do)
}

// notes collects the open intents of a segment that is not the last. Damage
// there is for Verify to report.
func (d *disk) notes(number uint64, from *checkpoint) {
	f, err := d.opt.volume.read(segmentName(d.opt.Dir, number))
	if err != nil {
		return
	}
	defer f.Close() // read only
	_, _, _ = d.walk(f, number, from, nil)
}

// walk reads a segment from a checkpoint on, follows its intents and calls
// each, first before any record and then after each, with the tree so far. It
// returns the tree and where whole records end.
func (d *disk) walk(f readFile, number uint64, from *checkpoint, each func(*tree) error) (t tree, end int64, err error) {
	first, err := firstOf(f, number)
	if err != nil {
		return t, 0, err
	}
	end, d.last = headerSize, 0
	if from != nil {
		t, end, d.last = from.tree, from.size, from.last
	}
	if _, err := f.Seek(end, io.SeekStart); err != nil {
		return t, end, err
	}
	records, now := newFrames(f, end), d.opt.Clock.Now()
	for {
		if each != nil {
			if err := each(&t); err != nil {
				return t, records.offset, err
			}
		}
		frame, err := records.next()
		if err != nil {
			return t, records.offset, err
		}
		kind, id := peek(frame[frameHead:])
		d.open.note(kind, id, place{number, first + t.n, now})
		if kind == event.Intent {
			delete(d.kept, id)
		}
		t.add(leaf(frame))
		d.last = int64(len(frame))
	}
}

// errDamaged is what walk returns where a head contradicts the records.
var errDamaged = errors.New("the records are not those that were signed")

// resume reads the current segment from a checkpoint on and opens it for appending, or declares it
// ended when it is, or damaged.
func (d *disk) resume(from *checkpoint, last lastHead) (found, error) {
	out := found{segment: d.number, heads: last.extra, skipped: from}
	name := segmentName(d.opt.Dir, d.number)
	f, err := d.opt.volume.read(name)
	if err != nil {
		return out, err
	}
	defer f.Close() // read only
	heads := last.own
	t, end, err := d.walk(f, d.number, from, func(t *tree) error {
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
	if len(last.own) > 0 {
		d.born = last.own[0].Time
	}
	if from != nil {
		d.signed = from.signed
		if from.tree.n > 0 {
			d.born = from.born
		}
	}
	if n := len(last.own); n > 0 {
		d.signed, d.ended = last.own[n-1].Count, last.own[n-1].Kind == headEnd
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

func firstOf(f io.ReaderAt, number uint64) (uint64, error) {
	header := make([]byte, headerSize)
	if _, err := f.ReadAt(header, 0); err != nil {
		return 0, err
	}
	return parseHeader(header, number)
}

func modified(f readFile) (time.Time, error) {
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
func (d *disk) saveTail(f readFile, end int64) (int64, error) {
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
