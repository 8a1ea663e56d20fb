package upstream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/internal/lib/netx"
)

// A conn is one connection to an upstream. While it is idle it has no buffers
// and no goroutine; while it is in use it belongs to one call.
type conn struct {
	nc   net.Conn
	raw  syscall.RawConn // of nc, below TLS; nil where there is none
	addr netip.Addr      // that was dialled; invalid where a name was

	born, used time.Time
	rest       time.Duration // how long it may be idle
	readBy     time.Time     // the deadline of reads that is set
	writeBy    time.Time     // that of writes
	served     bool          // a reply came over it before

	quiet   bool          // what listens and peeks found
	one     [1]byte       // for both
	listens func(uintptr) // asks the kernel for what came; made once
	peeks   func(uintptr) // the same, and leaves it there

	swap swap
}

func newConn(nc net.Conn, addr netip.Addr) *conn {
	c := &conn{nc: nc, addr: addr, born: time.Now(), rest: idleTime}
	below := nc
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		below = t.NetConn()
	}
	if s, ok := below.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.raw, c.listens, c.peeks = raw, c.listen, c.peek
			if below == nc {
				c.swap.run = c.swap.step
			}
		}
	}
	return c
}

// listen reads what is there without waiting. Nothing may come on a connection
// on which nothing was asked: whoever takes such bytes for the next reply gives
// one caller what was meant for another. So it makes no difference that this
// takes them, or that under TLS they may be harmless.
func (c *conn) listen(fd uintptr) {
	n, err := syscall.Read(int(fd), c.one[:])
	c.quiet = n < 0 && (err == syscall.EAGAIN || err == syscall.EINTR) //nolint:errorlint // an Errno, never wrapped
}

// alive tells whether the connection, idle until now, is open and silent.
func (c *conn) alive() bool {
	if c.raw == nil {
		return true
	}
	c.quiet = false
	return c.raw.Control(c.listens) == nil && c.quiet
}

// peek looks whether something is there, without waiting.
func (c *conn) peek(fd uintptr) {
	c.quiet = netx.Silent(fd, c.one[:])
}

// readable tells whether something came, the end included. Where nobody can
// tell, it did not.
func (c *conn) readable() bool {
	if c.raw == nil {
		return false
	}
	c.quiet = true
	return c.raw.Control(c.peeks) == nil && !c.quiet
}

// early is how much sooner than the upstream says that it ends an idle
// connection it is not used any more: a request could cross the end.
const early = time.Second

// spent tells whether c must not be used any more.
func (c *conn) spent(now time.Time) bool {
	return now.Sub(c.used) >= c.rest || now.Sub(c.born) >= ageTime
}

// buffers are what a call needs of memory. They are pooled.
type buffers struct {
	in   []byte // what came; in[r:w] is not read yet
	r, w int
	out  []byte      // the head that goes out, and a small body
	vec  net.Buffers // head and body, for one writev
	two  [2][]byte   // the room of vec
}

const (
	inBytes  = 8 << 10
	outBytes = 4 << 10
	// keepBytes is the largest buffer that is used again.
	keepBytes = 32 << 10
)

// A bufferPool lends buffers to the calls of one Set.
type bufferPool struct{ p sync.Pool }

func (p *bufferPool) get() *buffers {
	if b, ok := p.p.Get().(*buffers); ok {
		return b
	}
	return &buffers{in: make([]byte, inBytes), out: make([]byte, 0, outBytes)}
}

func (p *bufferPool) put(b *buffers) {
	if cap(b.in) > keepBytes || cap(b.out) > keepBytes {
		return
	}
	b.r, b.w, b.out = 0, 0, b.out[:0]
	b.vec, b.two = nil, [2][]byte{}
	p.p.Put(b)
}

// The tick of a wait. A call that is answered within one has no timer of its
// own, and its context is not watched: the deadline of the connection is moved
// once a tick, whoever uses it.
const (
	tick     = 250 * time.Millisecond
	tickLeft = tick / 4 // a deadline that is nearer is moved
)

