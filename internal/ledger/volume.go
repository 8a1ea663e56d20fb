package ledger

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// A file is what the ledger needs of a file.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// A volume is where the ledger changes files. Tests put faults here: every
// change that the ledger makes to the disk goes through it, but for the store
// into the ring of intents, which is no call.
type volume interface {
	open(name string, flag int, mode fs.FileMode) (file, error)
	remove(name string) error
	rename(from, to string) error
	syncDir(dir string) error // makes the names in a folder durable
}

// system is the volume of the machine.
type system struct{}

func (system) open(name string, flag int, mode fs.FileMode) (file, error) {
	f, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (system) remove(name string) error     { return os.Remove(name) }
func (system) rename(from, to string) error { return os.Rename(from, to) }

func (system) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// size is how long a file is; 0 when there is none.
func size(name string) (int64, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
