package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/internal/store"
)

// prepare makes the folder and the file with their modes, or checks those
// that are there. Nobody else may write into the folder, for who can exchange
// the file can bring revoked keys back.
func prepare(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return openError(path, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return openError(path, err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return &store.Error{Code: store.CodeExposed, Text: fmt.Sprintf("others may write into the folder of store %s (mode %04o)", path, info.Mode().Perm()),
			Hint: "chmod 0700 " + dir}
	}
	return secure(path)
}

// secure makes the file 0600, or takes the rights of others away from one
// that has them. A file that is there is never opened here: to close it would
// release the POSIX locks of this process on it, those of SQLite among them.
func secure(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = errors.Join(file.Chmod(0o600), file.Close()) // whatever the umask says
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return openError(path, err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return openError(path, err)
	case !info.Mode().IsRegular():
		return openError(path, errNotRegular)
	case info.Mode().Perm() == 0o600:
		return nil
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return openError(path, err)
	}
	return nil
}

var errNotRegular = errors.New("it is not a regular file")

// openError explains why a file cannot be used, by the cause that the system
// gave.
func openError(path string, err error) error {
	cause := err
	var pe *fs.PathError
	if errors.As(err, &pe) {
		cause = pe.Err
	}
	return &store.Error{Code: store.CodeOpen, Text: fmt.Sprintf("store %s cannot be opened: %v", path, cause),
		Hint: "choose a folder that you own and can write to with --state", Err: err}
}
