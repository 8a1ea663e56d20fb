package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/app"
)

// simulator holds the flags of `explain -`.
type simulator struct {
	To        string   `placeholder:"URL" help:"The API that would be guarded, where there is no policy file."`
	OpenAPI   string   `name:"openapi" placeholder:"FILE|URL" help:"Its OpenAPI document."`
	Observe   bool     `help:"Refuse nothing but what the floor refuses; show what would be."`
	As        string   `placeholder:"SUBJECT" help:"Who calls, with every credential that is needed."`
	Scopes    []string `placeholder:"SCOPE" help:"Scopes of the caller, with commas between."`
	Anonymous bool     `help:"Take no key for valid (default: a whole key in the request is)."`
	Reply     string   `placeholder:"FILE" help:"What the upstream answers: a raw HTTP reply, or a body (default: an example, or the least, of the document)."`
}

// used tells whether one of the flags was given.
func (s simulator) used() bool {
	return s.To != "" || s.OpenAPI != "" || s.Observe || s.As != "" || len(s.Scopes) > 0 || s.Anonymous || s.Reply != ""
}

// simulate reads a request from stdin and says what would become of it.
func (s simulator) simulate(ctx context.Context, c *console, out output, config string) error {
	if s.Anonymous && (s.As != "" || len(s.Scopes) > 0) {
		return wrong("leave --anonymous out, or --as and --scopes", "a caller is either anonymous or somebody")
	}
	text, err := pasted(c.in, "stdin")
	if err != nil {
		return err
	}
	if text == "" {
		return wrong("paste an HTTP request or a curl command line into stdin", "there is nothing to simulate")
	}
	sim := app.SimulateOptions{Anonymous: s.Anonymous, As: s.As, Scopes: s.Scopes}
	var notes []string
	if sim.Request, notes, err = parseRequest(text); err != nil {
		return err
	}
	if sim.Reply, err = s.reply(); err != nil {
		return err
	}
	g := guarded{To: s.To, OpenAPI: s.OpenAPI, Observe: s.Observe}
	o := g.options(c)
	o.Policy = config
	got, err := app.Simulate(ctx, o, sim)
	if err != nil {
		return err //nolint:wrapcheck // it says what went wrong
	}
	got.Assumed = append(notes, got.Assumed...)
	if err = show(c, out, got); err == nil && got.Denied() {
		err = errFindings
	}
	return err
}

// show prints a simulation.
func show(c *console, out output, got *app.Simulated) error {
	if out.json() {
		return c.json(struct {
			Simulation bool            `json:"simulation"`
			Assumed    []string        `json:"assumed"`
			Event      json.RawMessage `json:"event"`
		}{true, got.Assumed, event.AppendCanonical(nil, &got.Event)})
	}
	if err := c.print("SIMULATION   nothing was sent, and nothing is recorded\n"); err != nil {
		return err
	}
	for _, a := range got.Assumed {
		if err := c.print("  assumed: %s\n", clean(a)); err != nil {
			return err
		}
	}
	return c.print("%s", explanation(c, []*event.Event{&got.Event}))
}

// reply reads what the upstream is to answer; nil where nothing is said.
func (s simulator) reply() (*app.Reply, error) {
	if s.Reply == "" {
		return nil, nil //nolint:nilnil // see above
	}
	f, err := os.Open(s.Reply)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, wrong("name the file of a reply", "--reply %s is not there", clean(s.Reply))
	}
	if err != nil {
		return nil, &lack{misuse{text: clean(err.Error()), next: "name a file that can be read"}}
	}
	defer f.Close() //nolint:errcheck // read only
	text, err := pasted(f, s.Reply)
	if err != nil {
		return nil, err
	}
	return parseReply(text)
}

// pasted reads at most a byte more than what the parsers take.
func pasted(r io.Reader, name string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPasted+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", clean(name), err)
	}
	return string(b), nil
}
