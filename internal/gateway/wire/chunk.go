package wire

import (
	"io"

	"github.com/sallyport/sallyport/internal/lib/canon"
)

// Limits of chunks. Extensions and trailers carry nothing for us.
const (
	maxSizeDigits  = 15       // of a chunk size, so that it fits
	maxExtension   = 256      // bytes of the extensions of one chunk
	maxExtensions  = 16 << 10 // bytes of all extensions of a body
	maxTrailer     = 8 << 10  // bytes of all trailer fields
	maxTrailerLine = 4 << 10
	maxTrailers    = 32
)

// A chunkReader keeps the budgets of one body.
type chunkReader struct{ extensions int }

// readChunked reads the data of chunks (RFC 9112 section 7.1).
func (b *Body) readChunked(p []byte) (int, error) {
	if b.left < 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
	}
	n, err := b.c.readBody(b, p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil {
		return n, err
	}
	if b.left == 0 {
		b.left = -1
		if err := b.chunkEnd(); err != nil {
			return n, err
		}
		// The last chunk most often lies behind this one already. To see it now
		// says with the last byte that it was the last.
		if b.c.ends() {
			return n, b.nextChunk()
		}
	}
	return n, nil
}

// chunkEnd reads the end of line behind the data of a chunk.
func (b *Body) chunkEnd() error {
	for _, want := range [...]byte{'\r', '\n'} {
		c, err := b.byte()
		if err != nil {
			return err
		}
		if c != want {
			return badChunkEnd
		}
	}
	return nil
}

// nextChunk reads the line of a chunk; io.EOF behind the last one and its
// trailers.
func (b *Body) nextChunk() error {
	size, digits := int64(0), 0
	c, err := b.byte()
	for ; err == nil; c, err = b.byte() {
		v, ok := canon.Unhex(c)
		if !ok {
			break
		}
		if digits++; digits > maxSizeDigits {
			return badChunk
		}
		size = size<<4 | int64(v)
	}
	switch {
	case err != nil:
		return err
	case digits == 0:
		return badChunk
	}
	if err := b.chunkLine(c); err != nil {
		return err
	}
	if size == 0 {
		return b.trailers()
	}
	b.left = size
	return nil
}

// chunkLine reads the rest of a chunk's line, from the byte c behind its size:
// extensions, which are dropped, and the end of the line (RFC 9112 section
// 7.1.1).
func (b *Body) chunkLine(c byte) error {
	var line [maxExtension]byte
	n := 0
	for c != '\r' {
		if n == len(line) || !valued(c) {
			return badExtension
		}
		line[n] = c
		n++
		var err error
		if c, err = b.byte(); err != nil {
			return err
		}
	}
	c, err := b.byte()
	switch {
	case err != nil:
		return err
	case c != '\n':
		return bareCR
	}
	if b.chunk.extensions += n; b.chunk.extensions > maxExtensions || !extensions(line[:n]) {
		return badExtension
	}
	return nil
}

// extensions tells whether b keeps to *( BWS ";" BWS name [ BWS "=" BWS value ] ).
func extensions(b []byte) bool {
	for len(b) > 0 {
		if b = blanks(b); len(b) == 0 || b[0] != ';' {
			return false
		}
		n := 0
		if b, n = word(blanks(b[1:])); n == 0 {
			return false
		}
		rest := blanks(b)
		if len(rest) == 0 || rest[0] != '=' {
			continue
		}
		var ok bool
		if b, ok = wordOrQuoted(blanks(rest[1:])); !ok {
			return false
		}
	}
	return true
}

func blanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// word skips a token and says how long it was.
func word(b []byte) ([]byte, int) {
	n := 0
	for n < len(b) && canon.TokenByte(b[n]) {
		n++
	}
	return b[n:], n
}

// wordOrQuoted skips a token or a quoted string (RFC 9110 section 5.6.4).
func wordOrQuoted(b []byte) ([]byte, bool) {
	if len(b) == 0 || b[0] != '"' {
		rest, n := word(b)
		return rest, n > 0
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[i+1:], true
		}
	}
	return nil, false
}

// trailers reads and drops the trailer fields; io.EOF at their end (RFC 9112
// section 7.1.2). A field that could be merged into the head never is.
func (b *Body) trailers() error {
	line := make([]byte, 0, 64)
	for total, count := 0, 0; ; count++ {
		line = line[:0]
		for len(line) < 2 || line[len(line)-1] != '\n' {
			c, err := b.byte()
			if err != nil {
				return err
			}
			if line = append(line, c); len(line) > maxTrailerLine || c == '\n' && (len(line) < 2 || line[len(line)-2] != '\r') {
				return badTrailer
			}
		}
		if len(line) == 2 {
			return io.EOF
		}
		if total += len(line); total > maxTrailer || count >= maxTrailers {
			return badTrailer
		}
		var s span
		if end, f := fieldLine(line, 0, &s); f != nil || end != len(line) {
			return badTrailer
		}
	}
}

// byte is the next byte of the connection.
func (b *Body) byte() (byte, error) {
	c := b.c
	if c.buffered() == 0 {
		if err := b.fill(); err != nil {
			return 0, err
		}
	}
	v := c.buf.b[c.buf.r]
	c.buf.r++
	return v, nil
}

// fill waits for bytes in the buffer.
func (b *Body) fill() error {
	c := b.c
	if b.asked {
		if err := c.goOn(b); err != nil {
			return err
		}
	}
	if c.buf == nil {
		c.buf = c.s.room()
	}
	c.buf.r, c.buf.w = 0, 0
	n, err := c.await(b, c.buf.b)
	if n > 0 {
		c.buf.w = n
		return nil
	}
	return c.bodyFault(err)
}

// ends tells whether the buffer goes on with the last chunk.
func (c *conn) ends() bool {
	return c.buffered() >= 5 && string(c.buf.b[c.buf.r:c.buf.r+5]) == "0\r\n\r\n"
}

// valued tells whether c may stand in a field value (RFC 9110 section 5.5).
func valued(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' }
