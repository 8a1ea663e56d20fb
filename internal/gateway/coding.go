package gateway

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
)

const (
	// maxRatio is how much larger a body may become by decoding, at any point of
	// it. Text of an API rarely shrinks to less than a fiftieth; a bomb has a
	// ratio of 1,000.
	maxRatio = 100
	// freeBytes may come out of any body, whatever its ratio: the beginning of a
	// body may be all repetition.
	freeBytes = 64 << 10
	// maxSilence is how much of a coded body may go by without anything coming
	// out: codings have blocks without content.
	maxSilence = 1 << 20
)

var (
	errCoding   = errors.New("the content coding is not known")
	errBomb     = errors.New("the decoded body is out of proportion")
	errSilence  = errors.New("the coded body holds nothing")
	errTrailing = errors.New("something follows the coded body")
)

// A codingError says that a body is not what its Content-Encoding says.
type codingError struct {
	coding string
	err    error
}

func (e *codingError) Error() string { return fmt.Sprintf("decode %s: %v", e.coding, e.err) }

func (e *codingError) Unwrap() error { return e.err }

// A decoding undoes the content coding of a body while it is read (RFC 9110
// section 8.4.1). An empty body stays empty. What is cut off, corrupt or out of
// proportion, and what stands behind the coded body, such as a second member of
// gzip, ends it with a codingError; errors of the body itself come through.
// Its memory is bounded by the window of the coding.
type decoding struct {
	coding string
	in     *counter
	buf    *bufio.Reader
	plain  io.Reader // nil before the first byte
	hold   func(n int64) bool
	out    int64
	err    error
}

// decode undoes the codings of a body, of which there may be one that is
// known. hold is asked for the memory that it takes.
func decode(codings []string, body io.Reader, hold func(n int64) bool) *decoding {
	in := &counter{r: body}
	return &decoding{coding: strings.Join(codings, ", "), in: in, buf: bufio.NewReader(in), hold: hold}
}

// Read reads decoded bytes. io.EOF means that the body is whole, and that
// nothing follows.
func (d *decoding) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.read(p)
	if d.out += int64(n); d.out > d.in.n*maxRatio+freeBytes {
		n, err = 0, errBomb
	}
	if n > 0 {
		d.in.silent = 0
	}
	switch {
	case err == nil, err == io.EOF: //nolint:errorlint // readers return it bare
	case d.in.err != nil && !errors.Is(d.in.err, errSilence):
		err = d.in.err
	case errors.Is(err, errNoRoom):
	default:
		err = &codingError{d.coding, err}
	}
	d.err = err
	return n, err
}

func (d *decoding) read(p []byte) (int, error) {
	if d.plain == nil {
		if err := d.begin(); err != nil {
			return 0, err
		}
	}
	n, err := d.plain.Read(p)
	if err == io.EOF { //nolint:errorlint // readers return it bare
		err = d.nothingFollows()
	}
	return n, err //nolint:wrapcheck // Read does
}

// nothingFollows is io.EOF where the coded body was all there is.
func (d *decoding) nothingFollows() error {
	if _, err := d.buf.Peek(1); err != nil {
		return err //nolint:wrapcheck // io.EOF has to stay bare
	}
	return errTrailing
}

// errNoRoom means that the memory for a coding is not to be had.
var errNoRoom = errors.New("there is no room to decode the body")

// deflateRoom is what a decoder of deflate holds: a window of 32 KiB and its
// tables.
const deflateRoom = 64 << 10

// begin reads how the coded body begins.
func (d *decoding) begin() error {
	first, err := d.buf.Peek(2)
	if len(first) == 0 {
		return err //nolint:wrapcheck // io.EOF: there is no body
	}
	room := int64(deflateRoom)
	if d.coding == "br" {
		room = brotliRoom(first[0])
	}
	if !d.hold(room) {
		return errNoRoom
	}
	switch d.coding {
	case "br":
		d.plain = brotli.NewReader(d.buf)
		return nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(d.buf)
		if err != nil {
			return err //nolint:wrapcheck // Read does
		}
		z.Multistream(false) // readers differ in what they make of a second member
		d.plain = z
		return nil
	case "deflate":
		// RFC 9110 means zlib; some servers send bare deflate.
		if !zlibHead(first) {
			d.plain = flate.NewReader(d.buf)
			return nil
		}
		z, err := zlib.NewReader(d.buf)
		if err != nil {
			return err //nolint:wrapcheck // Read does
		}
		d.plain = z
		return nil
	}
	return errCoding
}

// zlibHead tells whether a body begins as RFC 1950 section 2.2 has it.
func zlibHead(b []byte) bool {
	return len(b) == 2 && b[0]&0x0f == 8 && b[0]>>4 <= 7 && (uint(b[0])<<8|uint(b[1]))%31 == 0
}

// brotliRoom is what a decoder of brotli holds by the first byte of a body: its
// window, of 1 KiB to 16 MiB (RFC 7932 section 9.1), and its tables.
func brotliRoom(first byte) int64 {
	const tables = 1 << 20
	bits := 16
	switch {
	case first&1 == 0:
	case first>>1&7 != 0:
		bits = 17 + int(first>>1&7)
	case first>>4&7 == 0:
		bits = 17
	case first>>4&7 != 1: // which is none
		bits = 8 + int(first>>4&7)
	}
	return 1<<bits + tables
}

// A counter counts what is read of a coded body.
type counter struct {
	r      io.Reader
	n      int64
	silent int64 // since something came out
	err    error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.silent += int64(n); c.silent > maxSilence {
		n, err = 0, errSilence
	}
	if err != nil && err != io.EOF { //nolint:errorlint // readers return it bare
		c.err = err
	}
	return n, err //nolint:wrapcheck // io.EOF has to stay bare
}
