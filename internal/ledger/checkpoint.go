package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/event"
)

// The layout of a checkpoint; docs/formats/ledger.md is the reference.
const (
	checkMagic  = "SALLYCKP"
	checkFormat = 1
	checkStart  = 16                 // magic, u32 format, u32 bytes of the whole
	openSize    = 32                 // id, u64 segment, u64 sequence number
	maxCheck    = 4 << 20            // bytes of a file that is read
	checkFixed  = checkStart + 8*8 + // numbers: segment, first, size, records, last, born, signed, bytes of heads
		2*sha256.Size + bootSize + 4 // last leaf, hash of the last head, boot, number of open intents
)

// checkedPrefix separates these signatures from all others by the same key.
const checkedPrefix = "sallyport ledger checkpoint v1\n"

// bootSize is the length of a boot, in bytes.
const bootSize = 16

// A boot names one run of the system's kernel. What this process and its
// successors read is what was written before, synced or not, as long as it
// stays the same. The zero boot is one that is not known.
type boot [bootSize]byte

// thisBoot asks Linux. On other systems it is not known, and recovery then
// trusts only what a head says was synced.
func thisBoot() boot {
	const idLength = 36
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(b) < idLength {
		return boot{}
	}
	sum := sha256.Sum256(b[:idLength])
	return boot(sum[:bootSize])
}

// A checkpoint is where a segment stood at a moment between two commits, so
// that recovery reads what came behind it and no more. It is signed: who may
// write the log but has no key cannot make recovery skip anything. What stands
// before it is compared with its tree after the start, by recheck.
type checkpoint struct {
	segment, first uint64
	size           int64 // where its records end
	tree           tree
	last           int64 // bytes of the last of them
	born           time.Time
	signed         uint64
	heads          int64 // where the lines of its heads end
	prev           hash  // of the last of them, or of one in the segment before
	boot           boot
	open           openIntents
}

// checkNames are the two files that take turns, so that one is whole when the
// process dies while it writes the other.
func checkNames(dir string) [2]string {
	return [2]string{filepath.Join(dir, "recovery.0"), filepath.Join(dir, "recovery.1")}
}

// append appends the checkpoint in its form, signed.
func (c *checkpoint) append(dst []byte, key ed25519.PrivateKey) []byte {
	from := len(dst)
	dst = c.appendUnsigned(dst)
	sum := sha256.Sum256(dst[from:])
	return append(dst, ed25519.Sign(key, append([]byte(checkedPrefix), sum[:]...))...)
}

