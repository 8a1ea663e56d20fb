//go:build !linux

package wire

import "syscall"

// gone tells whether the client closed its side of a connection. Bytes that lie
// unread before that hide it.
func gone(fd syscall.RawConn) bool {
	closed := false
	err := fd.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed = err == nil && n == 0 || err == syscall.ECONNRESET //nolint:errorlint // an Errno, never wrapped
	})
	return err == nil && closed
}
