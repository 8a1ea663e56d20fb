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

// discard throws away up to n bytes that have come on a connection, at most
// forgoBytes, and tells how many. Whatever goes wrong the next read will tell.
func discard(fd uintptr, n int64) int64 {
	sink := sinks.Get().(*[32 << 10]byte) //nolint:errcheck // the pool holds nothing else
	defer sinks.Put(sink)
	got, _ := syscall.Read(int(fd), sink[:min(n, int64(len(sink)))]) //nolint:errcheck // above
	return int64(max(0, got))
}
