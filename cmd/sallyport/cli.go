package main

import (
	"context"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/sallyport/sallyport/internal/app"
)

// A grammar is the whole command line.
type grammar struct {
	Run        runCmd        `cmd:"" group:"guard" help:"Guard an API."`
	Init       initCmd       `cmd:"" group:"guard" help:"Write a first policy file."`
	Check      checkCmd      `cmd:"" group:"guard" help:"Check the policy, its tests and the design of its APIs."`
	Doctor     doctorCmd     `cmd:"" group:"guard" help:"Look for what keeps a gateway from working."`
	Demo       demoCmd       `cmd:"" group:"guard" help:"Show attacks on a weak API, bare and guarded."`
	Key        keyGroup      `cmd:"" group:"records" help:"Make, list and withdraw API keys."`
	Log        logGroup      `cmd:"" group:"log" help:"Search, verify and export the audit log."`
	Tail       tailCmd       `cmd:"" group:"log" help:"Show decisions as they are made."`
	Explain    explainCmd    `cmd:"" group:"log" help:"Say why a request was let through or refused."`
	Risks      risksCmd      `cmd:"" group:"other" help:"List the risks that the gateway stops."`
	Schema     schemaCmd     `cmd:"" group:"other" help:"Print the JSON Schema of the policy file."`
	Completion completionCmd `cmd:"" group:"other" help:"Print a completion script for a shell."`
	Help       helpCmd       `cmd:"" group:"other" help:"Explain a code, a risk, a topic or a command."`
	Version    versionCmd    `cmd:"" group:"other" help:"Print the version."`
}

// groups are the headings of the list of commands.
func groups() kong.Groups {
	return kong.Groups{
		"guard":   "Guard an API:",
		"records": "Records:",
		"log":     "What happened:",
		"other":   "More:",
	}
}

// summary stands above the list of commands.
const summary = `Sallyport guards an API: it lets through what the API's OpenAPI document declares, for callers with a valid credential, and keeps evidence of every decision.

Exit codes: 0 fine, 1 findings or failed tests, 2 wrong usage or configuration, 3 could not run. Data goes to stdout, everything else to stderr.`

// run parses args, runs the command and returns its exit code.
func run(ctx context.Context, c *console, args []string) (code int) {
	defer func() {
		if v := recover(); v != nil {
			code = panicked(c.err, v)
		}
	}()
	ended := false // by --help, which kong expects to end the process
	parser, err := newParser(c, func(int) { ended = true })
	if err != nil {
		return fail(c.err, fmt.Errorf("build the command line: %w", err))
	}
	if len(args) == 0 {
		return fail(c.err, wrong("see: sallyport --help", "no command is given"))
	}
	if len(args) == 1 && args[0] == "--version" { // as people try it
		args = []string{"version"}
	}
	parsed, err := parser.Parse(args)
	if ended {
		return exitOK
	}
	if err != nil {
		return fail(c.err, err)
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return fail(c.err, parsed.Run())
}

// newParser makes the parser of a fresh grammar.
func newParser(c *console, exit func(int)) (*kong.Kong, error) {
	return kong.New(&grammar{},
		kong.Name("sallyport"), kong.Description(summary), groups(),
		kong.Writers(c.out, c.err), kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, FlagsLast: true}),
		kong.Vars{"state": app.DefaultState(c.getenv)}, kong.Bind(c),
	)
}
