package main

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/internal/app"
)

// demoCmd shows what the gateway does.
type demoCmd struct {
	Serve  bool   `help:"Keep the guarded API running after the report, until Ctrl-C."`
	Listen string `placeholder:"URL" help:"Where the guarded API listens (default: a free port)."`
	Admin  string `placeholder:"HOST:PORT" help:"Where its health and metrics are (default: a free port)."`
	State  string `placeholder:"DIR" help:"Folder for its state (default: a temporary one)."`
}

// Help explains the command.
func (demoCmd) Help() string {
	return `Starts a deliberately weak API on loopback, bare and guarded, sends lawful traffic and attacks to both, and prints what each did.

Example:

    sallyport demo`
}

// Run runs the demo.
func (d *demoCmd) Run(ctx context.Context, c *console) error {
	o := app.DemoOptions{Options: guarded{Listen: d.Listen, Admin: d.Admin}.options(c), Serve: d.Serve}
	o.State = d.State
	err := app.Demo(ctx, o)
	if errors.Is(err, app.ErrDemo) {
		c.note("sallyport: %v", err)
		return errFindings
	}
	return err //nolint:wrapcheck // it says what went wrong
}
