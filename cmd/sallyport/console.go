package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

// A console is what a command has of the world: nothing of it is global.
type console struct {
	in          io.Reader
	out         io.Writer // data
	err         io.Writer // everything else
	environ     []string  // "NAME=value"
	clock       clock.Clock
	rand        io.Reader
	outTerminal bool
	errTerminal bool
}

// getenv is the value of a variable, or "".
func (c *console) getenv(name string) string {
	for i := len(c.environ) - 1; i >= 0; i-- { // the last one counts
		if value, ok := strings.CutPrefix(c.environ[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// print writes data. A reader that is gone, or a full disk, is an error: what
// was asked for did not arrive.
func (c *console) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(c.out, format, args...); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// note tells the user something that is no data. That nobody reads it is no
// reason to stop.
func (c *console) note(format string, args ...any) {
	_, _ = fmt.Fprintf(c.err, format+"\n", args...) //nolint:errcheck // see above
}

// json writes v as one line of data.
func (c *console) json(v any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// A colour is an SGR code.
type colour string

// The colours, for decisions only.
const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// paint colours text on a terminal. NO_COLOR (no-color.org) and TERM=dumb are
// obeyed.
func (c *console) paint(k colour, text string) string {
	if !c.outTerminal || c.getenv("NO_COLOR") != "" || c.getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + string(k) + "m" + text + "\x1b[0m"
}

// output is the flag of commands that print data.
type output struct {
	Output string `short:"o" enum:"text,json" default:"text" placeholder:"FORMAT" help:"What to print: ${enum}. JSON is one object a line."`
}

// json tells whether JSON is wanted.
func (o output) json() bool { return o.Output == "json" }
