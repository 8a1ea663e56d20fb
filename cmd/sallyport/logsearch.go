package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/ledger"
)

// logSearch lists records.
type logSearch struct {
	Since  moment `placeholder:"TIME" help:"Only from then on: 2h or 7d ago, 2026-11-22, or RFC 3339."`
	Until  moment `placeholder:"TIME" help:"Only before then."`
	Limit  int    `placeholder:"N" help:"Only the newest N, at most 100000 (default: all)."`
	filter `embed:""`
	output `embed:""`
	state  `embed:""`
}

// maxLimit bounds what --limit keeps in memory.
const maxLimit = 100_000

// Help explains the command.
func (logSearch) Help() string {
	return `One decision a line, the oldest first. JSON is the stored canonical form: it has no personal fields.

Example:

    sallyport log search --since 24h --decision deny --api orders`
}

// Run prints the records.
func (l *logSearch) Run(ctx context.Context, c *console) error {
	if l.Limit < 0 || l.Limit > maxLimit {
		return wrong(fmt.Sprintf("choose 1 to %d, or leave it out for all", maxLimit), "--limit %d is out of range", l.Limit)
	}
	q, err := l.query()
	if err != nil {
		return err
	}
	now := c.clock.Now()
	q.From, q.To = l.Since.when(now), l.Until.when(now)
	r, done, err := l.reader(c)
	if err != nil {
		return err
	}
	defer done()
	if err := l.can(r); err != nil {
		return err
	}
	n := 0
	for e, err := range newest(l.only(r.Scan(ctx, q)), l.Limit) {
		if err != nil {
			return fmt.Errorf("search the log: %w", err)
		}
		n++
		if err := l.show(c, l.output, e); err != nil {
			return err
		}
	}
	if n == 0 {
		c.note("no record fits")
	}
	return nil
}

// can refuses a search that needs keys which cannot be read.
func (f filter) can(r ledger.Reader) error {
	if f.Subject == "" || r.Keys != nil {
		return nil
	}
	return &lack{misuse{text: "--subject needs the keys of the log, which cannot be read", next: "run as the user of the gateway, or search by --caller"}}
}

// show prints one record.
func (filter) show(c *console, o output, e *event.Event) error {
	if o.json() {
		return canonical(c, e)
	}
	return c.print("%s\n", oneLine(c, e))
}

// newest passes on the last n of events, or all where n is 0.
func newest(events iter.Seq2[*event.Event, error], n int) iter.Seq2[*event.Event, error] {
	if n == 0 {
		return events
	}
	return func(yield func(*event.Event, error) bool) {
		var ring []*event.Event
		next := 0
		for e, err := range events {
			switch {
			case err != nil:
				yield(nil, err)
				return
			case len(ring) < n:
				ring = append(ring, e)
			default:
				ring[next] = e
				next = (next + 1) % n
			}
		}
		for i := range ring {
			if !yield(ring[(next+i)%len(ring)], nil) {
				return
			}
		}
	}
}

// logExport writes records.
type logExport struct {
	Since moment `placeholder:"TIME" help:"Only from then on: 2h or 7d ago, 2026-11-22, or RFC 3339."`
	Until moment `placeholder:"TIME" help:"Only before then."`
	state `embed:""`
}

// Help explains the command.
func (logExport) Help() string {
	return `Every record in the order of the log, byte for byte as it was hashed. Personal fields stay sealed.

Example:

    sallyport log export --since 2026-11-01 > november.jsonl`
}

// Run prints the records.
func (l *logExport) Run(ctx context.Context, c *console) error {
	r, done, err := l.reader(c)
	if err != nil {
		return err
	}
	defer done()
	now := c.clock.Now()
	for e, err := range (ledger.Reader{Dir: r.Dir}).Scan(ctx, ledger.Query{From: l.Since.when(now), To: l.Until.when(now)}) {
		if err != nil {
			return fmt.Errorf("export the log: %w", err)
		}
		if err := canonical(c, e); err != nil {
			return err
		}
	}
	return nil
}

// tailCmd follows the log.
type tailCmd struct {
	filter `embed:""`
	output `embed:""`
	state  `embed:""`
}

// Help explains the command.
func (tailCmd) Help() string {
	return `From now on, until Ctrl-C. The same filters as log search.

Example:

    sallyport tail --decision deny`
}

// Run prints records as they are written.
func (t *tailCmd) Run(ctx context.Context, c *console) error {
	q, err := t.query()
	if err != nil {
		return err
	}
	r, done, err := t.reader(c)
	if err != nil {
		return err
	}
	defer done()
	if err := t.can(r); err != nil {
		return err
	}
	if c.errTerminal {
		c.note("waiting for decisions; Ctrl-C ends")
	}
	for e, err := range t.only(r.Tail(ctx, q)) {
		if ended(ctx, err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("follow the log: %w", err)
		}
		if err := t.show(c, t.output, e); err != nil {
			return err
		}
	}
	return nil
}