// A wait bounds the reads of a call in time, and ends them with its context.
type wait struct {
	ctx     context.Context //nolint:containedctx // it lives as long as the call
	start   time.Time
	by      atomic.Int64 // when a read gives up, in nanoseconds from start; 0: not now. An upload moves it
	watched bool
	unwatch func() bool

	sent    atomic.Int64 // when the request had gone out whole, in nanoseconds from start; 0: not yet
	listens bool         // the head is awaited, so that silence means something
	ring    int64        // when a read gives up with errRing, in Unix nanoseconds; 0: as soon as the request is out
}

// out says that the request has gone out whole.
func (w *wait) out(t time.Time) { w.sent.Store(max(1, int64(t.Sub(w.start)))) }

// sentAt is when the request had gone out whole, or the zero time.
func (w *wait) sentAt() time.Time {
	if sent := w.sent.Load(); sent != 0 {
		return w.start.Add(time.Duration(sent))
	}
	return time.Time{}
}

// until makes reads give up at t; the zero time lets them go on.
func (w *wait) until(t time.Time) {
	if t.IsZero() {
		w.by.Store(0)
		return
	}
	w.by.Store(max(1, int64(t.Sub(w.start))))
}

// limit is when a read gives up.
func (w *wait) limit() time.Time {
	if by := w.by.Load(); by != 0 {
		return w.start.Add(time.Duration(by))
	}
	return time.Time{}
}

// readBytes reads into p, until the limit of w or the end of its context.
func (c *conn) readBytes(w *wait, p []byte) (int, error) {
	for {
		if err := c.arm(w); err != nil {
			return 0, err
		}
		n, err := c.read(p)
		if n > 0 || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err //nolint:wrapcheck // the call does
		}
		if w.ctx.Err() != nil {
			return 0, context.Cause(w.ctx) //nolint:wrapcheck // the call does
		}
		if !w.watched {
			w.watched = true
			w.unwatch = context.AfterFunc(w.ctx, func() { _ = c.nc.Close() }) //nolint:errcheck // it is to end
		}
	}
}

// arm sets the deadline of the read that follows: the limit, or the next tick
// while the context is not watched or the limit may move.
func (c *conn) arm(w *wait) error {
	now, want := time.Now(), w.limit()
	switch {
	case !want.IsZero() && !now.Before(want):
		return errLate
	case w.listens && w.rings(now):
		return errRing
	}
	if w.listens && w.ring != 0 {
		if ring := time.Unix(0, w.ring); want.IsZero() || ring.Before(want) {
			want = ring
		}
	}
	switch {
	case w.watched && !want.IsZero():
		if c.readBy.Equal(want) {
			return nil
		}
	default:
		if next := now.Add(tick); want.IsZero() || next.Before(want) {
			want = next
		}
		if c.readBy.Sub(now) > tickLeft && !c.readBy.After(want) {
			return nil
		}
	}
	c.readBy = want
	return c.nc.SetReadDeadline(want) //nolint:wrapcheck // the call does
}

// rings tells whether it is time to judge the silence.
func (w *wait) rings(now time.Time) bool {
	if w.ring == 0 {
		return w.sent.Load() != 0
	}
	return now.UnixNano() >= w.ring
}

// rest ends the watch over the context. It reports whether the connection is
// still whole.
func (w *wait) rest() bool { return w.unwatch == nil || w.unwatch() }

// writeTime is how long a write may take where the request does not say.
const writeTime = 30 * time.Second

// write sends b, which must go out within d.
func (c *conn) write(b []byte, d time.Duration) error {
	if err := c.armWrite(d); err != nil {
		return err
	}
	_, err := c.nc.Write(b)
	return err //nolint:wrapcheck // the call does
}

// armWrite moves the deadline of writes where it is nearer than half of d, or
// later than d.
func (c *conn) armWrite(d time.Duration) error {
	if d <= 0 {
		d = writeTime
	}
	now := time.Now()
	if left := c.writeBy.Sub(now); left >= d/2 && left <= d {
		return nil
	}
	c.writeBy = now.Add(d)
	return c.nc.SetWriteDeadline(c.writeBy) //nolint:wrapcheck // the call does
}
