package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// gone tells whether the client closed its side of a connection, whatever lies
// unread before that.
func gone(fd syscall.RawConn) bool {
	closed := false
	err := fd.Control(func(fd uintptr) {
		p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}} //nolint:gosec // descriptors are small
		n, err := unix.Poll(p[:], 0)
		closed = err == nil && n > 0 && p[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	return err == nil && closed
}
