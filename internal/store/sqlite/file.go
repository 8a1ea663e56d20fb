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
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return openError(path, err)
	}
	return errors.Join(secure(file, path), file.Close())
}

// secure takes the rights of others away from a file that has them.
func secure(file *os.File, path string) error {
	info, err := file.Stat()
	if err != nil {
		return openError(path, err)
	}
	if !info.Mode().IsRegular() {
		return openError(path, errNotRegular)
	}
	if info.Mode().Perm() != 0o600 {
		if err := file.Chmod(0o600); err != nil {
			return openError(path, err)
		}
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
