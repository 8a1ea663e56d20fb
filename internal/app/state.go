package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/source"
)

// Codes of the diagnostics about the state folder.
const (
	CodeStateDir    source.Code = "state/unusable"
	CodeStateLocked source.Code = "state/locked"
	CodeStateFull   source.Code = "state/full"
)

// A State is the folder in which one gateway keeps what must survive it: keys,
// certificates, the log. It is locked as long as it is open.
type State struct {
	Dir  string
	lock *os.File
}

// DefaultState is where state lies when nothing names a folder:
// $XDG_STATE_HOME/sallyport, or ~/.local/state/sallyport.
func DefaultState(getenv func(string) string) string {
	if d := getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "sallyport")
	}
	if d := getenv("STATE_DIRECTORY"); filepath.IsAbs(d) { // systemd
		return d
	}
	return filepath.Join(getenv("HOME"), ".local", "state", "sallyport")
}

// OpenState makes the folder where it is missing (mode 0700), checks that it
// can be written, and locks it. A second process gets state/locked.
func OpenState(dir string) (*State, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, stateFault(dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		held, _ := os.ReadFile(path) //nolint:errcheck // only for the message
		_ = f.Close()                //nolint:errcheck // nothing was written
		return nil, source.Diagnostic{
			At: source.Span{File: dir}, Code: CodeStateLocked,
			Text: "the state folder is in use by another gateway" + holder(string(held)),
			Hint: "stop that one, or give this one a folder of its own with --state DIR",
		}
	}
	s := &State{Dir: dir, lock: f}
	if err := s.sign(); err != nil {
		s.Close()
		return nil, stateFault(dir, err)
	}
	return s, nil
}

// makeDir makes the folder private. An existing one keeps its owner, and loses
// what group and others may do.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return stateFault(dir, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return stateFault(dir, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return stateFault(dir, err)
		}
	}
	return nil
}

// sign writes our process id, which also proves that the disk takes bytes. It
// is for who reads it now, and not synced: on a busy disk that takes seconds.
func (s *State) sign() error {
	if err := s.lock.Truncate(0); err != nil {
		return err //nolint:wrapcheck // stateFault wraps it
	}
	_, err := s.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err //nolint:wrapcheck // as above
}

func holder(text string) string {
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// stateFault says what is wrong with the folder and what to do.
func stateFault(dir string, err error) error {
	d := source.Diagnostic{At: source.Span{File: dir}, Code: CodeStateDir, Text: fmt.Sprintf("the state folder cannot be used: %v", err), Hint: "give another one with --state DIR"}
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		d.Code, d.Text, d.Hint = CodeStateFull, "the disk of the state folder is full", "free some space there, or give another folder with --state DIR"
	case errors.Is(err, fs.ErrPermission):
		d.Hint = "make it writable for this user, or give another one with --state DIR"
	}
	return d
}

// Path is a file in the folder.
func (s *State) Path(parts ...string) string {
	return filepath.Join(append([]string{s.Dir}, parts...)...)
}

// Close gives the lock back.
func (s *State) Close() {
	_ = s.lock.Close() //nolint:errcheck // the lock goes with the descriptor
}
