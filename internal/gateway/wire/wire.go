// Package wire takes HTTP connections in and judges what comes over them by
// the bytes. Heads and bodies of HTTP/1.1 are read strictly by RFC 9112 and RFC
// 9110: what two parsers could read in two ways is refused with a reason and
// ends the connection, and is never repaired. HTTP/2 (RFC 9113) is read as
// strictly, behind the same Exchange; it is spoken over TLS only.
//
// # Goroutines
//
// Each connection has one goroutine, in which its Handler runs. With HTTP/2 it
// reads, and Handlers run in those of a crew that all connections share, one
// for each stream that is served; it ends when they have. One more, the watch, looks after all connections of a Server four times a second: it ends
// those that are late and tells a Handler whose client left. The listener
// bounds how many connections there are.
//
// # Limits
//
// Times are kept to a quarter of a second. HTTP/1.0 gets one exchange a
// connection. Trailer fields are read and dropped. HTTP/2 has no server push, no
// priorities and no CONNECT, and heads of replies are not compressed against
// each other.
package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/turns"
)

// Config is what a Server needs. Zero values mean the defaults.
type Config struct {
	Handler Handler
	// TLS makes the Server speak TLS. What comes in plain text all the same is
	// handed on as a stray Exchange, and its connection is closed. nil: plain
	// HTTP/1.1.
	TLS   *tls.Config
	Clock clock.Clock // for Date; nil: the system's

	Head  time.Duration // from the first byte of a head to its last, and for a handshake: 5 s
	Idle  time.Duration // between two requests: 1 min
	Write time.Duration // for 256 KiB of a reply to be taken: 30 s

	MaxHead   int // bytes of a head, with its request line: 32 KiB
	MaxFields int // fields of a head: 100
	MaxTarget int // bytes of a target: 8 KiB

	// Turns are those of the process, which connections take that send requests
	// without end; nil: of this Server alone.
	Turns *turns.Turns

	// Fault is called when a Handler panicked. It must not block.
	Fault func(where string, err error)
}

// The defaults of Config.
const (
	defaultHead      = 5 * time.Second
	defaultIdle      = time.Minute
	defaultWrite     = 30 * time.Second
	defaultMaxHead   = 32 << 10
	defaultMaxFields = 100
	defaultMaxTarget = 8 << 10
	// mostFields and mostHead bound what may be configured: places in a head are
	// kept in 16 bits.
	mostFields = 200
	mostHead   = 60 << 10
)

func (c *Config) complete() {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	bound := func(n *int, to, most int) {
		if *n <= 0 {
			*n = to
		}
		*n = min(*n, most)
	}
	set(&c.Head, defaultHead)
	set(&c.Idle, defaultIdle)
	set(&c.Write, defaultWrite)
	bound(&c.MaxHead, defaultMaxHead, mostHead)
	bound(&c.MaxFields, defaultMaxFields, mostFields)
	bound(&c.MaxTarget, defaultMaxTarget, mostHead)
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Turns == nil {
		c.Turns = turns.New()
	}
	if c.Fault == nil {
		c.Fault = func(string, error) {}
	}
}

// A Server takes connections in. It may serve several listeners.
type Server struct {
	conf Config
	crew crew // of the streams of HTTP/2

	start    time.Time
	tick     atomic.Int64           // milliseconds since start, as of the last look of the watch
	date     atomic.Pointer[[]byte] // the field, of HTTP/1
	date2    atomic.Pointer[[]byte] // the field, of HTTP/2
	stopping atomic.Bool
	watchEnd chan struct{}
	watching sync.WaitGroup

	mu    sync.Mutex
	lns   map[net.Listener]struct{}
	conns map[*conn]struct{}
	empty chan struct{} // closed when stopping and no connection is left
	ended bool
}

// New returns a Server. It must be ended by Shutdown or Close, also where it
// never served.
func New(c Config) *Server {
	c.complete()
	s := &Server{conf: c, start: time.Now(), lns: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{},
		empty: make(chan struct{}), watchEnd: make(chan struct{})}
	s.redate()
	s.watching.Go(s.watch)
	return s
}

// Serve takes connections from ln until it fails or the Server ends; then it
// returns ErrClosed. It closes ln.
func (s *Server) Serve(ln net.Listener) error {
	if !s.enlist(ln) {
		_ = ln.Close() //nolint:errcheck // it was never used
		return ErrClosed
	}
	defer s.delist(ln)
	pause := time.Duration(0)
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			s.take(c)
		case s.stopping.Load():
			return ErrClosed
		case !temporary(err):
			return fmt.Errorf("accept: %w", err)
		default: // out of descriptors, most of all: wait until some are free
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			if !s.rest(pause) {
				return ErrClosed
			}
		}
	}
}

func temporary(err error) bool {
	var n net.Error
	//lint:ignore SA1019 nothing else tells EMFILE from the end
	return errors.As(err, &n) && n.Temporary()
}

// rest waits, unless the Server ends.
func (s *Server) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.watchEnd:
		return false
	}
}

func (s *Server) enlist(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	s.lns[ln] = struct{}{}
	return true
}

func (s *Server) delist(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lns, ln)
	_ = ln.Close() //nolint:errcheck // the server below it ended
}

// take starts the goroutine of a connection. It ends with the connection.
func (s *Server) take(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		_ = nc.Close() //nolint:errcheck // it was never used
		return
	}
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	go c.run()
}

// forget drops a connection that is closed, or no longer ours.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conns[c]; !ok {
		return
	}
	delete(s.conns, c)
	if s.stopping.Load() && len(s.conns) == 0 {
		close(s.empty)
	}
}

// Open is the number of connections that are open; those that changed their
// protocol do not count.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Shutdown closes the listeners and the idle connections, lets exchanges under
// way finish, and waits for them until ctx ends: then it closes what is left
// and returns ctx's cause.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	select {
	case <-s.empty:
		s.end()
		return nil
	case <-ctx.Done():
		s.end()
		return context.Cause(ctx)
	}
}

// Close closes the listeners and every connection.
func (s *Server) Close() error {
	s.stop()
	s.end()
	return nil
}

// stop lets nothing new in.
func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Swap(true) {
		return
	}
	for ln := range s.lns {
		_ = ln.Close() //nolint:errcheck // Serve tells
	}
	if len(s.conns) == 0 {
		close(s.empty)
	}
	for c := range s.conns {
		c.hurry()
	}
}

// end closes what is open and waits for the watch.
func (s *Server) end() {
	s.mu.Lock()
	first := !s.ended
	s.ended = true
	for c := range s.conns {
		c.cut()
		c.cancel(ErrClosed)
	}
	s.mu.Unlock()
	if first {
		close(s.watchEnd)
		s.crew.close()
	}
	s.watching.Wait()
}
