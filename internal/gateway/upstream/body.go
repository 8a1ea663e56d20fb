package upstream

import (
	"bytes"
	"io"
	"time"

	"github.com/sallyport/sallyport/internal/lib/canon"
)

// fairBytes is how much of a body is read in one turn.
const fairBytes = 64 << 10

// chunkWork is how many bytes of a body cost as much as a chunk does, and
// slowChunk as one that is not here whole.
const (
	chunkWork = 16
	slowChunk = 64
)

// Read reads the body of the reply. io.EOF means that it is whole.
func (x *call) Read(p []byte) (int, error) {
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return 0, errClosed
	}
	x.busy = true
	x.mu.Unlock()
	n, err := x.read(p)
	if x.taken += n; x.taken >= fairBytes {
		x.taken = 0
		x.end.set.opt.Turns.Next(&x.turn)
	}
	if err != nil && err != io.EOF { //nolint:errorlint // ours, bare
		x.single = true
		kind := x.kindOf(err)
		if kind.blames() {
			x.end.health.failed(time.Now())
			if kind == Malformed || kind == Late && !x.till.IsZero() {
				x.vigil.lane.bodies.failed(time.Now())
			}
		}
		err = &Error{Kind: kind, Address: x.end.host, Err: err, Asked: true}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy = false
	if x.closed {
		x.settle()
		return 0, errClosed
	}
	return n, err
}

func (x *call) read(p []byte) (int, error) {
	switch x.frame {
	case noBody:
		return 0, io.EOF
	case byLength:
		return x.readLength(p)
	case byChunks:
		return x.readChunks(p)
	case untilClose:
		n, err := x.readSome(p)
		x.whole = err == io.EOF //nolint:errorlint // connections return it bare
		return n, err
	}
	return 0, io.EOF
}

// readLength reads a body whose length is known.
func (x *call) readLength(p []byte) (int, error) {
	if x.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > x.left {
		p = p[:x.left]
	}
	n, err := x.readSome(p)
	if x.left -= int64(n); x.left == 0 {
		x.whole = true
		return n, io.EOF
	}
	if err == io.EOF { //nolint:errorlint // connections return it bare
		err = errEnded
	}
	return n, err
}

// yield gives the turn away before a read that will wait.
func (x *call) yield() {
	if x.turn.Held() && !x.c.readable() {
		x.end.set.opt.Turns.Leave(&x.turn)
		x.taken = 0
	}
}

// readSome gives what is in the buffer, or else what comes.
func (x *call) readSome(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b := x.b
	if b.r == b.w {
		x.w.until(x.before(x.idle))
		if len(p) >= len(b.in) {
			x.yield()
			return x.c.readBytes(&x.w, p)
		}
		if err := x.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.in[b.r:b.w])
	b.r += n
	return n, nil
}

// A chunkState says what comes next of a chunked body.
type chunkState uint8

const (
	sizeLine  chunkState = iota // the line of a chunk, or of the last
	chunkData                   // left bytes
	chunkEnd                    // CRLF after them
)

// Limits of the lines of chunks. Extensions are dropped, but they must not be a
// way to send without end: they may be about as long as the body, and 16 KiB.
const (
	maxChunkLine = 4 << 10
	maxWaste     = 16 << 10
	maxChunkSize = 1 << 56
)

// readChunks reads a chunked body (RFC 9112 section 7.1): what has come of it, so
// that small chunks cost no more calls than large ones.
func (x *call) readChunks(p []byte) (int, error) {
	n, err := x.readChunk(p)
	for n > 0 && n < len(p) && err == nil {
		var m int
		if m, err = x.wholeChunks(p[n:]); m > 0 || err != nil {
			n += m
			continue
		}
		if !x.readable() {
			break
		}
		m, err = x.readChunk(p[n:])
		n += m
	}
	return n, err
}

