package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/sallyport/sallyport/internal/app"
)

// state is the flag that names the state folder. A command that only reads
// takes no lock: the gateway may be running.
type state struct {
	State folder `placeholder:"DIR" env:"SALLYPORT_STATE" default:"${state}" help:"Folder in which the gateway keeps its state (default: ${state})."`
}

// A folder is the name of one.
type folder string

// Validate refuses the empty name, which would mean the root.
func (f folder) Validate() error {
	if f == "" {
		return errors.New("the name of the folder is empty")
	}
	return nil
}

// dir is the state folder.
func (s state) dir() string { return string(s.State) }

// stateDir is the folder when nothing names one.
func stateDir(c *console) string { return app.DefaultState(c.getenv) }

// exists tells whether there is a file or folder at path; an error says why
// that cannot be told.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &lack{misuse{text: clean(err.Error()), next: "run as the user of the gateway, or name its folder with --state DIR"}}
	}
	return true, nil
}
