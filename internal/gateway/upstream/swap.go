package upstream

import (
	"io"
	"syscall"
	"time"
)

// A swap writes a request and waits for the reply in one go. Whoever writes
// first and then reads asks the kernel for a reply that cannot be there yet, and
// is told so by a system call. Here the request goes out from within the read:
// the poller was made ready before, so that it cannot miss what comes in answer,
// and the first look at the connection is when something is there.
type swap struct {
	run     func(fd uintptr) bool // step, made once; nil: the connection cannot
	out, in []byte
	limit   time.Duration // of the write, if it has to wait
	n       int           // bytes that were read
	err     error
}

// step is called with the connection's descriptor until it returns true: first
// to write, then whenever something came.
func (s *swap) step(fd uintptr) bool {
	if len(s.out) > 0 {
		n, err := again(syscall.Write, fd, s.out)
		s.out = s.out[max(n, 0):]
		switch {
		case err != nil && err != syscall.EAGAIN: //nolint:errorlint // an Errno, never wrapped
			s.err = err
		case len(s.out) == 0:
			return false
		}
		return true // the rest waits for room, as writes do
	}
	n, err := again(syscall.Read, fd, s.in)
	switch {
	case n > 0:
		s.n = n
	case err == syscall.EAGAIN: //nolint:errorlint // as above
		return false
	case err != nil:
		s.err = err
	default:
		s.err = io.EOF
	}
	return true
}

// again repeats a call that a signal interrupted.
func again(call func(int, []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := call(int(fd), p)
		if err != syscall.EINTR { //nolint:errorlint // an Errno, never wrapped
			return n, err
		}
	}
}

// ask sends b with the read that follows, or now where the connection cannot.
func (c *conn) ask(b []byte, d time.Duration) error {
	if c.swap.run == nil {
		return c.write(b, d)
	}
	c.swap.out, c.swap.limit = b, d
	return nil
}

// read reads into p. What ask has left goes out before.
func (c *conn) read(p []byte) (int, error) {
	s := &c.swap
	if len(s.out) == 0 {
		return c.nc.Read(p) //nolint:wrapcheck // the call does
	}
	s.in, s.n, s.err = p, 0, nil
	err := c.raw.Read(s.run)
	s.in = nil
	switch {
	case s.n > 0 || s.err != nil:
		s.out = nil
		return s.n, s.err
	case err != nil: // what did not go out does with the next read
		return 0, err //nolint:wrapcheck // the call does
	}
	rest := s.out
	s.out = nil
	if err := c.write(rest, s.limit); err != nil {
		return 0, err
	}
	return c.nc.Read(p) //nolint:wrapcheck // the call does
}
