package netx

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// Limits bound the connections of a Gate. A zero value means the default.
type Limits struct {
	// Total is the most connections that are open at once. Above it the Gate
	// stops to accept, and the kernel's queue holds newcomers back: 10,000.
	Total int
	// PerPeer is the most connections of one address, or of one /64 of IPv6,
	// which is what one customer gets. Above it a newcomer is closed at once:
	// 1,000. Peers on a Unix socket are not counted by it.
	PerPeer int
	// Exempt are peers that PerPeer does not count, such as the proxies in
	// front, through which everybody comes.
	Exempt []netip.Prefix
}

const (
	defaultTotal   = 10_000
	defaultPerPeer = 1_000
)

// A Gate is a listener that counts its connections, so that they can be
// bounded and drained. TLS goes around it: tls.NewListener(gate, config).
type Gate struct {
	inner  net.Listener
	limits Limits
	free   chan struct{} // one token for each connection that may still open
	done   chan struct{} // closed when the Gate closes

	mu    sync.Mutex
	shut  bool
	conns map[*gateConn]struct{}
	peers map[netip.Prefix]int
	empty chan struct{} // closed when shut and no connection is left
}

// NewGate puts limits on ln. The Gate owns ln from then on.
func NewGate(ln net.Listener, l Limits) *Gate {
	if l.Total <= 0 {
		l.Total = defaultTotal
	}
	if l.PerPeer <= 0 {
		l.PerPeer = defaultPerPeer
	}
	g := &Gate{inner: ln, limits: l, free: make(chan struct{}, l.Total), done: make(chan struct{}), empty: make(chan struct{}),
		conns: map[*gateConn]struct{}{}, peers: map[netip.Prefix]int{}}
	for range l.Total {
		g.free <- struct{}{}
	}
	return g
}

// Accept waits until a connection may be opened and one comes. After Close it
// returns net.ErrClosed.
func (g *Gate) Accept() (net.Conn, error) {
	for {
		select {
		case <-g.done:
			return nil, net.ErrClosed
		case <-g.free:
		}
		c, err := g.inner.Accept()
		if err != nil {
			g.free <- struct{}{}
			return nil, err
		}
		if conn := g.admit(c); conn != nil {
			return conn, nil
		}
		_ = c.Close()
		g.free <- struct{}{}
	}
}

// admit counts c, or returns nil where its peer has too many or the Gate is
// shut.
func (g *Gate) admit(c net.Conn) net.Conn {
	conn := &gateConn{Conn: c, gate: g}
	if a := PeerAddr(c.RemoteAddr()); !slices.ContainsFunc(g.limits.Exempt, func(p netip.Prefix) bool { return p.Contains(a) }) {
		conn.peer = peerPrefix(a)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut || conn.peer.IsValid() && g.peers[conn.peer] >= g.limits.PerPeer {
		return nil
	}
	if conn.peer.IsValid() {
		g.peers[conn.peer]++
	}
	g.conns[conn] = struct{}{}
	return conn
}

// peerPrefix is what counts as one peer; it is invalid for a Unix socket.
func peerPrefix(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the error is the invalid prefix, which is meant
	return p
}

func (g *Gate) leave(c *gateConn) {
	g.mu.Lock()
	delete(g.conns, c)
	if c.peer.IsValid() {
		if g.peers[c.peer]--; g.peers[c.peer] == 0 {
			delete(g.peers, c.peer)
		}
	}
	if g.shut && len(g.conns) == 0 {
		close(g.empty)
	}
	g.mu.Unlock()
	g.free <- struct{}{}
}

// Addr is the address of the listener inside.
func (g *Gate) Addr() net.Addr { return g.inner.Addr() }

// Open is the number of connections that are open.
func (g *Gate) Open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// Close stops to accept; open connections live on. It may be called twice.
func (g *Gate) Close() error {
	g.mu.Lock()
	if g.shut {
		g.mu.Unlock()
		return nil
	}
	g.shut = true
	close(g.done)
	if len(g.conns) == 0 {
		close(g.empty)
	}
	g.mu.Unlock()
	return g.inner.Close()
}

// Drain closes the Gate, waits until all connections are closed by their
// owners or ctx ends, and closes those that are left. It returns ctx's error
// when it had to close some.
func (g *Gate) Drain(ctx context.Context) error {
	err := g.Close()
	select {
	case <-g.empty:
		return err
	case <-ctx.Done():
	}
	g.mu.Lock()
	left := make([]*gateConn, 0, len(g.conns))
	for c := range g.conns {
		left = append(left, c)
	}
	g.mu.Unlock()
	if len(left) == 0 {
		return err
	}
	for _, c := range left {
		_ = c.Close()
	}
	return errors.Join(err, ctx.Err())
}

// gateConn gives its place back when it is closed.
type gateConn struct {
	net.Conn
	gate *Gate
	peer netip.Prefix
	once sync.Once
}

// Close closes the connection; only the first call counts.
func (c *gateConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.gate.leave(c) })
	return err
}

// NetConn is the connection inside, for what needs its file descriptor.
func (c *gateConn) NetConn() net.Conn { return c.Conn }