// wholeChunks reads the chunks that are here from end to end and fit into p, as
// far as they are plain: a size of at most four digits, without extensions. It
// leaves to readChunk what is anything else.
func (x *call) wholeChunks(p []byte) (n int, err error) {
	b := x.b
	have := b.in[b.r:b.w]
	if x.chunk == chunkEnd && len(have) >= 2 && have[0] == '\r' && have[1] == '\n' {
		x.chunk, have = sizeLine, have[2:]
		b.r += 2
	}
	if x.chunk != sizeLine {
		return 0, nil
	}
	for err == nil {
		size, i := 0, 0
		for ; i < min(len(have), 4); i++ {
			d, ok := canon.Unhex(have[i])
			if !ok {
				break
			}
			size = size<<4 | int(d)
		}
		end := i + 2 + size
		if size == 0 || size > len(p)-n || end+2 > len(have) || have[i] != '\r' || have[i+1] != '\n' || have[end] != '\r' || have[end+1] != '\n' {
			break
		}
		n += copy(p[n:], have[i+2:end])
		have = have[end+2:]
		b.r += end + 2
		err = x.account(i, int64(size), chunkWork)
	}
	return n, err
}

// readable tells whether reading on does not wait: the next line is here, and
// not the last one, whose trailers may take their time.
func (x *call) readable() bool {
	b := x.b
	have := b.in[b.r:b.w]
	switch x.chunk {
	case chunkData:
		return len(have) > 0
	case chunkEnd:
		if len(have) < 3 || have[0] != '\r' || have[1] != '\n' {
			return false
		}
		have = have[2:]
	case sizeLine:
	}
	return len(have) > 0 && have[0] != '0' && bytes.IndexByte(have, '\n') >= 0
}

// readChunk reads what has come of one chunk.
func (x *call) readChunk(p []byte) (int, error) {
	for {
		switch x.chunk {
		case chunkData:
			if int64(len(p)) > x.left {
				p = p[:x.left]
			}
			n, err := x.readSome(p)
			if x.left -= int64(n); x.left == 0 {
				x.chunk = chunkEnd
			}
			if err == io.EOF { //nolint:errorlint // connections return it bare
				err = errEnded
			}
			return n, err
		case chunkEnd:
			line, err := x.line(2)
			if err != nil {
				return 0, err
			}
			if len(line) > 0 {
				return 0, BadChunk
			}
			x.chunk = sizeLine
		case sizeLine:
			last, err := x.nextChunk()
			if err != nil {
				return 0, err
			}
			if last {
				x.frame, x.whole = noBody, true
				return 0, io.EOF
			}
		}
	}
}

// nextChunk reads the line of a chunk. After the last chunk it reads the
// trailer section, checks it and drops it.
func (x *call) nextChunk() (last bool, err error) {
	line, err := x.line(maxChunkLine)
	if err != nil {
		return false, err
	}
	if x.left, err = parseChunk(line); err != nil {
		return false, err
	}
	if err := x.account(len(line), x.left, slowChunk); err != nil {
		return false, err
	}
	if x.left > 0 {
		x.chunk = chunkData
		return false, nil
	}
	for room := trailerSize; ; {
		line, err := x.line(room)
		if err != nil {
			if err == ChunkLineTooLong { //nolint:errorlint // ours, bare
				err = BadTrailer
			}
			return false, err
		}
		if len(line) == 0 {
			return true, nil
		}
		room -= len(line) + 2
		if _, err := parseField(string(line)); err != nil {
			return false, BadTrailer
		}
	}
}

// The most chunks that hold next to nothing. Programs that write each token of a
// document make them, and each costs as much as a kilobyte in one piece.
const (
	tinyChunk = 16
	maxTiny   = 512 << 10
	tinyTime  = 10 * time.Second
)

// account counts a chunk of size bytes, whose line has that many: what its line
// wastes, the work of the turn, and whether it holds next to nothing. A stream may
// bring as many of those as it likes, in its time.
func (x *call) account(line int, size int64, work int) error {
	if x.waste = max(0, x.waste+int64(line)-16-2*min(size, maxWaste)); x.waste > maxWaste {
		return ChunkLineTooLong
	}
	if size == 0 {
		return nil
	}
	if x.taken += work; size >= tinyChunk {
		return nil
	}
	if x.tiny++; x.tiny == maxTiny && time.Since(x.w.start) < tinyTime {
		return TinyChunks
	}
	return nil
}

