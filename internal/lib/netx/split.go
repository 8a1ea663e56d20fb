package netx

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// helloTime is how long a new connection may take to send its first byte.
const helloTime = 5 * time.Second

// A Split tells TLS and plain connections on one port apart by their first
// byte, so that a client that speaks plain HTTP to a TLS port can be refused
// with a reason, and the credential that it gave away be known.
type Split struct {
	ln    net.Listener
	tls   *half
	plain *half
	stop  context.CancelFunc
	ctx   context.Context //nolint:containedctx // it only says that the Split is closed
	wg    sync.WaitGroup
	once  sync.Once
}

// NewSplit splits what ln accepts; its own goroutine owns ln and ends with it.
// Each connection waits in a goroutine of its own for its first byte, 5 s at
// most; ln bounds how many there are.
func NewSplit(ln net.Listener) *Split {
	ctx, stop := context.WithCancel(context.Background())
	s := &Split{ln: ln, ctx: ctx, stop: stop}
	s.tls = &half{split: s, conns: make(chan net.Conn)}
	s.plain = &half{split: s, conns: make(chan net.Conn)}
	s.wg.Go(s.run)
	return s
}

// TLS yields the connections that begin with a TLS handshake record.
func (s *Split) TLS() net.Listener { return s.tls }

// Plain yields all others.
func (s *Split) Plain() net.Listener { return s.plain }

// Close closes the listener below and waits until all goroutines have ended.
func (s *Split) Close() error {
	var err error
	s.once.Do(func() {
		s.stop()
		err = s.ln.Close()
	})
	s.wg.Wait()
	return err //nolint:wrapcheck // a pass-through
}

func (s *Split) run() {
	defer s.stop()
	for {
		c, err := s.ln.Accept()
		if err != nil {
			var n net.Error
			if errors.As(err, &n) && n.Timeout() {
				continue
			}
			return
		}
		s.wg.Go(func() { s.sort(c) })
	}
}

// sort reads the first byte and hands the connection on.
func (s *Split) sort(c net.Conn) {
	const handshake = 22 // RFC 8446 section 5.1
	var first [1]byte
	unblock := context.AfterFunc(s.ctx, func() { _ = c.Close() }) //nolint:errcheck // it is dropped
	_ = c.SetReadDeadline(time.Now().Add(helloTime))              //nolint:errcheck // the read tells
	n, err := c.Read(first[:])
	_ = c.SetReadDeadline(time.Time{}) //nolint:errcheck // the next read tells
	if !unblock() || n == 0 || err != nil {
		_ = c.Close() //nolint:errcheck // it is dropped
		return
	}
	to := s.plain
	if first[0] == handshake {
		to = s.tls
	}
	select {
	case to.conns <- &peeked{Conn: c, first: first[0], held: true}:
	case <-s.ctx.Done():
		_ = c.Close() //nolint:errcheck // it is dropped
	}
}

// half is one side of a Split.
type half struct {
	split *Split
	conns chan net.Conn
}

func (h *half) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.split.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (h *half) Close() error   { return h.split.Close() }
func (h *half) Addr() net.Addr { return h.split.ln.Addr() }

// peeked gives the first byte back.
type peeked struct {
	net.Conn
	first byte
	held  bool
}

func (p *peeked) Read(b []byte) (int, error) {
	if !p.held || len(b) == 0 {
		return p.Conn.Read(b) //nolint:wrapcheck // io.EOF has to stay bare
	}
	p.held = false
	b[0] = p.first
	return 1, nil
}
