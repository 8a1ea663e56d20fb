package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/ledger"
)

// explainCmd explains one decision.
type explainCmd struct {
	ID        string `arg:"" help:"Decision id, or its first ten characters or more; a client finds it in the instance of the problem document. - reads a request from stdin and simulates it."`
	output    `embed:""`
	state     `embed:""`
	simulator `embed:"" group:"A request from stdin:"`
}

// Help explains the command.
func (explainCmd) Help() string {
	return `Shows who called, which risks passed, which one decided and by which line of the policy or the contract, and what happened upstream.

With - it reads a raw HTTP request or a curl command line from stdin and says what a gateway with this policy would do with it. Nothing is sent, executed or recorded. Exit code 1 says that it would be refused.

Example:

    sallyport explain 01JD8V6Q3M7Z9K2T4B6N8R0SWX
    echo "curl -X DELETE https://api.example.com/orders/42" | sallyport explain - --as alice`
}

// Run prints the explanation.
func (x *explainCmd) Run(ctx context.Context, c *console) error {
	if x.ID == "-" {
		return x.simulate(ctx, c, x.output, x.Config)
	}
	if x.used() {
		return wrong("sallyport explain - reads a request from stdin", "a decision that was made needs no more than its id")
	}
	r, done, err := x.reader(c)
	if err != nil {
		return err
	}
	defer done()
	events, err := find(ctx, r, x.ID)
	if errors.Is(err, ledger.ErrNotFound) {
		return wrong("was it another gateway? Name its folder with --state DIR; or look: sallyport log search", "no record in %s has the id %s", clean(r.Dir), redactArgument(clean(x.ID)))
	}
	if err != nil {
		return err
	}
	if x.json() {
		for _, e := range events {
			if err := canonical(c, e); err != nil {
				return err
			}
		}
		return nil
	}
	return c.print("%s", explanation(c, events))
}

// instance stands before the id in problem documents.
const instance = "urn:sallyport:decision:"

// minPrefix is how much of an id says when it was made: all 48 bits of time.
const minPrefix = 10

// find returns the records of an id that may be cut short.
func find(ctx context.Context, r ledger.Reader, text string) ([]*event.Event, error) {
	text = strings.ToUpper(strings.TrimPrefix(text, instance))
	text = strings.TrimRight(text, "…")
	if len(text) < minPrefix || len(text) > event.IDLen {
		return nil, noID(text)
	}
	id, err := event.ParseID(text + strings.Repeat("0", event.IDLen-len(text)))
	if err != nil {
		return nil, noID(text)
	}
	if len(text) < event.IDLen {
		if id, err = complete(ctx, r, text, id); err != nil {
			return nil, err
		}
	}
	events, err := r.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find the decision: %w", err)
	}
	return events, nil
}

func noID(text string) error {
	return wrong(fmt.Sprintf("an id has %d characters of 0-9 and A-Z without I, L, O and U, of which %d are enough", event.IDLen, minPrefix),
		"%q is no decision id", redactArgument(clean(text)))
}

// slack is how far the time of a record may lie from that in its id.
const slack = time.Hour

// complete finds the one id that begins with a prefix.
func complete(ctx context.Context, r ledger.Reader, prefix string, low event.ID) (event.ID, error) {
	at := time.UnixMilli(low.Milli())
	var found event.ID
	for e, err := range r.Scan(ctx, ledger.Query{From: at.Add(-slack), To: at.Add(slack)}) {
		switch {
		case err != nil:
			return event.ID{}, fmt.Errorf("find the decision: %w", err)
		case !strings.HasPrefix(e.ID.String(), prefix) || e.ID == found:
		case found.IsZero():
			found = e.ID
		default:
			return event.ID{}, wrong("give more characters", "%s fits several decisions, %s and %s among them", prefix, found, e.ID)
		}
	}
	if found.IsZero() {
		return event.ID{}, ledger.ErrNotFound
	}
	return found, nil
}
