// Command sallyport guards an API, and shows what it did.
package main

import (
	"context"
	"crypto/rand"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

func main() {
	os.Exit(start())
}

// start gives the process to run and returns its exit code. The first SIGINT
// or SIGTERM asks for an orderly end; the second kills.
func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, &console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(),
		clock: clock.System{}, rand: rand.Reader,
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		errTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}, os.Args[1:])
}
