package main

import (
	"context"

	"github.com/sallyport/sallyport/internal/app"
)

// doctorCmd looks for what keeps a gateway from working.
type doctorCmd struct {
	Config     string `short:"c" placeholder:"FILE" help:"The policy (default: sallyport.yaml, where it lies here and --to is not given)."`
	guarded    `embed:""`
	givenState `embed:""`
}

// Help explains the command.
func (doctorCmd) Help() string {
	return `Looks at the policy, the documents, the upstreams, certificates, ports, the state folder, the key store and the audit log, and changes nothing. Exit code 1 says that something is wrong.

Example:

    sallyport doctor -c sallyport.yaml`
}

// Run prints a line for each thing it looked at.
func (d *doctorCmd) Run(ctx context.Context, c *console) error {
	o := d.options(c)
	o.Policy, o.State = d.Config, string(d.State)
	failures, err := app.Doctor(ctx, o, c.out)
	if err != nil {
		return err //nolint:wrapcheck // it says what went wrong
	}
	if failures > 0 {
		return errFindings
	}
	return nil
}
