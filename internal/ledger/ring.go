package ledger

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/sallyport/sallyport/event"
)

// The layout of the ring; docs/formats/ledger.md is the reference.
const (
	ringMagic  = "SALLYRNG"
	ringFormat = 1
	ringHeader = 32 // of each half: magic, u32 format, u32 bytes of a half, u64 epoch, u64 zero
	epochAt    = 16
	epochSize  = 8       // before each frame: that of its half when it was kept
	maxRing    = 1 << 26 // bytes of a file that is read
)

// ringName names the ring of a folder.
func ringName(dir string) string { return filepath.Join(dir, "intents.ring") }

// A ring keeps the records of intents from the moment at which their requests
// may go on to the commit that writes them to the log. It is a file that is
// mapped into memory: what is stored there is with the kernel without a call,
// and outlives the process. It has two halves, so that one takes intents while
// the commit of the other is under way. Its methods but close are called under
// Ledger.mu; a nil ring keeps nothing, and intents are then written one by one.
//
// A write call for each intent costs 1.4 us, this 0.1 us, and it waits for no
// disk. A segment that is mapped itself was slower (0.4 us, for each page has to
// be made ready) and would end in zeros that every reader must know about.
type ring struct {
	file   file
	mapped []byte
	half   int    // bytes
	ends   [2]int // of the records in each half
	active int    // the half that takes intents; -1 while both are in use
	epoch  uint64 // that the next half gets
	broken bool   // a store failed; never used again
}

// halves is a set of the halves of a ring: bit 0 and bit 1.
type halves uint8

// base is where a half begins.
func (r *ring) base(i int) int { return i * r.half }

// keep stores one frame and tells whether it is kept.
func (r *ring) keep(frame []byte) (kept bool) {
	if r == nil || r.broken || r.active < 0 {
		return false
	}
	end := r.ends[r.active] + epochSize + len(frame)
	if end > r.half {
		return false
	}
	// A page that cannot be read back or written is a SIGBUS here. It becomes a
	// panic, and the ring is not used again.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			kept, r.broken = false, true
		}
	}()
	at := r.base(r.active) + r.ends[r.active]
	// The epoch comes last: with it in place, a process that dies between the two
	// would leave an old frame of the same length as if it were kept now.
	copy(r.mapped[at+epochSize:], frame)
	binary.LittleEndian.PutUint64(r.mapped[at:], binary.LittleEndian.Uint64(r.mapped[r.base(r.active)+epochAt:]))
	r.ends[r.active] = end
	return true
}

// turn lets the other half take intents, where it is free, and returns those
// that hold some: they belong to the batch that was just taken.
func (r *ring) turn() halves {
	if r == nil {
		return 0
	}
	var used halves
	r.active = -1
	for i := range r.ends {
		if r.ends[i] > ringHeader {
			used |= 1 << i
		} else {
			r.active = i
		}
	}
	return used
}

// forget empties halves whose intents are in the log.
func (r *ring) forget(used halves) {
	if r == nil {
		return
	}
	for i := range r.ends {
		if used&(1<<i) != 0 {
			r.begin(i)
		}
	}
	if r.active < 0 {
		r.turn()
	}
}

// begin empties a half by giving it a new epoch, which none of its records has,
// however little of it is stored when the process dies.
func (r *ring) begin(i int) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			r.broken = true
		}
	}()
	binary.LittleEndian.PutUint64(r.mapped[r.base(i)+epochAt:], r.epoch)
	r.epoch++
	r.ends[i] = ringHeader
}

// close lets go of the memory and the file.
func (r *ring) close() error {
	if r == nil {
		return nil
	}
	r.broken = true
	return errors.Join(unmapFile(r.mapped), r.file.Close())
}

