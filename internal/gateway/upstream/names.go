package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Dial opens a connection.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// A Lookup finds the addresses of a name.
type Lookup func(ctx context.Context, name string) ([]netip.Addr, error)

// nameTime is how old the addresses of a name may be while a connection is
// made. maxAddrs is how many of them are used.
const (
	nameTime = 30 * time.Second
	maxAddrs = 32
)

// names turns the host of an upstream into addresses, and connects to them.
// What was found last is used on where the name cannot be looked up now.
type names struct {
	name, port string
	open       Dial
	find       Lookup // nil: open knows names itself

	mu    sync.Mutex
	known []netip.Addr
	asked time.Time
	next  int // the address that is tried first
}

var errNoAddress = errors.New("upstream: the name has no address")

// dial connects to one address after the other, beginning with another one each
// time. The address is not valid where the name itself was dialled.
func (n *names) dial(ctx context.Context) (net.Conn, netip.Addr, error) {
	if n.find == nil {
		nc, err := n.open(ctx, "tcp", net.JoinHostPort(n.name, n.port))
		if err != nil {
			return nil, netip.Addr{}, fmt.Errorf("connect: %w", err)
		}
		return nc, netip.Addr{}, nil
	}
	list, err := n.current(ctx)
	if err != nil {
		return nil, netip.Addr{}, err
	}
	var errs []error
	for i, at := range list {
		nc, err := n.one(ctx, at, len(list)-i)
		if err == nil {
			return nc, at, nil
		}
		errs = append(errs, fmt.Errorf("connect: %w", err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, netip.Addr{}, errors.Join(errs...)
}

// one connects to one address, in its share of the time that is left.
func (n *names) one(ctx context.Context, at netip.Addr, share int) (net.Conn, error) {
	if end, ok := ctx.Deadline(); ok && share > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(share))
		defer cancel()
	}
	return n.open(ctx, "tcp", net.JoinHostPort(at.String(), n.port))
}

// current is the list of addresses, looked up anew where it is old.
func (n *names) current(ctx context.Context) ([]netip.Addr, error) {
	n.mu.Lock()
	old := time.Since(n.asked) >= nameTime
	n.mu.Unlock()
	var err error
	if old {
		err = n.refresh(ctx)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) == 0 {
		return nil, errors.Join(errNoAddress, err)
	}
	n.next = (n.next + 1) % len(n.known)
	return slices.Concat(n.known[n.next:], n.known[:n.next]), nil
}

// refresh looks the name up.
func (n *names) refresh(ctx context.Context) error {
	if n.find == nil {
		return nil
	}
	found, err := n.find(ctx, n.name)
	if err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(found) > 0 {
		n.known, n.asked = found[:min(len(found), maxAddrs)], time.Now()
	}
	return nil
}

// follow looks the name up again where what is known is old. Where it cannot
// be, that stays.
func (n *names) follow(ctx context.Context) {
	n.mu.Lock()
	old := n.find != nil && time.Since(n.asked) >= nameTime
	n.mu.Unlock()
	if !old {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	_ = n.refresh(ctx) //nolint:errcheck // the next connection tells
}

// has tells whether the name still has the address.
func (n *names) has(at netip.Addr) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.known, at)
}
