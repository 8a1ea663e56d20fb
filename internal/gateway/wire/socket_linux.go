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

// noRoom is where bytes go that are thrown away: nothing is written to it.
var noRoom [forgoBytes]byte

// discard throws away up to n bytes that have come on a connection, at most
// forgoBytes, and tells how many. Whatever goes wrong the next read will tell.
// The kernel does not copy them (tcp(7), MSG_TRUNC).
func discard(fd uintptr, n int64) int64 {
	got, _, _, _, _ := syscall.Recvmsg(int(fd), noRoom[:n], nil, unix.MSG_TRUNC|unix.MSG_DONTWAIT) //nolint:errcheck,dogsled // above
	return int64(max(0, got))
}
