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

// A readFile is what recovery needs of a file that it only reads.
type readFile interface {
	io.ReadCloser
	io.ReaderAt
	io.Seeker
	Stat() (fs.FileInfo, error)
}

// A volume is where the ledger changes files. Tests put faults here: every
// change that the ledger makes to the disk goes through it, but for the store
// into the ring of intents, which is no call. What recovery reads goes through
// it as well, so that a test can count it.
type volume interface {
	read(name string) (readFile, error)
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

func (system) read(name string) (readFile, error) { return openRead(name) }

// openRead opens a file to read it.
func openRead(name string) (readFile, error) {
	f, err := os.Open(name)
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
