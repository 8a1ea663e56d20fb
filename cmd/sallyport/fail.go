package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
	"github.com/sallyport/sallyport/source"
)

// The exit codes.
const (
	exitOK       = 0
	exitFindings = 1 // findings, or failed tests
	exitUsage    = 2 // the arguments or the configuration are wrong
	exitBroken   = 3 // it could not run
)

// errFindings ends a command that ran and found something: it has said what.
var errFindings = errors.New("there are findings")

// A misuse is an error of who typed the command: exit code 2.
type misuse struct {
	text string // what and where, one lower-case sentence without a full stop
	next string // the next step; may be empty
}

// Error is the text; the next step stands apart.
func (m *misuse) Error() string { return m.text }

// wrong makes a misuse.
func wrong(next, format string, args ...any) error {
	return &misuse{text: fmt.Sprintf(format, args...), next: next}
}

// A lack is something that is missing for a command to run: exit code 3.
type lack struct{ misuse }

// fail prints err and returns the exit code that belongs to it.
func fail(w io.Writer, err error) int {
	var (
		use     *misuse
		missing *lack
		parse   *kong.ParseError
		key     *identity.Error
		stored  *store.Error
		list    source.List
		one     source.Diagnostic
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &missing):
		say(w, "", missing.text, missing.next)
		return exitBroken
	case errors.As(err, &use):
		say(w, "", use.text, use.next)
		return exitUsage
	case errors.As(err, &key):
		say(w, key.Code, key.Text, key.Hint)
		return exitUsage
	case errors.As(err, &stored):
		say(w, stored.Code, stored.Text, stored.Hint)
		return exitBroken
	case errors.As(err, &list):
		for _, d := range list {
			lines(w, d.String())
		}
		return severity(err)
	case errors.As(err, &one):
		lines(w, one.String())
		return severity(err)
	case errors.As(err, &parse):
		say(w, "", redactArgument(clean(parse.Error())), "see: "+helpOf(parse.Context))
		return exitUsage
	case errors.Is(err, context.Canceled):
		say(w, "", "interrupted", "")
		return exitBroken
	}
	say(w, "", redact(clean(err.Error())), "")
	return severity(err)
}

// severity is the exit code of an error of package app.
func severity(err error) int {
	if errors.Is(err, app.ErrUsage) {
		return exitUsage
	}
	return exitBroken
}

// say prints one error: what is wrong, and what to do next.
func say(w io.Writer, code source.Code, text, next string) {
	if code != "" {
		text = string(code) + ": " + text
	}
	lines(w, "sallyport: "+text)
	if next != "" {
		lines(w, "  "+next)
	}
	if code != "" {
		lines(w, "  more: sallyport help "+string(code))
	}
}

func lines(w io.Writer, text string) {
	_, _ = io.WriteString(w, text+"\n") //nolint:errcheck // there is nowhere else to say so
}

// helpOf is the command that explains where parsing stopped.
func helpOf(ctx *kong.Context) string {
	path := "sallyport"
	if ctx != nil {
		if n := ctx.Selected(); n != nil {
			path = n.FullPath()
		} else {
			for _, p := range ctx.Path {
				if p.Command != nil {
					path += " " + p.Command.Name
				}
			}
		}
	}
	return path + " --help"
}

// ours tells whether a function belongs to Sallyport, and is not one of the two
// that deal with panics.
func ours(function string) bool {
	return (strings.HasPrefix(function, "main.") || strings.Contains(function, "sallyport/sallyport/")) &&
		!strings.HasSuffix(function, ".panicked") && !strings.Contains(function, ".run.func")
}

// panicked prints a panic of ours on one line. The value may hold anything, so
// that it is cleaned and keys are taken out.
func panicked(w io.Writer, value any) int {
	where := "an unknown place"
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if ours(f.Function) {
			where = fmt.Sprintf("%s:%d", f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
			break
		}
		if !more {
			break
		}
	}
	lines(w, fmt.Sprintf("sallyport: a fault of ours at %s: %s", where, redact(clean(fmt.Sprint(value)))))
	return exitBroken
}
