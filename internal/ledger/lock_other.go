//go:build !unix

package ledger

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// lockFile takes the lock of a ledger by making a file that must not be there.
// After a crash the file has to be removed by hand.
func lockFile(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	return &removed{f}, nil
}

// removed is a lock file that goes when it is let go of.
type removed struct{ *os.File }

// Close closes and removes the file.
func (r *removed) Close() error { return errors.Join(r.File.Close(), os.Remove(r.Name())) }
