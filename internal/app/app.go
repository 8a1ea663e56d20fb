// Package app wires the parts into a running Sallyport. It is the only place
// that knows all of them.
package app

import (
	"errors"
	"io"

	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/source"
)

// PolicyFile is the name that is looked for when none is given.
const PolicyFile = "sallyport.yaml"

// Options are what the command line says. The zero value of a field means that
// nothing was said.
type Options struct {
	Policy   string // path of the policy file; "" is PolicyFile in the working folder, if it is there and To is empty
	To       string // URL of an upstream, for a gateway without a policy file
	OpenAPI  string // path or URL of its document
	Listen   string // URL; wins over the policy
	Admin    string // host:port; wins over the policy
	State    string // folder; wins over the policy
	Observe  bool   // every risk but the floor only observes
	PrintKey bool   // show the first key although the output is no terminal
	// AllowWeaker lets a reload put back to observe, or switch off, what is
	// enforced.
	AllowWeaker bool
	Remote      bool // follow references of documents to other hosts
	Terminal    bool // Stderr is a terminal
	Stdout      io.Writer
	Stderr      io.Writer
	Environ     []string // "NAME=value"
	Clock       clock.Clock
	Rand        io.Reader
	Version     string
	// Ready is called when the gateway serves, with the addresses that the
	// system chose where a port was 0; nil is not called.
	Ready func(Running)
}

// Running says where a gateway listens.
type Running struct {
	Gateway []string // URLs
	Admin   string   // URL
	CA      string   // path of the local authority's certificate, or ""
	Key     string   // the first key, when one was made just now and may be shown
}

// ErrUsage wraps what the user has to mend before anything can start: exit
// code 2. Other errors of this package mean that something could not run: 3.
var ErrUsage = errors.New("the configuration cannot be used")

// listError makes an error of diagnostics that keeps them.
type listError struct{ list source.List }

// refusal is the error of a list, with the lines of its places.
func refusal(list source.List) error {
	excerpt(list)
	return listError{list}
}

func (e listError) Error() string   { return e.list.Error() }
func (e listError) Unwrap() []error { return []error{ErrUsage, e.list} }