// startRing makes the ring empty and usable, or removes what an earlier
// process left where none is wanted. By now the log has all that was in it. A
// ring that cannot be had costs speed, and nothing else.
func (l *Ledger) startRing() error {
	name := ringName(l.opt.Dir)
	if l.opt.Durability == Fsync || l.opt.ring < 0 {
		return l.dropRing(name)
	}
	r, err := newRing(l.opt.volume, name, l.opt.ring)
	if err != nil {
		return l.dropRing(name)
	}
	var b [8]byte
	if _, err := io.ReadFull(l.opt.Rand, b[:]); err != nil {
		return errors.Join(fmt.Errorf("start the ring of intents: %w", err), r.close())
	}
	r.epoch = binary.LittleEndian.Uint64(b[:])
	r.begin(0)
	r.begin(1)
	if r.broken {
		return errors.Join(r.close(), l.dropRing(name))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue.ring = r
	return nil
}

func (l *Ledger) dropRing(name string) error {
	if err := l.opt.volume.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the old ring of intents: %w", err)
	}
	return nil
}

// newRing opens the file and maps it. Every byte of a new one is written, for a
// store into a hole needs room on the disk and is a fault of memory when there
// is none.
func newRing(v volume, name string, half int) (*ring, error) {
	had, err := size(name)
	if err != nil {
		return nil, err
	}
	f, err := v.open(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if had != int64(2*half) {
		b := make([]byte, 2*half)
		for i := range 2 {
			copy(b[i*half:], ringMagic)
			binary.LittleEndian.PutUint32(b[i*half+8:], ringFormat)
			binary.LittleEndian.PutUint32(b[i*half+12:], uint32(half))
		}
		_, err = f.WriteAt(b, 0)
		if err = errors.Join(err, f.Truncate(int64(len(b)))); err == nil {
			err = f.Sync()
		}
	}
	var mapped []byte
	if err == nil {
		mapped, err = mapFile(f, 2*half)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &ring{file: f, mapped: mapped, half: half}, nil
}

// keptIntents are intents that a ring has, by id.
type keptIntents map[event.ID]keptIntent

// A keptIntent is one frame, and its place among the others.
type keptIntent struct {
	id    event.ID
	order int
	frame []byte
}

// sorted lists them in the order in which they were kept.
func (k keptIntents) sorted() []keptIntent {
	return slices.SortedFunc(maps.Values(k), func(a, b keptIntent) int { return cmp.Compare(a.order, b.order) })
}

// readRing reads the intents that the ring of an earlier process has; nothing
// when there is none.
func readRing(v volume, name string) (keptIntents, error) {
	f, err := v.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the ring of intents: %w", err)
	}
	defer f.Close() // read only
	b, err := io.ReadAll(io.LimitReader(f, maxRing))
	if err != nil {
		return nil, fmt.Errorf("read the ring of intents: %w", err)
	}
	return parseRing(b), nil
}

// parseRing reads both halves, the older first. What is no half or no record
// ends it there: a process that died while it made the ring or stored an
// intent told nobody that it had one.
func parseRing(b []byte) keptIntents {
	const first, second = 0, 1
	var parts [2][]byte
	half := len(b) / 2
	for i := range parts {
		p := b[i*half : (i+1)*half]
		if len(p) >= ringHeader && string(p[:8]) == ringMagic && binary.LittleEndian.Uint32(p[8:]) == ringFormat && int(binary.LittleEndian.Uint32(p[12:])) == half {
			parts[i] = p
		}
	}
	if parts[first] != nil && parts[second] != nil && int64(epochOf(parts[first])-epochOf(parts[second])) > 0 {
		parts[first], parts[second] = parts[second], parts[first]
	}
	kept := keptIntents{}
	for _, p := range parts {
		kept.add(p)
	}
	return kept
}

func epochOf(half []byte) uint64 { return binary.LittleEndian.Uint64(half[epochAt:]) }

// add reads the records of one half.
func (k keptIntents) add(half []byte) {
	if half == nil {
		return
	}
	epoch := epochOf(half)
	for rest := half[ringHeader:]; len(rest) > epochSize && binary.LittleEndian.Uint64(rest) == epoch; {
		frame, err := newFrame(rest[epochSize:])
		if err != nil {
			return
		}
		kind, id := peek(frame[frameHead:])
		if kind != event.Intent {
			return
		}
		k[id] = keptIntent{id: id, order: len(k), frame: frame}
		rest = rest[epochSize+len(frame):]
	}
}
