package wire

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/fault"
)

// minRate is how fast a body has to come on average, in bytes a second, once
// its Grace is over. A slow telephone line makes 4 KiB; whoever is slower holds
// a connection for its own sake.
const minRate = 1 << 10

// defaultGrace is how long any body may take.
const defaultGrace = 5 * time.Second

// A Body is that of a request. Reads fail with a *fault.Fault of this package,
// after which the connection is of no more use, or with io.EOF at the end. It is
// read by one goroutine at a time, which need not be that of the Handler. Once
// the exchange is over, Reads fail.
type Body struct {
	// Grace is how long the body may take before it has to keep minRate; the
	// Handler may set it before the first Read. 0: 5 s.
	Grace time.Duration

	mu    sync.Mutex  // held while a Read runs
	halt  atomic.Bool // no Read is to begin
	done  atomic.Bool // the last byte was read
	err   error       // what every further Read returns
	asked bool        // the client waits for 100 before it sends

	c       *conn // of HTTP/1.1
	chunked bool
	left    int64 // bytes to come: of the body, or of the chunk; -1: a chunk size is next
	chunk   chunkReader

	two    *stream // of HTTP/2
	length int64   // of that, as announced; -1: not at all

	apart io.Reader // of an Exchange apart
}

// Read reads the next bytes. The first one sends 100 where the client waits for
// it.
func (b *Body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil && b.halt.Load() {
		b.err = errOver
	}
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	n, err := b.read(p)
	if err == io.EOF { //nolint:errorlint // ours is bare
		b.done.Store(true)
	}
	if err != nil {
		b.err = err
	}
	return n, err
}

func (b *Body) read(p []byte) (int, error) {
	switch {
	case b.two != nil:
		return b.two.read(b, p)
	case b.apart != nil:
		return b.apart.Read(p) //nolint:wrapcheck // it reads from memory
	case b.chunked:
		return b.readChunked(p)
	case b.left == 0:
		return 0, io.EOF
	}
	n, err := b.c.readBody(b, p[:min(int64(len(p)), b.left)])
	if b.left -= int64(n); b.left == 0 && err == nil {
		b.done.Store(true)
	}
	return n, err
}

// Stop makes a Read that is under way return soon, and further ones fail. The
// connection ends with the exchange.
func (b *Body) Stop() {
	if b.done.Load() || b.halt.Swap(true) {
		return
	}
	switch {
	case b.c != nil:
		_ = b.c.nc.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // a connection that is gone needs none
	case b.two != nil:
		b.two.stop()
	}
}

// Close is Stop.
func (b *Body) Close() error { b.Stop(); return nil }

// finished tells whether the last byte was read.
func (b *Body) finished() bool { return b.done.Load() }

// settled tells whether the connection can go on behind the body: it was read,
// or what is left of it lies in the buffer.
func (b *Body) settled() bool {
	switch {
	case b.done.Load():
		return true
	case b.halt.Load() || b.chunked || b.c == nil || !b.mu.TryLock():
		return false
	}
	defer b.mu.Unlock()
	return b.err == nil && b.left <= int64(b.c.buffered())
}

// forgoBytes is how much of a body is read that nobody wants.
const forgoBytes = 64 << 10

// forgo takes what is left of a body of a known length, if it is short and here
// already: it has the client send nothing.
func (b *Body) forgo() {
	if b.c == nil || b.chunked || !b.mu.TryLock() {
		return
	}
	defer b.mu.Unlock()
	if b.done.Load() || b.halt.Load() || b.err != nil || b.asked || b.left > forgoBytes {
		return
	}
	c := b.c
	n := min(int64(c.buffered()), b.left)
	c.skip(int(n))
	if b.left -= n; b.left > 0 {
		b.left -= c.discard(b.left)
	}
	if b.left == 0 {
		b.done.Store(true)
	}
}

// sinks are for what is read and not looked at.
var sinks = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// swallowTime is how long is waited for bytes of which nobody can tell whether
// they have come.
const swallowTime = time.Millisecond

// discard throws away up to n bytes that have come, without waiting.
func (c *conn) discard(n int64) (got int64) {
	if c.raw == nil {
		return c.swallow(n)
	}
	_ = c.raw.Read(func(fd uintptr) bool { //nolint:errcheck // the next read tells
		for more := int64(1); got < n && more > 0; got += more {
			more = discard(fd, n-got)
		}
		return true
	})
	return got
}

// swallow is discard over TLS, where part of a record may be here. Whatever goes
// wrong the next read will tell: a deadline that has passed spoils nothing.
func (c *conn) swallow(n int64) (got int64) {
	sink := sinks.Get().(*[32 << 10]byte) //nolint:errcheck // the pool holds nothing else
	defer sinks.Put(sink)
	err := c.nc.SetReadDeadline(time.Now().Add(swallowTime))
	for more := 0; got < n && err == nil; got += int64(more) {
		more, err = c.nc.Read(sink[:min(n-got, int64(len(sink)))])
	}
	_ = c.nc.SetReadDeadline(time.Time{}) //nolint:errcheck // a connection that is gone needs none
	return got
}

// end stops the body and reports whether the connection can go on behind it.
func (b *Body) end() bool {
	if b.settled() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.done.Load() {
			b.c.skip(int(b.left))
		}
		b.err = errOver
		return true
	}
	b.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = errOver
	return false
}

// readBody reads from the buffer, or from the connection.
func (c *conn) readBody(b *Body, p []byte) (int, error) {
	if b.asked {
		if err := c.goOn(b); err != nil {
			return 0, err
		}
	}
	if c.buffered() > 0 {
		n := copy(p, c.buf.b[c.buf.r:c.buf.w])
		c.buf.r += n
		return n, nil
	}
	n, err := c.await(b, p)
	if n > 0 {
		return n, nil
	}
	return 0, c.bodyFault(err)
}

// goOn sends 100 (RFC 9110 section 10.1.1), unless the reply has begun.
func (c *conn) goOn(b *Body) error {
	b.asked = false
	c.out.Lock()
	defer c.out.Unlock()
	if c.replied {
		return cutBody.Because(errTwice)
	}
	_, err := c.send([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	if err != nil {
		return cutBody.Because(err)
	}
	return nil
}

// await reads from the connection while the watch looks at the pace.
func (c *conn) await(b *Body, p []byte) (int, error) {
	if c.late.Load() || b.halt.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	grace := b.Grace
	if grace <= 0 {
		grace = defaultGrace
	}
	c.grace.Store(grace.Milliseconds())
	began := c.enter(receiving)
	n, err := c.nc.Read(p)
	c.waited.Add(c.enter(working) - began)
	c.got.Add(int64(n))
	return n, err //nolint:wrapcheck // sorted by bodyFault
}

// bodyFault says why no more of a body came.
func (c *conn) bodyFault(err error) *fault.Fault {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return slowBody
	}
	return cutBody.Because(err)
}
