package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/turns"
)

// A phase is what a connection is doing.
type phase uint8

// The phases. The watch bounds the time of the first four.
const (
	opening   phase = iota // nothing came yet, or the handshake is under way
	idle                   // between two requests
	heading                // a head is coming in
	receiving              // a Read of a body waits
	working                // the Handler works
	lingering              // the reply was sent, and the client still sends
	multiplex              // HTTP/2
)

// A conn is one connection. It belongs to its goroutine; what others may touch
// says so.
type conn struct {
	s     *Server
	outer net.Conn        // as it was accepted: to close
	nc    net.Conn        // to read and write: TLS, or what outer wraps
	raw   syscall.RawConn // of plain text: to wait without a buffer; nil where there is none
	fd    syscall.RawConn // of the socket, below TLS: to see whether the client is there; may be nil
	tls   *tls.ConnectionState
	peer  netip.Addr
	named string // peer as text
	local bool
	stray bool

	ctx    context.Context //nolint:containedctx // made once for all exchanges of the connection
	cancel context.CancelCauseFunc

	state  atomic.Int64 // phase and since which tick; see enter
	late   atomic.Bool  // the watch ended the waiting; never taken back
	wrote  atomic.Int64 // the tick at which the write under way began, plus 1; 0: none
	grace  atomic.Int64 // of the body, in milliseconds
	waited atomic.Int64 // for the body, in milliseconds
	got    atomic.Int64 // of the body, in bytes

	out     sync.Mutex // held while a head, or 100, is written
	replied bool       // guarded by out
	head    *outgoing  // a head that was not sent yet
	mine    bool       // the connection is still ours, and not a tunnel's

	buf   *buffer // nil while there is nothing in it
	mux   *mux    // of HTTP/2: set before the phase is multiplex
	one   [1]byte // to wait with where raw is nil
	heard error   // what hear found
	busy  int     // requests since the connection, or one of them, waited for anything
	turn  turns.Turn
	hears func(fd uintptr) bool
}

// pools hold what connections share while they work. They are made of plain
// memory and know no Server.
var (
	roomsIn   = sync.Pool{New: func() any { return &buffer{b: make([]byte, roomIn)} }}
	roomsOut  = sync.Pool{New: func() any { return &outgoing{b: make([]byte, 0, roomOut)} }}
	exchanges = sync.Pool{New: func() any { return new(Exchange) }}
)

func newConn(s *Server, outer net.Conn) *conn {
	c := &conn{s: s, outer: outer, nc: outer, mine: true}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	if a := outer.RemoteAddr(); a != nil {
		if ap, err := netip.ParseAddrPort(a.String()); err == nil {
			c.peer = ap.Addr().Unmap().WithZone("")
			c.named = c.peer.String()
		}
	}
	if a := outer.LocalAddr(); a != nil {
		c.local = a.Network() == "unix"
	}
	if _, ok := outer.(*tls.Conn); !ok {
		c.nc = inside(outer)
	}
	if sc, ok := c.nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.raw, c.fd, c.hears = raw, raw, c.hear
		}
	}
	c.enter(opening)
	return c
}

// inside is the connection that wrappers without a say in its bytes hold.
func inside(nc net.Conn) net.Conn {
	for {
		w, ok := nc.(interface{ NetConn() net.Conn })
		if _, isTLS := nc.(*tls.Conn); !ok || isTLS {
			return nc
		}
		nc = w.NetConn()
	}
}

// enter begins a phase and returns the tick.
func (c *conn) enter(p phase) (tick int64) {
	tick = c.s.tick.Load()
	c.state.Store(tick<<8 | int64(p))
	return tick
}

// run serves the connection until it ends.
func (c *conn) run() {
	defer c.s.forget(c)
	defer c.cancel(ErrClosed)
	defer c.contain()
	if c.open() {
		for first := true; c.next(first); first = false {
		}
	}
	c.s.conf.Turns.Leave(&c.turn)
	c.giveRoom()
	if c.mine {
		_ = c.nc.Close()    //nolint:errcheck // it ends
		_ = c.outer.Close() //nolint:errcheck // it ends
	}
}

