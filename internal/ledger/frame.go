package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/sallyport/sallyport/event"
)

// The layout of a segment file; docs/formats/ledger.md is the reference. All
// numbers are little-endian.
const (
	magic       = "SALLYLOG"
	formatMajor = 1
	headerSize  = 32 // magic, u32 format, u64 number, u64 first sequence number, u32 CRC-32C of what stands before
	frameHead   = 9  // u32 CRC-32C of what follows, u32 length of the payload, byte 0x00
)

// errTorn is what reading a frame wraps when the bytes are no whole record.
var errTorn = errors.New("not a whole record")

// castagnoli makes the table of CRC-32C; the standard library keeps one.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendFrame appends the record of e to dst. The byte before the payload is
// the 0x00 of the leaf hash, so that the leaf is one run of bytes.
func appendFrame(dst []byte, e *event.Event) []byte {
	return frame(event.AppendCanonical(append(dst, make([]byte, frameHead)...), e), len(dst))
}

// frame completes the record that begins at from and ends with dst.
func frame(dst []byte, from int) []byte {
	f := dst[from:]
	binary.LittleEndian.PutUint32(f[4:], uint32(len(f)-frameHead))
	binary.LittleEndian.PutUint32(f, crc32.Checksum(f[4:], castagnoli()))
	return dst
}

// leaf is SHA-256(0x00 || payload) of a frame.
func leaf(frame []byte) hash { return sha256.Sum256(frame[8:]) }

// appendHeader appends the header of a segment.
func appendHeader(dst []byte, number, first uint64) []byte {
	from := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, formatMajor)
	dst = binary.LittleEndian.AppendUint64(dst, number)
	dst = binary.LittleEndian.AppendUint64(dst, first)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[from:], castagnoli()))
}

// parseHeader checks the header of segment number and returns its first
// sequence number.
func parseHeader(b []byte, number uint64) (first uint64, err error) {
	switch {
	case len(b) < headerSize || string(b[:8]) != magic:
		return 0, errors.New("not a segment of this ledger")
	case binary.LittleEndian.Uint32(b[8:]) != formatMajor:
		return 0, fmt.Errorf("format %d is not known, only %d", binary.LittleEndian.Uint32(b[8:]), formatMajor)
	case crc32.Checksum(b[:28], castagnoli()) != binary.LittleEndian.Uint32(b[28:]):
		return 0, errors.New("the header was changed")
	case binary.LittleEndian.Uint64(b[12:]) != number:
		return 0, fmt.Errorf("the header says segment %d", binary.LittleEndian.Uint64(b[12:]))
	}
	return binary.LittleEndian.Uint64(b[20:]), nil
}

// A frames reads the records of one segment, one after the other. The bytes
// that next returns are valid until the next call.
type frames struct {
	r      io.Reader
	buf    []byte
	have   []byte // part of buf that was read and not yet returned
	offset int64  // of the next record in the file
	done   bool   // r has ended
}

// bufferSize is room for many usual records; for a greater one the buffer grows.
const bufferSize = 32 << 10

// newFrames reads records from r, which stands at offset of its file.
func newFrames(r io.Reader, offset int64) *frames {
	return &frames{r: r, offset: offset, buf: make([]byte, bufferSize)}
}

// newFrame returns the frame at the start of b, or wraps errTorn.
func newFrame(b []byte) ([]byte, error) {
	if len(b) < frameHead {
		return nil, fmt.Errorf("%w: %d bytes at the end", errTorn, len(b))
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	if n > event.MaxBytes || n == 0 || b[8] != 0 {
		return nil, fmt.Errorf("%w: a record of %d bytes", errTorn, n)
	}
	if int64(len(b)) < frameHead+n {
		return nil, fmt.Errorf("%w: %d bytes at the end", errTorn, len(b))
	}
	frame := b[:frameHead+n]
	if crc32.Checksum(frame[4:], castagnoli()) != binary.LittleEndian.Uint32(frame) {
		return nil, fmt.Errorf("%w: the checksum differs", errTorn)
	}
	return frame, nil
}

// next returns the next frame. At the end it returns io.EOF; where the bytes
// are no whole record it wraps errTorn and does not move.
func (f *frames) next() ([]byte, error) {
	if err := f.need(frameHead); err != nil {
		return nil, err
	}
	if n := int64(binary.LittleEndian.Uint32(f.have[4:])); n > 0 && n <= event.MaxBytes {
		if err := f.need(frameHead + int(n)); err != nil {
			return nil, err
		}
	}
	frame, err := newFrame(f.have)
	if err != nil {
		return nil, err
	}
	f.have = f.have[len(frame):]
	f.offset += int64(len(frame))
	return frame, nil
}

// need reads until n bytes are at hand.
func (f *frames) need(n int) error {
	for len(f.have) < n && !f.done {
		if n > len(f.buf) {
			f.buf = make([]byte, n)
			f.have = f.buf[:copy(f.buf, f.have)]
		}
		if cap(f.have) < n || len(f.have) == 0 {
			f.have = f.buf[:copy(f.buf, f.have)]
		}
		m, err := f.r.Read(f.have[len(f.have):cap(f.have)])
		f.have = f.have[:len(f.have)+m]
		if errors.Is(err, io.EOF) {
			f.done = true
		} else if err != nil {
			return fmt.Errorf("read a segment: %w", err)
		}
	}
	switch {
	case len(f.have) >= n:
		return nil
	case len(f.have) == 0:
		return io.EOF
	}
	return fmt.Errorf("%w: %d bytes at the end", errTorn, len(f.have))
}
