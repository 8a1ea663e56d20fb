package main

import "github.com/sallyport/sallyport/internal/app"

// guarded says what to guard.
type guarded struct {
	To      string `placeholder:"URL" help:"The API to guard, where there is no policy file."`
	OpenAPI string `name:"openapi" placeholder:"FILE|URL" help:"Its OpenAPI document."`
	Listen  string `placeholder:"URL" help:"Where clients come in, such as https://localhost:8443."`
	Admin   string `placeholder:"HOST:PORT" help:"Where health and metrics are, on loopback."`
	Observe bool   `help:"Refuse nothing but what the floor refuses; count what would be."`
	Remote  bool   `name:"remote-refs" help:"Follow references of documents to other hosts."`
}

// options are what every command of package app is told.
func (g guarded) options(c *console) app.Options {
	return app.Options{
		To: g.To, OpenAPI: g.OpenAPI, Listen: g.Listen, Admin: g.Admin, Observe: g.Observe, Remote: g.Remote,
		Terminal: c.errTerminal, Stdout: c.out, Stderr: c.err, Environ: c.environ, Clock: c.clock, Rand: c.rand, Version: thisBuild().Version,
	}
}
