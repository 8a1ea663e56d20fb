package netx

import "syscall"

// Silent tells whether nothing lies unread on the socket fd, neither bytes nor its
// end. It takes nothing and does not wait; one is room for a byte.
func Silent(fd uintptr, one []byte) bool {
	_, _, err := syscall.Recvfrom(int(fd), one[:1], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err == syscall.EAGAIN || err == syscall.EINTR //nolint:errorlint // an Errno, never wrapped
}