// contain keeps a panic of ours to the connection.
func (c *conn) contain() {
	if v := recover(); v != nil {
		c.s.conf.Fault("connection", fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		c.cut()
	}
}

// open finds out what the client speaks, and reports whether that is
// HTTP/1.
func (c *conn) open() bool {
	if c.s.conf.TLS == nil {
		return true
	}
	if c.wait() != nil {
		return false
	}
	const handshake = 22 // RFC 8446 section 5.1
	if c.buf.b[c.buf.r] != handshake {
		c.stray = true
		return true
	}
	t := tls.Server(&replay{Conn: c.nc, buf: c.buf}, c.s.conf.TLS)
	c.buf, c.raw = nil, nil
	c.nc = t
	c.enter(opening)
	if t.HandshakeContext(c.ctx) != nil {
		return false
	}
	state := t.ConnectionState()
	c.tls = &state
	switch state.NegotiatedProtocol {
	case "h2":
		c.serveH2()
		return false
	case "", "http/1.1":
		return true
	}
	return false // of a protocol that is over with the handshake, such as acme-tls/1
}

// next serves one exchange and reports whether the connection goes on.
func (c *conn) next(first bool) bool {
	if !first {
		c.enter(idle)
		if c.s.stopping.Load() {
			return false
		}
	}
	if c.wait() != nil {
		return false
	}
	c.takeTurn()
	c.enter(heading)
	x := exchanges.Get().(*Exchange) //nolint:errcheck // the pool holds nothing else
	x.side, x.ctx, x.Peer, x.Named, x.Local, x.TLS, x.Stray = c, c.ctx, c.peer, c.named, c.local, c.tls, c.stray
	f, err := c.readHead(x)
	if err != nil {
		return false
	}
	on := c.exchange(x, f)
	x.reset()
	exchanges.Put(x)
	return on
}

// fairRun is how many requests of a connection are answered in one turn, if
// nothing is waited for meanwhile.
const fairRun = 16

// takeTurn counts a request. A client may send them without reading replies,
// and those that are refused ask nobody: its goroutine would never wait.
func (c *conn) takeTurn() {
	if c.busy++; c.busy > fairRun {
		c.busy = 1
		c.s.conf.Turns.Next(&c.turn)
	}
}

// waits gives the turn away: something is waited for.
func (c *conn) waits() {
	c.busy = 0
	c.s.conf.Turns.Leave(&c.turn)
}

// exchange has one request answered and reports whether the connection goes on.
func (c *conn) exchange(x *Exchange, f *fault.Fault) bool {
	c.enter(working)
	if f != nil {
		x.Refused, x.Body, x.Length = f, nil, 0
	}
	x.quit = x.quit || f != nil || c.stray
	if x.Body != nil {
		x.Body.c = c
		c.waited.Store(0)
		c.got.Store(0)
	}
	if c.buffered() == 0 {
		c.giveRoom()
	}
	c.replied = false
	c.call(x)
	return c.finish(x)
}

// call runs the Handler.
func (c *conn) call(x *Exchange) {
	defer func() {
		if v := recover(); v != nil {
			x.abort = true
			c.s.conf.Fault("handler", fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
	}()
	c.s.conf.Handler.Serve(x)
}

// finish ends the reply and reports whether the connection goes on.
func (c *conn) finish(x *Exchange) bool {
	if x.tunnel {
		c.mine = false
		return false
	}
	if !x.begun || x.left > 0 && !x.bare {
		x.abort = true
	}
	settled := x.Body == nil || x.Body.end()
	if !x.abort && c.endReply(x) != nil {
		x.abort = true
	}
	c.drop()
	switch {
	case x.abort:
		c.cut()
		return false
	case x.quit || !settled:
		if !settled || x.Refused != nil || c.buffered() > 0 {
			c.linger()
		}
		return false
	}
	if x.limited {
		_ = c.nc.SetReadDeadline(time.Time{}) //nolint:errcheck // the next read tells
	}
	return !c.late.Load()
}

// What a client may send on after the last reply.
const (
	lingerBytes = 256 << 10
	lingerTime  = time.Second
)

// linger lets the client read the last reply: to close a connection on which
// bytes still come takes away what it was sent (RFC 9112 section 9.6).
func (c *conn) linger() {
	c.enter(lingering)
	w, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || w.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime)) //nolint:errcheck // the read tells
	buf := c.s.room()
	defer roomsIn.Put(buf)
	for n := 0; n < lingerBytes; {
		m, err := c.nc.Read(buf.b)
		if err != nil {
			return
		}
		n += m
	}
}

// cut ends the connection at once, so that nothing looks complete. Anybody may
// call it.
func (c *conn) cut() {
	if t, ok := inside(c.outer).(*net.TCPConn); ok {
		_ = t.SetLinger(0) //nolint:errcheck // it is closed in any case
	}
	_ = c.outer.Close() //nolint:errcheck // it ends
}

// hurry ends a connection that is idle, and has one of HTTP/2 finish. Anybody may call it.
func (c *conn) hurry() {
	switch phase(c.state.Load() & 0xff) {
	case multiplex:
		c.mux.leave()
	case opening, idle:
		c.late.Store(true)
		_ = inside(c.outer).SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // a connection that is gone needs none
	case heading, receiving, working, lingering:
	}
}
