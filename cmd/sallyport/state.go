package main

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/internal/policy"
	"github.com/sallyport/sallyport/risks"
)

// state says where a gateway keeps its state, for commands that look at it
// from outside. They take no lock: the gateway may be running.
type state struct {
	State  folder `placeholder:"DIR" env:"SALLYPORT_STATE" help:"Folder in which the gateway keeps its state (default: what the policy says, or ${state})."`
	Config string `short:"c" placeholder:"FILE" help:"The policy that may name that folder (default: sallyport.yaml, where it lies here)."`

	prefix string        // of new keys, as the policy says
	life   time.Duration // as above
}

// AfterApply reads the policy, when there is one: it may name the folder, and
// what new keys are like.
func (s *state) AfterApply(c *console) error {
	named := s.State != ""
	if !named {
		s.State = folder(app.DefaultState(c.getenv))
	}
	name := s.Config
	if name == "" && named {
		return nil
	}
	if name == "" {
		if _, err := os.Stat(app.PolicyFile); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		name = app.PolicyFile
	}
	p, list := policy.Load(policy.Input{Name: name, Risks: risks.All()})
	if p == nil {
		// To go on in another folder than the gateway's would be worse.
		return errors.Join(app.ErrUsage, list)
	}
	if p.State.Value != "" && !named {
		s.State = folder(p.Path(p.State.Value))
	}
	for _, a := range p.APIs {
		if k := a.Auth.APIKey; k.Prefix.Value != "" {
			s.prefix = k.Prefix.Value
		}
		if k := a.Auth.APIKey; k.Expires.Value != 0 {
			s.life = k.Expires.Value
		}
	}
	return nil
}

// dir is the state folder.
func (s *state) dir() string { return string(s.State) }

// givenState is the folder for commands of package app, which finds it itself
// where nothing is said.
type givenState struct {
	State folder `placeholder:"DIR" env:"SALLYPORT_STATE" help:"Folder in which the gateway keeps its state (default: what the policy says, or ${state})."`
}

// A folder is the name of one; "" is none.
type folder string

// UnmarshalText refuses the empty name, which would mean the root.
func (f *folder) UnmarshalText(text []byte) error {
	if *f = folder(text); *f == "" {
		return errors.New("the name of the folder is empty")
	}
	return nil
}

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