// line reads a line of at most limit bytes, CRLF included, and returns it
// without that. It is good until the next read.
func (x *call) line(limit int) ([]byte, error) {
	b := x.b
	for {
		have := b.in[b.r:b.w]
		if i := bytes.IndexByte(have, '\n'); i >= 0 {
			if i+1 > limit {
				return nil, ChunkLineTooLong
			}
			if i == 0 || have[i-1] != '\r' {
				return nil, BadChunk
			}
			b.r += i + 1
			return have[:i-1], nil
		}
		if len(have) >= limit {
			return nil, ChunkLineTooLong
		}
		x.w.until(x.before(x.idle))
		if err := x.fill(); err != nil {
			if err == io.EOF { //nolint:errorlint // connections return it bare
				err = errEnded
			}
			return nil, err
		}
	}
}

// parseChunk reads the line of a chunk: its size and extensions, which are
// dropped (RFC 9112 section 7.1.1).
func parseChunk(line []byte) (int64, error) {
	var size int64
	i := 0
	for ; i < len(line); i++ {
		d, ok := canon.Unhex(line[i])
		if !ok {
			break
		}
		if size = size<<4 | int64(d); size > maxChunkSize {
			return 0, BadChunk
		}
	}
	if i == 0 || i > 16 || !lawfulExtensions(line[i:]) {
		return 0, BadChunk
	}
	return size, nil
}

// lawfulExtensions tells whether s is *( BWS ";" BWS name [ BWS "=" BWS value ] ).
// White space right after the size, be it lawful, is what readers do not agree
// on.
func lawfulExtensions(s []byte) bool {
	if len(s) > 0 && s[0] != ';' {
		return false
	}
	for len(s) > 0 {
		s = bytes.TrimLeft(s, " \t")
		if len(s) == 0 || s[0] != ';' {
			return false
		}
		s = bytes.TrimLeft(s[1:], " \t")
		n := token(s)
		if n == 0 {
			return false
		}
		s = s[n:]
		if v := bytes.TrimLeft(s, " \t"); len(v) > 0 && v[0] == '=' {
			v = bytes.TrimLeft(v[1:], " \t")
			if n = token(v); n == 0 {
				n = quoted(v)
			}
			if n == 0 {
				return false
			}
			s = v[n:]
		}
	}
	return true
}

// token is the length of the token at the start of s.
func token(s []byte) int {
	n := 0
	for n < len(s) && nameChars[s[n]] != 0 {
		n++
	}
	return n
}

// quoted is the length of the quoted string at the start of s (RFC 9110 section
// 5.6.4), or 0.
func quoted(s []byte) int {
	if len(s) == 0 || s[0] != '"' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i++; i == len(s) || s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
				return 0
			}
		case c < ' ' && c != '\t' || c == 0x7f:
			return 0
		}
	}
	return 0
}

// A tunnel is the connection after a change of the protocol.
type tunnel struct {
	x    *call
	rest []byte // what came behind the head
}

// Read gives what the upstream sends.
func (t *tunnel) Read(p []byte) (int, error) {
	if len(t.rest) > 0 {
		n := copy(p, t.rest)
		t.rest = t.rest[n:]
		return n, nil
	}
	return t.x.c.nc.Read(p) //nolint:wrapcheck // the caller joins two connections
}

// Write sends p.
func (t *tunnel) Write(p []byte) (int, error) {
	if err := t.x.c.armWrite(writeTime); err != nil {
		return 0, err
	}
	return t.x.c.nc.Write(p) //nolint:wrapcheck // the caller joins two connections
}

// Close ends the tunnel. It may be called by any goroutine.
func (t *tunnel) Close() error { return t.x.Close() }
