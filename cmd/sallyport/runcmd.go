package main

import (
	"context"

	"github.com/sallyport/sallyport/internal/app"
)

// runCmd runs the gateway.
type runCmd struct {
	Config      string `short:"c" placeholder:"FILE" help:"The policy (default: sallyport.yaml, where it lies here and --to is not given)."`
	PrintKey    bool   `help:"Show the first key although stderr is no terminal."`
	AllowWeaker bool   `help:"Let a reload observe, or switch off, what is enforced."`
	guarded     `embed:""`
	givenState  `embed:""`
}

// Help explains the command.
func (runCmd) Help() string {
	return `Runs until Ctrl-C or SIGTERM, then lets running requests end. A changed policy, document or certificate is taken over at once, or refused whole; SIGHUP asks for that, too.

Example:

    sallyport run --to http://127.0.0.1:8080 --openapi openapi.yaml`
}

// Run runs the gateway until ctx ends.
func (r *runCmd) Run(ctx context.Context, c *console) error {
	o := r.options(c)
	o.Policy, o.State, o.PrintKey, o.AllowWeaker = r.Config, string(r.State), r.PrintKey, r.AllowWeaker
	return app.Run(ctx, o) //nolint:wrapcheck // it says what went wrong
}
