//go:build unix

package ledger

import (
	"fmt"
	"syscall"
)

// mapFile maps the first n bytes of a file, which exist, for reading and
// writing. Where the system allows it they stay in memory, so that no store
// waits for the disk.
func mapFile(f file, n int) ([]byte, error) {
	d, ok := f.(interface{ Fd() uintptr })
	if !ok {
		return nil, fmt.Errorf("map a file: it has no descriptor")
	}
	b, err := syscall.Mmap(int(d.Fd()), 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map a file: %w", err)
	}
	_ = syscall.Mlock(b) // a process may have no right to; then a store may wait
	return b, nil
}

func unmapFile(b []byte) error { return syscall.Munmap(b) }