// appendUnsigned appends what is signed.
func (c *checkpoint) appendUnsigned(dst []byte) []byte {
	dst = append(dst, checkMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, checkFormat)
	roots := c.tree.roots[:bits.OnesCount64(c.tree.n)]
	whole := checkFixed + len(roots)*sha256.Size + len(c.open)*openSize + ed25519.SignatureSize
	dst = binary.LittleEndian.AppendUint32(dst, uint32(whole))
	for _, n := range []uint64{c.segment, c.first, uint64(c.size), c.tree.n, uint64(c.last), uint64(c.born.UnixMicro()), c.signed, uint64(c.heads)} {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	dst = append(append(append(dst, c.tree.last[:]...), c.prev[:]...), c.boot[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(c.open)))
	for i := range roots {
		dst = append(dst, roots[i][:]...)
	}
	for id, at := range c.open {
		dst = append(dst, id[:]...)
		dst = binary.LittleEndian.AppendUint64(dst, at.segment)
		dst = binary.LittleEndian.AppendUint64(dst, at.seq)
	}
	return dst
}

var errCheckpoint = errors.New("not a checkpoint of this log")

// parseCheckpoint reads what append wrote and checks its signature. Bytes
// behind it are those of a longer one that it overwrote.
func parseCheckpoint(b []byte, key ed25519.PublicKey) (*checkpoint, error) {
	if len(b) < checkFixed+ed25519.SignatureSize || string(b[:8]) != checkMagic || binary.LittleEndian.Uint32(b[8:]) != checkFormat {
		return nil, errCheckpoint
	}
	whole := int64(binary.LittleEndian.Uint32(b[12:]))
	if whole < checkFixed+ed25519.SignatureSize || whole > int64(len(b)) {
		return nil, errCheckpoint
	}
	body, signature := b[:whole-ed25519.SignatureSize], b[whole-ed25519.SignatureSize:whole]
	sum := sha256.Sum256(body)
	if !ed25519.Verify(key, append([]byte(checkedPrefix), sum[:]...), signature) {
		return nil, errCheckpoint
	}
	return parseBody(body[checkStart:])
}

// parseBody reads the fields behind the head of a checkpoint.
func parseBody(b []byte) (*checkpoint, error) {
	if len(b) < checkFixed-checkStart {
		return nil, errCheckpoint
	}
	number := func() (n uint64) {
		n, b = binary.LittleEndian.Uint64(b), b[8:]
		return n
	}
	c := &checkpoint{segment: number(), first: number(), size: int64(number())}
	c.tree.n, c.last = number(), int64(number())
	c.born, c.signed, c.heads = time.UnixMicro(int64(number())).UTC(), number(), int64(number())
	b = b[copy(c.tree.last[:], b):]
	b = b[copy(c.prev[:], b):]
	b = b[copy(c.boot[:], b):]
	count := int64(binary.LittleEndian.Uint32(b))
	b = b[4:]
	roots := bits.OnesCount64(c.tree.n)
	if int64(len(b)) != int64(roots)*sha256.Size+count*openSize || c.segment == 0 || !c.sound() {
		return nil, errCheckpoint
	}
	for i := range roots {
		b = b[copy(c.tree.roots[i][:], b):]
	}
	c.open = make(openIntents, count)
	for range count {
		id := event.ID(b[:16])
		if b = b[16:]; c.open.has(id) {
			return nil, errCheckpoint
		}
		c.open[id] = place{segment: number(), seq: number()}
	}
	return c, nil
}

// sound tells whether the numbers fit one another.
func (c *checkpoint) sound() bool {
	return c.size >= headerSize && c.heads >= 0 && c.tree.n <= uint64(c.size) && c.signed <= c.tree.n &&
		(c.tree.n == 0 && c.last == 0 && c.size == headerSize || c.tree.n > 0 && c.last > frameHead && c.last <= min(c.size-headerSize, frameHead+event.MaxBytes))
}

// later tells whether c stands behind other in the log.
func (c *checkpoint) later(other *checkpoint) bool {
	return other == nil || c.segment > other.segment || c.segment == other.segment && c.size > other.size
}

// checkEvery is how many bytes of records stand between two checkpoints, so
// that recovery reads not many more. Where many intents are open, a checkpoint
// takes more to write and comes less often.
func (d *disk) checkEvery() int64 {
	const each, perOpen = 4 << 20, 16 * openSize
	if d.opt.check > 0 {
		return d.opt.check
	}
	return max(each, int64(len(d.open))*perOpen)
}

// check writes a checkpoint when the last one is far behind. It stands between
// two commits: the ring has no intent that stands before it. It is not synced,
// and where it cannot be written, the next recovery only reads more.
func (d *disk) check() {
	if d.seg == nil || d.ended || d.number == d.checked.segment && d.size-d.checked.size < d.checkEvery() {
		return
	}
	c := checkpoint{
		segment: d.number, first: d.first, size: d.size, tree: d.tree, last: d.last, born: d.born, signed: d.signed,
		heads: d.headsSize, prev: d.prev, boot: d.opt.boot, open: d.open,
	}
	d.checked = position{d.number, d.size} // also where it fails: it is not tried with each commit
	name := checkNames(d.opt.Dir)[d.checks%2]
	d.checks++
	f, err := d.opt.volume.open(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	d.checkRoom = c.append(d.checkRoom[:0], d.sign.private)
	_, err = f.WriteAt(d.checkRoom, 0)
	_ = errors.Join(err, f.Close())
}

// position is a place between two records.
type position struct {
	segment uint64
	size    int64
}

// readCheckpoints returns the checkpoints of a folder that are whole and
// signed, the later one first, and which of the files to write next.
func (d *disk) readCheckpoints() (all []*checkpoint, next int) {
	for i, name := range checkNames(d.opt.Dir) {
		f, err := d.opt.volume.read(name)
		if err != nil {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(f, maxCheck))
		_ = f.Close() // read only
		if err != nil {
			continue
		}
		c, err := parseCheckpoint(b, d.sign.public())
		switch {
		case err != nil:
		case len(all) > 0 && !c.later(all[0]):
			all = append(all, c)
		default:
			all, next = append([]*checkpoint{c}, all...), 1-i
		}
	}
	return all, next
}

// usable tells whether recovery may begin at c: it is in one of the last two
// segments, they and their heads reach as far as c says, and what stands
// before c was synced, or no power was lost since. Whatever is wrong with c,
// recovery can do without it.
func (d *disk) usable(c *checkpoint, last *lastHead) bool {
	if c.segment != d.number && c.segment+1 != d.number {
		return false
	}
	f, err := d.opt.volume.read(segmentName(d.opt.Dir, c.segment))
	if err != nil {
		return false
	}
	defer f.Close() // read only
	info, err := f.Stat()
	if err != nil || info.Size() < c.size {
		return false
	}
	if first, err := firstOf(f, c.segment); err != nil || first != c.first || !c.meetsRecord(f) {
		return false
	}
	synced := max(c.signed, last.covers) >= c.tree.n
	return (synced || c.boot == d.opt.boot && c.boot != boot{}) && d.meetsHeads(c)
}

// meetsRecord looks for the last record before c where it must be.
func (c *checkpoint) meetsRecord(f io.ReaderAt) bool {
	if c.tree.n == 0 {
		return true
	}
	b := make([]byte, c.last)
	if _, err := f.ReadAt(b, c.size-c.last); err != nil {
		return false
	}
	frame, err := newFrame(b)
	return err == nil && len(frame) == len(b) && leaf(frame) == c.tree.last
}

// meetsHeads compares the line of heads that c ends with, if one is in its own
// segment.
func (d *disk) meetsHeads(c *checkpoint) bool {
	if c.heads == 0 {
		return true
	}
	f, err := d.opt.volume.read(headsName(d.opt.Dir, c.segment))
	if err != nil {
		return false
	}
	defer f.Close() // read only
	b := make([]byte, min(c.heads, maxHead+1))
	if _, err := f.ReadAt(b, c.heads-int64(len(b))); err != nil {
		return false
	}
	line, whole := bytes.CutSuffix(b, []byte("\n"))
	return whole && sha256.Sum256(line[bytes.LastIndexByte(line, '\n')+1:]) == c.prev
}
