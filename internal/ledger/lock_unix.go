//go:build unix

package ledger

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lockFile takes the lock of a ledger for this process. The kernel lets go of
// it when the process ends, however it ends.
func lockFile(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return &locked{f}, nil
}

// locked is a file that this process holds the lock of.
type locked struct{ *os.File }

// Close lets go of the lock, also where a child that is just being started
// shares the file, and closes the file.
func (l *locked) Close() error {
	return errors.Join(syscall.Flock(int(l.Fd()), syscall.LOCK_UN), l.File.Close())
}
