// Package sallyport runs a Sallyport gateway inside another Go program.
//
// It is a facade: every name is an alias of a name in an inner package, where
// its documentation stands. There is no promise of compatibility before
// version 1.0; the command line is the stable way to run a gateway.
package sallyport

import (
	"context"
	"crypto/rand"
	"io"

	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/internal/lib/clock"
)

// Options are what a gateway is told; see their fields. Without Clock and Rand
// those of the system are used; without Stdout and Stderr nothing is printed.
type Options = app.Options

// Running says where a gateway listens. Options.Ready is called with it.
type Running = app.Running

// ErrUsage wraps errors of the configuration: nothing was started, and
// starting again without a change would not help.
var ErrUsage = app.ErrUsage

// Run runs a gateway until ctx ends and then stops it in good order. It starts
// whole or not at all. An error of the configuration wraps ErrUsage.
func Run(ctx context.Context, opt Options) error {
	if opt.Clock == nil {
		opt.Clock = clock.System{}
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	if opt.Stdout == nil {
		opt.Stdout = io.Discard
	}
	if opt.Stderr == nil {
		opt.Stderr = io.Discard
	}
	return app.Run(ctx, opt) //nolint:wrapcheck // an alias adds nothing
}
