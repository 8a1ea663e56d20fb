package main

import (
	"context"

	"github.com/sallyport/sallyport/internal/app"
)

// initCmd writes a first policy.
type initCmd struct {
	From string `placeholder:"FILE|URL" help:"The OpenAPI document of the API."`
	To   string `placeholder:"URL" help:"The API to guard (default: http://127.0.0.1:8080)."`
	Out  string `placeholder:"FILE" help:"What to write (default: sallyport.yaml). A file that is there is never overwritten."`
}

// Help explains the command.
func (initCmd) Help() string {
	return `Writes the smallest policy, with comments. All that it does not say is at its safe default.

Example:

    sallyport init --from openapi.yaml --to http://127.0.0.1:8080`
}

// Run writes the file.
func (i *initCmd) Run(ctx context.Context, c *console) error {
	return app.Init(ctx, app.InitOptions{Options: guarded{To: i.To}.options(c), From: i.From, Out: i.Out}) //nolint:wrapcheck // it says what went wrong
}
